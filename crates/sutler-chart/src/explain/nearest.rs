//! The name that was probably meant.

/// Of the names, the one nearest to `wanted`, if it is near enough to be meant: letters changed, left out, added or swapped, at most
/// one in three, or another case.
pub(super) fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let near = |name: &'n str| {
        let distance = if name.eq_ignore_ascii_case(wanted) { 0 } else { distance(wanted, name) };
        let most = (wanted.chars().count().max(name.chars().count()) / 3).max(1);
        (name != wanted && distance <= most).then_some((distance, name))
    };
    names.into_iter().filter_map(near).min().map(|(_, name)| name)
}

/// How many letters have to be changed, left out, added or swapped with the next.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let above = &rows[i - 1];
            let mut least = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + usize::from(a[i - 1] != b[j - 1]));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let names = ["service", "serviceAccount", "image", "replicaCount"];
        assert_eq!(nearest("servcie", names), Some("service"));
        assert_eq!(nearest("Image", names), Some("image"));
        assert_eq!(nearest("replicas", names), None);
        assert_eq!(nearest("x", names), None);
    }
}

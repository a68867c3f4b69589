//! How far two names are apart, to tell a slip from another name.

/// The number of letters to insert, remove, replace or swap with the next (optimal string alignment). Names beyond 128 characters are
/// taken to have nothing in common.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().max(other.len()) > 128 {
        return usize::MAX;
    }
    let mut before = vec![0; other.len() + 1];
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for i in 1..=one.len() {
        let mut row = vec![i; other.len() + 1];
        for j in 1..=other.len() {
            let replaced = last[j - 1] + usize::from(one[i - 1] != other[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_one_or_two() {
        for (one, other, expect) in
            [("role-arn", "role-arn", 0), ("role-arn", "rolearn", 1), ("arn", "anr", 1), ("", "ab", 2)]
        {
            assert_eq!(distance(one, other), expect);
        }
    }
}

//! The order of keys: go-yaml's `keyList`, which counts runs of digits as numbers.

use crate::scalar::Dialect;

/// Sorts entries by key, and drops all but the last of equal keys.
///
/// A merge sort of our own: go-yaml's comparison is no total order (`a`, `01`, `1a` and the like), for which the standard
/// library's may panic. Where it is none, Go's result is random; here it follows from the bytewise order.
pub(super) fn sort_naturally<K: AsRef<str>, V>(mut entries: Vec<(K, V)>, dialect: Dialect) -> Vec<(K, V)> {
    if !entries.is_sorted_by(|a, b| a.0.as_ref() < b.0.as_ref()) {
        entries.sort_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        // Equal keys keep their order in a stable sort: drop every one that is followed by its equal.
        let last: Vec<bool> = (0..entries.len())
            .map(|index| entries.get(index + 1).is_none_or(|next| next.0.as_ref() != entries[index].0.as_ref()))
            .collect();
        let mut last = last.into_iter();
        entries.retain(|_| last.next().unwrap_or(true));
    }
    merge_sort(entries, dialect)
}

fn merge_sort<K: AsRef<str>, V>(mut entries: Vec<(K, V)>, dialect: Dialect) -> Vec<(K, V)> {
    if entries.is_sorted_by(|a, b| !less(b.0.as_ref(), a.0.as_ref(), dialect)) {
        return entries;
    }
    let right = merge_sort(entries.split_off(entries.len() / 2), dialect);
    let left = merge_sort(entries, dialect);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some((a, _)), Some((b, _))) = (left.peek(), right.peek()) {
        let next = if less(b.as_ref(), a.as_ref(), dialect) { right.next() } else { left.next() };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

/// Whether `a` comes before `b`: by the first characters that differ, letters after everything else, digits by the value
/// of the number that they begin.
///
/// v3 differs after a digit: there a letter comes before other characters.
fn less(a: &str, b: &str, dialect: Dialect) -> bool {
    let common: usize = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum();
    let (rest_a, rest_b) = (&a[common..], &b[common..]);
    let (Some(x), Some(y)) = (rest_a.chars().next(), rest_b.chars().next()) else {
        return rest_a.len() < rest_b.len();
    };
    let same = &a[..common];
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x < y,
        (false, false) => {}
        (x_letter, y_letter) => {
            let after_digit = dialect == Dialect::V3 && same.chars().next_back().is_some_and(is_digit);
            return if after_digit { x_letter } else { y_letter };
        }
    }
    // Zeros count where a number has begun before them with another digit.
    let in_number = (x == '0' || y == '0')
        && same.chars().rev().take_while(|character| is_digit(*character)).any(|character| character != '0');
    let (number_a, digits_a) = leading_number(rest_a, in_number);
    let (number_b, digits_b) = leading_number(rest_b, in_number);
    (number_a, digits_a, x) < (number_b, digits_b, y)
}

/// The number that a text begins with, after a 1 if it goes on a number, and how many digits it has. It wraps as Go's.
fn leading_number(text: &str, in_number: bool) -> (i64, usize) {
    let mut number = i64::from(in_number);
    let mut digits = 0;
    for character in text.chars().take_while(|character| is_digit(*character)) {
        number = number.wrapping_mul(10).wrapping_add(i64::from(u32::from(character)) - i64::from(b'0'));
        digits += 1;
    }
    (number, digits)
}

/// As Go's `unicode.IsDigit`, for the digits that occur: those of ASCII.
fn is_digit(character: char) -> bool {
    character.is_ascii_digit()
}

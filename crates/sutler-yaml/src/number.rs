//! Numbers as Go's `strconv` reads and prints them.

/// As `strconv.FormatFloat(value, 'g', -1, bits)`: the shortest digits that read back as the same float of that width, with
/// an exponent of at least two digits where it would be below -4 or above 5.
///
/// `bits` is 32 or 64. Infinities are `+Inf` and `-Inf`, not-a-number is `NaN`.
pub(crate) fn go_float_text(value: f64, bits: u32) -> String {
    let scientific = if bits == 32 { format!("{:e}", value as f32) } else { format!("{value:e}") };
    match scientific.as_str() {
        "inf" => return "+Inf".to_owned(),
        "-inf" => return "-Inf".to_owned(),
        "NaN" => return "NaN".to_owned(),
        _ => {}
    }
    let (sign, unsigned) = match scientific.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", scientific.as_str()),
    };
    let (mantissa, exponent) = unsigned.split_once('e').expect("`{:e}` always prints an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` prints the exponent as an integer");
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = settle_tie(digits, if bits == 32 { f64::from(value as f32) } else { value });
    // With the shortest digits, Go decides as if the precision were 6: 1234567 is 1.234567e+06, 123456 stays.
    if !(-4..6).contains(&exponent) {
        let (head, tail) = digits.split_at(1);
        let point = if tail.is_empty() { "" } else { "." };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{head}{point}{tail}e{exponent_sign}{:02}", exponent.unsigned_abs());
    }
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        let zeros = "0".repeat(whole - digits.len());
        return format!("{sign}{digits}{zeros}");
    }
    let (head, tail) = digits.split_at(whole);
    format!("{sign}{head}.{tail}")
}

/// Where a float lies exactly between two texts of the shortest length, Go takes the even one, Rust the upper one.
fn settle_tie(digits: String, value: f64) -> String {
    // The exact expansion of a tie is one digit longer and ends with 5; that digit alone tells nearly always.
    let expand = |places: usize| -> String {
        let expanded = format!("{:.places$e}", value.abs());
        expanded.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).map(char::from).collect()
    };
    let count = digits.len();
    if count < 2 || !expand(count).ends_with('5') {
        return digits;
    }
    let exact = expand(count + 100);
    let (down, rest) = exact.split_at(count);
    let even = down.ends_with(['0', '2', '4', '6', '8']);
    let tie = rest.starts_with('5') && rest[1..].bytes().all(|byte| byte == b'0');
    if tie && even { down.to_owned() } else { digits }
}

/// As `strconv.ParseInt(text, 0, 64)`, or with a radix given: a sign, then, where the radix is not given, `0x`, `0o`, `0b`
/// or a leading `0` for octal. Underscores are not looked for; go-yaml takes them out before.
pub(crate) fn parse_int(text: &str, radix: Option<u32>) -> Option<i64> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = parse_uint(unsigned, radix)?;
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// As `strconv.ParseUint(text, 0, 64)`, or with a radix given; see [`parse_int`]. There is no sign.
pub(crate) fn parse_uint(text: &str, radix: Option<u32>) -> Option<u64> {
    let (digits, radix) = match (radix, text.as_bytes()) {
        (Some(radix), _) => (text, radix),
        (None, [b'0', b'x' | b'X', _, ..]) => (&text[2..], 16),
        (None, [b'0', b'o' | b'O', _, ..]) => (&text[2..], 8),
        (None, [b'0', b'b' | b'B', _, ..]) => (&text[2..], 2),
        (None, [b'0', _, ..]) => (&text[1..], 8),
        (None, _) => (text, 10),
    };
    // Rust takes a sign where Go does not.
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

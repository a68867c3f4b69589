//! Which texts go-yaml takes for timestamps: four layouts, read as leniently as Go's `time.Parse` reads them.

/// Whether go-yaml's `parseTimestamp` accepts the text: `2001-1-2`, `2001-1-2 3:4:5.6` or `2001-1-2T3:4:5.6Z` (`+07:00`).
pub(super) fn is_timestamp(text: &str) -> bool {
    let mut rest = Rest(text.as_bytes());
    date(&mut rest).is_some()
        && (rest.0.is_empty() || after_space(rest).is_some_and(|end| end) || after_t(rest).is_some_and(|end| end))
}

/// The bytes that are not read yet.
#[derive(Clone, Copy)]
struct Rest<'t>(&'t [u8]);

impl<'t> Rest<'t> {
    fn literal(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        (*first == byte).then_some(())
    }

    /// A number of one or two digits, or of two exactly.
    fn number(&mut self, least: usize) -> Option<u32> {
        let count = self.0.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    }

    fn number_below(&mut self, limit: u32) -> Option<u32> {
        self.number(1).filter(|number| *number < limit)
    }

    /// `.5` or `,5`, of any length, which may be missing.
    fn fraction(&mut self) {
        if let [b'.' | b',', digits @ ..] = self.0 {
            let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if count > 0 {
                self.0 = &digits[count..];
            }
        }
    }
}

fn date(rest: &mut Rest<'_>) -> Option<()> {
    let digits = rest.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits != 4 {
        return None;
    }
    let year = rest.number(2)? * 100 + rest.number(2)?;
    rest.literal(b'-')?;
    let month = rest.number(1).filter(|month| (1..=12).contains(month))?;
    rest.literal(b'-')?;
    let day = rest.number(1)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1..=days).contains(&day).then_some(())
}

fn time(rest: &mut Rest<'_>) -> Option<()> {
    rest.number_below(24)?;
    rest.literal(b':')?;
    rest.number_below(60)?;
    rest.literal(b':')?;
    rest.number_below(60)?;
    rest.fraction();
    Some(())
}

fn after_space(mut rest: Rest<'_>) -> Option<bool> {
    rest.literal(b' ')?;
    while rest.0.first() == Some(&b' ') {
        rest.literal(b' ')?;
    }
    time(&mut rest)?;
    Some(rest.0.is_empty())
}

fn after_t(mut rest: Rest<'_>) -> Option<bool> {
    if !matches!(rest.0.first(), Some(b'T' | b't')) {
        return None;
    }
    rest.0 = &rest.0[1..];
    time(&mut rest)?;
    if rest.0 == b"Z" {
        return Some(true);
    }
    // Go's bounds for the zone include 24 hours and 60 minutes.
    if !matches!(rest.0.first(), Some(b'+' | b'-')) {
        return None;
    }
    rest.0 = &rest.0[1..];
    rest.number(2).filter(|hours| *hours <= 24)?;
    rest.literal(b':')?;
    rest.number(2).filter(|minutes| *minutes <= 60)?;
    Some(rest.0.is_empty())
}

//! What changes in stack.lock, as text.

use sutler_stack::pins::{Pin, PinChange};

use super::column;

/// A line for each chart whose pin changes.
pub(crate) fn changes(changes: &[PinChange]) -> String {
    changes.iter().map(line).collect()
}

fn line(change: &PinChange) -> String {
    let (sign, version) = match (&change.from, &change.to) {
        (None, Some(to)) => ("+", to.version.clone()),
        (Some(from), None) => ("-", from.version.clone()),
        (Some(from), Some(to)) if from.version == to.version && from.digest == to.digest => {
            ("~", format!("{}   {} -> {}", to.version, asked(from), asked(to)))
        }
        // The same version with another content is seen only by its digest.
        (Some(from), Some(to)) if from.version == to.version => {
            ("~", format!("{}   {} -> {}", to.version, short(from), short(to)))
        }
        (Some(from), Some(to)) => ("~", format!("{} -> {}", from.version, to.version)),
        (None, None) => return String::new(),
    };
    format!("  {}{sign} {}{version}\n", column("chart", 11), column(&change.chart, 40))
}

/// What stack.yaml asked for.
fn asked(pin: &Pin) -> &str {
    pin.wanted.as_deref().unwrap_or("any version")
}

/// As much of the digest as tells two of them apart.
fn short(pin: &Pin) -> &str {
    pin.digest.get(.."sha256:".len() + 12).unwrap_or(&pin.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reads_as_what_was_and_what_is() {
        let pin = |version: &str, wanted: Option<&str>, digest: &str| {
            Some(Pin {
                chart: "builtin:a".to_owned(),
                wanted: wanted.map(str::to_owned),
                version: version.to_owned(),
                url: None,
                digest: format!("sha256:{}", digest.repeat(64)),
            })
        };
        let said = |from, to| line(&PinChange { chart: "builtin:a".to_owned(), from, to });
        let head = |sign: &str| format!("  chart      {sign} builtin:a{}", " ".repeat(31));
        assert_eq!(said(None, pin("1", None, "a")), format!("{}1\n", head("+")));
        assert_eq!(said(pin("1", None, "a"), None), format!("{}1\n", head("-")));
        assert_eq!(said(pin("1", None, "a"), pin("2", None, "b")), format!("{}1 -> 2\n", head("~")));
        let other = said(pin("1", None, "a"), pin("1", None, "b"));
        assert_eq!(other, format!("{}1   sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb\n", head("~")));
        let range = said(pin("1", None, "a"), pin("1", Some("~1"), "a"));
        assert_eq!(range, format!("{}1   any version -> ~1\n", head("~")));
    }
}

//! Errors of templates as Helm 4 prints them: parse errors shortened, execution errors over several lines where every link of
//! their chain can be read (Helm's `cleanupParseError` and `reformatExecErrorMsg`).

use sutler_functions::{MESSAGE_END, MESSAGE_START};

use crate::compat::Compatibility;

/// Helm's text for a parse error: only where it is, and what follows the last colon.
pub(super) fn parse_error(file: &str, text: &str) -> String {
    let parts: Vec<&str> = text.split(": ").collect();
    match parts.as_slice() {
        [_, location, .., message] => format!("parse error at ({location}): {message}"),
        [_, location] => format!("parse error at ({location}): {location}"),
        _ => format!("parse error in ({file}): {text}"),
    }
}

/// Helm's text for an execution error.
pub(super) fn execution_error(file: &str, text: &str, compatibility: Compatibility) -> String {
    let text = &*compatibility.execution_text(text);
    let mut parts = text.splitn(3, ": ");
    let (Some(_), Some(location), Some(message)) = (parts.next(), parts.next(), parts.next()) else {
        return format!("execution error in ({file}): {text}");
    };
    if let (Some(start), Some(end)) = (message.find(MESSAGE_START), message.rfind(MESSAGE_END))
        && start + MESSAGE_START.len() <= end
    {
        return format!("execution error at ({location}): {}", &message[start + MESSAGE_START.len()..end]);
    }
    if compatibility == Compatibility::V3 {
        return text.to_owned();
    }
    let mut shown: Vec<Link<'_>> = Vec::new();
    let mut rest = Some(text);
    while let Some(current) = rest {
        let Some(link) = Link::read(current) else { return text.to_owned() };
        rest = cause(current);
        if shown.last() != Some(&link) {
            shown.push(link);
        }
    }
    shown.iter().map(Link::lines).collect::<String>().trim().to_owned()
}

/// The error that another one passes on: Go wraps what functions return, and nothing else.
fn cause(text: &str) -> Option<&str> {
    let (_, message) = text.split_once(">: ")?;
    let (_function, cause) = message.strip_prefix("error calling ")?.split_once(": ")?;
    Some(cause)
}

/// One link of the chain.
#[derive(PartialEq)]
struct Link<'t> {
    location: &'t str,
    /// Function and node, e.g. `executing "a" at <.Values.x>:`.
    executing: Option<(&'t str, &'t str)>,
    message: &'t str,
}

impl<'t> Link<'t> {
    fn read(text: &'t str) -> Option<Link<'t>> {
        let rest = text.strip_prefix("template: ")?;
        if rest.starts_with("no template ") {
            return Some(Link { location: "", executing: None, message: text });
        }
        Link::executing(rest).or_else(|| {
            let (location, message) = rest.rsplit_once(": ")?;
            Some(Link { location, executing: None, message: without_next(message) })
        })
    }

    /// `LOCATION: executing "NAME" at <NODE>: MESSAGE`.
    fn executing(rest: &'t str) -> Option<Link<'t>> {
        let (location, after) = rest.split_once(": executing ")?;
        let (function, after) = after.strip_prefix('"')?.split_once('"')?;
        let (node, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
        Some(Link { location, executing: Some((function, node)), message: without_next(message) })
    }

    fn lines(&self) -> String {
        let mut lines = String::new();
        if !self.location.is_empty() {
            lines.push_str(&format!("{}\n  ", self.location));
        }
        if let Some((function, node)) = self.executing {
            lines.push_str(&format!("executing \"{function}\" at <{node}>:\n    "));
        }
        if !self.message.is_empty() {
            lines.push_str(&format!("{}\n", self.message));
        }
        lines
    }
}

/// A message without the next link, which is printed on lines of its own.
fn without_next(message: &str) -> &str {
    message.find(" template:").map_or(message, |cut| &message[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn helm4(file: &str, text: &str) -> String {
        execution_error(file, text, Compatibility::V4)
    }

    #[test]
    fn parse_errors_keep_their_end() {
        assert_eq!(
            parse_error("c/templates/a.yaml", "template: c/templates/a.yaml:3: function \"nope\" not defined"),
            "parse error at (c/templates/a.yaml:3): function \"nope\" not defined"
        );
        assert_eq!(parse_error("f", "odd"), "parse error in (f): odd");
    }

    #[test]
    fn execution_errors_are_spread_over_lines() {
        // Recorded from Helm 4.1.4.
        let simple = "template: c/templates/a.yaml:1:13: executing \"c/templates/a.yaml\" at <.Values.n.x>: nil pointer evaluating interface {}.x";
        assert_eq!(
            helm4("c/templates/a.yaml", simple),
            "c/templates/a.yaml:1:13\n  executing \"c/templates/a.yaml\" at <.Values.n.x>:\n    nil pointer evaluating interface {}.x"
        );
        let nested = format!(
            "template: c/templates/b.yaml:1:4: executing \"c/templates/b.yaml\" at <include \"i\" .>: error calling include: {}",
            simple.replace("executing \"c/templates/a.yaml\"", "executing \"i\"")
        );
        assert_eq!(
            helm4("c/templates/b.yaml", &nested),
            "c/templates/b.yaml:1:4\n  executing \"c/templates/b.yaml\" at <include \"i\" .>:\n    error calling include:\nc/templates/a.yaml:1:13\n  executing \"i\" at <.Values.n.x>:\n    nil pointer evaluating interface {}.x"
        );
    }

    #[test]
    fn what_a_function_says_keeps_gos_line() {
        let index = "template: c/templates/a.yaml:1:6: executing \"c/templates/a.yaml\" at <index .l 5>: error calling index: index out of range: 5";
        assert_eq!(helm4("c/templates/a.yaml", index), index);
    }

    #[test]
    fn helm_3_shows_gos_line_and_no_types_of_what_was_compared() {
        let line = "template: c/templates/a.yaml:1:3: executing \"c/templates/a.yaml\" at <eq .a 1>: error calling eq: incompatible types for comparison";
        let gos = format!("{line}: float64 and int");
        assert_eq!(execution_error("c/templates/a.yaml", &gos, Compatibility::V3), line);
    }

    #[test]
    fn messages_of_fail_and_required_are_all_that_is_shown() {
        let failed = format!(
            "template: c/templates/a.yaml:1:3: executing \"c/templates/a.yaml\" at <fail \"no\">: error calling fail: {MESSAGE_START}no: way{MESSAGE_END}"
        );
        assert_eq!(helm4("f", &failed), "execution error at (c/templates/a.yaml:1:3): no: way");
    }
}

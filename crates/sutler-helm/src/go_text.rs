//! Text as Go prints it, where the crates below have no word for it.

/// A character as Go's `%q` prints one: `'n'`.
pub(crate) fn quoted_char(character: char) -> String {
    if character == '\'' {
        return "'\\''".to_owned();
    }
    if character == '"' {
        return "'\"'".to_owned();
    }
    let quoted = sutler_chart::go_quoted(&character.to_string());
    format!("'{}'", &quoted[1..quoted.len() - 1])
}

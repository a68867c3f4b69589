//! One record of comma-separated values, as Go's `encoding/csv` reads it: `stringSlice` and `stringToString` flags are such lines.

/// The fields of the first record.
///
/// # Errors
/// Go's message about a stray or missing quote, or `EOF` where there is no record.
pub(crate) fn record(text: &str) -> Result<Vec<String>, String> {
    let mut lines = text.split_inclusive('\n').map(line_of);
    let mut number = 0;
    // Empty lines are no records.
    let first = loop {
        let line = lines.next().ok_or("EOF")?;
        number += 1;
        if line != "\n" {
            break line;
        }
    };
    let start = number;
    let mut fields = Vec::new();
    let mut line = first;
    let mut rest_at = 0;
    loop {
        let rest = line[rest_at..].to_owned();
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut field = String::new();
            let mut rest = quoted.to_owned();
            let mut column = rest_at + 1;
            loop {
                let Some(at) = rest.find('"') else {
                    // The field goes on in the next line, or ends where it must not.
                    field.push_str(&rest);
                    let Some(next) = lines.next() else {
                        let column = column + rest.trim_end_matches('\n').len() + 1;
                        return Err(message(start, number, column, QUOTE));
                    };
                    number += 1;
                    line = next;
                    rest = line.clone();
                    column = 0;
                    continue;
                };
                field.push_str(&rest[..at]);
                column += at + 1;
                rest = rest[at + 1..].to_owned();
                if let Some(after) = rest.strip_prefix('"') {
                    field.push('"');
                    rest = after.to_owned();
                    column += 1;
                } else if let Some(after) = rest.strip_prefix(',') {
                    fields.push(field);
                    rest_at = line.len() - after.len();
                    break;
                } else if rest.is_empty() || rest == "\n" {
                    fields.push(field);
                    return Ok(fields);
                } else {
                    // The column of the quote that should have ended the field.
                    return Err(message(start, number, column, QUOTE));
                }
            }
        } else {
            let end = rest.find(',');
            let field = rest[..end.unwrap_or(rest.len())].trim_end_matches('\n');
            if let Some(at) = field.find('"') {
                return Err(message(start, number, rest_at + at + 1, "bare \" in non-quoted-field"));
            }
            fields.push(field.to_owned());
            match end {
                Some(end) => rest_at += end + 1,
                None => return Ok(fields),
            }
        }
    }
}

const QUOTE: &str = "extraneous or missing \" in quoted-field";

/// A line with its line feed, without a carriage return before it or at the text's end.
fn line_of(line: &str) -> String {
    match line.strip_suffix("\r\n") {
        Some(line) => format!("{line}\n"),
        None => line.strip_suffix('\r').unwrap_or(line).to_owned(),
    }
}

fn message(start: usize, line: usize, column: usize, what: &str) -> String {
    if start == line {
        format!("parse error on line {line}, column {column}: {what}")
    } else {
        format!("record on line {start}; parse error on line {line}, column {column}: {what}")
    }
}

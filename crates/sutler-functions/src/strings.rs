//! Strings: cutting, joining, padding, quoting, cases.

use bstr::ByteSlice;
use sutler_template::types::{ANY, BOOL, INT, STRING, STRING_MAP, STRINGS};
use sutler_template::{Arguments, CallError, Context, Function, List, Map, Str, Value};

use crate::bounds::{self, MOST_BYTES, MOST_PARTS};
use crate::reflect::{end_out_of_range, items, strval};
use crate::words::{self, LongWords};
use crate::{runes, show};

type Answer = Result<Value, CallError>;

pub(crate) static FUNCTIONS: &[Function] = &[
    Function::new("abbrev", &[&INT, &STRING], &STRING, abbrev),
    Function::new("abbrevboth", &[&INT, &INT, &STRING], &STRING, abbrevboth),
    Function::new("camelcase", &[&STRING], &STRING, camelcase),
    Function::variadic("cat", &[], &ANY, &STRING, cat).walking(),
    Function::new("contains", &[&STRING, &STRING], &BOOL, contains),
    Function::new("hasPrefix", &[&STRING, &STRING], &BOOL, has_prefix),
    Function::new("hasSuffix", &[&STRING, &STRING], &BOOL, has_suffix),
    Function::new("hello", &[], &STRING, hello),
    Function::new("indent", &[&INT, &STRING], &STRING, indent),
    Function::new("initials", &[&STRING], &STRING, initials),
    Function::new("join", &[&STRING, &ANY], &STRING, join).walking(),
    Function::new("kebabcase", &[&STRING], &STRING, kebabcase),
    Function::new("lower", &[&STRING], &STRING, lower),
    Function::new("nindent", &[&INT, &STRING], &STRING, nindent),
    Function::new("nospace", &[&STRING], &STRING, nospace),
    Function::new("plural", &[&STRING, &STRING, &INT], &STRING, plural),
    Function::variadic("quote", &[], &ANY, &STRING, quote).walking(),
    Function::new("repeat", &[&INT, &STRING], &STRING, repeat),
    Function::new("replace", &[&STRING, &STRING, &STRING], &STRING, replace),
    Function::new("snakecase", &[&STRING], &STRING, snakecase),
    Function::new("sortAlpha", &[&ANY], &STRINGS, sort_alpha).walking(),
    Function::new("split", &[&STRING, &STRING], &STRING_MAP, split),
    Function::new("splitList", &[&STRING, &STRING], &STRINGS, split_list),
    Function::new("splitn", &[&STRING, &INT, &STRING], &STRING_MAP, splitn),
    Function::variadic("squote", &[], &ANY, &STRING, squote).walking(),
    Function::new("substr", &[&INT, &INT, &STRING], &STRING, substr),
    Function::new("swapcase", &[&STRING], &STRING, swapcase),
    Function::new("title", &[&STRING], &STRING, title),
    Function::new("toString", &[&ANY], &STRING, to_string).walking(),
    Function::new("toStrings", &[&ANY], &STRINGS, to_strings).walking(),
    Function::new("trim", &[&STRING], &STRING, trim),
    Function::new("trimAll", &[&STRING, &STRING], &STRING, trim_all),
    Function::new("trimPrefix", &[&STRING, &STRING], &STRING, trim_prefix),
    Function::new("trimSuffix", &[&STRING, &STRING], &STRING, trim_suffix),
    Function::new("trimall", &[&STRING, &STRING], &STRING, trim_all),
    Function::new("trunc", &[&INT, &STRING], &STRING, trunc),
    Function::new("untitle", &[&STRING], &STRING, untitle),
    Function::new("upper", &[&STRING], &STRING, upper),
    Function::new("wrap", &[&INT, &STRING], &STRING, wrap),
    Function::new("wrapWith", &[&INT, &STRING, &STRING], &STRING, wrap_with),
];

fn bytes<'a>(args: Arguments<'a>, index: usize) -> Result<&'a [u8], CallError> {
    Ok(args.str(index)?.as_bytes())
}

fn hello(_: &mut Context<'_>, _: Arguments<'_>) -> Answer {
    Ok("Hello!".into())
}

fn abbrev(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (width, text) = (args.int(0)?, args.str(1)?);
    if width < 4 {
        return Ok(text.clone().into());
    }
    Ok(text_value(words::abbreviate(text.as_bytes(), 0, width)))
}

fn abbrevboth(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (left, right, text) = (args.int(0)?, args.int(1)?, args.str(2)?);
    if right < 4 || (left > 0 && right < 7) {
        return Ok(text.clone().into());
    }
    Ok(text_value(words::abbreviate(text.as_bytes(), left, right)))
}

/// A string from bytes.
pub(crate) fn text_value(bytes: Vec<u8>) -> Value {
    Value::String(bytes.into())
}

fn camelcase(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(text_value(words::pascal_case(bytes(args, 0)?)))
}

fn snakecase(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(text_value(words::lower_case_with(bytes(args, 0)?, '_')))
}

fn kebabcase(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(text_value(words::lower_case_with(bytes(args, 0)?, '-')))
}

fn swapcase(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(text_value(words::swap_case(bytes(args, 0)?)))
}

fn title(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(text_value(words::title(bytes(args, 0)?)))
}

fn untitle(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(text_value(words::uncapitalize(bytes(args, 0)?)))
}

fn initials(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(text_value(words::initials(bytes(args, 0)?)))
}

fn nospace(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(text_value(words::without_space(bytes(args, 0)?)))
}

fn wrap(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(text_value(words::wrap(bytes(args, 1)?, args.int(0)?, b"", LongWords::Keep)))
}

fn wrap_with(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (width, text) = (args.int(0)?, bytes(args, 2)?);
    // Words alone in a line make as many lines as there are spaces.
    let cuts =
        text.len() / usize::try_from(width).unwrap_or(1).max(1) + text.iter().filter(|byte| **byte == b' ').count();
    bounds::text((cuts + 1).checked_mul(bytes(args, 1)?.len()).and_then(|added| added.checked_add(text.len())))?;
    Ok(text_value(words::wrap(bytes(args, 2)?, args.int(0)?, bytes(args, 1)?, LongWords::Cut)))
}

fn cat(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let parts: Vec<Str> = args.0.iter().filter(|value| !value.is_nil()).map(show::default).collect();
    Ok(text_value(bstr::join(" ", parts.iter().map(Str::as_bytes))))
}

fn contains(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Bool(bytes(args, 1)?.contains_str(bytes(args, 0)?)))
}

fn has_prefix(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Bool(bytes(args, 1)?.starts_with(bytes(args, 0)?)))
}

fn has_suffix(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::Bool(bytes(args, 1)?.ends_with(bytes(args, 0)?)))
}

/// `count` copies, as `strings.Repeat` with its panics.
fn repeated(text: &[u8], count: i64) -> Result<Vec<u8>, CallError> {
    let count = usize::try_from(count).map_err(|_| CallError::new("strings: negative Repeat count"))?;
    match text.len().checked_mul(count) {
        Some(length) if length <= MOST_BYTES => Ok(text.repeat(count)),
        _ => Err(CallError::new("strings: Repeat output length overflow")),
    }
}

fn repeat(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    repeated(bytes(args, 1)?, args.int(0)?).map(text_value)
}

fn indented(prefix: &[u8], spaces: i64, text: &[u8]) -> Answer {
    let pad = repeated(b" ", spaces)?;
    let lines = 1 + text.iter().filter(|byte| **byte == b'\n').count();
    let length = lines.checked_mul(pad.len()).filter(|length| *length <= MOST_BYTES);
    let length = length.ok_or_else(|| CallError::new("strings: Repeat output length overflow"))?;
    let mut out = Vec::with_capacity(prefix.len() + length + text.len());
    out.extend_from_slice(prefix);
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(&pad);
        out.extend_from_slice(line);
    }
    Ok(text_value(out))
}

fn indent(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    indented(b"", args.int(0)?, bytes(args, 1)?)
}

fn nindent(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    indented(b"\n", args.int(0)?, bytes(args, 1)?)
}

fn plural(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (one, many, count) = (args.str(0)?, args.str(1)?, args.int(2)?);
    Ok(if count == 1 { one } else { many }.clone().into())
}

fn quote(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let mut out = Vec::new();
    for (index, value) in args.0.iter().filter(|value| !value.is_nil()).enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(show::quoted(&strval(value)).as_bytes());
    }
    Ok(text_value(out))
}

fn squote(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let mut out = Vec::new();
    for (index, value) in args.0.iter().filter(|value| !value.is_nil()).enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.push(b'\'');
        out.extend_from_slice(show::default(value).as_bytes());
        out.push(b'\'');
    }
    Ok(text_value(out))
}

fn replace(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (old, new, text) = (bytes(args, 0)?, bytes(args, 1)?, args.str(2)?);
    if old == new {
        return Ok(text.clone().into());
    }
    let places = if old.is_empty() { text.len() + 1 } else { text.as_bytes().find_iter(old).count() };
    bounds::text(places.checked_mul(new.len()).and_then(|added| added.checked_add(text.len())))?;
    if old.is_empty() {
        return Ok(text_value(between_runes(text.as_bytes(), new)));
    }
    if !text.as_bytes().contains_str(old) {
        return Ok(text.clone().into());
    }
    Ok(text_value(text.as_bytes().replace(old, new)))
}

/// What `strings.Replace` makes of an empty old text: the new one before every rune and at the end.
fn between_runes(text: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + new.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (_, width) = runes::decode(rest);
        out.extend_from_slice(new);
        out.extend_from_slice(&rest[..width]);
        rest = &rest[width..];
    }
    out.extend_from_slice(new);
    out
}

/// Splits as `strings.SplitN`: at most `limit` parts (all when negative, none when 0); an empty separator splits runes.
fn split_parts<'t>(separator: &[u8], text: &'t [u8], limit: i64) -> Result<Vec<&'t [u8]>, CallError> {
    let limit = match limit {
        0 => return Ok(Vec::new()),
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    let most = if separator.is_empty() { text.len() } else { text.len() / separator.len() };
    if most > MOST_PARTS {
        let count = if separator.is_empty() { text.len() } else { text.find_iter(separator).count() };
        bounds::parts(count.min(limit))?;
    }
    if separator.is_empty() {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let width = if parts.len() + 1 == limit { rest.len() } else { runes::decode(rest).1 };
            let (part, after) = rest.split_at(width);
            parts.push(part);
            rest = after;
        }
        return Ok(parts);
    }
    Ok(text.splitn_str(limit, separator).collect())
}

fn numbered(parts: Vec<&[u8]>) -> Value {
    let entries: Map =
        parts.iter().enumerate().map(|(index, part)| (format!("_{index}"), Value::String((*part).into()))).collect();
    Value::Map(entries.as_type(&STRING_MAP))
}

fn split(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(numbered(split_parts(bytes(args, 0)?, bytes(args, 1)?, -1)?))
}

fn splitn(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(numbered(split_parts(bytes(args, 0)?, bytes(args, 2)?, args.int(1)?)?))
}

fn split_list(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(List::strings(split_parts(bytes(args, 0)?, bytes(args, 1)?, -1)?).into())
}

fn substr(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (start, end, text) = (args.int(0)?, args.int(1)?, bytes(args, 2)?);
    let length = text.len();
    let within = |index: i64| usize::try_from(index).ok().filter(|index| *index <= length);
    if start < 0 {
        let end = within(end).ok_or_else(|| end_out_of_range(end, length))?;
        return Ok(Value::String(text[..end].into()));
    }
    let end = within(end).unwrap_or(length);
    let start = within(start)
        .filter(|start| *start <= end)
        .ok_or_else(|| CallError::new(format!("runtime error: slice bounds out of range [{start}:{end}]")))?;
    Ok(Value::String(text[start..end].into()))
}

fn trunc(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (count, text) = (args.int(0)?, args.str(1)?);
    let length = text.len();
    if let Ok(count) = usize::try_from(count) {
        if length > count {
            return Ok(Value::String(text.as_bytes()[..count].into()));
        }
    } else if let Some(start) = usize::try_from(count.unsigned_abs()).ok().and_then(|count| length.checked_sub(count))
        && start > 0
    {
        return Ok(Value::String(text.as_bytes()[start..].into()));
    }
    Ok(text.clone().into())
}

fn to_string(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(strval(args.any(0)?).into())
}

/// A list of strings without the nils, as sprig's `strslice`.
fn strings_of(value: &Value) -> Vec<Str> {
    match (value, items(value)) {
        (Value::Nil, _) => Vec::new(),
        (_, Some(list)) => list.iter().filter(|item| !item.is_nil()).map(|item| strval(&item)).collect(),
        (value, None) => vec![strval(value)],
    }
}

fn to_strings(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let value = args.any(0)?;
    if let Value::List(list) = value
        && list.go_type().is(&STRINGS)
    {
        return Ok(value.clone());
    }
    Ok(List::strings(strings_of(value)).into())
}

fn join(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let parts = strings_of(args.any(1)?);
    let texts: usize = parts.iter().map(Str::len).sum();
    bounds::text(parts.len().checked_mul(bytes(args, 0)?.len()).and_then(|added| added.checked_add(texts)))?;
    Ok(text_value(bstr::join(bytes(args, 0)?, parts.iter().map(Str::as_bytes))))
}

fn sort_alpha(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let value = args.any(0)?;
    if let Value::List(list) = value
        && list.go_type().is(&STRINGS)
        && list.is_nil()
    {
        return Ok(value.clone());
    }
    let mut strings = if items(value).is_some() { strings_of(value) } else { vec![strval(value)] };
    strings.sort();
    Ok(List::strings(strings).into())
}

fn trim(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    Ok(Value::String(trim_runes(bytes(args, 0)?, runes::is_space).into()))
}

fn trim_all(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let cutset: Vec<char> = runes::runes(bytes(args, 0)?).map(|(_, rune)| rune).collect();
    Ok(Value::String(trim_runes(bytes(args, 1)?, |rune| cutset.contains(&rune)).into()))
}

fn trim_runes(mut text: &[u8], cut: impl Fn(char) -> bool) -> &[u8] {
    while !text.is_empty() {
        let (rune, width) = runes::decode(text);
        if !cut(rune) {
            break;
        }
        text = &text[width..];
    }
    while !text.is_empty() {
        let (rune, width) = match bstr::decode_last_utf8(text) {
            (Some(rune), width) => (rune, width),
            (None, _) => (runes::INVALID, 1),
        };
        if !cut(rune) {
            break;
        }
        text = &text[..text.len() - width];
    }
    text
}

fn trim_prefix(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (prefix, text) = (bytes(args, 0)?, args.str(1)?);
    Ok(text.as_bytes().strip_prefix(prefix).map_or_else(|| text.clone(), Str::from).into())
}

fn trim_suffix(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let (suffix, text) = (bytes(args, 0)?, args.str(1)?);
    Ok(text.as_bytes().strip_suffix(suffix).map_or_else(|| text.clone(), Str::from).into())
}

fn upper(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let text = bytes(args, 0)?;
    Ok(text_value(if text.is_ascii() { text.to_ascii_uppercase() } else { runes::map(text, runes::to_upper) }))
}

fn lower(_: &mut Context<'_>, args: Arguments<'_>) -> Answer {
    let text = bytes(args, 0)?;
    Ok(text_value(if text.is_ascii() { text.to_ascii_lowercase() } else { runes::map(text, runes::to_lower) }))
}

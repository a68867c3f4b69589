//! What an [`Emit`] talks to: scalars and collections in, layout out.

use super::layout::{Layout, Place};
use super::order::sort_naturally;
use super::styles::Style;
use super::{Emit, WriteError, json};
use crate::MAX_DEPTH;
use crate::number::go_float_text;
use crate::scalar::{Dialect, Scalar, encode_base64, is_old_bool, resolve};

/// Takes what a value is and writes it; given to [`Emit::emit`].
pub struct Emitter {
    layout: Layout,
    dialect: Dialect,
    depth: usize,
    /// Where the value that comes next stands.
    place: Place,
}

/// The value as `sigs.k8s.io/yaml`'s `Marshal` writes it, which is Helm's `toYaml` plus the last line break: through JSON,
/// then go-yaml v2.
///
/// # Errors
///
/// Values that JSON cannot hold, strings with control characters, nesting deeper than [`crate::MAX_DEPTH`].
pub fn write<T: Emit + ?Sized>(value: &T) -> Result<String, WriteError> {
    write_in(Dialect::V2, value)
}

/// The value as go-yaml v3's encoder writes it with an indent of two, which is Helm's `toYamlPretty` plus the last line
/// break: lists are indented, lines are not folded, and nothing goes through JSON.
///
/// # Errors
///
/// Nesting deeper than [`crate::MAX_DEPTH`].
pub fn write_pretty<T: Emit + ?Sized>(value: &T) -> Result<String, WriteError> {
    write_in(Dialect::V3, value)
}

fn write_in<T: Emit + ?Sized>(dialect: Dialect, value: &T) -> Result<String, WriteError> {
    let mut emitter = Emitter { layout: Layout::new(dialect), dialect, depth: 0, place: Place::Root };
    value.emit(&mut emitter)?;
    Ok(emitter.layout.finish())
}

impl Emitter {
    /// `null`.
    ///
    /// # Errors
    ///
    /// None; the result keeps the methods alike.
    pub fn null(&mut self) -> Result<(), WriteError> {
        self.word("null")
    }

    /// `true` or `false`.
    ///
    /// # Errors
    ///
    /// None; the result keeps the methods alike.
    pub fn bool(&mut self, value: bool) -> Result<(), WriteError> {
        self.word(if value { "true" } else { "false" })
    }

    /// An integer of any of Go's signed types.
    ///
    /// # Errors
    ///
    /// None; the result keeps the methods alike.
    pub fn int(&mut self, value: i64) -> Result<(), WriteError> {
        self.word(&value.to_string())
    }

    /// An integer of any of Go's unsigned types.
    ///
    /// # Errors
    ///
    /// None; the result keeps the methods alike.
    pub fn uint(&mut self, value: u64) -> Result<(), WriteError> {
        self.word(&value.to_string())
    }

    /// A `float64`. Through JSON (`toYaml`) a whole number loses its exponent: 1e6 is `1000000`; toYamlPretty prints `1e+06`.
    ///
    /// # Errors
    ///
    /// Infinities and not-a-number in [`write`](crate::write()).
    pub fn float(&mut self, value: f64) -> Result<(), WriteError> {
        if self.dialect == Dialect::V2 {
            return match json::number(value)? {
                Scalar::Int(value) => self.int(value),
                Scalar::Uint(value) => self.uint(value),
                _ => self.word(&go_float_text(value, 64)),
            };
        }
        match go_float_text(value, 64).as_str() {
            "+Inf" => self.word(".inf"),
            "-Inf" => self.word("-.inf"),
            "NaN" => self.word(".nan"),
            text => self.word(text),
        }
    }

    /// A string.
    ///
    /// # Errors
    ///
    /// Control characters in [`write`](crate::write()), as go-yaml refuses them in the JSON that Helm makes first.
    pub fn string(&mut self, value: &str) -> Result<(), WriteError> {
        match self.dialect {
            Dialect::V2 => {
                let value = json::string(value)?;
                self.text(&value)
            }
            Dialect::V3 => self.text(value),
        }
    }

    /// A Go string, which may hold any bytes: what is not UTF-8 becomes U+FFFD in [`write`](crate::write()) and `!!binary`
    /// in [`write_pretty`].
    ///
    /// # Errors
    ///
    /// As [`Emitter::string`].
    pub fn bytes(&mut self, value: &[u8]) -> Result<(), WriteError> {
        match std::str::from_utf8(value) {
            Ok(text) => self.string(text),
            Err(_) if self.dialect == Dialect::V2 => self.string(&crate::scalar::go_json_text(value)),
            Err(_) => {
                let encoded = encode_base64(value);
                let style = if encoded.contains('\n') { Style::Literal } else { Style::Plain };
                self.layout.tagged_scalar(&encoded, style, self.place);
                Ok(())
            }
        }
    }

    /// A list.
    ///
    /// # Errors
    ///
    /// Those of its items, and nesting deeper than [`crate::MAX_DEPTH`].
    pub fn sequence<T: Emit>(&mut self, items: impl IntoIterator<Item = T>) -> Result<(), WriteError> {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            self.layout.empty_collection("[", "]");
            return Ok(());
        }
        let place = self.place;
        self.enter()?;
        let outer = self.layout.start_sequence(place);
        for item in items {
            self.layout.start_item();
            self.place = Place::Item;
            item.emit(self)?;
        }
        self.layout.end_collection(outer);
        self.depth -= 1;
        Ok(())
    }

    /// A map. The writer sorts the keys in go-yaml's natural order (`a2` before `a10`); of equal keys the last one counts.
    ///
    /// # Errors
    ///
    /// Those of its keys and values, and nesting deeper than [`crate::MAX_DEPTH`].
    pub fn mapping<K: AsRef<str>, V: Emit>(
        &mut self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), WriteError> {
        let entries = sort_naturally(entries.into_iter().collect(), self.dialect);
        if entries.is_empty() {
            self.layout.empty_collection("{", "}");
            return Ok(());
        }
        self.enter()?;
        let outer = self.layout.start_mapping();
        for (key, value) in entries {
            let key = key.as_ref();
            if self.dialect == Dialect::V2 {
                json::check_key(key)?;
            }
            let style = self.style_of(key);
            let simple = self.layout.start_key(key);
            self.layout.scalar(key, style, if simple { Place::SimpleKey } else { Place::Value });
            self.layout.start_value(simple);
            self.place = Place::Value;
            value.emit(self)?;
        }
        self.layout.end_collection(outer);
        self.depth -= 1;
        Ok(())
    }

    fn enter(&mut self) -> Result<(), WriteError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(WriteError::TooDeep) } else { Ok(()) }
    }

    /// A text that needs no quotes.
    fn word(&mut self, text: &str) -> Result<(), WriteError> {
        self.layout.scalar(text, Style::Plain, self.place);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), WriteError> {
        self.layout.scalar(text, self.style_of(text), self.place);
        Ok(())
    }

    /// The style that go-yaml asks its emitter for; the emitter takes a stricter one where it must.
    fn style_of(&self, text: &str) -> Style {
        if text.contains('\n') {
            return Style::Literal;
        }
        let string = matches!(resolve(text, self.dialect), Scalar::String)
            && !is_base60(text)
            && (self.dialect == Dialect::V2 || is_old_bool(text).is_none());
        if string { Style::Plain } else { Style::DoubleQuoted }
    }
}

/// YAML 1.1's numbers to the base 60 (`1:30`), which go-yaml does not read, but quotes for those who do:
/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`
fn is_base60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (digits, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut groups = digits.split(':');
    let first = groups.next().unwrap_or("");
    let counting = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    let minutes = |group: &str| match group.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
        _ => false,
    };
    digits.contains(':')
        && first.starts_with(|first: char| first.is_ascii_digit())
        && first.bytes().all(counting)
        && groups.all(minutes)
        && fraction.bytes().all(counting)
}

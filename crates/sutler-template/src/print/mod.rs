//! Values as text, as Go's `fmt`: [`print`], [`println`] and [`printf`] with all their verbs and flags.
//!
//! The addresses that Go prints for pointers inside other values, functions and `%p` cannot be had; a constant stands
//! for them.

mod flags;
mod float;
mod printf;

use crate::list::List;
use crate::map::Map;
use crate::object::Object;
use crate::types::{self, Kind, Type};
use crate::value::{Value, deepest, on_deep_stack};

use flags::{Flags, Integer, LOWER, UPPER};
use float::Size;

pub use printf::printf;

/// How deep values are printed. Go goes on until its stack of a gigabyte is used up, as it is by a value that contains
/// itself; here three dots stand for what is deeper.
const MAX_DEPTH: usize = deepest(10_000, 300);

/// Where an address would stand.
const ADDRESS: u64 = 0xc000_0000_0000_u64 >> 8;

/// Appends the values, with a space between two neither of which is a string, as Go's `fmt.Sprint`.
///
/// ```
/// use sutler_template::{Value, print};
///
/// let mut out = Vec::new();
/// print(&mut out, &[Value::from("a"), Value::Int(1), Value::Int(2), Value::Float64(1e6)]);
/// assert_eq!(out, b"a1 2 1e+06");
/// ```
pub fn print(out: &mut Vec<u8>, values: &[Value]) {
    let mut after_string = true;
    for (index, value) in values.iter().enumerate() {
        let is_string = value.kind() == Some(Kind::String);
        if index > 0 && !is_string && !after_string {
            out.push(b' ');
        }
        Printer::new(out).argument(value, 'v');
        after_string = is_string;
    }
}

/// Appends the values with spaces between and a newline after them, as Go's `fmt.Sprintln`.
pub fn println(out: &mut Vec<u8>, values: &[Value]) {
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        Printer::new(out).argument(value, 'v');
    }
    out.push(b'\n');
}

/// Appends one value as a template's action does: as [`print`], but what a pointer points to is printed without `&`.
pub(crate) fn print_action(out: &mut Vec<u8>, value: &Value) {
    if let Value::Object(object) = value
        && let Some(text) = object.addressed_string()
    {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    match value {
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Int(value) | Value::Int64(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Object(object) if object.go_type().kind == Kind::Pointer && object.string().is_none() => {
            Printer::new(out).structure(&**object, 'v', 0);
        }
        value => Printer::new(out).argument(value, 'v'),
    }
}

struct Printer<'o> {
    out: &'o mut Vec<u8>,
    flags: Flags,
    /// Whether a wrong verb is being reported, so that no method is called.
    erroring: bool,
}

impl<'o> Printer<'o> {
    fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, flags: Flags::default(), erroring: false }
    }

    /// An argument of a print function.
    fn argument(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.flags.pad(self.out, b"<nil>"),
            // `%w` is for errors that wrap one another.
            (Value::Nil, _) | (_, 'w') => self.bad_verb(value, verb),
            (_, 'T') => self.flags.string(self.out, value.type_name().as_bytes()),
            (_, 'p') => self.pointer(value, verb),
            (Value::List(list), _) if list.go_type().is(&types::BYTES) => self.bytes(list, verb, "[]byte", 0),
            _ => self.value(value, verb, 0),
        }
    }

    /// A value at a depth; 0 for an argument itself.
    fn value(&mut self, value: &Value, verb: char, depth: usize) {
        match value {
            // The nil in an interface: whatever the verb.
            Value::Nil if self.flags.sharp_v => self.out.extend_from_slice(b"interface {}(nil)"),
            Value::Nil => self.out.extend_from_slice(b"<nil>"),
            Value::Bool(bool) => match verb {
                't' | 'v' => self.flags.pad(self.out, if *bool { b"true" } else { b"false" }),
                _ => self.bad_verb(value, verb),
            },
            Value::Float32(float) => self.float(value, f64::from(*float), Size::Bits32, verb),
            Value::Float64(float) => self.float(value, *float, Size::Bits64, verb),
            Value::Complex128(re, im) => self.complex(value, *re, *im, verb),
            Value::String(text) => self.string(value, text.as_bytes(), verb),
            Value::List(list) => self.list(list, verb, depth),
            Value::Map(map) => self.map(map, verb, depth),
            Value::Object(object) => self.object(value, &**object, verb, depth),
            Value::Function(_) => self.pointer(value, verb),
            integer => {
                let number = integer.as_signed().map(Integer::signed);
                let number = number.unwrap_or_else(|| Integer::unsigned(integer.as_unsigned().unwrap_or(0)));
                self.integer(value, number, verb);
            }
        }
    }

    /// `%!d(string=text)`.
    fn bad_verb(&mut self, value: &Value, verb: char) {
        let erroring = std::mem::replace(&mut self.erroring, true);
        self.text("%!");
        self.out.extend_from_slice(verb.encode_utf8(&mut [0; 4]).as_bytes());
        match value {
            Value::Nil => self.text("(<nil>"),
            value => {
                self.text("(");
                self.text(value.type_name());
                self.text("=");
                self.argument(value, 'v');
            }
        }
        self.text(")");
        self.erroring = erroring;
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn integer(&mut self, value: &Value, number: Integer, verb: char) {
        let (flags, out) = (self.flags, &mut *self.out);
        match verb {
            'v' if flags.sharp_v && !number.signed => hexadecimal_with_prefix(flags, out, number.magnitude),
            'v' | 'd' => flags.integer(out, number, 10, verb, LOWER),
            'b' => flags.integer(out, number, 2, verb, LOWER),
            'o' | 'O' => flags.integer(out, number, 8, verb, LOWER),
            'x' => flags.integer(out, number, 16, verb, LOWER),
            'X' => flags.integer(out, number, 16, verb, UPPER),
            'c' => flags.character(out, number),
            'q' => flags.quoted_character(out, number),
            'U' => flags.code_point(out, number),
            _ => self.bad_verb(value, verb),
        }
    }

    fn float(&mut self, value: &Value, float: f64, size: Size, verb: char) {
        match verb {
            'v' => self.flags.float(self.out, float, size, 'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => self.flags.float(self.out, float, size, verb, None),
            'f' | 'e' | 'E' => self.flags.float(self.out, float, size, verb, Some(6)),
            'F' => self.flags.float(self.out, float, size, 'f', Some(6)),
            _ => self.bad_verb(value, verb),
        }
    }

    fn complex(&mut self, value: &Value, re: f64, im: f64, verb: char) {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(value, verb);
        }
        let plus = self.flags.plus;
        self.text("(");
        self.float(value, re, Size::Bits64, verb);
        self.flags.plus = true;
        self.float(value, im, Size::Bits64, verb);
        self.text("i)");
        self.flags.plus = plus;
    }

    fn string(&mut self, value: &Value, text: &[u8], verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.flags.quoted(self.out, text),
            'v' | 's' => self.flags.string(self.out, text),
            'x' => self.flags.hexadecimal(self.out, text, LOWER),
            'X' => self.flags.hexadecimal(self.out, text, UPPER),
            'q' => self.flags.quoted(self.out, text),
            _ => self.bad_verb(value, verb),
        }
    }

    fn list(&mut self, list: &List, verb: char, depth: usize) {
        let is_bytes = list.go_type().elem.is_some_and(|elem| elem.kind == Kind::Uint8);
        if is_bytes && matches!(verb, 's' | 'q' | 'x' | 'X') {
            return self.bytes(list, verb, list.go_type().name, depth);
        }
        self.items(list, verb, depth);
    }

    fn items(&mut self, list: &List, verb: char, depth: usize) {
        if self.flags.sharp_v {
            self.text(list.go_type().name);
            if list.is_nil() {
                return self.text("(nil)");
            }
        }
        let (open, between, close) = if self.flags.sharp_v { ("{", ", ", "}") } else { ("[", " ", "]") };
        self.text(open);
        self.nested(depth, |printer| {
            for (index, item) in list.iter().enumerate() {
                printer.text(if index > 0 { between } else { "" });
                printer.value(&item, verb, depth + 1);
            }
        });
        self.text(close);
    }

    /// A list of bytes, which some verbs print as a string.
    fn bytes(&mut self, list: &List, verb: char, type_name: &str, depth: usize) {
        let bytes = || match list.as_bytes() {
            Some(bytes) => bytes.as_bytes().to_vec(),
            None => list.iter().filter_map(|item| item.as_unsigned()).map(|byte| byte as u8).collect(),
        };
        match verb {
            'v' | 'd' if self.flags.sharp_v => {
                self.text(type_name);
                if list.is_nil() {
                    return self.text("(nil)");
                }
                self.text("{");
                for (index, byte) in bytes().into_iter().enumerate() {
                    self.text(if index > 0 { ", " } else { "" });
                    hexadecimal_with_prefix(self.flags, self.out, u64::from(byte));
                }
                self.text("}");
            }
            's' => self.flags.string(self.out, &bytes()),
            'x' => self.flags.hexadecimal(self.out, &bytes(), LOWER),
            'X' => self.flags.hexadecimal(self.out, &bytes(), UPPER),
            'q' => self.flags.quoted(self.out, &bytes()),
            _ => self.items(list, verb, depth),
        }
    }

    fn map(&mut self, map: &Map, verb: char, depth: usize) {
        if self.flags.sharp_v {
            self.text(map.go_type().name);
            if map.is_nil() {
                return self.text("(nil)");
            }
        }
        let (open, between, close) = if self.flags.sharp_v { ("{", ", ", "}") } else { ("map[", " ", "]") };
        self.text(open);
        self.nested(depth, |printer| {
            for (index, (key, value)) in map.entries().into_iter().enumerate() {
                printer.text(if index > 0 { between } else { "" });
                printer.value(&Value::String(key), verb, depth + 1);
                printer.text(":");
                printer.value(&value, verb, depth + 1);
            }
        });
        self.text(close);
    }

    fn object(&mut self, value: &Value, object: &dyn Object, verb: char, depth: usize) {
        if !self.erroring
            && !self.flags.sharp_v
            && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
            && let Some(text) = object.string()
        {
            return self.string(value, text.as_bytes(), verb);
        }
        if object.go_type().kind == Kind::Pointer {
            if depth > 0 {
                return self.pointer(value, verb);
            }
            self.text("&");
            return self.structure(object, verb, depth + 1);
        }
        match object.underlying() {
            Some(plain) => self.underlying(value, &plain, object.go_type(), verb, depth),
            None => self.structure(object, verb, depth),
        }
    }

    /// A value of a named type, which is printed as its underlying one.
    fn underlying(&mut self, value: &Value, plain: &Value, go_type: &'static Type, verb: char, depth: usize) {
        match plain {
            Value::List(list) => self.list(&list.as_type(go_type), verb, depth),
            Value::Map(map) => self.map(&map.as_type(go_type), verb, depth),
            Value::String(text) => self.string(value, text.as_bytes(), verb),
            Value::Float32(float) => self.float(value, f64::from(*float), Size::Bits32, verb),
            Value::Float64(float) => self.float(value, *float, Size::Bits64, verb),
            Value::Bool(_) | Value::Nil | Value::Object(_) | Value::Function(_) | Value::Complex128(..) => {
                self.value(plain, verb, depth);
            }
            integer => {
                let number = integer.as_signed().map(Integer::signed);
                let number = number.unwrap_or_else(|| Integer::unsigned(integer.as_unsigned().unwrap_or(0)));
                self.integer(value, number, verb);
            }
        }
    }

    fn structure(&mut self, object: &dyn Object, verb: char, depth: usize) {
        let sharp_v = self.flags.sharp_v;
        if sharp_v {
            self.text(object.go_type().name.trim_start_matches('*'));
        }
        self.text("{");
        self.nested(depth, |printer| {
            for (index, (name, value)) in object.printed_fields().into_iter().enumerate() {
                printer.text(match (index, sharp_v) {
                    (0, _) => "",
                    (_, true) => ", ",
                    (_, false) => " ",
                });
                if sharp_v || printer.flags.plus_v {
                    printer.text(name);
                    printer.text(":");
                }
                printer.value(&value, verb, depth + 1);
            }
        });
        self.text("}");
    }

    fn pointer(&mut self, value: &Value, verb: char) {
        if !matches!(value.kind(), Some(Kind::Func | Kind::Map | Kind::Pointer | Kind::Slice)) {
            return self.bad_verb(value, verb);
        }
        match verb {
            'v' if self.flags.sharp_v => {
                self.text("(");
                self.text(value.type_name());
                self.text(")(");
                hexadecimal_with_prefix(self.flags, self.out, ADDRESS);
                self.text(")");
            }
            'v' | 'p' if self.flags.sharp => {
                let flags = Flags { sharp: false, ..self.flags };
                flags.integer(self.out, Integer::unsigned(ADDRESS), 16, 'v', LOWER);
            }
            'v' | 'p' => hexadecimal_with_prefix(self.flags, self.out, ADDRESS),
            'b' | 'o' | 'd' | 'x' | 'X' => self.integer(value, Integer::unsigned(ADDRESS), verb),
            _ => self.bad_verb(value, verb),
        }
    }

    fn nested(&mut self, depth: usize, print: impl FnOnce(&mut Self)) {
        if depth > MAX_DEPTH {
            return self.text("...");
        }
        on_deep_stack(|| print(self));
    }
}

fn hexadecimal_with_prefix(flags: Flags, out: &mut Vec<u8>, number: u64) {
    Flags { sharp: true, ..flags }.integer(out, Integer::unsigned(number), 16, 'v', LOWER);
}

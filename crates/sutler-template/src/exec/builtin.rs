//! The language's own functions. Most take Go's `reflect.Value`: they see whether there is a value at all, and its
//! static type.

use crate::list::List;
use crate::print;
use crate::text::Str;
use crate::types::{self, Kind};
use crate::value::Value;

use super::compare;
use super::escape;
use super::operand::{Operand, zero};

/// A function of the language itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    And,
    Call,
    Html,
    Index,
    Slice,
    Js,
    Len,
    Not,
    Or,
    Print,
    Printf,
    Println,
    Urlquery,
    Eq,
    Ge,
    Gt,
    Le,
    Lt,
    Ne,
}

/// What a builtin's parameters are.
pub(super) enum Parameters {
    /// So many `reflect.Value`s, and more if `variadic`.
    Operands { fixed: usize, variadic: bool },
    /// Any number of `interface {}`.
    Values,
    /// A `string`, then any number of `interface {}`.
    Format,
}

const BY_NAME: [(&str, Builtin); 19] = [
    ("and", Builtin::And),
    ("call", Builtin::Call),
    ("eq", Builtin::Eq),
    ("ge", Builtin::Ge),
    ("gt", Builtin::Gt),
    ("html", Builtin::Html),
    ("index", Builtin::Index),
    ("js", Builtin::Js),
    ("le", Builtin::Le),
    ("len", Builtin::Len),
    ("lt", Builtin::Lt),
    ("ne", Builtin::Ne),
    ("not", Builtin::Not),
    ("or", Builtin::Or),
    ("print", Builtin::Print),
    ("printf", Builtin::Printf),
    ("println", Builtin::Println),
    ("slice", Builtin::Slice),
    ("urlquery", Builtin::Urlquery),
];

/// The names of the language's own functions, in order.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    BY_NAME.iter().map(|(name, _)| *name)
}

impl Builtin {
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        BY_NAME.binary_search_by(|(known, _)| (*known).cmp(name)).ok().map(|index| BY_NAME[index].1)
    }

    pub(crate) fn name(self) -> &'static str {
        BY_NAME.iter().find_map(|(name, builtin)| (*builtin == self).then_some(*name)).unwrap_or_default()
    }

    pub(super) fn parameters(self) -> Parameters {
        let operands = |fixed, variadic| Parameters::Operands { fixed, variadic };
        match self {
            Self::And | Self::Or | Self::Call | Self::Index | Self::Slice | Self::Eq => operands(1, true),
            Self::Len | Self::Not => operands(1, false),
            Self::Ge | Self::Gt | Self::Le | Self::Lt | Self::Ne => operands(2, false),
            Self::Html | Self::Js | Self::Urlquery | Self::Print | Self::Println => Parameters::Values,
            Self::Printf => Parameters::Format,
        }
    }

    /// Runs a function whose parameters are [`Parameters::Operands`], but for `and`, `or` and `call`, which the
    /// engine runs itself.
    pub(super) fn run(self, args: &[Operand]) -> Result<Operand, String> {
        let bool = |result: bool| Operand::Concrete(Value::Bool(result));
        match (self, args) {
            (Self::Not, [arg]) => Ok(bool(!arg.truth())),
            (Self::Len, [arg]) => len(arg),
            (Self::Index, [item, indexes @ ..]) => index(item, indexes),
            (Self::Slice, [item, indexes @ ..]) => slice(item, indexes),
            (Self::Eq, [first, others @ ..]) => compare::equal(first, others).map(bool),
            (Self::Ne, [_, _]) => compare::equal(&args[0], &args[1..]).map(|equal| bool(!equal)),
            (Self::Lt, [a, b]) => compare::less(a, b).map(bool),
            (Self::Ge, [a, b]) => compare::less(a, b).map(|less| bool(!less)),
            (Self::Le, [a, b]) => compare::less_or_equal(a, b).map(bool),
            (Self::Gt, [a, b]) => compare::less_or_equal(a, b).map(|less_or_equal| bool(!less_or_equal)),
            // The engine has counted the arguments by `parameters`.
            _ => Err(format!("wrong number of args for {}", self.name())),
        }
    }

    /// Runs a function whose parameters are [`Parameters::Values`] or [`Parameters::Format`].
    pub(super) fn run_text(self, args: &[Value]) -> Str {
        let mut out = Vec::with_capacity(64);
        match self {
            Self::Print => print::print(&mut out, args),
            Self::Println => print::println(&mut out, args),
            Self::Printf => {
                if let [Value::String(format), values @ ..] = args {
                    print::printf(&mut out, format.as_bytes(), values);
                }
            }
            Self::Js => out = escape::js(&escape::joined(args)),
            Self::Urlquery => out = escape::urlquery(&escape::joined(args)),
            _ => out = escape::html(&escape::joined(args)),
        }
        out.into()
    }
}

/// The type's name in a message about what a pointer points to.
fn pointed_to(value: &Value) -> &'static str {
    value.type_name().trim_start_matches('*')
}

/// What `index`, `slice` and `len` see: the plain value of a named type.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(object) => object.underlying().unwrap_or_else(|| value.clone()),
        other => other.clone(),
    }
}

fn len(operand: &Operand) -> Result<Operand, String> {
    let value = match operand {
        Operand::Invalid => return Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        Operand::Interface(Value::Nil) => return Err("len of nil pointer".to_owned()),
        Operand::Interface(value) | Operand::Concrete(value) => value,
    };
    let len = match plain(value) {
        Value::String(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        _ => return Err(format!("len of type {}", pointed_to(value))),
    };
    Ok(Operand::Concrete(Value::Int(i64::try_from(len).unwrap_or(i64::MAX))))
}

/// An index into something of length `len`, which may also be `len` itself.
fn position(index: &Operand, len: usize) -> Result<usize, String> {
    let Some(value) = index.value() else { return Err("cannot index slice/array with nil".to_owned()) };
    let number = plain(value);
    let number = number.as_signed().or_else(|| number.as_unsigned().map(|number| number as i64));
    let Some(number) = number else { return Err(format!("cannot index slice/array with type {}", value.type_name())) };
    match usize::try_from(number) {
        Ok(position) if position <= len => Ok(position),
        _ => Err(format!("index out of range: {number}")),
    }
}

fn index(item: &Operand, indexes: &[Operand]) -> Result<Operand, String> {
    if item.value().is_none() {
        return Err("index of untyped nil".to_owned());
    }
    let mut item = item.clone().unwrapped();
    for index in indexes {
        let Some(value) = item.value() else { return Err("index of nil pointer".to_owned()) };
        item = match plain(value) {
            Value::List(list) => {
                let position = position(index, list.len())?;
                let element = list.get(position).ok_or("reflect: slice index out of range")?;
                Operand::of_type(element, list.go_type().elem)
            }
            Value::String(text) => {
                let position = position(index, text.len())?;
                let byte = text.as_bytes().get(position).ok_or("reflect: string index out of range")?;
                Operand::Concrete(Value::Uint8(*byte))
            }
            Value::Map(map) => {
                let key = match index.value() {
                    Some(Value::String(key)) => key.clone(),
                    Some(other) => return Err(format!("value has type {}; should be string", other.type_name())),
                    None => return Err("value is nil; should be of type string".to_owned()),
                };
                let elem = map.go_type().elem;
                Operand::of_type(map.get(&key).or_else(|| elem.map(zero)).unwrap_or(Value::Nil), elem)
            }
            _ => return Err(format!("can't index item of type {}", pointed_to(value))),
        };
    }
    Ok(item)
}

fn slice(item: &Operand, indexes: &[Operand]) -> Result<Operand, String> {
    let Some(value) = item.value() else { return Err("slice of untyped nil".to_owned()) };
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let value = plain(value);
    let len = match &value {
        Value::String(_) if indexes.len() == 3 => return Err("cannot 3-index slice a string".to_owned()),
        Value::String(text) => text.len(),
        Value::List(list) => list.len(),
        other => return Err(format!("can't slice item of type {}", pointed_to(other))),
    };
    let mut bounds = [0, len, len];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        // Unlike `index`, Go's `slice` does not look into an interface for the number.
        if let Operand::Interface(_) = index {
            return Err(format!("cannot index slice/array with type {}", types::ANY.name));
        }
        *bound = position(index, len)?;
    }
    let [start, end, capacity] = bounds;
    if start > end {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    if end > capacity {
        return Err(format!("invalid slice index: {end} > {capacity}"));
    }
    Ok(Operand::Concrete(match value {
        Value::String(text) => Value::String(Str::from_bytes(&text.as_bytes()[start..end])),
        Value::List(list) => Value::List(List::slice(&list, start, end)),
        other => other,
    }))
}

/// Whether the value is a kind that can be called.
pub(super) fn is_function(value: &Value) -> bool {
    value.kind() == Some(Kind::Func)
}

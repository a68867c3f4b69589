//! Go's text/template language and its values, in Rust.
//!
//! A [`TemplateSet`] parses templates and executes them on a [`Value`], calling [`Function`]s:
//!
//! ```text
//! text -> parse -> trees -+
//!                         +-> exec (functions, methods of objects) -> print -> output
//! Value ------------------+
//! ```
//!
//! Output, messages and positions are those of Go's `text/template`; the judge is Go itself (see `tests/`). What differs:
//!
//! - Addresses, which Go prints for pointers within other values, for functions and by `%p`, are a constant.
//! - Maps have keys of kind string only. There are no channels, and functions are no iterators.
//! - Lists never change, so `slice` sees no capacity beyond the length. `range` over an integer of a named type gives
//!   integers of the type it is made of.
//! - Control structures nest 10,000 deep, and values are printed to that depth; Go goes on until its stack of a gigabyte
//!   is full, and dies. Compiled to WebAssembly, whose stack cannot grow, the bounds are 150 parentheses, 250 control structures,
//!   300 levels of values and 100 executions through `include` and `tpl`.

mod text;
pub mod types;

mod list;
mod map;
mod object;
#[cfg(feature = "serde")]
mod serde;
mod value;
mod weight;

mod cycles;
mod equality;

mod error;
mod function;

mod set;

mod exec;
mod parse;
mod print;
mod trace;
mod unicode;

#[cfg(feature = "serde")]
pub use self::serde::{SerializeError, to_value};
pub use cycles::CycleScope;
pub use error::{CallError, ExecuteError, Failure, Location, ParseError, Stop, TextError};
pub use exec::{ExecuteOptions, Limits, Usage, builtin_names};
pub use function::{Arguments, Call, Context, Function, Method, MethodCall, Signature};
pub use list::List;
pub use map::{FreezeError, Frozen, Map, NilMapError};
pub use object::Object;
pub use print::{print, printf, println};
pub use set::{FunctionTable, MissingKey, Parsed, TemplateSet};
pub use text::Str;
pub use trace::{Event, Place, Trace, ValuePath};
pub use value::Value;

/// The examples of the README are run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

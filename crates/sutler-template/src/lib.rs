//! Go's text/template language and its values, in Rust.
//!
//! Start with [`Value`] (what templates compute with) and [`Function`] (what they call).

mod text;
pub mod types;

mod list;
mod map;
mod object;
mod value;

mod equality;

mod error;
mod function;

pub use error::{CallError, ExecuteError, ParseError, Stop, TextError};
pub use function::{Arguments, Call, Context, Function, Method, MethodCall, Signature};
pub use list::List;
pub use map::{FreezeError, Frozen, Map, NilMapError};
pub use object::Object;
pub use text::Str;
pub use value::Value;

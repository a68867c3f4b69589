//! What a function of templates is: its name, its Go signature, and the code, which gets checked arguments and a
//! [`Context`] through which it can execute other templates.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::error::{CallError, ExecuteError, TextError};
use crate::list::List;
use crate::map::Map;
use crate::text::Str;
use crate::types::Type;
use crate::value::Value;

/// The Go signature of a function. The engine checks and converts arguments against it as Go's reflection does, so the
/// code behind it sees only values of these types (of kind Slice, Map and Func also nil ones; for `interface {}` any).
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// Types of the fixed parameters.
    pub params: &'static [&'static Type],
    /// The element type of `...T` after them.
    pub variadic: Option<&'static Type>,
    /// The type of the result (an error besides is always possible).
    pub result: &'static Type,
}

/// The code of a function.
pub type Call = fn(&mut Context<'_>, Arguments<'_>) -> Result<Value, CallError>;

/// The code of a method: the receiver comes first.
pub type MethodCall = fn(&mut Context<'_>, &Value, Arguments<'_>) -> Result<Value, CallError>;

/// A function that templates call by name.
///
/// ```
/// use sutler_template::{Arguments, CallError, Context, Function, Value, types};
///
/// fn repeat(_: &mut Context<'_>, args: Arguments<'_>) -> Result<Value, CallError> {
///     let count = usize::try_from(args.int(0)?).map_err(|_| CallError::new("strings: negative Repeat count"))?;
///     Ok(args.str(1)?.as_bytes().repeat(count).into())
/// }
///
/// static FUNCTIONS: &[Function] = &[
///     Function::new("repeat", &[&types::INT, &types::STRING], &types::STRING, repeat),
/// ];
/// # assert_eq!(FUNCTIONS[0].name, "repeat");
/// ```
#[derive(Clone)]
pub struct Function {
    /// The name in templates.
    pub name: &'static str,
    /// The Go signature.
    pub signature: Signature,
    pub(crate) body: Body,
    pub(crate) walks: bool,
}

#[derive(Clone)]
pub(crate) enum Body {
    Plain(Call),
    Closure(Arc<Closure>),
}

type Closure = dyn Fn(&mut Context<'_>, Arguments<'_>) -> Result<Value, CallError> + Send + Sync;

impl Function {
    /// A function with fixed parameters.
    pub const fn new(name: &'static str, params: &'static [&'static Type], result: &'static Type, call: Call) -> Self {
        Self { name, signature: Signature { params, variadic: None, result }, body: Body::Plain(call), walks: false }
    }

    /// A function with parameters and any number of `variadic` ones after them.
    pub const fn variadic(
        name: &'static str,
        params: &'static [&'static Type],
        variadic: &'static Type,
        result: &'static Type,
        call: Call,
    ) -> Self {
        Self {
            name,
            signature: Signature { params, variadic: Some(variadic), result },
            body: Body::Plain(call),
            walks: false,
        }
    }

    /// A function whose code holds data of its own.
    pub fn closure(
        name: &'static str,
        signature: Signature,
        call: impl Fn(&mut Context<'_>, Arguments<'_>) -> Result<Value, CallError> + Send + Sync + 'static,
    ) -> Self {
        Self { name, signature, body: Body::Closure(Arc::new(call)), walks: false }
    }

    /// The same for a function that walks its arguments from end to end, as one that encodes, copies or compares them does: it
    /// is called only where that comes to less than may still be made ([`Limits::output`](crate::Limits::output)), and to less
    /// than 256 MiB.
    #[must_use]
    pub const fn walking(mut self) -> Self {
        self.walks = true;
        self
    }

    /// Runs the code with arguments that the caller has made to fit the signature.
    ///
    /// # Errors
    /// What the function reports.
    pub fn call(&self, ctx: &mut Context<'_>, args: &[Value]) -> Result<Value, CallError> {
        match &self.body {
            Body::Plain(call) => call(ctx, Arguments(args)),
            Body::Closure(call) => call(ctx, Arguments(args)),
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("name", &self.name).field("signature", &self.signature).finish_non_exhaustive()
    }
}

/// A method of a [`Type`], which templates call as `.Field.Name args`.
#[derive(Clone, Copy)]
pub struct Method {
    /// The name in templates.
    pub name: &'static str,
    /// The Go signature, without the receiver.
    pub signature: Signature,
    /// The code.
    pub call: MethodCall,
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method").field("name", &self.name).field("signature", &self.signature).finish_non_exhaustive()
    }
}

/// The arguments of a call, checked and converted against the signature; variadic ones follow the fixed ones.
///
/// The accessors fail only if the code asks for another type than its signature promises.
#[derive(Clone, Copy)]
pub struct Arguments<'a>(pub &'a [Value]);

impl<'a> Arguments<'a> {
    /// How many there are.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The argument at `index`, whatever it is.
    pub fn any(self, index: usize) -> Result<&'a Value, CallError> {
        self.0.get(index).ok_or_else(|| CallError::new(format!("argument {index} is missing")))
    }

    /// The arguments from `start` on.
    pub fn rest(self, start: usize) -> &'a [Value] {
        self.0.get(start..).unwrap_or_default()
    }

    /// A `string`.
    pub fn str(self, index: usize) -> Result<&'a Str, CallError> {
        self.typed(index, "string", Value::as_string)
    }

    /// A signed integer of any size.
    pub fn int(self, index: usize) -> Result<i64, CallError> {
        self.typed(index, "int", Value::as_signed)
    }

    /// A floating-point number of any size.
    pub fn float(self, index: usize) -> Result<f64, CallError> {
        self.typed(index, "float64", Value::as_float)
    }

    /// A `bool`.
    pub fn bool(self, index: usize) -> Result<bool, CallError> {
        self.typed(index, "bool", Value::as_bool)
    }

    /// A map, of whatever type.
    pub fn map(self, index: usize) -> Result<&'a Map, CallError> {
        self.typed(index, "map", Value::as_map)
    }

    /// A list, of whatever type.
    pub fn list(self, index: usize) -> Result<&'a List, CallError> {
        self.typed(index, "slice", Value::as_list)
    }

    fn typed<T>(
        self,
        index: usize,
        expected: &str,
        convert: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, CallError> {
        let value = self.any(index)?;
        convert(value).ok_or_else(|| {
            CallError::new(format!("argument {index} is of type {}; expected {expected}", value.type_name()))
        })
    }
}

/// What a function can reach beyond its arguments: the templates being executed, and the caller's own data.
///
/// `include`, `tpl`, `required` and `lookup` are written with it:
///
/// ```
/// use sutler_template::{Arguments, CallError, Context, Function, Value, types};
///
/// fn include(ctx: &mut Context<'_>, args: Arguments<'_>) -> Result<Value, CallError> {
///     let name = args.str(0)?;
///     *ctx.counter(name) += 1;
///     let result = ctx.execute_template(name, args.any(1)?);
///     *ctx.counter(name) -= 1;
///     Ok(Value::String(result?))
/// }
///
/// static INCLUDE: Function = Function::new("include", &[&types::STRING, &types::ANY], &types::STRING, include);
/// # let _ = &INCLUDE;
/// ```
pub struct Context<'a> {
    host: Option<&'a dyn Any>,
    templates: Option<&'a mut dyn Templates>,
    counter: u64,
}

/// The engine as a function sees it.
pub(crate) trait Templates {
    fn root_name(&self) -> Str;
    fn is_defined(&self, name: &Str) -> bool;
    fn execute_template(&mut self, name: &Str, data: &Value) -> Result<Str, ExecuteError>;
    fn execute_text(&mut self, text: &Str, data: &Value) -> Result<Str, TextError>;
    fn counter(&mut self, key: &Str) -> &mut u64;
}

impl<'a> Context<'a> {
    pub(crate) fn new(host: Option<&'a dyn Any>, templates: &'a mut dyn Templates) -> Self {
        Self { host, templates: Some(templates), counter: 0 }
    }

    /// A context without templates, to call a function outside of any (tests, above all).
    pub fn detached(host: Option<&'a dyn Any>) -> Self {
        Self { host, templates: None, counter: 0 }
    }

    /// The caller's data, if it gave a `T`.
    pub fn host<T: Any>(&self) -> Option<&'a T> {
        self.host?.downcast_ref()
    }

    /// The name of the set of templates, which the text of [`execute_text`](Context::execute_text) goes by.
    pub fn root_name(&self) -> Str {
        self.templates.as_deref().map(Templates::root_name).unwrap_or_default()
    }

    /// Whether a template of that name can be executed now.
    pub fn is_defined(&self, name: &Str) -> bool {
        self.templates.as_deref().is_some_and(|templates| templates.is_defined(name))
    }

    /// Executes the named template with `data` as its dot, and returns its output. Within
    /// [`execute_text`](Context::execute_text), names that the text defines are found first.
    ///
    /// # Errors
    /// If there is no such template (Go's text: `template: no template "x" associated with template "gotpl"`), or
    /// executing it fails.
    pub fn execute_template(&mut self, name: &Str, data: &Value) -> Result<Str, ExecuteError> {
        match self.templates.as_deref_mut() {
            Some(templates) => templates.execute_template(name, data),
            None => Err(ExecuteError::new(format!("template: no template {:?} associated with template \"\"", name))),
        }
    }

    /// Parses `text` as a template with the options and functions of the current set, in a layer over it: what the text
    /// defines is seen by everything executed from it, and by nothing else. Then executes it with `data` as its dot.
    ///
    /// # Errors
    /// If parsing or executing fails; the two are told apart.
    pub fn execute_text(&mut self, text: &Str, data: &Value) -> Result<Str, TextError> {
        match self.templates.as_deref_mut() {
            Some(templates) => templates.execute_text(text, data),
            None => {
                Err(TextError::Execute(ExecuteError::new("template: \"\" has no set to be executed in".to_owned())))
            }
        }
    }

    /// A counter under that key, 0 at first, that lives as long as the outermost execution. Meant for recursion.
    pub fn counter(&mut self, key: &Str) -> &mut u64 {
        match self.templates.as_deref_mut() {
            Some(templates) => templates.counter(key),
            None => &mut self.counter,
        }
    }
}

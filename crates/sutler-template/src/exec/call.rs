//! Calls functions: counts, evaluates, checks and converts arguments as Go's reflection does.

use crate::error::{CallError, ExecuteError};
use crate::function::{Arguments, Context, Function, Method, Signature};
use crate::parse::{Expr, ExprKind};
use crate::types::{self, Kind, Type};
use crate::value::Value;

use super::builtin::{Builtin, Parameters, is_function};
use super::eval::Args;
use super::operand::{Operand, can_be_nil, zero};
use super::{At, Run};

type Result<T, E = ExecuteError> = std::result::Result<T, E>;

/// What can be called by name.
#[derive(Clone, Copy)]
pub(super) enum Code<'c> {
    Function(&'c Function),
    Method(&'static Method, &'c Value),
}

impl Code<'_> {
    fn name(self) -> &'static str {
        match self {
            Code::Function(function) => function.name,
            Code::Method(method, _) => method.name,
        }
    }

    fn walks(self) -> bool {
        matches!(self, Code::Function(function) if function.walks)
    }

    fn signature(self) -> Signature {
        match self {
            Code::Function(function) => function.signature,
            Code::Method(method, _) => method.signature,
        }
    }

    fn run(self, ctx: &mut Context<'_>, args: &[Value]) -> Result<Value, CallError> {
        match self {
            Code::Function(function) => function.call(ctx, args),
            Code::Method(method, receiver) => (method.call)(ctx, receiver, Arguments(args)),
        }
    }
}

/// Arguments collected for a call; few as they mostly are, they need no allocation.
struct Collected<T> {
    few: [T; FEW],
    len: usize,
    many: Vec<T>,
}

const FEW: usize = 4;

impl<T> Collected<T> {
    fn with_capacity(capacity: usize, empty: impl Fn() -> T) -> Self {
        let many = if capacity > FEW { Vec::with_capacity(capacity) } else { Vec::new() };
        Self { few: std::array::from_fn(|_| empty()), len: 0, many }
    }

    fn push(&mut self, value: T) {
        if self.many.capacity() > 0 {
            self.many.push(value);
        } else {
            self.few[self.len] = value;
            self.len += 1;
        }
    }

    fn as_slice(&self) -> &[T] {
        if self.many.capacity() > 0 { &self.many } else { &self.few[..self.len] }
    }
}

impl<'r> Run<'r, '_> {
    /// Calls `code`; its own error is reported at `node`.
    pub(super) fn call(&mut self, dot: &Operand, code: Code<'_>, node: At<'r>, args: Args<'r>) -> Result<Operand> {
        let Signature { params, variadic, result } = code.signature();
        let count = args.exprs.len() + usize::from(args.last.is_some());
        self.check_count(code.name(), params.len(), variadic.is_some(), count, args.exprs.len())?;

        let param = |index: usize| params.get(index).copied().or(variadic).unwrap_or(&types::ANY);
        let mut values = Collected::with_capacity(count, || Value::Nil);
        for (index, expr) in args.exprs.iter().enumerate() {
            values.push(self.argument(dot, param(index), expr)?);
        }
        if let Some(last) = args.last {
            values.push(self.validated(last, param(count - 1))?);
        }

        if code.walks() {
            self.execution.can_walk(values.as_slice())?;
        }
        let host = self.execution.options.host;
        let returned = code.run(&mut Context::new(host, self), values.as_slice());
        match returned {
            Ok(value) => {
                self.execution.made(value.size_if_new())?;
                Ok(Operand::of_type(value, Some(result)))
            }
            Err(error) => Err(self.call_error(node, code.name(), error)),
        }
    }

    fn check_count(&self, name: &str, fixed: usize, variadic: bool, count: usize, written: usize) -> Result<()> {
        if variadic {
            if count < fixed {
                let message = format!("wrong number of args for {name}: want at least {fixed} got {written}");
                return Err(self.error(message));
            }
        } else if count != fixed {
            return Err(self.error(format_args!("wrong number of args for {name}: want {fixed} got {count}")));
        }
        Ok(())
    }

    fn call_error(&mut self, node: At<'r>, name: &str, error: CallError) -> ExecuteError {
        match error {
            CallError::Failed(failure) => {
                self.at = node;
                self.passed_on(name, failure)
            }
            CallError::Stopped(stop) => stop.into(),
        }
    }

    /// Calls a function of the language.
    pub(super) fn call_builtin(
        &mut self,
        dot: &Operand,
        builtin: Builtin,
        node: At<'r>,
        args: Args<'r>,
    ) -> Result<Operand> {
        let count = args.exprs.len() + usize::from(args.last.is_some());
        let (fixed, variadic) = match builtin.parameters() {
            Parameters::Operands { fixed, variadic } => (fixed, variadic),
            Parameters::Values => (0, true),
            Parameters::Format => (1, true),
        };
        self.check_count(builtin.name(), fixed, variadic, count, args.exprs.len())?;
        match (builtin, builtin.parameters()) {
            (Builtin::And | Builtin::Or, _) => self.short_circuit(dot, builtin == Builtin::Or, args),
            (_, Parameters::Operands { .. }) => {
                let mut operands = Collected::with_capacity(count, || Operand::Invalid);
                for expr in args.exprs {
                    operands.push(self.operand(dot, expr)?);
                }
                if let Some(last) = args.last {
                    operands.push(last);
                }
                let returned = match builtin {
                    Builtin::Call => self.call_value(args.exprs.first(), operands.as_slice()),
                    _ => builtin.run(operands.as_slice()).map_err(CallError::new),
                };
                returned.map_err(|error| self.call_error(node, builtin.name(), error))
            }
            (_, parameters) => {
                let formats = matches!(parameters, Parameters::Format);
                let param = |index: usize| if formats && index == 0 { &types::STRING } else { &types::ANY };
                let mut values = Collected::with_capacity(count, || Value::Nil);
                for (index, expr) in args.exprs.iter().enumerate() {
                    values.push(self.argument(dot, param(index), expr)?);
                }
                if let Some(last) = args.last {
                    values.push(self.validated(last, param(count - 1))?);
                }
                self.execution.can_walk(values.as_slice())?;
                let text = builtin.run_text(values.as_slice());
                self.execution.made(text.len())?;
                Ok(Operand::Concrete(Value::String(text)))
            }
        }
    }

    /// `and` and `or`: arguments are evaluated until one decides.
    fn short_circuit(&mut self, dot: &Operand, decisive: bool, args: Args<'r>) -> Result<Operand> {
        let mut value = Operand::Invalid;
        for expr in args.exprs {
            value = self.operand(dot, expr)?;
            if value.truth() == decisive {
                return Ok(value);
            }
        }
        Ok(args.last.unwrap_or(value))
    }

    /// `call`: the first operand is the function.
    fn call_value(&mut self, callee: Option<&Expr>, operands: &[Operand]) -> Result<Operand, CallError> {
        let Some((function, args)) = operands.split_first() else { return Err(CallError::new("call of nil")) };
        let Some(value) = function.value() else { return Err(CallError::new("call of nil")) };
        let name = match (callee, value) {
            (Some(expr), _) => expr.to_string(),
            (None, Value::String(text)) => text.to_string(),
            (None, value) => format!("<{} Value>", value.type_name()),
        };
        let Value::Function(function) = value else {
            debug_assert!(!is_function(value), "only functions are of that kind");
            return Err(CallError::new(format!("non-function {name} of type {}", value.type_name())));
        };
        let Signature { params, variadic, result } = function.signature;
        let wrong =
            |want: String| CallError::new(format!("wrong number of args for {name}: got {} want {want}", args.len()));
        if variadic.is_some() && args.len() < params.len() {
            return Err(wrong(format!("at least {}", params.len())));
        }
        if variadic.is_none() && args.len() != params.len() {
            return Err(wrong(params.len().to_string()));
        }
        let mut values = Vec::with_capacity(args.len());
        for (index, arg) in args.iter().enumerate() {
            let param = params.get(index).copied().or(variadic).unwrap_or(&types::ANY);
            let prepared = prepare(arg.value(), param);
            values.push(prepared.map_err(|message| CallError::new(format!("arg {index}: {message}")))?);
        }
        let host = self.execution.options.host;
        let value = function.call(&mut Context::new(host, self), &values)?;
        Ok(Operand::of_type(value, Some(result)))
    }

    /// An argument for a parameter that takes anything, also no value.
    fn operand(&mut self, dot: &Operand, expr: &'r Expr) -> Result<Operand> {
        self.at = At::Expr(expr);
        match &expr.kind {
            ExprKind::Nil => Ok(Operand::Invalid),
            ExprKind::Bool(value) => Ok(Operand::Concrete(Value::Bool(*value))),
            ExprKind::Number(number) => self.ideal_constant(number),
            ExprKind::String { value, .. } => Ok(Operand::Concrete(value.clone())),
            _ => self.computed(dot, expr),
        }
    }

    /// An argument that is no constant.
    fn computed(&mut self, dot: &Operand, expr: &'r Expr) -> Result<Operand> {
        match &expr.kind {
            ExprKind::Dot => Ok(dot.clone()),
            ExprKind::Field(path) => self.field(dot, expr, path, Args::NONE),
            ExprKind::Variable(variable, path) => self.variable_path(dot, expr, variable.id, path, Args::NONE),
            ExprKind::Pipe(pipe) => self.parenthesized(dot, pipe),
            ExprKind::Function(callee) => self.function(dot, expr, At::Expr(expr), callee, Args::NONE),
            ExprKind::Chain(start, path) => self.chain(dot, expr, start, path, Args::NONE),
            _ => Err(self.error(format_args!("can't handle assignment of {expr} to empty interface argument"))),
        }
    }

    /// An argument for a parameter of type `param`: Go's `evalArg`.
    fn argument(&mut self, dot: &Operand, param: &'static Type, expr: &'r Expr) -> Result<Value> {
        self.at = At::Expr(expr);
        let fail = |message: String| Err(self.error(message));
        match (&expr.kind, param.kind) {
            (ExprKind::Nil, _) if can_be_nil(param) => Ok(zero(param)),
            (ExprKind::Nil, _) => fail(format!("cannot assign nil to {}", param.name)),
            (ExprKind::Bool(value), Kind::Bool | Kind::Interface) => Ok(Value::Bool(*value)),
            (ExprKind::String { value, .. }, Kind::String | Kind::Interface) => Ok(value.clone()),
            (ExprKind::Number(number), Kind::Interface) => self.ideal_constant(number).map(Operand::into_value),
            (ExprKind::Bool(_) | ExprKind::String { .. } | ExprKind::Number(_), kind) => {
                let number = match &expr.kind {
                    ExprKind::Number(number) => Some(&**number),
                    _ => None,
                };
                let (converted, expected) = match kind {
                    Kind::Bool => (None, "bool"),
                    Kind::String => (None, "string"),
                    Kind::Complex128 => {
                        let complex = number.and_then(|number| number.complex);
                        (complex.map(|(re, im)| Value::Complex128(re, im)), "complex")
                    }
                    kind if kind.is_float() => {
                        (number.and_then(|number| number.float).map(|value| float(kind, value)), "float")
                    }
                    kind if kind.is_signed() => {
                        (number.and_then(|number| number.int).map(|value| signed(kind, value)), "integer")
                    }
                    kind if kind.is_unsigned() => {
                        (number.and_then(|number| number.uint).map(|value| unsigned(kind, value)), "unsigned integer")
                    }
                    _ => return fail(format!("can't handle {expr} for arg of type {}", param.name)),
                };
                match converted {
                    Some(value) => Ok(value),
                    None => fail(format!("expected {expected}; found {expr}")),
                }
            }
            _ => {
                let operand = self.computed(dot, expr)?;
                self.validated(operand, param)
            }
        }
    }

    /// The value, if it can be given to a parameter of type `param`: Go's `validateType`.
    fn validated(&self, operand: Operand, param: &'static Type) -> Result<Value> {
        let value = match operand {
            Operand::Invalid if can_be_nil(param) => return Ok(zero(param)),
            Operand::Invalid => return Err(self.error(format_args!("invalid value; expected {}", param.name))),
            Operand::Interface(value) | Operand::Concrete(value) => value,
        };
        if param.kind == Kind::Interface {
            return Ok(value);
        }
        match value.go_type() {
            Some(go_type) if go_type.is_assignable_to(param) => Ok(assigned(value, go_type, param)),
            go_type => {
                let got = go_type.map_or(types::ANY.name, |go_type| go_type.name);
                Err(self.error(format_args!("wrong type for value; expected {}; got {got}", param.name)))
            }
        }
    }
}

/// The value as one of the parameter's type, which has the same structure.
fn assigned(value: Value, go_type: &Type, param: &'static Type) -> Value {
    match value {
        Value::Map(map) if !go_type.is(param) => Value::Map(map.as_type(param)),
        Value::List(list) if !go_type.is(param) => Value::List(list.as_type(param)),
        other => other,
    }
}

/// An argument of `call`: Go's `prepareArg`, which also converts integers.
fn prepare(value: Option<&Value>, param: &'static Type) -> Result<Value, String> {
    let Some(value) = value else {
        return if can_be_nil(param) {
            Ok(zero(param))
        } else {
            Err(format!("value is nil; should be of type {}", param.name))
        };
    };
    if let Some(go_type) = value.go_type().filter(|go_type| go_type.is_assignable_to(param)) {
        return Ok(assigned(value.clone(), go_type, param));
    }
    let bits = value.as_signed().map(|number| number as u64).or_else(|| value.as_unsigned());
    match bits {
        Some(bits) if param.kind.is_signed() => Ok(signed(param.kind, bits as i64)),
        Some(bits) if param.kind.is_unsigned() => Ok(unsigned(param.kind, bits)),
        _ => Err(format!("value has type {}; should be {}", value.type_name(), param.name)),
    }
}

/// A signed integer of that kind; what does not fit is cut off, as Go does.
fn signed(kind: Kind, value: i64) -> Value {
    match kind {
        Kind::Int8 => Value::Int8(value as i8),
        Kind::Int16 => Value::Int16(value as i16),
        Kind::Int32 => Value::Int32(value as i32),
        Kind::Int64 => Value::Int64(value),
        _ => Value::Int(value),
    }
}

/// An unsigned integer of that kind; what does not fit is cut off, as Go does.
fn unsigned(kind: Kind, value: u64) -> Value {
    match kind {
        Kind::Uint8 => Value::Uint8(value as u8),
        Kind::Uint16 => Value::Uint16(value as u16),
        Kind::Uint32 => Value::Uint32(value as u32),
        Kind::Uint64 => Value::Uint64(value),
        _ => Value::Uint(value),
    }
}

fn float(kind: Kind, value: f64) -> Value {
    if kind == Kind::Float32 { Value::Float32(value as f32) } else { Value::Float64(value) }
}

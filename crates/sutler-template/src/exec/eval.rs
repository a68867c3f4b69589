//! Evaluates pipelines, commands and the chains of fields in them.

use crate::error::ExecuteError;
use crate::parse::{Callee, Command, Expr, ExprKind, Ideal, Number, Pipe};
use crate::set::MissingKey;
use crate::text::Str;
use crate::types::Kind;
use crate::unicode;
use crate::value::{Value, on_deep_stack};

use super::call::Code;
use super::operand::{Operand, zero};
use super::{At, Run, Slot};

type Result<T, E = ExecuteError> = std::result::Result<T, E>;

/// The words after a command's first, and the result of the command before it.
pub(super) struct Args<'r> {
    pub(super) exprs: &'r [Expr],
    pub(super) last: Option<Operand>,
}

impl Args<'_> {
    pub(super) const NONE: Self = Self { exprs: &[], last: None };

    fn is_empty(&self) -> bool {
        self.exprs.is_empty() && self.last.is_none()
    }
}

impl<'r> Run<'r, '_> {
    /// The value of the last command; variables declared are on the stack afterwards.
    pub(super) fn pipeline(&mut self, dot: &Operand, pipe: &'r Pipe) -> Result<Operand> {
        self.at = At::Pipe(pipe);
        let mut last = None;
        for (index, command) in pipe.commands.iter().enumerate() {
            let result = self.command(dot, command, last);
            if result.is_err() && self.execution.options.trace.is_some() {
                self.trace_command(dot, pipe, index);
            }
            last = Some(result?.unwrapped());
        }
        let value = last.unwrap_or(Operand::Invalid);
        for variable in &pipe.variables {
            if pipe.assign {
                self.assign(variable.id, &variable.name, value.clone())?;
            } else {
                self.variables.push(Slot { id: variable.id, value: value.clone() });
            }
        }
        Ok(value)
    }

    /// Tells the trace what a command that failed was about: its words, and the command before it.
    #[cold]
    fn trace_command(&self, dot: &Operand, pipe: &Pipe, index: usize) {
        let command = &pipe.commands[index];
        let mut nodes = vec![command.to_string()];
        nodes.extend(command.args.iter().map(ToString::to_string));
        self.trace_values(&nodes, dot, &command.args);
        if let Some(before) = index.checked_sub(1).map(|before| &pipe.commands[before].args)
            && before.len() == 1
        {
            self.trace_values(&nodes, dot, before);
        }
    }

    fn command(&mut self, dot: &Operand, command: &'r Command, last: Option<Operand>) -> Result<Operand> {
        let first = &command.args[0];
        let args = Args { exprs: &command.args[1..], last };
        match &first.kind {
            ExprKind::Field(path) => self.field(dot, first, path, args),
            ExprKind::Chain(start, path) => self.chain(dot, first, start, path, args),
            ExprKind::Function(callee) => self.function(dot, first, At::Command(command), callee, args),
            ExprKind::Pipe(pipe) => {
                self.not_a_function(first, &args)?;
                self.parenthesized(dot, pipe)
            }
            ExprKind::Variable(variable, path) => self.variable_path(dot, first, variable.id, path, args),
            ExprKind::Bool(_) | ExprKind::Dot | ExprKind::Nil | ExprKind::Number(_) | ExprKind::String { .. } => {
                self.at = At::Expr(first);
                self.not_a_function(first, &args)?;
                match &first.kind {
                    ExprKind::Bool(value) => Ok(Operand::Concrete(Value::Bool(*value))),
                    ExprKind::Dot => Ok(dot.clone()),
                    ExprKind::Number(number) => self.ideal_constant(number),
                    ExprKind::String { value, .. } => Ok(Operand::Concrete(value.clone())),
                    _ => Err(self.error("nil is not a command")),
                }
            }
        }
    }

    fn not_a_function(&self, word: &Expr, args: &Args<'r>) -> Result<()> {
        if args.is_empty() {
            return Ok(());
        }
        Err(self.error(format_args!("can't give argument to non-function {word}")))
    }

    pub(super) fn parenthesized(&mut self, dot: &Operand, pipe: &'r Pipe) -> Result<Operand> {
        on_deep_stack(|| self.pipeline(dot, pipe))
    }

    pub(super) fn ideal_constant(&self, number: &Number) -> Result<Operand> {
        match &number.ideal {
            Ideal::Value(value) => Ok(Operand::Concrete(value.clone())),
            Ideal::Overflow => Err(self.error(format_args!("{} overflows int", number.text))),
        }
    }

    /// `.a.b`.
    pub(super) fn field(&mut self, dot: &Operand, node: &'r Expr, path: &'r [Str], args: Args<'r>) -> Result<Operand> {
        self.at = At::Expr(node);
        match self.plain_entry(dot, path, &args) {
            Some(receiver) => self.path(dot, receiver, node, &path[1..], args),
            None => self.path(dot, dot.clone(), node, path, args),
        }
    }

    /// The first field of `path` if it is an entry of a map, which most fields are: got without copying the map's alias.
    fn plain_entry(&self, receiver: &Operand, path: &[Str], args: &Args<'r>) -> Option<Operand> {
        let (first, rest) = path.split_first()?;
        match receiver.value()? {
            Value::Map(map)
                if map.go_type().method(first.as_bytes()).is_none() && (args.is_empty() || !rest.is_empty()) =>
            {
                Some(Operand::of_type(map.get(first)?, map.go_type().elem))
            }
            _ => None,
        }
    }

    /// `(pipeline).a.b`.
    pub(super) fn chain(
        &mut self,
        dot: &Operand,
        node: &'r Expr,
        start: &'r Expr,
        path: &'r [Str],
        args: Args<'r>,
    ) -> Result<Operand> {
        self.at = At::Expr(node);
        if matches!(start.kind, ExprKind::Nil) {
            return Err(self.error(format_args!("indirection through explicit nil in {node}")));
        }
        self.at = At::Expr(start);
        let receiver = match &start.kind {
            ExprKind::Pipe(pipe) => self.parenthesized(dot, pipe)?,
            ExprKind::Function(callee) => self.function(dot, start, At::Expr(start), callee, Args::NONE)?,
            // The parser chains fields only to these two.
            _ => return Err(self.error(format_args!("can't handle {start} for arg of type interface {{}}"))),
        };
        self.path(dot, receiver, node, path, args)
    }

    /// `$x.a.b`.
    pub(super) fn variable_path(
        &mut self,
        dot: &Operand,
        node: &'r Expr,
        id: u32,
        path: &'r [Str],
        args: Args<'r>,
    ) -> Result<Operand> {
        self.at = At::Expr(node);
        let entry = self.variable(id).and_then(|value| self.plain_entry(value, path, &args));
        if let Some(receiver) = entry {
            return self.path(dot, receiver, node, &path[1..], args);
        }
        let Some(value) = self.variable(id).cloned() else {
            let name = match &node.kind {
                ExprKind::Variable(variable, _) => variable.name.clone(),
                _ => Str::EMPTY,
            };
            return Err(self.error(format_args!("undefined variable: {name}")));
        };
        if path.is_empty() {
            self.not_a_function(node, &args)?;
            return Ok(value);
        }
        self.path(dot, value, node, path, args)
    }

    /// The fields of `path` one after the other; the last, if it is a method, gets the arguments.
    fn path(
        &mut self,
        dot: &Operand,
        mut receiver: Operand,
        node: &'r Expr,
        path: &'r [Str],
        args: Args<'r>,
    ) -> Result<Operand> {
        let Some((last, before)) = path.split_last() else { return Ok(receiver) };
        for name in before {
            receiver = self.one_field(dot, &receiver, node, name, Args::NONE)?;
        }
        self.one_field(dot, &receiver, node, last, args)
    }

    fn one_field(
        &mut self,
        dot: &Operand,
        receiver: &Operand,
        node: &'r Expr,
        name: &'r Str,
        args: Args<'r>,
    ) -> Result<Operand> {
        let Some(type_name) = receiver.type_name() else {
            if self.missing_key() == MissingKey::Error {
                let key = unicode::quoted(name.as_bytes());
                return Err(self.error(format_args!("nil data; no entry for key {key}")));
            }
            return Ok(Operand::Invalid);
        };
        let Some(value) = receiver.value() else {
            return Err(self.error(format_args!("nil pointer evaluating {type_name}.{name}")));
        };
        if let Some(method) = value.go_type().and_then(|go_type| go_type.method(name.as_bytes())) {
            return self.call(dot, Code::Method(method, value), At::Expr(node), args);
        }
        match value {
            Value::Map(map) => self.entry(map, name, &args),
            Value::Object(object) => {
                if let Some(Value::Map(map)) = object.underlying() {
                    return self.entry(&map, name, &args);
                }
                match name.as_str().and_then(|name| object.field(name)) {
                    Some(_) if !args.is_empty() => {
                        Err(self.error(format_args!("{name} has arguments but cannot be invoked as function")))
                    }
                    Some(Value::Nil) => Ok(Operand::Interface(Value::Nil)),
                    Some(field) => Ok(Operand::Concrete(field)),
                    None => Err(self.error(format_args!("can't evaluate field {name} in type {type_name}"))),
                }
            }
            _ => Err(self.error(format_args!("can't evaluate field {name} in type {type_name}"))),
        }
    }

    fn entry(&self, map: &crate::Map, name: &Str, args: &Args<'r>) -> Result<Operand> {
        if !args.is_empty() {
            return Err(self.error(format_args!("{name} is not a method but has arguments")));
        }
        let elem = map.go_type().elem;
        if let Some(value) = map.get(name) {
            return Ok(Operand::of_type(value, elem));
        }
        match self.missing_key() {
            MissingKey::Invalid => Ok(Operand::Invalid),
            MissingKey::Zero => Ok(match elem {
                Some(elem) if elem.kind != Kind::Interface => Operand::of_type(zero(elem), Some(elem)),
                _ => Operand::Interface(Value::Nil),
            }),
            MissingKey::Error => {
                Err(self.error(format_args!("map has no entry for key {}", unicode::quoted(name.as_bytes()))))
            }
        }
    }

    /// A function by name; an error of its own is reported at `node`.
    pub(super) fn function(
        &mut self,
        dot: &Operand,
        word: &'r Expr,
        node: At<'r>,
        callee: &'r Callee,
        args: Args<'r>,
    ) -> Result<Operand> {
        self.at = At::Expr(word);
        match callee {
            Callee::Function(function) => self.call(dot, Code::Function(function), node, args),
            Callee::Builtin(builtin) => self.call_builtin(dot, *builtin, node, args),
        }
    }
}

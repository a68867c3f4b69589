//! The parsed tree. Nodes keep their offset in the source for error messages, which print a node as Go does.

use std::fmt::{self, Display, Write};
use std::sync::Arc;

use bstr::ByteSlice;

use crate::exec::Builtin;
use crate::function::Function;
use crate::text::Str;
use crate::value::Value;

use super::number::Number;

/// The text that trees were parsed from.
#[derive(Debug)]
pub(crate) struct Source {
    /// The name of the template that was given to the parser; error messages locate by it.
    pub(crate) name: Str,
    pub(crate) text: Str,
}

impl Source {
    /// Line from 1 and column from 0 in bytes, as Go's `ErrorContext`.
    pub(crate) fn place(&self, pos: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..pos.min(self.text.len())];
        let line = 1 + before.find_iter(b"\n").count();
        let column = before.rfind(b"\n").map_or(pos, |newline| pos - newline - 1);
        (line, column)
    }
}

/// One template's body.
pub(crate) struct Tree {
    pub(crate) source: Arc<Source>,
    pub(crate) root: Block,
    /// How deep nodes are nested; decides how much stack freeing them takes.
    pub(crate) depth: usize,
}

impl Tree {
    /// The bytes of a text node.
    pub(crate) fn text(&self, span: Span) -> &[u8] {
        &self.source.text.as_bytes()[span.start..span.end]
    }

    /// Whether there is nothing but white space and comments in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.root.iter().all(|node| match node {
            Node::Text(span) => self.text(*span).trim_with(char::is_whitespace).is_empty(),
            _ => false,
        })
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if self.depth >= super::SHALLOW {
            let root = std::mem::take(&mut self.root);
            stacker::grow(super::stack_for_freeing(self.depth), move || drop(root));
        }
    }
}

/// Nodes in order.
pub(crate) type Block = Box<[Node]>;

/// A part of the source, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

pub(crate) enum Node {
    /// Text that is written as it stands in the source.
    Text(Span),
    Action(Action),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(TemplateCall),
    Break,
    Continue,
}

/// `{{pipeline}}`.
pub(crate) struct Action {
    pub(crate) pos: usize,
    pub(crate) pipe: Pipe,
}

/// What `if`, `with` and `range` have in common.
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) list: Block,
    pub(crate) else_list: Option<Block>,
}

/// `{{template "name" pipeline}}`.
pub(crate) struct TemplateCall {
    pub(crate) pos: usize,
    pub(crate) name: Str,
    pub(crate) pipe: Option<Pipe>,
}

/// Commands, each given the result of the one before; and the variables that get the last one's.
pub(crate) struct Pipe {
    pub(crate) pos: usize,
    pub(crate) assign: bool,
    pub(crate) variables: Box<[Variable]>,
    pub(crate) commands: Box<[Command]>,
}

/// A variable's name, with a number by which it is told from the others of the same source.
#[derive(Clone)]
pub(crate) struct Variable {
    pub(crate) id: u32,
    pub(crate) name: Str,
}

/// Words, the first of which says what to do with the others.
pub(crate) struct Command {
    pub(crate) pos: usize,
    pub(crate) args: Box<[Expr]>,
}

pub(crate) struct Expr {
    pub(crate) pos: usize,
    pub(crate) kind: ExprKind,
}

pub(crate) enum ExprKind {
    Bool(bool),
    Dot,
    Nil,
    Number(Box<Number>),
    String {
        quoted: Str,
        value: Value,
    },
    /// `.a.b`.
    Field(Box<[Str]>),
    /// `$x.a.b`.
    Variable(Variable, Box<[Str]>),
    /// `(pipeline).a.b`, `function.a.b`.
    Chain(Box<Expr>, Box<[Str]>),
    Function(Callee),
    /// `(pipeline)`.
    Pipe(Box<Pipe>),
}

/// A function by name, found when parsing.
#[derive(Clone)]
pub(crate) enum Callee {
    Builtin(Builtin),
    Function(Arc<Function>),
}

impl Callee {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Callee::Builtin(builtin) => builtin.name(),
            Callee::Function(function) => function.name,
        }
    }
}

impl Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{{}}}}}", self.pipe)
    }
}

impl Display for TemplateCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", crate::unicode::quoted(self.name.as_bytes()))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, variable) in self.variables.iter().enumerate() {
            write!(f, "{}{}", if index > 0 { ", " } else { "" }, variable.name)?;
        }
        if !self.variables.is_empty() {
            f.write_str(if self.assign { " = " } else { " := " })?;
        }
        for (index, command) in self.commands.iter().enumerate() {
            write!(f, "{}{command}", if index > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, arg) in self.args.iter().enumerate() {
            if index > 0 {
                f.write_char(' ')?;
            }
            arg.in_parentheses(f)?;
        }
        Ok(())
    }
}

impl Expr {
    fn in_parentheses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.kind, ExprKind::Pipe(_)) { write!(f, "({self})") } else { self.fmt(f) }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields =
            |f: &mut fmt::Formatter<'_>, fields: &[Str]| fields.iter().try_for_each(|field| write!(f, ".{field}"));
        match &self.kind {
            ExprKind::Bool(value) => write!(f, "{value}"),
            ExprKind::Dot => f.write_char('.'),
            ExprKind::Nil => f.write_str("nil"),
            ExprKind::Number(number) => number.text.fmt(f),
            ExprKind::String { quoted, .. } => quoted.fmt(f),
            ExprKind::Field(path) => fields(f, path),
            ExprKind::Variable(variable, path) => {
                variable.name.fmt(f)?;
                fields(f, path)
            }
            ExprKind::Chain(start, path) => {
                start.in_parentheses(f)?;
                fields(f, path)
            }
            ExprKind::Function(callee) => f.write_str(callee.name()),
            ExprKind::Pipe(pipe) => crate::value::on_deep_stack(|| pipe.fmt(f)),
        }
    }
}

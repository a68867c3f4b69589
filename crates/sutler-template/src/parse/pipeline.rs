//! Parses what is between `{{` and `}}`: pipelines of commands, whose words are constants, fields, variables, functions
//! and pipelines in parentheses.

use crate::text::Str;
use crate::unicode;
use crate::value::{Value, on_deep_stack};

use super::lex::{Item, Token};
use super::node::{Callee, Command, Expr, ExprKind, Pipe, Variable};
use super::number::Number;
use super::{MAX_PARENTHESES, Parser, Result};

impl<'t> Parser<'t> {
    pub(super) fn pipeline(&mut self, context: &str, end: Token) -> Result<Pipe> {
        let pos = self.peek_non_space().pos;
        let (variables, assign) = self.declarations(context)?;
        let before = self.commands.len();
        loop {
            let item = self.next_non_space();
            match item.token {
                token if token == end => break,
                Token::Bool
                | Token::CharConstant
                | Token::Complex
                | Token::Dot
                | Token::Field
                | Token::Identifier
                | Token::Number
                | Token::Nil
                | Token::RawString
                | Token::String
                | Token::Variable
                | Token::LeftParen => {
                    self.put_back();
                    let command = self.command()?;
                    self.commands.push(command);
                }
                _ => return self.unexpected(&item, context),
            }
        }
        let commands: Box<[Command]> = self.commands.drain(before..).collect();
        self.check_pipeline(&commands, context)?;
        Ok(Pipe { pos, assign, variables, commands })
    }

    /// The variables before `:=` or `=`, of which only `range` may have two; and whether it is `=`.
    fn declarations(&mut self, context: &str) -> Result<(Box<[Variable]>, bool)> {
        let mut variables = Vec::new();
        loop {
            if self.peek_non_space().token != Token::Variable {
                return Ok((variables.into(), false));
            }
            let item = self.next();
            // In `$x foo` the token `foo` has to be read to know that `$x` is an argument; then all three go back.
            let after = self.next();
            self.put_back();
            let next = self.peek_non_space();
            match next.token {
                Token::Assign | Token::Declare => {
                    self.next_non_space();
                    variables.push(self.declare(item.text));
                    return Ok((variables.into(), next.token == Token::Assign));
                }
                Token::Char if next.text == b"," => {
                    self.next_non_space();
                    variables.push(self.declare(item.text));
                    if context == "range" && variables.len() < 2 {
                        match self.peek_non_space().token {
                            Token::Variable | Token::RightDelimiter | Token::RightParen => continue,
                            _ => return self.error("range can only initialize variables"),
                        }
                    }
                    return self.error(format_args!("too many declarations in {context}"));
                }
                _ if after.token == Token::Space => self.put_back_three(item, after),
                _ => self.put_back_two(item),
            }
            return Ok((variables.into(), false));
        }
    }

    fn declare(&mut self, name: &[u8]) -> Variable {
        let variable = self.variable(name);
        self.tree.variables.push(variable.id);
        variable
    }

    fn variable(&mut self, name: &[u8]) -> Variable {
        let id = self.variable_ids.iter().position(|known| known.as_bytes() == name).unwrap_or_else(|| {
            self.variable_ids.push(name.into());
            self.variable_ids.len() - 1
        });
        let name = self.variable_ids[id].clone();
        Variable { id: u32::try_from(id).expect("a source has fewer bytes than 2^32 variables"), name }
    }

    fn check_pipeline(&self, commands: &[Command], context: &str) -> Result<()> {
        let Some((_, later)) = commands.split_first() else {
            return self.error(format_args!("missing value for {context}"));
        };
        for (index, command) in later.iter().enumerate() {
            let constant = matches!(
                command.args[0].kind,
                ExprKind::Bool(_) | ExprKind::Dot | ExprKind::Nil | ExprKind::Number(_) | ExprKind::String { .. }
            );
            if constant {
                return self.error(format_args!("non executable command in pipeline stage {}", index + 2));
            }
        }
        Ok(())
    }

    /// Operands up to a pipe or the end of the pipeline.
    fn command(&mut self) -> Result<Command> {
        let pos = self.peek_non_space().pos;
        let before = self.exprs.len();
        loop {
            self.peek_non_space();
            self.operand()?;
            let item = self.next();
            match item.token {
                Token::Space => continue,
                Token::RightDelimiter | Token::RightParen => self.put_back(),
                Token::Pipe => {}
                _ => return self.unexpected(&item, "operand"),
            }
            break;
        }
        let args: Box<[Expr]> = self.exprs.drain(before..).collect();
        if args.is_empty() {
            return self.error("empty command");
        }
        Ok(Command { pos, args })
    }

    /// Adds a term with the fields after it, if the next token begins one.
    fn operand(&mut self) -> Result<()> {
        if !self.term()? || self.peek() != Token::Field {
            return Ok(());
        }
        let Some(term) = self.exprs.pop() else { return Ok(()) };
        if matches!(
            term.kind,
            ExprKind::Bool(_) | ExprKind::String { .. } | ExprKind::Number(_) | ExprKind::Nil | ExprKind::Dot
        ) {
            self.more_fields();
            let term = unicode::quoted(term.to_string().as_bytes());
            return self.error(format_args!("unexpected . after term {term}"));
        }
        let pos = self.more_fields().unwrap_or(term.pos);
        let path = self.path();
        self.exprs.push(Expr { pos, kind: ExprKind::Chain(Box::new(term), path) });
        Ok(())
    }

    /// Collects the fields that follow here; the position of the first of them.
    fn more_fields(&mut self) -> Option<usize> {
        let mut pos = None;
        while self.peek() == Token::Field {
            let item = self.next();
            pos.get_or_insert(item.pos);
            self.fields.push(field_name(&item));
        }
        pos
    }

    /// The fields collected.
    fn path(&mut self) -> Box<[Str]> {
        self.fields.drain(..).collect()
    }

    /// Adds a constant, function, field or variable with its path, or parenthesized pipeline; `false` if the next token is no
    /// term. Each is made where it stays: moving them is much of what parsing takes.
    fn term(&mut self) -> Result<bool> {
        let item = self.next_non_space();
        let mut pos = item.pos;
        let kind = match item.token {
            Token::Identifier => ExprKind::Function(self.callee(&item)?),
            Token::Dot => ExprKind::Dot,
            Token::Nil => ExprKind::Nil,
            Token::Variable => {
                let variable = self.variable(item.text);
                if !self.tree.variables.contains(&variable.id) {
                    let name = unicode::quoted(variable.name.as_bytes());
                    return self.error(format_args!("undefined variable {name}"));
                }
                pos = self.more_fields().unwrap_or(pos);
                let path = self.path();
                self.exprs.push(Expr { pos, kind: ExprKind::Variable(variable, path) });
                return Ok(true);
            }
            Token::Field => {
                self.fields.push(field_name(&item));
                pos = self.more_fields().unwrap_or(pos);
                let path = self.path();
                self.exprs.push(Expr { pos, kind: ExprKind::Field(path) });
                return Ok(true);
            }
            Token::Bool => ExprKind::Bool(item.text == b"true"),
            Token::CharConstant | Token::Complex | Token::Number => match Number::parse(item.text, item.token) {
                Ok(number) => ExprKind::Number(Box::new(number)),
                Err(message) => return self.error(message),
            },
            Token::LeftParen => {
                if self.tree.parentheses >= MAX_PARENTHESES {
                    return self.error("max expression depth exceeded");
                }
                self.tree.parentheses += 1;
                self.depth = self.depth.max(self.controls + self.tree.parentheses);
                let pipe = on_deep_stack(|| self.pipeline("parenthesized pipeline", Token::RightParen))?;
                self.tree.parentheses -= 1;
                // A pipeline's position is that of its first token.
                pos = pipe.pos;
                ExprKind::Pipe(Box::new(pipe))
            }
            Token::String | Token::RawString => {
                let value = Value::String(self.unquote(&item)?);
                self.exprs.push(Expr { pos, kind: ExprKind::String { quoted: item.text.into(), value } });
                return Ok(true);
            }
            _ => {
                self.put_back();
                return Ok(false);
            }
        };
        self.exprs.push(Expr { pos, kind });
        Ok(true)
    }

    fn callee(&self, item: &Item<'_>) -> Result<Callee> {
        let name = std::str::from_utf8(item.text).unwrap_or_default();
        if let Some(function) = self.functions.get(name) {
            return Ok(Callee::Function(function.clone()));
        }
        match crate::exec::Builtin::by_name(name) {
            Some(builtin) => Ok(Callee::Builtin(builtin)),
            None => self.error(format_args!("function {} not defined", unicode::quoted(item.text))),
        }
    }
}

/// The name of a field, without its dot.
fn field_name(item: &Item<'_>) -> Str {
    item.text.get(1..).unwrap_or_default().into()
}

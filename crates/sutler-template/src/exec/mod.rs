//! Executes parsed templates.
//!
//! Control structures and `template` calls live on a stack of frames on the heap, so that 100,000 nested templates cost
//! memory, not stack. Expressions, and templates that functions execute (`include`), recurse; they grow the stack.
//!
//! Error messages show the node at which Go's engine would be, which is the one it began last; so is it here ([`At`]).

mod builtin;
mod call;
mod compare;
mod escape;
mod eval;
mod operand;
mod range;

use std::any::Any;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bstr::ByteSlice;

use crate::error::{ExecuteError, Failure, Location, Stop, TextError};
use crate::function::Templates;
use crate::parse::{Action, Branch, Command, Expr, ExprKind, Node, Pipe, TemplateCall, Tree, Trees};
use crate::print;
use crate::set::{MissingKey, TemplateSet};
use crate::text::Str;
use crate::trace::{Event, Trace};
use crate::types::Kind;
use crate::unicode;
use crate::value::{Value, on_deep_stack};
use crate::weight;

use operand::Operand;
use range::Items;

pub(crate) use builtin::Builtin;
pub use builtin::builtin_names;

/// How deep templates may call templates; Go's limit.
const MAX_TEMPLATE_DEPTH: usize = 100_000;

/// How deep executions may be nested whatever the limits say.
const DEEPEST_EXECUTION: Option<usize> = if cfg!(target_family = "wasm") { Some(100) } else { None };

/// How often the cancel flag and the deadline are looked at, in steps.
const STEPS_PER_CHECK: u64 = 256;

/// What an execution may use up. Nothing is limited by default but the depth.
///
/// ```
/// use sutler_template::{ExecuteError, ExecuteOptions, Limits, Stop, TemplateSet, Value};
///
/// let mut set = TemplateSet::new("t");
/// set.parse("endless", "{{ range 1000000000 }}text{{ end }}")?;
/// let limits = Limits::default().with_steps(10_000);
/// let options = ExecuteOptions { limits, ..ExecuteOptions::default() };
/// assert_eq!(set.execute("endless", &Value::Nil, options), Err(ExecuteError::Stopped(Stop::Steps(10_000))));
/// # Ok::<(), sutler_template::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many nodes of templates may be executed, iterations of `range` included.
    pub steps: Option<u64>,
    /// How many bytes may be made altogether: what templates write (those that functions execute included), and the texts, lists
    /// and maps that functions return, at 32 bytes an element. It bounds memory as well as output, since most of what is made
    /// is soon freed again, and none of it is more than this.
    pub output: Option<usize>,
    /// How deep executions may be nested through functions such as `include` and `tpl`; in a browser never more than 100.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // Helm's `include` stops itself at 1,000; its `tpl` goes on until Go's stack of a gigabyte is used up.
        Self { steps: None, output: None, depth: 10_000 }
    }
}

impl Limits {
    /// Limits for templates of strangers, which leave room for any chart that is meant to work: 20 million steps (a second or
    /// some), a gigabyte made, 1,000 executions one within the other.
    pub const UNTRUSTED: Self = Self { steps: Some(20_000_000), output: Some(1 << 30), depth: 1_000 };

    /// The same with another bound on steps.
    #[must_use]
    pub fn with_steps(self, steps: u64) -> Self {
        Self { steps: Some(steps), ..self }
    }

    /// The same with another bound on what is made, in bytes.
    #[must_use]
    pub fn with_output(self, bytes: usize) -> Self {
        Self { output: Some(bytes), ..self }
    }

    /// The same with another bound on nested executions.
    #[must_use]
    pub fn with_depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }
}

/// What executions have used up, in the units of [`Limits`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Nodes that were executed.
    pub steps: u64,
    /// Bytes that were made.
    pub output: usize,
}

/// What an execution is given besides its data. More fields may come: begin with the default.
#[derive(Clone, Copy, Default)]
pub struct ExecuteOptions<'o> {
    /// Data of the caller's that functions find by [`Context::host`](crate::Context::host).
    pub host: Option<&'o dyn Any>,
    /// What it may use up.
    pub limits: Limits,
    /// Raised by another thread to end it. Looked at every few hundred steps.
    pub cancel: Option<&'o AtomicBool>,
    /// Asked every few hundred steps; once it says true, the execution ends. The caller's clock is in it: this crate has none.
    pub deadline: Option<&'o dyn Fn() -> bool>,
    /// What was used up before and counts against the limits too; the execution adds its own.
    pub usage: Option<&'o Cell<Usage>>,
    /// Where it is told what failed.
    pub trace: Option<&'o Trace>,
}

/// The largest value that is walked from end to end, in bytes, whatever the limit.
const LARGEST: usize = 1 << 28;

/// What all templates of one execution share, those that functions execute included.
pub(crate) struct Execution<'e> {
    options: ExecuteOptions<'e>,
    usage: Usage,
    depth: usize,
    counters: HashMap<Str, u64>,
    /// Output buffers of executions that have ended.
    buffers: Vec<Vec<u8>>,
}

impl<'e> Execution<'e> {
    pub(crate) fn new(options: ExecuteOptions<'e>) -> Self {
        let usage = options.usage.map(Cell::get).unwrap_or_default();
        Self { options, usage, depth: 0, counters: HashMap::new(), buffers: Vec::new() }
    }

    fn step(&mut self) -> Result<(), Stop> {
        self.usage.steps += 1;
        if let Some(limit) = self.options.limits.steps
            && self.usage.steps > limit
        {
            return Err(Stop::Steps(limit));
        }
        if self.usage.steps.is_multiple_of(STEPS_PER_CHECK) { self.check() } else { Ok(()) }
    }

    /// Whether somebody wants this to end.
    fn check(&self) -> Result<(), Stop> {
        if self.options.cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Err(Stop::Cancelled);
        }
        if self.options.deadline.is_some_and(|has_passed| has_passed()) {
            return Err(Stop::Deadline);
        }
        Ok(())
    }

    /// Whether something that walks these values from end to end stays within what may still be made.
    fn can_walk<'v>(&self, values: impl IntoIterator<Item = &'v Value>) -> Result<(), Stop> {
        let limit = self.options.limits.output.unwrap_or(usize::MAX);
        let left = limit.saturating_sub(self.usage.output);
        let fits = values.into_iter().all(|value| weight::is_within(value, left.min(LARGEST)));
        if fits { Ok(()) } else { Err(Stop::Output(limit.min(LARGEST))) }
    }

    /// Counts bytes that were made.
    fn made(&mut self, bytes: usize) -> Result<(), Stop> {
        self.usage.output = self.usage.output.saturating_add(bytes);
        match self.options.limits.output {
            Some(limit) if self.usage.output > limit => Err(Stop::Output(limit)),
            _ => Ok(()),
        }
    }
}

impl Drop for Execution<'_> {
    fn drop(&mut self) {
        if let Some(usage) = self.options.usage {
            usage.set(self.usage);
        }
    }
}

/// The templates that can be called: those of a set, and over them those of the texts being executed (`tpl`).
pub(crate) struct Layer<'r> {
    set: &'r TemplateSet,
    over: Option<(&'r Layer<'r>, Arc<Trees>)>,
}

impl<'r> Layer<'r> {
    pub(crate) fn new(set: &'r TemplateSet) -> Self {
        Self { set, over: None }
    }

    pub(crate) fn lookup(&self, name: &Str) -> Option<(&Str, &Tree)> {
        let Some((below, trees)) = &self.over else { return self.set.lookup(name) };
        match trees.get_key_value(name) {
            Some((name, tree)) if !tree.is_empty() => Some((name, &**tree)),
            // What is empty does not replace what is there.
            Some((name, tree)) => below.lookup(name).or(Some((name, &**tree))),
            None => below.lookup(name),
        }
    }
}

/// The node being executed.
#[derive(Clone, Copy)]
pub(crate) enum At<'r> {
    Nothing,
    Action(&'r Action),
    Template(&'r TemplateCall),
    Pipe(&'r Pipe),
    Command(&'r Command),
    Expr(&'r Expr),
}

impl At<'_> {
    pub(crate) fn position(self) -> Option<(usize, String)> {
        Some(match self {
            At::Nothing => return None,
            At::Action(node) => (node.pos, node.to_string()),
            At::Template(node) => (node.pos, node.to_string()),
            At::Pipe(node) => (node.pos, node.to_string()),
            At::Command(node) => (node.pos, node.to_string()),
            At::Expr(node) => (node.pos, node.to_string()),
        })
    }
}

/// A variable with its value.
struct Slot {
    id: u32,
    value: Operand,
}

/// A list of nodes being executed.
struct Frame<'r> {
    nodes: &'r [Node],
    next: usize,
    dot: Operand,
    /// How many variables there are after it.
    mark: usize,
    kind: FrameKind<'r>,
}

enum FrameKind<'r> {
    /// The body of `if` and `with`, and of their `else`.
    Plain,
    /// The body of the `else` of `range`. As in Go, a `break` in it ends only that, not the loop around.
    LoopElse,
    /// The body of `range`.
    Loop(Box<Loop<'r>>),
    /// A template called by another; holds where that one was.
    Template { caller: (&'r Str, &'r Tree), base: usize, at: At<'r> },
}

/// A `range` with iterations to come.
struct Loop<'r> {
    items: Items,
    branch: &'r Branch,
    /// How many variables there are before each iteration.
    mark: usize,
}

/// One template being executed, with those it calls.
pub(crate) struct Run<'r, 'e> {
    execution: &'r mut Execution<'e>,
    layer: &'r Layer<'r>,
    template: (&'r Str, &'r Tree),
    out: Vec<u8>,
    frames: Vec<Frame<'r>>,
    variables: Vec<Slot>,
    /// Where the variables of the current template start.
    base: usize,
    /// How many templates have called each other.
    depth: usize,
    at: At<'r>,
    /// After how many bytes of output a trace asked to stop.
    watched: usize,
}

impl<'r, 'e> Run<'r, 'e> {
    /// Executes `tree` with `data` as its dot; what was written before an error is in `out` all the same.
    pub(crate) fn execute(
        execution: &'r mut Execution<'e>,
        layer: &'r Layer<'r>,
        template: (&'r Str, &'r Tree),
        data: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), ExecuteError> {
        let dot = Operand::of(data.clone());
        let trace = execution.options.trace.filter(|_| execution.depth == 0);
        let watched = trace.and_then(Trace::stop_after).unwrap_or(usize::MAX);
        let mut run = Run {
            execution,
            layer,
            template,
            out: std::mem::take(out),
            frames: Vec::with_capacity(4),
            variables: vec![Slot { id: 0, value: dot.clone() }],
            base: 0,
            depth: 0,
            at: At::Nothing,
            watched,
        };
        run.frames.push(Frame { nodes: &template.1.root, next: 0, dot, mark: 0, kind: FrameKind::Plain });
        let result = run.run_above(0);
        *out = run.out;
        result
    }

    /// Works until there are no more than so many frames.
    fn run_above(&mut self, floor: usize) -> Result<(), ExecuteError> {
        while self.frames.len() > floor {
            let Some(frame) = self.frames.last_mut() else { break };
            let nodes = frame.nodes;
            match nodes.get(frame.next) {
                Some(node) => {
                    frame.next += 1;
                    self.node(node)?;
                }
                None => self.end_of_list()?,
            }
        }
        Ok(())
    }

    /// Evaluates a pipeline with the dot of the list on top of the stack.
    fn evaluate(&mut self, pipe: &'r Pipe) -> Result<Operand, ExecuteError> {
        let Some(frame) = self.frames.last_mut() else { return Ok(Operand::Invalid) };
        // Moved out and back again rather than copied; functions that execute templates have frames of their own. After
        // an error nobody asks for it.
        let dot = std::mem::replace(&mut frame.dot, Operand::Invalid);
        let value = self.pipeline(&dot, pipe)?;
        if let Some(frame) = self.frames.last_mut() {
            frame.dot = dot;
        }
        Ok(value)
    }

    fn dot(&self) -> Operand {
        self.frames.last().map_or(Operand::Invalid, |frame| frame.dot.clone())
    }

    fn node(&mut self, node: &'r Node) -> Result<(), ExecuteError> {
        self.execution.step()?;
        match node {
            Node::Text(span) => {
                let text = self.template.1.text(*span);
                self.out.extend_from_slice(text);
                self.check_watched()?;
                Ok(self.execution.made(text.len())?)
            }
            Node::Action(action) => {
                let value = self.evaluate(&action.pipe)?;
                if action.pipe.variables.is_empty() {
                    let before = self.out.len();
                    self.print(action, &value)?;
                    self.check_watched()?;
                    self.execution.made(self.out.len() - before)?;
                }
                Ok(())
            }
            Node::If(branch) | Node::With(branch) => {
                let (mark, dot) = (self.variables.len(), self.dot());
                let value = self.pipeline(&dot, &branch.pipe)?;
                if value.truth() {
                    let dot = if matches!(node, Node::With(_)) { value } else { dot };
                    self.enter(FrameKind::Plain, &branch.list, dot, mark);
                } else if let Some(list) = &branch.else_list {
                    self.enter(FrameKind::Plain, list, dot, mark);
                } else {
                    self.variables.truncate(mark);
                }
                Ok(())
            }
            Node::Range(branch) => self.range(branch),
            Node::Template(call) => self.call_template(call),
            Node::Break => {
                self.leave(|kind| matches!(kind, FrameKind::Plain));
                self.frames.pop().into_iter().for_each(|frame| self.variables.truncate(frame.mark));
                Ok(())
            }
            Node::Continue => {
                self.leave(|kind| matches!(kind, FrameKind::Plain | FrameKind::LoopElse));
                self.end_of_list()
            }
        }
    }

    fn enter(&mut self, kind: FrameKind<'r>, nodes: &'r [Node], dot: Operand, mark: usize) {
        self.frames.push(Frame { nodes, next: 0, dot, mark, kind });
    }

    /// Leaves the lists within the innermost loop. The parser has made sure that there is one.
    fn leave(&mut self, is_within: impl Fn(&FrameKind<'r>) -> bool) {
        while self.frames.last().is_some_and(|frame| is_within(&frame.kind)) {
            self.frames.pop();
        }
    }

    fn end_of_list(&mut self) -> Result<(), ExecuteError> {
        if matches!(self.frames.last(), Some(Frame { kind: FrameKind::Loop(_), .. })) {
            self.execution.step()?;
            return self.next_iteration();
        }
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        self.variables.truncate(frame.mark);
        if let FrameKind::Template { caller, base, at } = frame.kind {
            self.template = caller;
            self.base = base;
            self.at = at;
            self.depth -= 1;
        }
        Ok(())
    }

    fn range(&mut self, branch: &'r Branch) -> Result<(), ExecuteError> {
        let mark = self.variables.len();
        let value = self.evaluate(&branch.pipe)?;
        let body_mark = self.variables.len();
        let items = match value.value() {
            None => Items::none(),
            Some(value) => Items::of(value, branch.pipe.variables.len()).map_err(|message| {
                let error = self.error(message);
                if let [command] = &branch.pipe.commands[..] {
                    self.trace_values(&[command.to_string()], &self.dot(), &command.args);
                }
                error
            })?,
        };
        if items.is_empty() {
            match &branch.else_list {
                Some(list) => self.enter(FrameKind::LoopElse, list, self.dot(), mark),
                None => self.variables.truncate(mark),
            }
            return Ok(());
        }
        let kind = FrameKind::Loop(Box::new(Loop { items, branch, mark: body_mark }));
        self.frames.push(Frame { nodes: &branch.list, next: 0, dot: Operand::Invalid, mark, kind });
        self.next_iteration()
    }

    /// Starts the next iteration of the loop on top of the stack, or ends it.
    fn next_iteration(&mut self) -> Result<(), ExecuteError> {
        let Some(Frame { kind: FrameKind::Loop(state), mark, .. }) = self.frames.last_mut() else { return Ok(()) };
        let (branch, body_mark, mark) = (state.branch, state.mark, *mark);
        self.variables.truncate(body_mark);
        let Some((index, element)) = state.items.next() else {
            self.frames.pop();
            self.variables.truncate(mark);
            return Ok(());
        };
        let names = &branch.pipe.variables;
        if branch.pipe.assign {
            match &names[..] {
                [one] => self.assign(one.id, &one.name, element.clone())?,
                [first, second] => {
                    self.assign(first.id, &first.name, index)?;
                    self.assign(second.id, &second.name, element.clone())?;
                }
                _ => {}
            }
        } else if !names.is_empty() {
            self.variables[body_mark - 1].value = element.clone();
            if names.len() > 1 {
                self.variables[body_mark - 2].value = index;
            }
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.next = 0;
            frame.dot = element;
        }
        Ok(())
    }

    fn call_template(&mut self, call: &'r TemplateCall) -> Result<(), ExecuteError> {
        self.at = At::Template(call);
        let layer = self.layer;
        let Some(template) = layer.lookup(&call.name) else {
            return Err(self.error(format_args!("template {} not defined", unicode::quoted(call.name.as_bytes()))));
        };
        if self.depth == MAX_TEMPLATE_DEPTH {
            return Err(self.error(format_args!("exceeded maximum template depth ({MAX_TEMPLATE_DEPTH})")));
        }
        let dot = match &call.pipe {
            Some(pipe) => self.evaluate(pipe)?,
            None => Operand::Invalid,
        };
        let kind = FrameKind::Template { caller: self.template, base: self.base, at: self.at };
        self.depth += 1;
        self.template = template;
        self.base = self.variables.len();
        self.frames.push(Frame { nodes: &template.1.root, next: 0, dot: dot.clone(), mark: self.base, kind });
        self.variables.push(Slot { id: 0, value: dot });
        Ok(())
    }

    fn print(&mut self, action: &'r Action, value: &Operand) -> Result<(), ExecuteError> {
        self.at = At::Action(action);
        match value.value() {
            None => self.out.extend_from_slice(b"<no value>"),
            Some(value) if value.kind() == Some(Kind::Func) => {
                return Err(self.error(format_args!("can't print {action} of type {}", value.type_name())));
            }
            Some(value) => {
                self.execution.can_walk([value])?;
                print::print_action(&mut self.out, value);
            }
        }
        Ok(())
    }

    /// Ends the execution where a trace asked to stop.
    fn check_watched(&self) -> Result<(), ExecuteError> {
        if self.out.len() > self.watched {
            self.trace_output();
            return Err(Stop::Output(self.watched).into());
        }
        Ok(())
    }

    /// Tells the trace which node wrote beyond the limit, and its line where it is a text of several.
    #[cold]
    fn trace_output(&self) {
        let Some(trace) = self.execution.options.trace else { return };
        let node = self.frames.last().and_then(|frame| frame.nodes.get(frame.next.checked_sub(1)?));
        match node {
            Some(Node::Text(span)) => {
                let before = self.out.len() - (span.end - span.start);
                let at = span.start + self.watched.saturating_sub(before);
                trace.add_at(self.template, at, String::new(), Event::Stopped);
            }
            Some(Node::Action(action)) => trace.add(self.template, At::Action(action), Event::Stopped),
            _ => trace.add(self.template, self.at, Event::Stopped),
        }
        self.trace_callers(trace);
    }

    /// The `{{template}}`s that led here, which Go's messages do not tell of.
    fn trace_callers(&self, trace: &Trace) {
        for (index, frame) in self.frames.iter().enumerate().rev() {
            let FrameKind::Template { caller, at, .. } = frame.kind else { continue };
            // What the caller began last is in its pipeline; the node itself is the one its list is at.
            let below = index.checked_sub(1).map(|below| &self.frames[below]);
            let node = below.and_then(|below| below.nodes.get(below.next.checked_sub(1)?));
            let at = if let Some(Node::Template(call)) = node { At::Template(call) } else { at };
            trace.add(caller, at, Event::Called);
        }
    }

    /// Tells the trace of the values that the words of a command name, if it is the one that failed.
    #[cold]
    fn trace_values(&self, nodes: &[String], dot: &Operand, words: &[Expr]) {
        let Some(trace) = self.execution.options.trace else { return };
        for word in words {
            match &word.kind {
                ExprKind::Field(names) => {
                    trace.note(nodes, &dot.clone().into_value(), None, names);
                }
                ExprKind::Variable(variable, names) => {
                    let start = self.variable(variable.id).cloned().map_or(Value::Nil, Operand::into_value);
                    trace.note(nodes, &start, Some(&variable.name), names);
                }
                _ => {}
            }
        }
    }

    fn variable(&self, id: u32) -> Option<&Operand> {
        self.variables[self.base..].iter().rev().find(|slot| slot.id == id).map(|slot| &slot.value)
    }

    fn assign(&mut self, id: u32, name: &Str, value: Operand) -> Result<(), ExecuteError> {
        match self.variables[self.base..].iter_mut().rev().find(|slot| slot.id == id) {
            Some(slot) => {
                slot.value = value;
                Ok(())
            }
            None => Err(self.error(format_args!("undefined variable: {name}"))),
        }
    }

    /// The error `message` at the current node.
    fn error(&self, message: impl std::fmt::Display) -> ExecuteError {
        let message = message.to_string();
        if let Some(trace) = self.execution.options.trace {
            trace.add(self.template, self.at, Event::Failed(message.clone()));
            self.trace_callers(trace);
        }
        ExecuteError::Failed(match self.location() {
            None => Failure::new(format!("template: {}: {message}", self.template.0)),
            Some(place) => {
                let text = located(&place, &message);
                Failure::at(place, message, text)
            }
        })
    }

    /// The error of a function that was called at the current node.
    fn passed_on(&self, name: &str, failure: Failure) -> ExecuteError {
        let message = format!("error calling {name}: {failure}");
        if let Some(trace) = self.execution.options.trace {
            trace.add(self.template, self.at, Event::Failed(message.clone()));
            self.trace_callers(trace);
        }
        ExecuteError::Failed(match self.location() {
            None => Failure::new(format!("template: {}: {message}", self.template.0)),
            Some(place) => {
                let text = located(&place, &message);
                failure.passed_on(place, text)
            }
        })
    }

    fn location(&self) -> Option<Location> {
        let (name, tree) = self.template;
        let (pos, node) = self.at.position()?;
        let (line, column) = tree.source.place(pos);
        Some(Location { template: name.clone(), file: tree.source.name.clone(), line, column, node })
    }

    fn missing_key(&self) -> MissingKey {
        self.layer.set.missing_key()
    }

    /// Executes another template of the same layer for a function of this one (`include`): on the stacks of this run, which
    /// costs less than one of its own.
    fn nested_here(&mut self, template: (&'r Str, &'r Tree), data: &Value) -> Result<Str, ExecuteError> {
        let limit = self.execution.options.limits.depth;
        if self.execution.depth >= limit {
            return Err(Stop::Depth(limit).into());
        }
        self.execution.depth += 1;
        let buffer = self.execution.buffers.pop().unwrap_or_default();
        let dot = Operand::of(data.clone());
        let outer_out = std::mem::replace(&mut self.out, buffer);
        let (frames, variables) = (self.frames.len(), self.variables.len());
        let outer = (self.template, self.base, self.depth, self.at, self.watched);
        (self.template, self.base, self.depth, self.at) = (template, variables, 0, At::Nothing);
        // A trace watches the outermost template only.
        self.watched = usize::MAX;
        self.variables.push(Slot { id: 0, value: dot.clone() });
        let nodes = &template.1.root;
        self.frames.push(Frame { nodes, next: 0, dot, mark: variables, kind: FrameKind::Plain });
        let result = on_deep_stack(|| self.run_above(frames));
        self.frames.truncate(frames);
        self.variables.truncate(variables);
        (self.template, self.base, self.depth, self.at, self.watched) = outer;
        let mut out = std::mem::replace(&mut self.out, outer_out);
        self.execution.depth -= 1;
        let text = result.map(|()| Str::from_bytes(&out));
        out.clear();
        self.execution.buffers.push(out);
        text
    }

    /// Executes a template of another layer for a function of this one (`tpl`).
    fn nested(&mut self, layer: &Layer<'_>, template: (&Str, &Tree), data: &Value) -> Result<Str, ExecuteError> {
        let limit = self.execution.options.limits.depth;
        let limit = DEEPEST_EXECUTION.map_or(limit, |deepest| limit.min(deepest));
        if self.execution.depth >= limit {
            return Err(Stop::Depth(limit).into());
        }
        self.execution.depth += 1;
        let mut out = self.execution.buffers.pop().unwrap_or_default();
        let result = on_deep_stack(|| Run::execute(self.execution, layer, template, data, &mut out));
        self.execution.depth -= 1;
        let text = result.map(|()| Str::from_bytes(&out));
        out.clear();
        self.execution.buffers.push(out);
        text
    }
}

/// Go's text for an error at a place.
fn located(place: &Location, message: &str) -> String {
    let Location { template, file, line, column, node } = place;
    format!(
        "template: {file}:{line}:{column}: executing {} at <{node}>: {message}",
        unicode::quoted(template.as_bytes())
    )
}

impl Templates for Run<'_, '_> {
    fn root_name(&self) -> Str {
        self.layer.set.name().clone()
    }

    fn is_defined(&self, name: &Str) -> bool {
        self.layer.lookup(name).is_some()
    }

    fn execute_template(&mut self, name: &Str, data: &Value) -> Result<Str, ExecuteError> {
        let layer = self.layer;
        let template = layer.lookup(name).ok_or_else(|| layer.set.no_template(name))?;
        self.nested_here(template, data)
    }

    fn execute_text(&mut self, text: &Str, data: &Value) -> Result<Str, TextError> {
        let set = self.layer.set;
        if text.as_bytes().find(set.left_delimiter()).is_none() {
            return Ok(text.clone());
        }
        let trees = set.parse_text(text)?;
        let layer = Layer { set, over: Some((self.layer, trees.clone())) };
        let Some((name, tree)) = trees.get_key_value(set.name()) else { return Ok(Str::EMPTY) };
        Ok(self.nested(&layer, (name, &**tree), data)?)
    }

    fn counter(&mut self, key: &Str) -> &mut u64 {
        self.execution.counters.entry(key.clone()).or_default()
    }
}

//! [`Trace`]: where an execution failed, as data beside Go's text: the chain of templates and calls, and the values they were about.

use std::sync::{Mutex, PoisonError};

use crate::exec::At;
use crate::parse::{Source, Tree};
use crate::text::Str;
use crate::value::Value;

/// How many places are kept; a template that includes itself for ever would have a thousand.
const MOST_PLACES: usize = 256;

/// What an execution leaves behind where it ends early. Given with [`ExecuteOptions::trace`](crate::ExecuteOptions::trace); without one
/// nothing is collected.
///
/// ```
/// use sutler_template::{ExecuteOptions, MissingKey, TemplateSet, Trace, Value};
///
/// let mut set = TemplateSet::new("gotpl").with_missing_key(MissingKey::Zero);
/// set.parse("a.yaml", "name: {{ .Values.server.name }}").unwrap();
/// let trace = Trace::new();
/// let options = ExecuteOptions { trace: Some(&trace), ..ExecuteOptions::default() };
/// let data = Value::Map([("Values", Value::empty_map())].into_iter().collect());
/// set.execute("a.yaml", &data, options).unwrap_err();
///
/// let place = &trace.places()[0];
/// assert_eq!((place.file.as_str(), place.line, place.column), ("a.yaml", 1, 16));
/// assert_eq!((place.values[0].names.join("."), place.values[0].found), ("Values.server.name".to_owned(), 1));
/// ```
#[derive(Debug, Default)]
pub struct Trace {
    places: Mutex<Vec<Place>>,
    stop_after: Option<usize>,
}

/// One link of the chain.
#[derive(Debug, Clone)]
pub struct Place {
    /// The template being executed: a file's, or the name of a `define`.
    pub template: String,
    /// The name of the text that it was parsed from: a file's path.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 0, in bytes, as Go counts.
    pub column: usize,
    /// The node, as Go prints it: `.Values.a.b`, `include "x" .`.
    pub node: String,
    /// What is told of it.
    pub event: Event,
    /// The values that the node names.
    pub values: Vec<ValuePath>,
}

/// What is told of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It failed, with this message: its own, or one that contains that of the place before.
    Failed(String),
    /// It is a `{{template}}` that called the template of the place before; Go does not tell of it.
    Called,
    /// Here the output passed the length after which the trace asked to stop.
    Stopped,
}

/// A value by the names that lead to it.
#[derive(Debug, Clone)]
pub struct ValuePath {
    /// Where the names start: the dot, or a variable's value.
    pub start: Value,
    /// The variable's name; `None` for the dot.
    pub variable: Option<String>,
    /// The names, in order.
    pub names: Vec<String>,
    /// How many of them lead to something that is not nil.
    pub found: usize,
}

impl ValuePath {
    fn new(start: &Value, variable: Option<&Str>, names: &[Str]) -> ValuePath {
        let mut value = start.clone();
        let mut found = 0;
        for name in names {
            let next = match &value {
                Value::Map(map) => map.get(name),
                Value::Object(object) => name.as_str().and_then(|name| object.field(name)),
                _ => None,
            };
            match next {
                None | Some(Value::Nil) => break,
                Some(next) => value = next,
            }
            found += 1;
        }
        let variable = variable.map(ToString::to_string);
        ValuePath { start: start.clone(), variable, names: names.iter().map(ToString::to_string).collect(), found }
    }

    /// The value that the first `count` names lead to; nil where they lead nowhere.
    pub fn value_at(&self, count: usize) -> Value {
        let mut value = self.start.clone();
        for name in self.names.iter().take(count) {
            value = match &value {
                Value::Map(map) => map.get(name).unwrap_or(Value::Nil),
                Value::Object(object) => object.field(name).unwrap_or(Value::Nil),
                _ => Value::Nil,
            };
        }
        value
    }
}

impl Trace {
    /// A trace of what fails.
    pub fn new() -> Trace {
        Trace::default()
    }

    /// A trace that ends the execution where the outermost template has written more than `length` bytes, and tells where that is.
    pub fn stopping_after(length: usize) -> Trace {
        Trace { stop_after: Some(length), ..Trace::default() }
    }

    /// The places, from the one that failed outwards.
    pub fn places(&self) -> Vec<Place> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn stop_after(&self) -> Option<usize> {
        self.stop_after
    }

    pub(crate) fn add(&self, template: (&Str, &Tree), at: At<'_>, event: Event) {
        let (pos, node) = at.position().unwrap_or_default();
        self.add_at(template, pos, node, event);
    }

    pub(crate) fn add_at(&self, (template, tree): (&Str, &Tree), pos: usize, node: String, event: Event) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        // The last one kept is always the outermost.
        places.truncate(MOST_PLACES - 1);
        let (line, column) = line_and_column(&tree.source, pos);
        let (template, file) = (template.to_string(), tree.source.name.to_string());
        places.push(Place { template, file, line, column, node, event, values: Vec::new() });
    }

    /// Tells of the place that failed last, if it is `node`, that it was about this value.
    pub(crate) fn note(&self, nodes: &[String], start: &Value, variable: Option<&Str>, names: &[Str]) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = places.iter_mut().rfind(|place| place.event != Event::Called);
        if let Some(place) = failed.filter(|place| nodes.contains(&place.node)) {
            place.values.push(ValuePath::new(start, variable, names));
        }
    }
}

/// Where an offset is: the line from 1, the column from 0.
fn line_and_column(source: &Source, pos: usize) -> (usize, usize) {
    let before = &source.text.as_bytes()[..pos.min(source.text.len())];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
    (line, column)
}

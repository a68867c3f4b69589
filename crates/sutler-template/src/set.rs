//! [`TemplateSet`]: templates that can call each other by name, with the functions they use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{ExecuteError, ParseError};
use crate::exec::{ExecuteOptions, Execution, Layer, Run};
use crate::function::Function;
use crate::parse::{self, Delimiters, Functions, Tree, Trees};
use crate::text::Str;
use crate::unicode;
use crate::value::Value;

/// What a missing key of a map is: Go's option `missingkey`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value; its own fields are none either. Go's `missingkey=default`.
    #[default]
    Invalid,
    /// The zero of the map's element type, for most maps the nil interface. Go's `missingkey=zero`; Helm's way.
    Zero,
    /// An error. Go's `missingkey=error`; Helm's `--strict`.
    Error,
}

/// A set of templates. Parsing is done once; any number of threads may execute.
///
/// ```
/// use sutler_template::{ExecuteOptions, Map, TemplateSet, Value};
///
/// let mut set = TemplateSet::new("gotpl");
/// set.parse("hello.yaml", r#"{{ define "name" }}{{ .who | printf "%q" }}{{ end }}name: {{ template "name" . }}"#)?;
///
/// let data: Map = [("who", Value::from("you"))].into_iter().collect();
/// let out = set.execute("hello.yaml", &Value::Map(data), ExecuteOptions::default())?;
/// assert_eq!(out, r#"name: "you""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TemplateSet {
    name: Str,
    templates: HashMap<Str, Arc<Tree>>,
    functions: Functions,
    delimiters: Delimiters,
    missing_key: MissingKey,
    /// What texts given to [`Context::execute_text`](crate::Context::execute_text) parsed to.
    texts: Mutex<HashMap<Str, Arc<Trees>>>,
}

/// How many parsed texts are kept; then all are forgotten. Charts have tens of different ones.
const MAX_TEXTS: usize = 4096;

impl TemplateSet {
    /// A set without templates. The name is that of Go's root template: messages show it.
    pub fn new(name: impl Into<Str>) -> Self {
        Self {
            name: name.into(),
            templates: HashMap::new(),
            functions: Functions::new(),
            delimiters: Delimiters::default(),
            missing_key: MissingKey::default(),
            texts: Mutex::default(),
        }
    }

    /// Adds functions; of one name the last counts, and it replaces the language's own. Templates already parsed keep
    /// those they were parsed with.
    #[must_use]
    pub fn with_functions<'f>(mut self, functions: impl IntoIterator<Item = &'f Function>) -> Self {
        for function in functions {
            self.functions.insert(function.name, Arc::new(function.clone()));
        }
        self
    }

    /// Sets what a missing key is.
    #[must_use]
    pub fn with_missing_key(mut self, missing_key: MissingKey) -> Self {
        self.missing_key = missing_key;
        self
    }

    /// Sets the markers of actions; an empty one is the usual one.
    #[must_use]
    pub fn with_delimiters(mut self, left: &str, right: &str) -> Self {
        let usual = Delimiters::default();
        let or_usual =
            |marker: &str, usual: Arc<[u8]>| if marker.is_empty() { usual } else { Arc::from(marker.as_bytes()) };
        self.delimiters = Delimiters { left: or_usual(left, usual.left), right: or_usual(right, usual.right) };
        self
    }

    /// Parses `text` as the template `name`, with the templates it defines.
    ///
    /// What was parsed before under one of these names is replaced, unless what is new is white space and comments only.
    ///
    /// # Errors
    /// If the text is not a template; then nothing is added.
    pub fn parse(&mut self, name: impl Into<Str>, text: impl Into<Str>) -> Result<(), ParseError> {
        for (name, tree) in parse::parse(&name.into(), &text.into(), &self.delimiters, &self.functions)? {
            if !tree.is_empty() || !self.templates.contains_key(&name) {
                self.templates.insert(name, tree);
            }
        }
        Ok(())
    }

    /// The set's own name.
    pub fn name(&self) -> &Str {
        &self.name
    }

    /// The names of all templates, in bytewise order.
    pub fn names(&self) -> Vec<Str> {
        let mut names: Vec<Str> = self.templates.keys().cloned().collect();
        names.sort();
        names
    }

    /// Whether there is a template of that name.
    pub fn is_defined(&self, name: &Str) -> bool {
        self.templates.contains_key(name)
    }

    /// Executes the template `name` with `data` as its dot, and returns its output.
    ///
    /// # Errors
    /// If there is no such template, or executing it fails.
    pub fn execute(
        &self,
        name: impl Into<Str>,
        data: &Value,
        options: ExecuteOptions<'_>,
    ) -> Result<Str, ExecuteError> {
        let mut out = Vec::new();
        self.execute_into(&mut out, name, data, options)?;
        Ok(out.into())
    }

    /// As [`execute`](Self::execute), appending to `out`, where what was written before an error stays.
    ///
    /// # Errors
    /// If there is no such template, or executing it fails.
    pub fn execute_into(
        &self,
        out: &mut Vec<u8>,
        name: impl Into<Str>,
        data: &Value,
        options: ExecuteOptions<'_>,
    ) -> Result<(), ExecuteError> {
        let name = name.into();
        let layer = Layer::new(self);
        let template = layer.lookup(&name).ok_or_else(|| self.no_template(&name))?;
        Run::execute(&mut Execution::new(options), &layer, template, data, out)
    }

    pub(crate) fn lookup(&self, name: &Str) -> Option<(&Str, &Tree)> {
        self.templates.get_key_value(name).map(|(name, tree)| (name, &**tree))
    }

    pub(crate) fn no_template(&self, name: &Str) -> ExecuteError {
        let (name, set) = (unicode::quoted(name.as_bytes()), unicode::quoted(self.name.as_bytes()));
        ExecuteError::new(format!("template: no template {name} associated with template {set}"))
    }

    pub(crate) fn missing_key(&self) -> MissingKey {
        self.missing_key
    }

    pub(crate) fn left_delimiter(&self) -> &[u8] {
        &self.delimiters.left
    }

    /// The trees of a text under the set's own name.
    pub(crate) fn parse_text(&self, text: &Str) -> Result<Arc<Trees>, ParseError> {
        let texts = || self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(trees) = texts().get(text) {
            return Ok(trees.clone());
        }
        let trees = Arc::new(parse::parse(&self.name, text, &self.delimiters, &self.functions)?);
        let mut texts = texts();
        if texts.len() >= MAX_TEXTS {
            texts.clear();
        }
        texts.insert(text.clone(), trees.clone());
        Ok(trees)
    }
}

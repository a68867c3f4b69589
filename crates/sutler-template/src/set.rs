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
    functions: FunctionTable,
    delimiters: Delimiters,
    missing_key: MissingKey,
    /// What texts given to [`Context::execute_text`](crate::Context::execute_text) parsed to.
    texts: Mutex<HashMap<Str, Arc<Trees>>>,
}

/// Functions by name, made once and shared by any number of [`TemplateSet`]s.
#[derive(Clone, Default)]
pub struct FunctionTable(Arc<Functions>);

impl FunctionTable {
    fn add<'f>(&mut self, functions: impl IntoIterator<Item = &'f Function>) {
        let table = Arc::make_mut(&mut self.0);
        for function in functions {
            table.insert(function.name, Arc::new(function.clone()));
        }
    }
}

/// Of one name the last counts.
impl<'f> FromIterator<&'f Function> for FunctionTable {
    fn from_iter<I: IntoIterator<Item = &'f Function>>(functions: I) -> Self {
        let mut table = Self::default();
        table.add(functions);
        table
    }
}

/// A text that was parsed for sets with the same [`FunctionTable`] and delimiters; see [`TemplateSet::parse_apart`].
/// Cloning shares the trees.
#[derive(Clone)]
pub struct Parsed {
    name: Str,
    trees: Arc<Trees>,
    functions: FunctionTable,
    delimiters: Delimiters,
}

impl Parsed {
    /// The name that was given to the text.
    pub fn name(&self) -> &Str {
        &self.name
    }
}

/// How many parsed texts are kept; then all are forgotten. Charts have tens of different ones.
const MAX_TEXTS: usize = 4096;

impl TemplateSet {
    /// A set without templates. The name is that of Go's root template: messages show it.
    pub fn new(name: impl Into<Str>) -> Self {
        Self {
            name: name.into(),
            templates: HashMap::new(),
            functions: FunctionTable::default(),
            delimiters: Delimiters::default(),
            missing_key: MissingKey::default(),
            texts: Mutex::default(),
        }
    }

    /// Adds functions; of one name the last counts, and it replaces the language's own. Templates already parsed keep
    /// those they were parsed with.
    #[must_use]
    pub fn with_functions<'f>(mut self, functions: impl IntoIterator<Item = &'f Function>) -> Self {
        self.functions.add(functions);
        self
    }

    /// Shares a table of functions, in place of all functions that the set had.
    #[must_use]
    pub fn with_function_table(mut self, functions: &FunctionTable) -> Self {
        self.functions = functions.clone();
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
        let trees = parse::parse(&name.into(), &text.into(), &self.delimiters, &self.functions.0)?;
        trees.into_iter().for_each(|(name, tree)| self.put(name, tree));
        Ok(())
    }

    /// Parses a text as [`parse`](Self::parse) does, without adding anything: for other sets, too, which
    /// [`add`](Self::add) it.
    ///
    /// # Errors
    /// If the text is not a template.
    pub fn parse_apart(&self, name: impl Into<Str>, text: impl Into<Str>) -> Result<Parsed, ParseError> {
        let name = name.into();
        let trees = Arc::new(parse::parse(&name, &text.into(), &self.delimiters, &self.functions.0)?);
        Ok(Parsed { name, trees, functions: self.functions.clone(), delimiters: self.delimiters.clone() })
    }

    /// Whether a text was parsed as this set would parse it: with the same table of functions and the same delimiters.
    pub fn fits(&self, parsed: &Parsed) -> bool {
        Arc::ptr_eq(&parsed.functions.0, &self.functions.0) && parsed.delimiters == self.delimiters
    }

    /// Adds what was parsed apart, with the effect of [`parse`](Self::parse). It calls the functions it was parsed with.
    pub fn add(&mut self, parsed: &Parsed) {
        for (name, tree) in &*parsed.trees {
            self.put(name.clone(), tree.clone());
        }
    }

    fn put(&mut self, name: Str, tree: Arc<Tree>) {
        if !tree.is_empty() || !self.templates.contains_key(&name) {
            self.templates.insert(name, tree);
        }
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
        let trees = Arc::new(parse::parse(&self.name, text, &self.delimiters, &self.functions.0)?);
        let mut texts = texts();
        if texts.len() >= MAX_TEXTS {
            texts.clear();
        }
        texts.insert(text.clone(), trees.clone());
        Ok(trees)
    }
}

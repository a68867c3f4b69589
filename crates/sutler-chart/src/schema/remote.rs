//! Documents of elsewhere that a schema refers to: fetched by whoever the caller hands in, and kept while values are checked.
//!
//! As in Helm's validator a document is fetched once it is referred to from what is used; a reference in a definition that nothing
//! leads to is never followed.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use sutler_functions::url::Url;

use crate::log::{Level, Remark};
use crate::text::go_quoted;

/// Fetches the schemas that a chart's values.schema.json refers to by address (`http`, `https` and `file`).
///
/// A rendering has no network and reads no files: it asks this, where it is given one (see
/// [`RenderOptions::with_schema_loader`](crate::RenderOptions::with_schema_loader)), and otherwise refuses such a schema.
#[derive(Clone)]
pub struct SchemaLoader(Arc<Load>);

/// The document at an address, or why it cannot be had.
type Load = dyn Fn(&str) -> Result<Vec<u8>, String> + Send + Sync;

impl SchemaLoader {
    /// From an absolute address without fragment to the document's bytes. The error's text follows `failing loading "…": `, or
    /// stands alone where Helm 3 is mirrored.
    pub fn new(load: impl Fn(&str) -> Result<Vec<u8>, String> + Send + Sync + 'static) -> SchemaLoader {
        SchemaLoader(Arc::new(load))
    }
}

impl fmt::Debug for SchemaLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SchemaLoader")
    }
}

/// How many documents one schema may draw in: each may name another that did not exist before.
const MOST_DOCUMENTS: usize = 256;

/// Documents that were fetched, in their order: a chain that only grows, so that what was found in one stays borrowed.
#[derive(Default)]
pub(super) struct Documents(OnceLock<Box<Fetched>>);

struct Fetched {
    address: String,
    value: Value,
    next: Documents,
}

impl Documents {
    /// None yet.
    pub(super) const fn new() -> Documents {
        Documents(OnceLock::new())
    }

    /// Addresses and documents.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        let chain = std::iter::successors(self.0.get(), |fetched| fetched.next.0.get());
        chain.map(|fetched| (fetched.address.as_str(), &fetched.value))
    }

    /// The document at an address, fetched if it was not yet.
    ///
    /// # Errors
    /// What `fetch` says, or that there are too many.
    pub(super) fn get(&self, address: &str, fetch: impl FnOnce() -> Result<Value, String>) -> Result<&Value, String> {
        let mut end = self;
        let mut count = 0;
        while let Some(fetched) = end.0.get() {
            if fetched.address == address {
                return Ok(&fetched.value);
            }
            end = &fetched.next;
            count += 1;
        }
        if count >= MOST_DOCUMENTS {
            return Err(format!("the schema refers to more than {MOST_DOCUMENTS} other documents"));
        }
        let value = fetch()?;
        Ok(&end
            .0
            .get_or_init(|| Box::new(Fetched { address: address.to_owned(), value, next: Documents::new() }))
            .value)
    }

    /// What Helm says of names (`urn:`) that nobody knows, once of each.
    pub(super) fn remark_names(&self, remarks: &mut Vec<Remark>) {
        for (address, _) in self.iter().filter(|(address, _)| address.starts_with("urn:")) {
            let text = "unresolved URN reference ignored; using permissive schema";
            let remark = Remark::new(Level::Warn, text, vec![("urn", address.to_owned())]);
            if !remarks.contains(&remark) {
                remarks.push(remark);
            }
        }
    }
}

/// Where documents come from, and where they are kept.
#[derive(Clone, Copy)]
pub(super) struct Source<'s> {
    pub(super) documents: &'s Documents,
    pub(super) loader: Option<&'s SchemaLoader>,
}

impl Source<'_> {
    /// Nowhere: for the drafts' own schemas, which refer to nothing else.
    pub(super) fn none() -> Source<'static> {
        static NONE: Documents = Documents::new();
        Source { documents: &NONE, loader: None }
    }
}

impl<'s> Source<'s> {
    /// The document at an address as Helm 3 finds it.
    ///
    /// # Errors
    /// The loader's text, or the reader's.
    pub(super) fn load(self, address: &str) -> Result<&'s Value, String> {
        self.documents.get(address, || {
            let nobody = || format!("Get {}: a rendering reads no network", go_quoted(address));
            let SchemaLoader(load) = self.loader.ok_or_else(nobody)?;
            super::read(&load(address)?)
        })
    }

    /// The document at an address as Helm 4 finds it: by its scheme.
    ///
    /// # Errors
    /// Helm's text without the address.
    pub(super) fn load_by_scheme(self, url: &Url, address: &str) -> Result<&'s Value, String> {
        let nobody = || match url.scheme.as_slice() {
            b"file" => format!("open {}: no such file or directory", String::from_utf8_lossy(&url.path)),
            _ => "a rendering reads no network".to_owned(),
        };
        match url.scheme.as_slice() {
            b"urn" => self.documents.get(address, || Ok(Value::Bool(true))),
            b"http" | b"https" | b"file" => self.documents.get(address, || {
                let SchemaLoader(load) = self.loader.ok_or_else(nobody)?;
                super::read(&load(address)?)
            }),
            _ => Err(format!("no URLLoader registered for {}", go_quoted(address))),
        }
    }
}

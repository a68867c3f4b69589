//! A schema as a document, as Helm 3 sees it: identifiers and where its references lead. And the drafts, for both Helms.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};

/// What a chart's schema, which has no address in Helm 3, is known by; what is relative to it has no address either.
const ROOT: &str = "own:///";

/// A version of JSON Schema, by the year or number by which it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    Four,
    Six,
    Seven,
    Year2019,
    Year2020,
}

/// A schema and the places in it that references name.
pub(super) struct Document<'s> {
    pub(super) draft: Draft,
    /// Schemas by absolute address: `ROOT`, identifiers, and both with `#anchor`.
    addresses: HashMap<String, &'s Value>,
    /// Of each schema object, by its place in memory, the identifier that its references are relative to, if that is not
    /// `ROOT`.
    bases: HashMap<usize, String>,
}

/// Why a reference leads nowhere.
pub(super) enum Lost {
    /// Its document, of this address, is not here.
    Document(String),
    /// What is wrong with it, in Helm's words.
    Place(String),
}

impl Lost {
    /// What is said of it where no document is missing any more.
    pub(super) fn text(self) -> String {
        match self {
            Lost::Document(address) => format!("cannot resolve reference {}", crate::text::go_quoted(&address)),
            Lost::Place(text) => text,
        }
    }
}

impl<'s> Document<'s> {
    /// A schema of a draft that is known otherwise, with others by their addresses.
    pub(super) fn of_draft(root: &'s Value, draft: Draft, others: &[(String, &'s Value)]) -> Document<'s> {
        let mut document = Document { draft, addresses: HashMap::new(), bases: HashMap::new() };
        let others = others.iter().map(|(address, value)| (address.as_str(), *value));
        for (address, value) in std::iter::once((ROOT, root)).chain(others) {
            document.addresses.insert(address.to_owned(), value);
            document.index(value, address);
        }
        document
    }

    /// Notes identifiers and anchors below a schema. The recursion is bounded by the reader of JSON.
    fn index(&mut self, value: &'s Value, base: &str) {
        match value {
            Value::Object(object) => {
                let base = self.index_identifiers(object, value, base);
                if base != ROOT {
                    self.bases.insert(place(value), base.clone().into_owned());
                }
                for (key, inner) in object {
                    // These hold data, not schemas.
                    if !matches!(key.as_str(), "enum" | "const" | "default" | "examples") {
                        self.index(inner, &base);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.index(item, base)),
            _ => {}
        }
    }

    fn index_identifiers<'b>(&mut self, object: &Map<String, Value>, value: &'s Value, base: &'b str) -> Cow<'b, str> {
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let mut base = Cow::Borrowed(base);
        if let Some(identifier) = text(if self.draft == Draft::Four { "id" } else { "$id" }) {
            let (address, fragment) = identifier.split_once('#').unwrap_or((identifier, ""));
            if !address.is_empty() {
                base = Cow::Owned(join(&base, address));
                self.addresses.entry(base.clone().into_owned()).or_insert(value);
            }
            if !fragment.is_empty() {
                self.addresses.entry(format!("{base}#{fragment}")).or_insert(value);
            }
        }
        for anchor in [text("$anchor"), text("$dynamicAnchor")].into_iter().flatten() {
            self.addresses.entry(format!("{base}#{anchor}")).or_insert(value);
        }
        base
    }

    /// The schema that a reference in `schema` leads to.
    pub(super) fn resolve(&self, schema: &Value, reference: &str) -> Result<&'s Value, Lost> {
        let base = self.bases.get(&place(schema)).map_or(ROOT, String::as_str);
        let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let address = if address.is_empty() { base.to_owned() } else { join(base, address) };
        let decoded = percent_decoded(fragment);
        if let Some(named) = self.addresses.get(&format!("{address}#{decoded}")) {
            return Ok(named);
        }
        let Some(start) = self.addresses.get(&address).copied() else {
            let mark = if fragment.is_empty() { "" } else { "#" };
            return Err(match is_canonical(&address) {
                true => Lost::Document(address),
                false => {
                    let address = address.strip_prefix("own://").unwrap_or(&address);
                    Lost::Place(format!("Reference {address}{mark}{fragment} must be canonical"))
                }
            });
        };
        // A name that nothing has is passed over.
        let pointer = if decoded.starts_with('/') { decoded.as_str() } else { "" };
        at_pointer(start, pointer).map_err(Lost::Place)
    }
}

/// Whether Helm 3 would load what stands at an address.
fn is_canonical(address: &str) -> bool {
    match address.split_once("://") {
        Some(("own", _)) | None => false,
        Some(("file", path)) => path.starts_with('/'),
        Some((_, rest)) => !rest.is_empty() && !rest.starts_with('/'),
    }
}

/// What a pointer leads to, or the words of Helm 3's reader of pointers.
fn at_pointer<'v>(start: &'v Value, pointer: &str) -> Result<&'v Value, String> {
    let mut value = start;
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        value = match value {
            Value::Object(members) => members.get(&part).ok_or_else(|| format!("Object has no key '{part}'"))?,
            Value::Array(items) => {
                let index: usize = part.parse().map_err(|_| format!("Invalid array index '{part}'"))?;
                items.get(index).ok_or_else(|| format!("Out of bound array[0,{}] index '{index}'", items.len()))?
            }
            _ => return Err(format!("Invalid token reference '{part}'")),
        };
    }
    Ok(value)
}

/// Where a value lies in memory: what tells two equal schemas apart.
pub(super) fn place(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

/// The draft of this address, with an empty fragment or none.
pub(super) fn draft_of(address: &str) -> Option<Draft> {
    let address = address.strip_suffix('#').unwrap_or(address);
    let address = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://")).unwrap_or(address);
    Some(match address {
        "json-schema.org/schema" | "json-schema.org/draft/2020-12/schema" => Draft::Year2020,
        "json-schema.org/draft/2019-09/schema" => Draft::Year2019,
        "json-schema.org/draft-07/schema" => Draft::Seven,
        "json-schema.org/draft-06/schema" => Draft::Six,
        "json-schema.org/draft-04/schema" => Draft::Four,
        _ => return None,
    })
}

/// An address relative to another.
fn join(base: &str, address: &str) -> String {
    if address.split(['/', '?']).next().is_some_and(|start| start.contains(':')) {
        return address.to_owned();
    }
    let (scheme, rest) = base.split_once("://").unwrap_or(("file", base));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = match address.strip_prefix('/') {
        Some(path) => path.to_owned(),
        None => path.rsplit_once('/').map_or(address.to_owned(), |(folder, _)| format!("{folder}/{address}")),
    };
    let path = crate::text::clean_path(&format!("/{path}"));
    format!("{scheme}://{host}{path}")
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

//! The documents that make up a schema, the parts of them with an identifier of their own, and where their references lead.
//!
//! As in Helm's validator a schema is whole before any value is looked at: identifiers and anchors are collected, the schema is
//! checked against that of its draft, and every reference and pattern that it uses is followed. Files beside the schema are not there
//! for Helm, which takes them from the root folder.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use serde_json::{Map, Value};
use sutler_functions::url::Url;

use super::document::{Draft, draft_of, place};
use super::failure::Failure;
use super::metaschema;
use super::pointer;
use super::recognize;
use super::remote::Source;
use super::validator::Validator;
use crate::text::go_quoted;

/// The address under which Helm knows a chart's schema.
const ROOT: &str = "file:///values.schema.json";

/// A schema with all that it refers to.
pub(super) struct Resources<'s> {
    roots: Vec<Root<'s>>,
    /// Targets of references, by the place of the schema that refers and the keyword.
    links: HashMap<(usize, &'static str), &'s Value, Hasher>,
    /// Root and pointer of the resource that a schema belongs to, by the schema's place.
    owners: HashMap<usize, (usize, String), Hasher>,
    /// Where other documents come from.
    source: Source<'s>,
}

/// A document and its address.
struct Root<'s> {
    address: String,
    value: &'s Value,
    /// By their pointers; the whole is one of them.
    resources: BTreeMap<String, Resource<'s>>,
    /// Places of what is known to be a schema.
    known: HashSet<usize, Hasher>,
}

/// A schema with an identifier of its own.
pub(super) struct Resource<'s> {
    pub(super) draft: Draft,
    pub(super) value: &'s Value,
    identifier: String,
    /// Pointers by name.
    anchors: BTreeMap<String, String>,
    dynamic_anchors: Vec<String>,
}

/// Hashes places in memory, which nobody outside chooses.
type Hasher = foldhash::fast::FixedState;

/// A step from a schema to one within it.
#[derive(Clone, Copy)]
enum Part<'s> {
    Keyword(&'s str),
    /// A keyword and a name within its value.
    Name(&'s str, &'s str),
    /// A keyword and an index into its value.
    Index(&'s str, usize),
}

impl Part<'_> {
    fn append_to(self, pointer: &mut String) {
        // Writing to a string does not fail.
        let _ = match self {
            Part::Keyword(keyword) => write!(pointer, "/{keyword}"),
            Part::Name(keyword, name) => write!(pointer, "/{keyword}/{}", pointer::escaped(name)),
            Part::Index(keyword, index) => write!(pointer, "/{keyword}/{index}"),
        };
    }
}

/// The way to a schema, written as a pointer only where somebody asks for it.
#[derive(Clone, Copy)]
enum Path<'p> {
    At(&'p str),
    Below(&'p Path<'p>, Part<'p>),
}

impl Path<'_> {
    fn pointer(&self) -> String {
        match self {
            Path::At(pointer) => (*pointer).to_owned(),
            Path::Below(above, part) => {
                let mut pointer = above.pointer();
                part.append_to(&mut pointer);
                pointer
            }
        }
    }

    fn is_root(&self) -> bool {
        matches!(self, Path::At(""))
    }
}

/// A schema that is to be followed.
struct Step<'s> {
    root: usize,
    /// The schema, where it is known already what is there.
    value: Option<&'s Value>,
    way: Way<'s>,
}

/// The way to a schema that is to be followed.
enum Way<'s> {
    /// A reference, or the whole.
    Pointer(String),
    /// A part of the schema that was followed as this one.
    Within(usize, Part<'s>),
}

/// The pointer of a step.
fn pointer_of(steps: &[Step<'_>], at: usize) -> String {
    match &steps[at].way {
        Way::Pointer(pointer) => pointer.clone(),
        Way::Within(above, part) => {
            let mut pointer = pointer_of(steps, *above);
            part.append_to(&mut pointer);
            pointer
        }
    }
}

impl<'s> Root<'s> {
    /// Pointer and resource that a pointer lies in.
    fn resource(&self, pointer: &str) -> (&str, &Resource<'s>) {
        let mut prefix = pointer;
        loop {
            if let Some((found, resource)) = self.resources.get_key_value(prefix) {
                return (found, resource);
            }
            prefix = prefix.rsplit_once('/').map_or("", |(before, _)| before);
        }
    }
}

impl<'s> Resources<'s> {
    /// Collects, checks and follows a whole schema. One that is `known` to be right is not checked against its draft's.
    ///
    /// # Errors
    /// What is wrong with the schema, in the words of Helm's validator.
    pub(super) fn new(schema: &'s Value, known: bool, source: Source<'s>) -> Result<Resources<'s>, String> {
        let mut resources = Resources::from(source);
        let root = resources.add(ROOT.to_owned(), schema)?;
        if !known {
            resources.check(root, "", schema)?;
        }
        resources.follow(root, known)?;
        Ok(resources)
    }

    /// Without any document yet.
    fn from(source: Source<'s>) -> Resources<'s> {
        Resources { roots: Vec::new(), links: HashMap::default(), owners: HashMap::default(), source }
    }

    /// The schemas of drafts, by which schemas are checked.
    pub(super) fn metaschemas(drafts: &[Draft]) -> Resources<'static> {
        let mut resources = Resources::from(Source::none());
        for draft in drafts {
            let whole = resources.root(metaschema::address(*draft)).expect("the drafts' own schemas are there");
            resources.follow(whole, true).expect("the drafts' own schemas are right");
        }
        resources
    }

    /// The schema itself.
    pub(super) fn value(&self) -> &'s Value {
        self.roots[0].value
    }

    /// Where a keyword of a schema leads.
    pub(super) fn target(&self, schema: &Value, keyword: &'static str) -> Option<&'s Value> {
        self.links.get(&(place(schema), keyword)).copied()
    }

    /// The resource that a schema belongs to.
    pub(super) fn owner(&self, schema: usize) -> &Resource<'s> {
        let (root, pointer) = self.owners.get(&schema).map_or((0, ""), |(root, pointer)| (*root, pointer));
        &self.roots[root].resources[pointer]
    }

    /// The schema that a dynamic anchor of a resource names.
    pub(super) fn dynamic_anchor(&self, schema: usize, name: &str) -> Option<&'s Value> {
        let resource = self.owner(schema);
        let is_dynamic = resource.draft >= Draft::Year2020 && resource.dynamic_anchors.iter().any(|own| own == name);
        let pointer = resource.anchors.get(name).filter(|_| is_dynamic)?;
        let (root, _) = self.owners.get(&schema)?;
        pointer::lookup(self.roots[*root].value, pointer).ok().flatten()
    }

    /// The address of a schema, for messages.
    pub(super) fn location(&self, schema: usize) -> String {
        for root in &self.roots {
            if let Some(pointer) = pointer::of(root.value, schema) {
                return format!("{}#{}", root.address, pointer::encoded(&pointer));
            }
        }
        String::new()
    }

    /// The document at an address, collected if it was not yet.
    fn root(&mut self, address: &str) -> Result<usize, String> {
        if let Some(known) = self.roots.iter().position(|root| root.address == address) {
            return Ok(known);
        }
        let document = load(address, self.source)?;
        let root = self.add(address.to_owned(), document)?;
        let is_drafts =
            ["http", "https"].iter().any(|scheme| address.starts_with(&format!("{scheme}://json-schema.org/")));
        if !is_drafts {
            self.check(root, "", document)?;
        }
        Ok(root)
    }

    fn add(&mut self, address: String, value: &'s Value) -> Result<usize, String> {
        let mut root = Root { address, value, resources: BTreeMap::new(), known: HashSet::default() };
        let base = root.address.clone();
        collect(&mut root, value, &base, Path::At(""), Draft::Year2020, self.source)?;
        self.roots.push(root);
        Ok(self.roots.len() - 1)
    }

    /// Checks a schema against that of its draft.
    fn check(&self, root: usize, pointer: &str, schema: &Value) -> Result<(), String> {
        let root = &self.roots[root];
        let draft = root.resource(pointer).1.draft;
        // Parts with an identifier may follow another draft than the whole.
        let mixed = root.resources.values().any(|resource| resource.draft != draft);
        if !mixed && recognize::is_right(schema, draft) {
            return Ok(());
        }
        let mut drafts: Vec<Draft> = root.resources.values().map(|resource| resource.draft).collect();
        drafts.sort_unstable();
        drafts.dedup();
        let metaschemas = Resources::metaschemas(&drafts);
        let parts = root.resources.iter().filter(|_| mixed);
        let parts = parts.map(|(pointer, resource)| (pointer.clone(), resource.draft)).collect();
        Validator::of_schemas(&metaschemas, draft, parts).run(of_draft(draft), schema).map_err(|failure: Failure| {
            format!(
                "{} is not valid against metaschema: jsonschema validation failed with '{}#'\n{}",
                go_quoted(&format!("{}#{}", root.address, pointer::encoded(pointer))),
                metaschema::address(draft),
                failure.lines()
            )
        })
    }

    /// Follows a document to all that it uses.
    fn follow(&mut self, from: usize, known: bool) -> Result<(), String> {
        let mut steps = vec![Step { root: from, value: None, way: Way::Pointer(String::new()) }];
        let mut followed = HashSet::with_hasher(Hasher::default());
        let mut at = 0;
        while at < steps.len() {
            let here = at;
            at += 1;
            let root = steps[here].root;
            let value = match steps[here].value {
                Some(value) if self.roots[root].known.contains(&place(value)) => value,
                _ => self.ensure(root, &pointer_of(&steps, here), known)?,
            };
            if !followed.insert(place(value)) {
                continue;
            }
            let document = &self.roots[root];
            // Most documents are one resource.
            let (pointer, own) = if document.resources.len() == 1 {
                (None, String::new())
            } else {
                let pointer = pointer_of(&steps, here);
                let own = document.resource(&pointer).0.to_owned();
                (Some(pointer), own)
            };
            let resource = &document.resources[&own];
            let draft = resource.draft;
            if !followed.contains(&place(resource.value)) {
                steps.push(Step { root, value: None, way: Way::Pointer(own.clone()) });
            }
            let is_resource = pointer.map_or(place(value) == place(document.value), |pointer| pointer == own);
            if is_resource && draft >= Draft::Year2020 {
                let anchors = resource.dynamic_anchors.iter().filter_map(|name| resource.anchors.get(name));
                let way = |anchor: &String| Way::Pointer(anchor.clone());
                steps.extend(anchors.map(|anchor| Step { root, value: None, way: way(anchor) }));
            }
            self.owners.insert(place(value), (root, own));
            if let Value::Object(keywords) = value {
                let mut schema = Following { root, at: here, place: place(value), keywords, draft, steps: &mut steps };
                self.keywords(&mut schema)?;
            }
        }
        Ok(())
    }

    /// What is at a place, which becomes a schema by being referred to.
    fn ensure(&mut self, root: usize, pointer: &str, known: bool) -> Result<&'s Value, String> {
        let document = &self.roots[root];
        let quoted = || go_quoted(&format!("{}#{}", document.address, pointer::encoded(pointer)));
        let value = match pointer::lookup(document.value, pointer) {
            Ok(Some(value)) => value,
            Ok(None) => return Err(format!("json-pointer in {} not found", quoted())),
            Err(()) => return Err(format!("invalid json-pointer {}", quoted())),
        };
        if !document.known.contains(&place(value)) {
            let (_, resource) = document.resource(pointer);
            let (base, draft) = (resource.identifier.clone(), resource.draft);
            collect(&mut self.roots[root], value, &base, Path::At(pointer), draft, self.source)?;
            if !known {
                self.check(root, pointer, value)?;
            }
        }
        Ok(value)
    }

    /// Queues what the keywords of a schema lead to, in the order in which Helm's validator does.
    fn keywords(&mut self, schema: &mut Following<'_, 's>) -> Result<(), String> {
        let draft = schema.draft;
        self.reference(schema, "$ref")?;
        // What later drafts brought is looked at also beside a reference.
        if draft >= Draft::Year2019 || schema.text("$ref").is_none() {
            self.first_keywords(schema)?;
        }
        if draft >= Draft::Six {
            schema.one("contains");
            schema.one("propertyNames");
        }
        if draft >= Draft::Seven {
            schema.one("if");
            let condition = schema.keywords.get("if").map(|condition| condition.as_bool());
            for (keyword, never) in [("then", false), ("else", true)] {
                if condition.is_some_and(|condition| condition != Some(never)) {
                    schema.one(keyword);
                }
            }
        }
        if draft >= Draft::Year2019 {
            self.reference(schema, "$recursiveRef")?;
            schema.map("dependentSchemas");
            schema.one("unevaluatedItems");
            schema.one("unevaluatedProperties");
        }
        if draft >= Draft::Year2020 {
            self.reference(schema, "$dynamicRef")?;
            schema.list("prefixItems");
            schema.one("items");
        }
        Ok(())
    }

    /// The same of those that draft 4 has.
    fn first_keywords(&self, schema: &mut Following<'_, 's>) -> Result<(), String> {
        let draft = schema.draft;
        ["allOf", "anyOf", "oneOf"].into_iter().for_each(|keyword| schema.list(keyword));
        schema.one("not");
        if draft < Draft::Year2020 {
            if schema.keywords.get("items").is_some_and(Value::is_array) {
                schema.list("items");
                schema.one("additionalItems");
            } else {
                schema.one("items");
            }
        }
        schema.map("properties");
        schema.map("patternProperties");
        for pattern in schema.members("patternProperties") {
            self.pattern(schema, "patternProperties", pattern)?;
        }
        schema.one("additionalProperties");
        schema.map("dependencies");
        if let Some(pattern) = schema.text("pattern") {
            self.pattern(schema, "pattern", pattern)?;
        }
        Ok(())
    }

    fn pattern(&self, schema: &Following<'_, 's>, keyword: &str, pattern: &str) -> Result<(), String> {
        sutler_functions::re2::Pattern::shared(pattern.as_bytes()).map(|_| ()).map_err(|error| {
            let address = &self.roots[schema.root].address;
            let at = format!("{address}#{}/{keyword}", pointer::encoded(&pointer_of(schema.steps, schema.at)));
            format!("invalid regex {} at {}: {error}", go_quoted(pattern), go_quoted(&at))
        })
    }

    fn reference(&mut self, schema: &mut Following<'_, 's>, keyword: &'static str) -> Result<(), String> {
        let Some(reference) = schema.text(keyword) else { return Ok(()) };
        let (address, fragment) = joined(&self.owner(schema.place).identifier, reference)?;
        let own = &self.roots[schema.root];
        let start = if own.address == address {
            Some(String::new())
        } else {
            let mut resources = own.resources.iter();
            resources.find(|(_, resource)| resource.identifier == address).map(|(pointer, _)| pointer.clone())
        };
        let (root, start) = match start {
            Some(start) => (schema.root, start),
            None => (self.root(&address)?, String::new()),
        };
        let document = &self.roots[root];
        let pointer = if fragment.is_empty() || fragment.starts_with('/') {
            format!("{start}{fragment}")
        } else {
            let resource = &document.resources[&start];
            resource.anchors.get(&fragment).cloned().ok_or_else(|| {
                let anchor = format!("{}#{}", resource.identifier, pointer::encoded(&fragment));
                format!("anchor in {} not found in schema {}", go_quoted(&anchor), go_quoted(&document.address))
            })?
        };
        // What is not there is said when its turn comes.
        let value = pointer::lookup(document.value, &pointer).ok().flatten();
        if let Some(target) = value {
            self.links.insert((schema.place, keyword), target);
        }
        schema.steps.push(Step { root, value, way: Way::Pointer(pointer) });
        Ok(())
    }
}

/// A schema whose keywords are being followed.
struct Following<'q, 's> {
    root: usize,
    /// Its step.
    at: usize,
    place: usize,
    keywords: &'s Map<String, Value>,
    draft: Draft,
    steps: &'q mut Vec<Step<'s>>,
}

impl<'s> Following<'_, 's> {
    fn text(&self, keyword: &str) -> Option<&'s str> {
        self.keywords.get(keyword).and_then(Value::as_str)
    }

    fn members(&self, keyword: &str) -> impl Iterator<Item = &'s String> + use<'s> {
        self.keywords.get(keyword).and_then(Value::as_object).into_iter().flat_map(Map::keys)
    }

    fn push(&mut self, value: &'s Value, part: Part<'s>) {
        self.steps.push(Step { root: self.root, value: Some(value), way: Way::Within(self.at, part) });
    }

    fn one(&mut self, keyword: &'static str) {
        if let Some(value) = self.keywords.get(keyword) {
            self.push(value, Part::Keyword(keyword));
        }
    }

    fn list(&mut self, keyword: &'static str) {
        let items = self.keywords.get(keyword).and_then(Value::as_array).into_iter().flatten();
        for (index, value) in items.enumerate() {
            self.push(value, Part::Index(keyword, index));
        }
    }

    /// Queues what is no list of names, as `dependencies` may hold.
    fn map(&mut self, keyword: &'static str) {
        for (name, schema) in self.keywords.get(keyword).and_then(Value::as_object).into_iter().flatten() {
            if keyword != "dependencies" || !schema.is_array() {
                self.push(schema, Part::Name(keyword, name));
            }
        }
    }
}

/// A draft's own schema.
pub(super) fn of_draft(draft: Draft) -> &'static Value {
    metaschema::document(metaschema::address(draft)).expect("every draft has a schema")
}

/// The document at an address: one that Helm's validator carries, or one that is fetched.
fn load<'s>(address: &str, source: Source<'s>) -> Result<&'s Value, String> {
    if let Some(document) = metaschema::document(address) {
        return Ok(document);
    }
    let url = Url::parse(address.as_bytes()).map_err(|error| failing(address, &error.to_string()))?;
    source.load_by_scheme(&url, address).map_err(|why| failing(address, &why))
}

fn failing(address: &str, why: &str) -> String {
    format!("failing loading {}: {why}", go_quoted(address))
}

/// The draft that a schema names, or the one given.
fn draft_in<'s>(schema: &'s Map<String, Value>, default: Draft, source: Source<'s>) -> Result<Draft, String> {
    let mut address = match schema.get("$schema").and_then(Value::as_str) {
        Some(address) => address,
        None => return Ok(default),
    };
    // What a schema names may be a schema that names another.
    for _ in 0..3 {
        if let Some(draft) = draft_of(address) {
            return Ok(draft);
        }
        let named = address.split('#').next().unwrap_or_default();
        address = match load(named, source)?.get("$schema").and_then(Value::as_str) {
            Some(address) => address,
            None => return Ok(default),
        };
    }
    Ok(default)
}

/// An identifier without its fragment; empty where there is none.
fn identifier(schema: &Map<String, Value>, draft: Draft) -> &str {
    if draft < Draft::Year2019 && schema.contains_key("$ref") {
        return "";
    }
    let keyword = if draft == Draft::Four { "id" } else { "$id" };
    let identifier = schema.get(keyword).and_then(Value::as_str).unwrap_or_default();
    identifier.split('#').next().unwrap_or_default()
}

/// An address relative to another, and the fragment without its escapes.
fn joined(base: &str, reference: &str) -> Result<(String, String), String> {
    let failed = |text: &str, why: &str| format!("error in parsing {}: {why}", go_quoted(text));
    let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let fragment = pointer::decoded(fragment).map_err(|why| failed(reference, &why))?;
    let parsed = |text: &str| Url::parse(text.as_bytes()).map_err(|error| failed(text, &error.to_string()));
    let (base, reference) = (parsed(base)?, parsed(address)?);
    let mut whole = base.resolve(&reference);
    if !reference.is_absolute() && !base.opaque.is_empty() {
        whole.opaque = base.opaque;
    }
    Ok((String::from_utf8_lossy(&whole.to_bytes()).into_owned(), fragment))
}

/// Notes the identifiers and anchors of a schema and of those within it. The recursion is bounded by the reader of JSON.
fn collect<'s>(
    root: &mut Root<'s>,
    schema: &'s Value,
    base: &str,
    path: Path<'_>,
    fallback: Draft,
    source: Source<'s>,
) -> Result<(), String> {
    if !root.known.insert(place(schema)) {
        return Ok(());
    }
    let resource = |draft: Draft, identifier: &str| Resource {
        draft,
        value: schema,
        identifier: identifier.to_owned(),
        anchors: BTreeMap::new(),
        dynamic_anchors: Vec::new(),
    };
    let Value::Object(keywords) = schema else {
        if path.is_root() {
            root.resources.insert(String::new(), resource(fallback, base));
        }
        return Ok(());
    };
    let mut draft = draft_in(keywords, fallback, source)?;
    let mut own = identifier(keywords, draft);
    if own.is_empty() && !path.is_root() {
        draft = fallback;
        own = identifier(keywords, draft);
    }
    let mut base = Cow::Borrowed(base);
    if !own.is_empty() {
        let failed = |_| {
            let at = format!("{}#{}", root.address, pointer::encoded(&path.pointer()));
            format!("error in parsing id at {}", go_quoted(&at))
        };
        base = Cow::Owned(joined(&base, own).map_err(failed)?.0);
    }
    if !own.is_empty() || path.is_root() {
        let pointer = path.pointer();
        match root.resources.iter().find(|(_, resource)| resource.identifier == *base) {
            Some((other, _)) if *other != pointer => {
                let [base, address, pointer, other] = [&base, root.address.as_str(), &pointer, other].map(go_quoted);
                return Err(format!("duplicate id {base} in {address} at {pointer} and {other}"));
            }
            Some(_) => {}
            None => {
                root.resources.insert(pointer, resource(draft, &base));
            }
        }
    }
    let Some(of) = root.resources.values_mut().find(|resource| resource.identifier == *base) else {
        return Ok(());
    };
    collect_anchors(of, keywords, &root.address, path)?;
    let draft_within = of.draft;
    for (keyword, value) in keywords {
        let places = places(keyword, draft);
        if places.one {
            collect(root, value, &base, Path::Below(&path, Part::Keyword(keyword)), draft_within, source)?;
        }
        match value {
            Value::Object(members) if places.map => {
                for (name, inner) in members {
                    collect(root, inner, &base, Path::Below(&path, Part::Name(keyword, name)), draft_within, source)?;
                }
            }
            Value::Array(items) if places.list => {
                for (index, inner) in items.iter().enumerate() {
                    collect(root, inner, &base, Path::Below(&path, Part::Index(keyword, index)), draft_within, source)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn collect_anchors(
    resource: &mut Resource<'_>,
    keywords: &Map<String, Value>,
    address: &str,
    path: Path<'_>,
) -> Result<(), String> {
    let text = |keyword: &str| keywords.get(keyword).and_then(Value::as_str);
    let mut names = Vec::new();
    if resource.draft < Draft::Year2019 {
        if keywords.contains_key("$ref") {
            return Ok(());
        }
        let keyword = if resource.draft == Draft::Four { "id" } else { "$id" };
        if let Some((_, fragment)) = text(keyword).and_then(|identifier| identifier.split_once('#')) {
            let name = pointer::decoded(fragment).map_err(|_| {
                let at = go_quoted(&format!("{address}#{}", pointer::encoded(&path.pointer())));
                format!("error in parsing anchor at {at}")
            })?;
            if !name.is_empty() && !name.starts_with('/') {
                names.push(name);
            }
        }
    } else {
        names.extend(text("$anchor").map(str::to_owned));
    }
    if resource.draft >= Draft::Year2020
        && let Some(name) = text("$dynamicAnchor")
    {
        names.push(name.to_owned());
        resource.dynamic_anchors.push(name.to_owned());
    }
    for name in names {
        let pointer = path.pointer();
        match resource.anchors.get(&name) {
            Some(other) if *other != pointer => {
                let [name, address, other, pointer] = [&name, address, other, &pointer].map(go_quoted);
                return Err(format!("duplicate anchor {name} in {address} at {other} and {pointer}"));
            }
            Some(_) => {}
            None => {
                resource.anchors.insert(name, pointer);
            }
        }
    }
    Ok(())
}

/// Where schemas are in the value of a keyword.
#[derive(Clone, Copy, Default)]
struct Places {
    /// The value itself.
    one: bool,
    /// The members of an object.
    map: bool,
    /// The items of a list.
    list: bool,
}

/// Where a draft has schemas in the value of a keyword.
fn places(keyword: &str, draft: Draft) -> Places {
    let nowhere = Places::default();
    let (one, map, list) =
        (Places { one: true, ..nowhere }, Places { map: true, ..nowhere }, Places { list: true, ..nowhere });
    let (since, places) = match keyword {
        "definitions" | "properties" | "patternProperties" | "dependencies" => (Draft::Four, map),
        "$defs" | "dependentSchemas" => (Draft::Year2019, map),
        "not" | "additionalProperties" | "additionalItems" => (Draft::Four, one),
        "propertyNames" | "contains" => (Draft::Six, one),
        "if" | "then" | "else" => (Draft::Seven, one),
        "unevaluatedProperties" | "unevaluatedItems" | "contentSchema" => (Draft::Year2019, one),
        "allOf" | "anyOf" | "oneOf" => (Draft::Four, list),
        "prefixItems" => (Draft::Year2020, list),
        "items" => (Draft::Four, Places { one: true, map: false, list: true }),
        _ => return nowhere,
    };
    if since <= draft { places } else { nowhere }
}

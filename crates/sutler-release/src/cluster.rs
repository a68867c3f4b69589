//! The Kubernetes API, as release code uses it: dynamic objects, classified errors, retries.
//!
//! [`Cluster`] sends; what it sends and how it judges the answer is decided by plain functions in `retry`, `mapping` and
//! `error`. It keeps bodies out of every log and error, since they hold secrets.

mod error;
mod mapping;
mod retry;

pub use error::{Answer, ApiError, FieldConflict, Target, Verb};
pub use mapping::{Mapper, Mapping};

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use http::Request;
use jiff::SignedDuration;
use kube::client::Body;
use serde_json::Value;

use crate::object::ObjectRef;
use crate::world::{Watched, World};

/// Requests that are on their way at the same time, where their order does not matter.
const AT_ONCE: usize = 8;
/// Runs requests, some of them at the same time; answers come in the order of the requests.
///
/// The requests are made beforehand: an iterator that makes them on the way would have the compiler doubt that the whole
/// can move between threads.
pub(crate) fn at_once<F: Future>(requests: Vec<F>) -> impl Stream<Item = F::Output> {
    stream::iter(requests).buffered(AT_ONCE)
}

/// The size of a list's page.
const PAGE: usize = 500;

/// A Kubernetes API: the client, its address for messages, and the world on whose clock it retries.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    address: Arc<str>,
    world: Arc<dyn World>,
    mapper: Arc<Mutex<Option<Arc<Mapper>>>>,
    field_manager: Arc<str>,
    /// Whether the API has ever answered.
    has_met: Arc<AtomicBool>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("address", &self.address).finish_non_exhaustive()
    }
}

/// How a server-side apply is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// Take fields from other managers.
    pub force: bool,
    /// Only say what would come of it.
    pub dry_run: bool,
}

/// Which objects of a collection are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select<'a> {
    /// All.
    All,
    /// Those with these labels, in the API's selector syntax.
    Labels(&'a str),
    /// Those with these fields.
    Fields(&'a str),
}

/// What happens to the objects that a deleted one owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted after it, by the garbage collector.
    #[default]
    Background,
    /// It stays until they are gone.
    Foreground,
    /// They stay.
    Orphan,
}

impl Cluster {
    /// An API behind `client`. `address` is what messages name it by: its URL, or `the simulator`.
    pub fn new(client: kube::Client, address: impl Into<String>, world: Arc<dyn World>) -> Self {
        Self {
            client,
            address: address.into().into(),
            world,
            mapper: Arc::default(),
            field_manager: crate::FIELD_MANAGER.into(),
            has_met: Arc::default(),
        }
    }

    /// The same API, written to under another field manager's name than Helm's.
    #[must_use]
    pub fn with_field_manager(self, name: &str) -> Self {
        Self { field_manager: name.into(), ..self }
    }

    /// The world on whose clock this API is used.
    pub fn world(&self) -> &Arc<dyn World> {
        &self.world
    }

    /// The name under which objects are written.
    pub(crate) fn field_manager(&self) -> &str {
        &self.field_manager
    }

    /// The API's version, as `/version` tells it.
    ///
    /// # Errors
    /// If the API cannot be reached.
    pub async fn version(&self) -> Result<Value, ApiError> {
        self.get_path("/version", Target::path("/version")).await
    }

    /// The kinds that the API serves, read once and kept until [`Cluster::forget_kinds`].
    ///
    /// # Errors
    /// If discovery fails.
    pub async fn mapper(&self) -> Result<Arc<Mapper>, ApiError> {
        if let Some(mapper) = self.mapper.lock().expect("no code panics while it holds this lock").clone() {
            return Ok(mapper);
        }
        let mapper = Arc::new(self.discover().await?);
        *self.mapper.lock().expect("no code panics while it holds this lock") = Some(mapper.clone());
        Ok(mapper)
    }

    /// Forgets the kinds, since a CustomResourceDefinition was written.
    pub fn forget_kinds(&self) {
        *self.mapper.lock().expect("no code panics while it holds this lock") = None;
    }

    async fn discover(&self) -> Result<Mapper, ApiError> {
        let (core, groups) =
            futures_util::future::try_join(self.discover_at("/api"), self.discover_at("/apis")).await?;
        let mut mapper = Mapper::default();
        let mut separate = Vec::new();
        for answer in [&core, &groups] {
            if !mapper.add_aggregated(answer) {
                separate.extend(mapping::group_versions(answer));
            }
        }
        // An API server (or a proxy before it) that does not know the aggregated form answers group by group.
        let requests = separate.into_iter().map(|path| async move {
            match self.get_path(&path, Target::path(&path)).await {
                // An aggregated API whose backend is down must not hide all other kinds.
                Err(error) if error.is_answer() => {
                    tracing::warn!(path, %error, "an API group cannot be discovered");
                    Ok(None)
                }
                other => other.map(Some),
            }
        });
        let lists: Vec<Option<Value>> = at_once(requests.collect()).try_collect().await?;
        for list in lists.into_iter().flatten() {
            mapper.add_list(&list);
        }
        Ok(mapper)
    }

    async fn discover_at(&self, path: &str) -> Result<Value, ApiError> {
        const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        let call = Call { accept: ACCEPT, ..Call::new("GET", path.to_owned()) };
        self.send(&call, &Target::path(path)).await
    }

    /// The mapping of an object's kind, looked up anew once if it is not known: it may have been added meanwhile.
    ///
    /// # Errors
    /// [`ApiError::NoSuchKind`] if the API does not serve it.
    pub async fn mapping(&self, api_version: &str, kind: &str) -> Result<Mapping, ApiError> {
        if let Some(mapping) = self.mapper().await?.mapping(api_version, kind) {
            return Ok(mapping.clone());
        }
        self.forget_kinds();
        let mapper = self.mapper().await?;
        mapper
            .mapping(api_version, kind)
            .cloned()
            .ok_or_else(|| ApiError::NoSuchKind { kind: kind.to_owned(), api_version: api_version.to_owned() })
    }

    /// Reads an object; `None` if there is none (or no such kind).
    ///
    /// # Errors
    /// Any other refusal.
    pub async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, ApiError> {
        let mapping = match self.mapping(&object.api_version, &object.kind).await {
            Ok(mapping) => mapping,
            Err(ApiError::NoSuchKind { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let call = Call::new("GET", mapping.object_path(object));
        found(self.send(&call, &Target::of(Verb::Get, &mapping, object)).await)
    }

    /// Reads all objects of a kind in a namespace (or in all), page by page.
    ///
    /// # Errors
    /// If they cannot be listed.
    pub async fn list(
        &self,
        mapping: &Mapping,
        namespace: Option<&str>,
        select: Select<'_>,
    ) -> Result<Vec<Value>, ApiError> {
        let target = Target::collection(Verb::List, mapping, namespace);
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let mut path = format!("{}?limit={PAGE}", mapping.collection_path(namespace));
            let (parameter, selector) = match select {
                Select::All => ("", ""),
                Select::Labels(selector) => ("&labelSelector=", selector),
                Select::Fields(selector) => ("&fieldSelector=", selector),
            };
            path.push_str(parameter);
            path.push_str(&percent_encode(selector));
            if !next.is_empty() {
                path.push_str("&continue=");
                path.push_str(&percent_encode(&next));
            }
            let page = match self.send(&Call::new("GET", path), &target).await {
                // The pages' common moment is gone from the server's memory: begin again, from now.
                Err(ApiError::Refused { code: 410, .. }) if !next.is_empty() => {
                    items.clear();
                    next.clear();
                    continue;
                }
                page => page?,
            };
            next = page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned();
            let Value::Object(mut fields) = page else { return Ok(items) };
            if let Some(Value::Array(page)) = fields.remove("items") {
                items.extend(page.into_iter().map(|item| mapping.with_type(item)));
            }
            if next.is_empty() {
                return Ok(items);
            }
        }
    }

    /// Writes an object by server-side apply and returns what it became.
    ///
    /// # Errors
    /// [`ApiError::Conflict`] if another manager owns a field, unless forced.
    pub async fn apply(&self, object: &Value, options: ApplyOptions) -> Result<Value, ApiError> {
        let reference = ObjectRef::of(object);
        let mapping = self.mapping(&reference.api_version, &reference.kind).await?;
        let path = format!(
            "{}?fieldManager={}&force={}&fieldValidation=Strict{}",
            mapping.object_path(&reference),
            percent_encode(&self.field_manager),
            options.force,
            if options.dry_run { "&dryRun=All" } else { "" },
        );
        let call = Call { content: "application/apply-patch+yaml", ..Call::new("PATCH", path) }.with(object);
        self.send(&call, &Target::of(Verb::Apply, &mapping, &reference)).await.map_err(|error| error.without(object))
    }

    /// Writes an object by a patch of another kind (`content` is its media type).
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if there is none to patch.
    pub(crate) async fn patch(
        &self,
        reference: &ObjectRef,
        content: &'static str,
        patch: &Value,
    ) -> Result<Value, ApiError> {
        let mapping = self.mapping(&reference.api_version, &reference.kind).await?;
        let path = format!("{}?fieldManager={}", mapping.object_path(reference), percent_encode(&self.field_manager));
        let call = Call { content, ..Call::new("PATCH", path) }.with(patch);
        self.send(&call, &Target::of(Verb::Patch, &mapping, reference)).await.map_err(|error| error.without(patch))
    }

    /// Creates an object.
    ///
    /// If an attempt was cut off and a later one finds the object there, that one was ours exactly if `is_ours` says so.
    ///
    /// # Errors
    /// [`ApiError::AlreadyExists`] if somebody else's object has its name.
    pub async fn create(&self, object: &Value, is_ours: impl Fn(&Value) -> bool) -> Result<Value, ApiError> {
        let reference = ObjectRef::of(object);
        let mapping = self.mapping(&reference.api_version, &reference.kind).await?;
        let path = format!(
            "{}?fieldManager={}&fieldValidation=Strict",
            mapping.collection_path(reference.namespace.as_deref()),
            percent_encode(&self.field_manager)
        );
        let target = Target::of(Verb::Create, &mapping, &reference);
        let call = Call::new("POST", path).with(object);
        let mut uncertain = false;
        match self.send_noting(&call, &target, &mut uncertain).await {
            Err(ApiError::AlreadyExists { .. }) if uncertain => match self.get(&reference).await? {
                Some(found) if is_ours(&found) => Ok(found),
                _ => Err(ApiError::AlreadyExists { target: Box::new(target) }),
            },
            other => other.map_err(|error| error.without(object)),
        }
    }

    /// Replaces an object. With a resource version in it, only that version is replaced.
    ///
    /// If an attempt was cut off and a later one meets another version, that one was ours exactly if `is_ours` says so.
    ///
    /// # Errors
    /// [`ApiError::Conflict`] without fields if it changed since.
    pub(crate) async fn replace(&self, object: &Value, is_ours: impl Fn(&Value) -> bool) -> Result<Value, ApiError> {
        let reference = ObjectRef::of(object);
        let mapping = self.mapping(&reference.api_version, &reference.kind).await?;
        let target = Target::of(Verb::Update, &mapping, &reference);
        let path = format!("{}?fieldManager={}", mapping.object_path(&reference), percent_encode(&self.field_manager));
        let call = Call::new("PUT", path).with(object);
        let mut uncertain = false;
        match self.send_noting(&call, &target, &mut uncertain).await {
            Err(conflict @ ApiError::Conflict { .. }) if uncertain => match self.get(&reference).await? {
                Some(found) if is_ours(&found) => Ok(found),
                _ => Err(conflict),
            },
            other => other.map_err(|error| error.without(object)),
        }
    }

    /// Deletes an object; whether there was one to delete.
    ///
    /// # Errors
    /// If it may not be deleted.
    pub async fn delete(&self, object: &ObjectRef, propagation: Propagation) -> Result<bool, ApiError> {
        let mapping = match self.mapping(&object.api_version, &object.kind).await {
            Ok(mapping) => mapping,
            // The kind went, and all its objects with it.
            Err(ApiError::NoSuchKind { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        let policy = match propagation {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
            Propagation::Orphan => "Orphan",
        };
        let body = serde_json::json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy});
        let call = Call::new("DELETE", mapping.object_path(object)).with(&body);
        Ok(found(self.send(&call, &Target::of(Verb::Delete, &mapping, object)).await)?.is_some())
    }

    /// What to wait on for an object that was last seen as `seen`.
    ///
    /// # Errors
    /// If its kind is not served.
    pub async fn watched(&self, object: &ObjectRef, seen: Option<&Value>) -> Result<Watched, ApiError> {
        let mapping = self.mapping(&object.api_version, &object.kind).await?;
        let version = seen.and_then(|seen| seen.pointer("/metadata/resourceVersion")).and_then(Value::as_str);
        Ok(Watched {
            collection: mapping.collection_path(object.namespace.as_deref()),
            name: object.name.clone(),
            resource_version: version.map(str::to_owned),
        })
    }

    async fn get_path(&self, path: &str, target: Target) -> Result<Value, ApiError> {
        self.send(&Call::new("GET", path.to_owned()), &target).await
    }

    async fn send(&self, call: &Call, target: &Target) -> Result<Value, ApiError> {
        self.send_noting(call, target, &mut false).await
    }

    /// Sends a request until it is answered for good. `uncertain` becomes true if an attempt may have had its effect
    /// although its answer was lost.
    async fn send_noting(&self, call: &Call, target: &Target, uncertain: &mut bool) -> Result<Value, ApiError> {
        let mut attempt = 0;
        loop {
            let error = match self.send_once(call, target).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(pause) = retry::pause(&error, attempt, self.has_met.load(Ordering::Relaxed)) else {
                return Err(error.into_error(target, &self.address));
            };
            *uncertain |= error.may_have_had_effect();
            attempt += 1;
            tracing::debug!(%target, attempt, "trying again after a passing failure");
            let until = self.world.now().checked_add(pause).unwrap_or(jiff::Timestamp::MAX);
            if self.world.until_change_or(&[], until).await.is_err() {
                // A world that cannot even sleep: say what went wrong with the request.
                return Err(error.into_error(target, &self.address));
            }
        }
    }

    async fn send_once(&self, call: &Call, target: &Target) -> Result<Value, error::Failure> {
        let mut request = Request::builder().method(call.method).uri(&call.path).header("accept", call.accept);
        if !call.body.is_empty() {
            request = request.header("content-type", call.content);
        }
        let request = request.body(Body::from(call.body.clone())).map_err(|error| error::Failure::cut(error.into()))?;
        let response = self.client.send(request).await.map_err(error::Failure::sending)?;
        self.has_met.store(true, Ordering::Relaxed);
        let status = response.status();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let body = response.into_body().collect_bytes().await.map_err(|error| error::Failure::cut(error.into()))?;
        if status.is_success() {
            if body.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&body).map_err(|error| error::Failure::cut(error.into()));
        }
        Err(error::Failure::answered(status.as_u16(), &body, retry_after.map(SignedDuration::from_secs), target))
    }
}

/// One request, ready to be sent as often as needed.
struct Call {
    method: &'static str,
    path: String,
    accept: &'static str,
    content: &'static str,
    body: Vec<u8>,
}

impl Call {
    fn new(method: &'static str, path: String) -> Self {
        Self { method, path, accept: "application/json", content: "application/json", body: Vec::new() }
    }

    fn with(self, body: &Value) -> Self {
        Self { body: serde_json::to_vec(body).expect("a JSON value can be written"), ..self }
    }
}

/// Turns "not found" into `None`.
fn found(answer: Result<Value, ApiError>) -> Result<Option<Value>, ApiError> {
    match answer {
        Ok(object) => Ok(Some(object)),
        Err(ApiError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Percent-encodes everything but unreserved characters, for a query's value or a path's segment.
pub(crate) fn percent_encode(text: &str) -> String {
    use fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes all writes");
        }
    }
    encoded
}

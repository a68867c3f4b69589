//! Requests and responses as plain data: what the machine takes and gives. HTTP is the layer in front.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::status::Refusal;
use crate::watch::Watch;

/// A request to the API.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Path, such as `/api/v1/namespaces/default/pods`, percent-decoded by segment when it is routed.
    pub path: String,
    /// Query pairs, decoded, in order.
    pub query: Vec<(String, String)>,
    /// `Accept`, empty when absent.
    pub accept: String,
    /// `Content-Type`, empty when absent.
    pub content_type: String,
    /// `User-Agent`, empty when absent: its first word up to `/` is the field manager of those who name none.
    pub user_agent: String,
    /// `If-None-Match`, empty when absent.
    pub if_none_match: String,
    /// Body.
    pub body: Bytes,
}

impl Request {
    /// A request without headers; `target` is a path with an optional query.
    pub fn new(method: Method, target: &str, body: impl Into<Bytes>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path: path.to_string(),
            query: parse_query(query),
            accept: String::new(),
            content_type: String::new(),
            user_agent: String::new(),
            if_none_match: String::new(),
            body: body.into(),
        }
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a query parameter says true (`true`, `1`).
    pub fn query_flag(&self, name: &str) -> bool {
        matches!(self.query(name), Some("true" | "1" | "True" | "t" | "T"))
    }
}

/// Decodes `a=b&c=d`.
fn parse_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")))
        })
        .collect()
}

/// Percent-decodes text; what is no escape stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = escaped {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// An answer of the API.
#[derive(Debug)]
pub struct Response {
    /// HTTP status code.
    pub code: u16,
    /// Texts for `Warning` headers.
    pub warnings: Vec<String>,
    /// `Content-Type` of the body.
    pub content_type: &'static str,
    /// `ETag`, when it has one.
    pub etag: Option<String>,
    /// `Retry-After` in seconds, when it has one.
    pub retry_after_seconds: Option<u32>,
    /// Body.
    pub body: Body,
}

/// What a response carries. Objects are shared with the store and written out by the layer in front.
#[derive(Debug)]
pub enum Body {
    /// One JSON value.
    Object(Arc<Value>),
    /// A list of stored objects.
    List(List),
    /// Bytes as they are.
    Bytes(Bytes),
    /// A stream of watch events, see [`crate::watch`].
    Watch(Box<Watch>),
}

/// A list of objects, not yet written out.
#[derive(Debug)]
pub struct List {
    /// Everything but `items`.
    pub head: Value,
    /// The objects, in order.
    pub items: Vec<Arc<Value>>,
    /// Whether each item says its `apiVersion` and `kind`: as the API server, only lists of custom resources do.
    pub typed_items: bool,
}

impl Response {
    /// 200 with a JSON value.
    pub fn ok(value: Value) -> Self {
        Self::object(200, Arc::new(value))
    }

    /// A JSON value with a status code.
    pub fn object(code: u16, object: Arc<Value>) -> Self {
        Self {
            code,
            warnings: Vec::new(),
            content_type: "application/json",
            etag: None,
            retry_after_seconds: None,
            body: Body::Object(object),
        }
    }

    /// 200 with plain text.
    pub fn text(text: impl Into<Bytes>) -> Self {
        Self {
            code: 200,
            warnings: Vec::new(),
            content_type: "text/plain; charset=utf-8",
            etag: None,
            retry_after_seconds: None,
            body: Body::Bytes(text.into()),
        }
    }
}

impl Body {
    /// The body as bytes.
    ///
    /// # Errors
    /// Gives the watch back if it is one: that has no end.
    pub fn into_bytes(self) -> Result<Bytes, Box<Watch>> {
        match self {
            Self::Object(object) => Ok(Bytes::from(object.to_string())),
            Self::List(list) => Ok(list.to_bytes()),
            Self::Bytes(bytes) => Ok(bytes),
            Self::Watch(watch) => Err(watch),
        }
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        Self::object(refusal.code, Arc::new(refusal.to_value()))
    }
}

impl List {
    /// Writes the list as JSON.
    pub fn to_bytes(&self) -> Bytes {
        let mut text = self.head.to_string();
        debug_assert!(text.ends_with('}'), "a list's head is an object with fields");
        text.pop();
        text.push_str(",\"items\":[");
        for (index, item) in self.items.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            if self.typed_items {
                text.push_str(&item.to_string());
            } else {
                text.push_str(&serde_json::to_string(&Untyped(item)).expect("a JSON value can be written"));
            }
        }
        text.push_str("]}");
        Bytes::from(text)
    }
}

/// An object without its `apiVersion` and `kind`.
struct Untyped<'a>(&'a Value);

impl serde::Serialize for Untyped<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                serializer.collect_map(fields.iter().filter(|(name, _)| *name != "apiVersion" && *name != "kind"))
            }
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_target_is_split_and_its_query_decoded() {
        let request = Request::new(Method::GET, "/api?labelSelector=a%3Db%2Cc&x=1+2&flag=true&odd=%zz", "");
        assert_eq!(request.path, "/api");
        assert_eq!(request.query("labelSelector"), Some("a=b,c"));
        assert_eq!(request.query("x"), Some("1 2"));
        assert_eq!(request.query("odd"), Some("%zz"));
        assert!(request.query_flag("flag"));
    }

    #[test]
    fn items_of_a_built_in_list_do_not_say_their_kind() {
        let item = Arc::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}));
        let list = |typed_items| List { head: json!({"kind": "PodList"}), items: vec![item.clone()], typed_items };
        assert_eq!(list(false).to_bytes(), r#"{"kind":"PodList","items":[{"metadata":{"name":"a"}}]}"#);
        assert_eq!(
            list(true).to_bytes(),
            r#"{"kind":"PodList","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}]}"#
        );
    }
}

//! How objects are shown: as they are, as a Table for `kubectl get`, or by their metadata alone; in the version asked for.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::registry::Served;
use crate::request::Request;
use crate::table;

/// The form in which a client wants objects.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) form: Form,
    pub(crate) served: Served,
}

/// One of the forms of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As stored.
    Object,
    /// `meta.k8s.io/v1 Table`.
    Table(Include),
    /// `meta.k8s.io/v1 PartialObjectMetadata`.
    Metadata,
}

/// What each row of a Table carries along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Include {
    None,
    Metadata,
    Object,
}

impl Form {
    /// Reads `Accept`: the first form that is served wins, as clients list what they like best first.
    pub(crate) fn of(request: &Request) -> Self {
        for range in request.accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or("");
            if !matches!(kind, "application/json" | "*/*" | "application/*") {
                continue;
            }
            match parts.find_map(|part| part.strip_prefix("as=")) {
                Some("Table") => {
                    return Self::Table(match request.query("includeObject") {
                        Some("None") => Include::None,
                        Some("Object") => Include::Object,
                        _ => Include::Metadata,
                    });
                }
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Self::Metadata,
                Some(_) => {}
                None => return Self::Object,
            }
        }
        Self::Object
    }
}

impl Output {
    /// One object in this form.
    pub(crate) fn show<'a>(&self, object: &'a Value, now: Timestamp) -> Cow<'a, Value> {
        let object = convert(object, &self.served);
        match self.form {
            Form::Object => object,
            Form::Metadata => Cow::Owned(metadata(&object)),
            Form::Table(include) => {
                let revision = object["metadata"]["resourceVersion"].clone();
                Cow::Owned(table::table(
                    &self.served,
                    [&*object].into_iter(),
                    include,
                    json!({"resourceVersion": revision}),
                    now,
                ))
            }
        }
    }

    /// One object of a watch event in this form.
    pub(crate) fn event<'a>(&self, object: &'a Value, now: Timestamp) -> Cow<'a, Value> {
        self.show(object, now)
    }

    /// A bookmark's object in this form.
    pub(crate) fn bookmark(&self, object: Value) -> Value {
        match self.form {
            Form::Object => object,
            Form::Metadata => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
            }
            Form::Table(_) => json!({
                "kind": "Table", "apiVersion": "meta.k8s.io/v1", "columnDefinitions": null,
                "metadata": {"resourceVersion": object["metadata"]["resourceVersion"]},
                "rows": [{"cells": [], "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]}}],
            }),
        }
    }
}

/// The `PartialObjectMetadata` of an object.
pub(crate) fn metadata(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

/// The object in the version that `served` is about.
pub(crate) fn convert<'a>(object: &'a Value, served: &Served) -> Cow<'a, Value> {
    crate::convert::to_version(object, &served.resource.api_version())
}

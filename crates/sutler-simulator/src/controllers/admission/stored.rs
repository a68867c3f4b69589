//! Steps of claims and jobs.

use serde_json::{Value, json};

use crate::controllers::volumes::{CLAIM_PROTECTION, default_class};
use crate::controllers::{Admission, Operation, Review};
use crate::key::resource;
use crate::status::Refusal;
use crate::view::View;

/// The plugins `DefaultStorageClass` and `StorageObjectInUseProtection`.
pub(crate) struct Claims;

impl Admission for Claims {
    fn name(&self) -> &'static str {
        "DefaultStorageClass"
    }

    fn admit(&self, review: &mut Review<'_>, view: &View<'_>) -> Result<(), Refusal> {
        let is_claim = review.resource == resource::PERSISTENT_VOLUME_CLAIMS && review.subresource.is_empty();
        if !is_claim || review.operation != Operation::Create || !review.object["spec"].is_object() {
            return Ok(());
        }
        let claim = &mut *review.object;
        if claim["spec"]["storageClassName"].is_null()
            && let Some(class) = default_class(view)
        {
            claim["spec"]["storageClassName"] = json!(class);
        }
        match &mut claim["metadata"]["finalizers"] {
            Value::Array(list) if list.iter().any(|name| name == CLAIM_PROTECTION) => {}
            Value::Array(list) => list.push(json!(CLAIM_PROTECTION)),
            other => *other = json!([CLAIM_PROTECTION]),
        }
        Ok(())
    }
}

/// What the API server generates for a Job that has no selector of its own.
pub(crate) struct JobSelectors;

impl Admission for JobSelectors {
    fn name(&self) -> &'static str {
        "job-selectors"
    }

    fn admit(&self, review: &mut Review<'_>, _view: &View<'_>) -> Result<(), Refusal> {
        let is_job = review.resource == resource::JOBS && review.subresource.is_empty();
        let is_new = review.operation == Operation::Create && review.object["spec"]["template"].is_object();
        if !is_job || !is_new || review.object["spec"]["manualSelector"] == true {
            return Ok(());
        }
        let job = &mut *review.object;
        let (name, uid) = (job["metadata"]["name"].clone(), job["metadata"]["uid"].clone());
        let template = &mut job["spec"]["template"];
        if !template["metadata"].is_object() {
            template["metadata"] = json!({});
        }
        if !template["metadata"]["labels"].is_object() {
            template["metadata"]["labels"] = json!({});
        }
        for (key, value) in [
            ("batch.kubernetes.io/controller-uid", &uid),
            ("batch.kubernetes.io/job-name", &name),
            ("controller-uid", &uid),
            ("job-name", &name),
        ] {
            if template["metadata"]["labels"][key].is_null() {
                template["metadata"]["labels"][key] = value.clone();
            }
        }
        job["spec"]["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
        Ok(())
    }
}

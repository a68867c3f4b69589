//! Which pods a namespace takes.

use serde_json::Value;
use sutler_objects::object;
use sutler_objects::pod_security::{Enforced, NEWEST};

use crate::controllers::{Admission, Operation, Review};
use crate::key::resource;
use crate::status::Refusal;
use crate::view::View;

/// The plugin `PodSecurity`, as an API server has it that is configured in no way: nothing is enforced in a namespace without the label, and
/// nobody is exempt.
pub(crate) struct PodSecurity;

impl Admission for PodSecurity {
    fn name(&self) -> &'static str {
        "PodSecurity"
    }

    fn admit(&self, review: &mut Review<'_>, view: &View<'_>) -> Result<(), Refusal> {
        let is_new = review.subresource.is_empty() && review.operation == Operation::Create;
        if review.resource != resource::PODS || !is_new {
            return Ok(());
        }
        let pod: &Value = review.object;
        let Some(namespace) = view.get(resource::NAMESPACES, "", object::namespace(pod)) else { return Ok(()) };
        let enforced = Enforced::of_labels(object::labels(namespace));
        let version = &view.cluster().kubernetes_version;
        let minor = version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(NEWEST);
        match enforced.refusal(&enforced.violations(pod, minor)) {
            None => Ok(()),
            Some(refusal) => Err(Refusal::forbidden(resource::PODS, object::name(pod), &refusal)),
        }
    }
}

//! What is added to objects on their way in, as the API server's admission plugins and EKS's webhook do it.
//!
//! | step | does |
//! | --- | --- |
//! | [`ServiceAccounts`] | a pod's service account, which must be there, its token's volume and image pull secrets |
//! | [`Tolerations`] | five minutes of patience with nodes that are not ready |
//! | [`Priorities`] | a pod's priority, by the name of a class |
//! | [`Limits`] | requests and limits that a LimitRange gives to containers without |
//! | [`PodIdentity`] | the role of a pod's service account: environment and token volume |
//! | [`ServiceAddresses`] | cluster IP and node ports of a Service |
//! | [`Claims`] | class and protection of a PersistentVolumeClaim |
//! | [`JobSelectors`] | selector and labels of a Job |
//! | [`PodSecurity`] | the standard that a namespace enforces |

mod pod;
mod security;
mod service;
mod stored;

pub(crate) use pod::{Limits, PodIdentity, Priorities, ServiceAccounts, Tolerations};
pub(crate) use security::PodSecurity;
pub(crate) use service::ServiceAddresses;
pub(crate) use stored::{Claims, JobSelectors};

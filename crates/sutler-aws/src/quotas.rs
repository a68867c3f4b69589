//! Service Quotas: how much an account may have.

use serde_json::json;

use crate::call::{Call, CallError, found};
use crate::client::Aws;
use crate::endpoint::Service;

/// The code of the quota on vCPUs of running on-demand standard instances (A, C, D, H, I, M, R, T, Z).
pub const STANDARD_ON_DEMAND: &str = "L-1216C47A";

/// The code of the quota on vCPUs of standard spot instances.
pub const STANDARD_SPOT: &str = "L-34B43A08";

/// The code of the quota on vCPUs of running on-demand G and VT instances.
pub const G_ON_DEMAND: &str = "L-DB2E81BA";

/// The code of the quota on vCPUs of running on-demand P instances.
pub const P_ON_DEMAND: &str = "L-417A185B";

impl Aws {
    /// A quota's value (`servicequotas:GetServiceQuota`); `None` where the account has none of this code.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub async fn quota(&self, service: &str, code: &str) -> Result<Option<f64>, CallError> {
        let input = json!({"ServiceCode": service, "QuotaCode": code});
        let object = format!("quota {code} of {service}");
        let call = Call::json(Service::ServiceQuotas, "ServiceQuotasV20190624", "GetServiceQuota", object, &input);
        let answer = found(self.json_answer(call).await)?;
        Ok(answer.and_then(|answer| answer["Quota"]["Value"].as_f64()))
    }
}

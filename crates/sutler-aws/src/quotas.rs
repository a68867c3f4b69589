//! Service Quotas: how much an account may have, and which quota counts an instance type.
//!
//! Names, codes and families are those of AWS's page "Amazon EC2 instance type quotas" (EC2 instance types guide), whose links to the
//! console hold the codes.

use std::ops::RangeInclusive;

use serde_json::json;

use crate::call::{Call, CallError, found};
use crate::client::Aws;
use crate::endpoint::Service;

/// The code of the quota on vCPUs of running on-demand standard instances (A, C, D, H, I, M, R, T, Z).
pub const STANDARD_ON_DEMAND: &str = "L-1216C47A";

/// The code of the quota on vCPUs of standard spot instances.
pub const STANDARD_SPOT: &str = "L-34B43A08";

/// The code of the quota on vCPUs of spot P instances; up to the fourth generation where the account has [`P5_SPOT`] too.
pub const P_SPOT: &str = "L-7212CCBC";

/// The code of the quota on vCPUs of spot P instances from the fifth generation on. AWS's page has it; in some accounts it is gone, and
/// all generations count to [`P_SPOT`], which is then named "All P Spot Instance Requests".
pub const P5_SPOT: &str = "L-C4BD4855";

/// A quota of EC2 on the vCPUs of all running instances of some families, in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VcpuQuota {
    /// Its code in Service Quotas, under the service `ec2`.
    pub code: &'static str,
    /// What it is about, in a few words.
    pub name: &'static str,
    /// The letters with which names of its instance types begin.
    pub families: &'static [&'static str],
    /// The generations that it counts: the number after those letters.
    pub generations: RangeInclusive<u32>,
}

const STANDARD: &[&str] = &["a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"];
const GRAPHICS: &[&str] = &["g", "gr", "vt"];
const ALL: RangeInclusive<u32> = 0..=u32::MAX;

/// The quotas on on-demand instances.
pub const ON_DEMAND: [VcpuQuota; 10] = [
    quota(STANDARD_ON_DEMAND, "on-demand standard instances", STANDARD),
    quota("L-DB2E81BA", "on-demand G and VT instances", GRAPHICS),
    quota("L-417A185B", "on-demand P instances", &["p"]),
    quota("L-6E869C2A", "on-demand DL instances", &["dl"]),
    quota("L-74FC7D96", "on-demand F instances", &["f"]),
    quota("L-F7808C92", "on-demand HPC instances", &["hpc"]),
    quota("L-43DA4232", "on-demand high memory instances", &["u"]),
    quota("L-1945791B", "on-demand Inf instances", &["inf"]),
    quota("L-2C3B7624", "on-demand Trn instances", &["trn"]),
    quota("L-7295265B", "on-demand X instances", &["x"]),
];

/// The quotas on spot instances; AWS has none of HPC and high memory.
pub const SPOT: [VcpuQuota; 9] = [
    quota(STANDARD_SPOT, "spot standard instances", STANDARD),
    quota("L-3819A6DF", "spot G and VT instances", GRAPHICS),
    VcpuQuota { generations: 0..=4, ..quota(P_SPOT, "spot P instances", &["p"]) },
    VcpuQuota { generations: 5..=u32::MAX, ..quota(P5_SPOT, "spot P5 instances", &["p"]) },
    quota("L-85EED4F7", "spot DL instances", &["dl"]),
    quota("L-88CF9481", "spot F instances", &["f"]),
    quota("L-B5D1601B", "spot Inf instances", &["inf"]),
    quota("L-6B0D517C", "spot Trn instances", &["trn"]),
    quota("L-E3A00192", "spot X instances", &["x"]),
];

const fn quota(code: &'static str, name: &'static str, families: &'static [&'static str]) -> VcpuQuota {
    VcpuQuota { code, name, families, generations: ALL }
}

/// The quota of `quotas` ([`ON_DEMAND`] or [`SPOT`]) that counts an instance type, `m6i.4xlarge`; `None` for what has none, such as Macs,
/// which run on dedicated hosts alone.
#[must_use]
pub fn quota_of<'q>(instance_type: &str, quotas: &'q [VcpuQuota]) -> Option<&'q VcpuQuota> {
    let letters = instance_type.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(instance_type.len());
    let (family, rest) = instance_type.split_at(letters);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let generation = digits.parse().unwrap_or(0);
    quotas.iter().find(|quota| quota.families.contains(&family) && quota.generations.contains(&generation))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_quota() {
        let of = |name: &str, quotas| quota_of(name, quotas).map_or("none", |quota| quota.code);
        let table: Vec<String> = [
            "m6i.xlarge",
            "is4gen.large",
            "im4gn.large",
            "g6e.xlarge",
            "gr6.4xlarge",
            "vt1.3xlarge",
            "p4d.24xlarge",
            "p5.48xlarge",
            "p5en.48xlarge",
            "p6-b200.48xlarge",
            "dl1.24xlarge",
            "d3.xlarge",
            "f2.6xlarge",
            "hpc7g.4xlarge",
            "u-6tb1.metal",
            "u7i-12tb.224xlarge",
            "inf2.xlarge",
            "i4i.large",
            "trn1.2xlarge",
            "t3.small",
            "x2gd.medium",
            "mac2.metal",
            "",
            "xlarge",
        ]
        .iter()
        .map(|name| format!("{name} {} {}", of(name, &ON_DEMAND), of(name, &SPOT)))
        .collect();
        assert_eq!(
            table.join("\n"),
            "m6i.xlarge L-1216C47A L-34B43A08\nis4gen.large L-1216C47A L-34B43A08\nim4gn.large L-1216C47A L-34B43A08\n\
             g6e.xlarge L-DB2E81BA L-3819A6DF\ngr6.4xlarge L-DB2E81BA L-3819A6DF\nvt1.3xlarge L-DB2E81BA L-3819A6DF\n\
             p4d.24xlarge L-417A185B L-7212CCBC\np5.48xlarge L-417A185B L-C4BD4855\np5en.48xlarge L-417A185B L-C4BD4855\n\
             p6-b200.48xlarge L-417A185B L-C4BD4855\ndl1.24xlarge L-6E869C2A L-85EED4F7\nd3.xlarge L-1216C47A L-34B43A08\n\
             f2.6xlarge L-74FC7D96 L-88CF9481\nhpc7g.4xlarge L-F7808C92 none\nu-6tb1.metal L-43DA4232 none\n\
             u7i-12tb.224xlarge L-43DA4232 none\ninf2.xlarge L-1945791B L-B5D1601B\ni4i.large L-1216C47A L-34B43A08\n\
             trn1.2xlarge L-2C3B7624 L-6B0D517C\nt3.small L-1216C47A L-34B43A08\nx2gd.medium L-7295265B L-E3A00192\n\
             mac2.metal none none\n none none\nxlarge none none"
        );
        let codes: std::collections::BTreeSet<&str> = ON_DEMAND.iter().chain(&SPOT).map(|quota| quota.code).collect();
        assert_eq!(codes.len(), ON_DEMAND.len() + SPOT.len(), "a code stands twice");
    }
}

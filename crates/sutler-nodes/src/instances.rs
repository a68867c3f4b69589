//! Facts about EC2 instance types: size, pods by network limits, GPUs, local disks, list price.
//!
//! The facts are one compact table, `instances.tsv`, whose header names its sources and date. A type that is not in the
//! table is unknown here; [`lookup`] then answers with near names, so that a typing error can be told from a new type.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::prices::Price;

/// The table's date: facts and prices are those published on this day.
pub const FACTS_DATE: &str = "2026-07-20";

static TABLE: &str = include_str!("instances.tsv");

static INSTANCES: LazyLock<BTreeMap<&'static str, InstanceType>> = LazyLock::new(|| {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(parse_line).map(|t| (t.name, t)).collect()
});

/// The processor's architecture, by Kubernetes' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// Intel and AMD.
    Amd64,
    /// AWS's Graviton.
    Arm64,
}

impl Architecture {
    /// The value of the label `kubernetes.io/arch`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

/// What is known of one EC2 instance type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceType {
    /// As AWS names it: `m6i.4xlarge`.
    pub name: &'static str,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory as advertised, MiB.
    pub memory_mib: u64,
    /// The processor's architecture.
    pub architecture: Architecture,
    /// Pods that get an address from the VPC, as AWS's `eni-max-pods.txt`.
    pub max_pods: u32,
    /// Number of NVIDIA GPUs.
    pub gpus: u32,
    /// The GPU's model in lower case (`a10g`), empty without GPUs.
    pub gpu_model: &'static str,
    /// Local NVMe storage, GB in all.
    pub nvme_gb: u32,
    /// Memory that Linux never gets (firmware, kernel), MiB, as measured; `None` where only an estimate is possible.
    pub measured_hardware_mib: Option<u64>,
    /// List price on demand in us-east-1.
    pub price: Price,
}

impl InstanceType {
    /// The family: `m6i` of `m6i.4xlarge`.
    #[must_use]
    pub fn family(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }

    /// Memory that Linux never gets, MiB: the measured value and 1/256 of the memory on top, since kernels differ between
    /// machine images; where nobody measured, 256 MiB and 4.5 %, which is at or above each measured value in the table
    /// (Karpenter's 7.5 % would throw away twice what a large machine loses).
    #[must_use]
    pub fn hardware_mib(&self) -> u64 {
        match self.measured_hardware_mib {
            Some(measured) => measured + self.memory_mib / 256,
            None => (self.memory_mib / 8).min(256) + self.memory_mib * 45 / 1000,
        }
    }
}

/// An instance type that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("instance type `{name}` is not known (facts of {FACTS_DATE})")]
pub struct UnknownInstanceType {
    /// The name as asked for.
    pub name: String,
    /// The nearest name that is known, for a hint.
    pub suggestion: Option<&'static str>,
}

/// The facts of one instance type.
///
/// # Errors
/// The type is not in the table; the error holds the nearest name.
pub fn lookup(name: &str) -> Result<&'static InstanceType, UnknownInstanceType> {
    INSTANCES.get(name).ok_or_else(|| UnknownInstanceType { name: name.to_owned(), suggestion: nearest(name) })
}

/// All instance types, by name.
pub fn all() -> impl Iterator<Item = &'static InstanceType> {
    INSTANCES.values()
}

fn parse_line(line: &'static str) -> Option<InstanceType> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    let dash = |text: &'static str| if text == "-" { "" } else { text };
    Some(InstanceType {
        name: next()?,
        vcpus: next()?.parse().ok()?,
        memory_mib: next()?.parse().ok()?,
        architecture: if next()? == "arm64" { Architecture::Arm64 } else { Architecture::Amd64 },
        max_pods: next()?.parse().ok()?,
        gpus: next()?.parse().ok()?,
        gpu_model: dash(next()?),
        nvme_gb: next()?.parse().ok()?,
        measured_hardware_mib: next()?.parse().ok(),
        price: Price::from_micros(next()?.parse().ok()?),
    })
}

/// The known name with the fewest edits, at most three.
fn nearest(name: &str) -> Option<&'static str> {
    // A name far longer than any type's cannot be near, and must not cost time.
    if name.len() > 32 {
        return None;
    }
    INSTANCES
        .keys()
        .map(|known| (edits(name, known), *known))
        .min()
        .filter(|(edits, _)| *edits <= 3)
        .map(|(_, known)| known)
}

/// Levenshtein distance, in bytes.
fn edits(a: &str, b: &str) -> usize {
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_the_table_is_read() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(all().count(), lines);
        assert!(lines > 300, "{lines}");
    }

    #[test]
    fn facts_are_those_of_aws() {
        let t = lookup("m6i.4xlarge").unwrap();
        assert_eq!((t.vcpus, t.memory_mib, t.max_pods, t.architecture.as_str()), (16, 65536, 234, "amd64"));
        assert_eq!(t.price.to_string(), "$0.768");
        let t = lookup("g5.12xlarge").unwrap();
        assert_eq!((t.gpus, t.gpu_model, t.nvme_gb, t.max_pods), (4, "a10g", 3800, 737));
        assert_eq!(lookup("m7g.large").unwrap().architecture, Architecture::Arm64);
        assert_eq!(lookup("p3.2xlarge").unwrap().memory_mib, 62464);
    }

    #[test]
    fn memory_kept_by_hardware_is_never_below_a_measurement_and_below_a_tenth() {
        for t in all() {
            assert!(t.hardware_mib() >= t.measured_hardware_mib.unwrap_or(0), "{}", t.name);
            assert!(
                t.memory_mib < 4096 || t.hardware_mib() * 10 < t.memory_mib * 12 / 10,
                "{} {}",
                t.name,
                t.hardware_mib()
            );
            let estimate = InstanceType { measured_hardware_mib: None, ..*t }.hardware_mib();
            assert!(
                estimate >= t.measured_hardware_mib.unwrap_or(0),
                "{}: estimate {estimate} below measurement",
                t.name
            );
        }
    }

    #[test]
    fn a_wrong_name_is_answered_with_the_nearest() {
        let error = lookup("m6i.4xlarg").unwrap_err();
        assert_eq!(error.suggestion, Some("m6i.4xlarge"));
        assert_eq!(error.to_string(), "instance type `m6i.4xlarg` is not known (facts of 2026-07-20)");
        assert_eq!(lookup("standard-4-cpu").unwrap_err().suggestion, None);
        assert_eq!(lookup(&"m".repeat(100_000)).unwrap_err().suggestion, None);
    }
}

//! What an EKS node has and what of it pods get.
//!
//! ```text
//! advertised ─ hardware ─> capacity ─ kubelet, eviction ─> allocatable ─ DaemonSets ─> what pods of a workload get
//! ```
//! The reservations are those of EKS's AL2023 images (`nodeadm`); the hardware's share is in [`crate::instances`].

use crate::instances::InstanceType;
use crate::resources::Resources;

const MIB: i64 = 1024 * 1024;

/// The root volume of a node, GiB: what EKS gives a managed node group that does not ask.
pub const DEFAULT_ROOT_VOLUME_GIB: u32 = 20;

/// KiB of the root volume that the file system and boot partitions take (AL2023, as seen on 20 GiB).
const FILE_SYSTEM_KIB: i64 = 77_844;

/// A node's resources, and where the rest went. All memory is in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCapacity {
    /// As advertised by EC2.
    pub advertised_memory: i64,
    /// Memory that Linux never sees.
    pub hardware_memory: i64,
    /// Memory set aside for the kubelet and the container runtime (`kubeReserved`).
    pub kubelet_memory: i64,
    /// Free memory below which pods are evicted (`evictionHard`).
    pub eviction_memory: i64,
    /// Millicores set aside for the kubelet and the container runtime.
    pub kubelet_cpu: i64,
    /// A Node's `status.capacity`.
    pub capacity: Resources,
    /// A Node's `status.allocatable`.
    pub allocatable: Resources,
}

/// The resources of a node of this type with a root volume of so many GiB.
///
/// GPUs are counted as if NVIDIA's device plugin ran on the node.
#[must_use]
pub fn node_capacity(instance: &InstanceType, root_volume_gib: u32) -> NodeCapacity {
    let advertised_memory = mib(instance.memory_mib);
    let hardware_memory = mib(instance.hardware_mib());
    let kubelet_memory = (255 + 11 * i64::from(instance.max_pods)) * MIB;
    let eviction_memory = 100 * MIB;
    let kubelet_cpu = kubelet_millicores(instance.vcpus);

    let volume_kib = (i64::from(root_volume_gib) * 1024 * 1024 - FILE_SYSTEM_KIB).max(0);
    let mut capacity = Resources {
        cpu: i64::from(instance.vcpus) * 1000,
        memory: (advertised_memory - hardware_memory).max(0),
        ephemeral_storage: volume_kib * 1024,
        pods: i64::from(instance.max_pods),
        ..Resources::default()
    };
    for page_size in ["hugepages-1Gi", "hugepages-2Mi"] {
        capacity.extended.insert(page_size.to_owned(), 0);
    }
    if instance.gpus > 0 {
        capacity.extended.insert("nvidia.com/gpu".to_owned(), i64::from(instance.gpus));
    }

    let mut allocatable = capacity.clone();
    allocatable.cpu = (capacity.cpu - kubelet_cpu).max(0);
    allocatable.memory = (capacity.memory - kubelet_memory - eviction_memory).max(0);
    allocatable.ephemeral_storage =
        (capacity.ephemeral_storage - eviction_storage(capacity.ephemeral_storage) - 1024 * MIB).max(0);
    NodeCapacity {
        advertised_memory,
        hardware_memory,
        kubelet_memory,
        eviction_memory,
        kubelet_cpu,
        capacity,
        allocatable,
    }
}

/// `kubeReserved` CPU: 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest, rounded down as
/// `nodeadm` does.
fn kubelet_millicores(vcpus: u32) -> i64 {
    let cores = i64::from(vcpus);
    let tenths =
        600 * cores.min(1) + 100 * (cores - 1).clamp(0, 1) + 50 * (cores - 2).clamp(0, 2) + 25 * (cores - 4).max(0);
    tenths / 10
}

/// Ten per cent of the volume, as the kubelet counts it: its percentages are 32-bit floats, one tenth is a little more.
fn eviction_storage(bytes: i64) -> i64 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "as the kubelet computes it")]
    let threshold = (bytes as f64 * f64::from(0.1_f32)) as i64;
    threshold
}

fn mib(mib: u64) -> i64 {
    i64::try_from(mib).unwrap_or(i64::MAX / MIB) * MIB
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instances::lookup;

    #[test]
    fn kubelet_reserves_cpu_as_eks_does() {
        // Allocatable CPU as nodes report it.
        for (instance, allocatable) in [
            ("t3.medium", 1930),
            ("m6i.large", 1930),
            ("m6i.xlarge", 3920),
            ("m6i.4xlarge", 15890),
            ("m7g.medium", 940),
            ("m6i.32xlarge", 127_610),
        ] {
            assert_eq!(node_capacity(lookup(instance).unwrap(), 20).allocatable.cpu, allocatable, "{instance}");
        }
    }

    #[test]
    fn storage_is_that_of_a_fresh_node() {
        let node = node_capacity(lookup("m6i.large").unwrap(), DEFAULT_ROOT_VOLUME_GIB);
        assert_eq!(node.capacity.ephemeral_storage, 20_893_676 * 1024);
        assert_eq!(node.allocatable.ephemeral_storage, 18_181_869_946);
        assert_eq!(node_capacity(lookup("m6i.large").unwrap(), 0).allocatable.ephemeral_storage, 0);
    }

    #[test]
    fn memory_is_what_hardware_kubelet_and_eviction_leave() {
        let node = node_capacity(lookup("m6i.4xlarge").unwrap(), 20);
        assert_eq!(node.capacity.memory, (65536 - 2270 - 256) * MIB);
        assert_eq!(node.allocatable.memory, (65536 - 2270 - 256 - 255 - 11 * 234 - 100) * MIB);
    }

    #[test]
    fn a_gpu_node_offers_gpus() {
        assert_eq!(node_capacity(lookup("g5.12xlarge").unwrap(), 20).allocatable.extended["nvidia.com/gpu"], 4);
    }

    #[test]
    fn every_node_leaves_something_for_pods() {
        for instance in crate::instances::all().filter(|instance| instance.memory_mib >= 2048) {
            let node = node_capacity(instance, DEFAULT_ROOT_VOLUME_GIB);
            assert!(node.allocatable.memory > 0 && node.allocatable.cpu > 0, "{}", instance.name);
        }
    }
}

//! Amounts of resources: what a node has, what a pod asks for.

use std::collections::BTreeMap;

/// Amounts by resource, in whole units that can be added and compared exactly.
///
/// The four resources that nearly every pod touches have fields, as in the scheduler's `framework.Resource`; all others
/// (GPUs, huge pages, attachable volumes) are in `extended` by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// Thousandths of a core.
    pub cpu: i64,
    /// Bytes.
    pub memory: i64,
    /// Bytes.
    pub ephemeral_storage: i64,
    /// Number of pods; on a pod it is 0, since the scheduler counts pods by themselves.
    pub pods: i64,
    /// Other resources in their own unit.
    pub extended: BTreeMap<String, i64>,
}

impl Resources {
    /// Adds each amount.
    pub fn add(&mut self, other: &Self) {
        self.combine(other, i64::saturating_add);
    }

    /// Takes each amount away; the result may be negative where more is used than there is.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, i64::saturating_sub);
    }

    /// Raises each amount to the other's.
    pub fn raise_to(&mut self, other: &Self) {
        self.combine(other, i64::max);
    }

    /// Lowers each amount to the other's; what only one of the two has is gone.
    pub fn lower_to(&mut self, other: &Self) {
        self.extended.retain(|name, _| other.extended.contains_key(name));
        let names: Vec<String> = self.extended.keys().cloned().collect();
        let known = Self { extended: BTreeMap::new(), ..other.clone() };
        self.combine(&known, i64::min);
        for name in names {
            let theirs = other.extended.get(&name).copied().unwrap_or(0);
            self.extended.entry(name).and_modify(|ours| *ours = (*ours).min(theirs));
        }
    }

    fn combine(&mut self, other: &Self, with: impl Fn(i64, i64) -> i64) {
        self.cpu = with(self.cpu, other.cpu);
        self.memory = with(self.memory, other.memory);
        self.ephemeral_storage = with(self.ephemeral_storage, other.ephemeral_storage);
        self.pods = with(self.pods, other.pods);
        for (name, amount) in &other.extended {
            let ours = self.extended.entry(name.clone()).or_insert(0);
            *ours = with(*ours, *amount);
        }
    }
}

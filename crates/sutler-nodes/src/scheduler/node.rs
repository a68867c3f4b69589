//! What the scheduler reads of nodes, and what runs on them: the snapshot it decides by.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use sutler_objects::object::{self, at, list, text};

use crate::pool::{Effect, Taint};
use crate::resources::Resources;
use crate::scheduler::PodFacts;

/// A node, and what the pods on it use.
#[derive(Debug, Clone)]
pub struct NodeFacts<'a> {
    /// The Node.
    pub object: &'a Value,
    /// `status.allocatable`.
    pub allocatable: Resources,
    /// What its pods ask for.
    pub requested: Resources,
    /// What its pods ask for, as scores count it.
    pub requested_for_scores: Resources,
    /// `spec.taints`.
    pub taints: Vec<Taint>,
    /// `spec.unschedulable`.
    pub is_unschedulable: bool,
    /// Its pods, finished ones left out.
    pub pods: Vec<Arc<PodFacts<'a>>>,
    /// Those of them that have a say about which pods they run beside.
    pub(super) choosy_pods: Vec<Arc<PodFacts<'a>>>,
}

impl<'a> NodeFacts<'a> {
    /// Reads a Node, without pods.
    #[must_use]
    pub fn of(node: &'a Value) -> Self {
        let taint = |taint: &Value| {
            let effect = Effect::parse(text(taint, &["effect"]))?;
            Some(Taint { key: text(taint, &["key"]).to_owned(), value: text(taint, &["value"]).to_owned(), effect })
        };
        Self {
            object: node,
            allocatable: at(node, &["status", "allocatable"]).map(Resources::of).unwrap_or_default(),
            requested: Resources::default(),
            requested_for_scores: Resources::default(),
            taints: list(node, &["spec", "taints"]).iter().filter_map(taint).collect(),
            is_unschedulable: at(node, &["spec", "unschedulable"]).and_then(Value::as_bool).unwrap_or(false),
            pods: Vec::new(),
            choosy_pods: Vec::new(),
        }
    }

    /// `metadata.name`.
    #[must_use]
    pub fn name(&self) -> &'a str {
        object::name(self.object)
    }

    /// `metadata.labels`.
    #[must_use]
    pub fn labels(&self) -> Option<&'a Map<String, Value>> {
        object::labels(self.object)
    }

    /// One label's value.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&'a str> {
        self.labels()?.get(key)?.as_str()
    }

    /// Counts a pod as running here.
    pub fn place(&mut self, pod: Arc<PodFacts<'a>>) {
        self.requested.add(&pod.requests);
        self.requested_for_scores.add(&pod.requests_for_scores);
        if pod.has_affinity() {
            self.choosy_pods.push(Arc::clone(&pod));
        }
        self.pods.push(pod);
    }
}

/// All nodes with their pods, and the labels of namespaces.
#[derive(Debug, Clone, Default)]
pub struct Snapshot<'a> {
    nodes: Vec<NodeFacts<'a>>,
    by_name: BTreeMap<&'a str, usize>,
    namespaces: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Snapshot<'a> {
    /// A snapshot of these nodes, pods and namespaces. Pods without a node, on unknown nodes, or finished are left out.
    pub fn new(
        nodes: impl IntoIterator<Item = &'a Value>,
        pods: impl IntoIterator<Item = &'a Value>,
        namespaces: impl IntoIterator<Item = &'a Value>,
    ) -> Self {
        let mut snapshot = Self::default();
        for node in nodes {
            snapshot.add_node(NodeFacts::of(node));
        }
        for pod in pods {
            let finished = matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
            let node = text(pod, &["spec", "nodeName"]);
            if !finished && snapshot.by_name.contains_key(node) {
                snapshot.place(Arc::new(PodFacts::of(pod)), node);
            }
        }
        snapshot.namespaces = namespaces.into_iter().map(|namespace| (object::name(namespace), namespace)).collect();
        snapshot
    }

    /// Adds a node; one of the same name is replaced.
    pub fn add_node(&mut self, node: NodeFacts<'a>) {
        match self.by_name.get(node.name()) {
            Some(index) => self.nodes[*index] = node,
            None => {
                self.by_name.insert(node.name(), self.nodes.len());
                self.nodes.push(node);
            }
        }
    }

    /// Takes a node away, with its pods.
    pub fn remove_node(&mut self, name: &str) -> Option<NodeFacts<'a>> {
        let index = self.by_name.remove(name)?;
        let node = self.nodes.remove(index);
        for position in self.by_name.values_mut().filter(|position| **position > index) {
            *position -= 1;
        }
        Some(node)
    }

    /// Counts a pod as running on the node of this name; an unknown node changes nothing.
    pub fn place(&mut self, pod: Arc<PodFacts<'a>>, node: &str) {
        if let Some(index) = self.by_name.get(node) {
            self.nodes[*index].place(pod);
        }
    }

    /// All nodes, in the order in which they were added.
    #[must_use]
    pub fn nodes(&self) -> &[NodeFacts<'a>] {
        &self.nodes
    }

    /// The node of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&NodeFacts<'a>> {
        self.by_name.get(name).map(|index| &self.nodes[*index])
    }

    /// The labels of a namespace, `None` if it has none or is not known.
    #[must_use]
    pub fn namespace_labels(&self, name: &str) -> Option<&'a Map<String, Value>> {
        object::labels(self.namespaces.get(name)?)
    }
}

//! What is wrong with a cluster, and what to change: permissions, pods that do not run, the network.
//!
//! ```text
//! cluster ─▶ Tables ─┐
//!   stack ───────────┼─▶ Seen ─▶ pending, network ─▶ Findings ─▶ Diagnosis
//!     AWS ─▶ Facts ──┴─────────▶ permissions ──────▶
//! ```
//! Each topic is a plain function of what was read; [`examine`] reads and puts them together. What can be said stands, made by
//! its tests, in `docs/doctor.md`.

pub mod network;
pub mod pending;
pub mod permissions;
pub mod pools;

mod examine;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sutler_access::doctor::State;
use sutler_simulator::ClusterModel;

pub use examine::{Asked, examine};

use crate::file::diagnostic::Place;
use crate::stack::Stack;
use crate::tables::Tables;

/// The version of the diagnosis's JSON form.
pub const DOCTOR_VERSION: &str = "sutler.dev/doctor/v1";

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// What pods may do in AWS.
    Permissions,
    /// Why pods do not run.
    Pending,
    /// What pods reach, and who reaches them.
    Network,
    /// Whether the account can hold what the stack asks for.
    Preflight,
}

impl Topic {
    /// All that a cluster can be asked about, in the order in which they are shown.
    pub const ALL: [Topic; 3] = [Topic::Permissions, Topic::Pending, Topic::Network];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Topic::Permissions => "permissions",
            Topic::Pending => "pending",
            Topic::Network => "network",
            Topic::Preflight => "preflight",
        }
    }
}

/// What is known when a topic is judged.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// The cluster's objects.
    pub tables: &'a Tables,
    /// The stack, if there is one.
    pub stack: Option<&'a Stack>,
    /// The cluster that the simulator stands for, where that is the cluster.
    pub model: Option<&'a ClusterModel>,
    /// The cluster's time.
    pub now: Timestamp,
}

impl Seen<'_> {
    /// A place of stack.yaml as `stack.yaml:19`; `None` without a stack, or where the file does not have it.
    pub(crate) fn place(&self, path: &[&str]) -> Option<String> {
        let stack = self.stack?;
        let whole = stack.file.root.find(path.iter().copied()).map(|node| Place::from(node.start));
        self.at(whole.or_else(|| stack.file.key_place(path))?)
    }

    fn at(&self, place: Place) -> Option<String> {
        Some(format!("{}:{}", self.stack?.file.path, place.line))
    }
}

/// Something that is wrong, or worth a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub state: State,
    /// Whom it is about: `ray/default-ray-worker-7c4`.
    pub subject: String,
    /// How many more are like it.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
    /// What is wrong, without the subject.
    pub text: String,
    /// Why, part by part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<Branch>,
    /// What to do; one of them will do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<Fix>,
}

/// One part of an explanation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Branch {
    /// Who says so: `scheduler`, `autoscaler`, `image`.
    pub part: String,
    /// What.
    pub text: String,
    /// What it was judged by, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fix {
    /// What.
    pub text: String,
    /// The line to change, as `stack.yaml:19`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Branch {
    pub(crate) fn new(part: &str, text: impl Into<String>) -> Branch {
        Branch { part: part.to_owned(), text: text.into(), evidence: Vec::new() }
    }

    pub(crate) fn because(mut self, evidence: impl Into<String>) -> Branch {
        self.evidence.push(evidence.into());
        self
    }
}

impl Fix {
    pub(crate) fn new(text: impl Into<String>) -> Fix {
        Fix { text: text.into(), at: None }
    }

    pub(crate) fn at(self, at: Option<String>) -> Fix {
        Fix { at, ..self }
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fix: {}", self.text)?;
        self.at.iter().try_for_each(|at| write!(f, "  ({at})"))
    }
}

impl Finding {
    pub(crate) fn new(state: State, subject: impl Into<String>, text: impl Into<String>) -> Finding {
        Finding { state, subject: subject.into(), more: 0, text: text.into(), branches: Vec::new(), fixes: Vec::new() }
    }

    pub(crate) fn fix(mut self, fix: Fix) -> Finding {
        self.fixes.push(fix);
        self
    }
}

/// The finding as lines, the last one ended.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.more > 0 { format!(" (and {} more)", self.more) } else { String::new() };
        writeln!(f, "  {:<9}{}{more}: {}", self.state, self.subject, self.text)?;
        let width = self.branches.iter().map(|branch| branch.part.chars().count()).max().unwrap_or(0);
        for branch in &self.branches {
            writeln!(f, "    {:<width$}  {}", branch.part, branch.text)?;
            branch.evidence.iter().try_for_each(|line| writeln!(f, "    {:<width$}    {line}", ""))?;
        }
        self.fixes.iter().try_for_each(|fix| writeln!(f, "    {fix}"))
    }
}

/// One topic, judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// The topic.
    pub topic: Topic,
    /// The worst state of its findings.
    pub state: State,
    /// What was looked at, and what came out, in one line.
    pub summary: String,
    /// What is not well.
    pub findings: Vec<Finding>,
}

impl Section {
    pub(crate) fn new(topic: Topic, summary: String, mut findings: Vec<Finding>) -> Section {
        findings.sort_by_key(|finding| std::cmp::Reverse(badness(finding.state)));
        let state = findings.first().map_or(State::Ok, |worst| worst.state);
        Section { topic, state, summary, findings }
    }
}

/// How bad a state is, for the order of findings.
fn badness(state: State) -> u8 {
    match state {
        State::Failed => 3,
        State::Warning => 2,
        State::Unknown => 1,
        State::Ok | State::Unreached => 0,
    }
}

/// All that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Always [`DOCTOR_VERSION`].
    pub version: &'static str,
    /// The stack's name, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// The environment's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What messages call the cluster.
    pub cluster: String,
    /// Whether all of it is simulated.
    pub simulated: bool,
    /// The worst state.
    pub state: State,
    /// The topics that were asked for.
    pub sections: Vec<Section>,
}

/// The summary first, then what is not well, topic by topic.
impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for section in &self.sections {
            writeln!(f, "  {:<9}{:<13}{}", section.state, section.topic.word(), section.summary)?;
        }
        for section in self.sections.iter().filter(|section| !section.findings.is_empty()) {
            write!(f, "\n{}\n", section.topic.word())?;
            section.findings.iter().try_for_each(|finding| write!(f, "{finding}"))?;
        }
        Ok(())
    }
}

impl Diagnosis {
    /// The diagnosis of a stack whose cluster need not be there.
    pub fn of_stack(stack: &Stack, section: Section) -> Diagnosis {
        Diagnosis {
            version: DOCTOR_VERSION,
            stack: Some(stack.name.clone()),
            environment: Some(stack.environment.clone()),
            cluster: stack.cluster.name.clone(),
            simulated: false,
            state: section.state,
            sections: vec![section],
        }
    }
}

/// `1 pod`, `2 pods`.
pub(crate) fn count(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// A span as people say it: `52s`, `6m`, `1h05m`, `2d3h`.
fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// An amount of a resource as people say it: `15.64 CPU`, `57.3 GiB of memory`, `2 nvidia.com/gpu`.
#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
pub(crate) fn amount(resource: &str, value: i64) -> String {
    const MIB: i64 = 1 << 20;
    match resource {
        "cpu" => {
            let text = format!("{}.{:03}", value / 1000, value % 1000);
            format!("{} CPU", text.trim_end_matches('0').trim_end_matches('.'))
        }
        "memory" | "ephemeral-storage" if value < 1024 * MIB => format!("{} MiB of {resource}", value / MIB),
        "memory" | "ephemeral-storage" => format!("{:.1} GiB of {resource}", value as f64 / (1024 * MIB) as f64),
        _ => format!("{value} {resource}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{SignedDuration, amount, span};

    #[test]
    fn amounts_and_spans_read_as_people_say_them() {
        let amounts =
            [amount("cpu", 15_640), amount("cpu", 250), amount("cpu", 4000), amount("memory", 61_500_000_000)];
        assert_eq!(amounts, ["15.64 CPU", "0.25 CPU", "4 CPU", "57.3 GiB of memory"]);
        assert_eq!(
            [amount("memory", 268_435_456), amount("nvidia.com/gpu", 1)],
            ["256 MiB of memory", "1 nvidia.com/gpu"]
        );
        let of = |seconds| span(SignedDuration::from_secs(seconds));
        assert_eq!([of(-1), of(9), of(400), of(3_900), of(100_000)], ["0s", "9s", "6m", "1h05m", "1d3h"]);
    }
}

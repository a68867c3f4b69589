//! Progress on stderr: a live line for each thing under way in a terminal, plain lines everywhere else.
//!
//! A line about the simulator says so: nothing it tells of runs or costs anything.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::SignedDuration;
use sutler_infra::progress::Event as Infra;
use sutler_stack::event::{Event, NodeChange, Sink};
use sutler_stack::plan::{Action, Subject};

use crate::printer;
use crate::view::infra::short;
use crate::view::{column, span};

/// Shows events as they come.
pub(crate) struct Progress {
    simulated: AtomicBool,
    live: Option<MultiProgress>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The live line of each subject under way.
    bars: BTreeMap<String, ProgressBar>,
    /// What was told of each, so that only news is shown.
    told: BTreeSet<String>,
}

impl Progress {
    /// Progress of an operation; `simulated` if it is the simulator's.
    pub(crate) fn new(simulated: bool) -> Self {
        let live = std::io::stderr().is_terminal().then(MultiProgress::new);
        Progress { simulated: AtomicBool::new(simulated), live, state: Mutex::default() }
    }

    /// From now on it is the simulator's.
    pub(crate) fn simulated(&self) {
        self.simulated.store(true, Ordering::Relaxed);
    }

    /// Shows what Terraform does. In a terminal each resource under way has a line; elsewhere what is done has one, and what takes
    /// minutes another each minute.
    pub(crate) fn infra(&self, event: &Infra) {
        use sutler_infra::plan::Action as Done;
        let (word, width) = ("infra", 48);
        let doing = |action: &Done| match action {
            Done::Create | Done::Import => "making",
            Done::Delete | Done::Forget => "removing",
            Done::Read => "reading",
            _ => "changing",
        };
        let done = |action: &Done| match action {
            Done::Create | Done::Import => "made",
            Done::Delete | Done::Forget => "removed",
            Done::Read => "read",
            _ => "changed",
        };
        let row = |address: &str, text: &str| format!("{}{}{text}", column(word, 11), column(short(address), width));
        let span = |seconds: u64| span(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)));
        match event {
            Infra::Started { address, action } => {
                if let Some(live) = &self.live {
                    let bar = live.add(ProgressBar::new_spinner().with_style(style()));
                    bar.set_message(row(address, doing(action)));
                    bar.enable_steady_tick(Duration::from_millis(120));
                    let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                    state.bars.insert(address.clone(), bar);
                }
            }
            Infra::Working { address, action, seconds } => {
                let text = row(address, &format!("{} for {}", doing(action), span(*seconds)));
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                match state.bars.get(address) {
                    Some(bar) => bar.set_message(text),
                    None => {
                        drop(state);
                        if seconds % 60 == 0 {
                            self.line_of_infra(&text);
                        }
                    }
                }
            }
            Infra::Done { address, action, seconds, .. } => {
                self.clear(address);
                let after = if *seconds == 0 { String::new() } else { format!("   after {}", span(*seconds)) };
                self.line_of_infra(&row(address, &format!("{}{after}", done(action))));
            }
            Infra::Failed { address, action, .. } => {
                self.clear(address);
                self.line_of_infra(&row(address, &format!("{} failed", doing(action))));
            }
            other => {
                if let Some(warning) = crate::view::infra::warning(other) {
                    self.line_of_infra(&warning);
                }
            }
        }
    }

    /// What Terraform does is never simulated.
    fn line_of_infra(&self, text: &str) {
        self.print(&format!("  {text}"));
    }

    /// Where the library sends its events.
    pub(crate) fn sink(self: &Arc<Self>) -> Sink {
        let progress = Arc::clone(self);
        Arc::new(move |event| progress.show(event))
    }

    /// The events of one release that is not part of a stack, shown as a step of its own.
    pub(crate) fn release_events(
        self: &Arc<Self>,
        word: &'static str,
        name: &str,
    ) -> impl FnMut(sutler_release::Event) + Send + use<> {
        let progress = Arc::clone(self);
        let name = name.to_owned();
        move |event| {
            use sutler_release::Event as Told;
            let key = format!("{word} {name}");
            match event {
                Told::Waiting { object, reason } => {
                    let reason = format!("{} {}: {reason}", object.kind, object.name);
                    progress.waiting(&key, word, &name, without_preemption(&reason), &gist(&reason));
                }
                Told::Ready { object } => {
                    progress.line(&row(word, &name, &format!("{} {} ready", object.kind, object.name)))
                }
                _ => {}
            }
        }
    }

    /// Takes away what is still live.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.bars).into_values().for_each(|bar| bar.finish_and_clear());
    }

    fn show(&self, event: Event) {
        match event {
            Event::Started { subject, action } => {
                if let (Subject::Release { namespace, .. }, Some(live)) = (&subject, &self.live) {
                    let bar = live.add(ProgressBar::new_spinner().with_style(style()));
                    bar.set_message(self.marked(&row(
                        subject.word(),
                        &name(&subject),
                        &format!("{namespace}   {}", verb(action)),
                    )));
                    bar.enable_steady_tick(Duration::from_millis(120));
                    let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                    state.bars.insert(key(&subject), bar);
                }
            }
            Event::Waiting { subject, ready: (ready, of), reason } => {
                let short = without_preemption(&reason);
                let text = if of > 0 { format!("{ready} of {of} ready   {short}") } else { short.to_owned() };
                self.waiting(&key(&subject), subject.word(), &subject.name(), &text, &gist(&reason));
            }
            Event::Finished { subject, action, outcome, took } => {
                self.clear(&key(&subject));
                let namespace = match &subject {
                    Subject::Release { namespace, .. } => format!("{namespace}   "),
                    _ => String::new(),
                };
                let word = match action {
                    Action::Remove => "removed",
                    _ => outcome.as_str(),
                };
                self.line(&row(subject.word(), &name(&subject), &format!("{namespace}{word}{}", after(took))));
            }
            Event::Failed { subject } => {
                self.clear(&key(&subject));
                self.line(&row(subject.word(), &name(&subject), "failed"));
            }
            Event::Node { name, pool, change } => {
                let pool = pool.map(|pool| format!(" in pool {pool}")).unwrap_or_default();
                let change = match change {
                    NodeChange::Starting => "is starting",
                    NodeChange::Ready => "is ready",
                    NodeChange::Gone => "is gone",
                };
                self.line(&row("node", &name, &format!("{change}{pool}")));
            }
        }
    }

    /// Shows what is waited for: in a terminal all of it, elsewhere only when its gist is news.
    fn waiting(&self, key: &str, word: &str, name: &str, text: &str, gist: &str) {
        let is_news = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let (Some(live), false) = (&self.live, state.bars.contains_key(key)) {
                let bar = live.add(ProgressBar::new_spinner().with_style(style()));
                bar.enable_steady_tick(Duration::from_millis(120));
                state.bars.insert(key.to_owned(), bar);
            }
            state.told.insert(format!("{key} {gist}"))
        };
        if self.live.is_some() || is_news {
            self.update(key, &row(word, name, text));
        }
    }

    fn update(&self, key: &str, text: &str) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.bars.get(key) {
            Some(bar) => bar.set_message(self.marked(text)),
            None => {
                drop(state);
                self.line(text);
            }
        }
    }

    fn clear(&self, key: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = state.bars.remove(key) {
            bar.finish_and_clear();
        }
    }

    fn line(&self, text: &str) {
        self.print(&format!("  {}", self.marked(text)));
    }

    fn print(&self, text: &str) {
        match &self.live {
            // A terminal that went away takes nothing with it but the line.
            Some(live) => drop(live.println(text)),
            None => printer::note(text),
        }
    }

    fn marked(&self, text: &str) -> String {
        if self.simulated.load(Ordering::Relaxed) { format!("simulated  {text}") } else { text.to_owned() }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// A reason without what the scheduler says of preemption, which never helps a person here.
fn without_preemption(reason: &str) -> &str {
    let end = [". no new claims", ". preemption:"].iter().filter_map(|start| reason.find(start)).min();
    &reason[..end.unwrap_or(reason.len())]
}

/// What is news about a reason: the object and how much of it is there, not which pod is looked at.
fn gist(reason: &str) -> String {
    reason.split(": ").take(2).collect::<Vec<_>>().join(": ")
}

fn row(word: &str, name: &str, text: &str) -> String {
    format!("{}{}{text}", column(word, 11), column(name, 24))
}

fn key(subject: &Subject) -> String {
    format!("{} {}", subject.word(), subject.name())
}

fn name(subject: &Subject) -> String {
    subject.name()
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "installing",
        Action::Change => "upgrading",
        Action::Finish => "finishing what was interrupted",
        Action::Remove => "removing",
        Action::Unchanged => "",
    }
}

fn after(took: SignedDuration) -> String {
    if took.as_secs() == 0 { String::new() } else { format!("   after {}", span(took)) }
}

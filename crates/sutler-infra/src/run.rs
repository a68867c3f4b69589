//! Terraform or OpenTofu as a process: found, asked for its version, started in the root module's folder, its log read line by line.
//!
//! The log goes to a file that is read while it grows, not through a pipe: a Terraform whose Sutler was killed must not die of a line
//! that nobody reads, with a cluster half made that its state does not know. It ends what it has begun.
//!
//! Credentials are in the environment that the process inherits; none is an argument. Its plan file holds secrets in the clear, and
//! is removed as soon as it was applied or read for the last time.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File as OpenFile};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

use crate::outputs::{self, Outputs, OutputsError};
use crate::plan::{self, Plan, PlanError};
use crate::progress::{Diagnostic, Event, LockHolder, Severity, read_line};
use crate::render::File;

mod in_use;

pub use in_use::{Taken, take};

/// The oldest version that the module works with.
pub const OLDEST: Version = Version(1, 6, 0);

/// The variable that names the program, where it is not the one on `PATH`.
pub const PROGRAM_VARIABLE: &str = "SUTLER_TERRAFORM";

/// The plan's file in the root module's folder.
const PLAN_FILE: &str = "sutler.tfplan";

/// What Terraform said last, in the root module's folder.
const LOG_FILE: &str = "sutler-terraform.jsonl";

/// How often a growing log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The list of the files that were written, by which stale ones are known.
const INDEX: &str = "sutler-rendered.txt";

/// A version: major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32, pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Why Terraform did not do what was asked.
#[derive(Debug, Error)]
pub enum RunError {
    /// Neither is installed.
    #[error("neither `terraform` nor `tofu` is on PATH")]
    Missing,
    /// It is there and does not start.
    #[error("cannot start `{}`", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It does not say its version as Terraform does.
    #[error("`{}` does not answer as Terraform does: {said}", program.display())]
    NotTerraform {
        /// The program.
        program: PathBuf,
        /// What it said.
        said: String,
    },
    /// It is too old.
    #[error("`{}` is of version {version}, and {OLDEST} is the oldest that will do", program.display())]
    TooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        version: Version,
    },
    /// A file of the root module cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What it says cannot be read.
    #[error("cannot read what Terraform says")]
    Read(#[source] std::io::Error),
    /// It was ended by a signal.
    #[error("`terraform {command}` was killed: what it had begun may be half done")]
    Killed {
        /// What was asked.
        command: &'static str,
    },
    /// Somebody else works on the same state, or was killed while doing so.
    #[error("the state is locked by {} since {} ({})", holder.who, holder.created, holder.operation)]
    Locked {
        /// By whom.
        holder: LockHolder,
    },
    /// Another Sutler works in the same folder.
    #[error("another Sutler{} works in `{}`", process.map(|id| format!(" (process {id})")).unwrap_or_default(), folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// Its process, where it says so.
        process: Option<u32>,
    },
    /// Somebody else changed the state between the plan and its applying.
    #[error("what Terraform planned does not hold any more: somebody else has changed the state since")]
    Stale,
    /// The state was written by a later version.
    #[error("the state was written by version {version}, which this one cannot read")]
    NewerState {
        /// That version.
        version: String,
    },
    /// It failed; why is told in its own words.
    #[error("`terraform {command}` failed{}", told(diagnostics))]
    Failed {
        /// What was asked.
        command: &'static str,
        /// What it said of it.
        diagnostics: Vec<Diagnostic>,
    },
    /// Its plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Its outputs.
    #[error(transparent)]
    Outputs(#[from] OutputsError),
}

fn told(diagnostics: &[Diagnostic]) -> String {
    let one = |Diagnostic { summary, detail, address, .. }: &Diagnostic| {
        let address = address.as_ref().map(|address| format!(" ({address})")).unwrap_or_default();
        let detail = if detail.trim().is_empty() {
            String::new()
        } else {
            format!("\n    {}", detail.trim().replace('\n', "\n    "))
        };
        format!("\n  {summary}{address}{detail}")
    };
    diagnostics.iter().map(one).collect()
}

impl RunError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing | Self::NotTerraform { .. } => Some(format!(
                "install Terraform or OpenTofu, {OLDEST} or later, or name the program in {PROGRAM_VARIABLE}"
            )),
            Self::TooOld { .. } | Self::NewerState { .. } => Some("install a later version".into()),
            Self::InUse { .. } => Some("wait until it is done".into()),
            // Whose holder is not known has just been taken, by a process that runs.
            Self::Locked { holder } if holder.id.is_empty() => Some("wait until it is done".into()),
            Self::Locked { holder } => Some(format!(
                "wait until it is done; if it was killed, and nobody works on the cluster: `terraform force-unlock {}` in the root module's folder",
                holder.id
            )),
            Self::Stale => Some("nothing was changed; the same command again plans anew".into()),
            Self::Killed { .. } => Some("the same command again goes on where this one stopped".into()),
            Self::Failed { diagnostics, .. } if diagnostics.iter().any(is_cut_off) => Some(
                "the state's file was cut off while it was written; `terraform.tfstate.backup` beside it is the state from before \
                 Terraform's last run: put it in its place, and bring in by `terraform import` what was made since"
                    .into(),
            ),
            _ => None,
        }
    }
}

/// Where Terraform works, and what it is told besides.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// A folder of providers to take instead of the registry's (`-plugin-dir`).
    pub plugin_folder: Option<PathBuf>,
    /// Variables of the environment besides those that are inherited.
    pub environment: Vec<(String, OsString)>,
}

/// A Terraform or OpenTofu that will do.
#[derive(Debug, Clone)]
pub struct Terraform {
    program: PathBuf,
    version: Version,
    settings: Settings,
}

impl Terraform {
    /// Finds it: the program that [`PROGRAM_VARIABLE`] names, else `terraform`, else `tofu` on `PATH`.
    ///
    /// # Errors
    /// There is none, it does not start, or it is too old.
    pub fn find(settings: Settings) -> Result<Self, RunError> {
        let named = std::env::var_os(PROGRAM_VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
        let program = match named {
            Some(program) => program,
            None => ["terraform", "tofu"].iter().find_map(|name| on_path(name)).ok_or(RunError::Missing)?,
        };
        Self::open(program, settings)
    }

    /// This program.
    ///
    /// # Errors
    /// It does not start, is no Terraform, or is too old.
    pub fn open(program: PathBuf, settings: Settings) -> Result<Self, RunError> {
        let output = Command::new(&program)
            .args(["version", "-json"])
            .env("CHECKPOINT_DISABLE", "1")
            .stdin(Stdio::null())
            .output()
            .map_err(|source| RunError::Start { program: program.clone(), source })?;
        let Some(version) = read_version(&output.stdout) else {
            let text = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
            let said = String::from_utf8_lossy(text).lines().next().unwrap_or("nothing").to_owned();
            return Err(RunError::NotTerraform { program, said });
        };
        if version < OLDEST {
            return Err(RunError::TooOld { program, version });
        }
        Ok(Self { program, version, settings })
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Brings modules and providers into the folder.
    ///
    /// # Errors
    /// It fails: a provider cannot be had, the state's bucket is not there, or a Terraform that outlived its Sutler still works on the
    /// state.
    pub fn init(&self, folder: &Path) -> Result<(), RunError> {
        let begun = self.begin(folder);
        match &begun {
            // One that was just being started may have locked the state since, and be done with it by now.
            Err(RunError::Failed { diagnostics, .. }) if diagnostics.iter().any(is_cut_off) => self.begin(folder),
            _ => begun,
        }
    }

    fn begin(&self, folder: &Path) -> Result<(), RunError> {
        if let Some(holder) = in_use::state_holder(folder)? {
            return Err(RunError::Locked { holder });
        }
        let mut arguments: Vec<OsString> = ["init", "-input=false", "-no-color"].map(OsString::from).into();
        if let Some(plugins) = &self.settings.plugin_folder {
            let mut argument = OsString::from("-plugin-dir=");
            argument.push(plugins);
            arguments.push(argument);
        }
        let output = self.command(folder, &arguments).output().map_err(|source| self.start_error(source))?;
        if output.status.success() {
            return Ok(());
        }
        // `init` has no log for programs in the versions that will do; it speaks to people.
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let (summary, detail) = match text.split_once("Error: ") {
            Some((_, text)) => text.split_once('\n').unwrap_or((text, "")),
            None => ("it did not say why", text.as_str()),
        };
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            summary: summary.to_owned(),
            detail: detail.to_owned(),
            address: None,
        };
        Err(failure("init", vec![diagnostic]))
    }

    /// What would be done. The plan is kept in the folder for [`apply`](Self::apply).
    ///
    /// # Errors
    /// It fails, or the state is locked.
    pub fn plan(&self, folder: &Path, goal: Goal, on_event: &mut dyn FnMut(Event)) -> Result<Plan, RunError> {
        let out = format!("-out={PLAN_FILE}");
        let mut arguments = vec!["plan", "-input=false", "-no-color", "-json", &out];
        if goal == Goal::Nothing {
            arguments.push("-destroy");
        }
        self.logged("plan", folder, &arguments, on_event)?;
        let shown = self.answered("show", folder, &["show", "-no-color", "-json", PLAN_FILE])?;
        Ok(plan::read(&shown)?)
    }

    /// Does what the plan says that [`plan`](Self::plan) left in the folder, and forgets it.
    ///
    /// # Errors
    /// It fails; what was done until then is in the state, and the same again goes on from there.
    pub fn apply(&self, folder: &Path, on_event: &mut dyn FnMut(Event)) -> Result<(), RunError> {
        let done = self.logged("apply", folder, &["apply", "-input=false", "-no-color", "-json", PLAN_FILE], on_event);
        self.forget_plan(folder)?;
        done
    }

    /// Removes the plan's file, which holds secrets in the clear.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn forget_plan(&self, folder: &Path) -> Result<(), RunError> {
        let path = folder.join(PLAN_FILE);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(RunError::Write { path, source }),
            _ => Ok(()),
        }
    }

    /// What came out of the last apply.
    ///
    /// # Errors
    /// Nothing was applied, or the state cannot be read.
    pub fn outputs(&self, folder: &Path) -> Result<Outputs, RunError> {
        Ok(outputs::read(&self.answered("output", folder, &["output", "-no-color", "-json"])?)?)
    }

    fn command<S: AsRef<std::ffi::OsStr>>(&self, folder: &Path, arguments: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env("CHECKPOINT_DISABLE", "1")
            .envs(self.settings.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn start_error(&self, source: std::io::Error) -> RunError {
        RunError::Start { program: self.program.clone(), source }
    }

    /// A command that answers with a document.
    fn answered(&self, name: &'static str, folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, RunError> {
        let output = self.command(folder, arguments).output().map_err(|source| self.start_error(source))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let summary = "it did not answer".to_owned();
        Err(failure(name, vec![Diagnostic { severity: Severity::Error, summary, detail, address: None }]))
    }

    /// A command that tells what it does.
    fn logged(
        &self,
        name: &'static str,
        folder: &Path,
        arguments: &[&str],
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(), RunError> {
        let path = folder.join(LOG_FILE);
        let failed = |source| RunError::Write { path: path.clone(), source };
        // Another file each time: a Terraform that outlived its Sutler still writes to the last one.
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => return Err(failed(source)),
            _ => {}
        }
        let log = OpenFile::options().write(true).create_new(true).open(&path).map_err(failed)?;
        let mut child = self
            .command(folder, arguments)
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            .spawn()
            .map_err(|source| self.start_error(source))?;
        let mut lines = GrowingLog { file: OpenFile::open(&path).map_err(RunError::Read)?, rest: Vec::new() };
        let mut errors = Vec::new();
        let mut plain: VecDeque<String> = VecDeque::new();
        let status = loop {
            // Asked before reading: what it wrote until it ended is then there to be read.
            let ended = child.try_wait().map_err(RunError::Read)?;
            for line in lines.new_lines(ended.is_some()).map_err(RunError::Read)? {
                match read_line(&line) {
                    Ok(Some(event)) => {
                        if let Event::Told(diagnostic) = &event
                            && diagnostic.severity == Severity::Error
                        {
                            errors.push(diagnostic.clone());
                        }
                        on_event(event);
                    }
                    Ok(None) if line.starts_with('{') => {}
                    // A line that is no event is no reason to stop; the last ones may say why the work failed.
                    _ => {
                        plain.push_back(line);
                        if plain.len() > PLAIN_LINES {
                            plain.pop_front();
                        }
                    }
                }
            }
            match ended {
                Some(status) => break status,
                None => thread::sleep(LOOK_EVERY),
            }
        };
        match status.code() {
            Some(0) => Ok(()),
            Some(_) if errors.is_empty() => {
                let plain: Vec<String> = plain.into();
                let detail = plain.join("\n").trim().to_owned();
                let summary = "it did not say why".to_owned();
                Err(failure(name, vec![Diagnostic { severity: Severity::Error, summary, detail, address: None }]))
            }
            Some(_) => Err(failure(name, errors)),
            None => Err(RunError::Killed { command: name }),
        }
    }
}

/// How many of the last lines that are no events are kept.
const PLAIN_LINES: usize = 20;

/// A file that another process writes, read line by line.
struct GrowingLog {
    file: OpenFile,
    /// The beginning of a line whose end is not written yet.
    rest: Vec<u8>,
}

impl GrowingLog {
    /// The lines that were finished since the last call; with `all`, the unfinished one too.
    fn new_lines(&mut self, all: bool) -> std::io::Result<Vec<String>> {
        self.file.read_to_end(&mut self.rest)?;
        let end = match all {
            true => self.rest.len(),
            false => self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1),
        };
        let whole: Vec<u8> = self.rest.drain(..end).collect();
        let lines = String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect();
        Ok(lines)
    }
}

/// What a plan is to lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Everything that is described.
    Described,
    /// Nothing: what is there goes.
    Nothing,
}

/// The failure that these diagnostics mean.
fn failure(command: &'static str, diagnostics: Vec<Diagnostic>) -> RunError {
    if let Some(holder) = diagnostics.iter().find_map(Diagnostic::lock_holder) {
        return RunError::Locked { holder };
    }
    if diagnostics.iter().any(|told| told.summary.contains("plan is stale")) {
        return RunError::Stale;
    }
    match diagnostics.iter().find_map(Diagnostic::newer_state) {
        Some(version) => RunError::NewerState { version },
        None => RunError::Failed { command, diagnostics },
    }
}

/// Whether this says that the state's file is not whole.
fn is_cut_off(told: &Diagnostic) -> bool {
    format!("{} {}", told.summary, told.detail).contains("could not be parsed as JSON")
}

/// The version in what `terraform version -json` prints; OpenTofu uses the same key.
fn read_version(json: &[u8]) -> Option<Version> {
    // Warnings of its configuration may stand before the document.
    let text = String::from_utf8_lossy(json);
    let document: Value = serde_json::from_str(&text[text.find('{')?..]).ok()?;
    let version = document["terraform_version"].as_str()?;
    let mut parts = version.split(['-', '+']).next()?.splitn(3, '.').map(|part| part.parse::<u32>().ok());
    Some(Version(parts.next()??, parts.next()??, parts.next()??))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// Writes the root module's files into a folder, and removes those that an earlier writing left and this one does not have. Terraform's
/// own files there (state, providers, lock) are not touched.
///
/// # Errors
/// A file cannot be written or removed.
pub fn write(folder: &Path, files: &[File]) -> Result<(), RunError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| RunError::Write { path, source }
    };
    let index = folder.join(INDEX);
    let before = fs::read_to_string(&index).unwrap_or_default();
    for file in files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        fs::write(&path, &file.text).map_err(failed(&path))?;
    }
    let is_inside =
        |name: &&str| Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    let is_stale = |name: &&str| !name.is_empty() && !files.iter().any(|file| file.path == *name);
    for name in before.lines().filter(is_inside).filter(is_stale) {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(RunError::Write { path, source });
            }
            _ => {}
        }
    }
    let list: String = files.iter().map(|file| format!("{}\n", file.path)).collect();
    fs::write(&index, list).map_err(failed(&index))
}

/// Whether a folder may be written to: it is empty, is not there, or was written by [`write()`].
#[must_use]
pub fn may_write(folder: &Path) -> bool {
    folder.join(INDEX).is_file() || fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

#[cfg(test)]
mod tests;

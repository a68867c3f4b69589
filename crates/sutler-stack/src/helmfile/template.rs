//! Templates as Helmfile renders them: sprig's and Helm's functions, and Helmfile's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use sutler_chart::values::from_json;
use sutler_functions::{Host, HostBox};
use sutler_template::types::{ANY, BOOL, STRING};
use sutler_template::{CallError, ExecuteOptions, Function, List, MissingKey, Signature, TemplateSet, Value};

use super::HelmfileError;

/// The world outside, as templates and values may see it.
pub trait Outside: Send + Sync {
    /// A file's text.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read(&self, path: &Path) -> std::io::Result<String>;

    /// Whether a path is a file.
    fn is_file(&self, path: &Path) -> bool;

    /// Whether a path is a folder.
    fn is_dir(&self, path: &Path) -> bool;

    /// The names of the files in a folder, sorted.
    ///
    /// # Errors
    /// If it cannot be read.
    fn list(&self, path: &Path) -> std::io::Result<Vec<String>>;

    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;

    /// The time in seconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> i64;
}

/// Functions that are refused, and what they would do.
const REFUSED: [(&str, &str); 4] = [
    ("exec", "runs a program"),
    ("envExec", "runs a program"),
    ("fetchSecretValue", "asks a store of secrets"),
    ("expandSecretRefs", "asks a store of secrets"),
];

/// Renders a text with `data` as its dot. Paths in it are relative to the folder of `path`.
pub(super) fn render(
    path: &Path,
    text: &str,
    data: &Json,
    outside: &Arc<dyn Outside>,
) -> Result<String, HelmfileError> {
    let folder = path.parent().unwrap_or_else(|| Path::new(".")).to_path_buf();
    let failed = |message: String| HelmfileError::Template { path: path.to_path_buf(), message };
    let own = functions(&folder, outside);
    let others = sutler_functions::all().filter(|function| own.iter().all(|mine| mine.name != function.name));
    let mut set = TemplateSet::new("stringTemplate")
        .with_functions(others)
        .with_functions(&own)
        .with_missing_key(MissingKey::Error);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    set.parse(name.as_str(), text).map_err(|error| failed(error.to_string()))?;
    let host = HostBox(Box::new(Elsewhere(outside.now())));
    let options = ExecuteOptions { host: Some(&host), ..ExecuteOptions::default() };
    let output = set.execute(name.as_str(), &from_json(data), options).map_err(|error| failed(error.to_string()))?;
    Ok(output.to_str_lossy().into_owned())
}

/// No cluster, and nothing random: a file that is written once should not change by being read.
struct Elsewhere(i64);

impl Host for Elsewhere {
    fn lookup(&self, _: &str, kind: &str, _: &str, _: &str) -> Result<sutler_template::Map, String> {
        Err(format!("no cluster is asked for {kind}"))
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }

    fn now(&self) -> (i64, u32) {
        (self.0, 0)
    }
}

fn functions(folder: &Path, outside: &Arc<dyn Outside>) -> Vec<Function> {
    const TEXT: Signature = Signature { params: &[&STRING], variadic: None, result: &STRING };
    const TEST: Signature = Signature { params: &[&STRING], variadic: None, result: &BOOL };
    const GET: Signature = Signature { params: &[&STRING], variadic: Some(&ANY), result: &ANY };
    const REST: Signature = Signature { params: &[], variadic: Some(&ANY), result: &ANY };
    let at = |folder: &Path| {
        let folder = folder.to_path_buf();
        move |name: &str| -> PathBuf { folder.join(name) }
    };
    let text =
        |outside: &Arc<dyn Outside>, name: &'static str, find: fn(&dyn Outside, &str) -> Result<String, String>| {
            let outside = outside.clone();
            Function::closure(name, TEXT, move |_, arguments| {
                find(&*outside, &arguments.str(0)?.to_str_lossy()).map(Value::from).map_err(CallError::new)
            })
        };
    let mut all = vec![
        text(outside, "env", |outside, name| Ok(outside.variable(name).unwrap_or_default())),
        text(outside, "requiredEnv", |outside, name| {
            let found = outside.variable(name).filter(|value| !value.is_empty());
            found.ok_or_else(|| format!("required env var `{name}` is not set"))
        }),
    ];
    let (world, place) = (outside.clone(), at(folder));
    all.push(Function::closure("readFile", TEXT, move |_, arguments| {
        let path = place(&arguments.str(0)?.to_str_lossy());
        world.read(&path).map(Value::from).map_err(|error| CallError::new(format!("{}: {error}", path.display())))
    }));
    let (world, place) = (outside.clone(), at(folder));
    all.push(Function::closure("isFile", TEST, move |_, arguments| {
        Ok(Value::Bool(world.is_file(&place(&arguments.str(0)?.to_str_lossy()))))
    }));
    let (world, place) = (outside.clone(), at(folder));
    all.push(Function::closure("isDir", TEST, move |_, arguments| {
        Ok(Value::Bool(world.is_dir(&place(&arguments.str(0)?.to_str_lossy()))))
    }));
    let (world, place) = (outside.clone(), at(folder));
    all.push(Function::closure("readDir", Signature { result: &ANY, ..TEXT }, move |_, arguments| {
        let name = arguments.str(0)?.to_str_lossy().into_owned();
        let files = world.list(&place(&name)).map_err(|error| CallError::new(format!("{name}: {error}")))?;
        let joined = files.iter().map(|file| Path::new(&name).join(file).display().to_string());
        Ok(Value::List(List::strings(joined)))
    }));
    all.push(Function::closure("get", GET, |_, arguments| {
        let path = arguments.str(0)?.to_str_lossy().into_owned();
        let rest = arguments.rest(1);
        let (default, object) = match rest {
            [object] => (None, object),
            [default, object] => (Some(default.clone()), object),
            _ => return Err(CallError::new("get takes a path, perhaps a default, and a map")),
        };
        let found = walk(&path, object).or(default);
        found.ok_or_else(|| CallError::new(format!("no value exist for key \"{path}\"")))
    }));
    all.push(Function::closure("getOrNil", GET, |_, arguments| {
        let path = arguments.str(0)?.to_str_lossy().into_owned();
        Ok(arguments.rest(1).first().and_then(|object| walk(&path, object)).unwrap_or(Value::Nil))
    }));
    all.extend(REFUSED.map(|(name, what)| {
        Function::closure(name, REST, move |_, _| {
            Err(CallError::new(format!("`{name}` {what}, which `sutler init` does not")))
        })
    }));
    all
}

/// The value at a path of keys within maps.
fn walk(path: &str, object: &Value) -> Option<Value> {
    path.split('.').try_fold(object.clone(), |at, key| at.get(key))
}

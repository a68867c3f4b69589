//! The Go program of `tests/judge`, built and asked.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;

#[derive(Clone)]
pub(crate) struct Judge {
    program: PathBuf,
}

impl Judge {
    /// The judge that `cargo xtask peers --real` made, else one built here; the error says why that is not possible.
    pub(crate) fn build() -> Result<Judge, String> {
        let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin/functions-judge");
        let named = std::env::var_os("SUTLER_FUNCTIONS_JUDGE").map(PathBuf::from);
        if let Some(program) = named.or_else(|| peer.is_file().then_some(peer)) {
            return Ok(Judge { program });
        }
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("functions-judge");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge");
        let output = Command::new("go")
            .args(["build", "-buildvcs=false", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(folder)
            .output()
            .map_err(|error| format!("the go tool cannot be run: {error}"))?;
        if output.status.success() {
            Ok(Judge { program })
        } else {
            Err(format!("the judge cannot be built: {}", String::from_utf8_lossy(&output.stderr)))
        }
    }

    pub(crate) fn outcomes(&self, data: &str, templates: &[String]) -> std::io::Result<Vec<Outcome>> {
        let mut child =
            Command::new(&self.program).env("TZ", "UTC").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().expect("it is piped");
        let data: serde_json::Value = serde_json::from_str(data)?;
        let mut requests = format!("{}\n", serde_json::json!({ "data": data }));
        for template in templates {
            requests.push_str(&format!("{}\n", serde_json::json!({ "template": template })));
        }
        let writer = std::thread::spawn(move || stdin.write_all(requests.as_bytes()));
        let output = child.wait_with_output()?;
        let written = writer.join().expect("writing does not panic");
        let outcome = |line: &str| -> std::io::Result<Outcome> {
            let answer: serde_json::Value = serde_json::from_str(line)?;
            Ok(match (answer["output"].as_str(), answer["error"].as_str()) {
                (Some(output), _) => Outcome::Output(output.to_string()),
                (_, error) => Outcome::Error(error.unwrap_or_default().to_string()),
            })
        };
        let outcomes: Vec<Outcome> =
            String::from_utf8_lossy(&output.stdout).lines().map(outcome).collect::<Result<_, _>>()?;
        if outcomes.len() == templates.len() {
            return written.map(|()| outcomes);
        }
        let next = templates.get(outcomes.len()).map_or("", String::as_str);
        Err(std::io::Error::other(format!("the judge ended at {next}")))
    }
}

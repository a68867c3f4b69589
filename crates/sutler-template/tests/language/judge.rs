//! Go's text/template as a process: `tests/judge`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use crate::world::{Case, Outcome};

/// What Go makes of the cases, in order; the reason if Go cannot be asked.
pub(crate) fn ask(cases: &[Case]) -> Result<Vec<Outcome>, String> {
    let program = program()?;
    let mut child = Command::new(&program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let requests: Vec<String> = cases.iter().map(request).collect();
    let writer = std::thread::spawn(move || {
        for request in requests {
            writeln!(stdin, "{request}").unwrap();
        }
    });
    let answers: Vec<Outcome> =
        BufReader::new(child.stdout.take().unwrap()).lines().map(|line| answer(&line.unwrap())).collect();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success(), "the judge failed");
    assert_eq!(answers.len(), cases.len(), "the judge answers every case");
    Ok(answers)
}

/// The judge that `cargo xtask peers --real` made, by the Go that built Helm; else one built here.
fn program() -> Result<PathBuf, String> {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/bin/template-judge");
    let named = std::env::var_os("SUTLER_TEMPLATE_JUDGE").map(PathBuf::from);
    if let Some(program) = named.or_else(|| peer.is_file().then_some(peer)) {
        return Ok(program);
    }
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("template-judge");
    let built = Command::new("go").current_dir(&directory).arg("build").arg("-o").arg(&program).arg(".").output();
    match built {
        Err(error) => Err(format!("`go` cannot be run: {error}")),
        Ok(output) if !output.status.success() => {
            panic!("the judge does not build: {}", String::from_utf8_lossy(&output.stderr))
        }
        Ok(_) => Ok(program),
    }
}

fn request(case: &Case) -> String {
    let files: Vec<Json> =
        case.files.iter().map(|(name, text)| json!([STANDARD.encode(name), STANDARD.encode(text)])).collect();
    json!({
        "files": files,
        "run": case.run,
        "data": case.data,
        "missingkey": case.missing_key,
        "left": case.delimiters.0,
        "right": case.delimiters.1,
    })
    .to_string()
}

fn answer(line: &str) -> Outcome {
    let json: Json = serde_json::from_str(line).unwrap();
    let bytes = |key: &str| json[key].as_str().map(|text| STANDARD.decode(text).unwrap());
    let error = bytes("error").map(|text| String::from_utf8_lossy(&text).into_owned());
    Outcome { out: bytes("out").unwrap_or_default(), error }
}

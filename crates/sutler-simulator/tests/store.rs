//! The store: what was acknowledged survives, what is not a store is refused and left alone.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, its helpers too")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use http::Method;
use serde_json::{Value, json};
use sutler_simulator::request::Request;
use sutler_simulator::{OpenError, Simulator, Start, StoreError};

fn start() -> Start {
    Start { clock: "2026-01-01T00:00:00Z".parse().unwrap(), seed: 1 }
}

fn open(path: &Path) -> Result<Simulator, OpenError> {
    Simulator::open(path, start(), "test")
}

fn create(simulator: &Simulator, name: &str) -> u16 {
    let body = json!({"metadata": {"name": name}}).to_string();
    simulator.answer(&Request::new(Method::POST, "/api/v1/namespaces/default/configmaps", body)).code
}

fn get(simulator: &Simulator, target: &str) -> Value {
    let response = simulator.answer(&Request::new(Method::GET, target, ""));
    serde_json::from_slice(&response.body.into_bytes().unwrap()).unwrap()
}

#[test]
fn a_store_is_found_again_as_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.db");
    let simulator = open(&path).unwrap();
    assert_eq!(create(&simulator, "x"), 201);
    let before = get(&simulator, "/api/v1/configmaps");
    drop(simulator);
    let simulator = open(&path).unwrap();
    assert_eq!(get(&simulator, "/api/v1/configmaps"), before);
    assert_eq!(create(&simulator, "x"), 409);
}

#[test]
fn a_seed_repeats_a_run_exactly() {
    let run = || {
        let simulator = Simulator::in_memory(start()).unwrap();
        create(&simulator, "x");
        get(&simulator, "/api/v1/configmaps").to_string()
    };
    assert_eq!(run(), run());
}

#[test]
fn a_store_in_use_names_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.db");
    let held = Simulator::open(&path, start(), "sutler up").unwrap();
    match open(&path) {
        Err(OpenError::Held { holder: Some(holder), .. }) => {
            assert_eq!((holder.command.as_str(), holder.pid), ("sutler up", std::process::id()));
        }
        other => panic!("{:?}", other.err()),
    }
    drop(held);
    open(&path).unwrap();
}

/// Makes a store, lets `spoil` change the file, and says how it is refused. The file must be as `spoil` left it afterwards.
#[track_caller]
fn refused(spoil: fn(&Path)) -> StoreError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.db");
    let simulator = open(&path).unwrap();
    (0..200).for_each(|index| assert_eq!(create(&simulator, &format!("x{index}")), 201));
    drop(simulator);
    spoil(&path);
    let before = std::fs::read(&path).unwrap();
    let error = match open(&path) {
        Err(OpenError::Store(error)) => error,
        other => panic!("{:?}", other.err()),
    };
    assert!(std::fs::read(&path).unwrap() == before, "the refused file was changed");
    error
}

fn cut(path: &Path, length: u64) {
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[test]
fn a_truncated_store_is_refused() {
    assert!(matches!(refused(|path| cut(path, 0)), StoreError::Damaged { .. }));
    assert!(matches!(refused(|path| cut(path, 50)), StoreError::Damaged { .. }));
    assert!(matches!(refused(|path| cut(path, 4096)), StoreError::Damaged { .. }));
    let half = refused(|path| cut(path, std::fs::metadata(path).unwrap().len() / 2));
    assert!(matches!(half, StoreError::Damaged { .. }), "{half:?}");
}

#[test]
fn a_foreign_file_is_refused() {
    let text = refused(|path| std::fs::write(path, "kind: Cluster\n".repeat(20)).unwrap());
    assert!(matches!(text, StoreError::Foreign { .. }), "{text:?}");
    let other = refused(|path| {
        std::fs::remove_file(path).unwrap();
        rusqlite::Connection::open(path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    });
    assert!(matches!(other, StoreError::Foreign { .. }), "{other:?}");
}

#[test]
fn a_store_of_another_version_is_refused() {
    let error =
        refused(|path| rusqlite::Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap());
    assert!(matches!(error, StoreError::Version { found: 99, .. }), "{error:?}");
    assert!(error.to_string().contains("of format 99"), "{error}");
}

/// Not a test of its own: what the next test starts in a process that it kills. Creates objects and says each one's name after
/// it was acknowledged, for as long as it lives.
#[test]
#[ignore = "run as a child process by a_killed_process_loses_nothing_it_acknowledged"]
fn child_that_creates_until_it_is_killed() {
    let Ok(path) = std::env::var("SUTLER_TEST_STORE") else { return };
    let simulator = open(Path::new(&path)).unwrap();
    for index in 0.. {
        let name = format!("{}-{index}", std::process::id());
        assert_eq!(create(&simulator, &name), 201);
        println!("acknowledged {name}");
    }
}

#[test]
fn a_killed_process_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cluster.db");
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "child_that_creates_until_it_is_killed"])
            .env("SUTLER_TEST_STORE", &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut heard = 0;
        let mut line = String::new();
        while heard < 40 + 17 * round && output.read_line(&mut line).unwrap() > 0 {
            heard += usize::from(line.contains("acknowledged "));
            acknowledged.extend(line.trim().split_once("acknowledged ").map(|(_, name)| name.to_string()));
            line.clear();
        }
        child.kill().unwrap();
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        child.wait().unwrap();
        // What was said before the kill counts as well; a last line may be cut.
        let whole = rest.rsplit_once('\n').map_or("", |(whole, _)| whole);
        acknowledged
            .extend(whole.lines().filter_map(|line| line.split_once("acknowledged ")).map(|(_, name)| name.into()));
        let simulator = open(&path).unwrap();
        for name in &acknowledged {
            let object = get(&simulator, &format!("/api/v1/namespaces/default/configmaps/{name}"));
            assert_eq!(object["metadata"]["name"], name.as_str(), "round {round}: {object}");
        }
    }
    assert!(acknowledged.len() >= 40 + 57 + 74, "{}", acknowledged.len());
}

//! Answers recorded as digests, in `tests/digests`: thousands of made-up cases in a small file. A case whose answer differs shows
//! ours; what the judge answers is then asked of the judge. The tests of templates use this file, too.

use std::path::{Path, PathBuf};

/// FNV-1a over 64 bits: enough to tell answers apart, and the same everywhere.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

fn line(case: &str, answer: &str) -> String {
    format!("{:08x} {:016x}", digest(case) as u32, digest(answer))
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/digests").join(name)
}

/// Writes the answers of the judge.
pub(crate) fn record<'a>(name: &str, seed: u64, answers: impl Iterator<Item = (&'a str, String)>) {
    let mut text = format!("# seed {seed}; one line a case: digest of the case, digest of the judge's answer\n");
    for (case, answer) in answers {
        text.push_str(&line(case, &answer));
        text.push('\n');
    }
    std::fs::create_dir_all(path("")).unwrap();
    std::fs::write(path(name), text).unwrap();
}

/// How many answers are recorded, and what differs from them.
pub(crate) fn differences<'a>(name: &str, answers: impl Iterator<Item = (&'a str, String)>) -> (usize, Vec<String>) {
    let text = std::fs::read_to_string(path(name)).unwrap();
    let recorded: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let mut found = Vec::new();
    let mut count = 0;
    for (recorded, (case, answer)) in recorded.iter().zip(answers) {
        count += 1;
        let ours = line(case, &answer);
        if ours[..8] != recorded[..8] {
            found.push(format!("case {count} is not the recorded one: record the answers anew\n{case}"));
            break;
        }
        if ours != *recorded {
            found.push(format!("{case}\n  here  {answer}"));
        }
    }
    assert_eq!(recorded.len(), count, "there are more answers than cases: record them anew");
    (count, found)
}

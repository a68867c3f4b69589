//! Made-up charts and command lines, ours against Helm's library: by thousands, where the judge is there.

mod charts;
mod counts;
mod judge;
mod schemas;
mod templates;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use charts::Case;
use judge::Judge;

use crate::random::Random;
use crate::{compare, flags, settled, transcript};

fn number<N: std::str::FromStr<Err: std::fmt::Debug>>(name: &str, default: N) -> N {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("it is a number"))
}

/// Writes the files of a case below a folder, and returns its words.
fn write(case: &Case, folder: &Path) -> Vec<String> {
    for (path, content) in &case.files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("it is within the folder")).expect("a folder can be made");
        std::fs::write(path, content).expect("a file can be written");
    }
    let here = folder.display().to_string();
    case.arguments.iter().map(|word| word.replace("<here>", &here)).collect()
}

fn ours(words: &[String], folder: &Path) -> String {
    let output = flags::run(sutler_chart::Compatibility::V4, &words[1..], folder);
    transcript(&words[1..].join(" "), output.exit_code, &output.stdout, &output.stderr)
}

/// A transcript that is the same wherever the files are, and in whichever order Go takes its maps.
fn portable(transcript: &str, folder: &Path) -> String {
    let text = settled(&transcript.replace(&folder.display().to_string(), "<here>"));
    let text = without_addresses(&text);
    let lines = text.lines().map(|line| match line.split_once("additional properties ") {
        Some((before, rest)) => {
            let (names, after) = rest.rsplit_once(' ').unwrap_or((rest, ""));
            let mut names: Vec<&str> = names.split(", ").map(|name| name.trim_end_matches(" not")).collect();
            names.sort_unstable();
            format!("{before}additional properties {} not {after}", names.join(", "))
        }
        // Of several anchors with one name, any two.
        None => match line.split_once(" at \"").filter(|_| line.starts_with("duplicate anchor ")) {
            Some((before, _)) => before.to_owned(),
            None => line.to_owned(),
        },
    });
    in_order(&lines.collect::<Vec<_>>().join("\n"))
}

/// Go prints where an object is in memory; ours is the same everywhere.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0xc0");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("0xc0…");
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
    out
}

/// The cases of a batch, written below `folder`, with their words.
fn batch(
    random: &mut Random,
    count: usize,
    folder: &Path,
    make: impl Fn(&mut Random) -> Case,
) -> Vec<(Case, PathBuf, Vec<String>)> {
    (0..count)
        .map(|index| {
            let case = make(random);
            let place = folder.join(index.to_string());
            let words = write(&case, &place);
            (case, place, words)
        })
        .collect()
}

/// The lines of a list that is nested by indentation, each level in the order of its texts: Go takes maps in any order.
fn in_order(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let depth =
        |line: &str| line.trim_start_matches(' ').starts_with("- ").then(|| line.len() - line.trim_start().len());
    fn level(lines: &[&str], depth: &dyn Fn(&str) -> Option<usize>) -> String {
        let mut items: Vec<String> = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            let own = depth(lines[at]).unwrap_or_default();
            let length =
                1 + lines[at + 1..].iter().take_while(|line| depth(line).is_some_and(|found| found > own)).count();
            items.push(format!("{}\n{}", lines[at], level(&lines[at + 1..at + length], depth)));
            at += length;
        }
        items.sort_unstable();
        items.concat()
    }
    let mut out = String::new();
    let mut at = 0;
    while at < lines.len() {
        let length = lines[at..].iter().take_while(|line| depth(line).is_some()).count();
        match length {
            0 => {
                out.push_str(&format!("{}\n", lines[at]));
                at += 1;
            }
            _ => {
                out.push_str(&level(&lines[at..at + length], &depth));
                at += length;
            }
        }
    }
    out
}

#[test]
fn generated_charts_come_out_as_helm_renders_them() {
    check("charts", 200, charts::case);
}

#[test]
fn generated_schemas_refuse_what_helm_refuses() {
    check("schemas", 1000, schemas::case);
}

/// Compares made-up cases with Helm's library: a batch, or as many as `SUTLER_SECONDS` allow.
fn check(suite: &str, size: usize, make: impl Fn(&mut Random) -> Case) {
    let home = tempfile::tempdir().expect("a folder can be made");
    let Some(mut judge) = Judge::start(home.path()) else {
        println!("skipped generated {suite}: no SUTLER_CHART_JUDGE (cargo xtask peers --real)");
        return;
    };
    let seed = number("SUTLER_SEED", u64::from(std::process::id()));
    let until = Instant::now() + Duration::from_secs(number("SUTLER_SECONDS", 0));
    let size = number("SUTLER_CASES", size);
    println!("SUTLER_SEED={seed}");
    let mut random = Random(seed);
    let (mut count, mut failed, mut differences, mut counts) = (0, 0, Vec::new(), BTreeMap::new());
    while count == 0 || Instant::now() < until {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let cases = batch(&mut random, size, folder.path(), &make);
        let lines: Vec<Vec<String>> = cases.iter().map(|(_, _, words)| words.clone()).collect();
        let (expected, found) = std::thread::scope(|scope| {
            let asked = scope.spawn(|| judge.transcripts(&lines));
            let found: Vec<String> = cases.iter().map(|(_, place, words)| ours(words, place)).collect();
            (asked.join().expect("the judge answers"), found)
        });
        for (((case, place, words), expected), found) in cases.iter().zip(expected).zip(found) {
            count += 1;
            failed += usize::from(!expected.contains("\nexit 0\n"));
            case.files.iter().for_each(|(_, content)| counts::add(&mut counts, &String::from_utf8_lossy(content)));
            let found = portable(&found, place);
            let Some(difference) = compare(&case.text(), &portable(&expected, place), &found) else {
                continue;
            };
            // Where Go takes a map in any order, one of a few answers is ours.
            let again = judge.transcripts(&vec![words.clone(); 8]);
            if !again.iter().any(|again| portable(again, place) == found) {
                differences.push(difference);
            }
        }
    }
    counts::write(suite, &counts);
    println!(
        "compared {count} generated {suite} with Helm's library, of which {failed} fail, seed {seed}: {} differ",
        differences.len()
    );
    let shown = &differences[..differences.len().min(number("SUTLER_SHOWN", 5))];
    assert!(differences.is_empty(), "seed {seed}: {} of {count} differ:\n{}", differences.len(), shown.join("\n"));
}

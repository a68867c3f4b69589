//! Made-up charts and command lines, ours against Helm's library: by thousands, where the judge is there.

mod charts;
mod counts;
mod judge;
mod templates;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use charts::Case;
use judge::Judge;

use crate::random::Random;
use crate::{compare, flags, settled, transcript};

fn number(name: &str, default: u64) -> u64 {
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
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
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
fn batch(random: &mut Random, count: usize, folder: &Path) -> Vec<(Case, PathBuf, Vec<String>)> {
    (0..count)
        .map(|index| {
            let case = charts::case(random);
            let place = folder.join(index.to_string());
            let words = write(&case, &place);
            (case, place, words)
        })
        .collect()
}

#[test]
fn generated_charts_come_out_as_helm_renders_them() {
    if ["SUTLER_CASES", "SUTLER_SECONDS"].iter().all(|name| std::env::var_os(name).is_none()) {
        println!("skipped generated_charts_come_out_as_helm_renders_them: asked for by SUTLER_CASES or SUTLER_SECONDS");
        return;
    }
    let home = tempfile::tempdir().expect("a folder can be made");
    let Some(mut judge) = Judge::start(home.path()) else {
        println!(
            "skipped generated_charts_come_out_as_helm_renders_them: no SUTLER_CHART_JUDGE (cargo xtask peers --real)"
        );
        return;
    };
    let seed = number("SUTLER_SEED", u64::from(std::process::id()));
    let until = Instant::now() + Duration::from_secs(number("SUTLER_SECONDS", 0));
    let size = usize::try_from(number("SUTLER_CASES", 200)).expect("it is small");
    println!("SUTLER_SEED={seed}");
    let mut random = Random(seed);
    let (mut count, mut failed, mut differences, mut counts) = (0, 0, Vec::new(), BTreeMap::new());
    while count == 0 || Instant::now() < until {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let cases = batch(&mut random, size, folder.path());
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
            let Some(difference) = compare(&case.text(), &portable(&expected, place), &portable(&found, place)) else {
                continue;
            };
            // Where Go takes a map in any order, one of a few answers is ours.
            let again = judge.transcripts(&vec![words.clone(); 8]);
            if !again.iter().any(|again| portable(again, place) == portable(&found, place)) {
                differences.push(difference);
            }
        }
    }
    counts::write("charts", &counts);
    println!(
        "compared {count} generated charts with Helm's library, of which {failed} fail, seed {seed}: {} differ",
        differences.len()
    );
    let shown = &differences[..differences.len().min(number("SUTLER_SHOWN", 5) as usize)];
    assert!(differences.is_empty(), "seed {seed}: {} of {count} differ:\n{}", differences.len(), shown.join("\n"));
}

//! Whatever reads what strangers wrote, with mutated input: nothing may panic, hang or exhaust the stack.
//!
//! Each target has a folder of seeds in `corpus/`; inputs are made of them by small damages, splices and repetitions. The
//! generator's seed is printed: `SUTLER_SEED` repeats a run, `SUTLER_SECONDS` makes it longer, and an input that took down a
//! target is added to its folder. Targets run on a thread with the stack of a usual worker, which a deep recursion would end.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and says what it tried")]

use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sutler_chart::values::ValuesOptions;
use sutler_chart::{Chart, ChartSource, Limits, RenderOptions, render};
use sutler_functions::semver::{Constraints, Version};
use sutler_repository::index::Index;
use sutler_repository::oci::Reference;
use sutler_template::TemplateSet;

/// The longest that one input may take. Most take microseconds; the machine may be busy.
const LONGEST: Duration = Duration::from_secs(20);
const STACK: usize = 2 << 20;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit.max(1) as u64).unwrap()
    }
}

/// Pieces that mean something in one of the languages read here.
const PIECES: &[&[u8]] = &[
    b"{{",
    b"}}",
    b"{{-",
    b"-}}",
    b"(",
    b")",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"'",
    b"`",
    b":",
    b": ",
    b",",
    b".",
    b"|",
    b"-",
    b"- ",
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x98\x80",
    b"*",
    b"&a",
    b"*a",
    b"!!",
    b"<<: ",
    b"---\n",
    b"...",
    b"#",
    b"%",
    b"\\",
    b"=",
    b"~",
    b"^",
    b">=",
    b"||",
    b"@",
    b"/",
    b"..",
    b"0",
    b"9223372036854775808",
    b"-1",
    b"1e999",
    b"0x",
    b"range",
    b"end",
    b"define \"a\"",
    b"template \"a\" .",
    b"if .",
    b"else",
    b"$x := ",
    b"tpl",
    b"include \"a\" .",
    b"repeat 9",
    b"until 99999999",
    b"printf \"%999999d\" 1",
    b"999999999",
    b"sha256:",
    b"null",
    b"true",
    b"\xe2\x80\xa8",
];

fn mutated(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..1 + random.below(6) {
        let at = random.below(input.len() + 1);
        let end = (at + random.below(8)).min(input.len());
        match random.below(8) {
            0 => drop(input.drain(at..end)),
            1 if at < input.len() => input[at] ^= 1 << random.below(8),
            2 | 3 => drop(input.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            4 => drop(input.splice(at..end, PIECES[random.below(PIECES.len())].iter().copied())),
            5 => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len() + 1);
                input.splice(at.., other[from..].iter().copied());
            }
            6 => {
                let piece = PIECES[random.below(PIECES.len())];
                let times = [2, 10, 300, 20_000][random.below(4)];
                input.splice(at..at, piece.repeat(times));
            }
            _ => {
                let piece = input[at..end].to_vec();
                input.splice(at..at, piece.repeat(1 + random.below(40)));
            }
        }
        input.truncate(1 << 20);
    }
    input
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Runs the corpus as it is, then mutations of it.
fn fuzz(target: &str, seeds: Vec<Vec<u8>>, run: fn(&[u8])) {
    let seed = number("SUTLER_SEED", u64::from(std::process::id()));
    let until = Instant::now() + Duration::from_secs(number("SUTLER_SECONDS", 1));
    let mut random = Random(seed);
    let (inputs, taken) = mpsc::sync_channel::<Vec<u8>>(0);
    let (done, finished) = mpsc::sync_channel::<()>(0);
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        for input in taken {
            run(&input);
            if done.send(()).is_err() {
                return;
            }
        }
    });
    let worker = worker.unwrap();
    let mut count = 0_usize;
    while count < seeds.len() || Instant::now() < until {
        let input = seeds.get(count).cloned().unwrap_or_else(|| mutated(&mut random, &seeds));
        let _ = inputs.send(input.clone());
        match finished.recv_timeout(LONGEST) {
            Ok(()) => count += 1,
            Err(why) => {
                let file = std::env::temp_dir().join(format!("{target}-{seed}-{count}"));
                std::fs::write(&file, &input).unwrap();
                panic!(
                    "seed {seed}: {target} {why:?} at an input of {} bytes, kept in {}",
                    input.len(),
                    file.display()
                );
            }
        }
    }
    drop(inputs);
    worker.join().unwrap();
    println!("fuzzed {target} with {count} inputs, seed {seed}");
}

/// What a stranger's template may use up.
const LIMITS: Limits = Limits { steps: Some(20_000), output: Some(16 << 20), depth: 200 };

fn rendering(template: &[u8]) {
    let chart = [("Chart.yaml", &b"apiVersion: v2\nname: c\nversion: 1.0.0\n"[..]), ("templates/t.yaml", template)];
    let chart = Chart::load(ChartSource::files(chart)).unwrap();
    let mut options = RenderOptions::install("r", "default");
    options.limits = LIMITS;
    let values = ValuesOptions { set: vec!["a.b=1,list={x,y},text=t".to_owned()], ..ValuesOptions::default() };
    let _ = render(&chart, &values.merge().unwrap(), &options);
}

#[test]
fn the_template_parser_survives_anything() {
    fuzz("template", corpus("template"), |input| {
        let mut set = TemplateSet::new("gotpl").with_functions(sutler_functions::all());
        let _ = set.parse("t", input);
    });
}

#[test]
fn the_executor_survives_anything() {
    fuzz("template", corpus("template"), rendering);
}

#[test]
fn the_yaml_reader_survives_anything() {
    fuzz("yaml", corpus("yaml"), |input| {
        if let Ok(text) = sutler_yaml::decode(input) {
            let _ = sutler_yaml::read_documents(&text);
            let _ = sutler_yaml::read_strict(&text);
            if let Ok(node) = sutler_yaml::read(&text) {
                let _ = sutler_yaml::to_json(&node);
            }
        }
    });
}

#[test]
fn values_and_metadata_survive_anything() {
    fuzz("yaml", corpus("yaml"), |input| {
        for name in
            ["Chart.yaml", "values.yaml", "values.schema.json", "requirements.yaml", ".helmignore", "crds/c.yaml"]
        {
            let mut files = vec![("Chart.yaml", &b"apiVersion: v1\nname: c\nversion: 1.0.0\n"[..])];
            files.retain(|(given, _)| *given != name);
            files.push((name, input));
            if let Ok(chart) = Chart::load(ChartSource::files(files)) {
                let mut options = RenderOptions::install("r", "default");
                options.limits = LIMITS;
                let _ = render(&chart, &ValuesOptions::default().merge().unwrap(), &options);
            }
        }
    });
}

#[test]
fn the_archive_reader_survives_anything() {
    fuzz("archive", corpus("archive"), |input| {
        let _ = Chart::load(ChartSource::Archive(input));
        // What is damaged after unpacking gets further.
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(input).unwrap();
        let _ = Chart::load(ChartSource::Archive(&packed.finish().unwrap()));
    });
}

#[test]
fn flags_that_set_values_survive_anything() {
    fuzz("set", corpus("set"), |input| {
        let text = || vec![String::from_utf8_lossy(input).into_owned()];
        for options in [
            ValuesOptions { set: text(), ..ValuesOptions::default() },
            ValuesOptions { set_string: text(), ..ValuesOptions::default() },
            ValuesOptions { set_json: text(), ..ValuesOptions::default() },
            ValuesOptions { set_literal: text(), ..ValuesOptions::default() },
        ] {
            let _ = options.merge();
        }
    });
}

#[test]
fn version_constraints_survive_anything() {
    fuzz("constraint", corpus("constraint"), |input| {
        let text = String::from_utf8_lossy(input);
        let version = Version::parse("1.2.3-beta.1+m").unwrap();
        let _ = Version::parse(&text);
        let _ = Constraints::parse(&text).map(|constraints| constraints.allow(&version));
    });
}

#[test]
fn index_files_survive_anything() {
    fuzz("index", corpus("index"), |input| {
        let _ = Index::read(input, "index.yaml", &mut Vec::new());
    });
}

#[test]
fn registry_references_survive_anything() {
    fuzz("reference", corpus("reference"), |input| {
        let text = String::from_utf8_lossy(input);
        let _ = Reference::parse(&text).map(|reference| reference.tag_or_digest().map(str::to_owned));
        let _ = Reference::parse_plain(&text);
    });
}

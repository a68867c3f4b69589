//! The page as `cargo xtask browser` builds it, in headless Chromium: what it shows is what the library renders outside of a browser.

#![allow(clippy::print_stdout, reason = "tests say what they skip")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use sutler_browser::{Answer, Request, answer, sample};

/// Chromium by `SUTLER_CHROMIUM`, or by its usual names.
fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("SUTLER_CHROMIUM").map(PathBuf::from);
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["chromium", "chromium-browser", "google-chrome"];
    let found = || {
        std::env::split_paths(&folders)
            .flat_map(|folder| usual.map(|name| folder.join(name)))
            .find(|path| path.is_file())
    };
    named.or_else(found)
}

/// The page: two folders above the tests' programs is the target folder's profile, three above the target folder.
fn page() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().join("browser/index.html")
}

/// What `#values=…` of the page's address is, so that no character means anything in it.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The text of the element of that id and tag.
fn text_of<'d>(dom: &'d str, start: &str) -> &'d str {
    let at = dom.find(start).unwrap_or_else(|| panic!("{start} is not in the page:\n{dom}")) + start.len();
    &dom[at..at + dom[at..].find('<').unwrap()]
}

/// A text as Chromium writes it into a document.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The page's document once it has rendered these values; a picture of it lies beside the page.
fn shown(chromium: &Path, page: &Path, values: &str, picture: &str) -> String {
    let profile = tempfile::tempdir().unwrap();
    let run = |what: &str| {
        let output = Command::new(chromium)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,860", "--timeout=60000"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(what)
            .arg(format!("file://{}#values={}", page.display(), encoded(values)))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&format!("--screenshot={}", page.with_file_name(picture).display()));
    run("--dump-dom")
}

fn outside_of_a_browser(values: &str) -> Answer {
    let request =
        Request { name: "demo".into(), namespace: "default".into(), values: values.into(), ..Request::default() };
    answer(&sample().unwrap(), &request)
}

#[test]
fn the_page_shows_what_the_library_renders() {
    let (Some(chromium), page) = (chromium(), page()) else {
        println!(
            "skipped the_page_shows_what_the_library_renders: the page of `cargo xtask browser` needs Chromium on PATH"
        );
        return;
    };
    if !page.is_file() {
        println!("skipped the_page_shows_what_the_library_renders: the page is not built; `cargo xtask browser` does");
        return;
    }
    let values = "replicas: 2\nenvironment: {B: \"<&>\", A: 1}\n";
    let dom = shown(&chromium, &page, values, "rendered.png");
    let expected = outside_of_a_browser(values);
    assert_eq!(expected.error, None);
    assert_eq!(text_of(&dom, "<pre id=\"manifest\">"), escaped(&expected.manifest));
    // The time, its zone and the random password are the browser's.
    assert!(text_of(&dom, "<pre id=\"notes\">").contains("demo was rendered on 20"));
    assert!(dom.contains("data-state=\"ready\""), "{dom}");

    let dom = shown(&chromium, &page, "image: null", "failed.png");
    let expected = outside_of_a_browser("image: null").error.unwrap();
    assert_eq!(text_of(&dom, "role=\"alert\"><pre>"), escaped(&expected.text));
    for place in &expected.chain {
        assert!(dom.contains(&format!("<li>{}</li>", escaped(place))), "{place} is not in the page:\n{dom}");
    }
}

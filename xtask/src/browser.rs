//! The task `browser`: the example in `examples/browser`, compiled to WebAssembly and packed into one page, `target/browser/index.html`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::process;

/// What is compiled for.
const TARGET: &str = "wasm32-unknown-unknown";

/// Where the module goes in the page.
const PLACE: &str = "@WASM@";

/// Builds the page.
pub(crate) fn task(root: &Path) -> Result<()> {
    let library = process::output(std::process::Command::new("rustc").current_dir(root).args([
        "--print",
        "target-libdir",
        "--target",
        TARGET,
    ]))?;
    if !Path::new(library.trim()).is_dir() {
        bail!("the compiler has no {TARGET}: `rustup target add {TARGET}`, or Debian's package libstd-rust-web-dev");
    }
    let target = target_folder(root)?;
    let mut cargo = process::cargo();
    cargo.current_dir(root).args(["build", "--locked", "--package", "sutler-browser"]);
    process::run(cargo.args(["--profile", "browser", "--target", TARGET]))?;

    let module = target.join(TARGET).join("browser/sutler_browser.wasm");
    let module = std::fs::read(&module).with_context(|| format!("could not read {}", module.display()))?;
    let text = STANDARD.encode(&module);

    let template = root.join("examples/browser/page.html");
    let template =
        std::fs::read_to_string(&template).with_context(|| format!("could not read {}", template.display()))?;
    let (before, after) = template.split_once(PLACE).context("the page has no place for the module")?;
    let page = target.join("browser/index.html");
    std::fs::create_dir_all(target.join("browser"))?;
    std::fs::write(&page, [before, &text, after].concat())
        .with_context(|| format!("could not write {}", page.display()))?;
    println!(
        "{} ({} KB; the module is {} KB)",
        page.display(),
        (text.len() + template.len()) / 1024,
        module.len() / 1024
    );
    Ok(())
}

/// Cargo's target folder, wherever it was moved to.
fn target_folder(root: &Path) -> Result<PathBuf> {
    let metadata = process::output(process::cargo().current_dir(root).args([
        "metadata",
        "--format-version=1",
        "--no-deps",
        "--offline",
    ]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let folder = metadata["target_directory"].as_str().context("cargo names no target folder")?;
    Ok(PathBuf::from(folder))
}

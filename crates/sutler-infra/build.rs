//! Lists the module's files in `terraform/`, so that the binary carries them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let module = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../terraform");
    println!("cargo::rerun-if-changed={}", module.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&module)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "tf" || ending == "md") {
            files.push(path);
        }
    }
    files.sort();
    let mut code = String::from("/// Name and text of each file, by name.\nstatic FILES: &[(&str, &str)] = &[\n");
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        writeln!(code, "    ({name:?}, include_str!({:?})),", file.canonicalize()?.display().to_string())?;
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("module.rs"), code)?;
    Ok(())
}

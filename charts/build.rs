//! Lists the chart folders beside this file, so that the binary carries them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut charts: Vec<PathBuf> =
        folders(&here)?.into_iter().filter(|folder| folder.join("Chart.yaml").is_file()).collect();
    charts.sort();
    let mut code = String::from("/// The charts, by name.\npub(crate) static CHARTS: &[BuiltinChart] = &[\n");
    for chart in charts {
        println!("cargo::rerun-if-changed={}", chart.display());
        let mut files = Vec::new();
        collect(&chart, &mut files)?;
        files.sort();
        let name = chart.file_name().unwrap_or_default().to_string_lossy().into_owned();
        writeln!(code, "    BuiltinChart {{ name: {name:?}, files: &[")?;
        for file in files {
            let inside = file.strip_prefix(&chart)?.to_string_lossy().replace('\\', "/");
            writeln!(code, "        ({inside:?}, include_bytes!({:?})),", file.display().to_string())?;
        }
        code.push_str("    ] },\n");
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("charts.rs"), code)?;
    Ok(())
}

fn folders(at: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(at)? {
        let path = entry?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    Ok(found)
}

fn collect(at: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(at)? {
        let path = entry?.path();
        match path.is_dir() {
            true => collect(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

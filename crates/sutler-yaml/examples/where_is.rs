//! Where a value stands in a YAML file: `cargo run --example where_is -- FILE.yaml spec containers 0 image`

#![allow(clippy::print_stdout, reason = "an example talks to the terminal")]

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: where_is FILE.yaml KEY…")?;
    let path: Vec<String> = arguments.collect();
    let bytes = std::fs::read(&file)?;
    let node = sutler_yaml::read(&sutler_yaml::decode(&bytes)?)?;
    let (closest, steps) = node.closest(path.iter().map(String::as_str));
    match path.get(steps) {
        None => println!("{file}:{}: a {}", closest.start, closest.kind()),
        Some(missing) => println!("{file}:{}: this {} has no `{missing}`", closest.start, closest.kind()),
    }
    Ok(())
}

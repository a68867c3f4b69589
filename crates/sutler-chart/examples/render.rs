//! Renders a chart of this machine, as `helm template` does: `cargo run --example render -- CHART [VALUES.yaml] [--set TEXT]…`

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to the terminal")]

use std::error::Error;
use std::time::SystemTime;

use sutler_chart::{Chart, ChartSource, RenderError, RenderOptions, Timestamp, Values, error_chain, render};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: render CHART [VALUES.yaml] [--set TEXT]…")?;
    let chart = Chart::load(ChartSource::path(&path)).map_err(|error| error_chain(&error))?;

    let mut values = Values::new();
    while let Some(argument) = arguments.next() {
        values = match argument.as_str() {
            "--set" => values.with_set(&arguments.next().ok_or("--set needs a text")?)?,
            file => values.with_yaml(&std::fs::read_to_string(file)?)?,
        };
    }

    // A real release takes its seed from a secure source; with zeros, passwords are the same each time.
    let now = Timestamp::try_from(SystemTime::now())?;
    let options = RenderOptions::install("release-name", "default").with_now(now);
    match render(&chart, &values, &options) {
        Ok(rendered) => {
            print!("{}", rendered.to_yaml());
            for document in rendered.documents() {
                let hook = if document.hook.is_some() { ", a hook" } else { "" };
                eprintln!("{} {} from {}{hook}", document.kind, document.name, document.template());
            }
            eprint!("{}", rendered.notes);
            Ok(())
        }
        Err(error) => {
            if let RenderError::Template(error) = &error {
                eprintln!("in {}, line {}: {}", error.file(), error.line(), error.message());
            }
            Err(error_chain(&error).into())
        }
    }
}

//! One chart, loaded once and rendered by many threads with values of their own: `cargo run --release --example many_threads`

#![allow(clippy::print_stdout, reason = "an example talks to the terminal")]

use std::error::Error;
use std::num::NonZero;
use std::time::{Duration, Instant};

use serde_json::json;
use sutler_chart::{CancelToken, Chart, ChartSource, Limits, RenderOptions, Values, render};

const RENDERINGS: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let chart = Chart::load(ChartSource::files([
        ("Chart.yaml", "apiVersion: v2\nname: tenant\nversion: 0.1.0\n"),
        ("values.yaml", "quota: 1\nlabels: {team: data}\n"),
        (
            "templates/quota.yaml",
            "apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: {{ .Release.Name }}\n  labels: {{- toYaml .Values.labels | nindent 4 }}\n\
             spec: {hard: {pods: {{ .Values.quota }}}}\n",
        ),
    ]))?;

    let threads = std::thread::available_parallelism().map_or(2, NonZero::get);
    let (begin, token) = (Instant::now(), CancelToken::new());
    let bytes: usize = std::thread::scope(|scope| {
        let chart = &chart;
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let token = token.clone();
                scope.spawn(move || -> Result<usize, String> {
                    let mut bytes = 0;
                    for tenant in (thread..RENDERINGS).step_by(threads) {
                        let values = Values::from_serialize(&json!({"quota": tenant, "labels": {"tenant": tenant}}));
                        let values = values.map_err(|error| error.to_string())?;
                        let end = Instant::now() + Duration::from_secs(1);
                        let options = RenderOptions::install(&format!("tenant-{tenant}"), "default")
                            .with_limits(Limits::UNTRUSTED)
                            .with_deadline(move || Instant::now() >= end)
                            .with_cancel(token.clone());
                        let rendered = render(chart, &values, &options);
                        // The first that fails ends all the others.
                        let rendered = rendered.inspect_err(|_| token.cancel()).map_err(|error| error.to_string())?;
                        bytes += rendered.to_yaml().len();
                    }
                    Ok(bytes)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("no rendering panics")).sum::<Result<usize, String>>()
    })?;
    println!("{RENDERINGS} renderings, {bytes} bytes, {threads} threads: {:?}", begin.elapsed());
    Ok(())
}

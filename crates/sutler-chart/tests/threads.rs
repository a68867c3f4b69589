//! One loaded chart, rendered by many threads at once with other values; and renderings that end from outside.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use sutler_chart::{
    CancelToken, Chart, ChartSource, Limits, RenderError, RenderOptions, Rendered, Stop, Values, render,
};

fn chart(template: &str) -> Chart {
    Chart::load(ChartSource::files([
        (
            "Chart.yaml",
            "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies: [{name: db, version: '*', condition: db.on}]\n",
        ),
        ("values.yaml", "own: {count: 0, list: [{seen: []}]}\ndb: {on: true}\n"),
        ("templates/_helpers.tpl", "{{ define \"labels\" }}release: {{ .Release.Name }}{{ end }}"),
        ("templates/a.yaml", template),
        ("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 0.1.0\n"),
        ("charts/db/values.yaml", "size: 1\n"),
        ("charts/db/templates/b.yaml", "kind: Db\nmetadata: {name: db}\nsize: {{ .Values.size }}\n"),
    ]))
    .unwrap()
}

/// What changes the values that it sees, and draws random ones.
const CHANGING: &str = "\
{{- $_ := set .Values.own \"count\" .Values.n }}
{{- range .Values.own.list }}{{ $_ := set . \"seen\" (append .seen $.Values.n) }}{{ end }}
kind: Web
metadata: {name: a, labels: {{ include \"labels\" . | fromYaml | toJson }}}
own: {{ toJson .Values.own }}
password: {{ randAlphaNum 12 }}
again: {{ tpl \"{{ .Values.n }}-{{ .Release.Name }}\" . }}
";

fn has_db(n: usize) -> bool {
    !n.is_multiple_of(3)
}

fn rendered(chart: &Chart, n: usize) -> Rendered {
    let values = Values::from_serialize(&json!({"n": n, "db": {"on": has_db(n), "size": n}})).unwrap();
    let options = RenderOptions::install(&format!("r{n}"), "default").with_seed([u8::try_from(n % 251).unwrap(); 32]);
    render(chart, &values, &options).unwrap()
}

#[test]
fn a_chart_and_its_options_cross_threads() {
    fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<Chart>();
    send_and_sync::<Values>();
    send_and_sync::<RenderOptions>();
    send_and_sync::<Rendered>();
    send_and_sync::<RenderError>();
    send_and_sync::<CancelToken>();
}

#[test]
fn threads_that_render_one_chart_at_once_get_what_each_would_get_alone() {
    const THREADS: usize = 8;
    const EACH: usize = 40;
    let shared = chart(CHANGING);
    let start = Barrier::new(THREADS);
    let together: BTreeMap<usize, String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (shared, start) = (&shared, &start);
                scope.spawn(move || {
                    start.wait();
                    (0..EACH).map(|turn| turn * THREADS + thread).map(|n| (n, rendered(shared, n).to_yaml())).collect()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| -> Vec<(usize, String)> { worker.join().unwrap() }).collect()
    });
    assert_eq!(together.len(), THREADS * EACH);
    for (n, text) in together {
        // Each from a chart that nobody rendered before.
        assert_eq!(text, rendered(&chart(CHANGING), n).to_yaml(), "{n}");
        let own = format!("own: {{\"count\":{n},\"list\":[{{\"seen\":[{n}]}}]}}");
        assert!(text.contains(&own) && text.contains(&format!("again: {n}-r{n}")), "{text}");
        assert_eq!(text.contains("kind: Db"), has_db(n), "{text}");
    }
}

#[test]
fn a_token_ends_the_renderings_that_have_it() {
    let endless =
        chart("{{ range until 10000 }}{{ range until 10000 }}{{ range until 10000 }}{{ end }}{{ end }}{{ end }}");
    let token = CancelToken::new();
    let started = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let options = RenderOptions::install("a", "b").with_cancel(token.clone());
                let (endless, started) = (&endless, &started);
                scope.spawn(move || {
                    started.fetch_add(1, Ordering::SeqCst);
                    render(endless, &Values::new(), &options)
                })
            })
            .collect();
        while started.load(Ordering::SeqCst) < 2 {
            std::thread::yield_now();
        }
        token.cancel();
        for worker in workers {
            assert!(matches!(worker.join().unwrap(), Err(RenderError::Stopped(Stop::Cancelled))));
        }
    });
    assert!(token.is_cancelled());
}

#[test]
fn limits_count_over_all_templates_of_a_rendering() {
    let template = "kind: A\nx: {{ range until 100 }}x{{ end }}\n";
    let files: Vec<(String, String)> = (0..10).map(|n| (format!("templates/{n}.yaml"), template.to_owned())).collect();
    let metadata = ("Chart.yaml".to_owned(), "apiVersion: v2\nname: web\nversion: 0.1.0\n".to_owned());
    let chart = Chart::load(ChartSource::files(files.into_iter().chain([metadata]))).unwrap();
    let options = RenderOptions::install("a", "b");
    let usage = render(&chart, &Values::new(), &options).unwrap().usage;
    let with = |limits| render(&chart, &Values::new(), &options.clone().with_limits(limits));
    assert!(with(Limits::default().with_steps(usage.steps).with_output(usage.output)).is_ok());
    let steps = usage.steps - 1;
    assert!(matches!(with(Limits::default().with_steps(steps)), Err(RenderError::Stopped(Stop::Steps(_)))));
    let bytes = usage.output - 1;
    assert!(matches!(with(Limits::default().with_output(bytes)), Err(RenderError::Stopped(Stop::Output(_)))));
    let passed = options.clone().with_deadline(|| true);
    assert!(matches!(render(&chart, &Values::new(), &passed), Err(RenderError::Stopped(Stop::Deadline))));
}

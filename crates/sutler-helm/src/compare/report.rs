//! How a comparison is shown: a sentence and the two lines for one chart, a table for many, JSON for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json as value};

use super::{Case, Comparison, Difference, Stream, Verdict};

/// For people. `helm` is what Helm calls itself.
pub fn text(comparisons: &[Comparison], helm: &str) -> String {
    let mut out = String::new();
    if let [one] = comparisons {
        for case in &one.cases {
            out.push_str(&one_case(&one.chart, case));
        }
    } else {
        out.push_str(&table(comparisons));
        for comparison in comparisons {
            // The first of each chart: others often have the same reason.
            let first = comparison.cases.iter().find(|case| matches!(case.verdict, Verdict::Different(..)));
            if let Some(case) = first {
                let _ = write!(out, "\n{}", one_case(&comparison.chart, case));
            }
        }
    }
    let cases = comparisons.iter().flat_map(|comparison| &comparison.cases);
    let (mut all, mut different, mut random) = (0, 0, 0);
    for case in cases {
        all += 1;
        match case.verdict {
            Verdict::Different(_, masked) => (different, random) = (different + 1, random + masked),
            Verdict::EqualButRandom(masked) => random += masked,
            Verdict::Equal | Verdict::Refused => {}
        }
    }
    let _ = write!(
        out,
        "\n{} of {all} renderings differ from {helm}",
        if different == 0 { "none".to_owned() } else { different.to_string() }
    );
    if random > 0 {
        let _ = write!(out, "; {random} lines are left out, in which two runs of Helm itself differ");
    }
    out.push('\n');
    out
}

fn one_case(chart: &str, case: &Case) -> String {
    let with = case.values.as_ref().map(|values| format!(" with {values}")).unwrap_or_default();
    let times = format!("({} here, {} by Helm)", milliseconds(case.ours), milliseconds(case.helm));
    match &case.verdict {
        Verdict::Equal => format!("{chart}{with}: equal {times}\n"),
        Verdict::EqualButRandom(lines) => {
            format!("{chart}{with}: equal, but for {lines} lines in which two runs of Helm itself differ {times}\n")
        }
        Verdict::Refused => format!("{chart}{with}: both refuse it with the same words {times}\n"),
        Verdict::Different(difference, _) => format!("{chart}{with}: different {times}\n{}", shown(difference)),
    }
}

fn shown(difference: &Difference) -> String {
    let Difference { stream, line, source, ours, helm, more, template } = difference;
    let stream = match stream {
        Stream::Stdout => format!("line {line} of the output"),
        Stream::Stderr => format!("line {line} of standard error"),
        Stream::ExitCode => "the exit code".to_owned(),
    };
    let source = source.as_ref().map(|source| format!(", from {source}")).unwrap_or_default();
    let made = template.as_ref().map(|(file, line)| format!(", made by {file}:{line}")).unwrap_or_default();
    let text = |line: &Option<String>| line.clone().unwrap_or_else(|| "(nothing more)".to_owned());
    let mut out = format!("  {stream}{source}{made}\n  - {}\n  + {}\n", text(helm), text(ours));
    if *more > 0 {
        let _ = writeln!(out, "  {more} more lines differ (- Helm, + this program)");
    } else {
        out.push_str("  (- Helm, + this program)\n");
    }
    out
}

fn table(comparisons: &[Comparison]) -> String {
    let mut rows = vec![["CHART", "CASES", "EQUAL", "DIFFERENT", "REFUSED", "HERE", "HELM"].map(str::to_owned)];
    for Comparison { chart, cases } in comparisons {
        let count = |is: fn(&Verdict) -> bool| cases.iter().filter(|case| is(&case.verdict)).count().to_string();
        rows.push([
            chart.clone(),
            cases.len().to_string(),
            count(|verdict| matches!(verdict, Verdict::Equal | Verdict::EqualButRandom(_))),
            count(|verdict| matches!(verdict, Verdict::Different(..))),
            count(|verdict| matches!(verdict, Verdict::Refused)),
            milliseconds(cases.iter().map(|case| case.ours).sum()),
            milliseconds(cases.iter().map(|case| case.helm).sum()),
        ]);
    }
    let widths: Vec<usize> =
        (0..7).map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default()).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    out
}

fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.1} ms") } else { format!("{milliseconds:.0} ms") }
}

/// For programs: `{"helm": …, "charts": [{"chart", "cases": [{"values", "verdict", "randomLines", "difference", …}]}]}`; times in
/// milliseconds.
pub fn json(comparisons: &[Comparison], helm: &str) -> Value {
    let charts: Vec<Value> = comparisons
        .iter()
        .map(
            |Comparison { chart, cases }| value!({"chart": chart, "cases": cases.iter().map(case).collect::<Vec<_>>()}),
        )
        .collect();
    value!({"helm": helm, "charts": charts})
}

fn case(case: &Case) -> Value {
    let (verdict, random, difference) = match &case.verdict {
        Verdict::Equal => ("equal", 0, Value::Null),
        Verdict::EqualButRandom(lines) => ("equal", *lines, Value::Null),
        Verdict::Refused => ("refused", 0, Value::Null),
        Verdict::Different(found, lines) => ("different", *lines, difference(found)),
    };
    value!({
        "values": case.values,
        "verdict": verdict,
        "randomLines": random,
        "difference": difference,
        "oursMilliseconds": case.ours.as_secs_f64() * 1000.0,
        "helmMilliseconds": case.helm.as_secs_f64() * 1000.0,
    })
}

fn difference(found: &Difference) -> Value {
    let stream = match found.stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
        Stream::ExitCode => "exitCode",
    };
    value!({
        "stream": stream,
        "line": found.line,
        "source": found.source,
        "ours": found.ours,
        "helm": found.helm,
        "moreLines": found.more,
        "template": found.template.as_ref().map(|(file, line)| value!({"file": file, "line": line})),
    })
}

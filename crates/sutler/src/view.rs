//! What people and programs read: plans, statuses and summaries as text. Nothing here is decided or written.

pub(crate) mod infra;
pub(crate) mod pins;
pub(crate) mod plan;
pub(crate) mod ray;
pub(crate) mod status;
pub(crate) mod summary;

use jiff::SignedDuration;
use serde::Serialize;
use sutler_stack::doctor::Diagnosis;
use sutler_stack::plan::Plan;

/// A value as pretty-printed JSON.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Text padded to a column, with at least two spaces behind it.
pub(crate) fn column(text: &str, width: usize) -> String {
    let length = text.chars().count();
    format!("{text}{}", " ".repeat(width.saturating_sub(length).max(2)))
}

/// A span as people say it: `52s`, `3m10s`, `1h05m`, `2d3h`.
pub(crate) fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Dollars with cents.
pub(crate) fn dollars(amount: f64) -> String {
    format!("${amount:.2}")
}

/// `1 change`, `2 changes`.
pub(crate) fn count(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// The line that says what is meant: stack, environment, target.
pub(crate) fn header(plan: &Plan) -> String {
    let target = match (plan.target.kind, &plan.target.context) {
        ("simulator", _) => "simulated cluster (no container runs, nothing is paid)".to_owned(),
        (_, Some(context)) => format!("context {context}, cluster {}", plan.target.cluster),
        ("eks", None) => {
            let account = plan.target.account.as_deref().unwrap_or_default();
            format!("EKS {} in {account} {} · account checked", plan.target.cluster, plan.target.region)
        }
        (kind, None) => format!("{kind} {} in {}", plan.target.cluster, plan.target.region),
    };
    format!("{} · environment {} · {target}\n", plan.stack, plan.environment)
}

/// A diagnosis below the line that says what was examined.
pub(crate) fn doctor(diagnosis: &Diagnosis) -> String {
    let simulated = if diagnosis.simulated { " (simulated: no container runs)" } else { "" };
    let of_stack = match (&diagnosis.stack, &diagnosis.environment) {
        (Some(stack), Some(environment)) => format!("{stack} · environment {environment} · "),
        _ => String::new(),
    };
    format!("{of_stack}{}{simulated}\n\n{diagnosis}", diagnosis.cluster)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        let of = |seconds| span(SignedDuration::from_secs(seconds));
        assert_eq!([of(-1), of(9), of(190), of(3_900), of(100_000)], ["0s", "9s", "3m10s", "1h05m", "1d3h"]);
    }

    #[test]
    fn a_column_never_runs_into_the_next() {
        assert_eq!(column("ab", 4), "ab  ");
        assert_eq!(column("abcdef", 4), "abcdef  ");
    }
}

//! What was measured, as tables of Markdown or as JSON.

use serde_json::{Value, json};

use super::side::Time;

/// What one side took for a case: nanoseconds a unit, by the round.
#[derive(Default)]
pub(super) struct Times {
    wall: Vec<f64>,
    processor: Vec<f64>,
}

impl Times {
    pub(super) fn push(&mut self, time: Time, units: f64) {
        self.wall.push(time.wall as f64 / units);
        self.processor.push(time.processor as f64 / units);
    }
}

/// Two numbers, Sutler's and Helm's.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    pub(super) ours: f64,
    pub(super) theirs: f64,
}

impl Pair {
    /// How many of ours are one of theirs.
    fn ratio(self) -> f64 {
        self.theirs / self.ours
    }
}

/// One line of a table; times in nanoseconds, memory in bytes.
pub(super) struct Row {
    pub(super) group: &'static str,
    pub(super) name: String,
    pub(super) wall: Pair,
    pub(super) processor: Pair,
    pub(super) memory: Option<Pair>,
}

impl Row {
    /// Medians of the rounds; means where how long it takes is a matter of luck.
    pub(super) fn new(group: &'static str, name: &str, [ours, theirs]: [Times; 2], by_mean: bool) -> Row {
        let middle = |times: Vec<f64>| if by_mean { mean(&times) } else { median(times) };
        Row {
            group,
            name: name.to_owned(),
            wall: Pair { ours: middle(ours.wall), theirs: middle(theirs.wall) },
            processor: Pair { ours: middle(ours.processor), theirs: middle(theirs.processor) },
            memory: None,
        }
    }

    /// The row in a line of its own, for whoever waits for the table.
    pub(super) fn told(&self) -> String {
        format!("{}: {}", self.group, self.cells().trim_matches(['|', ' ']))
    }

    fn cells(&self) -> String {
        let mut cells = format!(
            "| {} | {:.1} | {:.1} | {} | {} |",
            self.name,
            self.wall.ratio(),
            self.processor.ratio(),
            shown(self.wall.ours),
            shown(self.wall.theirs)
        );
        if let Some(memory) = self.memory {
            let mebibytes = |bytes: f64| bytes / 1_048_576.0;
            cells.push_str(&format!(
                " 1/{:.1} | {:.1} MiB | {:.1} MiB |",
                memory.ratio(),
                mebibytes(memory.ours),
                mebibytes(memory.theirs)
            ));
        }
        cells
    }

    fn to_json(&self) -> Value {
        let pair = |pair: Pair| json!({"sutler": pair.ours, "helm": pair.theirs, "ratio": pair.ratio()});
        json!({
            "group": self.group, "name": self.name, "nanoseconds": pair(self.wall), "processor": pair(self.processor),
            "bytes": self.memory.map(pair),
        })
    }
}

/// A table for each group.
pub(super) fn markdown(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut group = "";
    for row in rows {
        if row.group != group {
            group = row.group;
            let (names, lines) = match row.memory {
                Some(_) => (" memory | Sutler | Helm |", " ---: | ---: | ---: |"),
                None => ("", ""),
            };
            text.push_str(&format!(
                "\n| {group} | times as fast | by processor time | Sutler | Helm |{names}\n| --- | ---: | ---: | ---: | ---: |{lines}\n"
            ));
        }
        text.push_str(&row.cells());
        text.push('\n');
    }
    text
}

/// All rows as one list.
pub(super) fn json(rows: &[Row]) -> Value {
    rows.iter().map(Row::to_json).collect()
}

/// Nanoseconds in the unit that suits them.
pub(super) fn shown(nanoseconds: f64) -> String {
    match nanoseconds {
        time if time < 1e3 => format!("{time:.0} ns"),
        time if time < 1e6 => format!("{:.2} µs", time / 1e3),
        time => format!("{:.2} ms", time / 1e6),
    }
}

/// The middle of some numbers.
pub(super) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / times.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_medians_and_their_ratios_first() {
        let times = |nanoseconds: [u64; 3]| {
            let mut times = Times::default();
            for wall in nanoseconds {
                times.push(Time { wall, processor: wall * 2 }, 2.0);
            }
            times
        };
        let row = Row::new("group", "case", [times([2000, 9000, 1000]), times([20_000, 10_000, 30_000])], false);
        let with_memory = Row {
            name: "process".to_owned(),
            memory: Some(Pair { ours: 1_048_576.0, theirs: 5_242_880.0 }),
            ..Row::new("whole", "", [times([2; 3]), times([2; 3])], true)
        };
        assert_eq!(
            markdown(&[row, with_memory]),
            "\n| group | times as fast | by processor time | Sutler | Helm |\n| --- | ---: | ---: | ---: | ---: |\n\
             | case | 10.0 | 10.0 | 1.00 µs | 10.00 µs |\n\
             \n| whole | times as fast | by processor time | Sutler | Helm | memory | Sutler | Helm |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n\
             | process | 1.0 | 1.0 | 1 ns | 1 ns | 1/5.0 | 1.0 MiB | 5.0 MiB |\n"
        );
    }
}

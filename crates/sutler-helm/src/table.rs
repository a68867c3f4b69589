//! Tables and lists as Helm prints them: `uitable`'s columns, and JSON and YAML of the same rows.

use unicode_width::UnicodeWidthChar as _;

/// Rows of cells that are printed below each other, columns separated by tabs and filled up with spaces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// What longer cells are cut to; 0 is as wide as they are.
    widest: usize,
}

impl Table {
    /// A table whose columns are no wider than `widest`; 0 is without bound.
    pub(crate) fn new(widest: u64) -> Table {
        Table { rows: Vec::new(), widest: usize::try_from(widest).unwrap_or(usize::MAX) }
    }

    /// Adds a row.
    pub(crate) fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) {
        self.rows.push(cells.into_iter().map(str::to_owned).collect());
    }

    /// The table without the last line feed.
    pub(crate) fn text(&self) -> String {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                let mut width = cell.split('\n').map(width_of).max().unwrap_or_default();
                if self.widest != 0 {
                    width = width.min(self.widest);
                }
                match widths.get_mut(column) {
                    Some(known) => *known = width.max(*known),
                    None => widths.push(width),
                }
            }
        }
        let rows: Vec<String> = self.rows.iter().map(|row| row_text(row, &widths)).collect();
        rows.join("\n")
    }
}

/// Rows as lines, each with its end; cells wider than `widest` are cut.
pub(crate) fn table(rows: &[Vec<String>], widest: Option<usize>) -> String {
    let table = Table { rows: rows.to_vec(), widest: widest.unwrap_or_default() };
    if rows.is_empty() { String::new() } else { table.text() + "\n" }
}

/// A row, which has as many lines as its highest cell.
fn row_text(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<Vec<String>> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| resized(cell, *width).split('\n').map(str::to_owned).collect())
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    let line = |at: usize| {
        let parts: Vec<String> = cells
            .iter()
            .zip(widths)
            .map(|(lines, width)| match lines.get(at) {
                Some(text) => resized(text, *width),
                None => " ".repeat((*width).max(1)),
            })
            .collect();
        parts.join("\t")
    };
    (0..height).map(line).collect::<Vec<_>>().join("\n")
}

/// A text filled up with spaces to a width, or cut with `...`; as it is for width 0.
fn resized(text: &str, width: usize) -> String {
    let own = width_of(text);
    if width == 0 || own == width {
        return text.to_owned();
    }
    if own < width {
        return format!("{text}{}", " ".repeat(width - own));
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in text.chars() {
        cut.push(c);
        let next = used + c.width().unwrap_or_default();
        if next >= width.saturating_sub(3) {
            break;
        }
        used = next;
    }
    cut + "..."
}

/// How many columns a text takes in a terminal.
fn width_of(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or_default()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_filled_up_and_cut() {
        let mut table = Table::new(10);
        table.row(["NAME", "DESCRIPTION"]);
        table.row(["a", "a description that is long"]);
        table.row(["日本", ""]);
        assert_eq!(table.text(), "NAME\tDESCRIP...\na   \ta descr...\n日本\t          ");
        // A line feed makes the whole wider than its widest line.
        let mut table = Table::new(0);
        table.row(["a\nbc", "d"]);
        assert_eq!(table.text(), "a...\td");
    }
}

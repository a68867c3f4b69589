//! Tables for people, as Helm's table writer (`gosuri/uitable`) prints them.

/// Rows of cells as lines: each column as wide as its widest cell, a tab between columns; cells that are longer than `widest`
/// characters are cut and end in `...`.
pub(crate) fn table(rows: &[Vec<String>], widest: Option<usize>) -> String {
    let cut = |cell: &String| match widest {
        Some(widest) if cell.chars().count() > widest => {
            let kept: String = cell.chars().take(widest.saturating_sub(3)).collect();
            format!("{kept}...")
        }
        _ => cell.clone(),
    };
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(cut).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("\t"))
    };
    rows.iter().map(line).collect()
}

//! Text in columns.

use std::fmt;

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Rows under titles, each column as wide as its widest text.
pub(super) struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns. Titles that are all empty are left out.
    pub(super) fn new(columns: &[(&str, Side)]) -> Self {
        let titles: Vec<_> = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
        let has_titles = titles.iter().any(|title| !title.is_empty());
        let rows = if has_titles { vec![titles] } else { Vec::new() };
        Self { sides: columns.iter().map(|&(_, side)| side).collect(), rows }
    }

    /// Adds a row. What a terminal would take for a command is made harmless.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let harmless = |cell: String| cell.replace(char::is_control, "\u{fffd}");
        self.rows.push(cells.into_iter().map(harmless).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: &String| text.chars().count();
        let mut widths = vec![0; self.sides.len()];
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = width(cell).max(*widest);
            }
        }
        for (place, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for ((cell, side), width) in row.iter().zip(&self.sides).zip(&widths) {
                line += &match side {
                    Side::Left => format!("{cell:<width$}  "),
                    Side::Right => format!("{cell:>width$}  "),
                };
            }
            let end = if place == 0 { "" } else { "\n" };
            write!(formatter, "{end}{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&[("NAME", Side::Left), ("COUNT", Side::Right)]);
        table.row(["ä".to_owned(), "1,000,000".to_owned()]);
        table.row(["\u{1b}[2J".to_owned(), "1".to_owned()]);
        assert_eq!(table.to_string(), "NAME      COUNT\nä     1,000,000\n\u{fffd}[2J          1");
    }
}

//! What whoever imports a file should know besides the counts.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cli::progress::Grouped;

/// The most lines that are named.
const MOST_NAMED: usize = 10;

/// What stood out in an import.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    rejected: u64,
    elsewhere: u64,
    elsewhere_lines: Vec<u64>,
    short: u64,
    /// Duplicates of a file that had to be sent more than once.
    maybe_ours: u64,
}

impl Warnings {
    /// Reads them out of the answer to a file that was sent so often.
    pub(super) fn of(result: &Value, rejected: u64, attempts: u64) -> Self {
        let number = |name: &str| result.get(name).and_then(Value::as_u64).unwrap_or(0);
        let lines = result.get("elsewhere_lines").and_then(Value::as_array);
        let elsewhere = number("elsewhere");
        let here = number("duplicates").saturating_sub(elsewhere);
        Self {
            rejected,
            elsewhere,
            elsewhere_lines: lines.into_iter().flatten().filter_map(Value::as_u64).collect(),
            short: number("short"),
            maybe_ours: if attempts > 1 { here } else { 0 },
        }
    }

    /// Whether the campaign lacks something that the file has.
    pub(super) fn is_serious(&self) -> bool {
        self.rejected > 0 || self.elsewhere > 0
    }

    /// Tells people, a line for each, on standard error.
    pub(super) fn tell(&self) {
        for warning in self.lines() {
            crate::cli::note(&format!("redeemd: {warning}"));
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut said = Vec::new();
        if self.maybe_ours > 0 {
            let count = Grouped(self.maybe_ours);
            said.push(format!(
                "the file had to be sent again, so the {count} duplicates of this campaign may be \
                 what came of the first time"
            ));
        }
        if self.elsewhere > 0 {
            let lines = self.named_lines();
            said.push(match self.elsewhere {
                1 => format!("1 code belongs to another campaign and stays there{lines}"),
                many => {
                    let many = Grouped(many);
                    format!("{many} codes belong to other campaigns and stay there{lines}")
                }
            });
        }
        match self.short {
            0 => {}
            1 => said.push("1 code has fewer than 6 characters and is easily guessed".to_owned()),
            many => said.push(format!(
                "{} codes have fewer than 6 characters and are easily guessed",
                Grouped(many)
            )),
        }
        match self.rejected {
            0 => {}
            1 => said.push("1 line was rejected".to_owned()),
            many => said.push(format!("{} lines were rejected", Grouped(many))),
        }
        said
    }

    fn named_lines(&self) -> String {
        let mut text = String::new();
        for (place, line) in self.elsewhere_lines.iter().take(MOST_NAMED).enumerate() {
            let before = match (place, self.elsewhere) {
                (0, 1) => ": line",
                (0, _) => ": lines",
                _ => ",",
            };
            // Writing to memory does not fail.
            let _ = write!(text, "{before} {line}");
        }
        if self.elsewhere > MOST_NAMED as u64 {
            text.push_str(" and more");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_thing_has_its_line() {
        let told = |result: Value, rejected, attempts| Warnings::of(&result, rejected, attempts);
        let quiet = told(json!({ "imported": 3, "duplicates": 5, "rejected": [] }), 0, 1);
        assert!(quiet.lines().is_empty() && !quiet.is_serious());

        let one = json!({ "duplicates": 1, "elsewhere": 1, "elsewhere_lines": [7], "short": 1 });
        let one = told(one, 1, 1);
        assert!(one.is_serious());
        let lines = [
            "1 code belongs to another campaign and stays there: line 7",
            "1 code has fewer than 6 characters and is easily guessed",
            "1 line was rejected",
        ];
        assert_eq!(one.lines(), lines);

        let lines: Vec<u64> = (2..=100).collect();
        let many = json!({
            "duplicates": 6_000, "elsewhere": 2_000, "elsewhere_lines": lines, "short": 3_000,
        });
        let lines = [
            "the file had to be sent again, so the 4,000 duplicates of this campaign may be what \
             came of the first time",
            "2,000 codes belong to other campaigns and stay there: lines 2, 3, 4, 5, 6, 7, 8, 9, \
             10, 11 and more",
            "3,000 codes have fewer than 6 characters and are easily guessed",
        ];
        assert_eq!(told(many, 0, 2).lines(), lines);
    }
}

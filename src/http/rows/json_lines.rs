//! Rows of JSON: a line with an object for each code.

use std::borrow::Cow;

use serde::Deserialize;

use super::{LONGEST_ROW, Unreadable};

/// See [`super::Rows`].
#[derive(Default)]
pub(super) struct JsonRows {
    /// How many lines have ended.
    ended: u64,
    /// The beginning of a line whose end is still to come.
    begun: Vec<u8>,
}

/// A line. Unknown fields are faults, so that a misspelt one cannot be ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
}

impl JsonRows {
    pub(super) fn feed(
        &mut self,
        input: &[u8],
        visit: &mut impl FnMut(u64, Option<&str>),
    ) -> Result<(), Unreadable> {
        for part in input.split_inclusive(|&byte| byte == b'\n') {
            if self.begun.len() + part.len() > LONGEST_ROW {
                return Err(Unreadable::TooLong { line: self.ended + 1 });
            }
            let Some(end) = part.strip_suffix(b"\n") else {
                self.begun.extend_from_slice(part);
                continue;
            };
            self.ended += 1;
            if self.begun.is_empty() {
                hand_out(self.ended, end, visit);
            } else {
                self.begun.extend_from_slice(end);
                hand_out(self.ended, &self.begun, visit);
                self.begun.clear();
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, visit: &mut impl FnMut(u64, Option<&str>)) {
        hand_out(self.ended + 1, &self.begun, visit);
    }
}

fn hand_out(line: u64, text: &[u8], visit: &mut impl FnMut(u64, Option<&str>)) {
    match text.trim_ascii() {
        [] => {}
        // A list with one text would be taken for an object with one field.
        [b'{', ..] => {
            let row = serde_json::from_slice::<Row<'_>>(text).ok();
            visit(line, row.as_ref().map(|row| row.code.as_ref()));
        }
        _ => visit(line, None),
    }
}

impl std::fmt::Debug for JsonRows {
    /// Without what was read, which may be a code.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("JsonRows").field("ended", &self.ended).finish_non_exhaustive()
    }
}

//! Comparing portion after portion, and at the end what no portion has.

use std::collections::{BTreeMap, BTreeSet};

use redeemd_domain::control::{Event, Withheld};
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::timestamp::Timestamp;

use super::super::error::Error;
use super::super::partition::Month;
use super::super::projection::{Projection, signed};
use super::super::rows::{CopiedRow as _, HoldRow, Rows, decode_withheld};
use super::difference::Difference;
use super::holds::{self, HoldBook};
use super::reading::Found;
use super::sent::{SentRow, Value, microseconds};
use super::tables::{ComparedRow as _, TimedRow, place};
use super::{Rendered, Rendering, Span, lookups, rollbacks};

/// How many holds are looked up at once.
const HOLDS_AT_ONCE: usize = 5_000;

/// Compares portions that follow each other, and remembers what one has to know of those before.
#[derive(Debug, Default)]
pub struct Comparer {
    holds: HoldBook,
    not_kept: u64,
}

impl Comparer {
    /// How many rows are not there because the partition of their month is not.
    pub fn not_kept(&self) -> u64 {
        self.not_kept
    }

    /// Compares the next entries of some sequences, and tells every difference. After an error the
    /// same portion may be compared again.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn portion(
        &mut self,
        projection: &Projection,
        spans: &[Span],
        rendering: &mut dyn Rendering,
    ) -> Result<Vec<Difference>, Error> {
        let (rendered, found) = projection.portion(spans, rendering).await?;
        let mut tables =
            Tables { rendered: &rendered, found: &found, differences: Vec::new(), not_kept: 0 };
        tables.compare(&found.movements, |rows| &rows.movements, |row, _| SentRow::of(row))?;
        tables.compare(&found.codes, |rows| &rows.codes, |row, _| SentRow::of(row))?;
        tables.compare(&found.audit, |rows| &rows.audit, |row, _| SentRow::of(row))?;
        let explanation = &found.explanation;
        tables.compare(
            &found.redemptions,
            |rows| &rows.redemptions,
            |row, found| explanation.written(row, found),
        )?;
        tables.compare(&found.holds, |rows| &rows.holds, as_placed)?;
        let Tables { mut differences, not_kept, .. } = tables;
        differences.extend(rollbacks::compare(&found.undone, &rendered)?);
        differences.extend(withheld(&rendered, &found.withheld));
        differences.extend(self.holds.take(&rendered, &found.ended)?);
        self.not_kept += not_kept;
        Ok(differences)
    }

    /// Compares what no portion has: holds that have not ended, campaigns and API keys as they are
    /// now, and rows that no outcome left. `ends` are the ends of all sequences, each after the last
    /// outcome of it that was compared.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn finish(
        &self,
        projection: &Projection,
        ends: &[Span],
        rendering: &dyn Rendering,
    ) -> Result<Vec<Difference>, Error> {
        let mut differences = self.open_holds(projection, ends).await?;
        differences.extend(projection.compare_control(rendering).await?);
        differences.extend(projection.strays(ends).await?);
        Ok(differences)
    }

    async fn open_holds(
        &self,
        projection: &Projection,
        ends: &[Span],
    ) -> Result<Vec<Difference>, Error> {
        let through = |sequence: SequenceId| {
            let end = ends.iter().find(|span| span.sequence == sequence);
            end.map_or(0, |span| signed(span.through))
        };
        let (mut differences, mut after) = (Vec::new(), None);
        loop {
            let page = self.holds.page(after, HOLDS_AT_ONCE);
            let Some((last, _)) = page.last() else { return Ok(differences) };
            after = Some(*last);
            let found = projection
                .read_at_one_moment(async |transaction| {
                    lookups::open(transaction, &page, through).await
                })
                .await?;
            let known: BTreeMap<_, _> = page.iter().map(|(key, hold)| (*key, hold)).collect();
            for found in &found {
                // One that has ended since is compared the next time.
                if !found.has_ended_since {
                    let known = known.get(&found.key).copied();
                    differences.extend(holds::compare(found.key, known, None, found)?);
                }
            }
        }
    }
}

/// The tables of a portion.
struct Tables<'a> {
    rendered: &'a Rendered,
    found: &'a Found,
    differences: Vec<Difference>,
    not_kept: u64,
}

impl Tables<'_> {
    /// Compares a table's rows: `written` says what a row has to say, beside the one that was found.
    fn compare<R: TimedRow>(
        &mut self,
        found: &[SentRow],
        of: impl Fn(&Rows) -> &Vec<R>,
        written: impl Fn(&R, Option<&SentRow>) -> Result<SentRow, Error>,
    ) -> Result<(), Error> {
        let places = R::key_places();
        let key = |row: &SentRow| -> Vec<Value> {
            places.iter().map(|&place| row.0.get(place).cloned().flatten()).collect()
        };
        let mut there: BTreeMap<Vec<Value>, Vec<&SentRow>> = BTreeMap::new();
        found.iter().for_each(|row| there.entry(key(row)).or_default().push(row));
        for row in self.rendered.rows.values().flat_map(of) {
            let bare = SentRow::of(row)?;
            let same = there.get_mut(&key(&bare)).and_then(|rows| take_one(rows, &bare));
            match same {
                Some(found) => {
                    let written = written(row, Some(found))?;
                    if written != *found {
                        self.differences.push(Difference::of::<R>(Some(&written), Some(found)));
                    }
                }
                None if self.is_kept::<R>(&bare) => {
                    self.differences.push(Difference::of::<R>(Some(&written(row, None)?), None));
                }
                None => self.not_kept += 1,
            }
        }
        for found in there.into_values().flatten() {
            let difference = Difference::of::<R>(None, Some(found));
            let is_left_out =
                difference.position.is_some_and(|it| self.rendered.left_out.contains(&it));
            self.differences.extend(Some(difference).filter(|_| !is_left_out));
        }
        Ok(())
    }

    /// Whether there is a partition for a row.
    fn is_kept<R: TimedRow>(&self, row: &SentRow) -> bool {
        let at = row.value(place::<R>(R::TIME)).and_then(microseconds).unwrap_or(0);
        let month = Month::of(Timestamp(at.unsigned_abs() / 1_000));
        !R::HAS_PARTITIONS || self.found.partitions.contains(&format!("{}_{month}", R::TABLE))
    }
}

/// Takes one of the rows that may be the one that was written: the one that is, if it is there.
fn take_one<'a>(rows: &mut Vec<&'a SentRow>, written: &SentRow) -> Option<&'a SentRow> {
    let place = rows.iter().position(|row| row.0.starts_with(&written.0));
    place.map(|place| rows.swap_remove(place)).or_else(|| rows.pop())
}

/// A hold's row as it was placed. What changes of it is compared when the hold has ended.
fn as_placed(row: &HoldRow, found: Option<&SentRow>) -> Result<SentRow, Error> {
    let SentRow(mut values) = SentRow::of(row)?;
    values.resize(HoldRow::COLUMNS.len() + HoldRow::CHANGING.len(), None);
    for (name, _) in holds::CHANGING {
        let place = place::<HoldRow>(name);
        if let Some((value, found)) =
            values.get_mut(place).zip(found.and_then(|row| row.0.get(place)))
        {
            value.clone_from(found);
        }
    }
    Ok(SentRow(values))
}

/// Whether everything is kept that records withhold, and nothing else.
fn withheld(rendered: &Rendered, found: &[(u64, Vec<u8>)]) -> Vec<Difference> {
    let position = |number| Position { sequence: SequenceId::CONTROL, number };
    let mut differences = Vec::new();
    let mut there = BTreeSet::new();
    for (number, content) in found {
        there.insert(*number);
        let is_genuine = match rendered.withholding.get(number) {
            Some(Event::SecretAdded(name)) => {
                matches!(decode_withheld(*number, content), Some(Withheld::Secret(it)) if it.name == *name)
            }
            Some(_) => matches!(decode_withheld(*number, content), Some(Withheld::ApiKey(_))),
            None => false,
        };
        if !is_genuine && !rendered.left_out.contains(&position(*number)) {
            differences.push(Difference::bare("withheld", position(*number), true));
        }
    }
    let missing = rendered.withholding.keys().filter(|number| !there.contains(number));
    differences.extend(missing.map(|&it| Difference::bare("withheld", position(it), false)));
    differences
}

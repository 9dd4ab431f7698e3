//! What becomes of holds. A hold changes until it has ended, so those that have not are remembered
//! while the outcomes are gone through: no more than the server itself has in memory.

use std::collections::BTreeMap;
use std::time::SystemTime;

use redeemd_domain::sequence::{Position, SequenceId};
use tokio_postgres::types::Type;

use super::super::error::Error;
use super::super::rows::{HoldEnd, Rows};
use super::Rendered;
use super::difference::Difference;
use super::sent::{SentRow, Value, send};

/// A hold by its sequence and the number of the entry that placed it.
pub(super) type HoldKey = (SequenceId, i64);

/// The columns of a hold that change.
pub(super) const CHANGING: [(&str, Type); 4] = [
    ("expires_at", Type::TIMESTAMPTZ),
    ("ended_at", Type::TIMESTAMPTZ),
    ("ended", Type::TEXT),
    ("ended_entry", Type::INT8),
];

/// What a hold's row says of what changes.
#[derive(Debug)]
pub(super) struct FoundHold {
    pub(super) key: HoldKey,
    /// The values of [`CHANGING`].
    pub(super) values: SentRow,
    /// Whether it was prolonged after what is compared.
    pub(super) is_prolonged_since: bool,
    /// Whether it has ended after that.
    pub(super) has_ended_since: bool,
}

/// A hold that has not ended, as far as outcomes were gone through.
#[derive(Clone, Debug)]
pub(super) struct OpenHold {
    pub(super) id: String,
    /// Until when it holds.
    pub(super) expires_at: SystemTime,
    /// The same, with outcomes that were set aside. A row that was itself set aside and tried again
    /// knows of them.
    pub(super) with_set_aside: SystemTime,
}

/// The holds that have not ended.
#[derive(Debug, Default)]
pub(super) struct HoldBook(BTreeMap<HoldKey, OpenHold>);

impl HoldBook {
    /// Takes what a portion's outcomes did, and compares the holds that they ended.
    pub(super) fn take(
        &mut self,
        rendered: &Rendered,
        found: &[FoundHold],
    ) -> Result<Vec<Difference>, Error> {
        let mut differences = Vec::new();
        let found: BTreeMap<HoldKey, &FoundHold> = found.iter().map(|it| (it.key, it)).collect();
        for (&sequence, rows) in &rendered.rows {
            self.place(sequence, rows);
        }
        for (&sequence, rows) in &rendered.rows {
            self.prolong(sequence, rows, false);
        }
        for (&sequence, rows) in &rendered.set_aside {
            self.prolong(sequence, rows, true);
        }
        for (&sequence, rows) in &rendered.rows {
            for (&entry, end) in &rows.ended_holds {
                let key = (sequence, entry);
                let known = self.0.remove(&key);
                if let Some(found) = found.get(&key) {
                    differences.extend(compare(key, known.as_ref(), Some(end), found)?);
                }
            }
        }
        Ok(differences)
    }

    /// Those that have not ended, some of them, after one.
    pub(super) fn page(&self, after: Option<HoldKey>, limit: usize) -> Vec<(HoldKey, OpenHold)> {
        let after = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let range = self.0.range((after, std::ops::Bound::Unbounded));
        range.take(limit).map(|(&key, hold)| (key, hold.clone())).collect()
    }

    fn place(&mut self, sequence: SequenceId, rows: &Rows) {
        for row in &rows.holds {
            let hold = OpenHold {
                id: row.id.clone(),
                expires_at: row.expires_at,
                with_set_aside: row.expires_at,
            };
            self.0.insert((sequence, row.entry), hold);
        }
    }

    fn prolong(&mut self, sequence: SequenceId, rows: &Rows, is_set_aside: bool) {
        for (&entry, &until) in &rows.prolonged_holds {
            if let Some(hold) = self.0.get_mut(&(sequence, entry)) {
                hold.with_set_aside = hold.with_set_aside.max(until);
                if !is_set_aside {
                    hold.expires_at = hold.expires_at.max(until);
                }
            }
        }
    }
}

/// Compares what a hold's row says of what changes. A hold that nobody knows was set aside when it
/// was placed, so that only its end is known.
pub(super) fn compare(
    (sequence, entry): HoldKey,
    known: Option<&OpenHold>,
    end: Option<&HoldEnd>,
    found: &FoundHold,
) -> Result<Option<Difference>, Error> {
    let SentRow(found_values) = &found.values;
    let found_expiry: &Value = found_values.first().unwrap_or(&None);
    let mut expires_at = match known {
        Some(known) => send(&known.expires_at, &Type::TIMESTAMPTZ)?,
        None => found_expiry.clone(),
    };
    if let Some(known) = known {
        let also = send(&known.with_set_aside, &Type::TIMESTAMPTZ)?;
        if *found_expiry == also || found.is_prolonged_since {
            expires_at.clone_from(found_expiry);
        }
    }
    let written = vec![
        expires_at,
        send(&end.map(|end| end.at), &Type::TIMESTAMPTZ)?,
        send(&end.map(|end| end.how), &Type::TEXT)?,
        send(&end.map(|end| end.entry), &Type::INT8)?,
    ];
    if written == *found_values {
        return Ok(None);
    }
    let position = Position { sequence, number: entry.unsigned_abs() };
    let name = known.map(|known| known.id.clone()).unwrap_or_default();
    let values = (written.as_slice(), found_values.as_slice());
    Ok(Some(Difference::of_columns("holds", Some(position), name, &CHANGING, values)))
}

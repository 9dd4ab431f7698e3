//! What became of redemptions: what their rows say, and what the outcomes that they name say.

use std::collections::BTreeMap;
use std::time::SystemTime;

use tokio_postgres::types::Type;

use super::super::error::Error;
use super::super::rows::{RedemptionRow, Rollback, Rows};
use super::difference::Difference;
use super::sent::{SentRow, Value, send};
use super::tables::{ComparedRow as _, place};
use super::{Position, Rendered};

/// A redemption that an outcome rolled back, as its row says it now.
#[derive(Debug)]
pub(super) struct Undone {
    pub(super) id: String,
    pub(super) rolled_back_entry: Option<i64>,
    pub(super) returned: Option<i64>,
}

/// What outcomes did to redemptions, by identifiers, in the order of their entries; the second is
/// whether it was set aside.
#[derive(Debug, Default)]
pub(super) struct Explanation(BTreeMap<String, BTreeMap<Position, (Rollback, bool)>>);

impl Explanation {
    /// Takes what an outcome did.
    pub(super) fn take(&mut self, position: Position, rows: Rows, is_set_aside: bool) {
        for (id, rollback) in rows.rollbacks {
            let known = self.0.entry(id).or_default();
            known.entry(position).or_insert((rollback, is_set_aside));
        }
    }

    /// What a redemption's row has to say, where it is the row that was found. A row that was set
    /// aside and tried again says what outcomes did that are still set aside themselves; others do
    /// not. So there may be two that are right.
    pub(super) fn written(
        &self,
        row: &RedemptionRow,
        found: Option<&SentRow>,
    ) -> Result<SentRow, Error> {
        let written = self.written_by(row, |is_set_aside| !is_set_aside)?;
        match found {
            Some(found) if *found != written => {
                let also = self.written_by(row, |_| true)?;
                Ok(if *found == also { also } else { written })
            }
            _ => Ok(written),
        }
    }

    /// As the projector changes a row.
    fn written_by(
        &self,
        row: &RedemptionRow,
        counts: impl Fn(bool) -> bool,
    ) -> Result<SentRow, Error> {
        let mut returned: Option<i64> = None;
        let mut undone: (Option<SystemTime>, Option<i64>, Option<&str>) = (None, None, None);
        let changes = self.0.get(&row.id).into_iter().flat_map(BTreeMap::values);
        for (rollback, _) in changes.filter(|(_, is_set_aside)| counts(*is_set_aside)) {
            let is_more = rollback.returned > Some(returned.unwrap_or(0));
            if undone.0.is_none() && (rollback.whole.is_some() || is_more) {
                returned = rollback.returned.or(row.amount_minor_units);
                if let Some(whole) = &rollback.whole {
                    undone = (Some(whole.at), Some(whole.entry), Some(&whole.reason));
                }
            }
        }
        let SentRow(mut values) = SentRow::of(row)?;
        values.extend([
            send(&undone.0, &Type::TIMESTAMPTZ)?,
            send(&undone.1, &Type::INT8)?,
            send(&undone.2, &Type::TEXT)?,
            send(&returned, &Type::INT8)?,
        ]);
        Ok(SentRow(values))
    }
}

/// What a redemption's row names as having been done to it.
pub(super) struct Claimed {
    /// The entry that rolled it back as a whole.
    pub(super) rolled_back_entry: Option<i64>,
    /// Whether only some of its money came back.
    pub(super) is_part: bool,
}

/// What a row that was found says was done to it; `None` where nothing was.
pub(super) fn claimed(row: &SentRow) -> Option<Claimed> {
    let number = |name| row.value(place::<RedemptionRow>(name)).and_then(super::sent::number);
    let says_something = RedemptionRow::CHANGING
        .iter()
        .any(|(name, _)| row.value(place::<RedemptionRow>(name)).is_some());
    let rolled_back_entry = number("rolled_back_entry");
    let is_part = rolled_back_entry.is_none() && number("returned_minor_units").is_some();
    says_something.then_some(Claimed { rolled_back_entry, is_part })
}

/// Whether every redemption that outcomes rolled back says so. What a row says of the outcome that it
/// names is compared where the row is; here it is told where it does not name it. A row that is not
/// there is told where it should be.
pub(super) fn compare(undone: &[Undone], rendered: &Rendered) -> Result<Vec<Difference>, Error> {
    let mut differences = Vec::new();
    let found: BTreeMap<&str, &Undone> = undone.iter().map(|it| (it.id.as_str(), it)).collect();
    for (&sequence, rows) in &rendered.rows {
        for (id, rollback) in &rows.rollbacks {
            let Some(found) = found.get(id.as_str()) else { continue };
            let says_so = match &rollback.whole {
                Some(whole) => found.rolled_back_entry == Some(whole.entry),
                None => found.returned >= rollback.returned,
            };
            if says_so {
                continue;
            }
            let columns = [("rolled_back_entry", Type::INT8), ("returned_minor_units", Type::INT8)];
            let entry = rollback.whole.as_ref().map(|whole| whole.entry);
            let values = |entry: Option<i64>, returned: Option<i64>| -> Result<Vec<Value>, Error> {
                Ok(vec![send(&entry, &Type::INT8)?, send(&returned, &Type::INT8)?])
            };
            // What a whole rollback returned is the row's own amount.
            let returned = rollback.returned.or(found.returned);
            differences.push(Difference::of_columns(
                "redemptions",
                entry.map(|entry| Position { sequence, number: entry.unsigned_abs() }),
                id.clone(),
                &columns,
                (&values(entry, returned)?, &values(found.rolled_back_entry, found.returned)?),
            ));
        }
    }
    Ok(differences)
}

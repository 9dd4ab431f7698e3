//! Campaigns and API keys: tables that say how things are now. All outcomes of the control sequence
//! are gone through once more, as they are at one moment, so that it is known which said it last.

use std::collections::BTreeMap;
use std::time::SystemTime;

use redeemd_domain::sequence::SequenceId;
use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};

use super::super::error::Error;
use super::super::projection::Projection;
use super::super::rows::{ApiKeyRow, CampaignRow, Rows};
use super::difference::Difference;
use super::reading::outcome;
use super::sent::{SentRow, send};
use super::tables::{ComparedRow, place};
use super::{KeptOutcome, Position, Rendering};

/// How many outcomes, or campaigns, are read at once.
const PAGE: i64 = 1_000;

const OUTCOMES: &str = "SELECT o.sequence, o.entry, o.record, s.record, s.happened_at
    FROM redeemd.outcomes o
    LEFT JOIN redeemd.set_aside s ON s.sequence = o.sequence AND s.entry = o.entry
    WHERE o.sequence = 0 AND o.entry > $1 ORDER BY o.entry LIMIT $2";

/// What the outcomes of the control sequence leave, as it is now.
#[derive(Default)]
struct Latest {
    /// The entry that changed a campaign last, by the campaign's number.
    campaigns: BTreeMap<i64, i64>,
    /// API keys are few.
    api_keys: BTreeMap<i64, ApiKeyRow>,
    revoked: BTreeMap<i64, SystemTime>,
}

impl Projection {
    /// Compares campaigns and API keys with what was said of them last.
    pub(super) async fn compare_control(
        &self,
        rendering: &dyn Rendering,
    ) -> Result<Vec<Difference>, Error> {
        self.read_at_one_moment(async |transaction| {
            let mut latest = latest(transaction, rendering).await?;
            let mut differences = campaigns(transaction, rendering, &mut latest).await?;
            differences.extend(api_keys(transaction, &mut latest).await?);
            Ok(differences)
        })
        .await
    }
}

async fn latest(transaction: &Transaction<'_>, rendering: &dyn Rendering) -> Result<Latest, Error> {
    let (mut latest, mut after) = (Latest::default(), 0_i64);
    loop {
        let parameters: [(&(dyn ToSql + Sync), Type); 2] =
            [(&after, Type::INT8), (&PAGE, Type::INT8)];
        let page = transaction.query_typed(OUTCOMES, &parameters).await?;
        let Some(last) = page.last() else { return Ok(latest) };
        after = last.try_get(1)?;
        for row in &page {
            let outcome = outcome(row)?;
            let mut rows = Rows::default();
            rendering.rows(&outcome, &mut rows);
            // A key that was set aside and tried again is shut out although that is set aside.
            latest.revoked.extend(rows.revoked_api_keys);
            if outcome.set_aside.is_none() {
                latest.campaigns.extend(rows.campaigns.iter().map(|(&it, row)| (it, row.entry)));
                latest.api_keys.extend(rows.api_keys.into_iter().map(|row| (row.number, row)));
            }
        }
    }
}

async fn campaigns(
    transaction: &Transaction<'_>,
    rendering: &dyn Rendering,
    latest: &mut Latest,
) -> Result<Vec<Difference>, Error> {
    let select = format!(
        "SELECT {}, o.record FROM redeemd.campaigns r
         LEFT JOIN redeemd.outcomes o ON o.sequence = 0 AND o.entry = r.entry
         WHERE r.number > $1 ORDER BY r.number LIMIT $2",
        CampaignRow::select_list()
    );
    let columns = CampaignRow::all_columns().len();
    let (mut differences, mut after) = (Vec::new(), i64::MIN);
    loop {
        let parameters: [(&(dyn ToSql + Sync), Type); 2] =
            [(&after, Type::INT8), (&PAGE, Type::INT8)];
        let page = transaction.query_typed(&select, &parameters).await?;
        let Some(last) = page.last() else { break };
        after = last.try_get(0)?;
        for row in &page {
            let found = SentRow::read(row, columns)?;
            let (number, entry): (i64, i64) =
                (row.try_get(0)?, found.number(place::<CampaignRow>("entry")));
            let newest = latest.campaigns.remove(&number);
            let record: Option<Vec<u8>> = row.try_get(columns)?;
            let written = match (newest, record) {
                (Some(newest), Some(record)) if newest == entry => {
                    written(rendering, outcome_at(entry, record), number)?
                }
                (Some(newest), _) => {
                    differences.push(entry_of(&found, newest)?);
                    continue;
                }
                (None, _) => None,
            };
            if written.as_ref() != Some(&found) {
                differences.push(Difference::of::<CampaignRow>(written.as_ref(), Some(&found)));
            }
        }
    }
    for (&number, &entry) in &latest.campaigns {
        let record = "SELECT record FROM redeemd.outcomes WHERE sequence = 0 AND entry = $1";
        let row = transaction.query_typed_one(record, &[(&entry, Type::INT8)]).await?;
        let written = written(rendering, outcome_at(entry, row.try_get(0)?), number)?;
        differences.push(Difference::of::<CampaignRow>(written.as_ref(), None));
    }
    Ok(differences)
}

fn outcome_at(entry: i64, record: Vec<u8>) -> KeptOutcome {
    let position = Position { sequence: SequenceId::CONTROL, number: entry.unsigned_abs() };
    KeptOutcome { position, record, set_aside: None }
}

/// A campaign's row as an outcome left it.
fn written(
    rendering: &dyn Rendering,
    outcome: KeptOutcome,
    number: i64,
) -> Result<Option<SentRow>, Error> {
    let mut rows = Rows::default();
    rendering.rows(&outcome, &mut rows);
    rows.campaigns.get(&number).map(SentRow::of).transpose()
}

/// A campaign's row that is not of the entry that changed the campaign last.
fn entry_of(found: &SentRow, newest: i64) -> Result<Difference, Error> {
    let mut written = found.clone();
    if let Some(value) = written.0.get_mut(place::<CampaignRow>("entry")) {
        *value = send(&newest, &Type::INT8)?;
    }
    Ok(Difference::of::<CampaignRow>(Some(&written), Some(found)))
}

async fn api_keys(
    transaction: &Transaction<'_>,
    latest: &mut Latest,
) -> Result<Vec<Difference>, Error> {
    let select = format!("SELECT {} FROM redeemd.api_keys r", ApiKeyRow::select_list());
    let mut differences = Vec::new();
    for row in transaction.query_typed(&select, &[]).await? {
        let found = SentRow::read(&row, row.len())?;
        let written = latest.api_keys.remove(&row.try_get(0)?);
        let written = written.map(|row| as_it_is(&row, &latest.revoked)).transpose()?;
        if written.as_ref() != Some(&found) {
            differences.push(Difference::of::<ApiKeyRow>(written.as_ref(), Some(&found)));
        }
    }
    for row in latest.api_keys.values() {
        let written = as_it_is(row, &latest.revoked)?;
        differences.push(Difference::of::<ApiKeyRow>(Some(&written), None));
    }
    Ok(differences)
}

fn as_it_is(row: &ApiKeyRow, revoked: &BTreeMap<i64, SystemTime>) -> Result<SentRow, Error> {
    let SentRow(mut values) = SentRow::of(row)?;
    values.push(send(&revoked.get(&row.number).copied(), &Type::TIMESTAMPTZ)?);
    Ok(SentRow(values))
}

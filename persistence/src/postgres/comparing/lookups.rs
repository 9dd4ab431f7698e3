//! What is looked up by name beside a portion: the rows that its outcomes changed, and the outcomes
//! that its rows name.

use std::collections::BTreeSet;
use std::time::SystemTime;

use redeemd_domain::sequence::SequenceId;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Transaction};

use super::super::error::Error;
use super::super::rows::{RedemptionRow, Rows};
use super::holds::{CHANGING, FoundHold, HoldKey, OpenHold};
use super::reading::{position, sequence_number};
use super::rollbacks::{self, Explanation, Undone};
use super::sent::{SentRow, number, system_time};
use super::tables::place;
use super::{KeptOutcome, Rendered, Rendering};

/// The most outcomes that were set aside, of which is looked for what they would have changed.
const MOST_SET_ASIDE: i64 = 1_000;

const PARTITIONS: &str = "SELECT c.relname::text FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
    WHERE p.relnamespace = 'redeemd'::regnamespace AND c.relnamespace = p.relnamespace
        AND c.relkind = 'r'";

const UNDONE: &str = "SELECT r.id::text, r.rolled_back_entry, r.returned_minor_units
    FROM unnest($1::text[], $2::timestamptz[]) AS asked (id, at)
    JOIN redeemd.redemptions r ON r.id = asked.id AND r.redeemed_at = asked.at";

const NAMED: &str = "SELECT o.sequence, o.entry, o.record
    FROM unnest($1::smallint[], $2::bigint[]) AS asked (sequence, entry)
    JOIN redeemd.outcomes o ON o.sequence = asked.sequence AND o.entry = asked.entry";

/// The last partial rollback of each redemption.
const LAST_PARTS: &str = "SELECT DISTINCT ON (asked.id) o.sequence, o.entry, o.record
    FROM unnest($1::text[], $2::bytea[], $3::timestamptz[]) AS asked (id, code, at)
    JOIN redeemd.movements m ON m.code = asked.code AND m.moved_at >= asked.at
        AND m.redemption = asked.id AND m.kind = 'returned'
    JOIN redeemd.outcomes o ON o.sequence = m.sequence AND o.entry = m.entry
    ORDER BY asked.id, m.entry DESC";

const SET_ASIDE: &str = "SELECT s.sequence, s.entry, s.record FROM redeemd.set_aside s
    WHERE s.sequence = ANY ($1::smallint[]) ORDER BY s.sequence, s.entry LIMIT $2";

/// Where a hold was prolonged or has ended after what is compared, its row may be later than what is
/// known.
const HOLDS: &str = "SELECT h.expires_at, h.ended_at, h.ended::text, h.ended_entry,
        h.sequence, h.entry,
        h.expires_at <> asked.expires_at AND EXISTS (
            SELECT FROM redeemd.audit a WHERE a.code = h.code AND a.event = 'hold_prolonged'
                AND a.sequence = h.sequence AND a.entry > asked.through),
        EXISTS (SELECT FROM redeemd.outcomes o WHERE o.sequence = h.sequence
            AND o.entry = h.ended_entry AND o.entry > asked.through)
    FROM unnest($1::smallint[], $2::bigint[], $3::timestamptz[], $4::bigint[])
        AS asked (sequence, entry, expires_at, through)
    JOIN redeemd.holds h ON h.sequence = asked.sequence AND h.entry = asked.entry";

/// The partitions that there are.
pub(super) async fn partitions(transaction: &Transaction<'_>) -> Result<BTreeSet<String>, Error> {
    let rows = transaction.query_typed(PARTITIONS, &[]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The redemptions that outcomes rolled back.
pub(super) async fn undone(
    transaction: &Transaction<'_>,
    rendered: &Rendered,
) -> Result<Vec<Undone>, Error> {
    let rollbacks = || rendered.rows.values().flat_map(|rows| &rows.rollbacks);
    let ids: Vec<&str> = rollbacks().map(|(id, _)| id.as_str()).collect();
    let times: Vec<SystemTime> = rollbacks().map(|(_, rollback)| rollback.redeemed_at).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let parameters: [(&(dyn ToSql + Sync), Type); 2] =
        [(&ids, Type::TEXT_ARRAY), (&times, Type::TIMESTAMPTZ_ARRAY)];
    let rows = transaction.query_typed(UNDONE, &parameters).await?;
    let read = |row: &Row| {
        let (id, rolled_back_entry, returned) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        Ok(Undone { id, rolled_back_entry, returned })
    };
    rows.iter().map(read).collect()
}

/// The holds that outcomes ended.
pub(super) async fn ended(
    transaction: &Transaction<'_>,
    rendered: &Rendered,
) -> Result<Vec<FoundHold>, Error> {
    let of_sequence = |(&sequence, rows): (&SequenceId, &Rows)| {
        rows.ended_holds.iter().map(move |(&entry, end)| ((sequence, entry), end.at)).collect()
    };
    let keys: Vec<Vec<(HoldKey, SystemTime)>> = rendered.rows.iter().map(of_sequence).collect();
    // Nothing prolongs a hold that has ended.
    let keys = keys.into_iter().flatten().map(|(key, at)| (key, at, i64::MAX)).collect();
    holds(transaction, keys).await
}

/// Holds that have not ended by what was compared, up to an entry of each sequence.
pub(super) async fn open(
    transaction: &Transaction<'_>,
    open: &[(HoldKey, OpenHold)],
    through: impl Fn(SequenceId) -> i64,
) -> Result<Vec<FoundHold>, Error> {
    let keys = open.iter().map(|(key, hold)| (*key, hold.expires_at, through(key.0))).collect();
    holds(transaction, keys).await
}

async fn holds(
    transaction: &Transaction<'_>,
    keys: Vec<(HoldKey, SystemTime, i64)>,
) -> Result<Vec<FoundHold>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let sequences: Vec<i16> = keys.iter().map(|((id, _), ..)| sequence_number(*id)).collect();
    let entries: Vec<i64> = keys.iter().map(|((_, entry), ..)| *entry).collect();
    let expiries: Vec<SystemTime> = keys.iter().map(|(_, at, _)| *at).collect();
    let through: Vec<i64> = keys.iter().map(|(.., through)| *through).collect();
    let parameters: [(&(dyn ToSql + Sync), Type); 4] = [
        (&sequences, Type::INT2_ARRAY),
        (&entries, Type::INT8_ARRAY),
        (&expiries, Type::TIMESTAMPTZ_ARRAY),
        (&through, Type::INT8_ARRAY),
    ];
    let rows = transaction.query_typed(HOLDS, &parameters).await?;
    let read = |row: &Row| {
        let at = position(row.try_get(4)?, row.try_get(5)?);
        Ok(FoundHold {
            key: (at.sequence, row.try_get(5)?),
            values: SentRow::read(row, CHANGING.len())?,
            is_prolonged_since: row.try_get(6)?,
            has_ended_since: row.try_get(7)?,
        })
    };
    rows.iter().map(read).collect()
}

/// What rows of redemptions name as having been done to them, as the outcomes that they name say it.
pub(super) async fn explanation(
    transaction: &Transaction<'_>,
    redemptions: &[SentRow],
    rendering: &dyn Rendering,
) -> Result<Explanation, Error> {
    let mut asked = Asked::default();
    redemptions.iter().for_each(|row| asked.add(row));
    let mut explanation = Explanation::default();
    let mut take = |rows: &[Row], is_set_aside| {
        for row in rows {
            let position = position(row.try_get(0)?, row.try_get(1)?);
            let outcome = KeptOutcome { position, record: row.try_get(2)?, set_aside: None };
            let mut rows = Rows::default();
            rendering.rows(&outcome, &mut rows);
            explanation.take(position, rows, is_set_aside);
        }
        Ok::<(), Error>(())
    };
    if !asked.entries.is_empty() {
        let parameters: [(&(dyn ToSql + Sync), Type); 2] =
            [(&asked.sequences, Type::INT2_ARRAY), (&asked.entries, Type::INT8_ARRAY)];
        take(&transaction.query_typed(NAMED, &parameters).await?, false)?;
    }
    if !asked.ids.is_empty() {
        let parameters: [(&(dyn ToSql + Sync), Type); 3] = [
            (&asked.ids, Type::TEXT_ARRAY),
            (&asked.codes, Type::BYTEA_ARRAY),
            (&asked.times, Type::TIMESTAMPTZ_ARRAY),
        ];
        take(&transaction.query_typed(LAST_PARTS, &parameters).await?, false)?;
        let parameters: [(&(dyn ToSql + Sync), Type); 2] =
            [(&asked.part_sequences, Type::INT2_ARRAY), (&MOST_SET_ASIDE, Type::INT8)];
        take(&transaction.query_typed(SET_ASIDE, &parameters).await?, true)?;
    }
    Ok(explanation)
}

/// What is asked for because rows name it.
#[derive(Default)]
struct Asked {
    /// Outcomes that rolled a redemption back as a whole.
    sequences: Vec<i16>,
    entries: Vec<i64>,
    /// Redemptions of which some money came back.
    ids: Vec<String>,
    codes: Vec<Vec<u8>>,
    times: Vec<SystemTime>,
    part_sequences: Vec<i16>,
}

impl Asked {
    fn add(&mut self, row: &SentRow) {
        let Some(claimed) = rollbacks::claimed(row) else { return };
        let value = |name| row.value(place::<RedemptionRow>(name)).unwrap_or_default();
        let sequence = i16::try_from(number(value("sequence")).unwrap_or(0)).unwrap_or(i16::MAX);
        if let Some(entry) = claimed.rolled_back_entry {
            self.sequences.push(sequence);
            self.entries.push(entry);
        }
        if claimed.is_part {
            self.ids.push(String::from_utf8_lossy(value("id")).into_owned());
            self.codes.push(value("code").to_vec());
            self.times.push(system_time(value("redeemed_at")));
            if !self.part_sequences.contains(&sequence) {
                self.part_sequences.push(sequence);
            }
        }
    }
}

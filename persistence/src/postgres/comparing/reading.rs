//! Reading a portion: its outcomes, the rows of their entries, and what must be looked up besides.

use std::collections::BTreeSet;

use redeemd_domain::sequence::{Position, SequenceId};
use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};

use super::super::error::Error;
use super::super::projection::{Projection, signed};
use super::super::rows::{
    AuditRow, CodeRow, HoldRow, MovementRow, RedemptionRow, moment, timestamp,
};
use super::holds::FoundHold;
use super::lookups;
use super::rollbacks::{Explanation, Undone};
use super::sent::SentRow;
use super::tables::TimedRow;
use super::{KeptOutcome, Rendered, Rendering, Span};

/// The spans, as a table. Where a span has no time before it, everything earlier belongs to it; where
/// it has none after it, everything later does that is of its entries.
pub(super) const SPANS: &str = "WITH span AS MATERIALIZED (
        SELECT sequence, after, through, coalesce(from_at, '-infinity') AS from_at,
            coalesce(to_at, 'infinity') AS to_at, to_at IS NULL AS is_end
        FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::timestamptz[],
            $5::timestamptz[]) AS span (sequence, after, through, from_at, to_at))";

const OUTCOMES: &str = "SELECT o.sequence, o.entry, o.record, s.record, s.happened_at
    FROM span JOIN redeemd.outcomes o
        ON o.sequence = span.sequence AND o.entry > span.after AND o.entry <= span.through
    LEFT JOIN redeemd.set_aside s ON s.sequence = o.sequence AND s.entry = o.entry
    ORDER BY o.sequence, o.entry";

const WITHHELD: &str = "SELECT w.entry, w.content FROM span JOIN redeemd.withheld w
    ON span.sequence = 0 AND w.entry > span.after AND w.entry <= span.through";

/// What a portion has in the database, as it was at one moment.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) redemptions: Vec<SentRow>,
    pub(super) holds: Vec<SentRow>,
    pub(super) movements: Vec<SentRow>,
    pub(super) audit: Vec<SentRow>,
    pub(super) codes: Vec<SentRow>,
    /// By entry of the control sequence.
    pub(super) withheld: Vec<(u64, Vec<u8>)>,
    /// Redemptions that outcomes of the portion rolled back, at least partly.
    pub(super) undone: Vec<Undone>,
    /// Holds that outcomes of the portion ended.
    pub(super) ended: Vec<FoundHold>,
    /// What rows say that later outcomes did to them, as these say it.
    pub(super) explanation: Explanation,
    /// The partitions that there are, without the schema.
    pub(super) partitions: BTreeSet<String>,
}

impl Projection {
    /// Reads a portion.
    pub(super) async fn portion(
        &self,
        spans: &[Span],
        rendering: &mut dyn Rendering,
    ) -> Result<(Rendered, Found), Error> {
        let columns = SpanColumns::new(spans);
        self.read_at_one_moment(async |transaction| {
            let rendered = rendering.portion(&outcomes(transaction, &columns).await?);
            let mut found = Found {
                redemptions: rows::<RedemptionRow>(transaction, &columns).await?,
                holds: rows::<HoldRow>(transaction, &columns).await?,
                movements: rows::<MovementRow>(transaction, &columns).await?,
                audit: rows::<AuditRow>(transaction, &columns).await?,
                codes: rows::<CodeRow>(transaction, &columns).await?,
                withheld: withheld(transaction, &columns).await?,
                partitions: lookups::partitions(transaction).await?,
                ..Found::default()
            };
            found.undone = lookups::undone(transaction, &rendered).await?;
            found.ended = lookups::ended(transaction, &rendered).await?;
            found.explanation =
                lookups::explanation(transaction, &found.redemptions, &*rendering).await?;
            Ok((rendered, found))
        })
        .await
    }
}

/// Spans as the columns of [`SPANS`].
pub(super) struct SpanColumns {
    sequences: Vec<i16>,
    after: Vec<i64>,
    through: Vec<i64>,
    from_at: Vec<Option<std::time::SystemTime>>,
    to_at: Vec<Option<std::time::SystemTime>>,
}

impl SpanColumns {
    pub(super) fn new(spans: &[Span]) -> Self {
        Self {
            sequences: spans.iter().map(|span| sequence_number(span.sequence)).collect(),
            after: spans
                .iter()
                .map(|span| span.after.map_or(i64::MIN, |mark| signed(mark.number)))
                .collect(),
            through: spans.iter().map(|span| signed(span.through)).collect(),
            from_at: spans.iter().map(|span| span.after.map(|mark| moment(mark.at))).collect(),
            to_at: spans.iter().map(|span| span.until.map(moment)).collect(),
        }
    }

    pub(super) fn parameters(&self) -> [(&(dyn ToSql + Sync), Type); 5] {
        [
            (&self.sequences, Type::INT2_ARRAY),
            (&self.after, Type::INT8_ARRAY),
            (&self.through, Type::INT8_ARRAY),
            (&self.from_at, Type::TIMESTAMPTZ_ARRAY),
            (&self.to_at, Type::TIMESTAMPTZ_ARRAY),
        ]
    }
}

async fn outcomes(
    transaction: &Transaction<'_>,
    spans: &SpanColumns,
) -> Result<Vec<KeptOutcome>, Error> {
    let select = format!("{SPANS} {OUTCOMES}");
    let rows = transaction.query_typed(&select, &spans.parameters()).await?;
    rows.iter().map(outcome).collect()
}

/// An outcome of its sequence, entry and record, and of record and time where it was set aside.
pub(super) fn outcome(row: &tokio_postgres::Row) -> Result<KeptOutcome, Error> {
    let (sequence, entry): (i16, i64) = (row.try_get(0)?, row.try_get(1)?);
    let (record, happened_at): (Option<Vec<u8>>, Option<std::time::SystemTime>) =
        (row.try_get(3)?, row.try_get(4)?);
    Ok(KeptOutcome {
        position: position(sequence, entry),
        record: row.try_get(2)?,
        set_aside: record.zip(happened_at.map(timestamp)),
    })
}

/// Everything of a table whose time and entry lie in one of the spans.
async fn rows<R: TimedRow>(
    transaction: &Transaction<'_>,
    spans: &SpanColumns,
) -> Result<Vec<SentRow>, Error> {
    let select = format!(
        "{SPANS} SELECT {list} FROM span JOIN redeemd.{table} r ON r.sequence = span.sequence
             AND (r.{time}, r.entry) > (span.from_at, span.after)
             AND CASE WHEN span.is_end THEN r.entry <= span.through
                 ELSE (r.{time}, r.entry) <= (span.to_at, span.through) END
         WHERE r.{time} >= (SELECT min(from_at) FROM span)
             AND r.{time} <= (SELECT max(to_at) FROM span)",
        list = R::select_list(),
        table = R::TABLE,
        time = R::TIME,
    );
    let rows = transaction.query_typed(&select, &spans.parameters()).await?;
    rows.iter().map(|row| SentRow::read(row, row.len())).collect()
}

async fn withheld(
    transaction: &Transaction<'_>,
    spans: &SpanColumns,
) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    let select = format!("{SPANS} {WITHHELD}");
    let rows = transaction.query_typed(&select, &spans.parameters()).await?;
    rows.iter().map(|row| Ok((row.try_get::<_, i64>(0)?.unsigned_abs(), row.try_get(1)?))).collect()
}

pub(super) fn position(sequence: i16, entry: i64) -> Position {
    Position { sequence: SequenceId(sequence.unsigned_abs()), number: entry.unsigned_abs() }
}

/// There are at most 1,025 sequences.
pub(super) fn sequence_number(sequence: SequenceId) -> i16 {
    i16::try_from(sequence.0).unwrap_or(i16::MAX)
}

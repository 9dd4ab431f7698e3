//! Rows that no portion has: of sequences that there are not, or of entries that nobody has written.

use redeemd_domain::sequence::Position;
use tokio_postgres::Transaction;

use super::super::error::Error;
use super::super::projection::Projection;
use super::super::rows::{AuditRow, CodeRow, HoldRow, MovementRow, RedemptionRow};
use super::Span;
use super::difference::Difference;
use super::reading::{SPANS, SpanColumns, position};
use super::sent::SentRow;
use super::tables::TimedRow;

/// The most rows of a table that are told.
const MOST: i64 = 1_000;

/// Outcomes beyond what is written of their sequence.
const OUTCOMES: &str = "SELECT o.sequence, o.entry FROM redeemd.outcomes o
    LEFT JOIN redeemd.watermarks w ON w.sequence = o.sequence
    WHERE w.sequence IS NULL OR o.entry > w.through LIMIT 1000";

/// What was set aside of outcomes that there are not.
const SET_ASIDE: &str = "SELECT s.sequence, s.entry FROM redeemd.set_aside s
    WHERE NOT EXISTS (SELECT FROM redeemd.outcomes o
        WHERE o.sequence = s.sequence AND o.entry = s.entry) LIMIT 1000";

/// What is withheld by outcomes that there are not.
const WITHHELD: &str = "SELECT 0::smallint, h.entry FROM redeemd.withheld h
    WHERE NOT EXISTS (SELECT FROM redeemd.outcomes o
        WHERE o.sequence = 0 AND o.entry = h.entry) LIMIT 1000";

impl Projection {
    /// Looks for rows after the ends of all sequences that no outcome left.
    pub(super) async fn strays(&self, ends: &[Span]) -> Result<Vec<Difference>, Error> {
        let spans = SpanColumns::new(ends);
        self.read_at_one_moment(async |transaction| {
            let mut strays = Vec::new();
            for (table, select) in
                [("outcomes", OUTCOMES), ("set_aside", SET_ASIDE), ("withheld", WITHHELD)]
            {
                for at in positions(transaction, select).await? {
                    strays.push(Difference::bare(table, at, true));
                }
            }
            strays.extend(rows::<RedemptionRow>(transaction, &spans).await?);
            strays.extend(rows::<HoldRow>(transaction, &spans).await?);
            strays.extend(rows::<MovementRow>(transaction, &spans).await?);
            strays.extend(rows::<AuditRow>(transaction, &spans).await?);
            strays.extend(rows::<CodeRow>(transaction, &spans).await?);
            Ok(strays)
        })
        .await
    }
}

async fn positions(transaction: &Transaction<'_>, select: &str) -> Result<Vec<Position>, Error> {
    let rows = transaction.query_typed(select, &[]).await?;
    rows.iter().map(|row| Ok(position(row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Rows that lie after everything that was compared, and are not of an outcome that came since.
async fn rows<R: TimedRow>(
    transaction: &Transaction<'_>,
    spans: &SpanColumns,
) -> Result<Vec<Difference>, Error> {
    let select = format!(
        "{SPANS} SELECT {list} FROM redeemd.{table} r LEFT JOIN span ON span.sequence = r.sequence
         WHERE span.sequence IS NULL
             OR (r.entry > span.through AND (r.{time}, r.entry) > (span.from_at, span.after)
                 AND NOT EXISTS (SELECT FROM redeemd.outcomes o
                     WHERE o.sequence = r.sequence AND o.entry = r.entry))
         LIMIT {MOST}",
        list = R::select_list(),
        table = R::TABLE,
        time = R::TIME,
    );
    let rows = transaction.query_typed(&select, &spans.parameters()).await?;
    let stray = |row| Ok(Difference::of::<R>(None, Some(&SentRow::read(row, row.len())?)));
    rows.iter().map(stray).collect()
}

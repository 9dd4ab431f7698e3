//! Rows on their way into tables: binary COPY for what is new, one statement for what changes.

use std::pin::pin;

use redeemd_domain::sequence::SequenceId;
use tokio_postgres::Transaction;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use super::changing;
use super::error::Error;
use super::rows::{CampaignRow, CopiedRow, Rows};

/// Writes all rows of a sequence within a transaction: first what is new, then what changes.
pub(super) async fn write(
    transaction: &Transaction<'_>,
    sequence: SequenceId,
    rows: &Rows,
) -> Result<(), Error> {
    copy(transaction, &rows.outcomes).await?;
    copy(transaction, &rows.withheld).await?;
    copy(transaction, &rows.redemptions).await?;
    copy(transaction, &rows.movements).await?;
    copy(transaction, &rows.codes).await?;
    copy(transaction, &rows.audit).await?;
    copy(transaction, &rows.holds).await?;
    copy(transaction, &rows.api_keys).await?;
    replace_campaigns(transaction, rows).await?;
    changing::revoke_api_keys(transaction, rows).await?;
    changing::prolong_holds(transaction, sequence, rows).await?;
    changing::end_holds(transaction, sequence, rows).await?;
    changing::roll_back(transaction, rows).await
}

/// Copies rows into their table. No row can be there already: the transaction is carried out only
/// where the database stands before all of them.
async fn copy<R: CopiedRow>(transaction: &Transaction<'_>, rows: &[R]) -> Result<(), Error> {
    copy_into(transaction, &format!("redeemd.{}", R::TABLE), rows.iter()).await
}

async fn copy_into<'a, R: CopiedRow + 'a>(
    transaction: &Transaction<'_>,
    table: &str,
    rows: impl ExactSizeIterator<Item = &'a R>,
) -> Result<(), Error> {
    if rows.len() == 0 {
        return Ok(());
    }
    let columns: Vec<&str> = R::COLUMNS.iter().map(|(name, _)| *name).collect();
    let types: Vec<Type> = R::COLUMNS.iter().map(|(_, kind)| kind.clone()).collect();
    let sql = format!("COPY {table} ({}) FROM STDIN (FORMAT binary)", columns.join(", "));
    let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(&sql).await?, &types));
    let mut values = Vec::with_capacity(columns.len());
    for row in rows {
        values.clear();
        values.extend(row.values());
        writer.as_mut().write(&values).await?;
    }
    writer.finish().await?;
    Ok(())
}

/// Campaigns are few and change: they go by a staging table that ends with the transaction.
async fn replace_campaigns(transaction: &Transaction<'_>, rows: &Rows) -> Result<(), Error> {
    if rows.campaigns.is_empty() {
        return Ok(());
    }
    let staging = "CREATE TEMPORARY TABLE staged_campaigns (LIKE redeemd.campaigns) ON COMMIT DROP";
    transaction.batch_execute(staging).await?;
    copy_into(transaction, "pg_temp.staged_campaigns", rows.campaigns.values()).await?;
    let columns: Vec<&str> = CampaignRow::COLUMNS.iter().map(|(name, _)| *name).collect();
    let columns = columns.join(", ");
    let others: Vec<String> = CampaignRow::COLUMNS
        .iter()
        .filter(|(name, _)| *name != "number")
        .map(|(name, _)| format!("{name} = excluded.{name}"))
        .collect();
    let replace = format!(
        "INSERT INTO redeemd.campaigns ({columns})
         SELECT {columns} FROM pg_temp.staged_campaigns
         ON CONFLICT (number) DO UPDATE SET {} WHERE campaigns.entry < excluded.entry",
        others.join(", ")
    );
    transaction.batch_execute(&replace).await?;
    Ok(())
}

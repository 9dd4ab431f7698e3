//! Outcomes that the database refused for their content: put aside, shown, wanted again, tried again.
//!
//! Whoever wants one to be tried again notes it in its row. The server that writes to the database
//! sees that, and does it: it alone has the ledger, which knows what became of the outcome since.

use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::timestamp::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Transaction};

use super::chain::Checkpoint;
use super::error::Error;
use super::ownership::Owner;
use super::projection::{Projection, signed};
use super::rows::{Rows, moment, timestamp};
use super::{copying, migration};

/// The most outcomes that are asked for at once.
const MOST_WANTED: i64 = 100;

/// An outcome that the database refused.
#[derive(Clone, Debug)]
pub struct SetAside {
    /// Its entry.
    pub position: Position,
    /// When it happened.
    pub at: Timestamp,
    /// Why it was refused.
    pub reason: String,
    /// Its bytes in the ledger.
    pub record: Vec<u8>,
}

/// An outcome that was set aside, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its entry.
    pub position: Position,
    /// When it happened.
    pub at: Timestamp,
    /// Why it was refused.
    pub reason: String,
    /// Its bytes in the ledger.
    pub record: Vec<u8>,
    /// When it was set aside, or refused again, by the clock of the database.
    pub set_aside_at: Timestamp,
    /// Whether somebody wants it to be tried again.
    pub is_wanted: bool,
}

/// What became of trying an outcome again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// Its rows are where they belong.
    Arrived,
    /// It was not set aside any more.
    Gone,
}

impl Projection {
    /// How many outcomes are set aside, and some of those that are to be tried again.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn wanted(&self) -> Result<(u64, Vec<Position>), Error> {
        self.carry_out(async |transaction| {
            let count = count(transaction).await?;
            let select = "SELECT sequence, entry FROM redeemd.set_aside
                 WHERE wanted_at IS NOT NULL ORDER BY sequence, entry LIMIT $1";
            let rows = transaction.query_typed(select, &[(&MOST_WANTED, Type::INT8)]).await?;
            let positions: Result<Vec<_>, Error> = rows.iter().map(position).collect();
            Ok((count, positions?))
        })
        .await
    }

    /// Writes the rows of an outcome that was set aside, if the database stands where its sequence
    /// is believed to be.
    ///
    /// # Errors
    /// As [`Projection::write`].
    pub async fn retry(
        &self,
        owner: &Owner,
        position: Position,
        from: Checkpoint,
        rows: &Rows,
    ) -> Result<Retried, Error> {
        self.make_partitions(rows).await?;
        self.carry_out(async |transaction| {
            stand(transaction, owner, &self.writer, position.sequence, from).await?;
            let delete = "DELETE FROM redeemd.set_aside WHERE sequence = $1 AND entry = $2";
            let (sequence, entry) = numbers(&position);
            let parameters: [(&(dyn ToSql + Sync), Type); 2] =
                [(&sequence, Type::INT2), (&entry, Type::INT8)];
            if transaction.execute_typed(delete, &parameters).await? == 0 {
                return Ok(Retried::Gone);
            }
            copying::write(transaction, position.sequence, rows).await?;
            Ok(Retried::Arrived)
        })
        .await
    }

    /// Notes that an outcome was refused again.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn refused_again(&self, position: Position, reason: &str) -> Result<(), Error> {
        self.carry_out(async |transaction| {
            let update = "UPDATE redeemd.set_aside
                 SET reason = $3, wanted_at = NULL, set_aside_at = now()
                 WHERE sequence = $1 AND entry = $2";
            let (sequence, entry) = numbers(&position);
            let parameters: [(&(dyn ToSql + Sync), Type); 3] =
                [(&sequence, Type::INT2), (&entry, Type::INT8), (&reason, Type::TEXT)];
            transaction.execute_typed(update, &parameters).await?;
            Ok(())
        })
        .await
    }

    /// Outcomes that were set aside, in the order of their entries, after one of them; so many at
    /// the most.
    ///
    /// # Errors
    /// When the database cannot be asked, or has no tables of this version.
    pub async fn set_aside(
        &self,
        after: Option<Position>,
        limit: u32,
    ) -> Result<Vec<Shown>, Error> {
        self.carry_out(async |transaction| {
            migration::check(transaction).await?;
            let select = "SELECT sequence, entry, happened_at, reason, record, set_aside_at,
                     wanted_at IS NOT NULL
                 FROM redeemd.set_aside WHERE (sequence, entry) > ($1, $2)
                 ORDER BY sequence, entry LIMIT $3";
            let (sequence, entry) = after.as_ref().map_or((-1, -1), numbers);
            let parameters: [(&(dyn ToSql + Sync), Type); 3] =
                [(&sequence, Type::INT2), (&entry, Type::INT8), (&i64::from(limit), Type::INT8)];
            transaction.query_typed(select, &parameters).await?.iter().map(shown).collect()
        })
        .await
    }

    /// Notes that outcomes are to be tried again: these, or all. Gives how many are set aside of
    /// those that were named.
    ///
    /// # Errors
    /// When the database cannot be asked, or has no tables of this version.
    pub async fn want(&self, positions: Option<&[Position]>) -> Result<u64, Error> {
        self.carry_out(async |transaction| {
            migration::check(transaction).await?;
            let Some(positions) = positions else {
                let update = "UPDATE redeemd.set_aside SET wanted_at = now()";
                return Ok(transaction.execute_typed(update, &[]).await?);
            };
            let (sequences, entries): (Vec<i16>, Vec<i64>) = positions.iter().map(numbers).unzip();
            let update = "UPDATE redeemd.set_aside SET wanted_at = now()
                 FROM unnest($1::smallint[], $2::bigint[]) AS wanted (sequence, entry)
                 WHERE set_aside.sequence = wanted.sequence AND set_aside.entry = wanted.entry";
            let parameters: [(&(dyn ToSql + Sync), Type); 2] =
                [(&sequences, Type::INT2_ARRAY), (&entries, Type::INT8_ARRAY)];
            Ok(transaction.execute_typed(update, &parameters).await?)
        })
        .await
    }
}

/// How many outcomes are set aside.
pub(super) async fn count(transaction: &Transaction<'_>) -> Result<u64, Error> {
    let select = "SELECT count(*) FROM redeemd.set_aside";
    let count: i64 = transaction.query_typed_one(select, &[]).await?.try_get(0)?;
    Ok(count.unsigned_abs())
}

/// Insists that a sequence stands here, and keeps it here until the end of the transaction.
async fn stand(
    transaction: &Transaction<'_>,
    owner: &Owner,
    writer: &str,
    sequence: SequenceId,
    at: Checkpoint,
) -> Result<(), Error> {
    let select = "SELECT 1 FROM redeemd.watermarks, redeemd.directory
         WHERE sequence = $1 AND through = $2 AND chain = $3
             AND directory.id = $4 AND epoch_number = $5 AND epoch_mark = $6 AND writer = $7
         FOR UPDATE OF watermarks FOR SHARE OF directory";
    let (number, _) = numbers(&Position { sequence, number: 0 });
    let parameters: [(&(dyn ToSql + Sync), Type); 7] = [
        (&number, Type::INT2),
        (&signed(at.through), Type::INT8),
        (&at.chain.0.as_slice(), Type::BYTEA),
        (&owner.directory.to_string(), Type::TEXT),
        (&i64::from(owner.epoch_number), Type::INT8),
        (&owner.mark(), Type::TEXT),
        (&writer, Type::TEXT),
    ];
    match transaction.query_typed(select, &parameters).await?.len() {
        1 => Ok(()),
        _ => Err(Error::Moved(format!("{sequence} is not at entry {} there", at.through))),
    }
}

/// Sets an outcome aside.
pub(super) async fn put(transaction: &Transaction<'_>, set_aside: &SetAside) -> Result<(), Error> {
    let insert = "INSERT INTO redeemd.set_aside (sequence, entry, happened_at, reason, record)
         VALUES ($1, $2, $3, $4, $5)";
    let SetAside { position, at, reason, record } = set_aside;
    let parameters: [(&(dyn ToSql + Sync), Type); 5] = [
        (&i16::try_from(position.sequence.0).unwrap_or(i16::MAX), Type::INT2),
        (&i64::try_from(position.number).unwrap_or(i64::MAX), Type::INT8),
        (&moment(*at), Type::TIMESTAMPTZ),
        (reason, Type::TEXT),
        (record, Type::BYTEA),
    ];
    transaction.execute_typed(insert, &parameters).await?;
    Ok(())
}

fn numbers(position: &Position) -> (i16, i64) {
    (i16::try_from(position.sequence.0).unwrap_or(i16::MAX), signed(position.number))
}

fn position(row: &Row) -> Result<Position, Error> {
    let (sequence, entry): (i16, i64) = (row.try_get(0)?, row.try_get(1)?);
    let read = || {
        let sequence = SequenceId(u16::try_from(sequence).ok()?);
        Some(Position { sequence, number: u64::try_from(entry).ok()? })
    };
    read().ok_or_else(|| {
        Error::Foreign(format!(
            "redeemd.set_aside has a row for {sequence}, {entry} that nobody wrote"
        ))
    })
}

fn shown(row: &Row) -> Result<Shown, Error> {
    Ok(Shown {
        position: position(row)?,
        at: timestamp(row.try_get(2)?),
        reason: row.try_get(3)?,
        record: row.try_get(4)?,
        set_aside_at: timestamp(row.try_get(5)?),
        is_wanted: row.try_get(6)?,
    })
}

//! Writing to the database: looking how far it is, and taking it further.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::timestamp::Timestamp;
use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};

use super::chain::{Chain, Checkpoint};
use super::connection::{Connection, Connections, pool};
use super::error::Error;
use super::options::Options;
use super::partition::{self, MONTHS_AHEAD, Month};
use super::rows::{Rows, moment};
use super::{copying, migration};
use crate::data_directory::Identity;
use crate::journal::DirectoryId;

/// The life of a data directory that a database belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The directory.
    pub directory: DirectoryId,
    epoch_number: u32,
    epoch_mark: [u8; 8],
    shards: u16,
}

impl Owner {
    /// That of a directory.
    pub fn new(identity: &Identity) -> Self {
        Self {
            directory: identity.id,
            epoch_number: identity.epoch.number,
            epoch_mark: identity.epoch.mark,
            shards: identity.shards,
        }
    }

    /// The sequences that it has.
    pub fn sequences(&self) -> impl Iterator<Item = SequenceId> + use<> {
        (0..=self.shards).map(SequenceId)
    }

    fn mark(&self) -> String {
        self.epoch_mark.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// How far the database is.
#[derive(Clone, Debug)]
pub struct Survey {
    /// By sequence.
    pub checkpoints: BTreeMap<SequenceId, Checkpoint>,
    /// How many outcomes were set aside.
    pub set_aside: u64,
}

/// Outcomes of one sequence that follow each other.
#[derive(Debug)]
pub struct Batch {
    /// The sequence.
    pub sequence: SequenceId,
    /// Where the database must stand.
    pub from: Checkpoint,
    /// Where it stands afterwards.
    pub to: Checkpoint,
    /// What the outcomes leave.
    pub rows: Rows,
    /// What is set aside instead.
    pub set_aside: Option<SetAside>,
}

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

/// What a migration did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The version that was found; 0 where there was nothing.
    pub from: i64,
    /// The version that the schema has now.
    pub to: i64,
}

/// The database that outcomes are projected to.
#[derive(Debug)]
pub struct Projection {
    connections: Connections,
    timeout: Duration,
    /// Months whose partitions are known to be there.
    months: Mutex<BTreeSet<Month>>,
}

impl Projection {
    /// A database. Nothing is connected yet. Must be called within a tokio runtime.
    pub fn new(options: &Options) -> Self {
        let timeout = options.batch_timeout;
        Self { connections: pool(options), timeout, months: Mutex::default() }
    }

    /// The version of the database's schema; 0 where there is none. Changes nothing.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn version(&self) -> Result<i64, Error> {
        self.carry_out(async |transaction| migration::version(transaction).await).await
    }

    /// Brings the schema to the version of this redeemd.
    ///
    /// # Errors
    /// When the database cannot be reached, does not let this user make tables, or is newer.
    pub async fn migrate(&self) -> Result<Migrated, Error> {
        let from = self.carry_out(async |transaction| migration::apply(transaction).await).await?;
        Ok(Migrated { from, to: migration::wanted() })
    }

    /// Looks how far the database is; one without an owner gets this one.
    ///
    /// # Errors
    /// When the database cannot be reached, has not the right schema, or belongs to another
    /// directory or another life of it.
    pub async fn survey(&self, owner: &Owner) -> Result<Survey, Error> {
        self.months.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.carry_out(async |transaction| {
            let (found, wanted) = (migration::version(transaction).await?, migration::wanted());
            match found {
                found if found > wanted => return Err(Error::Newer { found, known: wanted }),
                found if found < wanted => return Err(Error::NotMigrated { found, wanted }),
                _ => {}
            }
            adopt(transaction, owner).await?;
            check_owner(transaction, owner).await?;
            look(transaction).await
        })
        .await
    }

    /// Writes a batch, if the database stands where the batch begins.
    ///
    /// # Errors
    /// See [`Error`]. After [`super::Kind::Away`] it is not known whether the batch was written;
    /// after the others it was not.
    pub async fn write(&self, owner: &Owner, batch: &Batch) -> Result<(), Error> {
        self.make_partitions(&batch.rows).await?;
        self.carry_out(async |transaction| {
            advance(transaction, owner, batch).await?;
            if let Some(set_aside) = &batch.set_aside {
                put_aside(transaction, set_aside).await?;
            }
            copying::write(transaction, batch.sequence, &batch.rows).await
        })
        .await
    }

    /// Makes the partitions that rows need, and those of the next months, where they are missing. In
    /// a transaction of its own, so that no batch holds its locks.
    async fn make_partitions(&self, rows: &Rows) -> Result<(), Error> {
        let mut missing: BTreeSet<Month> = BTreeSet::new();
        {
            let known = self.months.lock().unwrap_or_else(PoisonError::into_inner);
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let now = u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(0);
            let now = Month::of(Timestamp(now));
            let ahead = (0..=MONTHS_AHEAD).map(|months| now.later(months));
            missing.extend(rows.months().chain(ahead).filter(|month| !known.contains(month)));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let sql = partition::sql(&missing);
        let made = self.carry_out(async |transaction| Ok(transaction.batch_execute(&sql).await?));
        // Whatever is wrong here, no outcome is to blame.
        made.await.map_err(Error::of_no_row)?;
        self.months.lock().unwrap_or_else(PoisonError::into_inner).extend(missing);
        Ok(())
    }

    /// Carries out a transaction within the time that it may take. A connection that did not answer
    /// in time is given up: nobody knows what is still on its way.
    async fn carry_out<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut connection = self.connections.get().await?;
        let within =
            tokio::time::timeout(self.timeout, transact(&mut connection, self.timeout, work));
        match within.await {
            Ok(result) => result,
            Err(_) => {
                connection.spoil();
                let seconds = self.timeout.as_secs_f32();
                Err(Error::Away(format!("no answer within {seconds} s")))
            }
        }
    }
}

/// Carries out a transaction. The bounds on statements and locks hold within it alone, as a pooler
/// in transaction mode asks.
async fn transact<T>(
    connection: &mut Connection,
    timeout: Duration,
    work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let transaction = connection.client.transaction().await?;
    let milliseconds = timeout.as_millis();
    let bounds = format!(
        "SET LOCAL statement_timeout = {milliseconds}; SET LOCAL lock_timeout = {milliseconds}; \
         SET LOCAL idle_in_transaction_session_timeout = {milliseconds}"
    );
    transaction.batch_execute(&bounds).await?;
    let value = work(&transaction).await?;
    transaction.commit().await?;
    Ok(value)
}

/// Gives a database without an owner this one, and every sequence its beginning.
async fn adopt(transaction: &Transaction<'_>, owner: &Owner) -> Result<(), Error> {
    let insert = "INSERT INTO redeemd.directory (id, epoch_number, epoch_mark, shards)
         VALUES ($1, $2, $3, $4) ON CONFLICT (only_one) DO NOTHING";
    let (id, number, mark) =
        (owner.directory.to_string(), i64::from(owner.epoch_number), owner.mark());
    let parameters: [(&(dyn ToSql + Sync), Type); 4] = [
        (&id, Type::TEXT),
        (&number, Type::INT8),
        (&mark, Type::TEXT),
        (&i32::from(owner.shards), Type::INT4),
    ];
    if transaction.execute_typed(insert, &parameters).await? == 0 {
        return Ok(());
    }
    let insert = "INSERT INTO redeemd.watermarks (sequence, chain)
         SELECT * FROM unnest($1::smallint[], $2::bytea[])";
    let sequences: Vec<SequenceId> = owner.sequences().collect();
    let numbers: Vec<i16> = sequences.iter().filter_map(|it| i16::try_from(it.0).ok()).collect();
    let genesis = |&sequence: &SequenceId| Chain::genesis(owner.directory, sequence).0.to_vec();
    let chains: Vec<Vec<u8>> = sequences.iter().map(genesis).collect();
    let parameters: [(&(dyn ToSql + Sync), Type); 2] =
        [(&numbers, Type::INT2_ARRAY), (&chains, Type::BYTEA_ARRAY)];
    transaction.execute_typed(insert, &parameters).await?;
    Ok(())
}

async fn check_owner(transaction: &Transaction<'_>, owner: &Owner) -> Result<(), Error> {
    let select = "SELECT id, epoch_number, epoch_mark FROM redeemd.directory";
    let row = transaction.query_typed_one(select, &[]).await?;
    let (id, number, mark): (String, i64, String) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    if id != owner.directory.to_string() {
        return Err(Error::Foreign(format!(
            "the database belongs to another data directory ({id}); give this server a database \
             of its own"
        )));
    }
    if number != i64::from(owner.epoch_number) || mark != owner.mark() {
        return Err(Error::Foreign(
            "the database belongs to this data directory as it was before or after it was restored \
             from a backup or salvaged; give it an empty database, which is filled from the \
             beginning"
                .to_owned(),
        ));
    }
    Ok(())
}

async fn look(transaction: &Transaction<'_>) -> Result<Survey, Error> {
    let select = "SELECT sequence, through, chain FROM redeemd.watermarks";
    let mut checkpoints = BTreeMap::new();
    for row in transaction.query_typed(select, &[]).await? {
        let (sequence, through, chain): (i16, i64, &[u8]) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let checkpoint = || {
            let sequence = SequenceId(u16::try_from(sequence).ok()?);
            let (through, chain) = (u64::try_from(through).ok()?, chain.try_into().ok()?);
            Some((sequence, Checkpoint { through, chain: Chain(chain) }))
        };
        let checkpoint = checkpoint();
        checkpoints.extend([checkpoint.ok_or_else(|| {
            Error::Foreign(format!("redeemd.watermarks has a row for {sequence} that nobody wrote"))
        })?]);
    }
    let select = "SELECT count(*) FROM redeemd.set_aside";
    let set_aside: i64 = transaction.query_typed_one(select, &[]).await?.try_get(0)?;
    Ok(Survey { checkpoints, set_aside: set_aside.unsigned_abs() })
}

/// Takes a sequence's watermark from where a batch begins to where it ends. First of all, so that
/// its lock keeps everybody else from the sequence until the end of the transaction.
async fn advance(transaction: &Transaction<'_>, owner: &Owner, batch: &Batch) -> Result<(), Error> {
    let update = "UPDATE redeemd.watermarks
         SET through = $1, chain = $2, written_at = now()
         FROM redeemd.directory
         WHERE sequence = $3 AND through = $4 AND chain = $5
             AND directory.id = $6 AND epoch_number = $7 AND epoch_mark = $8";
    let Batch { sequence, from, to, .. } = batch;
    let number = |through: u64| i64::try_from(through).unwrap_or(i64::MAX);
    let (id, mark) = (owner.directory.to_string(), owner.mark());
    let parameters: [(&(dyn ToSql + Sync), Type); 8] = [
        (&number(to.through), Type::INT8),
        (&to.chain.0.as_slice(), Type::BYTEA),
        (&i16::try_from(sequence.0).unwrap_or(i16::MAX), Type::INT2),
        (&number(from.through), Type::INT8),
        (&from.chain.0.as_slice(), Type::BYTEA),
        (&id, Type::TEXT),
        (&i64::from(owner.epoch_number), Type::INT8),
        (&mark, Type::TEXT),
    ];
    match transaction.execute_typed(update, &parameters).await? {
        1 => Ok(()),
        _ => Err(Error::Moved(format!("{sequence} is not at entry {} there", from.through))),
    }
}

async fn put_aside(transaction: &Transaction<'_>, set_aside: &SetAside) -> Result<(), Error> {
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

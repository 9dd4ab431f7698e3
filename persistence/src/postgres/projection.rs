//! Writing to the database: looking how far it is, and taking it further.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use redeemd_domain::sequence::SequenceId;
use redeemd_domain::timestamp::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, IsolationLevel, Transaction};

use super::aside::{self, SetAside};
use super::chain::{Chain, Checkpoint};
use super::connection::no_answer;
use super::error::{Error, Kind};
use super::migration::{MIGRATIONS, Migration};
use super::options::Options;
use super::ownership::{self, Owner};
use super::partition::{self, MONTHS_AHEAD, Month};
use super::pool::Connections;
use super::rows::Rows;
use super::{copying, migration};

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
    /// By what the database knows that it is this one that writes.
    pub(super) writer: String,
    /// Months whose partitions are known to be there.
    months: Mutex<BTreeSet<Month>>,
}

impl Projection {
    /// A database. Nothing is connected yet. Must be called within a tokio runtime.
    pub fn new(options: &Options) -> Self {
        let (connections, timeout) = (Connections::new(options), options.batch_timeout);
        let writer = ownership::random_writer();
        Self { connections, timeout, writer, months: Mutex::default() }
    }

    /// The version of the database's schema; 0 where there is none. Changes nothing.
    ///
    /// # Errors
    /// When the database cannot be asked, or is newer.
    pub async fn version(&self) -> Result<i64, Error> {
        let found =
            self.carry_out(async |transaction| migration::version(transaction).await).await?;
        let known = migration::newest(MIGRATIONS);
        if found > known { Err(Error::Newer { found, known }) } else { Ok(found) }
    }

    /// Brings the schema to the version of this redeemd.
    ///
    /// # Errors
    /// When the database cannot be reached, does not let this user make tables, or is newer.
    pub async fn migrate(&self) -> Result<Migrated, Error> {
        self.migrate_by(MIGRATIONS).await
    }

    /// As [`Projection::migrate`], by other migrations.
    ///
    /// # Errors
    /// As there; then nothing of any of them was carried out.
    pub async fn migrate_by(&self, migrations: &[Migration]) -> Result<Migrated, Error> {
        let apply =
            async |transaction: &Transaction<'_>| migration::apply(transaction, migrations).await;
        Ok(Migrated { from: self.carry_out(apply).await?, to: migration::newest(migrations) })
    }

    /// Looks how far the database is; one without an owner gets this one.
    ///
    /// # Errors
    /// When the database cannot be reached, has not the right schema, or belongs to another
    /// directory or another life of it.
    pub async fn survey(&self, owner: &Owner) -> Result<Survey, Error> {
        self.months.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.carry_out(async |transaction| {
            migration::check(transaction).await?;
            ownership::check_encoding(transaction).await?;
            ownership::adopt(transaction, owner).await?;
            ownership::check(transaction, owner).await?;
            look(transaction).await
        })
        .await
    }

    /// Becomes the one that may write, if the database still stands where it was seen to. Whoever
    /// may have written before comes to its end first, or is refused from now on: so what was seen
    /// stays true until this one writes.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Moved`] where somebody has written in between.
    pub async fn take_over(&self, owner: &Owner, seen: &Survey) -> Result<(), Error> {
        self.carry_out(async |transaction| {
            ownership::take_over(transaction, owner, &self.writer).await?;
            match look(transaction).await?.checkpoints == seen.checkpoints {
                true => Ok(()),
                false => Err(Error::Moved("somebody else has written to the database".to_owned())),
            }
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
            advance(transaction, owner, &self.writer, batch).await?;
            if let Some(set_aside) = &batch.set_aside {
                aside::put(transaction, set_aside).await?;
            }
            copying::write(transaction, batch.sequence, &batch.rows).await
        })
        .await
    }

    /// Makes the partitions that rows need, and those of the next months, where they are missing. In
    /// a transaction of its own, so that no batch holds its locks.
    pub(super) async fn make_partitions(&self, rows: &Rows) -> Result<(), Error> {
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
    /// in time is given up, as it is where this future is dropped: nobody knows what is still on its
    /// way.
    pub(super) async fn carry_out<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.carry_out_as(Manner::AsItGoes, work).await
    }

    /// The same for what only reads, and has to see everything as it was at one moment.
    pub(super) async fn read_at_one_moment<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.carry_out_as(Manner::AtOneMoment, work).await
    }

    async fn carry_out_as<T>(
        &self,
        manner: Manner,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut connection = self.connections.get().await?;
        connection.ask();
        let work = transact(&mut connection.client, self.timeout, manner, work);
        match tokio::time::timeout(self.timeout, work).await {
            Ok(result) => {
                connection.answered();
                if result.as_ref().is_err_and(|error| error.kind() == Kind::Stopped) {
                    connection.give_up();
                }
                result
            }
            Err(_) => Err(no_answer(self.timeout)),
        }
    }
}

/// What a transaction sees.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Each statement what there is when it begins.
    AsItGoes,
    /// All statements what there was when the first one began. They change nothing.
    AtOneMoment,
}

/// Carries out a transaction. The bounds on statements and locks hold within it alone, as a pooler
/// in transaction mode asks.
async fn transact<T>(
    client: &mut Client,
    timeout: Duration,
    manner: Manner,
    work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let transaction = client.build_transaction();
    let transaction = match manner {
        // Whatever the database does by default: at another level a transaction that has waited for
        // somebody does not see what that one wrote.
        Manner::AsItGoes => transaction.isolation_level(IsolationLevel::ReadCommitted),
        Manner::AtOneMoment => {
            transaction.isolation_level(IsolationLevel::RepeatableRead).read_only(true)
        }
    };
    let transaction = transaction.start().await?;
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

pub(super) async fn look(transaction: &Transaction<'_>) -> Result<Survey, Error> {
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
    Ok(Survey { checkpoints, set_aside: aside::count(transaction).await? })
}

/// Takes a sequence's watermark from where a batch begins to where it ends. First of all, so that
/// its lock keeps everybody else from the sequence until the end of the transaction, and the lock of
/// the directory's row everybody from taking over.
async fn advance(
    transaction: &Transaction<'_>,
    owner: &Owner,
    writer: &str,
    batch: &Batch,
) -> Result<(), Error> {
    let update = "WITH mine AS MATERIALIZED (
             SELECT 1 FROM redeemd.directory
             WHERE id = $6 AND epoch_number = $7 AND epoch_mark = $8 AND writer = $9 FOR SHARE)
         UPDATE redeemd.watermarks
         SET through = $1, chain = $2, written_at = now()
         FROM mine WHERE sequence = $3 AND through = $4 AND chain = $5";
    let Batch { sequence, from, to, .. } = batch;
    let (id, mark) = (owner.directory.to_string(), owner.mark());
    let parameters: [(&(dyn ToSql + Sync), Type); 9] = [
        (&signed(to.through), Type::INT8),
        (&to.chain.0.as_slice(), Type::BYTEA),
        (&i16::try_from(sequence.0).unwrap_or(i16::MAX), Type::INT2),
        (&signed(from.through), Type::INT8),
        (&from.chain.0.as_slice(), Type::BYTEA),
        (&id, Type::TEXT),
        (&i64::from(owner.epoch_number), Type::INT8),
        (&mark, Type::TEXT),
        (&writer, Type::TEXT),
    ];
    match transaction.execute_typed(update, &parameters).await? {
        1 => Ok(()),
        _ => Err(Error::Moved(format!(
            "{sequence} is not at entry {} there, or another server has taken over",
            from.through
        ))),
    }
}

/// Numbers of entries have 48 bits, so that none is changed by this.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

//! Whose a database is: one life of one data directory, and nobody else writes to it.

use std::hash::{BuildHasher as _, RandomState};

use redeemd_domain::sequence::SequenceId;
use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};

use super::chain::Chain;
use super::error::Error;
use crate::data_directory::Identity;
use crate::journal::DirectoryId;

/// The life of a data directory that a database belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The directory.
    pub directory: DirectoryId,
    pub(super) epoch_number: u32,
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

    /// As the columns of `redeemd.directory` have it: identifier, epoch's number and mark.
    pub(super) fn columns(&self) -> (String, i64, String) {
        (self.directory.to_string(), i64::from(self.epoch_number), self.mark())
    }

    pub(super) fn mark(&self) -> String {
        self.epoch_mark.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Gives a database without an owner this one, and every sequence its beginning.
pub(super) async fn adopt(transaction: &Transaction<'_>, owner: &Owner) -> Result<(), Error> {
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

/// In another encoding than UTF-8 the database would refuse one text after the other.
pub(super) async fn check_encoding(transaction: &Transaction<'_>) -> Result<(), Error> {
    let select = "SELECT current_setting('server_encoding')";
    let encoding: String = transaction.query_typed_one(select, &[]).await?.try_get(0)?;
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(Error::Foreign(format!(
        "the database has the encoding {encoding}; give this server one with the encoding UTF8"
    )))
}

/// Insists that the database belongs to this life of this directory.
pub(super) async fn check(transaction: &Transaction<'_>, owner: &Owner) -> Result<(), Error> {
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
             from a backup, salvaged or rebuilt; give it an empty database, which is filled from \
             the beginning"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Makes a server the one that may write. Waits for whoever writes just now.
pub(super) async fn take_over(
    transaction: &Transaction<'_>,
    owner: &Owner,
    writer: &str,
) -> Result<(), Error> {
    let update = "UPDATE redeemd.directory SET writer = $1
         WHERE id = $2 AND epoch_number = $3 AND epoch_mark = $4";
    let parameters: [(&(dyn ToSql + Sync), Type); 4] = [
        (&writer, Type::TEXT),
        (&owner.directory.to_string(), Type::TEXT),
        (&i64::from(owner.epoch_number), Type::INT8),
        (&owner.mark(), Type::TEXT),
    ];
    match transaction.execute_typed(update, &parameters).await? {
        1 => Ok(()),
        _ => Err(Error::Moved("the database has got another owner".to_owned())),
    }
}

/// What no two servers have in common.
pub(super) fn random_writer() -> String {
    // Each of them has keys of its own, drawn by the operating system.
    let word = || RandomState::new().hash_one("writer");
    format!("{:016x}{:016x}", word(), word())
}

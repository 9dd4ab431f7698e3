//! Reading back what a lost data directory is rebuilt from, and handing the database over to the one
//! that was rebuilt.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use redeemd_domain::control::Withheld;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::timestamp::Timestamp;
use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};

use super::chain::Checkpoint;
use super::error::Error;
use super::migration;
use super::ownership::Owner;
use super::presence::PRESENCE_LASTS;
use super::projection::{Projection, look, signed};
use super::rows::{decode_withheld, timestamp};
use crate::data_directory::{Epoch, Identity};
use crate::journal::DirectoryId;

/// How many outcomes are read at once. Few are larger than a kilobyte, and none than a megabyte.
const PAGE: i64 = 2_000;

/// What a database has.
#[derive(Clone, Debug)]
pub struct Possession {
    /// The directory that wrote it, as far as the database knows it.
    pub directory: DirectoryId,
    /// Which of its lives wrote last.
    pub epoch: Epoch,
    /// Into how many shards its codes are divided.
    pub shards: u16,
    /// How far each sequence is.
    pub checkpoints: BTreeMap<SequenceId, Checkpoint>,
    /// When the mark of each was changed last, by the clock of the database.
    pub written_at: BTreeMap<SequenceId, Timestamp>,
    /// How long ago the server said that it is running; `None` where it ended in an orderly way.
    pub seen: Option<Duration>,
    /// Up to when everything is there that the server had answered, as far as it said so.
    pub complete_until: Option<Timestamp>,
}

impl Possession {
    /// Whether a server still seems to run that writes here.
    pub fn is_alive(&self) -> bool {
        self.seen.is_some_and(|seen| seen < PRESENCE_LASTS)
    }

    /// The identity of the directory that wrote last, with a journal in `engine`.
    pub fn identity(&self, engine: &str) -> Identity {
        let identity = Identity::new(self.directory, self.shards, engine);
        Identity { epoch: self.epoch, ..identity }
    }

    /// The sequences, the control sequence first.
    pub fn sequences(&self) -> impl Iterator<Item = SequenceId> + use<> {
        (0..=self.shards).map(SequenceId)
    }

    /// How far a sequence is.
    pub fn through(&self, sequence: SequenceId) -> u64 {
        self.checkpoints.get(&sequence).map_or(0, |checkpoint| checkpoint.through)
    }
}

impl Projection {
    /// Looks what the database has; `None` where nothing was ever written.
    ///
    /// # Errors
    /// When the database cannot be asked, is newer, or has what nobody wrote.
    pub async fn possession(&self) -> Result<Option<Possession>, Error> {
        self.carry_out(async |transaction| {
            migration::check(transaction).await?;
            possession(transaction).await
        })
        .await
    }

    /// The outcomes of a sequence after an entry, in their order, some of them; none at the end.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn outcomes(
        &self,
        sequence: SequenceId,
        after: u64,
    ) -> Result<Vec<(Position, Vec<u8>)>, Error> {
        let select = "SELECT entry, record FROM redeemd.outcomes
             WHERE sequence = $1 AND entry > $2 ORDER BY entry LIMIT $3";
        self.carry_out(async |transaction| {
            let parameters: [(&(dyn ToSql + Sync), Type); 3] = [
                (&i16::try_from(sequence.0).unwrap_or(i16::MAX), Type::INT2),
                (&i64::try_from(after).unwrap_or(i64::MAX), Type::INT8),
                (&PAGE, Type::INT8),
            ];
            let rows = transaction.query_typed(select, &parameters).await?;
            rows.iter()
                .map(|row| Ok((position(sequence, row.try_get(0)?), row.try_get(1)?)))
                .collect()
        })
        .await
    }

    /// The newest outcome of a sequence.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn newest_outcome(&self, sequence: SequenceId) -> Result<Option<Vec<u8>>, Error> {
        let select = "SELECT record FROM redeemd.outcomes
             WHERE sequence = $1 ORDER BY entry DESC LIMIT 1";
        self.carry_out(async |transaction| {
            let number = i16::try_from(sequence.0).unwrap_or(i16::MAX);
            let rows = transaction.query_typed(select, &[(&number, Type::INT2)]).await?;
            Ok(rows.first().map(|row| row.try_get(0)).transpose()?)
        })
        .await
    }

    /// What outcomes of the control sequence withhold, by their entries. Secrets and API keys are
    /// few.
    ///
    /// # Errors
    /// When the database cannot be asked, or has something else there than was written.
    pub async fn withheld(&self) -> Result<BTreeMap<u64, Withheld>, Error> {
        let select = "SELECT entry, content FROM redeemd.withheld";
        let rows = self.carry_out(async |transaction| {
            let rows = transaction.query_typed(select, &[]).await?;
            let read = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
            rows.iter().map(read).collect::<Result<Vec<(i64, Vec<u8>)>, Error>>()
        });
        let decode = |(entry, content): (i64, Vec<u8>)| {
            let number = entry.unsigned_abs();
            let withheld = decode_withheld(number, &content);
            withheld.map(|withheld| (number, withheld)).ok_or_else(|| {
                Error::Foreign(format!(
                    "redeemd.withheld has something else at entry {entry} than was written there"
                ))
            })
        };
        rows.await?.into_iter().map(decode).collect()
    }

    /// Makes the database that of another life of its directory, if it still has exactly what it was
    /// seen to have, and nobody who writes here lives. Its marks move to where the sequences of that
    /// life begin: between these and what was seen there are no outcomes.
    ///
    /// # Errors
    /// [`Error::Moved`], with nothing changed, where it has something else by now. After
    /// [`super::Kind::Away`] it is not known whether it was handed over.
    pub async fn hand_over(
        &self,
        seen: &Possession,
        epoch: Epoch,
        begins: &BTreeMap<SequenceId, Checkpoint>,
    ) -> Result<(), Error> {
        self.carry_out(async |transaction| {
            // Whoever writes a batch holds its mark's lock, and reads the directory's row.
            let lock = "LOCK TABLE redeemd.watermarks, redeemd.directory IN EXCLUSIVE MODE";
            transaction.batch_execute(lock).await?;
            let now = possession(transaction).await?;
            let is_same = now.as_ref().is_some_and(|now| {
                (now.directory, now.epoch, &now.checkpoints)
                    == (seen.directory, seen.epoch, &seen.checkpoints)
            });
            if !is_same || now.is_some_and(|now| now.is_alive()) {
                return Err(Error::Moved(
                    "a server has written to the database meanwhile; stop it first".to_owned(),
                ));
            }
            let identity = Identity { epoch, ..seen.identity("") };
            let (_, number, mark) = Owner::new(&identity).columns();
            let update = "UPDATE redeemd.directory
                 SET epoch_number = $1, epoch_mark = $2, writer = NULL";
            let parameters: [(&(dyn ToSql + Sync), Type); 2] =
                [(&number, Type::INT8), (&mark, Type::TEXT)];
            transaction.execute_typed(update, &parameters).await?;
            let silence = "UPDATE redeemd.presence SET seen_at = NULL";
            transaction.execute_typed(silence, &[]).await?;
            let number = |sequence: &SequenceId| i16::try_from(sequence.0).unwrap_or(i16::MAX);
            let sequences: Vec<i16> = begins.keys().map(number).collect();
            let through: Vec<i64> = begins.values().map(|begin| signed(begin.through)).collect();
            let update = "UPDATE redeemd.watermarks SET through = begins.through
                 FROM unnest($1::smallint[], $2::bigint[]) AS begins (sequence, through)
                 WHERE watermarks.sequence = begins.sequence";
            let parameters: [(&(dyn ToSql + Sync), Type); 2] =
                [(&sequences, Type::INT2_ARRAY), (&through, Type::INT8_ARRAY)];
            transaction.execute_typed(update, &parameters).await?;
            Ok(())
        })
        .await
    }
}

async fn possession(transaction: &Transaction<'_>) -> Result<Option<Possession>, Error> {
    let select = "SELECT id, epoch_number, epoch_mark, shards, complete_until,
             extract(epoch FROM now() - seen_at)::float8
         FROM redeemd.directory LEFT JOIN redeemd.presence ON true";
    let rows = transaction.query_typed(select, &[]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (id, number, mark, shards): (&str, i64, &str, i32) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    let (complete_until, seen): (Option<SystemTime>, Option<f64>) =
        (row.try_get(4)?, row.try_get(5)?);
    let named = || {
        let epoch = Epoch { number: u32::try_from(number).ok()?, mark: bytes(mark)? };
        Some((DirectoryId(bytes(id)?), epoch, u16::try_from(shards).ok()?))
    };
    let (directory, epoch, shards) = named()
        .ok_or_else(|| Error::Foreign("redeemd.directory names no data directory".to_owned()))?;
    let checkpoints = look(transaction).await?.checkpoints;
    let select = "SELECT sequence, written_at FROM redeemd.watermarks";
    let mut written_at = BTreeMap::new();
    for row in transaction.query_typed(select, &[]).await? {
        let (sequence, at): (i16, SystemTime) = (row.try_get(0)?, row.try_get(1)?);
        written_at.insert(SequenceId(sequence.unsigned_abs()), timestamp(at));
    }
    Ok(Some(Possession {
        directory,
        epoch,
        shards,
        checkpoints,
        written_at,
        seen: seen.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()),
        complete_until: complete_until.map(timestamp),
    }))
}

fn position(sequence: SequenceId, entry: i64) -> Position {
    Position { sequence, number: entry.unsigned_abs() }
}

/// Bytes that are written as hex digits.
fn bytes<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    if text.len() != 2 * LENGTH {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

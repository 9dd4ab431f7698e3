//! Making a data directory again that was lost, out of what is in PostgreSQL.
//!
//! Every outcome is there as the ledger had it, and a digest over all of them. First they are copied
//! into a new ledger and compared with that digest; then the states are brought back from them, each
//! outcome judged once more; then the directory is brought back as a server would, and the states
//! have to be the same. At the very end the database is handed over to the new life of the
//! directory, if nobody has written to it meanwhile, and the directory gets its name.

mod copying;
mod making;
mod states;

use std::path::PathBuf;

use actix_web::rt::SystemRunner;
use redeemd_actors::ledger_record::{decode_control, decode_shard};
use redeemd_config::Settings;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::postgres::{Possession, Projection};

use super::making::{in_the_making, refuse_used};
use super::{Error, Progress};
use crate::application::projection;

/// How many entries a rebuilt sequence passes over behind the last one that is known of. The lost
/// server may have given out entries beyond that one: their numbers, and everything that is made of
/// them (positions between events, identifiers of events and redemptions), are not used again. It is
/// more than any server leaves uncopied: at 10,000 entries a second in every shard, five days of them.
const PASSED_OVER: u64 = 1 << 32;

/// The largest number of an entry: numbers have 48 bits.
const LARGEST_ENTRY: u64 = (1 << 48) - 1;

/// A data directory that was lost, as its database knows it.
pub struct LostDirectory {
    settings: Settings,
    runner: SystemRunner,
    projection: Projection,
    possession: Possession,
    ends: Vec<KnownEnd>,
}

/// Up to where a sequence is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownEnd {
    /// The sequence.
    pub sequence: SequenceId,
    /// Its last entry that is known of.
    pub through: u64,
    /// Where the rebuilt sequence goes on: after this entry.
    pub goes_on_after: u64,
    /// When its last outcome happened that is known of, by the clock of the lost server.
    pub last_outcome: Option<Timestamp>,
    /// When that was written, by the clock of the database.
    pub written_at: Option<Timestamp>,
}

/// A directory that was rebuilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Where it is.
    pub path: PathBuf,
    /// How often it has been restored, salvaged or rebuilt now.
    pub epoch: u32,
    /// What keeps its journal.
    pub engine: String,
    /// Each sequence, the control sequence first.
    pub sequences: Vec<RebuiltSequence>,
}

/// A sequence that was rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuiltSequence {
    /// The sequence.
    pub sequence: SequenceId,
    /// Its last entry that is known of.
    pub known: u64,
    /// Its last entry, with those that are passed over.
    pub last: u64,
    /// How many outcomes it has.
    pub outcomes: u64,
    /// SHA-256 over its state.
    pub state: [u8; 32],
}

impl LostDirectory {
    /// Looks what the database that the settings name has. Changes nothing. Must not be called
    /// within a runtime.
    ///
    /// # Errors
    /// When the place of the data directory is taken, there is no database or nothing in it, or a
    /// server still writes to it.
    pub fn look(settings: &Settings) -> Result<Self, Error> {
        refuse_used(&settings.data_dir)?;
        let options = projection::options(settings)?.ok_or_else(|| {
            Error::Refused("there is no database: postgres.url is empty".to_owned())
        })?;
        let runner = actix_web::rt::System::new();
        let projection = runner.block_on(async { Projection::new(&options) });
        let possession = runner.block_on(projection.possession())?.ok_or_else(|| {
            Error::Refused("no server has ever written to this database".to_owned())
        })?;
        if let Some(seen) = possession.seen.filter(|_| possession.is_alive()) {
            return Err(Error::Refused(format!(
                "a server wrote to this database {} s ago and has not ended; two servers must never \
                 redeem the same codes: stop it, or wait until it was silent for half a minute",
                seen.as_secs()
            )));
        }
        let mut ends = Vec::new();
        for sequence in possession.sequences() {
            let newest = runner.block_on(projection.newest_outcome(sequence))?;
            let through = possession.through(sequence);
            ends.push(KnownEnd {
                sequence,
                through,
                goes_on_after: goes_on_after(through)?,
                last_outcome: newest.map(|bytes| time_of(sequence, &bytes)).transpose()?,
                written_at: possession.written_at.get(&sequence).copied(),
            });
        }
        Ok(Self { settings: settings.clone(), runner, projection, possession, ends })
    }

    /// Up to when everything is known that the lost server had answered, by its clock. What it
    /// answered later may be missing.
    pub fn known_until(&self) -> Timestamp {
        let ends = self.ends.iter().map(|end| end.last_outcome.unwrap_or_default());
        ends.min().unwrap_or_default().max(self.possession.complete_until.unwrap_or_default())
    }

    /// Up to where each sequence is known, the control sequence first.
    pub fn ends(&self) -> &[KnownEnd] {
        &self.ends
    }

    /// Where a rebuilt sequence goes on: after this entry.
    fn goes_on_after(&self, sequence: SequenceId) -> u64 {
        let end = self.ends.iter().find(|end| end.sequence == sequence);
        end.map_or(0, |end| end.goes_on_after)
    }

    /// Makes the directory again, if the loss of what was answered after a time is accepted, with
    /// the journal in `engine`.
    ///
    /// # Errors
    /// When more is lost than is accepted, when what the database has is not what was written there,
    /// when the disk fails, or when a server wrote to it meanwhile. There is no directory then.
    pub fn rebuild(
        self,
        accepted_after: Timestamp,
        engine: Option<&str>,
        progress: &mut dyn Progress,
    ) -> Result<Rebuilt, Error> {
        if accepted_after > self.known_until() {
            return Err(Error::Refused(
                "what was answered before that time may be lost, too; accept the loss after the \
                 time up to which everything is known, or an earlier one"
                    .to_owned(),
            ));
        }
        let engine = engine.unwrap_or(self.settings.journal.engine.name()).to_owned();
        let place = self.settings.data_dir.clone();
        in_the_making(&place, |part| making::make(&self, part, &engine, progress))
    }
}

/// Where a sequence that is known up to an entry goes on.
fn goes_on_after(through: u64) -> Result<u64, Error> {
    let last = through.saturating_add(PASSED_OVER);
    (last < LARGEST_ENTRY - PASSED_OVER).then_some(last).ok_or_else(|| {
        Error::Refused(format!("entry {through} is too large for its sequence to go on beyond it"))
    })
}

/// When an outcome happened.
fn time_of(sequence: SequenceId, bytes: &[u8]) -> Result<Timestamp, Error> {
    let time = match sequence {
        SequenceId::CONTROL => decode_control(bytes).map(|record| record.at),
        _ => decode_shard(bytes).map(|record| record.at),
    };
    time.map_err(|error| Error::Refused(format!("the newest outcome of {sequence}: {error}")))
}

//! Opening a journal: recover what is stored, check it against what others have seen, go on.

use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use super::chain::Tail;
use super::error::{Error, Place};
use super::options::{Engine, Options};
use super::requirement::Requirement;
use super::space::{FOLDER, Space};
use super::store::Opened;
use super::verifier::{Verifier, Wanted};
use super::writer::Writer;
use super::{FrameVisitor, Journal, memory, segment, sled};
use crate::disk::Disk;

/// What opening a journal found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryReport {
    /// How many blocks were read.
    pub blocks: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many frames were given to the visitor.
    pub replayed_frames: u64,
    /// How many entries those hold.
    pub replayed_entries: u64,
    /// The block that was being written when the process or the power ended, if any: it was never
    /// acknowledged and has been cut off.
    pub torn_tail: Option<TornTail>,
    /// Where each sequence with any entry ends.
    pub tails: Vec<(SequenceId, Tail)>,
    /// Whether there is a reserve file now.
    pub reserve: Reserve,
}

impl RecoveryReport {
    pub(crate) fn of(verifier: &Verifier<'_, '_>, torn_tail: Option<TornTail>) -> Self {
        let counts = verifier.counts();
        Self {
            blocks: counts.blocks,
            bytes: counts.bytes,
            replayed_frames: counts.visited_frames,
            replayed_entries: counts.visited_entries,
            torn_tail,
            tails: verifier.chains().tails().collect(),
            reserve: Reserve::Missing,
        }
    }
}

/// A block that was not completely written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Where it began.
    pub place: Place,
    /// How many bytes of it were there: from the place to the last byte that is not zero.
    pub dropped_bytes: u64,
}

/// What became of the reserve file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserve {
    /// It is there.
    Present,
    /// It was given up because the disk has less free space than the minimum.
    GivenUp,
    /// It is not there, and there is no room for it, or none is configured.
    Missing,
}

/// Opens the journal of a data directory, or makes an empty one, and gives `visit` every frame that
/// holds an entry which is not covered by a snapshot, in block order.
///
/// # Errors
/// See [`Error`]. Nothing is changed when the journal is refused.
pub fn open(
    disk: Arc<dyn Disk>,
    options: &Options,
    requirements: &[Requirement],
    visit: &mut FrameVisitor<'_>,
) -> Result<(Box<dyn Journal>, RecoveryReport), Error> {
    let space = Space::new(Arc::clone(&disk), options.minimum_free_bytes, options.reserve_bytes);
    let in_memory = matches!(options.engine, Engine::Memory(_));
    if !in_memory || options.reserve_bytes > 0 {
        disk.create_folder(FOLDER)?;
        disk.sync_folder("")?;
    }
    refuse_another_engine(&*disk, &options.engine)?;
    let full = space.check(0).is_err();
    let gives_up = full && space.has_reserve()?;
    if gives_up {
        space.give_up_reserve()?;
    }
    let mut verifier = Verifier::new(options.directory, Wanted::beyond(requirements), visit);
    let mut opened = open_engine(&disk, &options.engine, &space, &mut verifier, requirements)?;
    let mut report = opened.report.clone();
    report.reserve = if gives_up {
        Reserve::GivenUp
    } else if options.reserve_bytes > 0 && !full && space.restore_reserve()? {
        Reserve::Present
    } else {
        Reserve::Missing
    };
    opened.report = report.clone();
    Ok((Box::new(Writer::new(opened, space)), report))
}

/// Opens what an engine has; an empty one begins where the verifier stands.
pub(super) fn open_engine(
    disk: &Arc<dyn Disk>,
    engine: &Engine,
    space: &Space,
    verifier: &mut Verifier<'_, '_>,
    requirements: &[Requirement],
) -> Result<Opened, Error> {
    match engine {
        Engine::Memory(storage) => memory::open(storage, verifier, requirements),
        Engine::Segment { segment_bytes, preparation } => {
            let settings = segment::Settings {
                disk: Arc::clone(disk),
                space: space.clone(),
                segment_bytes: *segment_bytes,
                preparation: *preparation,
            };
            segment::open(&settings, verifier, requirements)
        }
        Engine::Sled { folder, cache_bytes } => {
            sled::open(folder, *cache_bytes, verifier, requirements)
        }
    }
}

/// A directory keeps its engine: beside another one's files, an empty journal must not begin.
fn refuse_another_engine(disk: &dyn Disk, engine: &Engine) -> Result<(), Error> {
    let has = |folder: &str, matches: fn(&str) -> bool| {
        disk.list(folder).is_ok_and(|names| names.iter().any(|name| matches(name)))
    };
    let other = match engine {
        Engine::Memory(_) => None,
        Engine::Segment { .. } => has(sled::FOLDER, |_| true).then_some("sled"),
        Engine::Sled { .. } => has(FOLDER, |name| name.ends_with(".segment")).then_some("segment"),
    };
    match other {
        None => Ok(()),
        Some(other) => Err(Error::Options(format!(
            "{FOLDER} was made with the engine {other}; set this engine in the configuration"
        ))),
    }
}

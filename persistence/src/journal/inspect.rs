//! Looking at a journal without touching it.
//!
//! sled writes when it opens. So where the engine is sled, its folder must be that of a copy, which
//! the caller makes beside the original and throws away.

use std::path::PathBuf;
use std::sync::Arc;

use super::FrameVisitor;
use super::chain::DirectoryId;
use super::error::{Error, Place};
use super::open::{RecoveryReport, TornTail};
use super::options::{Engine, Options, Preparation};
use super::requirement::Requirement;
use super::segment::{self, Settings};
use super::sled;
use super::space::Space;
use super::verifier::{Verifier, Wanted};
use crate::disk::Disk;

/// Checks the whole journal as [`open`](super::open) does, gives `visit` every frame that is not
/// covered by a snapshot, and changes nothing. A torn tail is reported, not cut off.
///
/// # Errors
/// As [`open`](super::open).
pub fn inspect(
    disk: Arc<dyn Disk>,
    options: &Options,
    requirements: &[Requirement],
    visit: &mut FrameVisitor<'_>,
) -> Result<RecoveryReport, Error> {
    let wanted = Wanted::beyond(requirements);
    let mut verifier = Verifier::new(options.directory, wanted, visit);
    let torn_tail = Source::of(disk, options)?.read(&mut verifier, &mut |_| Ok(()))?;
    verifier.check_end(requirements)?;
    Ok(RecoveryReport::of(&verifier, torn_tail))
}

/// What is looked at.
pub(super) enum Source {
    Segment(Settings),
    Sled { folder: PathBuf, cache_bytes: u64 },
}

impl Source {
    pub(super) fn of(disk: Arc<dyn Disk>, options: &Options) -> Result<Self, Error> {
        match &options.engine {
            Engine::Segment { segment_bytes, .. } => {
                let space = Space::new(Arc::clone(&disk), 0, 0);
                let (segment_bytes, preparation) = (*segment_bytes, Preparation::Inline);
                Ok(Self::Segment(Settings { disk, space, segment_bytes, preparation }))
            }
            Engine::Sled { folder, cache_bytes } => {
                Ok(Self::Sled { folder: folder.clone(), cache_bytes: *cache_bytes })
            }
            Engine::Memory(_) => {
                let reason = "the engine memory keeps nothing that could be looked at";
                Err(Error::Options(reason.to_owned()))
            }
        }
    }

    /// Reads everything as recovery does, and tells `note` of every block; the anchor comes first.
    pub(super) fn read(
        &self,
        verifier: &mut Verifier<'_, '_>,
        note: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<Option<TornTail>, Error> {
        match self {
            Self::Segment(settings) => segment::inspect(settings, verifier, note),
            Self::Sled { folder, cache_bytes } => {
                sled::inspect(folder, *cache_bytes, verifier, note)
            }
        }
    }

    /// Gives `visit` everything from a place on that looks like a block, in order. Returns the files
    /// that were read.
    pub(super) fn later_blocks(
        &self,
        directory: DirectoryId,
        place: &Place,
        visit: &mut dyn FnMut(&[u8]),
    ) -> Result<Vec<String>, Error> {
        match self {
            Self::Segment(settings) => segment::later_blocks(settings, directory, place, visit),
            Self::Sled { folder, cache_bytes } => {
                sled::later_blocks(folder, *cache_bytes, place.block, visit)?;
                Ok(vec![sled::FOLDER.to_owned()])
            }
        }
    }
}

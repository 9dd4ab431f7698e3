//! Looking at a journal without touching it, and cutting it off where it is damaged.
//!
//! Only the segment engine can be inspected: sled writes when it opens, and what it cannot open
//! nobody can read. A sled journal is inspected by opening a copy of its directory.

use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use super::chain::Tail;
use super::error::{Error, Place};
use super::open::RecoveryReport;
use super::options::{Engine, Options, Preparation};
use super::requirement::Requirement;
use super::segment::{self, Settings};
use super::space::Space;
use super::verifier::{Verifier, Wanted};
use super::{Frame, FrameVisitor};
use crate::disk::Disk;

/// What a salvage would lose, or has lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Where the journal would be cut off.
    pub place: Place,
    /// What is wrong there.
    pub damage: String,
    /// Where each sequence would end.
    pub kept: Vec<(SequenceId, Tail)>,
    /// The entries behind the place that can still be read, and would be lost: for each sequence
    /// the first after what is kept, and the last that was found. What cannot be read any more is
    /// lost already and may be more.
    pub lost: Vec<(SequenceId, u64, u64)>,
    /// The files that would be set aside, under their names with `.damaged` behind them.
    pub files: Vec<String>,
}

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
    let settings = settings(disk, options)?;
    let wanted = Wanted::beyond(requirements);
    let mut verifier = Verifier::new(options.directory, wanted, visit);
    let torn_tail = segment::inspect(&settings, &mut verifier)?;
    verifier.check_end(requirements)?;
    Ok(RecoveryReport::of(&verifier, torn_tail))
}

/// Says what would be lost if the journal were cut off at its first damage; `None` when it is not
/// damaged. Changes nothing.
///
/// # Errors
/// When the disk fails, or when the journal is refused for another reason than damage, or when the
/// damage leaves nothing that could be kept.
pub fn assess(disk: Arc<dyn Disk>, options: &Options) -> Result<Option<Loss>, Error> {
    let settings = settings(disk, options)?;
    let visit = &mut |_: Frame<'_>| Ok(());
    let wanted = Wanted::beyond(&[]);
    let mut verifier = Verifier::new(options.directory, wanted, visit);
    match segment::inspect(&settings, &mut verifier) {
        Ok(_) => Ok(None),
        Err(Error::Damaged { place, damage }) if verifier.has_begun() => {
            let kept: Vec<(SequenceId, Tail)> = verifier.chains().tails().collect();
            let (files, lost) = segment::behind(&settings, &place, verifier.chains())?;
            Ok(Some(Loss { place, damage: damage.to_string(), kept, lost, files }))
        }
        Err(error) => Err(error),
    }
}

/// Cuts the journal off where `loss` says, which must be what [`assess`] says now. The files that
/// are changed are kept aside. What snapshots and ledger have seen beyond is not undone by this:
/// [`open`](super::open) goes on to refuse a journal that ends before it.
///
/// # Errors
/// When the disk fails; it can then be repeated.
pub fn salvage(disk: Arc<dyn Disk>, options: &Options, loss: &Loss) -> Result<(), Error> {
    let settings = settings(Arc::clone(&disk), options)?;
    if assess(disk, options)?.as_ref() != Some(loss) {
        let reason = "the damage is not the one that was assessed; assess it again";
        return Err(Error::Options(reason.to_owned()));
    }
    Ok(segment::cut(&settings, &loss.place)?)
}

fn settings(disk: Arc<dyn Disk>, options: &Options) -> Result<Settings, Error> {
    let Engine::Segment { segment_bytes, .. } = options.engine else {
        let reason = "only segments can be inspected; open a copy of the directory instead";
        return Err(Error::Options(reason.to_owned()));
    };
    let space = Space::new(Arc::clone(&disk), 0, 0);
    Ok(Settings { disk, space, segment_bytes, preparation: Preparation::Inline })
}

//! What can be kept of a damaged journal, and making a new one out of that.
//!
//! There are two ways. What stands *before* the first damage can always be kept. What stands *behind*
//! the last damage can be kept as well where snapshots make up for what the damage took away: of the
//! sequences that have a gap there, everything up to its end is left out. Then nothing is lost at all.
//! Which way is open only the owner of the snapshots can say.

use std::collections::BTreeMap;
use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use super::Frame;
use super::block::{self, Builder, HEADER_BYTES, Header, Kind};
use super::chain::{Chains, DirectoryId, Tail};
use super::error::{Error, Place};
use super::frame::StoredFrame;
use super::import::{Import, Imported};
use super::inspect::Source;
use super::options::Options;
use super::verifier::{Verifier, Wanted};
use crate::disk::Disk;

/// What a damaged journal still has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The first damage.
    pub place: Place,
    /// What is wrong there.
    pub damage: String,
    /// Where each sequence ends before it.
    pub kept: Vec<(SequenceId, Tail)>,
    /// The entries behind the place that can still be read: for each sequence the first after what
    /// is kept, and the last that was found. What cannot be read any more may be more.
    pub lost: Vec<(SequenceId, u64, u64)>,
    /// The files in which they lie.
    pub files: Vec<String>,
    /// The blocks after the last damage, if there are any.
    pub rest: Option<Rest>,
}

/// Intact blocks up to the journal's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The number of the first of them.
    pub first_block: u64,
    /// Where each sequence that is in them stands before them: its entries up to there are not in
    /// them.
    pub before: Vec<(SequenceId, Tail)>,
    /// Where each of those sequences ends.
    pub ends: Vec<(SequenceId, Tail)>,
}

/// Which part of a damaged journal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Everything before the first damage.
    Before,
    /// Everything behind the last damage, and before the first what has no gap: see [`Loss::gaps`].
    After,
}

/// Says what is damaged and what is left; `None` when nothing is damaged. Changes nothing. For sled
/// see [`inspect`](super::inspect): the folder must be that of a copy.
///
/// # Errors
/// When the disk fails, or when the journal is refused for another reason than damage.
pub fn assess(disk: Arc<dyn Disk>, options: &Options) -> Result<Option<Loss>, Error> {
    let source = Source::of(disk, options)?;
    let ignore = &mut |_: Frame<'_>| Ok(());
    let mut verifier = Verifier::new(options.directory, Wanted::beyond(&[]), ignore);
    let (place, damage) = match source.read(&mut verifier, &mut |_| Ok(())) {
        Ok(_) => return Ok(None),
        Err(Error::Damaged { place, damage }) => (place, damage),
        Err(error) => return Err(error),
    };
    let kept = verifier.chains();
    let mut found = Found::new(options.directory);
    let mut visit = |bytes: &[u8]| found.block(bytes);
    let files = source.later_blocks(options.directory, &place, &mut visit)?;
    let lost = found.last.iter().filter_map(|(&sequence, &last)| {
        let first = kept.last(sequence) + 1;
        (first <= last).then_some((sequence, first, last))
    });
    Ok(Some(Loss {
        place,
        damage: damage.to_string(),
        lost: lost.collect(),
        kept: kept.tails().collect(),
        files,
        rest: found.run.map(Run::rest),
    }))
}

impl Loss {
    /// The sequences that have a gap between what stands before the damage and the [`Rest`], with the
    /// last entry of the gap: something else has to make up for everything up to there.
    pub fn gaps(&self) -> impl Iterator<Item = (SequenceId, Tail)> + '_ {
        let before = self.rest.iter().flat_map(|rest| &rest.before);
        before.copied().filter(|&(sequence, tail)| {
            let kept = self.kept.iter().find(|(known, _)| *known == sequence);
            match kept {
                Some((_, kept)) => *kept != tail,
                None => tail.last > 0,
            }
        })
    }
}

/// Makes a new journal, in an empty place, out of a part of a damaged one. Changes nothing of the
/// old one. `loss` is what [`assess`] says of it.
///
/// # Errors
/// When a disk fails or is full, or when the damage is another one now.
pub fn rebuild(
    disk: Arc<dyn Disk>,
    options: &Options,
    loss: &Loss,
    keep: Keep,
    mut to: Import,
) -> Result<Imported, Error> {
    let source = Source::of(disk, options)?;
    match (keep, &loss.rest) {
        (Keep::Before, _) => {
            read_up_to_damage(&source, options, loss, &mut |bytes| to.take(bytes))?;
            to.finish()
        }
        (Keep::After, Some(rest)) => leave_out_gaps(&source, options, loss, rest, to),
        (Keep::After, None) => Err(Error::Options("nothing follows the damage".to_owned())),
    }
}

/// Tells `note` of every block before the damage.
fn read_up_to_damage(
    source: &Source,
    options: &Options,
    loss: &Loss,
    note: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let ignore = &mut |_: Frame<'_>| Ok(());
    let mut verifier = Verifier::new(options.directory, Wanted::beyond(&[]), ignore);
    match source.read(&mut verifier, note) {
        Err(Error::Damaged { place, .. }) if place == loss.place => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(Error::Options("there is no damage any more".to_owned())),
    }
}

/// Puts together what stands before and behind the damage, without what the sequences that have a
/// gap had before it. The blocks are numbered anew.
fn leave_out_gaps(
    source: &Source,
    options: &Options,
    loss: &Loss,
    rest: &Rest,
    mut to: Import,
) -> Result<Imported, Error> {
    let directory = options.directory;
    let gaps: BTreeMap<SequenceId, Tail> = loss.gaps().collect();
    let mut builder = Builder::default();
    let mut number = None;
    let begin = |mut chains: Chains, first: u64, to: &mut Import| {
        gaps.iter().for_each(|(&sequence, &tail)| chains.set(sequence, tail));
        to.take(Builder::default().anchor(&chains, first).bytes())
    };
    read_up_to_damage(source, options, loss, &mut |bytes| {
        let Some(number) = &mut number else {
            let first = Header::decode(bytes).map_or(1, |header| header.number);
            let chains = block::decode_anchor(body_of(bytes), directory);
            number = Some(first);
            return begin(chains.unwrap_or_else(|| Chains::new(directory)), first, &mut to);
        };
        let body = builder.begin();
        let empty = body.len();
        let mut frames = body_of(bytes);
        while let Some((stored, after)) = StoredFrame::decode(frames) {
            if !gaps.contains_key(&stored.frame.sequence) {
                body.extend_from_slice(stored.bytes);
            }
            frames = after;
        }
        if body.len() == empty {
            return Ok(());
        }
        to.take(builder.finish(Kind::Entries, directory, *number).bytes())?;
        *number += 1;
        Ok(())
    })?;
    let mut number = match number {
        Some(number) => number,
        None => {
            begin(Chains::new(directory), 1, &mut to)?;
            1
        }
    };
    let mut taken = Ok(());
    let mut visit = |bytes: &[u8]| {
        let header = Header::decode(bytes).ok();
        let is_kept = header
            .is_some_and(|header| header.number >= rest.first_block && header.fits(body_of(bytes)));
        if is_kept && taken.is_ok() {
            builder.begin().extend_from_slice(body_of(bytes));
            taken = to.take(builder.finish(Kind::Entries, directory, number).bytes());
            number += 1;
        }
    };
    source.later_blocks(directory, &loss.place, &mut visit)?;
    taken.and_then(|()| to.finish())
}

fn body_of(block: &[u8]) -> &[u8] {
    block.get(HEADER_BYTES..).unwrap_or_default()
}

/// What is found behind the first damage.
struct Found {
    directory: DirectoryId,
    /// The last entry of each sequence, in whatever block.
    last: BTreeMap<SequenceId, u64>,
    /// The newest run of intact blocks.
    run: Option<Run>,
}

/// Intact blocks that follow each other.
struct Run {
    first_block: u64,
    next_block: u64,
    before: Chains,
    chains: Chains,
}

impl Found {
    fn new(directory: DirectoryId) -> Self {
        Self { directory, last: BTreeMap::new(), run: None }
    }

    fn block(&mut self, bytes: &[u8]) {
        let Ok(header) = Header::decode(bytes) else { return };
        let body = body_of(bytes);
        let mut rest = body;
        while let Some((stored, after)) = StoredFrame::decode(rest) {
            if let Some(last) = stored.frame.last().filter(|_| stored.intact) {
                let known = self.last.entry(stored.frame.sequence).or_default();
                *known = last.max(*known);
            }
            rest = after;
        }
        if !header.fits(body) {
            return;
        }
        let run = self.run.take().filter(|run| run.next_block == header.number);
        let run = run.and_then(|run| run.extended(body));
        self.run = run.or_else(|| Run::new(self.directory, header.number).extended(body));
    }
}

impl Run {
    fn new(directory: DirectoryId, first_block: u64) -> Self {
        let before = Chains::new(directory);
        Self { first_block, next_block: first_block, chains: before.clone(), before }
    }

    /// The run with one more block; `None` when the block does not follow.
    fn extended(mut self, body: &[u8]) -> Option<Self> {
        let mut rest = body;
        while !rest.is_empty() {
            let (stored, after) = StoredFrame::decode(rest).filter(|(stored, _)| stored.intact)?;
            let frame = stored.frame;
            if self.chains.tails().all(|(sequence, _)| sequence != frame.sequence) {
                let tail = Tail { last: frame.first.checked_sub(1)?, digest: stored.previous };
                self.before.set(frame.sequence, tail);
                self.chains.set(frame.sequence, tail);
            }
            self.chains.follow(&frame, stored.previous, stored.bytes).ok()?;
            rest = after;
        }
        self.next_block += 1;
        Some(self)
    }

    fn rest(self) -> Rest {
        Rest {
            first_block: self.first_block,
            before: self.before.tails().collect(),
            ends: self.chains.tails().collect(),
        }
    }
}

//! Checks blocks as they are read: numbers, checksums, chains. The same for every engine.

use std::collections::BTreeMap;

use redeemd_domain::sequence::SequenceId;

use super::block::{self, Header, Kind};
use super::chain::{Chains, DirectoryId, Misfit, Tail};
use super::error::{Damage, Error, Place};
use super::frame::StoredFrame;
use super::requirement::Requirement;
use super::{Frame, FrameVisitor};

/// Which frames the visitor wants.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// Those of all sequences, after the entries that the map names.
    All(BTreeMap<SequenceId, u64>),
    /// Those of one sequence, after an entry.
    One(SequenceId, u64),
}

impl Wanted {
    /// What is not covered by the snapshots that the requirements speak of.
    pub(crate) fn beyond(requirements: &[Requirement]) -> Self {
        Self::All(requirements.iter().map(|known| (known.sequence, known.covered)).collect())
    }

    fn wants(&self, frame: &Frame<'_>) -> bool {
        let after = match self {
            Self::All(covered) => covered.get(&frame.sequence).copied().unwrap_or(0),
            Self::One(sequence, after) if *sequence == frame.sequence => *after,
            Self::One(..) => return false,
        };
        frame.last().is_some_and(|last| last > after)
    }
}

/// What was counted on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) blocks: u64,
    pub(crate) bytes: u64,
    pub(crate) visited_frames: u64,
    pub(crate) visited_entries: u64,
}

/// Follows the blocks of a journal in order.
pub(crate) struct Verifier<'a, 'v> {
    chains: Chains,
    /// The chains where the journal begins, once its first anchor was read.
    beginning: Option<Chains>,
    next_block: u64,
    wanted: Wanted,
    visit: &'a mut FrameVisitor<'v>,
    counts: Counts,
}

impl<'a, 'v> Verifier<'a, 'v> {
    pub(crate) fn new(
        directory: DirectoryId,
        wanted: Wanted,
        visit: &'a mut FrameVisitor<'v>,
    ) -> Self {
        Self {
            chains: Chains::new(directory),
            beginning: None,
            next_block: 1,
            wanted,
            visit,
            counts: Counts::default(),
        }
    }

    /// Goes on where the chains stand before a block.
    pub(crate) fn resume(chains: Chains, next_block: u64, visit: &'a mut FrameVisitor<'v>) -> Self {
        let mut verifier = Self::new(chains.directory(), Wanted::beyond(&[]), visit);
        verifier.beginning = Some(chains.clone());
        verifier.chains = chains;
        verifier.next_block = next_block;
        verifier
    }

    pub(crate) fn chains(&self) -> &Chains {
        &self.chains
    }

    /// The chains where the journal begins.
    pub(crate) fn beginning(&self) -> &Chains {
        self.beginning.as_ref().unwrap_or(&self.chains)
    }

    pub(crate) fn next_block(&self) -> u64 {
        self.next_block
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether a header may stand here: right directory, right number.
    pub(crate) fn check_header(&self, place: &Place, header: &Header) -> Result<(), Error> {
        let expected = self.chains.directory();
        if header.directory != expected {
            return Err(Error::ForeignDirectory {
                place: place.clone(),
                found: header.directory,
                expected,
            });
        }
        let begins = header.kind == Kind::Anchor && self.beginning.is_none();
        if !begins && header.number != self.next_block {
            let damage = Damage::BlockNumber { expected: self.next_block, found: header.number };
            return Err(Error::Damaged { place: place.clone(), damage });
        }
        Ok(())
    }

    /// Takes in a block whose body fits its header.
    pub(crate) fn block(
        &mut self,
        place: &Place,
        header: &Header,
        body: &[u8],
    ) -> Result<(), Error> {
        self.check_header(place, header)?;
        self.counts.bytes += header.block_length() as u64;
        match header.kind {
            Kind::Anchor => self.anchor(place, header, body),
            Kind::Entries => self.entries(place, body),
        }
    }

    fn anchor(&mut self, place: &Place, header: &Header, body: &[u8]) -> Result<(), Error> {
        let damaged = |damage| Err(Error::Damaged { place: place.clone(), damage });
        let Some(chains) = block::decode_anchor(body, self.chains.directory()) else {
            return damaged(Damage::Malformed);
        };
        if self.beginning.is_none() {
            self.beginning = Some(chains.clone());
            self.next_block = header.number;
            self.chains = chains;
            return self.check_beginning();
        }
        if chains == self.chains { Ok(()) } else { damaged(Damage::Anchor) }
    }

    fn check_beginning(&self) -> Result<(), Error> {
        let check = |sequence: SequenceId, covered: u64| {
            let last = self.chains.last(sequence);
            if last <= covered {
                return Ok(());
            }
            Err(Error::Released { sequence, first: last + 1, needed: covered + 1 })
        };
        match &self.wanted {
            Wanted::All(covered) => {
                covered.iter().try_for_each(|(sequence, covered)| check(*sequence, *covered))
            }
            Wanted::One(sequence, after) => check(*sequence, *after),
        }
    }

    fn entries(&mut self, place: &Place, body: &[u8]) -> Result<(), Error> {
        let damaged = |damage| Error::Damaged { place: place.clone(), damage };
        let mut rest = body;
        while !rest.is_empty() {
            let Some((stored, after)) = StoredFrame::decode(rest).filter(|(stored, _)| {
                stored.intact && stored.frame.count > 0 && stored.frame.first > 0
            }) else {
                return Err(damaged(Damage::Malformed));
            };
            rest = after;
            let frame = stored.frame;
            let Frame { sequence, first, .. } = frame;
            self.chains.follow(&frame, stored.previous, stored.bytes).map_err(|misfit| {
                damaged(match misfit {
                    Misfit::Number { expected } => Damage::Gap { sequence, expected, found: first },
                    Misfit::Digest => Damage::BrokenChain { sequence, first },
                })
            })?;
            if self.wanted.wants(&frame) {
                (self.visit)(frame).map_err(|reason| Error::Rejected {
                    sequence,
                    first,
                    reason,
                })?;
                self.counts.visited_frames += 1;
                self.counts.visited_entries += u64::from(frame.count);
            }
        }
        self.counts.blocks += 1;
        self.next_block += 1;
        Ok(())
    }

    /// Whether the journal reaches as far as others have seen it, now that it was read to its end.
    pub(crate) fn check_end(&self, requirements: &[Requirement]) -> Result<(), Error> {
        requirements.iter().try_for_each(|known| {
            let Tail { last, .. } = self.chains.tail(known.sequence);
            let (sequence, seen) = (known.sequence, known.seen.max(known.covered));
            if last >= seen { Ok(()) } else { Err(Error::Shortened { sequence, last, seen }) }
        })
    }
}

/// The first frame of a damaged body whose own checksum is wrong, as far as it can be read.
pub(crate) fn first_damaged_frame(body: &[u8]) -> Option<(SequenceId, u64)> {
    let mut rest = body;
    while let Some((stored, after)) = StoredFrame::decode(rest) {
        if !stored.intact {
            return Some((stored.frame.sequence, stored.frame.first));
        }
        rest = after;
    }
    None
}

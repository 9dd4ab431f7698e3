//! The chains: for every sequence, where it ends and the digest of its last frame.

use std::collections::BTreeMap;
use std::fmt;

use redeemd_domain::sequence::SequenceId;
use sha2::{Digest as _, Sha256};

use super::frame::Frame;

/// The identity of a data directory: random bytes, drawn when the directory was made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DirectoryId(pub [u8; 16]);

impl fmt::Display for DirectoryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hexadecimal(&self.0, formatter)
    }
}

impl fmt::Debug for DirectoryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DirectoryId({self})")
    }
}

/// The digest of a frame, which covers all frames of its sequence before it: SHA-256 of the frame,
/// which contains the digest of the one before, cut to 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChainDigest(pub [u8; 16]);

impl ChainDigest {
    /// The digest that stands before the first frame of a sequence.
    pub fn genesis(directory: DirectoryId, sequence: SequenceId) -> Self {
        let hash = Sha256::new()
            .chain_update(b"redeemd journal genesis 1")
            .chain_update(directory.0)
            .chain_update(sequence.0.to_le_bytes())
            .finalize();
        Self::cut(&hash)
    }

    /// The digest of a frame, given its stored bytes.
    pub(crate) fn of(frame: &[u8]) -> Self {
        Self::cut(&Sha256::digest(frame))
    }

    fn cut(hash: &[u8]) -> Self {
        let mut digest = [0; 16];
        for (to, from) in digest.iter_mut().zip(hash) {
            *to = *from;
        }
        Self(digest)
    }
}

impl fmt::Display for ChainDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hexadecimal(&self.0, formatter)
    }
}

impl fmt::Debug for ChainDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ChainDigest({self})")
    }
}

fn write_hexadecimal(bytes: &[u8], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
}

/// Where a sequence ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The number of the last entry; 0 when there is none yet.
    pub last: u64,
    /// The digest of the last frame.
    pub digest: ChainDigest,
}

/// The tails of all sequences at one point between two blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chains {
    directory: DirectoryId,
    tails: BTreeMap<SequenceId, Tail>,
}

/// Why a frame does not follow its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// Its first number is not the next one.
    Number { expected: u64 },
    /// It was written after another frame than the one that precedes it here.
    Digest,
}

impl Chains {
    /// No entry yet.
    pub(crate) fn new(directory: DirectoryId) -> Self {
        Self { directory, tails: BTreeMap::new() }
    }

    pub(crate) fn directory(&self) -> DirectoryId {
        self.directory
    }

    pub(crate) fn tail(&self, sequence: SequenceId) -> Tail {
        self.tails.get(&sequence).copied().unwrap_or_else(|| Tail {
            last: 0,
            digest: ChainDigest::genesis(self.directory, sequence),
        })
    }

    pub(crate) fn last(&self, sequence: SequenceId) -> u64 {
        self.tails.get(&sequence).map_or(0, |tail| tail.last)
    }

    /// The tails of the sequences that have any entry, by sequence.
    pub(crate) fn tails(&self) -> impl ExactSizeIterator<Item = (SequenceId, Tail)> + '_ {
        self.tails.iter().map(|(sequence, tail)| (*sequence, *tail))
    }

    pub(crate) fn set(&mut self, sequence: SequenceId, tail: Tail) {
        self.tails.insert(sequence, tail);
    }

    /// Moves on over a frame that was read, whose stored bytes are `stored`.
    pub(crate) fn follow(
        &mut self,
        frame: &Frame<'_>,
        previous: ChainDigest,
        stored: &[u8],
    ) -> Result<(), Misfit> {
        let tail = self.tail(frame.sequence);
        if tail.last.checked_add(1) != Some(frame.first) {
            return Err(Misfit::Number { expected: tail.last.saturating_add(1) });
        }
        if tail.digest != previous {
            return Err(Misfit::Digest);
        }
        let last = frame.last().ok_or(Misfit::Number { expected: frame.first })?;
        self.set(frame.sequence, Tail { last, digest: ChainDigest::of(stored) });
        Ok(())
    }
}

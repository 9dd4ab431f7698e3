//! The chain: a digest over everything of a sequence that was projected.

use redeemd_domain::sequence::SequenceId;
use sha2::{Digest as _, Sha256};

use crate::journal::DirectoryId;

/// A digest over the outcomes of a sequence up to one of them. Two pasts that differ in anything
/// have different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain(pub [u8; 16]);

impl Chain {
    /// That of a sequence without outcomes.
    pub fn genesis(directory: DirectoryId, sequence: SequenceId) -> Self {
        let hash = Sha256::new()
            .chain_update(b"redeemd projection genesis 1")
            .chain_update(directory.0)
            .chain_update(sequence.0.to_le_bytes())
            .finalize();
        Self(cut(&hash))
    }

    /// That of the outcomes before, and one more: its number and its bytes in the ledger.
    #[must_use]
    pub fn followed_by(self, number: u64, record: &[u8]) -> Self {
        let hash = Sha256::new()
            .chain_update(self.0)
            .chain_update(number.to_le_bytes())
            .chain_update(record)
            .finalize();
        Self(cut(&hash))
    }
}

/// How far a sequence is projected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number of the last entry that was looked at, whether or not it left an outcome.
    pub through: u64,
    /// The digest over all outcomes up to there.
    pub chain: Chain,
}

impl Checkpoint {
    /// Before the first entry of a sequence.
    pub fn genesis(directory: DirectoryId, sequence: SequenceId) -> Self {
        Self { through: 0, chain: Chain::genesis(directory, sequence) }
    }
}

fn cut(hash: &[u8]) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
    digest
}

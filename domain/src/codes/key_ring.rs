//! The sealing keys that are live at one time, by epoch. It must never know where keys are kept
//! or which campaigns use them.

use std::fmt;

use aes::Block;
use serde::{Deserialize, Serialize};

use super::sealing_key::{BLOCKS_AT_ONCE, identity};
use super::{CampaignNumber, CodeKey, SealedBlock, SealingKey, Serial};

/// The number of a sealing key's epoch. Epochs are counted up and never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyEpoch(pub u32);

impl fmt::Display for KeyEpoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What a sealed code turned out to be.
///
/// The caller compares `epoch` with the epoch of the campaign: otherwise whoever learned *one*
/// live key could make codes of campaigns that are sealed with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The epoch whose key opened the code.
    pub epoch: KeyEpoch,
    /// The campaign that the code names.
    pub campaign: CampaignNumber,
    /// The code's number within that campaign; it need not have been issued.
    pub serial: Serial,
}

impl Opened {
    /// The key under which the state machine knows the code.
    pub const fn key(&self) -> CodeKey {
        CodeKey::Sealed { campaign: self.campaign, serial: self.serial }
    }
}

/// Why a key cannot join a [`KeyRing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// There are [`KeyRing::CAPACITY`] live keys; one has to retire first.
    #[error("there are {} live sealing keys already; retire one first", KeyRing::CAPACITY)]
    Full,
    /// The epoch has a key already.
    #[error("key epoch {0} is live already")]
    AlreadyLive(KeyEpoch),
}

/// At most eight live sealing keys, tried from the newest epoch to the oldest.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    /// By epoch, the newest first.
    keys: Vec<(KeyEpoch, SealingKey)>,
}

impl KeyRing {
    /// How many keys may be live: each costs a forged code one more block to decipher.
    pub const CAPACITY: usize = 8;

    /// Adds the key of an epoch.
    ///
    /// # Errors
    ///
    /// [`KeyRingError`], with nothing changed.
    pub fn insert(&mut self, epoch: KeyEpoch, key: SealingKey) -> Result<(), KeyRingError> {
        if self.key(epoch).is_some() {
            return Err(KeyRingError::AlreadyLive(epoch));
        }
        if self.keys.len() == Self::CAPACITY {
            return Err(KeyRingError::Full);
        }
        let place = self.keys.partition_point(|&(other, _)| other > epoch);
        self.keys.insert(place, (epoch, key));
        Ok(())
    }

    /// Takes an epoch's key out, after which its codes no longer open. Whether there was one.
    pub fn retire(&mut self, epoch: KeyEpoch) -> bool {
        let before = self.keys.len();
        self.keys.retain(|&(other, _)| other != epoch);
        self.keys.len() < before
    }

    /// The key of an epoch, with which its campaigns are issued and exported again.
    pub fn key(&self, epoch: KeyEpoch) -> Option<&SealingKey> {
        self.keys.iter().find(|&&(other, _)| other == epoch).map(|(_, key)| key)
    }

    /// The newest epoch, which new campaigns take.
    pub fn newest(&self) -> Option<KeyEpoch> {
        self.keys.first().map(|&(epoch, _)| epoch)
    }

    /// The live epochs, the newest first.
    pub fn epochs(&self) -> impl Iterator<Item = KeyEpoch> {
        self.keys.iter().map(|&(epoch, _)| epoch)
    }

    /// What was sealed in a block under a live key, or `None` when it was sealed under none.
    #[inline]
    pub fn open(&self, block: &SealedBlock) -> Option<Opened> {
        let cipher_text = Block::from(block.to_bytes());
        self.keys.iter().find_map(|&(epoch, ref key)| {
            let (campaign, serial) = key.open_cipher_text(&cipher_text)?;
            Some(Opened { epoch, campaign, serial })
        })
    }

    /// As [`KeyRing::open`] for many blocks, whose results replace what `opened` held, in the
    /// same order. Faster for each block, above all where several keys have to be tried.
    pub fn open_many(&self, blocks: &[SealedBlock], opened: &mut Vec<Option<Opened>>) {
        opened.clear();
        opened.resize(blocks.len(), None);
        for (blocks, opened) in blocks.chunks(BLOCKS_AT_ONCE).zip(opened.chunks_mut(BLOCKS_AT_ONCE))
        {
            self.open_some(blocks, opened);
        }
    }

    /// As [`KeyRing::open_many`] for at most [`BLOCKS_AT_ONCE`] blocks.
    fn open_some(&self, blocks: &[SealedBlock], opened: &mut [Option<Opened>]) {
        let mut scratch = [Block::default(); BLOCKS_AT_ONCE];
        // The places of the blocks that no key has opened so far.
        let mut places: [u8; BLOCKS_AT_ONCE] = std::array::from_fn(|place| place as u8);
        let mut unopened = blocks.len();
        for &(epoch, ref key) in &self.keys {
            for (block, &place) in scratch.iter_mut().zip(&places[..unopened]) {
                *block = blocks[usize::from(place)].to_bytes().into();
            }
            key.decipher(&mut scratch[..unopened]);
            let tried = std::mem::take(&mut unopened);
            for turn in 0..tried {
                let place = places[turn];
                match identity(&scratch[turn]) {
                    Some((campaign, serial)) => {
                        opened[usize::from(place)] = Some(Opened { epoch, campaign, serial });
                    }
                    None => {
                        places[unopened] = place;
                        unopened += 1;
                    }
                }
            }
        }
    }
}

//! The key that seals codes and opens them. It must never know where keys come from, or which
//! codes were issued.

use std::fmt;

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes256, Block};

use super::{CampaignNumber, SealedBlock, SealedText, Serial, SerialOutOfRange};

/// The first eight bits of every block. Another number is another format.
const FORMAT_VERSION: u128 = 1;

/// Where the format version begins, from the lowest bit of the block.
const VERSION_SHIFT: u32 = 120;

/// Where the campaign number begins.
const CAMPAIGN_SHIFT: u32 = 88;

/// Where the serial begins; all bits below are zero, and are what a forger cannot hit.
const SERIAL_SHIFT: u32 = 48;

/// The bits that are the same in every block: the format version and the zeros.
const FIXED_BITS: u128 = 0xFF << VERSION_SHIFT | ((1 << SERIAL_SHIFT) - 1);

/// How many blocks are enciphered or deciphered at once. The processor works on several blocks
/// at a time where it does not have to wait for each.
pub(crate) const BLOCKS_AT_ONCE: usize = 120;

/// A 256-bit key that turns (campaign, serial) into the text of a sealed code and back.
///
/// Whoever has it can make exactly the codes that were issued under it, so `Debug` does not
/// write it, and it is overwritten when dropped.
#[derive(Clone)]
pub struct SealingKey(Aes256);

impl SealingKey {
    /// A key of 32 random bytes. The caller overwrites its own copy.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Aes256::new(key.into()))
    }

    /// The text of one code.
    pub fn seal(&self, campaign: CampaignNumber, serial: Serial) -> SealedText {
        let mut block = Block::from(plain_text(campaign, serial.number()));
        self.0.encrypt_block(&mut block);
        SealedText::of(number(&block))
    }

    /// Calls `visit` with the codes of `count` serials from `first_serial` on, in order. Several
    /// times as fast as [`SealingKey::seal`] for each.
    ///
    /// # Errors
    ///
    /// [`SerialOutOfRange`], before anything is visited, when the range does not end below
    /// [`Serial::COUNT`].
    #[inline]
    pub fn seal_each(
        &self,
        campaign: CampaignNumber,
        first_serial: Serial,
        count: u64,
        mut visit: impl FnMut(&SealedText),
    ) -> Result<(), SerialOutOfRange> {
        let end = first_serial.number().saturating_add(count);
        if end > Serial::COUNT {
            return Err(SerialOutOfRange(end - 1));
        }
        let mut blocks = [Block::default(); BLOCKS_AT_ONCE];
        for first in (first_serial.number()..end).step_by(BLOCKS_AT_ONCE) {
            let serials = first..end.min(first + BLOCKS_AT_ONCE as u64);
            let blocks = &mut blocks[..(serials.end - serials.start) as usize];
            for (block, serial) in blocks.iter_mut().zip(serials) {
                *block = plain_text(campaign, serial).into();
            }
            self.0.encrypt_blocks(blocks);
            blocks.iter().for_each(|block| visit(&SealedText::of(number(block))));
        }
        Ok(())
    }

    /// Appends the codes of `count` serials from `first_serial` on to `output`, in order, each
    /// between `before` and `after`; for lines of CSV these are nothing and a line feed.
    ///
    /// # Errors
    ///
    /// [`SerialOutOfRange`], with `output` unchanged, when the range does not end below
    /// [`Serial::COUNT`].
    pub fn seal_into(
        &self,
        campaign: CampaignNumber,
        first_serial: Serial,
        count: u64,
        [before, after]: [&str; 2],
        output: &mut Vec<u8>,
    ) -> Result<(), SerialOutOfRange> {
        self.seal_each(campaign, first_serial, count, |text| {
            output.extend_from_slice(before.as_bytes());
            output.extend_from_slice(text.as_bytes());
            output.extend_from_slice(after.as_bytes());
        })
    }

    /// What was sealed in a block, or `None` when nothing was sealed in it with this key. That is
    /// so for all but one in 2^56 blocks of no such origin, and for all but the issued codes
    /// once the caller has compared the serial with what its campaign has issued.
    #[inline]
    pub fn open(&self, block: &SealedBlock) -> Option<(CampaignNumber, Serial)> {
        self.open_cipher_text(&block.to_bytes().into())
    }

    /// As [`SealingKey::open`], for cipher text that lies in memory as the processor takes it;
    /// trying several keys is twice as fast when it is laid out only once.
    #[inline]
    pub(crate) fn open_cipher_text(&self, cipher_text: &Block) -> Option<(CampaignNumber, Serial)> {
        let mut block = Block::default();
        self.0.decrypt_block_b2b(cipher_text, &mut block);
        identity(&block)
    }

    /// As [`SealingKey::open`], for at most [`BLOCKS_AT_ONCE`] blocks at once, in place.
    /// Afterwards [`identity`] reads them.
    #[inline]
    pub(crate) fn decipher(&self, blocks: &mut [Block]) {
        self.0.decrypt_blocks(blocks);
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealingKey(redacted)")
    }
}

/// The block before it is enciphered: format version, campaign number, serial, zeros.
#[inline]
fn plain_text(campaign: CampaignNumber, serial: u64) -> [u8; 16] {
    let block = FORMAT_VERSION << VERSION_SHIFT
        | u128::from(campaign.0) << CAMPAIGN_SHIFT
        | u128::from(serial) << SERIAL_SHIFT;
    block.to_be_bytes()
}

/// What a deciphered block says, or `None` when it cannot have been sealed.
#[inline]
pub(crate) fn identity(block: &Block) -> Option<(CampaignNumber, Serial)> {
    let block = number(block);
    if block & FIXED_BITS != FORMAT_VERSION << VERSION_SHIFT {
        return None;
    }
    let campaign = CampaignNumber((block >> CAMPAIGN_SHIFT) as u32);
    let serial = Serial::new((block >> SERIAL_SHIFT) as u64 % Serial::COUNT)?;
    Some((campaign, serial))
}

/// The big-endian number that a block is.
#[inline]
fn number(block: &Block) -> u128 {
    u128::from_be_bytes((*block).into())
}

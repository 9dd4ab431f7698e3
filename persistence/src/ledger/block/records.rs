//! The records of a block's body.

use redeemd_domain::sequence::{Position, SequenceId};

use crate::ledger::bytes::Bytes;
use crate::ledger::locator::Locator;

/// One record of a block.
#[derive(Clone, Copy, Debug)]
pub(in crate::ledger) struct BlockRecord<'a> {
    pub(in crate::ledger) position: Position,
    pub(in crate::ledger) locator: Locator,
    hashes: &'a [u8],
    pub(in crate::ledger) bytes: &'a [u8],
}

impl<'a> BlockRecord<'a> {
    /// The hashes of its keys.
    pub(in crate::ledger) fn hashes(&self) -> impl Iterator<Item = u64> + use<'a> {
        self.hashes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
    }
}

/// Walks over the records of a body.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct Records<'a> {
    sequence: SequenceId,
    block: u64,
    number: u64,
    index: u32,
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    pub(in crate::ledger) fn new(
        sequence: SequenceId,
        block: u64,
        first: u64,
        body: &'a [u8],
    ) -> Self {
        Self { sequence, block, number: first, index: 0, rest: body }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = BlockRecord<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut fields = Bytes(self.rest);
        let number = self.number.checked_add(fields.variable()?)?;
        let count = usize::from(fields.u8()?);
        let hashes = fields.take(count * 8)?;
        let length = usize::try_from(fields.variable()?).ok()?;
        let bytes = fields.take(length)?;
        let index = u16::try_from(self.index).ok()?;
        self.rest = fields.0;
        self.number = number;
        self.index += 1;
        Some(BlockRecord {
            position: Position { sequence: self.sequence, number },
            locator: Locator::new(self.block, index),
            hashes,
            bytes,
        })
    }
}

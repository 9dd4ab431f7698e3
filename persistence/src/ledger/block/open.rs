//! A block that is still being filled.

use redeemd_domain::sequence::SequenceId;

use super::{HEADER_BYTES, Header, MAXIMUM_RECORDS, TARGET_BODY_BYTES};
use crate::ledger::bytes::put_variable;
use crate::ledger::locator::Locator;

/// A block that is still being filled.
#[derive(Debug)]
pub(in crate::ledger) struct OpenBlock {
    pub(in crate::ledger) sequence: SequenceId,
    pub(in crate::ledger) block: u64,
    pub(in crate::ledger) first: u64,
    pub(in crate::ledger) last: u64,
    pub(in crate::ledger) records: u32,
    number: u64,
    body: Vec<u8>,
}

impl OpenBlock {
    /// An empty block. `body` gives its memory.
    pub(in crate::ledger) fn new(
        sequence: SequenceId,
        block: u64,
        first: u64,
        mut body: Vec<u8>,
    ) -> Self {
        body.clear();
        Self { sequence, block, first, last: first - 1, records: 0, number: first, body }
    }

    /// Whether it takes no more records.
    pub(in crate::ledger) fn is_full(&self) -> bool {
        self.body.len() >= TARGET_BODY_BYTES || self.records >= MAXIMUM_RECORDS
    }

    /// Adds a record, whose bytes begin with the count of its hashes.
    pub(in crate::ledger) fn push(&mut self, number: u64, encoded: &[u8]) -> Locator {
        put_variable(&mut self.body, number - self.number);
        self.body.extend_from_slice(encoded);
        let locator = Locator::new(self.block, self.records as u16);
        self.number = number;
        self.last = number;
        self.records += 1;
        locator
    }

    /// The records so far, as a body has them.
    pub(in crate::ledger) fn body(&self) -> &[u8] {
        &self.body
    }

    /// How many bytes it will take in the log.
    pub(in crate::ledger) fn block_bytes(&self) -> usize {
        HEADER_BYTES + self.body.len()
    }

    /// Appends header and body to `log`, and returns the header and the memory of the body.
    pub(in crate::ledger) fn seal(
        self,
        directory_id: [u8; 16],
        commit: u64,
        previous_checksum: u32,
        log: &mut Vec<u8>,
    ) -> (Header, Vec<u8>) {
        let mut header = Header {
            last_of_commit: false,
            directory_id,
            block: self.block,
            commit,
            previous_checksum,
            records: self.records,
            sequence: self.sequence,
            body_bytes: self.body.len() as u32,
            first: self.first,
            last: self.last,
            checksum: 0,
        };
        let start = log.len();
        log.extend_from_slice(&[0; HEADER_BYTES]);
        log.extend_from_slice(&self.body);
        if let Some(block) = log.get_mut(start..) {
            header.checksum = header.encode(block);
        }
        (header, self.body)
    }
}

//! Outcomes as they are, and what they withhold.

use redeemd_domain::control::Withheld;
use redeemd_domain::sequence::Position;
use tokio_postgres::types::{ToSql, Type};

use super::{CopiedRow, Rows};

#[derive(Debug)]
pub(in crate::postgres) struct OutcomeRow {
    sequence: i16,
    entry: i64,
    record: Vec<u8>,
}

impl CopiedRow for OutcomeRow {
    const TABLE: &'static str = "outcomes";
    const COLUMNS: &'static [(&'static str, Type)] =
        &[("sequence", Type::INT2), ("entry", Type::INT8), ("record", Type::BYTEA)];

    fn values(&self) -> impl Iterator<Item = &(dyn ToSql + Sync)> {
        let values: [&(dyn ToSql + Sync); 3] = [&self.sequence, &self.entry, &self.record];
        values.into_iter()
    }
}

#[derive(Debug)]
pub(in crate::postgres) struct WithheldRow {
    entry: i64,
    content: Vec<u8>,
}

impl CopiedRow for WithheldRow {
    const TABLE: &'static str = "withheld";
    const COLUMNS: &'static [(&'static str, Type)] =
        &[("entry", Type::INT8), ("content", Type::BYTEA)];

    fn values(&self) -> impl Iterator<Item = &(dyn ToSql + Sync)> {
        let values: [&(dyn ToSql + Sync); 2] = [&self.entry, &self.content];
        values.into_iter()
    }
}

impl Rows {
    /// Adds an outcome as the ledger has it.
    pub fn keep(&mut self, position: Position, record: Vec<u8>) {
        let sequence = i16::try_from(position.sequence.0).unwrap_or(i16::MAX);
        self.outcomes.push(OutcomeRow { sequence, entry: entry(position.number), record });
    }

    /// Adds what the outcome of an entry of the control sequence withholds.
    pub fn keep_withheld(&mut self, number: u64, withheld: &Withheld) {
        let content = encode(number, withheld);
        self.withheld.push(WithheldRow { entry: entry(number), content });
    }
}

/// The version of what is withheld, as it is written.
const VERSION: u8 = 1;

/// Version, contents, and a CRC-32C over the entry's number and both: no digest covers this table.
fn encode(number: u64, withheld: &Withheld) -> Vec<u8> {
    let mut content = vec![VERSION];
    // Writing plain data to memory has no way to fail; were it to, the checksum would not fit what
    // is read.
    let _ = redeemd_domain::append(withheld, &mut content);
    let checksum = checksum(number, &content);
    content.extend_from_slice(&checksum);
    content
}

/// The inverse of [`encode`]; `None` where it is not what was written for the entry.
pub(in crate::postgres) fn decode(number: u64, content: &[u8]) -> Option<Withheld> {
    let (content, found) = content.split_last_chunk::<4>()?;
    let is_genuine = *found == checksum(number, content);
    let (&version, contents) = content.split_first().filter(|_| is_genuine)?;
    redeemd_domain::decode(contents).filter(|_| version == VERSION)
}

fn checksum(number: u64, content: &[u8]) -> [u8; 4] {
    let checksum = crc32c::crc32c(&number.to_le_bytes());
    crc32c::crc32c_append(checksum, content).to_le_bytes()
}

/// Numbers of entries have 48 bits.
fn entry(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_withheld_is_read_for_its_entry_and_no_other() {
        let withheld = Withheld::ApiKey([7; 32]);
        let content = encode(9, &withheld);
        assert_eq!(decode(9, &content), Some(withheld));
        assert_eq!(decode(8, &content), None);
        for place in 0..content.len() {
            let mut damaged = content.clone();
            damaged[place] ^= 1;
            assert_eq!(decode(9, &damaged), None, "byte {place}");
            assert_eq!(decode(9, &content[..place]), None);
        }
    }
}

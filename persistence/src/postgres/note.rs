//! The projector's own note of how far the database is: a small file in the data directory.
//!
//! The database itself knows how far it is; the note spares the next start from reading the whole
//! ledger to see that the database's past is this directory's. So it need not be durable, may lag
//! behind, and is taken for absent where it is damaged or of another life of the directory.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use super::chain::{Chain, Checkpoint};
use super::ownership::Owner;
use crate::disk::{self, Disk};

const FILE: &str = "projection";
const PARTIAL: &str = "projection.partial";

/// The longest note that is read.
const LONGEST: u64 = 1 << 20;

/// The file.
#[derive(Clone, Debug)]
pub struct Note {
    disk: Arc<dyn Disk>,
    title: String,
}

impl Note {
    /// That of an owner, in its data directory.
    pub fn new(disk: Arc<dyn Disk>, owner: &Owner) -> Self {
        Self { disk, title: format!("redeemd projection 1 of {owner:?}\n") }
    }

    /// What was noted last, by sequence; nothing where there is no usable note.
    pub fn read(&self) -> BTreeMap<SequenceId, Checkpoint> {
        self.text().as_deref().and_then(|text| self.parse(text)).unwrap_or_default()
    }

    /// Notes something else.
    ///
    /// # Errors
    /// Where the disk fails; what was noted before is there, or nothing.
    pub fn write(&self, checkpoints: &BTreeMap<SequenceId, Checkpoint>) -> disk::Result<()> {
        let mut text = self.title.clone();
        for (sequence, Checkpoint { through, chain }) in checkpoints {
            let chain = u128::from_be_bytes(chain.0);
            // A string takes any text without an error that could be told from a `Result`.
            let _ = writeln!(text, "{} {through} {chain:032x}", sequence.0);
        }
        let text = format!("{text}checksum {:08x}\n", crc32c::crc32c(text.as_bytes()));
        // One that a crash left behind.
        let _ = self.disk.remove(PARTIAL);
        self.disk.create(PARTIAL)?.write_at(text.as_bytes(), 0)?;
        self.disk.rename(PARTIAL, FILE)
    }

    fn text(&self) -> Option<String> {
        let file = self.disk.open(FILE).ok()?;
        let length = file.length().ok().filter(|&length| length <= LONGEST)?;
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        let read = file.read_at(&mut bytes, 0).ok()?;
        bytes.truncate(read);
        String::from_utf8(bytes).ok()
    }

    fn parse(&self, text: &str) -> Option<BTreeMap<SequenceId, Checkpoint>> {
        let (covered, checksum) = text.split_once("checksum ")?;
        if checksum.trim_end() != format!("{:08x}", crc32c::crc32c(covered.as_bytes())) {
            return None;
        }
        covered.strip_prefix(&self.title)?.lines().map(parse_line).collect()
    }
}

fn parse_line(line: &str) -> Option<(SequenceId, Checkpoint)> {
    let mut words = line.split(' ');
    let sequence = SequenceId(words.next()?.parse().ok()?);
    let through = words.next()?.parse().ok()?;
    let chain = Chain(u128::from_str_radix(words.next()?, 16).ok()?.to_be_bytes());
    Some((sequence, Checkpoint { through, chain }))
}

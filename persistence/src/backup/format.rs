//! What stands in a backup besides copies: its description, its manifest, its end; and names.

use redeemd_domain::sequence::SequenceId;
use serde::{Deserialize, Serialize};

use crate::data_directory::{Epoch, Identity};
use crate::journal::{DirectoryId, Tail};

/// The version of the format that is written.
pub const FORMAT_VERSION: u16 = 1;

pub(super) const DESCRIPTION: &str = "backup.json";
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const END: &str = "end.json";

/// None of the three is longer, so that reading them is bounded: a manifest has about 200 bytes for
/// each file.
pub(super) const LONGEST_TEXT_BYTES: u64 = 64 << 20;

/// What a backup is a backup of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The version of the format.
    pub format: u16,
    /// The data directory's identifier, 32 hexadecimal digits.
    pub directory: String,
    /// Into how many shards its slots are divided.
    pub shards: u16,
    /// The engine that kept its journal.
    pub engine: String,
    /// How often the directory had been restored or salvaged.
    pub epoch: u32,
    /// When it was taken, in milliseconds since 1970.
    pub taken_at_ms: u64,
    /// The version of the program that took it.
    pub program: String,
}

/// What a backup has in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The entries before the manifest, in order.
    pub entries: Vec<EntryDigest>,
    /// Where the journal of each sequence with any entry ends.
    pub sequences: Vec<SequenceEnd>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryDigest {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content, 64 hexadecimal digits.
    pub sha256: String,
}

/// Where a sequence ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceEnd {
    /// Its name: `control`, `shard-000` …
    pub name: String,
    /// Its number.
    pub sequence: SequenceId,
    /// Its last entry.
    pub last: u64,
    /// The digest of its last frame, which covers all frames before it: 32 hexadecimal digits.
    pub chain: String,
}

/// What stands at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// How many bytes the file has before the header of this entry.
    pub(super) bytes: u64,
    /// SHA-256 of them.
    pub(super) sha256: String,
}

impl Description {
    /// The description of a directory.
    pub(super) fn of(identity: &Identity, taken_at_ms: u64) -> Self {
        Self {
            format: FORMAT_VERSION,
            directory: identity.id.to_string(),
            shards: identity.shards,
            engine: identity.engine.clone(),
            epoch: identity.epoch.number,
            taken_at_ms,
            program: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The identity of a directory that is restored from it, whose journal `engine` keeps; `mark`
    /// are random bytes. `None` where the identifier is none.
    pub fn restored(&self, engine: &str, mark: [u8; 8]) -> Option<Identity> {
        let epoch = Epoch { number: self.epoch, mark: [0; 8] }.next(mark);
        Some(Identity { epoch, ..Identity::new(self.directory()?, self.shards, engine) })
    }

    /// The data directory's identifier.
    pub fn directory(&self) -> Option<DirectoryId> {
        let mut id = [0; 16];
        if self.directory.len() != 32 {
            return None;
        }
        for (place, byte) in id.iter_mut().enumerate() {
            let digits = self.directory.get(place * 2..place * 2 + 2)?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(DirectoryId(id))
    }
}

impl SequenceEnd {
    pub(super) fn of((sequence, tail): (SequenceId, Tail)) -> Self {
        let (name, chain) = (sequence.to_string(), tail.digest.to_string());
        Self { name, sequence, last: tail.last, chain }
    }
}

/// What an entry between description and manifest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file that is copied as it is.
    Copy,
    /// Blocks of the journal.
    Blocks,
}

impl Kind {
    /// The kind of an entry with this name; `None` for a name that no backup has. Whatever is
    /// accepted here may be written to, so nothing else is.
    pub(super) fn of(name: &str) -> Option<Self> {
        let (folder, file) = name.rsplit_once('/')?;
        let is_plain = |stem: &str| {
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !stem.is_empty() && stem.bytes().all(plain)
        };
        match (folder, file.split_once('.')?) {
            ("snapshots", (stem, "snapshot")) if is_plain(stem) => Some(Self::Copy),
            ("ledger/log", (stem, "records")) if is_plain(stem) => Some(Self::Copy),
            ("journal", (stem, "blocks")) if is_plain(stem) => Some(Self::Blocks),
            _ => None,
        }
    }
}

/// The name of a piece of the journal, counted from 1.
pub(super) fn piece_name(number: u64) -> String {
    format!("journal/{number:010}.blocks")
}

/// Bytes as hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_a_backup_are_written_to() {
        for (name, kind) in [
            ("snapshots/shard-003-00000000000000000042.snapshot", Some(Kind::Copy)),
            ("ledger/log/0000000001.records", Some(Kind::Copy)),
            ("journal/0000000001.blocks", Some(Kind::Blocks)),
            ("journal/0000000001.segment", None),
            ("ledger/log/../../0000000001.records", None),
            ("snapshots/../identity.snapshot", None),
            ("/snapshots/a.snapshot", None),
            ("snapshots/.snapshot", None),
            ("identity", None),
            ("", None),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
        assert_eq!(Kind::of(&piece_name(7)), Some(Kind::Blocks));
    }
}

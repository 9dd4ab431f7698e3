//! One suite that every engine passes: the contract in the doc comment of
//! [`Journal`](super::Journal), clause by clause.

mod engines;
mod import;
mod inspection;
mod power_cut;
mod sled_power_cut;
mod suite;
mod trace;

use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use super::block::{Builder, HEADER_BYTES, Header, Kind};
use super::{
    AppendError, Appended, DirectoryId, Engine, Error, Frame, Journal, Options, RecoveryReport,
    Requirement, open,
};
use crate::disk::Disk;

const DIRECTORY: DirectoryId = DirectoryId(*b"directory of one");

/// What the suite needs of an engine's storage, beside the journal itself. While one of these is
/// called, no journal is open.
trait Storage {
    fn disk(&self) -> Arc<dyn Disk>;

    fn engine(&self) -> Engine;

    /// The stored blocks of entries, by number.
    fn blocks(&self) -> Vec<(u64, Vec<u8>)>;

    /// Replaces a block by something no longer than it, or loses it.
    fn set_block(&self, number: u64, bytes: Option<&[u8]>);

    /// Lets the disk have so much free space; may be called while a journal is open.
    fn set_free_bytes(&self, bytes: u64);

    /// Lets the next append end in an unknown state; called while a journal is open.
    fn fail_next_append(&self);

    /// Ends the failure, as a restart of the process does.
    fn restart(&self);
}

/// A frame that owns its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    sequence: SequenceId,
    first: u64,
    count: u32,
    payload: Vec<u8>,
}

impl Owned {
    fn of(frame: Frame<'_>) -> Self {
        let Frame { sequence, first, count, payload } = frame;
        Self { sequence, first, count, payload: payload.to_vec() }
    }

    fn frame(&self) -> Frame<'_> {
        let Self { sequence, first, count, ref payload } = *self;
        Frame { sequence, first, count, payload }
    }

    fn last(&self) -> u64 {
        self.first + u64::from(self.count) - 1
    }
}

struct Reopened {
    journal: Box<dyn Journal>,
    report: RecoveryReport,
    frames: Vec<Owned>,
}

fn options(storage: &dyn Storage) -> Options {
    Options {
        directory: DIRECTORY,
        engine: storage.engine(),
        minimum_free_bytes: 1 << 20,
        reserve_bytes: 256 << 10,
    }
}

fn try_open(storage: &dyn Storage, requirements: &[Requirement]) -> Result<Reopened, Error> {
    let mut frames = Vec::new();
    let (journal, report) = open(storage.disk(), &options(storage), requirements, &mut |frame| {
        frames.push(Owned::of(frame));
        Ok(())
    })?;
    Ok(Reopened { journal, report, frames })
}

fn reopen(storage: &dyn Storage) -> Reopened {
    try_open(storage, &[]).unwrap()
}

fn open_error(storage: &dyn Storage, requirements: &[Requirement]) -> Error {
    try_open(storage, requirements).err().expect("the journal should be refused")
}

/// The next frame of a sequence.
fn next(journal: &dyn Journal, sequence: u16, count: u32, payload: &[u8]) -> Owned {
    let sequence = SequenceId(sequence);
    let first = journal.tail(sequence).last + 1;
    Owned { sequence, first, count, payload: payload.to_vec() }
}

fn append(journal: &mut dyn Journal, frames: &[Owned]) -> Result<Appended, AppendError> {
    let frames: Vec<Frame<'_>> = frames.iter().map(Owned::frame).collect();
    journal.append(&frames)
}

/// Appends blocks of one frame for each of three sequences; returns all frames.
fn fill(journal: &mut dyn Journal, blocks: usize, payload_bytes: usize) -> Vec<Owned> {
    let mut all = Vec::new();
    for block in 0..blocks {
        let payload = vec![block as u8 + 1; payload_bytes];
        let frames: Vec<Owned> =
            [0, 1, 5].map(|sequence| next(journal, sequence, 3, &payload)).into();
        append(journal, &frames).unwrap();
        all.extend(frames);
    }
    all
}

/// A block with this number and body, with right checksums.
fn forge(number: u64, body: &[u8], directory: DirectoryId) -> Vec<u8> {
    let mut builder = Builder::default();
    builder.begin().extend_from_slice(body);
    builder.finish(Kind::Entries, directory, number).bytes().to_vec()
}

fn body(block: &[u8]) -> &[u8] {
    Header::decode(block).unwrap();
    &block[HEADER_BYTES..]
}

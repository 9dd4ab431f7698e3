//! The engine for tests: keeps blocks in memory, outlives the journal that wrote them, and fails in
//! every way that a disk can when it is told to.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redeemd_domain::sequence::SequenceId;

use super::block::{Block, Builder, Header, HeaderError};
use super::chain::{Chains, DirectoryId, Tail};
use super::error::{AppendError, Damage, Error, Place, Refusal};
use super::open::{RecoveryReport, TornTail};
use super::requirement::Requirement;
use super::spans::{Span, Spans};
use super::store::{Opened, Store};
use super::verifier::{Verifier, Wanted, first_damaged_frame};
use super::{BlockVisitor, Frame, FrameVisitor, Reader};
use crate::disk;

const LARGEST_BLOCK_BYTES: usize = 16 << 20;

/// What stands for the disk of the memory engine. Clones share their content: a journal that is
/// opened again on a clone finds what the one before it had made durable.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    content: Arc<Mutex<Content>>,
}

/// How the next append shall fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryFailure {
    /// Certainly not appended: no space.
    NoSpace,
    /// Unknown, and the block is not there at the next open.
    UnknownAndLost,
    /// Unknown, and the block is there at the next open.
    UnknownAndKept,
    /// Unknown, and half of the block is there at the next open.
    UnknownAndTorn,
}

#[derive(Debug, Default)]
struct Content {
    /// The anchor of the first block that is kept; empty before the first open.
    anchor: Vec<u8>,
    blocks: VecDeque<StoredBlock>,
    failures: VecDeque<MemoryFailure>,
}

/// A block with the number under which the engine filed it.
#[derive(Clone, Debug)]
struct StoredBlock {
    number: u64,
    bytes: Arc<Vec<u8>>,
}

impl MemoryStorage {
    /// An empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next append fail; called several times, the appends after it as well.
    pub fn fail_next(&self, failure: MemoryFailure) {
        self.content().failures.push_back(failure);
    }

    /// Every block that is kept, by number.
    pub fn blocks(&self) -> Vec<(u64, Vec<u8>)> {
        let content = self.content();
        content.blocks.iter().map(|block| (block.number, block.bytes.to_vec())).collect()
    }

    /// Replaces or, with `None`, loses a block, to see whether that is noticed.
    pub fn set_block(&self, number: u64, bytes: Option<Vec<u8>>) {
        let mut content = self.content();
        let index = content.blocks.iter().position(|block| block.number == number);
        match (index, bytes) {
            (Some(index), None) => {
                content.blocks.remove(index);
            }
            (Some(index), Some(bytes)) => {
                if let Some(block) = content.blocks.get_mut(index) {
                    block.bytes = Arc::new(bytes);
                }
            }
            (None, Some(bytes)) => {
                let bytes = Arc::new(bytes);
                let index = content.blocks.partition_point(|block| block.number < number);
                content.blocks.insert(index, StoredBlock { number, bytes });
            }
            (None, None) => {}
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(block: u64) -> Place {
    Place { file: "memory".to_owned(), offset: 0, block }
}

/// Reads what is stored and goes on after it.
pub(crate) fn open(
    storage: &MemoryStorage,
    verifier: &mut Verifier<'_, '_>,
    requirements: &[Requirement],
) -> Result<Opened, Error> {
    let directory = verifier.chains().directory();
    let mut content = storage.content();
    if content.anchor.is_empty() {
        let mut builder = Builder::default();
        content.anchor = builder.anchor(&Chains::new(directory), 1).bytes().to_vec();
    }
    let mut spans = Spans::default();
    let torn_tail = scan(&content, verifier, |number, before, bytes| {
        spans.push(Span { id: number, first_block: number, before: before.clone(), bytes });
    })?;
    verifier.check_end(requirements)?;
    let report = RecoveryReport::of(verifier, torn_tail);
    let next_block = verifier.next_block();
    content.blocks.retain(|block| block.number < next_block);
    drop(content);
    let store = MemoryStore { storage: storage.clone(), spans, directory };
    let chains = verifier.chains().clone();
    Ok(Opened { store: Box::new(store), chains, next_block, report })
}

/// Verifies anchor and blocks; tells `note` of each block before it is taken in.
fn scan(
    content: &Content,
    verifier: &mut Verifier<'_, '_>,
    mut note: impl FnMut(u64, &Chains, u64),
) -> Result<Option<TornTail>, Error> {
    take(&content.anchor, verifier, &place(0))?
        .map_err(|damage| Error::Damaged { place: place(0), damage })?;
    for block in &content.blocks {
        let number = verifier.next_block();
        let place = place(number);
        let later = content.blocks.iter().map(|block| block.number).find(|&later| later > number);
        if let (true, Some(later)) = (block.number != number, later) {
            return Err(Error::Damaged { place, damage: Damage::MissingBlock { later } });
        }
        let before = verifier.chains().clone();
        match (take(&block.bytes, verifier, &place)?, later) {
            (Ok(()), _) => note(number, &before, block.bytes.len() as u64),
            (Err(_), None) => {
                let dropped_bytes = block.bytes.len() as u64;
                return Ok(Some(TornTail { place, dropped_bytes }));
            }
            (Err(damage), Some(_)) => return Err(Error::Damaged { place, damage }),
        }
    }
    Ok(None)
}

/// Gives one block to the verifier. The inner error is damage that may be a torn tail.
fn take(
    bytes: &[u8],
    verifier: &mut Verifier<'_, '_>,
    place: &Place,
) -> Result<Result<(), Damage>, Error> {
    let header = match Header::decode(bytes) {
        Ok(header) => header,
        Err(HeaderError::Unreadable) => {
            return Ok(Err(Damage::MissingBlock { later: place.block + 1 }));
        }
        Err(HeaderError::Newer { version }) => return Err(newer(place, version)),
    };
    verifier.check_header(place, &header)?;
    let body = bytes.get(super::block::HEADER_BYTES..).unwrap_or_default();
    if !header.fits(body) {
        return Ok(Err(Damage::Checksum { frame: first_damaged_frame(body) }));
    }
    verifier.block(place, &header, body).map(Ok)
}

fn newer(place: &Place, found: u16) -> Error {
    Error::NewerFormat { place: place.clone(), found, supported: super::block::VERSION }
}

struct MemoryStore {
    storage: MemoryStorage,
    spans: Spans,
    directory: DirectoryId,
}

impl Store for MemoryStore {
    fn largest_block(&self) -> usize {
        LARGEST_BLOCK_BYTES
    }

    fn write(&mut self, block: &Block<'_>, before: &Chains) -> Result<(), AppendError> {
        let mut content = self.storage.content();
        let failure = content.failures.pop_front();
        let bytes = block.bytes();
        let kept = match failure {
            None | Some(MemoryFailure::UnknownAndKept) => bytes.len(),
            Some(MemoryFailure::UnknownAndTorn) => bytes.len() / 2,
            Some(MemoryFailure::NoSpace | MemoryFailure::UnknownAndLost) => 0,
        };
        if let Some(kept) = bytes.get(..kept).filter(|kept| !kept.is_empty()) {
            let bytes = Arc::new(kept.to_vec());
            content.blocks.push_back(StoredBlock { number: block.number, bytes });
        }
        match failure {
            None => {
                self.spans.push(Span {
                    id: block.number,
                    first_block: block.number,
                    before: before.clone(),
                    bytes: bytes.len() as u64,
                });
                Ok(())
            }
            Some(MemoryFailure::NoSpace) => Err(AppendError::NotAppended(Refusal::NoSpace {
                free_bytes: 0,
                needed_bytes: bytes.len() as u64,
            })),
            Some(_) => Err(AppendError::Unknown(Error::Disk(disk::Error {
                operation: "sync",
                path: "memory".to_owned(),
                source: io::Error::other("told to fail"),
            }))),
        }
    }

    fn write_later(&mut self, block: &Block<'_>, before: &Chains) -> Result<(), AppendError> {
        self.write(block, before)
    }

    fn settle(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn release(&mut self, released: &[(SequenceId, u64)]) -> Result<(), Error> {
        self.spans.note_released(released);
        self.spans.take_released();
        if let Some(first) = self.spans.iter().next() {
            let mut content = self.storage.content();
            let mut builder = Builder::default();
            content.anchor = builder.anchor(&first.before, first.first_block).bytes().to_vec();
            content.blocks.retain(|block| block.number >= first.first_block);
        }
        Ok(())
    }

    fn prepare(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn stored_bytes(&self) -> u64 {
        self.spans.bytes()
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Error> {
        let content = self.storage.content();
        let content = Content {
            anchor: content.anchor.clone(),
            blocks: content.blocks.clone(),
            failures: VecDeque::new(),
        };
        Ok(Box::new(MemoryReader { content, directory: self.directory }))
    }
}

struct MemoryReader {
    content: Content,
    directory: DirectoryId,
}

impl Reader for MemoryReader {
    fn read(
        &mut self,
        sequence: SequenceId,
        after: u64,
        visit: &mut FrameVisitor<'_>,
    ) -> Result<(), Error> {
        let wanted = Wanted::One(sequence, after);
        let mut verifier = Verifier::new(self.directory, wanted, visit);
        scan(&self.content, &mut verifier, |_, _, _| {}).map(drop)
    }

    fn export(&mut self, visit: &mut BlockVisitor<'_>) -> Result<Vec<(SequenceId, Tail)>, Error> {
        let ignore = &mut |_: Frame<'_>| Ok(());
        let mut verifier = Verifier::new(self.directory, Wanted::beyond(&[]), ignore);
        scan(&self.content, &mut verifier, |_, _, _| {})?;
        let whole = self.content.blocks.iter().filter(|block| block.number < verifier.next_block());
        visit(&self.content.anchor).map_err(Error::NotPassedOn)?;
        for block in whole {
            visit(&block.bytes).map_err(Error::NotPassedOn)?;
        }
        Ok(verifier.chains().tails().collect())
    }
}

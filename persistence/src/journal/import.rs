//! Making a journal out of another one's blocks, in whatever engine: for restoring, for changing the
//! engine, for leaving damage behind.

use std::sync::Arc;

use redeemd_domain::sequence::SequenceId;

use super::block::{Builder, HEADER_BYTES, Header, Kind};
use super::chain::{ChainDigest, Chains, Tail};
use super::error::{AppendError, Damage, Error, Place};
use super::open::open_engine;
use super::options::{Engine, Options};
use super::space::{FOLDER, Space};
use super::store::Store;
use super::verifier::{Verifier, Wanted};
use crate::disk::Disk;

/// After so many bytes what was stored is made durable.
const SETTLE_BYTES: u64 = 8 << 20;

/// A journal that is being made. It may be used once [`Import::finish`] has returned, and not
/// before: a power cut leaves nothing that could be relied on.
pub struct Import {
    disk: Arc<dyn Disk>,
    options: Options,
    made: Option<Made>,
    blocks: u64,
    bytes: u64,
}

/// What is made so far, once there was an anchor.
struct Made {
    store: Box<dyn Store>,
    chains: Chains,
    next_block: u64,
    builder: Builder,
    unsettled_bytes: u64,
}

/// What an import made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// How many blocks there are.
    pub blocks: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// Where each sequence with any entry ends.
    pub tails: Vec<(SequenceId, Tail)>,
}

impl Import {
    /// Begins a journal where none may be yet.
    ///
    /// # Errors
    /// When there is one, or the disk fails, or the engine keeps nothing.
    pub fn begin(disk: Arc<dyn Disk>, options: Options) -> Result<Self, Error> {
        if matches!(options.engine, Engine::Memory(_)) {
            let reason = "the engine memory keeps nothing; choose segment or sled";
            return Err(Error::Options(reason.to_owned()));
        }
        disk.create_folder(FOLDER)?;
        disk.sync_folder("")?;
        if disk.list(FOLDER)?.iter().any(|name| name.ends_with(".segment")) {
            return Err(Error::Options(format!("{FOLDER} is not empty")));
        }
        Ok(Self { disk, options, made: None, blocks: 0, bytes: 0 })
    }

    /// Begins a journal that has no entries, and whose sequences go on after these.
    ///
    /// # Errors
    /// As [`Import::begin`].
    pub fn begin_after(
        disk: Arc<dyn Disk>,
        options: Options,
        ends: impl IntoIterator<Item = (SequenceId, u64)>,
    ) -> Result<Self, Error> {
        let directory = options.directory;
        let mut chains = Chains::new(directory);
        for (sequence, last) in ends.into_iter().filter(|(_, last)| *last > 0) {
            let digest = ChainDigest::genesis(directory, sequence);
            chains.set(sequence, Tail { last, digest });
        }
        let mut import = Self::begin(disk, options)?;
        import.take(Builder::default().anchor(&chains, 1).bytes())?;
        Ok(import)
    }

    /// Takes the next block: first the anchor.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not the block that follows, whole and chained to the one before;
    /// its place counts from the first block taken. Otherwise when the disk fails or is full.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let next_block = self.made.as_ref().map_or(1, |made| made.next_block);
        let place = Place { file: FOLDER.to_owned(), offset: self.bytes, block: next_block };
        let damaged = |damage| Error::Damaged { place: place.clone(), damage };
        let header = Header::decode(bytes).map_err(|_| damaged(Damage::Malformed))?;
        let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
        if !header.fits(body) {
            return Err(damaged(Damage::Checksum { frame: None }));
        }
        match (&mut self.made, header.kind) {
            (None, Kind::Anchor) => self.made = Some(self.anchor(&place, &header, body)?),
            (Some(made), Kind::Entries) => made.take(&place, &header, bytes)?,
            _ => return Err(damaged(Damage::Anchor)),
        }
        self.blocks += u64::from(header.kind == Kind::Entries);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// When there was no anchor, or the disk fails.
    pub fn finish(self) -> Result<Imported, Error> {
        let Some(mut made) = self.made else {
            let place = Place { file: FOLDER.to_owned(), offset: 0, block: 1 };
            return Err(Error::Damaged { place, damage: Damage::Anchor });
        };
        made.store.settle()?;
        let Self { blocks, bytes, .. } = self;
        Ok(Imported { blocks, bytes, tails: made.chains.tails().collect() })
    }

    fn anchor(&self, place: &Place, header: &Header, body: &[u8]) -> Result<Made, Error> {
        let ignore = &mut |_: super::Frame<'_>| Ok(());
        let mut verifier = Verifier::new(self.options.directory, Wanted::beyond(&[]), ignore);
        verifier.block(place, header, body)?;
        let space = Space::new(Arc::clone(&self.disk), self.options.minimum_free_bytes, 0);
        let opened = open_engine(&self.disk, &self.options.engine, &space, &mut verifier, &[])?;
        Ok(Made {
            store: opened.store,
            chains: opened.chains,
            next_block: opened.next_block,
            builder: Builder::default(),
            unsettled_bytes: 0,
        })
    }
}

impl Made {
    fn take(&mut self, place: &Place, header: &Header, bytes: &[u8]) -> Result<(), Error> {
        let ignore = &mut |_: super::Frame<'_>| Ok(());
        let mut verifier = Verifier::resume(self.chains.clone(), self.next_block, ignore);
        let body = bytes.get(HEADER_BYTES..).unwrap_or_default();
        verifier.block(place, header, body)?;
        let chains = verifier.chains().clone();
        let block = self.builder.adopt(header.number, bytes);
        self.store.write_later(&block, &self.chains).map_err(|error| match error {
            AppendError::NotAppended(refusal) => Error::NoSpace(refusal),
            AppendError::Unknown(error) => error,
        })?;
        self.chains = chains;
        self.next_block += 1;
        self.unsettled_bytes += bytes.len() as u64;
        if self.unsettled_bytes >= SETTLE_BYTES {
            self.unsettled_bytes = 0;
            self.store.settle()?;
        }
        Ok(())
    }
}

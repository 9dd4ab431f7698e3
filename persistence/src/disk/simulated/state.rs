//! What a simulated disk is at one moment: its files, and the failures that are to come.

use std::collections::BTreeMap;
use std::io;

use super::image::Image;
use super::names::{FileId, Names};
use super::random::Random;
use crate::disk::{Error, Result};

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) random: Random,
    pub(super) names: Names,
    pub(super) images: BTreeMap<FileId, Image>,
    pub(super) next_file: FileId,
    pub(super) capacity_bytes: u64,
    pub(super) shown_free_bytes: Option<u64>,
    pub(super) operations: u64,
    pub(super) stop_at: Option<u64>,
    pub(super) stopped: bool,
    pub(super) fail_write_from: Option<u64>,
    pub(super) fail_sync_from: Option<u64>,
    /// Handles of an earlier life of the machine are dead.
    pub(super) life: u64,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            names: Names::default(),
            images: BTreeMap::new(),
            next_file: 0,
            capacity_bytes: 1 << 50,
            shown_free_bytes: None,
            operations: 0,
            stop_at: None,
            stopped: false,
            fail_write_from: None,
            fail_sync_from: None,
            life: 0,
        }
    }

    /// The process begins anew: its handles are dead, and injected failures are over.
    pub(super) fn revive(&mut self) {
        self.life += 1;
        self.stop_at = None;
        self.stopped = false;
        self.fail_write_from = None;
        self.fail_sync_from = None;
    }

    /// Counts an operation. An error says that it is the one to stop at, or comes later.
    pub(super) fn operate(&mut self, operation: &'static str, path: &str) -> Result<()> {
        self.alive(operation, path)?;
        self.operations += 1;
        self.stopped = self.stop_at == Some(self.operations);
        self.alive(operation, path)
    }

    pub(super) fn alive(&self, operation: &'static str, path: &str) -> Result<()> {
        if self.stopped {
            return Err(failure(operation, path, io::Error::other("the power is off")));
        }
        Ok(())
    }

    pub(super) fn find(&self, operation: &'static str, path: &str) -> Result<FileId> {
        let missing = || failure(operation, path, io::ErrorKind::NotFound.into());
        self.names.get(path).ok_or_else(missing)
    }

    pub(super) fn free_bytes(&self) -> u64 {
        let lengths = self.names.files().filter_map(|(_, file)| self.images.get(&file));
        let used: u64 = lengths.map(|image| image.length() as u64).sum();
        self.capacity_bytes.saturating_sub(used)
    }
}

pub(super) fn failure(operation: &'static str, path: &str, source: io::Error) -> Error {
    Error { operation, path: path.to_owned(), source }
}

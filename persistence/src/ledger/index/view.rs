//! The index as its readers see it: the memory, and the runs, which together cover all blocks.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::super::error::{Error, Result};
use super::super::locator::Locator;
use super::super::table::Table;
use super::memory::Memory;

/// The index, shared between its writer and its readers.
#[derive(Debug)]
pub(in super::super) struct Index {
    view: RwLock<View>,
    /// Derived files in which a reader met damage, for the writer to repair.
    damaged: Mutex<BTreeSet<String>>,
}

/// What changes as the index grows.
#[derive(Debug)]
pub(super) struct View {
    pub(super) memory: Memory,
    /// Oldest first; their ranges of blocks are in order and do not overlap.
    pub(super) runs: Arc<Vec<Arc<Table>>>,
}

impl Index {
    pub(super) fn new(memory: Memory, runs: Vec<Arc<Table>>) -> Arc<Self> {
        let view = RwLock::new(View { memory, runs: Arc::new(runs) });
        Arc::new(Self { view, damaged: Mutex::default() })
    }

    /// The places of records that may have the key with this hash, newest first.
    pub(in super::super) fn candidates(&self, hash: u64, before: Locator) -> Candidates {
        let view = self.view();
        let mut found = Vec::new();
        view.memory.descend(hash, before.to_bits(), &mut found);
        found.reverse();
        let runs = Arc::clone(&view.runs);
        let left = runs.len();
        Candidates { hash, before, runs, left, found }
    }

    /// Remembers a derived file that must be made anew.
    pub(in super::super) fn report(&self, error: &Error) {
        if let Error::DamagedIndex { path, .. } = error {
            self.damaged.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        }
    }

    /// The derived files in which damage was met; they are forgotten by this.
    pub(in super::super) fn take_damaged(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.damaged.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Visits the entries that are in no run yet.
    pub(in super::super) fn in_memory(&self, visit: impl FnMut(u128)) {
        self.view().memory.buckets().iter().flatten().copied().for_each(visit);
    }

    /// The runs, oldest first.
    pub(in super::super) fn runs(&self) -> Arc<Vec<Arc<Table>>> {
        Arc::clone(&self.view().runs)
    }

    pub(super) fn view(&self) -> RwLockReadGuard<'_, View> {
        // What a panic could leave half done is an entry not yet inserted; the process then
        // recovers the index from the log anyway.
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The places of records that may have a key, newest first, found as they are asked for.
#[derive(Debug)]
pub(in super::super) struct Candidates {
    hash: u64,
    before: Locator,
    runs: Arc<Vec<Arc<Table>>>,
    /// How many runs, from the oldest, were not looked through to their end.
    left: usize,
    /// Found and not given out yet; the next one is at the end.
    found: Vec<u64>,
}

impl Candidates {
    /// Gives out nothing more.
    pub(in super::super) fn end(&mut self) {
        self.found.clear();
        self.left = 0;
    }

    pub(in super::super) fn next(&mut self) -> Result<Option<Locator>> {
        loop {
            if let Some(found) = self.found.pop() {
                self.before = Locator::from_bits(found);
                return Ok(Some(self.before));
            }
            let run = self.left.checked_sub(1).and_then(|index| self.runs.get(index));
            let Some(run) = run else { return Ok(None) };
            if self.before.block() >= run.header().first_block && run.may_contain(self.hash)? {
                run.descend(self.hash, self.before.to_bits(), &mut self.found)?;
                self.found.reverse();
            }
            if self.found.is_empty() {
                self.left -= 1;
            }
        }
    }
}

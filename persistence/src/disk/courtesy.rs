//! Whether work that nobody waits for goes out of its way to keep nobody waiting.
//!
//! What it writes it makes durable in small portions, so that the journal's syncs, on which answers
//! wait, never stand behind a large one. On a slow disk each portion costs as much as megabytes: where
//! the work has to catch up, all syncing is left to the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How a writer treats others. Clones are handles to the same.
#[derive(Clone, Debug, Default)]
pub struct Courtesy {
    is_behind: Arc<AtomicBool>,
}

impl Courtesy {
    /// Says whether the writer has to catch up, and can afford no courtesy.
    pub fn set_behind(&self, is_behind: bool) {
        self.is_behind.store(is_behind, Ordering::Relaxed);
    }

    /// Whether the writer has to catch up.
    pub(crate) fn is_behind(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed)
    }
}

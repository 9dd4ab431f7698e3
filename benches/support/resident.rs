//! How much memory a process has, and had at most.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often is looked.
const INTERVAL: Duration = Duration::from_millis(20);

/// The resident size of a process, looked at again and again while something goes on.
pub(crate) struct Resident {
    id: u32,
    before: u64,
    most: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    looking: JoinHandle<()>,
}

/// What it was, in bytes.
pub(crate) struct Sizes {
    pub(crate) before: u64,
    pub(crate) most: u64,
    pub(crate) after: u64,
}

impl Resident {
    /// Begins to look.
    pub(crate) fn watch(id: u32) -> Self {
        let before = resident_bytes(id);
        let (most, is_over) = (Arc::new(AtomicU64::new(before)), Arc::new(AtomicBool::new(false)));
        let looking = std::thread::spawn({
            let (most, is_over) = (Arc::clone(&most), Arc::clone(&is_over));
            move || {
                while !is_over.load(Ordering::Relaxed) {
                    most.fetch_max(resident_bytes(id), Ordering::Relaxed);
                    std::thread::sleep(INTERVAL);
                }
            }
        });
        Self { id, before, most, is_over, looking }
    }

    /// Ends looking.
    pub(crate) fn end(self) -> Sizes {
        self.is_over.store(true, Ordering::Relaxed);
        self.looking.join().unwrap();
        let after = resident_bytes(self.id);
        let most = self.most.load(Ordering::Relaxed).max(after);
        Sizes { before: self.before, most, after }
    }
}

/// The resident size of a process now.
pub(crate) fn resident_bytes(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Bytes as megabytes, to be shown.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

//! What bounds a sequence.

/// What bounds a sequence.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most commands that may wait for the journal.
    pub max_in_flight: usize,
    /// The most frames that may be with the journal at once. Two keep it busy: one that it
    /// flushes, and one that waits; everything else gathers here into the next frame.
    pub max_frames: usize,
    /// The most payload bytes of one frame, about: a frame that has reached it takes no more.
    pub max_frame_bytes: usize,
    /// The most entries that the ledger may be behind before commands are refused.
    pub max_ledger_lag: u64,
    /// How far the wall clock may leap ahead and be believed, in milliseconds.
    pub max_clock_leap_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_in_flight: 16_384,
            max_frames: 2,
            max_frame_bytes: 1 << 20,
            max_ledger_lag: 250_000,
            max_clock_leap_ms: 60_000,
        }
    }
}

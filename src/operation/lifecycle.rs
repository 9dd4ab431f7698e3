//! The stages of the server's life, and how long the phases of its start took.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where in its life the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It brings back what it had and serves nothing but health and metrics.
    Starting,
    /// It serves.
    Serving,
    /// It was told to end: it is not ready any more, and then accepts nothing more.
    Ending,
}

impl Stage {
    const ALL: [Self; 3] = [Self::Starting, Self::Serving, Self::Ending];

    /// Its name, for people and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::Ending => "ending",
        }
    }
}

/// The stages of a server's life. It begins when this is made.
#[derive(Debug)]
pub struct Lifecycle {
    begun: Instant,
    stage: AtomicU8,
    closes_connections: AtomicBool,
    phases: Mutex<Vec<(&'static str, Duration)>>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            stage: AtomicU8::new(0),
            closes_connections: AtomicBool::new(false),
            phases: Mutex::default(),
        }
    }
}

impl Lifecycle {
    /// The stage at present.
    pub fn stage(&self) -> Stage {
        let place = usize::from(self.stage.load(Ordering::Acquire));
        Stage::ALL.get(place).copied().unwrap_or(Stage::Ending)
    }

    /// Enters a stage.
    pub fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
    }

    /// From now on every answer is the last of its connection.
    pub fn close_connections(&self) {
        self.closes_connections.store(true, Ordering::Release);
    }

    /// Whether every answer is the last of its connection.
    pub fn closes_connections(&self) -> bool {
        self.closes_connections.load(Ordering::Acquire)
    }

    /// How long it has been running.
    pub fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Does a phase of the start, and notes how long it takes.
    pub fn phase<T>(&self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = work();
        self.note(name, begun.elapsed());
        result
    }

    /// Notes how long a phase of the start took, and says so in the log.
    pub fn note(&self, name: &'static str, duration: Duration) {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(phase = name, milliseconds, "start");
        self.phases.lock().unwrap_or_else(PoisonError::into_inner).push((name, duration));
    }

    /// The phases of the start, in order, and how long each took.
    pub fn phases(&self) -> Vec<(&'static str, Duration)> {
        self.phases.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

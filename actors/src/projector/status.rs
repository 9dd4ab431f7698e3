//! What the projector tells those who run the server.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use super::breaker::State;
use super::drain::Estimate;
use crate::status::{Durations, Number};

/// What the projector is doing.
#[derive(Debug, Default)]
pub struct ProjectorStatus {
    /// Whether there is a database to write to.
    pub is_configured: AtomicBool,
    /// Entries that the database is behind the durable ledger.
    pub backlog: Number,
    /// When the oldest outcome happened that is not in the database, in milliseconds since 1970; 0
    /// where there is none.
    pub oldest_waiting_ms: Number,
    /// Bytes of the ledger's log from the oldest outcome that is not in the database on.
    pub backlog_bytes: Number,
    /// How many of them may wait; 0 is any number.
    pub max_backlog_bytes: Number,
    /// Whether so much waits that nothing can be changed any more.
    pub is_full: AtomicBool,
    /// Entries a second that are written while there are many; 0 where nothing is known.
    pub writing_rate: Number,
    /// Entries a second that come.
    pub arriving_rate: Number,
    /// Outcomes that were written.
    pub outcomes: Number,
    /// How long batches took.
    pub batches: Durations,
    /// How many outcomes the next batch may have.
    pub batch_limit: Number,
    /// Attempts that failed.
    pub failures: Number,
    /// Outcomes that the database refused for their content, in the database.
    pub set_aside: Number,
    /// How often the projector was begun anew after a panic.
    pub rebuilt: Number,
    breaker: AtomicU8,
    drain: Mutex<Estimate>,
    trouble: Mutex<Option<Trouble>>,
    refuses_all: Mutex<Option<String>>,
}

/// Why nothing is written at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Whether somebody has to do something, since waiting does not help.
    pub is_lasting: bool,
    /// What was said.
    pub reason: String,
}

impl ProjectorStatus {
    /// What the circuit breaker lets pass.
    pub fn breaker(&self) -> State {
        let place = usize::from(self.breaker.load(Ordering::Relaxed));
        State::ALL.get(place).copied().unwrap_or(State::Closed)
    }

    /// Why nothing is written, if so.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why the database refuses nearly every outcome for its content, if so.
    pub fn refuses_all(&self) -> Option<String> {
        self.refuses_all.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long the backlog will take.
    pub fn drain(&self) -> Estimate {
        *self.drain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_drain(&self, estimate: Estimate) {
        *self.drain.lock().unwrap_or_else(PoisonError::into_inner) = estimate;
    }

    pub(super) fn set_breaker(&self, state: State) {
        let place = State::ALL.iter().position(|known| *known == state);
        self.breaker
            .store(place.and_then(|it| u8::try_from(it).ok()).unwrap_or(0), Ordering::Relaxed);
    }

    /// Notes why nearly every outcome is refused, or that it is not; says whether it was otherwise
    /// before, whatever the reason was.
    pub(super) fn set_refuses_all(&self, reason: Option<&str>) -> bool {
        let mut known = self.refuses_all.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = known.is_some() != reason.is_some();
        if known.as_deref() != reason {
            *known = reason.map(str::to_owned);
        }
        is_news
    }

    /// Notes why nothing is written, or that something is; says whether that is news.
    pub(super) fn set_trouble(&self, trouble: Option<Trouble>) -> bool {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = *known != trouble;
        *known = trouble;
        is_news
    }
}

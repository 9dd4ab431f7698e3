//! The way to Redis, for all threads: counting attempts, making announcements, and whether Redis is
//! used at all.
//!
//! The first answer that is late or wrong ends the use at once for everybody, whoever met it; from
//! then on each server counts for itself, until `keeping.rs` has looked again.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout;

use super::announcement::Announcement;
use super::attempt::{self, Attempt, Taken};
use super::client::{Client, Connection};
use super::numbers::Numbers;
use super::options::Options;
use super::trouble::{Failure, Trouble};

/// Announcements that may wait.
const ANNOUNCEMENTS: usize = 1_024;

/// Why the link cannot be begun.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The options cannot be used.
    #[error("{0}")]
    Options(String),
    /// There is no thread to be had.
    #[error("cannot start the thread of Redis: {0}")]
    Thread(#[from] std::io::Error),
}

/// The way to Redis, for all threads.
pub struct Link {
    pub(super) client: Client,
    /// The connection, while Redis is used. Each time has another number, so that a late failure of
    /// a former one does no harm.
    pub(super) used: watch::Sender<Option<(u64, Connection)>>,
    /// How often the use has begun.
    pub(super) begun: AtomicU64,
    /// Why it is not used, and since when it is so.
    standing: Mutex<(Option<Trouble>, Instant)>,
    in_flight: AtomicUsize,
    /// Where announcements wait; gone once the link is to end.
    queue: Mutex<Option<mpsc::Sender<Announcement>>>,
    pub(super) all_announced: Notify,
    /// What is counted.
    pub numbers: Numbers,
}

/// Whether Redis is used.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Why not; `None`: it is.
    pub trouble: Option<Trouble>,
    /// For how long it has been so.
    pub age: Duration,
}

impl Link {
    /// Begins to look for Redis, and does not wait for it.
    ///
    /// # Errors
    /// When the options cannot be used.
    pub fn start(options: Options) -> Result<Arc<Self>, StartError> {
        let client =
            Client::new(options).map_err(|error| StartError::Options(error.to_string()))?;
        let (sender, receiver) = mpsc::channel(ANNOUNCEMENTS);
        let looking = Trouble::Away("it has not answered yet".to_owned());
        let link = Arc::new(Self {
            client,
            used: watch::Sender::new(None),
            begun: AtomicU64::new(0),
            standing: Mutex::new((Some(looking), Instant::now())),
            in_flight: AtomicUsize::new(0),
            queue: Mutex::new(Some(sender)),
            all_announced: Notify::new(),
            numbers: Numbers::default(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let kept = Arc::clone(&link);
        std::thread::Builder::new().name("redis".to_owned()).spawn(move || {
            runtime.block_on(kept.run(receiver));
        })?;
        Ok(link)
    }

    /// Counts an attempt of a client, if Redis is used and answers in time. `None`: whoever asks
    /// shall count for himself.
    pub async fn take(&self, client: &str, attempt: Attempt) -> Option<Taken> {
        let (number, connection) = self.used.borrow().clone()?;
        let _place = self.place()?;
        let key = format!("{}:attempts:{client}", self.options().prefix);
        let taken = timeout(self.options().slow, attempt::take(&connection, &key, attempt)).await;
        match taken.unwrap_or(Err(Failure::Trouble(Trouble::Slow))) {
            Ok(taken) => Some(taken),
            Err(Failure::Elsewhere) => {
                self.numbers.note_elsewhere();
                None
            }
            Err(Failure::Trouble(trouble)) => {
                self.leave(number, trouble);
                None
            }
        }
    }

    /// Tells others. What does not fit into the queue is dropped and counted: an announcement is
    /// never the only place where something stands.
    pub fn announce(&self, announcement: Announcement) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = queue.as_ref().is_some_and(|queue| queue.try_send(announcement).is_ok());
        if !sent {
            self.numbers.note_not_announced();
        }
    }

    /// Whether Redis is used.
    pub fn is_used(&self) -> bool {
        self.used.borrow().is_some()
    }

    /// Whether Redis is used, and if not, why.
    pub fn standing(&self) -> Standing {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        Standing { trouble: standing.0.clone(), age: standing.1.elapsed() }
    }

    /// Requests that wait for an answer.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// After how long an answer is too late.
    pub fn slow(&self) -> Duration {
        self.options().slow
    }

    /// Takes no more announcements, and waits so long for those that are there to be made.
    pub async fn finish(&self, patience: Duration) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        if timeout(patience, self.all_announced.notified()).await.is_err() {
            tracing::warn!("Redis was not told of everything that was revoked");
        }
    }

    pub(super) fn options(&self) -> &Options {
        &self.client.options
    }

    fn place(&self) -> Option<Place<'_>> {
        let place = Place(&self.in_flight);
        if self.in_flight.fetch_add(1, Ordering::Relaxed) < self.options().max_in_flight {
            return Some(place);
        }
        self.numbers.note_busy();
        None
    }

    /// Does not use Redis any more, unless it was left already since.
    pub(super) fn leave(&self, number: u64, trouble: Trouble) {
        self.numbers.note_trouble(&trouble);
        self.used.send_if_modified(|used| {
            let is_it = used.as_ref().is_some_and(|(known, _)| *known == number);
            if is_it {
                *used = None;
                self.note(Some(trouble));
            }
            is_it
        });
    }

    pub(super) fn note(&self, trouble: Option<Trouble>) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if standing.0.is_some() != trouble.is_some() {
            standing.1 = Instant::now();
        }
        standing.0 = trouble;
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Link").field("options", self.options()).finish_non_exhaustive()
    }
}

/// One of the requests that may wait at once.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

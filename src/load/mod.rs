//! A load on a running server: so many connections, a pace, and what was answered within which time.
//!
//! `redeemd bench` and the benchmarks use it. It must cost little beside what it measures, so it
//! writes requests as bytes, reads no more of an answer than it files, and keeps no list of
//! latencies. It knows nothing of the server's inside.

mod alarm;
mod connection;
mod driver;
mod error;
mod redemptions;
mod schedule;
mod supply;
mod tally;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

pub use error::Error;
pub use redemptions::{Redemptions, Shape};
pub use supply::Supply;
pub use tally::Tally;

use crate::client::Target;
use driver::Driver;
use schedule::Schedule;

/// How often whoever watches is told how it goes.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How often is looked whether it is over.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A load that can be put on a server.
#[derive(Clone, Debug)]
pub struct Load {
    /// The server.
    pub target: Target,
    /// How many connections there are, each with one request at a time; from 1 on.
    pub connections: usize,
    /// How many threads share them; from 1 to the number of connections.
    pub threads: usize,
    /// When requests are sent.
    pub pace: Pace,
    /// For how long.
    pub duration: Duration,
    /// How long an answer may take. What takes longer is counted as broken, and its connection is
    /// made anew.
    pub patience: Duration,
}

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Closed loop: each connection sends its next request when it has its answer, so that a slow
    /// server is asked less.
    Closed,
    /// Open loop: a fixed schedule, whatever the server does. A latency counts from the time at which
    /// the request should have been sent, so that a stall is seen in all that waited for it.
    Open {
        /// How many requests are due each second, over all connections.
        rate: f64,
        /// How many requests may be overdue because no connection is free. What is beyond is not
        /// sent, and counted.
        backlog: u64,
    },
}

/// Where requests come from, and what is to be counted of their answers. All threads share it.
pub trait Source: Send + Sync + 'static {
    /// Writes the next request as it goes over the wire, into a buffer that is empty. `false` says
    /// that there are no more.
    fn write(&self, wire: &mut Vec<u8>) -> bool;

    /// Files an answer by status and problem.
    fn file(&self, status: u16, body: &[u8], tally: &mut Tally);
}

/// What came of a load.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How long it took, the last answers included.
    pub elapsed: Duration,
    /// How many requests the schedule had; `None` in a closed loop.
    pub offered: Option<u64>,
    /// What was answered.
    pub tally: Tally,
    /// Whether it ended early because the source had no more requests.
    pub ran_out: bool,
}

/// What a watcher is shown.
#[derive(Debug)]
pub struct Moment<'a> {
    /// How long the load has lasted.
    pub elapsed: Duration,
    /// The time that `tally` is about: since the last moment.
    pub interval: Duration,
    /// What was answered in that time.
    pub tally: &'a Tally,
}

/// What the threads of a load share.
struct Shared {
    /// Everybody waits here until all connections are there.
    ready: Barrier,
    /// Set by the first that comes behind the barrier.
    begun: OnceLock<Instant>,
    /// A thread failed, and nobody shall begin.
    has_failed: AtomicBool,
    /// The source has no more requests.
    ran_out: AtomicBool,
}

impl Load {
    /// Puts the load on the server, until it is over. `watch` is called about every second.
    ///
    /// # Errors
    /// When not all connections can be made to begin with, or the operating system refuses a thread.
    pub fn run<S: Source>(
        &self,
        source: &Arc<S>,
        mut watch: impl FnMut(&Moment<'_>),
    ) -> Result<Outcome, Error> {
        let threads = self.threads.clamp(1, self.connections.max(1));
        let shared = Arc::new(Shared {
            ready: Barrier::new(threads),
            begun: OnceLock::new(),
            has_failed: AtomicBool::new(false),
            ran_out: AtomicBool::new(false),
        });
        let mut tallies = Vec::with_capacity(threads);
        let mut drivers = Vec::with_capacity(threads);
        for place in 0..threads {
            let tally = Arc::new(Mutex::new(Tally::new()));
            tallies.push(Arc::clone(&tally));
            let driver = Driver {
                source: Arc::clone(source),
                tally,
                target: self.target.clone(),
                // The first threads take what does not divide.
                connections: (self.connections + threads - 1 - place) / threads,
                schedule: self.schedule(place, threads),
                duration: self.duration,
                patience: self.patience,
            };
            let shared = Arc::clone(&shared);
            drivers.push(thread::spawn(move || driver.run(&shared)));
        }
        let mut whole = Tally::new();
        let mut last_look = Instant::now();
        while !drivers.iter().all(thread::JoinHandle::is_finished) {
            thread::sleep(POLL_INTERVAL);
            let Some(begun) = shared.begun.get() else { continue };
            // Connecting takes its time, too, and is no part of the load.
            let interval = last_look.elapsed().min(begun.elapsed());
            if interval >= LOOK_INTERVAL {
                last_look = Instant::now();
                let tally = gather(&tallies);
                watch(&Moment { elapsed: begun.elapsed(), interval, tally: &tally });
                whole.add(&tally);
            }
        }
        let mut elapsed = Duration::ZERO;
        let mut failed = None;
        for driver in drivers {
            match driver.join().unwrap_or(Err(Error::Panicked)) {
                Ok(last_answer) => elapsed = elapsed.max(last_answer),
                // The one that says why comes first.
                Err(Error::Elsewhere) => failed = failed.or(Some(Error::Elsewhere)),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        whole.add(&gather(&tallies));
        let offered = self.schedule(0, 1).map(|schedule| schedule.total());
        let ran_out = shared.ran_out.load(Ordering::Relaxed);
        Ok(Outcome { elapsed, offered, tally: whole, ran_out })
    }

    fn schedule(&self, place: usize, threads: usize) -> Option<Schedule> {
        match self.pace {
            Pace::Closed => None,
            Pace::Open { rate, backlog } => {
                let backlog = backlog.div_ceil(threads as u64);
                Some(Schedule::new(rate, self.duration, place as u64, threads as u64, backlog))
            }
        }
    }
}

/// Takes what all threads have counted since the last time.
fn gather(tallies: &[Arc<Mutex<Tally>>]) -> Tally {
    let mut whole = Tally::new();
    for tally in tallies {
        let taken = std::mem::take(&mut *tally.lock().unwrap_or_else(PoisonError::into_inner));
        whole.add(&taken);
    }
    whole
}

#[cfg(test)]
mod tests;

//! Telling shards what became of the claims that they made, in batches.

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redeemd_domain::shard::{Claim, Command, Fate, Settle};
use tokio::sync::Notify;

use super::{AGAIN, Books};
use crate::core::Answer;
use crate::crash_point::CrashPoint;

/// How long claims gather before their shards are told.
const INTERVAL: Duration = Duration::from_millis(5);

/// How long the end of the server waits for them.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is to be told to each shard.
#[derive(Debug)]
pub(super) struct Gathered {
    by_shard: Vec<Mutex<Settle>>,
    /// Whether the task knows that there is something, so that few calls wake it.
    is_known: AtomicBool,
    /// Whether something is being told at present.
    is_telling: AtomicBool,
    some: Notify,
}

impl Gathered {
    pub(super) fn new(shards: u16) -> Self {
        let by_shard = (0..shards).map(|_| Mutex::default()).collect();
        let (is_known, is_telling) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { by_shard, is_known, is_telling, some: Notify::new() }
    }

    pub(super) fn add(&self, claim: &Claim, fate: Fate) {
        self.put(claim.shard.into(), |gathered| match fate {
            Fate::Granted => gathered.settled.push(claim.number),
            Fate::Refused => gathered.returned.push(claim.number),
        });
    }

    fn put(&self, shard: usize, put: impl FnOnce(&mut Settle)) {
        let Some(gathered) = self.by_shard.get(shard) else { return };
        put(&mut gathered.lock().unwrap_or_else(PoisonError::into_inner));
        if !self.is_known.swap(true, Ordering::AcqRel) {
            self.some.notify_one();
        }
    }

    fn take(&self, shard: usize) -> Option<Settle> {
        let gathered = self.by_shard.get(shard)?;
        let taken = std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner));
        (!taken.settled.is_empty() || !taken.returned.is_empty()).then_some(taken)
    }

    /// Waits until all shards are told, but not for long.
    pub(super) async fn drained(&self) {
        let begun = Instant::now();
        let is_busy =
            || self.is_known.load(Ordering::Acquire) || self.is_telling.load(Ordering::Acquire);
        while is_busy() && begun.elapsed() < PATIENCE {
            actix::clock::sleep(INTERVAL).await;
        }
    }
}

/// Tells the shards, again and again.
pub(super) async fn run(books: Rc<Books>, gathered: std::sync::Arc<Gathered>) {
    loop {
        gathered.some.notified().await;
        actix::clock::sleep(INTERVAL).await;
        gathered.is_telling.store(true, Ordering::Release);
        // What comes from now on wakes this task again.
        gathered.is_known.store(false, Ordering::Release);
        books.crash_points.at(CrashPoint::SettleGathered).await;
        let tell = |shard| {
            let settle = gathered.take(shard)?;
            let asked = books.shards.insist(shard, Command::Settle(settle.clone()));
            Some((shard, settle, asked))
        };
        let told: Vec<_> = (0..books.shards.places()).filter_map(tell).collect();
        let mut failed = Vec::new();
        for (shard, settle, asked) in told {
            match asked.await {
                // Of what nobody knows the resolver will ask.
                Answer::Outcome(_) | Answer::Unknown(_) | Answer::Reply(_) => {}
                Answer::Rejected(_) => failed.push((shard, settle)),
            }
        }
        books.crash_points.at(CrashPoint::Settled).await;
        if !failed.is_empty() {
            actix::clock::sleep(AGAIN).await;
            for (shard, mut settle) in failed {
                gathered.put(shard, |gathered| {
                    gathered.settled.append(&mut settle.settled);
                    gathered.returned.append(&mut settle.returned);
                });
            }
        }
        gathered.is_telling.store(false, Ordering::Release);
    }
}

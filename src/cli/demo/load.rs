//! All clients at once, with the server killed in between.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::redeemer::{Redeemer, Told};
use super::stage::Stage;
use super::wishes::{Attempt, Wishes};
use crate::cli::progress::{Grouped, Progress};

/// How often is looked how far the clients are.
const LOOK: Duration = Duration::from_millis(10);

/// What the clients were told.
#[derive(Default)]
pub(super) struct Load {
    /// The bodies of the answers to successful redemptions, by place.
    pub answers: Vec<(usize, Vec<u8>)>,
    /// How many attempts of somebody else were refused, as they have to be.
    pub refused: u64,
    /// Requests that the kill cut off, by what became of them.
    pub cut_off: CutOff,
    /// How long the answers took that nothing cut off.
    pub latencies: Vec<Duration>,
    /// How long the server took to be back.
    pub restart: Duration,
    /// What should not have happened, a line each.
    pub faults: Vec<String>,
}

/// What became of requests that were cut off, when they were sent again.
#[derive(Clone, Copy, Default)]
pub(super) struct CutOff {
    /// The redemption had happened; the same answer came again.
    pub had_happened: u64,
    /// It had not happened; it did then.
    pub happened_then: u64,
    /// It was refused, as it would have been.
    pub refused: u64,
}

/// Redeems everything, and kills the server half-way.
pub(super) fn run(
    stage: &Stage,
    wishes: &Wishes,
    clients: u64,
    progress: &Progress,
) -> anyhow::Result<Load> {
    let half = wishes.count() as u64 / 2;
    let (answered, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let client = || {
            let load = Load::gather(stage, wishes, &answered, &is_over);
            if load.is_err() {
                // The others would wait for a server that may be gone for good.
                is_over.store(true, Ordering::Relaxed);
            }
            load
        };
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        let mut restart = None;
        while clients.iter().any(|client| !client.is_finished()) {
            let done = answered.load(Ordering::Relaxed);
            progress.set(done);
            if restart.is_none() && done >= half && !is_over.load(Ordering::Relaxed) {
                let took = stage.kill_and_restart();
                let took = took.inspect_err(|_| is_over.store(true, Ordering::Relaxed))?;
                let (done, took_ms) = (Grouped(done), took.as_millis());
                progress.note(format_args!(
                    "killed the server with SIGKILL after {done} answers; it is back in {took_ms} ms"
                ))?;
                restart = Some(took);
            }
            thread::sleep(LOOK);
        }
        let mut whole = Load::default();
        for client in clients {
            let part = client.join().map_err(|_| anyhow::anyhow!("a client panicked"))?;
            whole.add(part?);
        }
        match restart {
            Some(restart) => whole.restart = restart,
            None => whole.faults.push("it was over before the server was killed".to_owned()),
        }
        Ok(whole)
    })
}

impl Load {
    /// What one client does.
    fn gather(
        stage: &Stage,
        wishes: &Wishes,
        answered: &AtomicU64,
        is_over: &AtomicBool,
    ) -> anyhow::Result<Self> {
        let mut load = Self::default();
        let mut redeemer = Redeemer::new(stage)?;
        while let Some(attempt) = wishes.next().filter(|_| !is_over.load(Ordering::Relaxed)) {
            let told = redeemer.redeem(wishes, attempt)?;
            match attempt {
                Attempt::First(place) if load.note_first(place, &told) => {
                    answered.fetch_add(1, Ordering::Relaxed);
                    wishes.redeemed(place);
                }
                Attempt::First(_) => {}
                Attempt::Second(place) => load.note_second(place, &told),
            }
            if told.cut_off == 0 {
                load.latencies.push(told.took);
            }
        }
        Ok(load)
    }

    /// Whether the redemption was a success.
    fn note_first(&mut self, place: usize, told: &Told) -> bool {
        let answer = &told.answer;
        if answer.status() != 201 {
            self.faults.push(format!("redemption {place} was answered {}", answer.summary()));
            return false;
        }
        match (told.cut_off > 0, answer.is_replayed()) {
            (true, true) => self.cut_off.had_happened += 1,
            (true, false) => self.cut_off.happened_then += 1,
            (false, true) => {
                self.faults.push(format!("redemption {place} is taken for a repeated one"));
            }
            (false, false) => {}
        }
        self.answers.push((place, answer.body().to_vec()));
        true
    }

    fn note_second(&mut self, place: usize, told: &Told) {
        let answer = &told.answer;
        if answer.problem().as_deref() != Some("already_redeemed") {
            let summary = answer.summary();
            self.faults.push(format!("somebody else's redemption {place} was answered {summary}"));
            return;
        }
        self.refused += 1;
        if told.cut_off > 0 {
            self.cut_off.refused += 1;
        }
    }

    fn add(&mut self, other: Self) {
        self.answers.extend(other.answers);
        self.refused += other.refused;
        self.cut_off.had_happened += other.cut_off.had_happened;
        self.cut_off.happened_then += other.cut_off.happened_then;
        self.cut_off.refused += other.cut_off.refused;
        self.latencies.extend(other.latencies);
        self.faults.extend(other.faults);
    }
}

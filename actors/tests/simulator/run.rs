//! Many histories, on all cores; and what is printed where one fails.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crate::simulation::Simulation;
use crate::trace::Trace;

/// What must have happened somewhere in a large campaign, or it proves little.
const MUST_HAPPEN: [&str; 67] = [
    "already redeemed",
    "already rolled back",
    "amount not taken",
    "amount too large",
    "append refused",
    "append unknown",
    "archived",
    "believe clock",
    "campaign limit reached",
    "claim resolved",
    "claim void",
    "claimed",
    "claims pending",
    "claims settled",
    "clock leaps",
    "clock runs back",
    "code held",
    "commit",
    "damage snapshot",
    "delivered",
    "disk full",
    "expired",
    "found in ledger",
    "give back",
    "hold became redemption",
    "hold ended",
    "hold placed",
    "hold prolonged",
    "hold released",
    "holds expired",
    "insufficient balance",
    "invalid code",
    "journal was torn",
    "key reused",
    "kill",
    "ledger was torn",
    "made up",
    "message repeated",
    "money spent",
    "not yet valid",
    "panic",
    "paused",
    "power cut",
    "publish snapshot",
    "rebuilt",
    "recovered",
    "recovery interrupted",
    "rejected",
    "replayed",
    "revoked",
    "rollback too late",
    "rolled back",
    "rolled back in part",
    "search ledger",
    "segment begun",
    "segments removed",
    "share granted",
    "share recalled",
    "share returned",
    "share taken",
    "shares opened",
    "topped up",
    "unknown",
    "unknown was done",
    "user limit reached",
    "vanished after a claim",
    "vanished before settling",
];

/// How many steps a campaign must have for all of that.
const LARGE_CAMPAIGN_STEPS: u64 = 2_000_000;

/// A history that is not sound.
#[derive(Debug)]
pub(crate) struct Failure {
    seed: u64,
    steps: u64,
    step: u64,
    message: String,
    notes: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, steps, step, message, notes } = self;
        let release = if cfg!(debug_assertions) { "" } else { " --release" };
        write!(
            formatter,
            "\nseed {seed} fails at step {step}: {message}\n\nwhat happened last:\n{notes}\n\
             to see it again:\n  REDEEMD_SIMULATOR_SEED={seed} REDEEMD_SIMULATOR_STEPS={steps} \
             cargo test{release} -p redeemd-actors --test simulator every_history -- --nocapture\n"
        )
    }
}

/// Lives through one history.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn history(seed: u64, steps: u64) -> Result<Trace, Failure> {
    let mut simulation = None;
    let result = catch_unwind(AssertUnwindSafe(|| {
        simulation.insert(Simulation::new(seed)).run(steps);
    }));
    let trace = simulation.map(|simulation| simulation.world.trace).unwrap_or_default();
    result.map_err(|panic| Failure {
        seed,
        steps,
        step: trace.step,
        message: said(&*panic),
        notes: trace.tail(),
    })?;
    Ok(trace)
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

/// Many histories.
#[derive(Debug)]
pub(crate) struct Campaign {
    seeds: std::ops::RangeInclusive<u64>,
    steps: u64,
}

impl Campaign {
    /// As the environment says.
    pub(crate) fn from_environment() -> Self {
        let seeds = match variable("REDEEMD_SIMULATOR_SEED") {
            Some(seed) => seed..=seed,
            None => 1..=variable("REDEEMD_SIMULATOR_SEEDS").unwrap_or(1_000),
        };
        Self { seeds, steps: variable("REDEEMD_SIMULATOR_STEPS").unwrap_or(10_000) }
    }

    /// Lives through all of them, and stops at the first that is not sound.
    pub(crate) fn run(&self) {
        let begun = Instant::now();
        let next = AtomicU64::new(*self.seeds.start());
        let has_failed = AtomicBool::new(false);
        let failures = Mutex::new(Vec::new());
        let counts: Mutex<BTreeMap<&str, u64>> = Mutex::default();
        let digest = AtomicU64::new(0);
        let work = || {
            while !has_failed.load(Ordering::Relaxed) {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed > *self.seeds.end() {
                    break;
                }
                match history(seed, self.steps) {
                    Ok(trace) => {
                        digest.fetch_xor(trace.digest(), Ordering::Relaxed);
                        let mut counts = counts.lock().unwrap();
                        for (what, count) in trace.counts() {
                            *counts.entry(what).or_default() += count;
                        }
                    }
                    Err(failure) => {
                        has_failed.store(true, Ordering::Relaxed);
                        failures.lock().unwrap().push(failure);
                    }
                }
            }
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        let failures = failures.into_inner().unwrap();
        if let Some(failure) = failures.iter().min_by_key(|failure| failure.seed) {
            panic!("{failure}");
        }
        let counts = counts.into_inner().unwrap();
        let seeds = self.seeds.end() - self.seeds.start() + 1;
        println!(
            "{seeds} seeds of {} steps in {:.1} s on {threads} threads, digest {:016x}",
            self.steps,
            begun.elapsed().as_secs_f64(),
            digest.into_inner()
        );
        for (what, count) in &counts {
            println!("  {count:>10}  {what}");
        }
        if seeds * self.steps >= LARGE_CAMPAIGN_STEPS {
            for what in MUST_HAPPEN {
                assert!(counts.contains_key(what), "nowhere did this happen: {what}");
            }
        }
    }
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

//! What the projector decides: what to write next, and what to do after it worked or did not. A
//! plain value: events in, steps out. It knows no database, no ledger and no clock.

use std::collections::BTreeMap;
use std::time::Duration;

use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_persistence::postgres::{Checkpoint, Kind};

use super::aside::Aside;
use super::brake::Brake;
use super::breaker::{Breaker, State};
use super::lane::{Lane, Search};
use super::pace::Pace;
use super::step::{Order, Retry, Step};

/// What bounds the projector.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// At how many outcomes, or rows of them, a batch is full at the most.
    pub batch_rows: usize,
    /// How long a batch is meant to take at the most, so that it is far from being given up.
    pub longest_batch: Duration,
    /// How many batches are written at once, each of another sequence.
    pub batches_at_once: usize,
    /// How long outcomes may gather, where there are few of them.
    pub interval: Duration,
    /// The longest time between two attempts while the database is away.
    pub longest_delay: Duration,
}

/// What the projector knows and decides. Times are since any fixed moment.
#[derive(Clone, Debug)]
pub struct Core {
    limits: Limits,
    lanes: BTreeMap<SequenceId, Lane>,
    breaker: Breaker,
    brake: Brake,
    pace: Pace,
    aside: Aside,
    /// Whether it is known how far the database is.
    is_surveyed: bool,
    is_surveying: bool,
    /// The lane that was served last, so that all get their turn.
    last: Option<SequenceId>,
}

impl Core {
    /// A projector that knows nothing of its database yet, but where it stood when it was last seen.
    pub fn new(limits: Limits, checkpoints: &BTreeMap<SequenceId, Checkpoint>) -> Self {
        Self {
            limits,
            lanes: checkpoints.iter().map(|(&sequence, &at)| (sequence, Lane::new(at))).collect(),
            breaker: Breaker::new(limits.longest_delay),
            brake: Brake::new(limits.longest_delay),
            pace: Pace::new(limits.batch_rows, limits.longest_batch),
            aside: Aside::default(),
            is_surveyed: false,
            is_surveying: false,
            last: None,
        }
    }

    /// Where the database stands, as far as is known.
    pub fn checkpoints(&self) -> BTreeMap<SequenceId, Checkpoint> {
        self.lanes.iter().map(|(&sequence, lane)| (sequence, lane.checkpoint)).collect()
    }

    /// What the circuit breaker lets pass. Where nearly everything is refused, it is open, too, but
    /// for one outcome now and then.
    pub fn breaker(&self, now: Duration) -> State {
        match self.breaker.state(now) {
            State::Closed if self.brake.is_on(now) => State::Open,
            State::Closed if self.brake.reason().is_some() => State::HalfOpen,
            state => state,
        }
    }

    /// Why nearly everything is refused, where it is.
    pub fn refuses_all(&self) -> Option<&str> {
        self.brake.reason()
    }

    /// Whether it is known how far the database is, so that batches are written.
    pub fn is_surveyed(&self) -> bool {
        self.is_surveyed
    }

    /// The outcomes that were set aside.
    pub fn aside(&self) -> &Aside {
        &self.aside
    }

    /// How much is written at once.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// How many entries the database is behind.
    pub fn backlog(&self) -> u64 {
        let behind = |lane: &Lane| lane.available.saturating_sub(lane.checkpoint.through);
        self.lanes.values().map(behind).fold(0, u64::saturating_add)
    }

    /// How many entries the database has, and how many the ledger durably has.
    pub fn totals(&self) -> (u64, u64) {
        let sum =
            |of: &dyn Fn(&Lane) -> u64| self.lanes.values().map(of).fold(0, u64::saturating_add);
        let available = |lane: &Lane| lane.available.max(lane.checkpoint.through);
        (sum(&|lane| lane.checkpoint.through), sum(&available))
    }

    /// Notes how far the ledger durably has a sequence.
    pub fn available(&mut self, sequence: SequenceId, through: u64) {
        if let Some(lane) = self.lanes.get_mut(&sequence) {
            lane.available = lane.available.max(through);
        }
    }

    /// Lets a sequence be written up to an entry and no further, for the sake of another one.
    pub fn bound(&mut self, sequence: SequenceId, through: u64) {
        if let Some(lane) = self.lanes.get_mut(&sequence) {
            lane.bound = through;
        }
    }

    /// What to do next. What it says is taken to be begun, unless it is to wait.
    pub fn next(&mut self, now: Duration) -> Step {
        let under_way = self.lanes.values().filter(|lane| lane.is_under_way).count();
        let wait = self.breaker.wait(now);
        if !wait.is_zero() {
            return Step::Wait(wait);
        }
        if self.is_surveying || (!self.is_surveyed && under_way > 0) {
            return Step::Wait(self.limits.interval);
        }
        if !self.is_surveyed {
            self.is_surveying = true;
            return Step::Survey;
        }
        // After a failure one batch is tried before there are several.
        let is_usual = self.is_well() && self.brake.reason().is_none();
        let most = if is_usual { self.limits.batches_at_once } else { 1 };
        if under_way >= most {
            return Step::Wait(self.limits.interval);
        }
        if self.is_well() && self.aside.look(now) {
            return Step::LookAside;
        }
        if let Some(retry) = self.retry() {
            return Step::Retry(retry);
        }
        let pause = self.brake.wait(now);
        match self.due(now) {
            _ if !pause.is_zero() => Step::Wait(pause.min(self.limits.interval)),
            Ok(sequence) => self.begin(sequence, now),
            Err(wait) => Step::Wait(wait),
        }
    }

    /// Notes that the database was looked at and stands here, with so many outcomes set aside.
    pub fn surveyed(&mut self, checkpoints: &BTreeMap<SequenceId, Checkpoint>, set_aside: u64) {
        (self.is_surveying, self.is_surveyed) = (false, true);
        self.aside.counted(set_aside);
        for (sequence, &checkpoint) in checkpoints {
            if let Some(lane) = self.lanes.get_mut(sequence) {
                // What was refused was refused there: the next outcome elsewhere is another one.
                lane.search.take_if(|_| lane.checkpoint != checkpoint);
                lane.checkpoint = checkpoint;
            }
        }
        // One that can be looked at need not take anything: its disk may be full. That is known when
        // something was written.
        if self.backlog() == 0 {
            self.breaker.succeeded();
        }
    }

    /// Whether the database takes what there is for it, as far as is known.
    pub fn is_well(&self) -> bool {
        self.is_surveyed && self.breaker.failures() == 0
    }

    /// Notes that a batch was written: how large it was, in outcomes or rows, and how long it took.
    pub fn written(&mut self, order: &Order, to: Checkpoint, size: usize, took: Duration) {
        let Some(lane) = self.lanes.get_mut(&order.sequence) else { return };
        lane.is_under_way = false;
        lane.checkpoint = to;
        let most = self.pace.limit();
        lane.search = lane.search.take().and_then(|search| {
            // What follows may be refused, too, so the way back to large batches takes a few steps.
            let limit = search.limit.saturating_mul(2);
            (limit < most).then_some(Search { limit, reason: None })
        });
        if lane.search.is_none() {
            self.pace.written(size, took);
        }
        match &order.set_aside {
            Some(reason) => {
                self.aside.added();
                self.brake.set_aside(reason);
                self.forget_refusals();
            }
            // One outcome may leave thousands of rows, and a batch has so many outcomes at most.
            None => self.brake.arrived(size.min(order.limit) as u64),
        }
        self.breaker.succeeded();
    }

    /// Notes that looking or writing did not work, of which sequence, with how many outcomes, and
    /// why. `chance` is any random number.
    pub fn failed(
        &mut self,
        order: Option<(&Order, usize)>,
        (kind, reason): (Kind, String),
        now: Duration,
        chance: u64,
    ) {
        self.is_surveying &= order.is_some();
        if let Some(lane) = order.and_then(|(order, _)| self.lanes.get_mut(&order.sequence)) {
            lane.is_under_way = false;
            if let (Kind::Content, Some((order, outcomes))) = (kind, order)
                && order.set_aside.is_none()
            {
                lane.search = Some(match outcomes {
                    0 | 1 => Search { limit: 1, reason: Some(reason) },
                    _ => Search { limit: outcomes.div_ceil(2), reason: None },
                });
                return;
            }
        }
        if kind == Kind::Away && order.is_some() {
            // It may have taken longer than a batch may: the next one is smaller.
            self.pace.failed();
        }
        self.interrupted(kind, now, chance);
    }

    /// Notes which outcomes are to be tried again, and how many are set aside; nothing where the
    /// database did not say.
    pub fn looked_aside(&mut self, seen: Option<(u64, Vec<Position>)>) {
        self.aside.seen(seen);
    }

    /// Notes what came of trying an outcome again: `Ok` where it is set aside no more, `Err` where
    /// the database refused it again.
    pub fn retried(&mut self, retry: &Retry, result: Result<(), ()>) {
        self.free(retry.position.sequence);
        if result.is_ok() {
            self.aside.arrived();
            self.brake.arrived(1);
        }
    }

    /// Notes that trying an outcome again did not work for another reason than the outcome.
    pub fn retry_failed(&mut self, retry: &Retry, kind: Kind, now: Duration, chance: u64) {
        self.free(retry.position.sequence);
        self.interrupted(kind, now, chance);
    }

    /// Everything is to be looked at again before anything is written.
    fn interrupted(&mut self, kind: Kind, now: Duration, chance: u64) {
        self.is_surveyed = false;
        self.aside.forget();
        match kind {
            Kind::Away => self.breaker.failed(now, chance),
            // One that even refuses to have it set aside needs somebody to look.
            Kind::Content | Kind::Stopped => self.breaker.stopped(now),
        }
    }

    /// Where a pause begins, what was refused before it is tried once more after it.
    fn forget_refusals(&mut self) {
        if self.brake.reason().is_some() {
            let searches = self.lanes.values_mut().filter_map(|lane| lane.search.as_mut());
            searches.for_each(|search| search.reason = None);
        }
    }

    fn free(&mut self, sequence: SequenceId) {
        if let Some(lane) = self.lanes.get_mut(&sequence) {
            lane.is_under_way = false;
        }
    }

    /// The next outcome that is to be tried again, where nothing of its sequence is under way. What
    /// the database does not have yet comes by itself.
    fn retry(&mut self) -> Option<Retry> {
        let lanes = &self.lanes;
        let can_be = |position: Position| {
            lanes.get(&position.sequence).is_none_or(|lane| !lane.is_under_way)
        };
        let position = self.aside.next(can_be)?;
        let lane = self.lanes.get_mut(&position.sequence)?;
        lane.is_under_way = true;
        Some(Retry { position, from: lane.checkpoint })
    }

    /// The sequence whose turn it is; otherwise how long until there may be one.
    fn due(&self, now: Duration) -> Result<SequenceId, Duration> {
        let after = |sequence: &SequenceId| self.last.is_none_or(|last| *sequence > last);
        let (later, earlier): (Vec<_>, Vec<_>) =
            self.lanes.iter().partition(|(sequence, _)| after(sequence));
        let mut wait = self.limits.interval;
        for (&sequence, lane) in later.into_iter().chain(earlier) {
            let backlog = lane.writable().saturating_sub(lane.checkpoint.through);
            if backlog == 0 || lane.is_under_way {
                continue;
            }
            let is_much =
                usize::try_from(backlog).is_ok_and(|backlog| backlog >= self.pace.limit());
            let left = (lane.begun + self.limits.interval).saturating_sub(now);
            if left.is_zero() || is_much || lane.search.is_some() {
                return Ok(sequence);
            }
            wait = wait.min(left);
        }
        Err(wait)
    }

    fn begin(&mut self, sequence: SequenceId, now: Duration) -> Step {
        // Where nearly everything is refused, one outcome tells whether it still is.
        let limit = if self.brake.reason().is_some() { 1 } else { self.pace.limit() };
        let Some(lane) = self.lanes.get_mut(&sequence) else { return Step::Wait(Duration::ZERO) };
        (lane.is_under_way, lane.begun) = (true, now);
        self.last = Some(sequence);
        Step::Write(Order {
            sequence,
            from: lane.checkpoint,
            through: lane.writable(),
            limit: lane.search.as_ref().map_or(limit, |search| search.limit.min(limit)),
            set_aside: lane.search.as_ref().and_then(|search| search.reason.clone()),
        })
    }
}

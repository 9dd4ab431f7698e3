//! Carrying out what the [`Core`](super::core::Core) decides.

use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redeemd_persistence::postgres::{Checkpoint, Error, Kind, Projection, Survey};
use tokio::sync::{Notify, mpsc};

use super::Surroundings;
use super::core::{Core, Order, Step};
use super::reading;
use super::status::Trouble;

/// How often the ledger is looked at, at the least.
const LOOK: Duration = Duration::from_millis(100);

/// How often the note is written, and how old the backlog is is looked up.
const BOOKKEEPING: Duration = Duration::from_secs(1);

/// How long what is under way may take when the server ends.
const LAST_BATCHES: Duration = Duration::from_secs(5);

/// The work of a projector from one start, or panic, to the next.
pub(super) struct Work {
    surroundings: Surroundings,
    projection: Arc<Projection>,
    core: Core,
    begun: Instant,
    results: (mpsc::UnboundedSender<Done>, mpsc::UnboundedReceiver<Done>),
    under_way: usize,
    bookkept: Option<Instant>,
}

/// What came of a batch.
struct Done {
    order: Order,
    to: Checkpoint,
    outcomes: usize,
    size: usize,
    took: Duration,
    result: Result<(), Error>,
}

impl Work {
    /// Work that begins. Must be called within a runtime.
    pub(super) fn new(surroundings: Surroundings) -> Self {
        let owner = &surroundings.owner;
        let noted = surroundings.note.read();
        let genesis = |sequence| Checkpoint::genesis(owner.directory, sequence);
        let checkpoints = owner
            .sequences()
            .map(|it| (it, noted.get(&it).copied().unwrap_or_else(|| genesis(it))))
            .collect();
        Self {
            projection: Arc::new(Projection::new(&surroundings.options)),
            core: Core::new(surroundings.limits, &checkpoints),
            begun: Instant::now(),
            results: mpsc::unbounded_channel(),
            under_way: 0,
            bookkept: None,
            surroundings,
        }
    }

    /// Works until it is told to end.
    pub(super) async fn run(mut self, ending: Rc<Notify>) {
        loop {
            self.look();
            match self.core.next(self.now()) {
                Step::Survey => tokio::select! {
                    surveyed = self.survey() => self.surveyed(surveyed),
                    () = ending.notified() => break,
                },
                Step::Write(order) => self.write(order),
                Step::Wait(wait) => tokio::select! {
                    done = self.results.1.recv() => self.done(done),
                    () = tokio::time::sleep(wait.min(LOOK)) => {}
                    () = ending.notified() => break,
                },
            }
        }
        let last = async {
            while self.under_way > 0 {
                let done = self.results.1.recv().await;
                self.done(done);
            }
        };
        // What is cut off here is looked up at the next start.
        let _ = tokio::time::timeout(LAST_BATCHES, last).await;
        self.note();
    }

    /// Looks how far the database is, and that its past is this directory's.
    async fn survey(&self) -> Result<Survey, Error> {
        let Surroundings { owner, ledger, .. } = &self.surroundings;
        let mut survey = self.projection.survey(owner).await;
        if self.surroundings.migrates && matches!(survey, Err(Error::NotMigrated { .. })) {
            let migrated = self.projection.migrate().await?;
            tracing::info!(from = migrated.from, to = migrated.to, "the database was migrated");
            survey = self.projection.survey(owner).await;
        }
        let survey = survey?;
        let known = self.core.checkpoints();
        for sequence in owner.sequences() {
            let genesis = Checkpoint::genesis(owner.directory, sequence);
            let known = known.get(&sequence).copied().unwrap_or(genesis);
            let found = survey.checkpoints.get(&sequence).copied();
            let found = found.ok_or_else(|| {
                Error::Foreign(format!("redeemd.watermarks has no row for {sequence}"))
            })?;
            reading::verify(ledger, sequence, known, genesis, found)
                .map_err(|error| Error::Foreign(error.to_string()))?;
        }
        Ok(survey)
    }

    fn surveyed(&mut self, surveyed: Result<Survey, Error>) {
        let status = &self.surroundings.status;
        match surveyed {
            Ok(Survey { checkpoints, set_aside }) => {
                self.core.surveyed(&checkpoints);
                status.set_aside.set(set_aside);
                if status.set_trouble(None) {
                    tracing::info!("the database is there, and outcomes are written to it");
                }
            }
            Err(error) => self.failed(None, &error),
        }
    }

    /// Reads a batch and begins to write it.
    fn write(&mut self, order: Order) {
        let Surroundings { ledger, renderer, owner, .. } = &self.surroundings;
        let read = match reading::read(ledger, renderer, &order) {
            Ok(read) => read,
            Err(error) => {
                let error = Error::Foreign(format!("the ledger does not read: {error}"));
                return self.failed(Some((&order, 0)), &error);
            }
        };
        let (projection, owner) = (Arc::clone(&self.projection), owner.clone());
        let results = self.results.0.clone();
        self.under_way += 1;
        tokio::task::spawn_local(async move {
            let begun = Instant::now();
            let result = projection.write(&owner, &read.batch).await;
            let (outcomes, size) = (read.outcomes, read.size());
            let (to, took) = (read.batch.to, begun.elapsed());
            // Nobody listens any more when the server ends.
            let _ = results.send(Done { order, to, outcomes, size, took, result });
        });
    }

    fn done(&mut self, done: Option<Done>) {
        let Some(Done { order, to, outcomes, size, took, result }) = done else { return };
        self.under_way = self.under_way.saturating_sub(1);
        let status = &self.surroundings.status;
        match result {
            Ok(()) => {
                status.batches.observe(took);
                status.outcomes.add(outcomes as u64);
                if let Some(reason) = &order.set_aside {
                    status.set_aside.add(1);
                    let (sequence, entry) = (order.sequence, to.through);
                    tracing::error!(%sequence, entry, reason, "an outcome was set aside");
                }
                self.core.written(&order, to, size, took);
            }
            Err(error) => self.failed(Some((&order, outcomes)), &error),
        }
    }

    fn failed(&mut self, order: Option<(&Order, usize)>, error: &Error) {
        let chance = RandomState::new().hash_one(self.begun.elapsed());
        let now = self.now();
        self.core.failed(order, (error.kind(), error.to_string()), now, chance);
        let status = &self.surroundings.status;
        status.failures.add(1);
        if self.core.is_surveyed() {
            // Only a row is to blame, which is being looked for.
            return;
        }
        let is_lasting = error.kind() != Kind::Away;
        let reason = error.to_string();
        if status.set_trouble(Some(Trouble { is_lasting, reason })) {
            tracing::warn!(%error, "nothing is written to the database at present");
        }
    }

    /// Looks at the ledger, and says how things are.
    fn look(&mut self) {
        let Surroundings { ledger, status, owner, .. } = &self.surroundings;
        for sequence in owner.sequences() {
            self.core.available(sequence, ledger.durable(sequence));
        }
        let backlog = self.core.backlog();
        status.backlog.set(backlog);
        status.set_breaker(self.core.breaker(self.now()));
        status.batch_limit.set(self.core.pace().limit() as u64);
        let rate = self.core.pace().rate();
        let seconds = if rate > 0.0 { (backlog as f64 / rate).ceil() as u64 } else { 0 };
        status.drain_seconds.set(seconds);
        if self.bookkept.is_none_or(|last| last.elapsed() >= BOOKKEEPING) {
            self.bookkept = Some(Instant::now());
            self.find_oldest();
            self.note();
        } else if backlog == 0 {
            status.oldest_waiting_ms.set(0);
        }
    }

    fn find_oldest(&self) {
        let Surroundings { ledger, status, .. } = &self.surroundings;
        let waiting = self.core.checkpoints().into_iter();
        let behind = waiting.filter(|(sequence, it)| ledger.durable(*sequence) > it.through);
        let first = |(sequence, it): (_, Checkpoint)| {
            // What does not read is said when it is to be written.
            reading::first_after(ledger, sequence, it.through).ok().flatten()
        };
        let oldest = behind.filter_map(first).min();
        status.oldest_waiting_ms.set(oldest.map_or(0, |at| at.0));
    }

    fn note(&self) {
        let checkpoints = self.core.checkpoints();
        if let Err(error) = self.surroundings.note.write(&checkpoints) {
            tracing::debug!(%error, "how far the database is could not be noted");
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }
}

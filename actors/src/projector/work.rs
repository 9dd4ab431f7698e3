//! Carrying out what the [`Core`] decides.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_persistence::postgres::{Checkpoint, Error, Kind, Projection, Survey};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

use super::again::{self, Again};
use super::core::Core;
use super::horizon::Horizon;
use super::presence::Presence;
use super::reader::{Reader, Reading};
use super::status::Trouble;
use super::step::{Order, Retry, Step};
use super::watch::Watch;
use super::{Surroundings, reading, retrying};

/// How often the ledger is looked at, at the least.
const LOOK: Duration = Duration::from_millis(100);

/// How long what is under way may take when the server ends.
const LAST_BATCHES: Duration = Duration::from_secs(5);

/// The work of a projector from one start, or panic, to the next.
pub(super) struct Work {
    surroundings: Surroundings,
    projection: Arc<Projection>,
    core: Core,
    watch: Watch,
    horizon: Horizon,
    presence: Presence,
    reader: Reader,
    /// What is read before it is asked for, by sequence.
    ahead: BTreeMap<SequenceId, Reading>,
    begun: Instant,
    under_way: JoinSet<Done>,
}

/// What came of something that took a while.
enum Done {
    Batch(Written, Result<(), Error>),
    Unread(Order, Error),
    Aside(Result<(u64, Vec<Position>), Error>),
    Retry(Retry, Result<Again, Error>),
}

/// A batch that was written, or not.
struct Written {
    order: Order,
    to: Checkpoint,
    outcomes: usize,
    size: usize,
    took: Duration,
    /// The batch after it.
    next: Option<Reading>,
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
            watch: Watch::new(surroundings.max_backlog_bytes, noted),
            horizon: Horizon::default(),
            presence: Presence::new(surroundings.owner.sequences()),
            reader: Reader::new(
                surroundings.ledger.clone(),
                surroundings.renderer.clone(),
                surroundings.view.clone(),
            ),
            ahead: BTreeMap::new(),
            begun: Instant::now(),
            under_way: JoinSet::new(),
            surroundings,
        }
    }

    /// Works until it is told to end.
    pub(super) async fn run(mut self, ending: Rc<Notify>) {
        loop {
            let now = self.now();
            self.watch.look(&self.surroundings, &mut self.core, now);
            self.look_at_order();
            match self.core.next(now) {
                Step::Survey => tokio::select! {
                    surveyed = self.survey() => self.surveyed(surveyed),
                    () = ending.notified() => break,
                },
                Step::Write(order) => self.write(order),
                Step::LookAside => self.look_aside(),
                Step::Retry(retry) => self.retry(retry),
                Step::Wait(wait) => tokio::select! {
                    Some(done) = self.under_way.join_next() => self.done(done),
                    () = tokio::time::sleep(wait.min(LOOK)) => {}
                    () = ending.notified() => break,
                },
            }
        }
        let last = async {
            while let Some(done) = self.under_way.join_next().await {
                self.done(done);
            }
        };
        // What is cut off here is looked up at the next start.
        let _ = tokio::time::timeout(LAST_BATCHES, last).await;
        if self.core.is_surveyed() {
            self.presence.end(&self.projection, &self.surroundings.owner).await;
        }
        self.watch.note(&self.surroundings, &self.core);
    }

    /// Keeps shards behind the control sequence, and says how far everything is.
    fn look_at_order(&mut self) {
        let Surroundings { ledger, owner, .. } = &self.surroundings;
        let durable = owner.sequences().map(|sequence| (sequence, ledger.durable(sequence)));
        let durable: BTreeMap<SequenceId, u64> = durable.collect();
        // Read after what is durable of the shards: see there.
        let control = ledger.appended(SequenceId::CONTROL);
        let checkpoints = self.core.checkpoints();
        for (sequence, through) in self.horizon.look(&checkpoints, &durable, control) {
            self.core.bound(sequence, through);
        }
        if self.core.is_surveyed() {
            self.presence.look(&checkpoints, &self.surroundings, &self.projection);
        }
    }

    /// Looks how far the database is, and that its past is this directory's; then becomes the one
    /// that may write there.
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
        self.projection.take_over(owner, &survey).await?;
        Ok(survey)
    }

    fn surveyed(&mut self, surveyed: Result<Survey, Error>) {
        match surveyed {
            Ok(Survey { checkpoints, set_aside }) => {
                self.core.surveyed(&checkpoints, set_aside);
                self.show_whether_it_is_well();
            }
            Err(error) => {
                let (now, chance) = (self.now(), self.chance());
                self.core.failed(None, (error.kind(), error.to_string()), now, chance);
                self.show_failure(&error);
            }
        }
    }

    /// Begins to read a batch, if that was not begun already, and to write it.
    fn write(&mut self, order: Order) {
        let ahead = self.ahead.remove(&order.sequence).filter(|ahead| ahead.is_for(&order));
        let reading = ahead.unwrap_or_else(|| self.reader.begin(&order));
        let (projection, reader) = (Arc::clone(&self.projection), self.reader.clone());
        let owner = self.surroundings.owner.clone();
        self.under_way.spawn_local(async move {
            let read = match reading.end().await {
                Ok(Ok(read)) => read,
                Ok(Err(error)) => {
                    let error = Error::Foreign(format!("the ledger does not read: {error}"));
                    return Done::Unread(order, error);
                }
                // As if it had happened here.
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => {
                        return Done::Unread(
                            order,
                            Error::Foreign("reading a batch was cut off".to_owned()),
                        );
                    }
                },
            };
            let next = reader.begin_next(&order, &read);
            let begun = Instant::now();
            let result = projection.write(&owner, &read.batch).await;
            let (outcomes, size) = (read.outcomes, read.size());
            let (to, took) = (read.batch.to, begun.elapsed());
            Done::Batch(Written { order, to, outcomes, size, took, next }, result)
        });
    }

    fn look_aside(&mut self) {
        let projection = Arc::clone(&self.projection);
        self.under_way.spawn_local(async move { Done::Aside(projection.wanted().await) });
    }

    /// Begins to try an outcome again that was set aside.
    fn retry(&mut self, retry: Retry) {
        let Surroundings { ledger, renderer, owner, .. } = &self.surroundings;
        let rows = retrying::rows(ledger, renderer, &retry);
        let (projection, owner) = (Arc::clone(&self.projection), owner.clone());
        self.under_way.spawn_local(async move {
            let result = again::try_again(&projection, &owner, &retry, rows).await;
            Done::Retry(retry, result)
        });
    }

    fn done(&mut self, done: Result<Done, JoinError>) {
        match done {
            Ok(Done::Batch(written, Ok(()))) => self.written(written),
            Ok(Done::Batch(written, Err(error))) => {
                self.failed(&written.order, written.outcomes, &error);
            }
            Ok(Done::Unread(order, error)) => self.failed(&order, 0, &error),
            Ok(Done::Aside(seen)) => {
                if let Err(error) = &seen {
                    tracing::debug!(%error, "what is to be tried again is not known");
                }
                self.core.looked_aside(seen.ok());
            }
            Ok(Done::Retry(retry, result)) => self.retried(&retry, result),
            // Whoever supervises this work begins it anew.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }

    fn written(&mut self, written: Written) {
        let Written { order, to, outcomes, size, took, next } = written;
        let status = &self.surroundings.status;
        status.batches.observe(took);
        status.outcomes.add(outcomes as u64);
        if let Some(reason) = &order.set_aside {
            let (sequence, entry) = (order.sequence, to.through);
            tracing::error!(%sequence, entry, reason, "an outcome was set aside");
        }
        self.ahead.extend(next.map(|next| (order.sequence, next)));
        self.core.written(&order, to, size, took);
        self.show_whether_it_is_well();
    }

    fn failed(&mut self, order: &Order, outcomes: usize, error: &Error) {
        let (now, chance) = (self.now(), self.chance());
        let reason = error.to_string();
        self.core.failed(Some((order, outcomes)), (error.kind(), reason), now, chance);
        self.show_failure(error);
    }

    fn retried(&mut self, retry: &Retry, result: Result<Again, Error>) {
        let position = retry.position;
        match result {
            Ok(Again::Refused(reason)) => {
                tracing::error!(%position, reason, "an outcome was refused again");
                self.core.retried(retry, Err(()));
            }
            Ok(again) => {
                if matches!(again, Again::Arrived) {
                    tracing::info!(%position, "an outcome that was set aside is in the database");
                }
                self.core.retried(retry, Ok(()));
            }
            Err(error) => {
                let (now, chance) = (self.now(), self.chance());
                self.core.retry_failed(retry, error.kind(), now, chance);
                self.show_failure(&error);
            }
        }
    }

    fn show_whether_it_is_well(&self) {
        if self.core.is_well() && self.surroundings.status.set_trouble(None) {
            tracing::info!("the database is there, and outcomes are written to it");
        }
    }

    fn show_failure(&self, error: &Error) {
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

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Any random number.
    fn chance(&self) -> u64 {
        RandomState::new().hash_one(self.begun.elapsed())
    }
}

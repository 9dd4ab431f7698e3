//! Says in the database, now and then, that the server is running, and up to when everything that
//! it answered is there. Whoever rebuilds a data directory is refused while somebody lives in it,
//! and is told what cannot be known.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redeemd_domain::sequence::SequenceId;
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::postgres::{Checkpoint, Owner, PRESENCE_INTERVAL, Projection};
use tokio::task::JoinHandle;

use super::Surroundings;

/// What was answered this long ago is among what the actors say that they have applied: they say so
/// right after answers have left.
const SLACK: Duration = Duration::from_secs(1);

/// How long it may take to say that the server has ended.
const FAREWELL: Duration = Duration::from_secs(2);

/// What is known, and when it was last said.
pub(super) struct Presence {
    sequences: Vec<SequenceId>,
    /// A time, and how far the sequences had come when it was.
    mark: Option<(Timestamp, BTreeMap<SequenceId, u64>)>,
    complete_until: Option<Timestamp>,
    said: Option<Instant>,
    /// What is being said. One at a time: a database that hangs shall not have more to hang on.
    saying: Option<JoinHandle<()>>,
}

impl Presence {
    /// Nothing is known yet of these sequences.
    pub(super) fn new(sequences: impl Iterator<Item = SequenceId>) -> Self {
        Self {
            sequences: sequences.collect(),
            mark: None,
            complete_until: None,
            said: None,
            saying: None,
        }
    }

    /// Looks how far everything is, and says it when it is time to.
    pub(super) fn look(
        &mut self,
        checkpoints: &BTreeMap<SequenceId, Checkpoint>,
        surroundings: &Surroundings,
        projection: &Arc<Projection>,
    ) {
        self.compare(checkpoints, surroundings);
        let is_saying = self.saying.as_ref().is_some_and(|saying| !saying.is_finished());
        if is_saying || self.said.is_some_and(|said| said.elapsed() < PRESENCE_INTERVAL) {
            return;
        }
        self.said = Some(Instant::now());
        let (projection, owner) = (Arc::clone(projection), surroundings.owner.clone());
        let complete_until = self.complete_until;
        let saying = tokio::task::spawn_local(async move {
            if let Err(error) = projection.announce(&owner, complete_until).await {
                tracing::debug!(%error, "it could not be said that the server is running");
            }
        });
        self.saying = Some(saying);
    }

    /// Says that the server has ended, and what is complete by then.
    pub(super) async fn end(&self, projection: &Projection, owner: &Owner) {
        let farewell = projection.take_leave(owner, self.complete_until);
        if let Ok(Err(error)) = tokio::time::timeout(FAREWELL, farewell).await {
            tracing::debug!(%error, "it could not be said that the server has ended");
        }
    }

    fn compare(
        &mut self,
        checkpoints: &BTreeMap<SequenceId, Checkpoint>,
        surroundings: &Surroundings,
    ) {
        let is_written = |(sequence, applied): (&SequenceId, &u64)| {
            checkpoints.get(sequence).is_some_and(|it| it.through >= *applied)
        };
        if let Some((time, _)) = self.mark.take_if(|(_, marks)| marks.iter().all(is_written)) {
            self.complete_until = Some(time);
        }
        if self.mark.is_none() {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let time = since.saturating_sub(SLACK).as_millis();
            let applied = |&sequence: &SequenceId| {
                let status = surroundings.node.sequence(sequence);
                (sequence, status.map_or(0, |status| status.applied.get()))
            };
            let marks = self.sequences.iter().map(applied).collect();
            self.mark = Some((Timestamp(u64::try_from(time).unwrap_or(0)), marks));
        }
    }
}

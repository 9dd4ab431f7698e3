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
const FAREWELL: Duration = Duration::from_secs(8);

/// What is known, and when it was last said.
pub(super) struct Presence {
    sequences: Vec<SequenceId>,
    completeness: Completeness,
    said: Option<Instant>,
    /// What is being said. One at a time: a database that hangs shall not have more to hang on.
    saying: Option<JoinHandle<()>>,
}

impl Presence {
    /// Nothing is known yet of these sequences.
    pub(super) fn new(sequences: impl Iterator<Item = SequenceId>) -> Self {
        Self {
            sequences: sequences.collect(),
            completeness: Completeness::default(),
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
        self.completeness.look(checkpoints, || now_and_applied(&self.sequences, surroundings));
        let is_saying = self.saying.as_ref().is_some_and(|saying| !saying.is_finished());
        if is_saying || self.said.is_some_and(|said| said.elapsed() < PRESENCE_INTERVAL) {
            return;
        }
        self.said = Some(Instant::now());
        let (projection, owner) = (Arc::clone(projection), surroundings.owner.clone());
        let complete_until = self.completeness.until;
        let saying = tokio::task::spawn_local(async move {
            if let Err(error) = projection.announce(&owner, complete_until).await {
                tracing::debug!(%error, "it could not be said that the server is running");
            }
        });
        self.saying = Some(saying);
    }

    /// Says that the server has ended, and what is complete by then. What is being said comes to its
    /// end before: otherwise it could arrive last.
    pub(super) async fn end(&mut self, projection: &Projection, owner: &Owner) {
        let farewell = async {
            if let Some(saying) = self.saying.take() {
                // Whether it was said makes no difference any more.
                let _ = saying.await;
            }
            projection.take_leave(owner, self.completeness.until).await
        };
        if let Ok(Err(error)) = tokio::time::timeout(FAREWELL, farewell).await {
            tracing::debug!(%error, "it could not be said that the server has ended");
        }
    }
}

/// What time it is, and how far each sequence has come.
fn now_and_applied(
    sequences: &[SequenceId],
    surroundings: &Surroundings,
) -> (Duration, BTreeMap<SequenceId, u64>) {
    let applied = |&sequence: &SequenceId| {
        let status = surroundings.node.sequence(sequence);
        (sequence, status.map_or(0, |status| status.applied.get()))
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now, sequences.iter().map(applied).collect())
}

/// Up to when everything that was answered is in the database. A plain value.
#[derive(Clone, Debug, Default)]
struct Completeness {
    /// A time, and how far the sequences had come when it was.
    mark: Option<(Timestamp, BTreeMap<SequenceId, u64>)>,
    until: Option<Timestamp>,
}

impl Completeness {
    /// Takes how far the database is. `now` tells what time it is since 1970, and how far the
    /// sequences have come, if that is asked.
    fn look(
        &mut self,
        checkpoints: &BTreeMap<SequenceId, Checkpoint>,
        now: impl FnOnce() -> (Duration, BTreeMap<SequenceId, u64>),
    ) {
        let is_written = |(sequence, applied): (&SequenceId, &u64)| {
            checkpoints.get(sequence).is_some_and(|it| it.through >= *applied)
        };
        if let Some((time, _)) = self.mark.take_if(|(_, marks)| marks.iter().all(is_written)) {
            self.until = Some(time);
        }
        if self.mark.is_none() {
            let (now, applied) = now();
            let time = now.saturating_sub(SLACK).as_millis();
            self.mark = Some((Timestamp(u64::try_from(time).unwrap_or(0)), applied));
        }
    }
}

#[cfg(test)]
mod tests {
    use redeemd_persistence::postgres::Chain;

    use super::*;

    const SHARD: SequenceId = SequenceId::shard(0);

    #[test]
    fn what_was_answered_by_a_time_is_complete_when_all_of_it_is_written() {
        let mut completeness = Completeness::default();
        let mut look = |seconds: u64, written: [u64; 2], applied: [u64; 2]| {
            let at = |through| Checkpoint { through, chain: Chain([0; 16]) };
            let by_sequence = |[control, shard]: [u64; 2]| {
                BTreeMap::from([(SequenceId::CONTROL, control), (SHARD, shard)])
            };
            let written = by_sequence(written).into_iter().map(|(it, end)| (it, at(end)));
            completeness
                .look(&written.collect(), || (Duration::from_secs(seconds), by_sequence(applied)));
            completeness.until.map(|until| until.0)
        };
        assert_eq!(look(10, [0, 0], [5, 9]), None);
        assert_eq!(look(20, [5, 8], [5, 12]), None, "one is missing of what was applied by then");
        assert_eq!(look(30, [4, 12], [5, 15]), None, "so it is here");
        assert_eq!(look(40, [5, 9], [6, 20]), Some(9_000), "what came later does not count");
        assert_eq!(look(50, [6, 19], [6, 30]), Some(9_000));
        assert_eq!(look(60, [6, 25], [6, 30]), Some(39_000));
        // The clock was set back.
        assert_eq!(look(20, [6, 30], [6, 30]), Some(59_000));
        assert_eq!(look(21, [6, 30], [6, 30]), Some(19_000));
    }
}

//! Every command that was ever sent, by a number that it carries in place of its API key, and what
//! became of it. So the oracle sees in the journal itself whether a command that was certainly not
//! carried out shows up after all, or one shows up twice.

use std::collections::BTreeSet;

use redeemd_actors::core::Proposed;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::timestamp::Timestamp;

/// Names an attempt; counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AttemptId(pub(crate) u32);

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nothing yet.
    Open,
    /// An outcome or a reply.
    Answered,
    /// It was certainly not carried out.
    Rejected,
    /// It may have been carried out, as this entry.
    Unknown(Proposed),
    /// Whatever became of it was settled by a recovery that did not find it.
    Lost,
}

#[derive(Clone, Copy, Debug)]
struct Attempt {
    sequence: SequenceId,
    fate: Fate,
    logged: Option<Position>,
}

/// All attempts of a history.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    all: Vec<Attempt>,
    /// Those that a recovery still has to settle.
    unsettled: BTreeSet<u32>,
}

impl Attempts {
    pub(crate) fn begin(&mut self, sequence: SequenceId) -> AttemptId {
        self.all.push(Attempt { sequence, fate: Fate::Open, logged: None });
        let id = self.all.len() as u32;
        self.unsettled.insert(id);
        AttemptId(id)
    }

    /// The journal has the attempt's entry.
    pub(crate) fn logged(&mut self, id: AttemptId, position: Position, at: Timestamp) {
        let attempt = self.get(id);
        assert_eq!(attempt.sequence, position.sequence, "{id:?} went to another sequence");
        assert_eq!(attempt.logged, None, "{id:?} is in the journal twice, now at {position}");
        match attempt.fate {
            Fate::Open => {}
            Fate::Unknown(proposed) => assert_eq!(
                (proposed.number, proposed.at),
                (position.number, at),
                "{id:?} shows up at {position}, not where it was announced"
            ),
            fate => panic!("{id:?} shows up at {position}, although it was {fate:?}"),
        }
        attempt.logged = Some(position);
    }

    pub(crate) fn answered(&mut self, id: AttemptId) {
        let attempt = self.get(id);
        assert_eq!(attempt.fate, Fate::Open, "{id:?} is answered twice");
        attempt.fate = Fate::Answered;
        self.unsettled.remove(&id.0);
    }

    pub(crate) fn rejected(&mut self, id: AttemptId) {
        let attempt = self.get(id);
        assert_eq!(attempt.fate, Fate::Open, "{id:?} is answered twice");
        assert_eq!(attempt.logged, None, "{id:?} was rejected, but the journal has it");
        attempt.fate = Fate::Rejected;
        self.unsettled.remove(&id.0);
    }

    pub(crate) fn unknown(&mut self, id: AttemptId, proposed: Proposed) {
        let attempt = self.get(id);
        assert_eq!(attempt.fate, Fate::Open, "{id:?} is answered twice");
        let found = attempt.logged.map(|position| position.number);
        assert!(
            found.is_none_or(|number| number == proposed.number),
            "{id:?} is announced at {proposed:?}, but the journal has it at {found:?}"
        );
        attempt.fate = Fate::Unknown(proposed);
    }

    pub(crate) fn is_logged(&self, id: AttemptId) -> bool {
        self.all[id.0 as usize - 1].logged.is_some()
    }

    /// A recovery has found what it found: what is not in the journal by now may never be. Where
    /// only one sequence was rebuilt, attempts that it was not told of yet go on.
    pub(crate) fn settle(&mut self, sequence: Option<SequenceId>) {
        let all = &mut self.all;
        self.unsettled.retain(|id| {
            let attempt = &mut all[*id as usize - 1];
            let is_other = sequence
                .is_some_and(|rebuilt| rebuilt != attempt.sequence || attempt.fate == Fate::Open);
            if is_other {
                return true;
            }
            if attempt.logged.is_none() {
                attempt.fate = Fate::Lost;
            }
            false
        });
    }

    fn get(&mut self, id: AttemptId) -> &mut Attempt {
        &mut self.all[id.0 as usize - 1]
    }
}

//! The answers that clients were given. Each stands for ever, and is found again whichever way one
//! looks for it.

use std::collections::HashMap;
use std::sync::Arc;

use redeemd_domain::control;
use redeemd_domain::request::RequestDigest;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard;

use super::{Clients, search};
use crate::dice::Dice as _;
use crate::world::World;

/// Answers that were given, to be found again.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) shard: Vec<(SequenceId, Arc<shard::Record>)>,
    pub(super) control: Vec<Arc<control::Record>>,
    by_request: HashMap<(SequenceId, RequestDigest), u64>,
}

impl Clients {
    /// Looks for answers that were given: `count` of them, or all. State, ledger by identifier, by
    /// code, by user and by request must still have each.
    pub(crate) fn check_given(&mut self, world: &mut World, count: Option<usize>) {
        let answers = &self.given.shard;
        let chosen: Vec<usize> = match count {
            None => (0..answers.len()).collect(),
            Some(_) if answers.is_empty() => Vec::new(),
            // Half of them are the newest.
            Some(count) => (0..count)
                .map(|turn| match turn % 2 {
                    0 => answers.len() - 1 - (turn / 2) % answers.len(),
                    _ => self.random.place(answers.len()),
                })
                .collect(),
        };
        let process = world.process.as_ref().expect("there is a process");
        for place in chosen {
            let (sequence, record) = &answers[place];
            search::check_given(&process.reader, *sequence, record);
            let history = &world.shards[sequence.index() - 1].history;
            assert_eq!(history.record(record.number), Some(record), "an answer was taken back");
        }
        for record in &self.given.control {
            let known = world.control.history.record(record.number);
            assert_eq!(known, Some(record), "an answer was taken back");
        }
    }

    /// The first answer to a request is the answer for ever.
    pub(super) fn stands(
        &mut self,
        sequence: SequenceId,
        request: Option<RequestDigest>,
        number: u64,
    ) {
        let Some(request) = request else { return };
        let first = *self.given.by_request.entry((sequence, request)).or_insert(number);
        assert_eq!(first, number, "{request:?} of {sequence} is answered otherwise than before");
    }
}

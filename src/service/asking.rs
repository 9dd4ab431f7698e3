//! Asking the sequences: from an answer to a result.

use redeemd_actors::core::{Answer, Ask};
use redeemd_actors::directory::place_of;
use redeemd_actors::port::Asked;
use redeemd_domain::codes::CodeKey;
use redeemd_domain::machine::Machine;
use redeemd_domain::shard::{Query, Reply, Shard};

use super::error::Error;
use super::worker::Worker;

impl Worker {
    /// The place of the shard that owns a code.
    pub(super) fn place_of(&self, code: &CodeKey) -> usize {
        place_of(self.inner().node.layout, code.slot())
    }

    /// Sends a question to a shard. It is on its way whether or not the answer is awaited.
    pub(super) fn query(&self, place: usize, query: Query) -> Asked<Shard> {
        self.inner().shards.ask(place, Ask::Tell(query))
    }
}

/// What a shard said to a question.
pub(super) async fn reply(asked: Asked<Shard>) -> Result<Reply, Error> {
    match asked.await {
        Answer::Reply(reply) => Ok(*reply),
        answer => Err(no_answer(&answer)),
    }
}

/// The error that an answer of the wrong kind stands for.
pub(super) fn no_answer<M: Machine>(answer: &Answer<M>) -> Error {
    match answer {
        Answer::Rejected(rejection) => (*rejection).into(),
        Answer::Unknown(_) => Error::OutcomeUnknown(None),
        Answer::Outcome(_) | Answer::Reply(_) => {
            Error::internal("a sequence answered another question than it was asked")
        }
    }
}

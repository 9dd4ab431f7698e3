//! The step that the ledger answers: whether a command's request was answered before.

use redeemd_domain::machine::Recollection;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::Record;

use super::{Item, Stepped};
use crate::service::error::Error;
use crate::service::ledger_search;
use crate::service::performing::Performed;
use crate::service::worker::Worker;

/// How often the ledger is searched for one request. A second time is needed only where the shard
/// forgot more in the meantime.
const MOST_SEARCHES: usize = 8;

impl Worker {
    /// What the ledger answered to the requests of commands before, if anything.
    pub(super) async fn search(&self, mut searching: Vec<(Item, u64)>) -> Vec<Stepped> {
        let node = &self.inner().node;
        let mut requests = Vec::with_capacity(searching.len());
        for (item, through) in &mut searching {
            let sequence = SequenceId::shard(node.layout.shard_of(item.code.slot()));
            // The search sees everything that was appended, not only what was forgotten: so it
            // holds even when the shard has forgotten more by the time it is asked again.
            *through = (*through).max(node.ledger.appended(sequence));
            requests.extend(item.command.request().map(|request| (sequence, *request)));
        }
        let recalled = ledger_search::search_all::<Record>(&node.ledger, requests).await;
        let searched = searching.into_iter().zip(recalled);
        searched.map(|((item, through), recalled)| item.searched(through, recalled)).collect()
    }
}

impl Item {
    fn searched(mut self, through: u64, recalled: Result<Recollection<Record>, Error>) -> Stepped {
        match recalled {
            Ok(Recollection::Answered(record)) => {
                Stepped::Settled(self, Ok(Performed::replayed(record)))
            }
            Ok(Recollection::Reused) => {
                Stepped::Settled(self, Err(Error::Refused(Refusal::IdempotencyKeyReused)))
            }
            Err(error) => Stepped::Settled(self, Err(error)),
            Ok(Recollection::Unknown) if self.searches >= MOST_SEARCHES => {
                Stepped::Settled(self, Err(Error::Overloaded))
            }
            Ok(Recollection::Unknown) => {
                self.searches += 1;
                self.command.set_searched(through);
                Stepped::Send(self)
            }
        }
    }
}

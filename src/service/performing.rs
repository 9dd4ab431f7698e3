//! Carrying out commands about codes: sent together, searched for together where their shards have
//! forgotten too much, and sent again.

use std::sync::Arc;

use redeemd_actors::core::Answer;
use redeemd_actors::port::Asked;
use redeemd_domain::codes::CodeKey;
use redeemd_domain::identifier::RedemptionId;
use redeemd_domain::machine::{Outcome, Recollection};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{Command, Record, Shard};

use super::asking::no_answer;
use super::error::Error;
use super::ledger_search;
use super::worker::Worker;

/// How often the ledger is searched for one request. A second time is needed only where the shard
/// forgot more in the meantime.
const MOST_SEARCHES: usize = 8;

/// What came of a command about a code.
#[derive(Debug)]
pub(super) struct Performed {
    /// What happened; `None` where it was so already.
    pub record: Option<Arc<Record>>,
    /// Whether this repeats an earlier answer.
    pub is_replayed: bool,
}

impl Performed {
    fn done(record: Arc<Record>) -> Self {
        Self { record: Some(record), is_replayed: false }
    }

    fn replayed(record: Arc<Record>) -> Self {
        Self { record: Some(record), is_replayed: true }
    }
}

/// A command about a code, on its way to the code's shard.
struct Sent {
    code: CodeKey,
    asked: Asked<Shard>,
    /// The command once more, where it may have to be sent again.
    again: Option<Command>,
    redeems: bool,
}

/// A command whose request may have been answered before, beyond what its shard remembers.
struct Forgotten {
    code: CodeKey,
    command: Command,
    /// The entry up to which the ledger must be searched.
    through: u64,
}

/// What a shard said.
enum Told {
    Settled(Result<Performed, Error>),
    Forgotten(Forgotten),
}

impl Worker {
    /// Carries out a command about a code. It goes on where the future is dropped once the shard
    /// was asked.
    pub(super) async fn perform(
        &self,
        code: CodeKey,
        command: Command,
    ) -> Result<Performed, Error> {
        match self.dispatch(code, command).told().await {
            Told::Settled(settled) => settled,
            Told::Forgotten(forgotten) => {
                let mut settled = self.search_and_perform(vec![forgotten]).await;
                settled.pop().unwrap_or(Err(Error::Overloaded))
            }
        }
    }

    /// Carries out commands about codes: one message for each shard. Of those about one code the
    /// first is judged first, as long as either all of them have a request or none of them.
    pub(super) async fn perform_all(
        &self,
        commands: Vec<(CodeKey, Command)>,
    ) -> Vec<Result<Performed, Error>> {
        let send = |(code, command)| self.dispatch(code, command);
        let sent: Vec<Sent> = commands.into_iter().map(send).collect();
        let mut settled = Vec::with_capacity(sent.len());
        let mut forgotten = Vec::new();
        let mut places = Vec::new();
        for (place, sent) in sent.into_iter().enumerate() {
            match sent.told().await {
                Told::Settled(result) => settled.push(result),
                Told::Forgotten(command) => {
                    settled.push(Err(Error::Overloaded));
                    forgotten.push(command);
                    places.push(place);
                }
            }
        }
        let searched = self.search_and_perform(forgotten).await;
        for (place, result) in places.into_iter().zip(searched) {
            if let Some(settled) = settled.get_mut(place) {
                *settled = result;
            }
        }
        settled
    }

    fn dispatch(&self, code: CodeKey, command: Command) -> Sent {
        let again = command.request().is_some().then(|| command.clone());
        let redeems =
            matches!(command, Command::Redeem(_) | Command::Spend(_) | Command::Confirm(_));
        let asked = self.inner().shards.perform(self.place_of(&code), command);
        Sent { code, asked, again, redeems }
    }

    /// Looks for the answers in the ledger, and sends what is not there again. What is not settled
    /// in the end was overtaken by its shard's forgetting too often.
    async fn search_and_perform(&self, forgotten: Vec<Forgotten>) -> Vec<Result<Performed, Error>> {
        let mut settled: Vec<_> = forgotten.iter().map(|_| Err(Error::Overloaded)).collect();
        let mut settle = |place: usize, result| {
            if let Some(settled) = settled.get_mut(place) {
                *settled = result;
            }
        };
        let mut open: Vec<_> = forgotten.into_iter().enumerate().collect();
        for _ in 0..MOST_SEARCHES {
            if open.is_empty() {
                break;
            }
            let mut sent = Vec::new();
            for (place, forgotten, recalled) in self.recall(open).await {
                match recalled {
                    Ok(Recollection::Unknown) => {
                        let Forgotten { code, mut command, through } = forgotten;
                        command.set_searched(through);
                        sent.push((place, self.dispatch(code, command)));
                    }
                    Ok(Recollection::Answered(record)) => {
                        settle(place, Ok(Performed::replayed(record)));
                    }
                    Ok(Recollection::Reused) => {
                        settle(place, Err(Error::Refused(Refusal::IdempotencyKeyReused)));
                    }
                    Err(error) => settle(place, Err(error)),
                }
            }
            open = Vec::new();
            for (place, sent) in sent {
                match sent.told().await {
                    Told::Settled(result) => settle(place, result),
                    Told::Forgotten(forgotten) => open.push((place, forgotten)),
                }
            }
        }
        settled
    }

    /// What the ledger answered to the requests of commands before, if anything.
    async fn recall(
        &self,
        mut open: Vec<(usize, Forgotten)>,
    ) -> Vec<(usize, Forgotten, Result<Recollection<Record>, Error>)> {
        let node = &self.inner().node;
        let mut requests = Vec::with_capacity(open.len());
        for (_, forgotten) in &mut open {
            let slot = forgotten.code.slot();
            let sequence = SequenceId::shard(node.layout.shard_of(slot));
            // The search sees everything that was appended, not only what was forgotten: so it
            // holds even when the shard has forgotten more by the time it is asked again.
            forgotten.through = forgotten.through.max(node.ledger.appended(sequence));
            requests.extend(forgotten.command.request().map(|request| (sequence, *request)));
        }
        let recalled = ledger_search::search_all::<Record>(&node.ledger, requests).await;
        let joined = open.into_iter().zip(recalled);
        joined.map(|((place, forgotten), recalled)| (place, forgotten, recalled)).collect()
    }
}

impl Sent {
    async fn told(self) -> Told {
        let Self { code, asked, again, redeems } = self;
        Told::Settled(match (asked.await, again) {
            (Answer::Outcome(Outcome::Done(record)), _) => Ok(Performed::done(record)),
            (Answer::Outcome(Outcome::Replayed(record)), _) => Ok(Performed::replayed(record)),
            (Answer::Outcome(Outcome::Unchanged), _) => {
                Ok(Performed { record: None, is_replayed: false })
            }
            (Answer::Outcome(Outcome::Refused(refusal)), _) => Err(Error::Refused(refusal)),
            (Answer::Outcome(Outcome::SearchLedger { through }), Some(command)) => {
                return Told::Forgotten(Forgotten { code, command, through });
            }
            (Answer::Outcome(Outcome::SearchLedger { .. }), None) => {
                Err(Error::internal("a request without a key was to be searched"))
            }
            (Answer::Unknown(proposed), _) if redeems => {
                let (at, number) = (proposed.at, proposed.number);
                let id = RedemptionId { at, slot: code.slot(), number };
                Err(Error::OutcomeUnknown(Some(id)))
            }
            (answer, _) => Err(no_answer(&answer)),
        })
    }
}

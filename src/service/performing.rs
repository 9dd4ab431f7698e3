//! Carrying out commands about codes: sent together, each shard with one message. What a shard does
//! not settle at once goes on in `stepping.rs`.

use std::sync::Arc;

use redeemd_actors::core::Answer;
use redeemd_actors::port::Asked;
use redeemd_domain::codes::CodeKey;
use redeemd_domain::identifier::RedemptionId;
use redeemd_domain::machine::Outcome;
use redeemd_domain::shard::{Acknowledgement, Claim, Command, Record, Shard, UserDigest};

use super::asking::no_answer;
use super::error::Error;
use super::stepping::{Next, Unfinished};
use super::worker::Worker;

/// What came of a command about a code.
#[derive(Debug)]
pub(super) struct Performed {
    /// What happened; `None` where it was so already.
    pub record: Option<Arc<Record>>,
    /// Whether this repeats an earlier answer.
    pub is_replayed: bool,
}

impl Performed {
    /// Whether it used a claim up.
    pub(super) fn used(&self, claim: Option<Claim>) -> bool {
        !self.is_replayed && self.record.as_ref().is_some_and(|record| record.claim() == claim)
    }

    fn done(record: Arc<Record>) -> Self {
        Self { record: Some(record), is_replayed: false }
    }

    pub(super) fn replayed(record: Arc<Record>) -> Self {
        Self { record: Some(record), is_replayed: true }
    }
}

/// A command about a code, on its way to the code's shard.
pub(super) struct Sent {
    code: CodeKey,
    asked: Asked<Shard>,
    /// The command once more, where it may have to be sent again.
    again: Option<Command>,
    redeems: bool,
}

/// What a shard said.
pub(super) enum Told {
    /// The command is settled.
    Settled(Result<Performed, Error>),
    /// It needs a step elsewhere first.
    Unfinished(Unfinished),
}

impl Worker {
    /// Carries out a command about a code. It goes on where the future is dropped once the shard
    /// was asked.
    pub(super) async fn perform(
        &self,
        code: CodeKey,
        command: Command,
    ) -> Result<Performed, Error> {
        let claim = self.expected_claim(&command).filter(|_| self.may_claim_unasked(1));
        let told = match claim {
            Some(next) => Told::Unfinished(Unfinished { code, command, next }),
            None => self.dispatch(code, command).told().await,
        };
        match told {
            Told::Settled(settled) => settled,
            Told::Unfinished(unfinished) => {
                let mut settled = self.go_on(vec![unfinished]).await;
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
        let claims = commands.iter().filter(|(_, command)| self.expected_claim(command).is_some());
        let claims = claims.count();
        let may_claim = claims > 0 && self.may_claim_unasked(claims);
        let mut settled: Vec<_> = commands.iter().map(|_| Err(Error::Overloaded)).collect();
        let mut settle = |place: usize, result| {
            if let Some(settled) = settled.get_mut(place) {
                *settled = result;
            }
        };
        let (mut sent, mut unfinished) = (Vec::with_capacity(commands.len()), Vec::new());
        for (place, (code, command)) in commands.into_iter().enumerate() {
            match may_claim.then(|| self.expected_claim(&command)).flatten() {
                Some(next) => unfinished.push((place, Unfinished { code, command, next })),
                None => sent.push((place, self.dispatch(code, command))),
            }
        }
        for (place, sent) in sent {
            match sent.told().await {
                Told::Settled(result) => settle(place, result),
                Told::Unfinished(command) => unfinished.push((place, command)),
            }
        }
        unfinished.sort_by_key(|&(place, _)| place);
        let (places, unfinished): (Vec<_>, _) = unfinished.into_iter().unzip();
        let finished = self.go_on(unfinished).await;
        places.into_iter().zip(finished).for_each(|(place, result)| settle(place, result));
        settled
    }

    /// The claim that a command's shard will most likely ask for.
    fn expected_claim(&self, command: &Command) -> Option<Next> {
        let campaign = self.view().expects_claim(command)?;
        let user = UserDigest::new(campaign, command.user()?);
        Some(Next::ClaimUnasked { campaign, user })
    }

    /// Whether so many claims may be made before anybody was asked; they are staked then.
    fn may_claim_unasked(&self, claims: usize) -> bool {
        self.has_room_for_steps(claims) && self.inner().confidence.stake(claims)
    }

    pub(super) fn dispatch(&self, code: CodeKey, command: Command) -> Sent {
        let may_need_steps = command.request().is_some() || self.view().spans_codes(&code);
        let again = may_need_steps.then(|| command.clone());
        let redeems =
            matches!(command, Command::Redeem(_) | Command::Spend(_) | Command::Confirm(_));
        let asked = self.inner().shards.perform(self.place_of(&code), command);
        Sent { code, asked, again, redeems }
    }
}

impl Sent {
    pub(super) async fn told(self) -> Told {
        let Self { code, asked, again, redeems } = self;
        Told::Settled(match (asked.await, again) {
            (Answer::Outcome(Outcome::Done(record)), _) => Ok(Performed::done(record)),
            (Answer::Outcome(Outcome::Replayed(record)), _) => Ok(Performed::replayed(record)),
            (Answer::Outcome(Outcome::Unchanged), _) => {
                Ok(Performed { record: None, is_replayed: false })
            }
            (Answer::Outcome(Outcome::Refused(refusal)), _) => Err(Error::Refused(refusal)),
            (Answer::Outcome(Outcome::SearchLedger { through }), Some(command)) => {
                let next = Next::Search { through };
                return Told::Unfinished(Unfinished { code, command, next });
            }
            (Answer::Outcome(Outcome::Acknowledged(told)), Some(command)) => {
                let next = match told {
                    Acknowledgement::ClaimFirst { campaign, user } => {
                        Next::Claim { campaign, user }
                    }
                    Acknowledgement::ShareFirst { campaign } => Next::Share { campaign },
                    _ => Next::Nothing,
                };
                return Told::Unfinished(Unfinished { code, command, next });
            }
            // The campaign got a limit since the command was sent.
            (Answer::Outcome(Outcome::Acknowledged(_)), None) => Err(Error::Overloaded),
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

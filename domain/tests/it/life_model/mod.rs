//! The whole life of codes as a child would write it: every redemption, hold and movement of money
//! that ever was stands in a list, and everything else is counted from those.

mod check;
mod wishes;

use std::collections::BTreeMap;
use std::sync::Arc;

use redeemd_domain::campaign::{CampaignView, Status};
use redeemd_domain::codes::{CampaignNumber, CodeKey};
use redeemd_domain::identifier::{ApiKeyNumber, HoldId, RedemptionId};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::shard::{Command, EndedHold, Event, Hold, Record, Shard, Spend};
use redeemd_domain::timestamp::Timestamp;

use crate::answers::Answers;
use crate::life_history::{GIFT, PLAIN, WORTH};

type Outcome = redeemd_domain::machine::Outcome<Shard>;

/// A redemption that happened, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Redeemed {
    pub(crate) id: RedemptionId,
    pub(crate) code: CodeKey,
    pub(crate) user: Box<str>,
    pub(crate) generation: u32,
    pub(crate) spent: Option<u64>,
    pub(crate) returned: u64,
    pub(crate) is_undone: bool,
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) views: BTreeMap<CampaignNumber, CampaignView>,
    pub(crate) redemptions: Vec<Redeemed>,
    /// Those that have not ended.
    pub(crate) holds: Vec<Hold>,
    /// All that ever were, with the code and the user of each.
    pub(crate) placed: Vec<(HoldId, CodeKey, Box<str>)>,
    top_ups: Vec<(CodeKey, u64)>,
    revoked: BTreeMap<CodeKey, bool>,
    answers: Answers<Record>,
}

/// An event, or the refusal.
type Judged = Result<Event, Refusal>;

impl Model {
    fn view(&self, code: &CodeKey) -> Result<CampaignView, Refusal> {
        let campaign = match code {
            CodeKey::Sealed { campaign, serial } => {
                let issued = self.views[campaign].issued;
                (serial.number() < issued).then_some(*campaign).ok_or(Refusal::InvalidCode)?
            }
            CodeKey::Listed(_) => PLAIN,
        };
        Ok(self.views[&campaign])
    }

    fn of<'a>(&'a self, code: &'a CodeKey) -> impl Iterator<Item = &'a Redeemed> {
        self.redemptions.iter().filter(move |redemption| redemption.code == *code)
    }

    fn uses(&self, code: &CodeKey) -> u64 {
        self.of(code).filter(|redemption| !redemption.is_undone).count() as u64
    }

    fn generation(&self, code: &CodeKey) -> u32 {
        self.of(code).filter(|redemption| redemption.is_undone).count() as u32
    }

    /// What came in, less what went out.
    fn left(&self, code: &CodeKey) -> Option<u64> {
        if self.view(code).ok()?.number != GIFT {
            return None;
        }
        let top_ups = self.top_ups.iter().filter(|(topped_up, _)| topped_up == code);
        let came = WORTH
            + top_ups.map(|(_, amount)| amount).sum::<u64>()
            + self.of(code).map(|redemption| redemption.returned).sum::<u64>();
        let went = self.of(code).filter_map(|redemption| redemption.spent).sum::<u64>();
        Some(came.checked_sub(went).expect("never below zero"))
    }

    fn refusal(&self, code: &CodeKey, user: &str, amount: Option<u64>) -> Result<(), Refusal> {
        let view = self.view(code)?;
        let left = self.left(code);
        let others = self.holds.iter().filter(|hold| hold.code == *code && &*hold.user != user);
        let others = others.count() as u64;
        let limit = view.uses_per_code.map_or(u64::MAX, u64::from);
        match left {
            None if amount.is_some() => return Err(Refusal::AmountNotTaken),
            Some(_) if amount == Some(0) => return Err(Refusal::AmountNotTaken),
            _ => {}
        }
        if self.revoked.get(code) == Some(&true) {
            Err(Refusal::Revoked)
        } else if view.status == Status::Archived {
            Err(Refusal::CampaignArchived)
        } else if view.status == Status::Paused {
            Err(Refusal::CampaignPaused)
        } else if self.uses(code) >= limit {
            Err(Refusal::AlreadyRedeemed)
        } else if self.uses(code) + others >= limit {
            Err(Refusal::CodeHeld)
        } else if left.is_some_and(|left| left < amount.unwrap_or(1)) {
            Err(Refusal::InsufficientBalance)
        } else {
            Ok(())
        }
    }

    /// What should come of a command, were it the entry `number`.
    pub(crate) fn expect(&mut self, command: &Command, number: u64, at: Timestamp) -> Outcome {
        let answered = self.answers.recall(command.request(), Refusal::IdempotencyKeyReused);
        if let Some(outcome) = answered {
            return outcome;
        }
        let request = command.request().map(|request| (request.digest, request.fingerprint));
        let judged = match command {
            Command::Redeem(redeem) => self.redeem(redeem, None, number, at),
            Command::Spend(spend) => {
                let Spend { redeem, amount, .. } = &**spend;
                self.redeem(redeem, *amount, number, at)
            }
            Command::PlaceHold(place) => self.hold(place, number, at),
            Command::Confirm(confirm) => self.confirm(confirm, number, at),
            Command::Release(release) => {
                let is_it = |hold: &Hold| hold.id == release.hold && hold.expires_at > at;
                self.end(is_it).map(|hold| Event::HoldReleased(Box::new(ended(hold))))
            }
            Command::RollBack(roll_back) => self.roll_back(roll_back, at),
            Command::TopUp(top_up) => self.top_up(top_up.code, top_up.amount),
            Command::Revoke(change) | Command::Restore(change) => {
                let revokes = matches!(command, Command::Revoke(_));
                match self.mark(change.code, revokes) {
                    Ok(None) => return Outcome::Unchanged,
                    Ok(Some(event)) => Ok(event),
                    Err(refusal) => Err(refusal),
                }
            }
            _ => unreachable!("nobody wishes it"),
        };
        let event = match judged {
            Ok(event) => event,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        let record = Arc::new(Record { number, at, api_key: ApiKeyNumber(1), request, event });
        self.answers.remember(&record);
        Outcome::Done(record)
    }

    /// Ends what is due, as one entry that ends at most so many.
    pub(crate) fn expire(&mut self, at: Timestamp, at_most: usize) -> Vec<EndedHold> {
        let mut due: Vec<_> = self.holds.iter().filter(|hold| hold.expires_at <= at).collect();
        due.sort_by_key(|hold| (hold.expires_at, hold.id.slot, hold.id.number));
        let due: Vec<_> = due.into_iter().take(at_most).cloned().map(ended).collect();
        self.holds.retain(|hold| due.iter().all(|ended| ended.id != hold.id));
        due
    }
}

fn ended(hold: Hold) -> EndedHold {
    EndedHold { id: hold.id, code: hold.code, campaign: hold.campaign, user: hold.user }
}

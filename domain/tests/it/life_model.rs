//! The whole life of codes as a child would write it: every redemption, hold and movement of money
//! that ever was stands in a list, and everything else is counted from those.

use std::collections::BTreeMap;
use std::sync::Arc;

use redeemd_domain::campaign::{CampaignView, Status};
use redeemd_domain::codes::{CampaignNumber, CodeKey};
use redeemd_domain::identifier::{ApiKeyNumber, HoldId, RedemptionId};
use redeemd_domain::machine::Machine;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::request::{Fingerprint, RequestDigest};
use redeemd_domain::rules::MAX_BALANCE;
use redeemd_domain::shard::{
    Changed, Command, Confirm, EndedHold, Event, Extent, Hold, HoldPlaced, Money, Otherwise,
    Placing, Record, Redeem, Redemption, RollBack, RolledBack, Shard, Spend, Spent, ToppedUp,
};
use redeemd_domain::timestamp::Timestamp;

use crate::life_history::{GIFT, PLAIN, WORTH, listed};

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
    answers: BTreeMap<RequestDigest, (Fingerprint, Arc<Record>)>,
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
        let request = command.request().map(|request| (request.digest, request.fingerprint));
        if let Some((digest, fingerprint)) = request
            && let Some((first, record)) = self.answers.get(&digest)
        {
            return if *first == fingerprint {
                Outcome::Replayed(Arc::clone(record))
            } else {
                Outcome::Refused(Refusal::IdempotencyKeyReused)
            };
        }
        let judged = match command {
            Command::Redeem(redeem) => self.redeem(redeem, None, number, at),
            Command::Spend(Spend { redeem, amount, .. }) => {
                self.redeem(redeem, *amount, number, at)
            }
            Command::PlaceHold(_) => self.hold(command, number, at),
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
        if let Some((digest, fingerprint)) = request {
            self.answers.insert(digest, (fingerprint, Arc::clone(&record)));
        }
        Outcome::Done(record)
    }

    fn redeem(
        &mut self,
        redeem: &Redeem,
        amount: Option<u64>,
        number: u64,
        at: Timestamp,
    ) -> Judged {
        let Redeem { code, user, metadata, .. } = redeem;
        self.refusal(code, user, amount)?;
        let view = self.view(code)?;
        let money = self.left(code).map(|left| {
            let amount = amount.unwrap_or(left);
            Money { amount, left: left - amount }
        });
        let own = self.end(|hold| hold.code == *code && hold.user == *user).ok();
        let generation = self.generation(code);
        self.redemptions.push(Redeemed {
            id: RedemptionId { at, slot: code.slot(), number },
            code: *code,
            user: user.clone(),
            generation,
            spent: money.map(|money| money.amount),
            returned: 0,
            is_undone: false,
        });
        let uses = self.uses(code) as u32;
        let redemption = Redemption {
            code: *code,
            campaign: view.number,
            revision: view.revision,
            generation,
            uses_left: view.uses_per_code.map(|limit| limit - uses),
            user: user.clone(),
            metadata: metadata.clone(),
        };
        if view.number == PLAIN && own.is_none() {
            return Ok(Event::Redeemed(redemption));
        }
        let hold = own.map(|hold| hold.id.number);
        Ok(Event::Spent(Box::new(Spent { redemption, claim: None, money, hold })))
    }

    fn hold(&mut self, command: &Command, number: u64, at: Timestamp) -> Judged {
        let Command::PlaceHold(place) = command else { unreachable!("it places a hold") };
        self.refusal(&place.code, &place.user, None)?;
        let campaign = self.view(&place.code)?.number;
        let expires_at = Timestamp(at.0 + place.ttl_ms);
        let is_own = |hold: &&mut Hold| hold.code == place.code && hold.user == place.user;
        if let Some(own) = self.holds.iter_mut().find(is_own) {
            own.expires_at = own.expires_at.max(expires_at);
            let (hold, placing) = (own.clone(), Placing::Prolonged);
            return Ok(Event::HoldPlaced(Box::new(HoldPlaced { hold, placing })));
        }
        let id = HoldId { at, slot: place.code.slot(), number };
        let (code, user) = (place.code, place.user.clone());
        let hold = Hold { id, code, campaign, user, expires_at, claim: None };
        self.holds.push(hold.clone());
        self.placed.push((id, code, place.user.clone()));
        Ok(Event::HoldPlaced(Box::new(HoldPlaced { hold, placing: Placing::New })))
    }

    fn confirm(&mut self, confirm: &Confirm, number: u64, at: Timestamp) -> Judged {
        let Spend { redeem, amount, .. } = &confirm.spend;
        self.view(&redeem.code)?;
        let is_live = |hold: &Hold| hold.id == confirm.hold && hold.expires_at > at;
        let is_taken = confirm.otherwise == Otherwise::TakeIfFree;
        if self.holds.iter().any(is_live) || is_taken {
            self.redeem(redeem, *amount, number, at)
        } else {
            Err(Refusal::HoldEnded)
        }
    }

    fn end(&mut self, is_it: impl Fn(&Hold) -> bool) -> Result<Hold, Refusal> {
        let place = self.holds.iter().position(is_it).ok_or(Refusal::HoldEnded)?;
        Ok(self.holds.remove(place))
    }

    fn roll_back(&mut self, wish: &RollBack, at: Timestamp) -> Judged {
        let campaign = self.view(&wish.code)?.number;
        let left = self.left(&wish.code);
        let redemption = self.redemptions.iter_mut().find(|found| found.id == wish.redemption);
        let redemption = redemption.expect("only what was redeemed is rolled back");
        if wish.amount == Some(0) || (wish.amount.is_some() && redemption.spent.is_none()) {
            return Err(Refusal::AmountNotTaken);
        }
        if redemption.is_undone {
            return Err(Refusal::AlreadyRolledBack);
        }
        if at.0 - redemption.id.at.0 > wish.max_age_ms {
            return Err(Refusal::RollbackTooLate);
        }
        let rest = redemption.spent.map(|spent| spent - redemption.returned);
        let amount = wish.amount.or(rest);
        if amount > rest {
            return Err(Refusal::InsufficientBalance);
        }
        let money = match (left, amount) {
            (Some(left), Some(amount)) if left + amount > MAX_BALANCE => {
                return Err(Refusal::AmountTooLarge);
            }
            (Some(left), Some(amount)) => Some(Money { amount, left: left + amount }),
            _ => None,
        };
        redemption.returned += amount.unwrap_or(0);
        redemption.is_undone = amount == rest;
        let extent = if redemption.is_undone {
            Extent::Whole
        } else {
            Extent::Part { returned: redemption.returned }
        };
        let (id, user) = (redemption.id, redemption.user.clone());
        Ok(Event::RolledBack(Box::new(RolledBack {
            redemption: id,
            code: wish.code,
            campaign,
            user,
            extent,
            money,
            generation: self.generation(&wish.code),
            reason: wish.reason.clone(),
        })))
    }

    fn top_up(&mut self, code: CodeKey, amount: u64) -> Judged {
        let campaign = self.view(&code)?.number;
        let left = self.left(&code).filter(|_| amount > 0).ok_or(Refusal::AmountNotTaken)?;
        if self.revoked.get(&code) == Some(&true) {
            return Err(Refusal::Revoked);
        }
        let left = left.checked_add(amount).filter(|&left| left <= MAX_BALANCE);
        let left = left.ok_or(Refusal::AmountTooLarge)?;
        self.top_ups.push((code, amount));
        let money = Money { amount, left };
        Ok(Event::ToppedUp(ToppedUp { code, campaign, money, reason: "because".into() }))
    }

    fn mark(&mut self, code: CodeKey, revokes: bool) -> Result<Option<Event>, Refusal> {
        let campaign = self.view(&code)?.number;
        let revoked = self.revoked.entry(code).or_insert(false);
        if *revoked == revokes {
            return Ok(None);
        }
        *revoked = revokes;
        let changed = Changed { code, campaign, reason: "because".into() };
        Ok(Some(if revokes { Event::Revoked(changed) } else { Event::Restored(changed) }))
    }

    /// Ends what is due, as one entry that ends at most so many.
    pub(crate) fn expire(&mut self, at: Timestamp, at_most: usize) -> Vec<EndedHold> {
        let mut due: Vec<_> = self.holds.iter().filter(|hold| hold.expires_at <= at).collect();
        due.sort_by_key(|hold| (hold.expires_at, hold.id.slot, hold.id.number));
        let due: Vec<_> = due.into_iter().take(at_most).cloned().map(ended).collect();
        self.holds.retain(|hold| due.iter().all(|ended| ended.id != hold.id));
        due
    }

    /// Asserts that every sum balances and that the shard knows what this model knows.
    pub(crate) fn check(&self, shard: &Shard) {
        let (mut redeemed, mut held) = (BTreeMap::new(), BTreeMap::new());
        for redemption in &self.redemptions {
            let Redeemed { code, generation, id, .. } = redemption;
            let campaign = self.view(code).unwrap().number;
            *redeemed.entry(campaign).or_insert(0) += u64::from(!redemption.is_undone);
            let extent = match redemption {
                Redeemed { is_undone: true, .. } => Some(Extent::Whole),
                Redeemed { returned: 0, .. } => None,
                Redeemed { returned, .. } => Some(Extent::Part { returned: *returned }),
            };
            assert_eq!(shard.undone(code, *generation, id.number), extent, "{redemption:?}");
        }
        for hold in &self.holds {
            *held.entry(hold.campaign).or_insert(0) += 1;
            assert_eq!(shard.hold(hold.id), Some(hold));
        }
        assert_eq!(shard.held(), self.holds.len() as u64);
        for campaign in shard.campaigns() {
            let number = campaign.view.number;
            let counted = |counts: &BTreeMap<_, u64>| counts.get(&number).copied().unwrap_or(0);
            assert_eq!(campaign.counts.redeemed, counted(&redeemed));
            assert_eq!(campaign.counts.held, counted(&held));
        }
        let codes = [PLAIN, GIFT]
            .into_iter()
            .flat_map(|campaign| [0, 1].map(|index| crate::life_history::sealed(campaign, index)));
        for code in codes.chain([listed()]) {
            let (_, state) = shard.find(&code).unwrap();
            assert_eq!((state.uses, state.generation), (self.uses(&code), self.generation(&code)));
            assert_eq!(state.revoked, self.revoked.get(&code) == Some(&true));
            assert_eq!(shard.balance(&code), self.left(&code), "{code:?}");
            let holds: Vec<_> = self.holds.iter().filter(|hold| hold.code == code).collect();
            assert_eq!(shard.holds(&code).collect::<Vec<_>>(), holds);
            for user in ["ada", "zoe"] {
                let told = shard.validate(&code, Some(user), shard.time());
                let is_due = |hold: &&Hold| hold.is_due(shard.time());
                if !self.holds.iter().any(|hold| is_due(&hold)) {
                    assert_eq!(told.err(), self.refusal(&code, user, None).err(), "{code:?}");
                }
            }
        }
    }
}

fn ended(hold: Hold) -> EndedHold {
    EndedHold { id: hold.id, code: hold.code, campaign: hold.campaign, user: hold.user }
}

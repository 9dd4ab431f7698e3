//! What clients want of a code beyond redeeming it: to hold it, to confirm or release a hold, to
//! roll a redemption back, to top a code up.

use redeemd_domain::codes::CodeKey;
use redeemd_domain::identifier::{ApiKeyNumber, HoldId, RedemptionId};
use redeemd_domain::request::Request;
use redeemd_domain::shard::{
    Claim, Command, Confirm, Event, Otherwise, PlaceHold, Record, Redeem, Release, RollBack, Spend,
    TopUp,
};

use super::Clients;
use crate::dice::Dice as _;

/// How long ago a redemption may be that is rolled back, in milliseconds.
const MAX_AGE_MS: u64 = 15_000;

/// A wish about the life of a code.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Life {
    Hold { code: CodeKey, user: Box<str>, ttl_ms: u64 },
    Confirm { hold: HoldId, code: CodeKey, user: Box<str>, amount: Option<u64>, take: Otherwise },
    Release { hold: HoldId, code: CodeKey },
    RollBack { redemption: Past, amount: Option<u64> },
    TopUp { code: CodeKey, amount: u64 },
}

/// A redemption as its answer told it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Past {
    pub(super) id: RedemptionId,
    pub(super) code: CodeKey,
    pub(super) user: Box<str>,
    pub(super) generation: u32,
    claim: Option<Claim>,
    spent: Option<u64>,
}

impl Past {
    pub(super) fn of(record: &Record) -> Option<Self> {
        let (id, redemption) = record.redemption()?;
        let (claim, money) = match &record.event {
            Event::Spent(spent) => (spent.claim, spent.money),
            _ => (None, None),
        };
        Some(Self {
            id,
            code: redemption.code,
            user: redemption.user.clone(),
            generation: redemption.generation,
            claim,
            spent: money.map(|money| money.amount),
        })
    }
}

impl Life {
    pub(super) fn code(&self) -> CodeKey {
        match self {
            Self::Hold { code, .. }
            | Self::Confirm { code, .. }
            | Self::Release { code, .. }
            | Self::TopUp { code, .. } => *code,
            Self::RollBack { redemption, .. } => redemption.code,
        }
    }

    /// What the key of a request is bound to: a key of another route is another request.
    pub(super) fn subject(&self) -> Vec<u8> {
        let (route, thing) = match self {
            Self::Hold { .. } => ("hold", String::new()),
            Self::Confirm { hold, .. } => ("confirm", hold.to_string()),
            Self::Release { hold, .. } => ("release", hold.to_string()),
            Self::RollBack { redemption, .. } => ("roll back", redemption.id.to_string()),
            Self::TopUp { .. } => ("top up", String::new()),
        };
        [route.as_bytes(), thing.as_bytes(), &self.code().canonical()].concat()
    }

    /// What the body of a request says.
    pub(super) fn body(&self) -> String {
        match self {
            Self::Hold { user, ttl_ms, .. } => format!("{user} {ttl_ms}"),
            Self::Confirm { amount, take, .. } => format!("{amount:?} {take:?}"),
            Self::Release { .. } => String::new(),
            Self::RollBack { amount, .. } => format!("{amount:?}"),
            Self::TopUp { amount, .. } => format!("{amount}"),
        }
    }

    pub(super) fn command(
        &self,
        api_key: ApiKeyNumber,
        request: Option<Request>,
        claim: Option<Claim>,
    ) -> Command {
        match self.clone() {
            Self::Hold { code, user, ttl_ms } => {
                let place = PlaceHold { code, user, ttl_ms, claim, api_key, request };
                Command::PlaceHold(Box::new(place))
            }
            Self::Confirm { hold, code, user, amount, take } => {
                let redeem = Redeem { code, user, metadata: None, api_key, request };
                let spend = Spend { redeem, claim, amount };
                Command::Confirm(Box::new(Confirm { hold, spend, otherwise: take }))
            }
            Self::Release { hold, code } => Command::Release(Release { hold, code, api_key }),
            Self::RollBack { redemption, amount } => {
                let Past { id, code, user, generation, claim, spent } = redemption;
                Command::RollBack(Box::new(RollBack {
                    redemption: id,
                    code,
                    user,
                    generation,
                    claim,
                    spent,
                    amount,
                    max_age_ms: MAX_AGE_MS,
                    reason: "because".into(),
                    api_key,
                    request,
                }))
            }
            Self::TopUp { code, amount } => {
                let reason = "because".into();
                Command::TopUp(TopUp { code, amount, reason, api_key, request })
            }
        }
    }

    /// The same with another body, where it has one.
    pub(super) fn alter(&mut self) {
        match self {
            Self::Hold { ttl_ms, .. } => *ttl_ms = ttl_ms.wrapping_sub(1),
            Self::Confirm { take, .. } => {
                *take = match take {
                    Otherwise::Refuse => Otherwise::TakeIfFree,
                    Otherwise::TakeIfFree => Otherwise::Refuse,
                };
            }
            Self::Release { .. } => {}
            Self::RollBack { amount, .. } => *amount = Some(amount.map_or(1, |amount| amount + 1)),
            Self::TopUp { amount, .. } => *amount = amount.wrapping_add(1),
        }
    }
}

impl Clients {
    /// To hold a code.
    pub(super) fn hold(&mut self, code: CodeKey) -> Life {
        let ttl_ms = match self.random.below(20) {
            0 => u64::MAX,
            1..=3 => self.random.between(1, 60_000),
            _ => self.random.between(1, 1_500),
        };
        Life::Hold { code, user: self.user(), ttl_ms }
    }

    /// Something about a hold, a redemption or a code that there was; `None` where nothing is found.
    pub(super) fn later(&mut self, code: CodeKey) -> Option<Life> {
        match self.random.below(100) {
            0..=44 => {
                let redemption = self.recent(Past::of)?;
                let is_part = redemption.spent.is_some() && self.random.percent(50);
                let amount = if is_part || self.random.percent(4) {
                    Some(self.random.below(redemption.spent.unwrap_or(2) + 2))
                } else {
                    None
                };
                Some(Life::RollBack { redemption, amount })
            }
            45..=74 => {
                let (hold, code, user) = self.recent(placed)?;
                let take = *self.random.pick(&[
                    Otherwise::Refuse,
                    Otherwise::Refuse,
                    Otherwise::TakeIfFree,
                ]);
                let amount = self.random.percent(15).then(|| self.random.below(60));
                Some(Life::Confirm { hold, code, user, amount, take })
            }
            75..=86 => {
                let (hold, code, _) = self.recent(placed)?;
                Some(Life::Release { hold, code })
            }
            _ => {
                let amount = match self.random.below(12) {
                    0 => 0,
                    1 => (1 << 53) - 150,
                    2 => u64::MAX,
                    _ => self.random.between(1, 90),
                };
                Some(Life::TopUp { code, amount })
            }
        }
    }

    pub(super) fn user(&mut self) -> Box<str> {
        format!("user-{}", self.random.below(12)).into()
    }

    /// Something of the answers that were given, mostly of the newest.
    pub(super) fn recent<T>(&mut self, of: impl Fn(&Record) -> Option<T>) -> Option<T> {
        let answers = self.given.shard.len();
        if answers == 0 {
            return None;
        }
        let span = if self.random.percent(85) { answers.min(40) } else { answers };
        let newest = answers - 1 - self.random.place(span);
        let records = self.given.shard[..=newest].iter().rev().take(16);
        records.map(|(_, record)| of(record)).find_map(|found| found)
    }
}

/// A hold that was placed, with its code and its user.
pub(super) fn placed(record: &Record) -> Option<(HoldId, CodeKey, Box<str>)> {
    match &record.event {
        Event::HoldPlaced(placed) => {
            Some((placed.hold.id, placed.hold.code, placed.hold.user.clone()))
        }
        _ => None,
    }
}

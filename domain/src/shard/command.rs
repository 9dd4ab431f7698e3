//! What a shard can be asked to do, and the record of what came of it.
//!
//! Both are stored formats: a variant's place and its fields never change. A changed meaning is a
//! new variant at the end.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::hold::{Confirm, EndedHold, HoldPlaced, PlaceHold, Release};
use super::rollback::{RollBack, RolledBack};
use super::steps::{ClaimUse, Forbid, GiveBack, Settle};
use super::top_up::{TopUp, ToppedUp};
use crate::campaign::{CampaignView, Revision, Terms};
use crate::codes::{CampaignNumber, CodeKey, Digest};
use crate::identifier::{ApiKeyNumber, RedemptionId};
use crate::machine::Recorded;
use crate::request::{Fingerprint, Request, RequestDigest};
use crate::rules::{Period, Rules};
use crate::timestamp::Timestamp;

/// The most listed codes that one command may bring, so that an entry stays small.
pub const MAX_DIGESTS: usize = 4096;

/// What a shard can be asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Nothing, but to carry the ledger's position into the state.
    Advance,
    /// Take over a revision of a campaign, unless a newer one is known already.
    PutCampaign(CampaignView),
    /// Redeem a code for a user.
    Redeem(Redeem),
    /// Make a code unusable until it is restored.
    Revoke(Change),
    /// Make a revoked code usable again.
    Restore(Change),
    /// Bring listed codes into a campaign.
    List(List),
    /// Take over a revision of a campaign that has rules beyond what every campaign has, unless a
    /// newer one is known already.
    PutRules {
        /// What every campaign has.
        view: CampaignView,
        /// What this one has besides.
        rules: Arc<Rules>,
    },
    /// Redeem a code with more to say than [`Command::Redeem`] can.
    Spend(Spend),
    /// Take a redemption back, or some of its money.
    RollBack(Box<RollBack>),
    /// Keep a use of a code for a user for some time.
    PlaceHold(PlaceHold),
    /// Make a redemption of a hold.
    Confirm(Box<Confirm>),
    /// Give a hold up.
    Release(Release),
    /// End holds that expired; nobody asks for it but the sequence itself.
    Expire {
        /// How many of them, those first that expired first.
        at_most: u16,
    },
    /// Make a code worth more.
    TopUp(TopUp),
    /// Claim one of a user's uses for an attempt to redeem a code.
    ClaimUse(ClaimUse),
    /// Settle and return claims of this shard.
    Settle(Settle),
    /// Make certain what became of an attempt: if it has not come yet, it never will.
    Forbid(Forbid),
    /// Take uses of this shard's users back.
    GiveBack(GiveBack),
    /// Forget uses that were owed to users of a shard: it has taken them back.
    Delivered {
        /// That shard.
        shard: u16,
        /// The numbers of those uses.
        numbers: Vec<u64>,
    },
    /// Take over what was granted of a campaign's total.
    TakeShare {
        /// The campaign.
        campaign: CampaignNumber,
        /// The revision since which the total is so.
        since: Revision,
        /// How many uses were granted to this shard since, in all.
        granted: u64,
    },
    /// Give back what is left of a share, but for so many uses.
    ReturnShare {
        /// The campaign.
        campaign: CampaignNumber,
        /// The revision since which the total is so.
        since: Revision,
        /// How many uses to keep.
        keep: u64,
    },
}

impl Command {
    /// The command that tells a shard of a campaign.
    pub fn put(terms: Terms) -> Self {
        match terms.rules {
            None => Self::PutCampaign(terms.view),
            Some(rules) => Self::PutRules { view: terms.view, rules },
        }
    }

    /// The code that the command is about, where it is about one.
    pub fn code(&self) -> Option<CodeKey> {
        match self {
            Self::Redeem(redeem) | Self::Spend(Spend { redeem, .. }) => Some(redeem.code),
            Self::Revoke(change) | Self::Restore(change) => Some(change.code),
            Self::RollBack(roll_back) => Some(roll_back.code),
            Self::PlaceHold(place) => Some(place.code),
            Self::Confirm(confirm) => Some(confirm.spend.redeem.code),
            Self::Release(release) => Some(release.code),
            Self::TopUp(top_up) => Some(top_up.code),
            Self::Advance
            | Self::PutCampaign(_)
            | Self::PutRules { .. }
            | Self::List(_)
            | Self::Expire { .. }
            | Self::ClaimUse(_)
            | Self::Settle(_)
            | Self::GiveBack(_)
            | Self::Delivered { .. }
            | Self::TakeShare { .. }
            | Self::ReturnShare { .. } => None,
            Self::Forbid(forbid) => Some(forbid.code),
        }
    }

    /// The same wish with another claim on one of the user's uses, or without one; `None` where
    /// the command is no wish that such a claim is for.
    pub fn with_claim(self, claim: Option<Claim>) -> Option<Self> {
        match self {
            Self::Redeem(redeem) => Some(Self::Spend(Spend { claim, ..Spend::plain(redeem) })),
            Self::Spend(spend) => Some(Self::Spend(Spend { claim, ..spend })),
            Self::PlaceHold(place) => Some(Self::PlaceHold(PlaceHold { claim, ..place })),
            Self::Confirm(mut confirm) => {
                confirm.spend.claim = claim;
                Some(Self::Confirm(confirm))
            }
            _ => None,
        }
    }

    /// The user for whom a use of a code is wanted.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Redeem(redeem) | Self::Spend(Spend { redeem, .. }) => Some(&redeem.user),
            Self::PlaceHold(place) => Some(&place.user),
            Self::Confirm(confirm) => Some(&confirm.spend.redeem.user),
            _ => None,
        }
    }

    /// The claim that comes with it.
    pub fn claim(&self) -> Option<Claim> {
        match self {
            Self::Spend(spend) => spend.claim,
            Self::PlaceHold(place) => place.claim,
            Self::Confirm(confirm) => confirm.spend.claim,
            _ => None,
        }
    }

    /// The request that the command answers, where the client gave it a key.
    pub fn request(&self) -> Option<&Request> {
        match self {
            Self::Redeem(redeem) | Self::Spend(Spend { redeem, .. }) => redeem.request.as_ref(),
            Self::Revoke(change) | Self::Restore(change) => change.request.as_ref(),
            Self::RollBack(roll_back) => roll_back.request.as_ref(),
            Self::PlaceHold(place) => place.request.as_ref(),
            Self::Confirm(confirm) => confirm.spend.redeem.request.as_ref(),
            Self::TopUp(top_up) => top_up.request.as_ref(),
            Self::Advance
            | Self::PutCampaign(_)
            | Self::PutRules { .. }
            | Self::List(_)
            | Self::Release(_)
            | Self::Expire { .. }
            | Self::ClaimUse(_)
            | Self::Settle(_)
            | Self::Forbid(_)
            | Self::GiveBack(_)
            | Self::Delivered { .. }
            | Self::TakeShare { .. }
            | Self::ReturnShare { .. } => None,
        }
    }

    /// Says up to which entry the ledger was searched for the command's request, in vain.
    pub fn set_searched(&mut self, through: u64) {
        let request = match self {
            Self::Redeem(redeem) | Self::Spend(Spend { redeem, .. }) => redeem.request.as_mut(),
            Self::Revoke(change) | Self::Restore(change) => change.request.as_mut(),
            Self::RollBack(roll_back) => roll_back.request.as_mut(),
            Self::PlaceHold(place) => place.request.as_mut(),
            Self::Confirm(confirm) => confirm.spend.redeem.request.as_mut(),
            Self::TopUp(top_up) => top_up.request.as_mut(),
            Self::Advance
            | Self::PutCampaign(_)
            | Self::PutRules { .. }
            | Self::List(_)
            | Self::Release(_)
            | Self::Expire { .. }
            | Self::ClaimUse(_)
            | Self::Settle(_)
            | Self::Forbid(_)
            | Self::GiveBack(_)
            | Self::Delivered { .. }
            | Self::TakeShare { .. }
            | Self::ReturnShare { .. } => None,
        };
        if let Some(request) = request {
            request.searched = request.searched.max(through);
        }
    }
}

/// A wish to redeem a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeem {
    /// The code.
    pub code: CodeKey,
    /// Who redeems it: 1 to 128 characters, as the client names its user.
    pub user: Box<str>,
    /// A JSON object that the client wants to find again, as compact text.
    pub metadata: Option<Box<str>>,
    /// The API key that asked.
    pub api_key: ApiKeyNumber,
    /// The request, where the client gave it an idempotency key.
    pub request: Option<Request>,
}

/// A wish to redeem a code of a campaign with rules: the plain wish, and what such a campaign asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// The plain wish.
    pub redeem: Redeem,
    /// The claim on one of the user's uses that was made for it, where the campaign limits them.
    pub claim: Option<Claim>,
    /// How much of the code's balance to spend, in minor units, at least 1; `None` is all of it.
    pub amount: Option<u64>,
}

impl Spend {
    /// A plain wish.
    pub fn plain(redeem: Redeem) -> Self {
        Self { redeem, claim: None, amount: None }
    }
}

/// Names a claim on one of a user's uses of a campaign, and with it the one attempt to redeem that
/// it was made for. The user's slot is in one shard, the code's mostly in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The shard that counts the user's uses.
    pub shard: u16,
    /// The number of the entry there that made the claim.
    pub number: u64,
    /// Every claim of that shard with a lower number is settled or was returned, as that shard knew
    /// when it made this one.
    pub resolved_below: u64,
    /// The period in which the use counts.
    pub period: Period,
}

/// A wish to revoke or restore a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The code.
    pub code: CodeKey,
    /// Why, for those who look later.
    pub reason: Box<str>,
    /// The API key that asked.
    pub api_key: ApiKeyNumber,
    /// The request, where the client gave it an idempotency key.
    pub request: Option<Request>,
}

/// Listed codes for a campaign. A code that exists already, in whichever campaign, stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The campaign.
    pub campaign: CampaignNumber,
    /// The codes, at most [`MAX_DIGESTS`], all of them in the shard's slots.
    pub digests: Vec<Digest>,
    /// The API key that asked.
    pub api_key: ApiKeyNumber,
}

/// Something that happened in a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The number of the entry that made it.
    pub number: u64,
    /// When that entry was stamped.
    pub at: Timestamp,
    /// The API key that asked.
    pub api_key: ApiKeyNumber,
    /// The request that this answers, where the client gave it an idempotency key.
    pub request: Option<(RequestDigest, Fingerprint)>,
    /// What happened.
    pub event: Event,
}

/// What can happen in a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A code was redeemed.
    Redeemed(Redemption),
    /// A code was revoked.
    Revoked(Changed),
    /// A revoked code was restored.
    Restored(Changed),
    /// Codes were listed.
    Listed {
        /// The campaign.
        campaign: CampaignNumber,
        /// Those that were new.
        digests: Vec<Digest>,
        /// Where in the command the others stood, which were there already.
        duplicates: Vec<u16>,
    },
    /// A code of a campaign with rules was redeemed.
    Spent(Box<Spent>),
    /// A redemption was rolled back, wholly or in part.
    RolledBack(Box<RolledBack>),
    /// A hold was placed or prolonged.
    HoldPlaced(Box<HoldPlaced>),
    /// A hold was given up.
    HoldReleased(Box<EndedHold>),
    /// Holds expired.
    HoldsExpired(Vec<EndedHold>),
    /// A code was made worth more.
    ToppedUp(ToppedUp),
}

/// A redemption under rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// What every redemption is.
    pub redemption: Redemption,
    /// The claim that it used up, where the campaign limited each user.
    pub claim: Option<Claim>,
    /// What was spent of the code's balance, where it has one.
    pub money: Option<Money>,
    /// The number of the entry that placed the hold which this redemption ended, if any.
    pub hold: Option<u64>,
}

/// A movement of a code's balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// How much was moved, in minor units.
    pub amount: u64,
    /// What the code was worth afterwards.
    pub left: u64,
}

/// One successful use of a code by a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redemption {
    /// The code.
    pub code: CodeKey,
    /// Its campaign.
    pub campaign: CampaignNumber,
    /// The campaign's revision under which it was redeemed; it tells the reward.
    pub revision: Revision,
    /// How often the code had been made usable again before.
    pub generation: u32,
    /// How often it can still be redeemed; `None` is without a limit.
    pub uses_left: Option<u32>,
    /// Who redeemed it.
    pub user: Box<str>,
    /// What the client wanted to find again, as compact JSON.
    pub metadata: Option<Box<str>>,
}

/// A code that was revoked or restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The code.
    pub code: CodeKey,
    /// Its campaign.
    pub campaign: CampaignNumber,
    /// Why.
    pub reason: Box<str>,
}

impl Record {
    /// The claim that was used up by what happened, or is kept by it.
    pub fn claim(&self) -> Option<Claim> {
        match &self.event {
            Event::Spent(spent) => spent.claim,
            Event::HoldPlaced(placed) => placed.hold.claim,
            _ => None,
        }
    }

    /// Hands every code that this is about to `visit`, each once. Listed codes are many, and have no
    /// past.
    pub fn codes(&self, visit: &mut dyn FnMut(CodeKey)) {
        match &self.event {
            Event::Redeemed(redemption) => visit(redemption.code),
            Event::Revoked(changed) | Event::Restored(changed) => visit(changed.code),
            Event::Spent(spent) => visit(spent.redemption.code),
            Event::RolledBack(rolled_back) => visit(rolled_back.code),
            Event::HoldPlaced(placed) => visit(placed.hold.code),
            Event::HoldReleased(ended) => visit(ended.code),
            Event::HoldsExpired(ended) => {
                // Several holds on one code may expire at once, and the code is one.
                let codes: BTreeSet<CodeKey> = ended.iter().map(|ended| ended.code).collect();
                codes.into_iter().for_each(visit);
            }
            Event::ToppedUp(topped_up) => visit(topped_up.code),
            Event::Listed { .. } => {}
        }
    }

    /// The redemption and its identifier, where this is one.
    pub fn redemption(&self) -> Option<(RedemptionId, &Redemption)> {
        let redemption = match &self.event {
            Event::Redeemed(redemption) => redemption,
            Event::Spent(spent) => &spent.redemption,
            Event::Revoked(_)
            | Event::Restored(_)
            | Event::Listed { .. }
            | Event::RolledBack(_)
            | Event::HoldPlaced(_)
            | Event::HoldReleased(_)
            | Event::HoldsExpired(_)
            | Event::ToppedUp(_) => return None,
        };
        let slot = redemption.code.slot();
        Some((RedemptionId { at: self.at, slot, number: self.number }, redemption))
    }
}

impl Recorded for Record {
    fn number(&self) -> u64 {
        self.number
    }

    fn request(&self) -> Option<(RequestDigest, Fingerprint)> {
        self.request
    }
}

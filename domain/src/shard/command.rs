//! What a shard can be asked to do. A stored format: a variant's place and its fields never change.
//! A changed meaning is a new variant at the end.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::hold::{Confirm, PlaceHold, Release};
use super::list::List;
use super::redemption::{Redeem, Spend};
use super::rollback::RollBack;
use super::steps::{Claim, ClaimUse, Forbid, GiveBack, Settle};
use super::top_up::TopUp;
use crate::campaign::{CampaignView, Revision, Terms};
use crate::codes::{CampaignNumber, CodeKey};
use crate::request::Request;
use crate::rules::Rules;

/// What a shard can be asked to do. What is larger than a plain redemption stands in a box, since
/// every command is moved several times on its way.
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
    Spend(Box<Spend>),
    /// Take a redemption back, or some of its money.
    RollBack(Box<RollBack>),
    /// Keep a use of a code for a user for some time.
    PlaceHold(Box<PlaceHold>),
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

/// The code that a command is about, where it is about one, and the request that it answers: one
/// list of all commands, whether the request is to be looked at (`as_ref`) or changed (`as_mut`).
macro_rules! subject {
    ($command:expr, $as_reference:ident) => {
        match $command {
            Self::Redeem(redeem) => Some((redeem.code, redeem.request.$as_reference())),
            Self::Spend(spend) => Some((spend.redeem.code, spend.redeem.request.$as_reference())),
            Self::Revoke(change) | Self::Restore(change) => {
                Some((change.code, change.request.$as_reference()))
            }
            Self::RollBack(roll_back) => Some((roll_back.code, roll_back.request.$as_reference())),
            Self::PlaceHold(place) => Some((place.code, place.request.$as_reference())),
            Self::Confirm(confirm) => {
                Some((confirm.spend.redeem.code, confirm.spend.redeem.request.$as_reference()))
            }
            Self::TopUp(top_up) => Some((top_up.code, top_up.request.$as_reference())),
            Self::Release(release) => Some((release.code, None)),
            Self::Forbid(forbid) => Some((forbid.code, None)),
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
        }
    };
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
        subject!(self, as_ref).map(|(code, _)| code)
    }

    /// The request that the command answers, where the client gave it a key.
    pub fn request(&self) -> Option<&Request> {
        subject!(self, as_ref).and_then(|(_, request)| request)
    }

    /// Says up to which entry the ledger was searched for the command's request, in vain.
    pub fn set_searched(&mut self, through: u64) {
        if let Some((_, Some(request))) = subject!(self, as_mut) {
            request.set_searched(through);
        }
    }

    /// The same wish with another claim on one of the user's uses, or without one; `None` where
    /// the command is no wish that such a claim is for.
    pub fn with_claim(self, claim: Option<Claim>) -> Option<Self> {
        match self {
            Self::Redeem(redeem) => {
                Some(Self::Spend(Box::new(Spend { claim, ..Spend::plain(redeem) })))
            }
            Self::Spend(mut spend) => {
                spend.claim = claim;
                Some(Self::Spend(spend))
            }
            Self::PlaceHold(mut place) => {
                place.claim = claim;
                Some(Self::PlaceHold(place))
            }
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
            Self::Redeem(redeem) => Some(&redeem.user),
            Self::Spend(spend) => Some(&spend.redeem.user),
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
}

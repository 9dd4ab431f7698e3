//! What the control sequence can be asked to do, and the record of what came of it.
//!
//! Both are stored formats: a variant's place and its fields never change. A changed meaning is a
//! new variant at the end.

use serde::{Deserialize, Serialize};

use super::draft::{Changes, Draft, RuleChanges};
use super::import::{Import, Remarks};
use super::secrets::{Secret, SecretName};
use crate::campaign::{Campaign, Revision, Status};
use crate::codes::CampaignNumber;
use crate::identifier::{ApiKeyId, ApiKeyNumber};
use crate::machine::Recorded;
use crate::request::{Fingerprint, Request, RequestDigest};
use crate::timestamp::Timestamp;

/// What the control sequence can be asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Nothing, but to carry the ledger's position into the state.
    Advance,
    /// Keep a secret, enciphered under the server's own.
    AddSecret(Secret),
    /// Let an API key in.
    AddApiKey(NewApiKey),
    /// Shut an API key out.
    RevokeApiKey(ApiKeyNumber),
    /// Make a campaign.
    MakeCampaign {
        /// What it shall be.
        draft: Draft,
        /// Who asks.
        asked: Asked,
    },
    /// Change a campaign's rules.
    ChangeCampaign {
        /// Which.
        campaign: CampaignNumber,
        /// The edition that the change was made for, where the client named one.
        edition: Option<Revision>,
        /// What shall be otherwise.
        changes: Changes,
        /// Who asks.
        asked: Asked,
    },
    /// Pause, resume or archive a campaign.
    SetStatus {
        /// Which.
        campaign: CampaignNumber,
        /// What it shall be.
        status: Status,
        /// Who asks.
        asked: Asked,
    },
    /// Issue the next serials of a campaign of sealed codes.
    Issue {
        /// Which.
        campaign: CampaignNumber,
        /// How many; none changes nothing.
        count: u64,
        /// Who asks.
        asked: Asked,
    },
    /// Let an API key in that somebody asked for.
    LetIn {
        /// The key.
        key: NewApiKey,
        /// Who asks.
        asked: Asked,
    },
    /// Shut an API key out because somebody asked for it. The last admin key stays.
    ShutOut {
        /// Which.
        api_key: ApiKeyNumber,
        /// Who asks.
        asked: Asked,
    },
    /// Keep what came of bringing codes into a campaign. The shards have them already.
    RecordImport {
        /// Which.
        campaign: CampaignNumber,
        /// What came of it.
        import: Import,
        /// Who asks.
        asked: Asked,
    },
    /// Issue the next indices of a campaign whose codes are drawn by a pattern. The shards have
    /// these codes already, so that a code is listed before it is issued, never the other way round.
    IssuePattern {
        /// Which.
        campaign: CampaignNumber,
        /// The first index, which must be the next one of the campaign.
        first: u64,
        /// How many indices; none changes nothing.
        span: u64,
        /// Those of them whose codes exist elsewhere, in their order.
        skipped: Vec<u64>,
        /// Who asks.
        asked: Asked,
    },
    /// Change a campaign's rules, those beyond what every campaign has too.
    ChangeRules {
        /// Which.
        campaign: CampaignNumber,
        /// The edition that the change was made for, where the client named one.
        edition: Option<Revision>,
        /// What shall be otherwise of what every campaign has.
        changes: Changes,
        /// What shall be otherwise of its other rules.
        rules: Box<RuleChanges>,
        /// Who asks.
        asked: Asked,
    },
    /// Keep what came of bringing codes into a campaign, and what stood out among them. The shards
    /// have them already.
    KeepImport {
        /// Which.
        campaign: CampaignNumber,
        /// What came of it.
        import: Import,
        /// What stood out.
        remarks: Remarks,
        /// Who asks.
        asked: Asked,
    },
    /// Begin to lend shares of a campaign's total.
    OpenShares {
        /// Which.
        campaign: CampaignNumber,
        /// The revision since which the total is so.
        since: Revision,
        /// How many uses each shard had when it learned of this total.
        bases: Vec<u64>,
    },
    /// Grant a shard more of a campaign's total, as far as there is any left.
    GrantShare {
        /// Which.
        campaign: CampaignNumber,
        /// The revision since which the total is so.
        since: Revision,
        /// Whom.
        shard: u16,
        /// How many uses it shall have been granted since then, in all.
        granted: u64,
    },
    /// Keep how much a shard has given back of a campaign's total.
    RecordReturned {
        /// Which.
        campaign: CampaignNumber,
        /// The revision since which the total is so.
        since: Revision,
        /// Who.
        shard: u16,
        /// How many uses it has given back since then, in all.
        returned: u64,
    },
}

/// Who asks for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The API key.
    pub api_key: ApiKeyNumber,
    /// The request, where the client gave it an idempotency key.
    pub request: Option<Request>,
}

/// An API key as it is kept: never itself, only its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewApiKey {
    /// SHA-256 of the key's text. Keys are long and random, so that no slow digest is needed.
    pub digest: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// What people call it.
    pub name: Box<str>,
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Everything.
    Admin,
    /// Campaigns, codes, imports, exports, rollback.
    Issuer,
    /// Validate, redeem, hold; for trusted back ends.
    Redeemer,
    /// Reads everything but codes.
    Auditor,
    /// Validates and redeems under strict limits; may be shipped in a page or an app.
    Public,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Admin, Self::Issuer, Self::Redeemer, Self::Auditor, Self::Public];

    /// What people and programs call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Issuer => "issuer",
            Self::Redeemer => "redeemer",
            Self::Auditor => "auditor",
            Self::Public => "public",
        }
    }

    /// The role with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Something that happened in the control sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The number of the entry that made it.
    pub number: u64,
    /// When that entry was stamped.
    pub at: Timestamp,
    /// The API key that asked; 0 for the server itself.
    pub api_key: ApiKeyNumber,
    /// The request that this answers, where the client gave it an idempotency key.
    pub request: Option<(RequestDigest, Fingerprint)>,
    /// What happened.
    pub event: Event,
}

/// What can happen in the control sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A secret was added.
    SecretAdded(SecretName),
    /// An API key was let in.
    ApiKeyAdded {
        /// Its identifier.
        id: ApiKeyId,
        /// What it may do.
        role: Role,
        /// What people call it.
        name: Box<str>,
    },
    /// An API key was shut out.
    ApiKeyRevoked(ApiKeyId),
    /// A campaign was made, and this is it.
    CampaignMade(Box<Campaign>),
    /// A campaign was changed, and this is how it became.
    CampaignChanged(Box<Campaign>),
    /// Serials were issued.
    Issued {
        /// The campaign as it became.
        campaign: Box<Campaign>,
        /// The first of them.
        first: u64,
        /// How many.
        count: u64,
    },
    /// Codes were brought in.
    Imported {
        /// The campaign.
        campaign: CampaignNumber,
        /// What came of it.
        import: Import,
    },
    /// Indices of a pattern were issued.
    PatternIssued {
        /// The campaign as it became; it knows which of the indices were skipped.
        campaign: Box<Campaign>,
        /// The first of them.
        first: u64,
        /// How many.
        span: u64,
    },
    /// Codes were brought in, and something may have stood out among them.
    ImportKept {
        /// The campaign.
        campaign: CampaignNumber,
        /// What came of it.
        import: Import,
        /// What stood out.
        remarks: Remarks,
    },
}

impl Record {
    /// The campaign that this changed, as it became.
    pub fn campaign(&self) -> Option<&Campaign> {
        match &self.event {
            Event::CampaignMade(campaign)
            | Event::CampaignChanged(campaign)
            | Event::Issued { campaign, .. }
            | Event::PatternIssued { campaign, .. } => Some(campaign),
            Event::SecretAdded(_)
            | Event::ApiKeyAdded { .. }
            | Event::ApiKeyRevoked(_)
            | Event::Imported { .. }
            | Event::ImportKept { .. } => None,
        }
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

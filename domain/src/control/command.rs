//! What the control sequence can be asked to do. A stored format: a variant's place and its fields
//! never change. A changed meaning is a new variant at the end.

use serde::{Deserialize, Serialize};

use super::api_key::NewApiKey;
use super::draft::{Changes, Draft, RuleChanges};
use super::import::{Import, Remarks};
use super::secrets::Secret;
use crate::campaign::{Revision, Status};
use crate::codes::CampaignNumber;
use crate::identifier::ApiKeyNumber;
use crate::request::Request;

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

/// Who asked for a command, unless it was the server itself: one list of all commands, whether it
/// is to be looked at or changed.
macro_rules! asked {
    ($command:expr) => {
        match $command {
            Self::MakeCampaign { asked, .. }
            | Self::ChangeCampaign { asked, .. }
            | Self::ChangeRules { asked, .. }
            | Self::SetStatus { asked, .. }
            | Self::Issue { asked, .. }
            | Self::LetIn { asked, .. }
            | Self::ShutOut { asked, .. }
            | Self::RecordImport { asked, .. }
            | Self::KeepImport { asked, .. }
            | Self::IssuePattern { asked, .. } => Some(asked),
            Self::Advance
            | Self::AddSecret(_)
            | Self::AddApiKey(_)
            | Self::RevokeApiKey(_)
            | Self::OpenShares { .. }
            | Self::GrantShare { .. }
            | Self::RecordReturned { .. } => None,
        }
    };
}

impl Command {
    /// Who asked for it, unless it was the server itself.
    pub fn asked(&self) -> Option<Asked> {
        asked!(self).copied()
    }

    /// Says up to which entry the ledger was searched for the command's request, in vain.
    pub fn set_searched(&mut self, through: u64) {
        if let Some(Asked { request: Some(request), .. }) = asked!(self) {
            request.set_searched(through);
        }
    }
}

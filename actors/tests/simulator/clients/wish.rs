//! What a client wants, and the command that it becomes.

use redeemd_domain::codes::{CampaignNumber, CodeKey, Digest};
use redeemd_domain::control::{
    self, Asked, Changes, Draft, Import, NewApiKey, Remarks, Role, RuleChanges,
};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::request::{Fingerprint, Request, RequestDigest};
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{Change, Claim, Command, List, Query, Redeem, Spend};
use redeemd_domain::slot::ShardLayout;

use redeemd_domain::campaign::{Revision, Status};

use super::life::Life;
use crate::attempts::AttemptId;
use crate::dice::Random;

/// A wish. Two wishes with the same key are one request, or a key that is used for two.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    Redeem { code: CodeKey, user: u32, amount: Option<u64>, key: Option<u32> },
    Life { life: Life, key: Option<u32> },
    Mark { code: CodeKey, revokes: bool, key: Option<u32> },
    Tell { code: CodeKey, query: Query },
    List { campaign: CampaignNumber, digests: Vec<Digest> },
    Control { deed: Deed, key: Option<u32> },
}

/// Something for the control sequence to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Deed {
    Make(Draft),
    Change { campaign: CampaignNumber, edition: Option<Revision>, changes: Changes },
    Rule { campaign: CampaignNumber, changes: Changes, rules: Box<RuleChanges> },
    SetStatus { campaign: CampaignNumber, status: Status },
    Issue { campaign: CampaignNumber, count: u64 },
    LetIn { byte: u8, role: Role },
    ShutOut { api_key: u32 },
    IssuePattern { campaign: CampaignNumber, first: u64, span: u64, skipped: Vec<u64> },
    KeepImport { campaign: CampaignNumber, import: Import, remarks: Remarks },
}

/// What is sent to whom.
pub(super) enum Question {
    Shard(u16, Command),
    Tell(u16, Query),
    Control(control::Command),
}

/// A listed code, by a small number.
pub(super) fn listed_code(number: u64) -> Digest {
    let mut bytes = [0; 16];
    Random::new(number).fill(&mut bytes);
    Digest::from_bytes(bytes)
}

impl Wish {
    pub(super) fn has_key(&self) -> bool {
        match self {
            Self::Redeem { key, .. }
            | Self::Life { key, .. }
            | Self::Mark { key, .. }
            | Self::Control { key, .. } => key.is_some(),
            Self::Tell { .. } | Self::List { .. } => false,
        }
    }

    pub(super) fn sequence(&self, layout: ShardLayout) -> SequenceId {
        let slot = match self {
            Self::Redeem { code, .. } | Self::Mark { code, .. } | Self::Tell { code, .. } => {
                code.slot()
            }
            Self::Life { life, .. } => life.code().slot(),
            Self::List { digests, .. } => digests[0].slot(),
            Self::Control { .. } => return SequenceId::CONTROL,
        };
        SequenceId::shard(layout.shard_of(slot))
    }

    /// The request, where the wish has a key.
    pub(super) fn request(&self, searched: u64) -> Option<Request> {
        let (key, subject, body) = match self {
            Self::Redeem { code, user, amount, key } => {
                ((*key)?, code.canonical().to_vec(), format!("{user} {amount:?}"))
            }
            Self::Life { life: Life::Release { .. }, .. } => return None,
            Self::Life { life, key } => ((*key)?, life.subject(), life.body()),
            Self::Mark { code, revokes, key } => {
                // A key of another route is another request.
                ((*key)?, [b"mark", &*code.canonical()].concat(), format!("{revokes}"))
            }
            Self::Control { deed, key } => ((*key)?, b"control".to_vec(), format!("{deed:?}")),
            Self::Tell { .. } | Self::List { .. } => return None,
        };
        Some(Request {
            digest: RequestDigest::new(ApiKeyNumber(1), &key.to_le_bytes(), &subject),
            fingerprint: Fingerprint::new(&[Some(body.as_bytes())]),
            searched,
        })
    }

    /// The wish as an attempt puts it.
    pub(super) fn question(
        &self,
        attempt: AttemptId,
        searched: u64,
        claim: Option<Claim>,
        layout: ShardLayout,
    ) -> Question {
        let api_key = ApiKeyNumber(attempt.0);
        let request = self.request(searched);
        let shard = self.sequence(layout).as_shard().unwrap_or_default();
        match self {
            Self::Redeem { code, user, amount, .. } => {
                let redeem = Redeem {
                    code: *code,
                    user: format!("user-{user}").into(),
                    metadata: (user % 2 == 0).then(|| format!("{{\"a\":{}}}", attempt.0).into()),
                    api_key,
                    request,
                };
                // What a plain wish can say is said by one, as often as not.
                let is_plain = claim.is_none() && amount.is_none() && user % 3 > 0;
                Question::Shard(
                    shard,
                    match is_plain {
                        true => Command::Redeem(redeem),
                        false => Command::Spend(Box::new(Spend { redeem, claim, amount: *amount })),
                    },
                )
            }
            Self::Life { life, .. } => {
                Question::Shard(shard, life.command(api_key, request, claim))
            }
            Self::Mark { code, revokes, .. } => {
                let change = Change { code: *code, reason: "because".into(), api_key, request };
                let command =
                    if *revokes { Command::Revoke(change) } else { Command::Restore(change) };
                Question::Shard(shard, command)
            }
            Self::Tell { query, .. } => Question::Tell(shard, query.clone()),
            Self::List { campaign, digests } => {
                let digests = digests.clone();
                let list = List { campaign: *campaign, digests, api_key };
                Question::Shard(shard, Command::List(list))
            }
            Self::Control { deed, .. } => {
                let asked = Asked { api_key, request };
                Question::Control(deed.command(asked))
            }
        }
    }
}

impl Deed {
    fn command(&self, asked: Asked) -> control::Command {
        match self.clone() {
            Self::Make(draft) => control::Command::MakeCampaign { draft, asked },
            Self::Change { campaign, edition, changes } => {
                control::Command::ChangeCampaign { campaign, edition, changes, asked }
            }
            Self::Rule { campaign, changes, rules } => {
                let edition = None;
                control::Command::ChangeRules { campaign, edition, changes, rules, asked }
            }
            Self::SetStatus { campaign, status } => {
                control::Command::SetStatus { campaign, status, asked }
            }
            Self::Issue { campaign, count } => control::Command::Issue { campaign, count, asked },
            Self::LetIn { byte, role } => {
                let key = NewApiKey { digest: [byte; 32], role, name: "somebody".into() };
                control::Command::LetIn { key, asked }
            }
            Self::ShutOut { api_key } => {
                control::Command::ShutOut { api_key: ApiKeyNumber(api_key), asked }
            }
            Self::IssuePattern { campaign, first, span, skipped } => {
                control::Command::IssuePattern { campaign, first, span, skipped, asked }
            }
            Self::KeepImport { campaign, import, remarks } => {
                control::Command::KeepImport { campaign, import, remarks, asked }
            }
        }
    }
}

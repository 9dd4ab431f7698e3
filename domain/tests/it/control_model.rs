//! A naive control sequence: lists that are searched from end to end, every past state of every
//! campaign, and a memory that forgets nothing.

use redeemd_domain::campaign::{Codes, MAX_ISSUED, Status, Window};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{
    Command, Control, DraftCodes, Event, Outcome, Purpose, Record, Refusal, Role, SecretName,
};

use crate::answers::Answers;
use crate::rules_history::PlainRules;

/// Where a campaign's codes come from.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Sealed(u16),
    Imported,
    Pattern { possible: u128, most: u128, key: u16, pepper: u16 },
}

/// A campaign as it once was.
#[derive(Clone, Debug, PartialEq)]
struct Past {
    name: Box<str>,
    codes: Kind,
    skipped: Vec<u64>,
    rules: Option<PlainRules>,
    status: Status,
    window: Window,
    uses_per_code: Option<u32>,
    issued: u64,
    reward: Option<Box<str>>,
    metadata: Option<Box<str>>,
}

/// All states of a campaign, and which of them is the edition.
struct History {
    pasts: Vec<Past>,
    edition: usize,
}

#[derive(Default)]
pub(crate) struct Model {
    campaigns: Vec<History>,
    secrets: Vec<SecretName>,
    api_keys: Vec<([u8; 32], Role, bool)>,
    answers: Answers<Record>,
}

/// What should come of a command; `Ok(true)` where something changes.
type Wanted = Result<bool, Refusal>;

impl Model {
    /// Asserts that an answer is right, and takes over what changed.
    pub(crate) fn check(&mut self, command: &Command, answer: &Outcome) {
        let request = command.asked().and_then(|asked| asked.request);
        let reused = Refusal::IdempotencyKeyReused;
        let wanted: Option<Outcome> = self.answers.recall(request.as_ref(), reused);
        if let Some(wanted) = wanted {
            assert_eq!(*answer, wanted, "{command:?}");
            return;
        }
        let wanted = self.execute(command);
        match (answer, &wanted) {
            (Outcome::Done(record), Ok(true)) => {
                self.answers.remember(record);
                if let Event::Issued { campaign, first, count } = &record.event {
                    let pasts = &self.history(campaign.id.number).unwrap().pasts;
                    let [.., before, after] = &pasts[..] else { panic!("issued from nothing") };
                    assert_eq!((before.issued, after.issued), (*first, first + count));
                }
            }
            (Outcome::Unchanged, Ok(false)) => {}
            (Outcome::Refused(refusal), Err(wanted)) if refusal == wanted => {}
            _ => panic!("{answer:?} instead of {wanted:?} to {command:?}"),
        }
    }

    fn history(&mut self, number: CampaignNumber) -> Option<&mut History> {
        self.campaigns.get_mut((number.0 as usize).checked_sub(1)?)
    }

    fn execute(&mut self, command: &Command) -> Wanted {
        match command {
            Command::Advance => Ok(false),
            Command::AddSecret(secret) => {
                let of_purpose = |name: &&SecretName| name.purpose == secret.name.purpose;
                let count = self.secrets.iter().filter(of_purpose).count();
                let full = secret.name.purpose == Purpose::SealingKey && count == 8;
                let newer = self.secrets.iter().filter(of_purpose);
                let newer = newer.filter(|name| name.number >= secret.name.number).count() > 0;
                if full || newer || secret.name.number == 0 {
                    return Err(Refusal::SecretNotAdded);
                }
                self.secrets.push(secret.name);
                Ok(true)
            }
            Command::AddApiKey(key) | Command::LetIn { key, .. } => {
                if self.api_keys.iter().any(|(digest, ..)| *digest == key.digest) {
                    return Err(Refusal::AlreadyExists);
                }
                self.api_keys.push((key.digest, key.role, false));
                Ok(true)
            }
            Command::RevokeApiKey(number) | Command::ShutOut { api_key: number, .. } => {
                let place = (number.0 as usize).checked_sub(1).ok_or(Refusal::NotFound)?;
                let (_, role, revoked) = *self.api_keys.get(place).ok_or(Refusal::NotFound)?;
                let is_admin = |key: &&([u8; 32], Role, bool)| key.1 == Role::Admin && !key.2;
                let is_last = self.api_keys.iter().filter(is_admin).count() == 1;
                let is_asked_for = matches!(command, Command::ShutOut { .. });
                if is_asked_for && is_last && role == Role::Admin && !revoked {
                    return Err(Refusal::LastAdminKey);
                }
                self.api_keys[place].2 = true;
                Ok(!revoked)
            }
            Command::MakeCampaign { draft, .. } => {
                let rules = draft
                    .rules
                    .as_deref()
                    .map(|rules| PlainRules::made(rules).ok_or(Refusal::InvalidRules));
                let rules = rules.transpose()?.filter(|rules| *rules != PlainRules::default());
                if is_empty(draft.window) {
                    return Err(Refusal::EmptyWindow);
                }
                let newest = |purpose| {
                    let names = self.secrets.iter().filter(|name| name.purpose == purpose);
                    names.map(|name| name.number).max()
                };
                let codes = match &draft.codes {
                    DraftCodes::Imported => Kind::Imported,
                    DraftCodes::Sealed => {
                        Kind::Sealed(newest(Purpose::SealingKey).ok_or(Refusal::NoSealingKey)?)
                    }
                    DraftCodes::Pattern { pattern, allow_guessable } => {
                        let places = pattern.text().matches('#').count() as u32;
                        let possible = (pattern.alphabet().len() as u128).pow(places);
                        let most = if *allow_guessable { possible } else { possible / 1_000_000 };
                        if most == 0 {
                            return Err(Refusal::PatternTooSmall);
                        }
                        let number = |purpose| newest(purpose).ok_or(Refusal::NoPatternKey);
                        let (key, pepper) =
                            (number(Purpose::PatternKey)?, number(Purpose::Pepper)?);
                        Kind::Pattern { possible, most, key, pepper }
                    }
                };
                let past = Past {
                    name: draft.name.clone(),
                    codes,
                    skipped: Vec::new(),
                    rules,
                    status: Status::Active,
                    window: draft.window,
                    uses_per_code: draft.uses_per_code,
                    issued: 0,
                    reward: draft.reward.clone(),
                    metadata: draft.metadata.clone(),
                };
                self.campaigns.push(History { pasts: vec![past], edition: 1 });
                Ok(true)
            }
            _ => self.change(command),
        }
    }

    fn change(&mut self, command: &Command) -> Wanted {
        let (Command::ChangeCampaign { campaign, .. }
        | Command::ChangeRules { campaign, .. }
        | Command::SetStatus { campaign, .. }
        | Command::Issue { campaign, .. }
        | Command::RecordImport { campaign, .. }
        | Command::KeepImport { campaign, .. }
        | Command::IssuePattern { campaign, .. }) = command
        else {
            panic!("not about a campaign")
        };
        let history = self.history(*campaign).ok_or(Refusal::NotFound)?;
        let former = history.pasts.last().unwrap().clone();
        let mut past = former.clone();
        match command {
            Command::ChangeCampaign { edition, changes, .. }
            | Command::ChangeRules { edition, changes, .. } => {
                if edition.is_some_and(|edition| edition.0 as usize != history.edition) {
                    return Err(Refusal::EditionChanged);
                }
                if past.status == Status::Archived {
                    return Err(Refusal::CampaignArchived);
                }
                if let Command::ChangeRules { rules, .. } = command {
                    let revision = history.pasts.len() as u32 + 1;
                    let former = past.rules.clone().unwrap_or_default();
                    let rules = former.changed(rules, revision).ok_or(Refusal::InvalidRules)?;
                    let has_some = past.rules.is_some() || rules != PlainRules::default();
                    past.rules = has_some.then_some(rules);
                }
                let changes = changes.clone();
                past.name = changes.name.unwrap_or(past.name);
                past.window.starts_at = changes.starts_at.unwrap_or(past.window.starts_at);
                past.window.expires_at = changes.expires_at.unwrap_or(past.window.expires_at);
                past.uses_per_code = changes.uses_per_code.unwrap_or(past.uses_per_code);
                past.reward = changes.reward.unwrap_or(past.reward);
                past.metadata = changes.metadata.unwrap_or(past.metadata);
                if is_empty(past.window) {
                    return Err(Refusal::EmptyWindow);
                }
            }
            Command::SetStatus { status, .. } => {
                if past.status == Status::Archived && *status != Status::Archived {
                    return Err(Refusal::CampaignArchived);
                }
                past.status = *status;
            }
            Command::Issue { count, .. } => {
                if past.status == Status::Archived {
                    return Err(Refusal::CampaignArchived);
                }
                if !matches!(past.codes, Kind::Sealed(_)) {
                    return Err(Refusal::CodesNotGenerated);
                }
                if u128::from(past.issued) + u128::from(*count) > u128::from(MAX_ISSUED) {
                    return Err(Refusal::TooManyCodes);
                }
                past.issued += count;
            }
            Command::RecordImport { .. } | Command::KeepImport { .. } => {
                // It is told, and changes nothing of the campaign.
                let imported = past.codes == Kind::Imported;
                return if imported { Ok(true) } else { Err(Refusal::CodesNotImported) };
            }
            Command::IssuePattern { first, span, skipped, .. } => {
                if past.status == Status::Archived {
                    return Err(Refusal::CampaignArchived);
                }
                let Kind::Pattern { possible, most, .. } = past.codes else {
                    return Err(Refusal::CodesNotGenerated);
                };
                let end = u128::from(*first) + u128::from(*span);
                // Said without walking through the span, which may be any number.
                let rises = skipped.is_sorted_by(|one, next| one < next)
                    && skipped.iter().all(|index| index >= first && u128::from(*index) < end);
                if *first != past.issued || end > u128::from(u64::MAX) || !rises {
                    return Err(Refusal::IndicesNotNext);
                }
                past.skipped.extend(skipped);
                let codes = end.saturating_sub(past.skipped.len() as u128);
                if *span > 0 && (end > possible || codes > most) {
                    return Err(Refusal::PatternTooSmall);
                }
                past.issued += span;
            }
            _ => {}
        }
        if past == former {
            return Ok(false);
        }
        history.pasts.push(past);
        if !matches!(command, Command::Issue { .. } | Command::IssuePattern { .. }) {
            history.edition = history.pasts.len();
        }
        Ok(true)
    }

    /// Asserts that the state knows what this model knows, the past included.
    pub(crate) fn check_state(&self, control: &Control) {
        assert_eq!(control.campaigns().count(), self.campaigns.len());
        for (campaign, history) in control.campaigns().zip(&self.campaigns) {
            let past = history.pasts.last().unwrap();
            assert_eq!(campaign.revision.0 as usize, history.pasts.len());
            assert_eq!(campaign.edition.0 as usize, history.edition);
            for (place, past) in history.pasts.iter().enumerate() {
                let revision = redeemd_domain::campaign::Revision(place as u32 + 1);
                assert_eq!(campaign.reward_at(revision), past.reward.as_deref(), "{revision:?}");
            }
            let codes = match &campaign.codes {
                Codes::Sealed { epoch } => Kind::Sealed(*epoch),
                Codes::Imported => Kind::Imported,
                Codes::Pattern { pattern, key, pepper, allow_guessable, .. } => {
                    let possible = pattern.possible();
                    let most = if *allow_guessable { possible } else { possible / 1_000_000 };
                    Kind::Pattern { possible, most, key: *key, pepper: *pepper }
                }
            };
            let codes_issued = past.issued - past.skipped.len() as u64;
            assert_eq!(campaign.issued_from(0), codes_issued);
            let present = Past {
                name: campaign.name.clone(),
                codes,
                skipped: campaign.skipped().to_vec(),
                rules: campaign.rules.as_deref().map(PlainRules::of),
                status: campaign.status,
                window: campaign.window,
                uses_per_code: campaign.uses_per_code,
                issued: campaign.issued,
                reward: campaign.reward().map(Into::into),
                metadata: campaign.metadata.clone(),
            };
            assert_eq!(present, *past);
        }
        let revoked = control.api_keys().map(|key| (key.digest, key.role, key.revoked));
        assert!(revoked.eq(self.api_keys.iter().copied()));
        assert_eq!(control.secrets().count(), self.secrets.len());
    }
}

fn is_empty(window: Window) -> bool {
    window.expires_at.is_some() && window.starts_at >= window.expires_at
}

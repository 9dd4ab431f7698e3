//! The control sequence as a child would write it: a list of campaigns.

use std::collections::BTreeMap;
use std::sync::Arc;

use redeemd_domain::campaign::Campaign;
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{Command, Control, Event, Purpose, Record, Role, SecretName};
use redeemd_domain::identifier::ApiKeyId;
use redeemd_domain::machine::Outcome;

use super::lending_model::Lent;
use super::modelled::Stamp;

/// What must be true of the control sequence.
#[derive(Debug, Default)]
pub(crate) struct ControlModel {
    /// What was lent of totals.
    pub(super) lent: BTreeMap<CampaignNumber, Lent>,
    pub(super) campaigns: Vec<Campaign>,
    secrets: Vec<SecretName>,
    /// Identifier, role, and whether it was shut out.
    pub(super) api_keys: Vec<(ApiKeyId, Role, bool)>,
    /// The digests that were let in.
    pub(super) digests: Vec<[u8; 32]>,
}

/// What must be there before anything else.
const NEEDED: [Purpose; 3] = [Purpose::SealingKey, Purpose::Pepper, Purpose::PatternKey];

impl ControlModel {
    /// The campaigns, by number from 1.
    pub(crate) fn campaigns(&self) -> &[Campaign] {
        &self.campaigns
    }

    /// A secret that is needed and not there.
    pub(crate) fn missing_secret(&self) -> Option<SecretName> {
        let is_missing = |purpose: &Purpose| self.newest(*purpose) == 0;
        let missing = NEEDED.into_iter().find(is_missing);
        missing.map(|purpose| SecretName { purpose, number: 1 })
    }

    /// The number of the newest secret for a purpose; 0 where there is none.
    pub(super) fn newest(&self, purpose: Purpose) -> u16 {
        let secrets = self.secrets.iter().filter(|name| name.purpose == purpose);
        secrets.map(|name| name.number).max().unwrap_or(0)
    }

    pub(super) fn judge(&self, command: &Command, stamp: Stamp) -> Outcome<Control> {
        if let Some((told, _)) = self.lend(command) {
            return Outcome::Acknowledged(told);
        }
        match self.execute(command, stamp) {
            Err(refusal) => Outcome::Refused(refusal),
            Ok(None) => Outcome::Unchanged,
            Ok(Some(event)) => {
                let asked = command.asked();
                let request = asked.and_then(|asked| asked.request);
                Outcome::Done(Arc::new(Record {
                    number: stamp.number,
                    at: stamp.at,
                    api_key: asked.map(|asked| asked.api_key).unwrap_or_default(),
                    request: request.map(|request| (request.digest, request.fingerprint)),
                    event,
                }))
            }
        }
    }

    pub(super) fn absorb(&mut self, command: &Command, outcome: &Outcome<Control>) {
        if let Some((_, Some((number, lent)))) = self.lend(command) {
            self.lent.insert(number, lent);
        }
        let Outcome::Done(record) = outcome else { return };
        if let Command::LetIn { key, .. } = command {
            self.digests.push(key.digest);
        }
        match &record.event {
            Event::ApiKeyAdded { id, role, .. } => self.api_keys.push((*id, *role, false)),
            Event::ApiKeyRevoked(id) => self.api_keys[id.number.0 as usize - 1].2 = true,
            _ => {}
        }
        if let Event::SecretAdded(name) = &record.event {
            self.secrets.push(*name);
        }
        let Some(campaign) = record.campaign() else { return };
        let place = campaign.id.number.0 as usize - 1;
        if place == self.campaigns.len() {
            self.campaigns.push(campaign.clone());
        } else {
            let before = std::mem::replace(&mut self.campaigns[place], campaign.clone());
            assert_eq!(before.revision.0 + 1, campaign.revision.0, "a revision is left out");
            if let Event::Issued { first, count, .. } = record.event {
                assert_eq!(first, before.issued, "a range of serials overlaps the one before");
                assert_eq!(first + count, campaign.issued);
            } else if let Event::PatternIssued { first, span, .. } = record.event {
                assert_eq!(first, before.issued, "indices overlap those before");
                assert_eq!(first + span, campaign.issued);
            } else {
                assert_eq!(before.issued, campaign.issued);
            }
        }
    }

    pub(super) fn compare(&self, machine: &Control) {
        let campaigns: Vec<_> = machine.campaigns().map(|campaign| &**campaign).collect();
        assert_eq!(campaigns, self.campaigns.iter().collect::<Vec<_>>());
        for campaign in &self.campaigns {
            let number = campaign.id.number;
            let shares = machine.shares(number).map(|shares| shares.books.clone());
            assert_eq!(shares, self.lent(number).map(|(books, _)| books.to_vec()));
            assert_eq!(machine.left_to_grant(number), self.lent(number).map(|(_, left)| left));
        }
        assert_eq!(machine.secrets().count(), self.secrets.len());
        let api_keys = machine.api_keys().map(|key| (key.id, key.role, key.revoked));
        assert_eq!(api_keys.collect::<Vec<_>>(), self.api_keys);
    }
}

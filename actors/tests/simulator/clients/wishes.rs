//! What clients come to want: few codes, so that they collide, and now and then nonsense.

use redeemd_domain::campaign::{Campaign, Codes, Revision, Status, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Pattern, Serial};
use redeemd_domain::control::{Changes, Draft, DraftCodes, Import, Remarks, Role, RowFault};
use redeemd_domain::timestamp::Timestamp;

use redeemd_domain::shard::Query;

use super::Clients;
use super::life;
use super::wish::{Deed, Wish, listed_code};
use crate::dice::Dice as _;
use crate::world::World;

/// How many campaigns there are at most, so that their codes are met often.
const MOST_CAMPAIGNS: usize = 10;

/// How many listed codes there are.
const LISTED_CODES: u64 = 60;

impl Clients {
    /// Something to want; `None` when nothing comes to mind.
    pub(super) fn wish(&mut self, world: &World) -> Option<Wish> {
        let campaigns = world.control.history.model().campaigns();
        if campaigns.len() < 2 || self.random.percent(6) {
            let deed = self.deed(campaigns, world.wall());
            let key = self.key();
            return Some(Wish::Control { deed, key });
        }
        match self.random.below(100) {
            0..=43 => {
                let code = self.code(campaigns)?;
                let user = self.random.below(12) as u32;
                let amount = self.amount(campaigns, &code);
                Some(Wish::Redeem { code, user, amount, key: self.key() })
            }
            44..=54 => {
                let code = self.code(campaigns)?;
                let life = self.hold(code);
                Some(Wish::Life { life, key: self.key() })
            }
            55..=67 => {
                let code = self.code(campaigns)?;
                let life = self.later(code)?;
                Some(Wish::Life { life, key: self.key() })
            }
            68..=72 => {
                let code = self.code(campaigns)?;
                Some(Wish::Mark { code, revokes: self.random.percent(50), key: self.key() })
            }
            73..=77 => self.question(campaigns),
            78..=84 => self.list(world, campaigns),
            _ => self.past_wish(),
        }
    }

    /// Most requests have a key.
    fn key(&mut self) -> Option<u32> {
        self.random.percent(70).then(|| {
            self.next_key += 1;
            self.next_key
        })
    }

    /// Something that was asked before, maybe with another body.
    fn past_wish(&mut self) -> Option<Wish> {
        if self.past.is_empty() {
            return None;
        }
        let newest = self.past.len().min(12);
        let place = if self.random.percent(50) {
            self.past.len() - 1 - self.random.place(newest)
        } else {
            self.random.place(self.past.len())
        };
        let mut wish = self.past[place].clone();
        if self.random.percent(15) {
            match &mut wish {
                Wish::Redeem { user, .. } => *user += 1,
                Wish::Mark { revokes, .. } => *revokes = !*revokes,
                Wish::Control { deed: Deed::Issue { count, .. }, .. } => *count += 1,
                Wish::Control { deed: Deed::LetIn { byte, .. }, .. } => *byte += 1,
                Wish::Life { life, .. } => life.alter(),
                Wish::Control { .. } | Wish::Tell { .. } | Wish::List { .. } => {}
            }
        }
        Some(wish)
    }

    fn code(&mut self, campaigns: &[Campaign]) -> Option<CodeKey> {
        let is_listed = campaigns.iter().any(has_listed_codes);
        if self.random.percent(if is_listed { 25 } else { 1 }) {
            return Some(CodeKey::Listed(listed_code(self.random.below(LISTED_CODES))));
        }
        let mut campaign = self.random.pick(campaigns);
        if campaign.issued == 0 {
            campaign = self.random.pick(campaigns);
        }
        let issued = campaign.issued;
        let serial = match self.random.below(20) {
            // Never issued, or not yet.
            0 => issued + self.random.below(4),
            1..=13 => self.random.below(issued.clamp(1, 8)),
            _ => self.random.below(issued.max(1)),
        };
        let number = match self.random.below(60) {
            0 => CampaignNumber(77),
            _ => campaign.id.number,
        };
        Some(CodeKey::Sealed { campaign: number, serial: Serial::new(serial)? })
    }

    /// How much to spend, where the code is worth something; now and then also elsewhere.
    fn amount(&mut self, campaigns: &[Campaign], code: &CodeKey) -> Option<u64> {
        let CodeKey::Sealed { campaign, .. } = code else { return None };
        let campaign = campaigns.iter().find(|known| known.id.number == *campaign)?;
        let worth = campaign.rules.as_ref().and_then(|rules| rules.balance);
        let odds = if worth.is_some() { 70 } else { 2 };
        self.random.percent(odds).then(|| self.random.below(40))
    }

    /// Something to ask without wanting anything done.
    fn question(&mut self, campaigns: &[Campaign]) -> Option<Wish> {
        let code = self.code(campaigns)?;
        let (code, query) = match self.random.below(8) {
            0..=2 => {
                let user = self.random.percent(50).then(|| self.user());
                (code, Query::Validate { code, user })
            }
            3..=4 => (code, Query::Know(code)),
            5 => {
                let (hold, code, _) = self.recent(life::placed)?;
                (code, Query::Hold(hold))
            }
            6 => {
                let life::Past { id, code, generation, .. } = self.recent(life::Past::of)?;
                (code, Query::Undone { code, generation, number: id.number })
            }
            _ => (code, Query::Count(self.random.pick(campaigns).id.number)),
        };
        Some(Wish::Tell { code, query })
    }

    fn list(&mut self, world: &World, campaigns: &[Campaign]) -> Option<Wish> {
        let listed: Vec<_> =
            campaigns.iter().filter(|campaign| has_listed_codes(campaign)).collect();
        if listed.is_empty() {
            return None;
        }
        let campaign = self.random.pick(&listed).id.number;
        let count = self.random.between(1, 6);
        let layout = world.plan.layout;
        let mut digests: Vec<_> =
            (0..count).map(|_| listed_code(self.random.below(LISTED_CODES))).collect();
        let shard = layout.shard_of(digests[0].slot());
        digests.retain(|digest| layout.shard_of(digest.slot()) == shard);
        Some(Wish::List { campaign, digests })
    }

    fn deed(&mut self, campaigns: &[Campaign], now: Timestamp) -> Deed {
        let makes = campaigns.len() < MOST_CAMPAIGNS && self.random.percent(35);
        if campaigns.is_empty() || makes {
            self.next_draft += 1;
            return Deed::Make(Draft {
                name: format!("campaign {}", self.next_draft).into(),
                codes: self.draft_codes(),
                rules: self.draft_rules(now),
                window: self.window(now),
                uses_per_code: self.uses_per_code(),
                reward: Some("{}".into()),
                metadata: None,
            });
        }
        let chosen = self.random.pick(campaigns);
        let campaign = chosen.id.number;
        match self.random.below(14) {
            12 => {
                let role = if self.random.percent(50) { Role::Admin } else { Role::Issuer };
                Deed::LetIn { byte: self.random.below(9) as u8, role }
            }
            13 => Deed::ShutOut { api_key: self.random.below(6) as u32 },
            0..=5 if matches!(chosen.codes, Codes::Pattern { .. }) => self.next_indices(chosen),
            0..=5 if chosen.codes == Codes::Imported => {
                let mut import = Import { imported: self.random.below(9), ..Import::default() };
                (0..self.random.below(3)).for_each(|line| import.reject(line, RowFault::Empty));
                let mut remarks = Remarks { short: self.random.below(4), ..Remarks::default() };
                (0..self.random.below(3)).for_each(|line| remarks.found_elsewhere(line));
                Deed::KeepImport { campaign, import, remarks }
            }
            0..=5 => {
                let count = if chosen.issued == 0 { 12 } else { self.random.between(1, 40) };
                Deed::Issue { campaign, count }
            }
            6..=7 => {
                let status = match self.random.below(20) {
                    0 => Status::Archived,
                    1..=8 => Status::Paused,
                    _ => Status::Active,
                };
                Deed::SetStatus { campaign, status }
            }
            8 if self.has_rules => {
                let mut changes = Changes::default();
                if self.random.percent(20) {
                    changes = self.changes(now);
                }
                Deed::Rule { campaign, changes, rules: Box::new(self.rule_changes(chosen, now)) }
            }
            _ => {
                let edition = chosen.edition.0.saturating_sub(u32::from(self.random.percent(30)));
                let changes = self.changes(now);
                let edition = self.random.percent(30).then_some(Revision(edition));
                Deed::Change { campaign, edition, changes }
            }
        }
    }

    fn draft_codes(&mut self) -> DraftCodes {
        match self.random.below(20) {
            0..=3 => DraftCodes::Imported,
            4..=7 => {
                let pattern = Pattern::new("P-###", "0123456789").expect("a pattern");
                DraftCodes::Pattern { pattern, allow_guessable: true }
            }
            _ => DraftCodes::Sealed,
        }
    }

    /// The next indices of a pattern, as they are known here: others may have issued them already.
    fn next_indices(&mut self, chosen: &Campaign) -> Deed {
        let (first, span) = (chosen.issued, self.random.between(1, 40));
        let skipped = (first..first + span).filter(|_| self.random.percent(5)).collect();
        Deed::IssuePattern { campaign: chosen.id.number, first, span, skipped }
    }

    fn changes(&mut self, now: Timestamp) -> Changes {
        let mut changes = Changes::default();
        match self.random.below(4) {
            0 => {
                let window = self.window(now);
                changes.starts_at = Some(window.starts_at);
                changes.expires_at = Some(window.expires_at);
            }
            1 => changes.uses_per_code = Some(self.uses_per_code()),
            2 => {
                let reward = format!("{{\"worth\":{}}}", self.random.below(3));
                changes.reward = Some(Some(reward.into()));
            }
            _ => changes.name = Some(format!("name {}", self.random.below(3)).into()),
        }
        changes
    }

    fn uses_per_code(&mut self) -> Option<u32> {
        match self.random.below(10) {
            0..=5 => Some(1),
            6..=8 => Some(self.random.between(2, 4) as u32),
            _ => None,
        }
    }

    /// Mostly open, sometimes about to begin or to end.
    fn window(&mut self, now: Timestamp) -> Window {
        let minute = 60_000;
        let mut near = |odds: u64, span: u64| {
            let moment = now.0 + self.random.below(2 * span) - span;
            self.random.percent(odds).then_some(Timestamp(moment))
        };
        Window { starts_at: near(15, minute), expires_at: near(20, 5 * minute) }
    }
}

/// Whether listed codes can belong to a campaign.
fn has_listed_codes(campaign: &Campaign) -> bool {
    matches!(campaign.codes, Codes::Imported | Codes::Pattern { .. })
}

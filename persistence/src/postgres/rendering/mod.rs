//! What each kind of outcome leaves in the tables. One function for each kind; a new kind does not
//! compile until it is told here.

mod campaigns;
mod codes;

use redeemd_domain::codes::{CampaignNumber, CodeKey, Hint, HintKey, Hints};
use redeemd_domain::identifier::RedemptionId;
use redeemd_domain::request::{Fingerprint, RequestDigest};
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard;
use redeemd_domain::timestamp::Timestamp;

use super::rows::{AuditRow, CodeRow, RequestColumns, Rows, moment};

/// Makes rows of outcomes.
#[derive(Clone, Debug)]
pub struct Renderer {
    hints: Hints,
}

/// Where and when an outcome happened, and who asked.
struct Origin {
    sequence: i16,
    entry: i64,
    at: Timestamp,
    api_key: i64,
    request: Option<(RequestDigest, Fingerprint)>,
}

impl Renderer {
    /// One that names codes by hints under this key.
    pub fn new(hints: HintKey) -> Self {
        Self { hints: Hints::Made(hints) }
    }

    /// One that names these codes by hints that were told, for whoever has not the key.
    pub fn told(hints: Vec<(CodeKey, Hint)>) -> Self {
        Self { hints: Hints::Told(hints) }
    }

    /// Adds the rows of an outcome of a shard.
    pub fn shard(&self, sequence: SequenceId, record: &shard::Record, rows: &mut Rows) {
        let shard::Record { number, at, api_key, request, event } = record;
        let origin = Origin::new(sequence, *number, *at, api_key.0, *request);
        match event {
            shard::Event::Redeemed(redemption) => {
                rows.redemptions.push(self.redemption(&origin, redemption));
            }
            shard::Event::Spent(spent) => self.spent(&origin, spent, rows),
            shard::Event::Revoked(changed) => {
                rows.audit.push(self.changed(origin, "code_revoked", changed));
            }
            shard::Event::Restored(changed) => {
                rows.audit.push(self.changed(origin, "code_restored", changed));
            }
            // The control sequence says who asked for it, once for all shards.
            shard::Event::Listed { campaign, digests, duplicates: _ } => {
                let digests = digests.iter().map(|&digest| CodeKey::Listed(digest));
                rows.codes.extend(digests.map(|code| listed(&origin, *campaign, &code)));
            }
            shard::Event::RolledBack(rolled_back) => self.rolled_back(origin, rolled_back, rows),
            shard::Event::HoldPlaced(placed) => self.hold_placed(origin, placed, rows),
            shard::Event::HoldReleased(ended) => origin.hold_ended(ended, "released", rows),
            shard::Event::HoldsExpired(ended) => {
                ended.iter().for_each(|ended| origin.hold_ended(ended, "expired", rows));
            }
            shard::Event::ToppedUp(topped_up) => self.topped_up(origin, topped_up, rows),
        }
    }
}

impl Origin {
    fn new(
        sequence: SequenceId,
        number: u64,
        at: Timestamp,
        api_key: u32,
        request: Option<(RequestDigest, Fingerprint)>,
    ) -> Self {
        // There are at most 1,025 sequences, and numbers have 48 bits.
        let sequence = i16::try_from(sequence.0).unwrap_or(i16::MAX);
        Self { sequence, entry: signed(number), at, api_key: api_key.into(), request }
    }

    fn redemption_id(&self, code: &CodeKey) -> String {
        let number = self.entry.unsigned_abs();
        RedemptionId { at: self.at, slot: code.slot(), number }.to_string()
    }

    fn request(&self) -> RequestColumns {
        RequestColumns {
            request: self.request.map(|(digest, _)| digest.0.to_vec()),
            fingerprint: self.request.map(|(_, fingerprint)| fingerprint.0.to_vec()),
        }
    }

    fn audit(&self, event: &'static str) -> AuditRow {
        AuditRow {
            at: moment(self.at),
            sequence: self.sequence,
            entry: self.entry,
            event,
            api_key: self.api_key,
            campaign: None,
            code: None,
            code_hint: None,
            reason: None,
            detail: None,
            request: self.request(),
        }
    }
}

fn listed(origin: &Origin, campaign: CampaignNumber, code: &CodeKey) -> CodeRow {
    CodeRow {
        code: code.canonical().to_vec(),
        campaign: campaign.0.into(),
        listed_at: moment(origin.at),
        sequence: origin.sequence,
        entry: origin.entry,
    }
}

/// Numbers of entries have 48 bits and money 53, so that none is changed by this.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

//! One event: the record of an outcome that changed something.

use std::collections::BTreeSet;
use std::sync::Arc;

use redeemd_actors::ledger_record::{self, decode_control, decode_shard};
use redeemd_domain::codes::{CampaignNumber, CodeKey};
use redeemd_domain::identifier::{ApiKeyNumber, EventId};
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::timestamp::Timestamp;
use redeemd_domain::{control, shard};

use super::kind::EventKind;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its identifier, with its time and its place.
    pub id: EventId,
    /// What kind of thing it is.
    pub kind: EventKind,
    /// The campaigns that it is about: mostly one, none for keys and secrets. Only holds of several
    /// campaigns expire together.
    pub campaigns: Vec<CampaignNumber>,
    /// The API key that asked for it; number 0 is the server itself.
    pub api_key: ApiKeyNumber,
    /// The record of it.
    pub record: EventRecord,
    /// How many bytes the ledger has of it.
    pub(super) bytes: usize,
}

/// The record of an event.
#[derive(Clone, Debug)]
pub enum EventRecord {
    /// Of a shard.
    Shard(Arc<shard::Record>),
    /// Of the control sequence.
    Control(Arc<control::Record>),
}

impl Event {
    /// The event of an outcome's bytes, as the ledger has them; `None` where nothing changed.
    ///
    /// # Errors
    /// When they do not read.
    pub fn of_outcome(
        position: Position,
        bytes: &[u8],
    ) -> Result<Option<Self>, ledger_record::Error> {
        Ok(match position.sequence {
            SequenceId::CONTROL => Self::of_control(decode_control(bytes)?, bytes.len()),
            sequence => Self::of_shard(sequence, decode_shard(bytes)?, bytes.len()),
        })
    }

    /// The codes whose handles the event shows, in the order in which it shows them.
    pub fn codes(&self) -> Vec<CodeKey> {
        let EventRecord::Shard(record) = &self.record else { return Vec::new() };
        if let shard::Event::HoldsExpired(holds) = &record.event {
            return holds.iter().map(|hold| hold.code).collect();
        }
        let mut codes = Vec::new();
        record.codes(&mut |code| codes.push(code));
        codes
    }

    /// The event of a shard's record; `None` where nothing changed.
    pub(in crate::service) fn of_shard(
        sequence: SequenceId,
        record: shard::Record,
        bytes: usize,
    ) -> Option<Self> {
        Some(Self {
            id: id(sequence, record.at, record.number),
            kind: EventKind::of_shard(&record.event)?,
            campaigns: campaigns_of_shard(&record.event),
            api_key: record.api_key,
            record: EventRecord::Shard(Arc::new(record)),
            bytes,
        })
    }

    /// The event of a record of the control sequence; `None` where nothing changed.
    pub(in crate::service) fn of_control(record: control::Record, bytes: usize) -> Option<Self> {
        Some(Self {
            id: id(SequenceId::CONTROL, record.at, record.number),
            kind: EventKind::of_control(&record.event)?,
            campaigns: campaign_of_control(&record).into_iter().collect(),
            api_key: record.api_key,
            record: EventRecord::Control(Arc::new(record)),
            bytes,
        })
    }
}

fn id(sequence: SequenceId, at: Timestamp, number: u64) -> EventId {
    EventId { at, position: Position { sequence, number } }
}

fn campaigns_of_shard(event: &shard::Event) -> Vec<CampaignNumber> {
    vec![match event {
        shard::Event::Redeemed(redemption) => redemption.campaign,
        shard::Event::Spent(spent) => spent.redemption.campaign,
        shard::Event::Revoked(changed) | shard::Event::Restored(changed) => changed.campaign,
        shard::Event::Listed { campaign, .. } => *campaign,
        shard::Event::RolledBack(rolled_back) => rolled_back.campaign,
        shard::Event::HoldPlaced(placed) => placed.hold.campaign,
        shard::Event::HoldReleased(ended) => ended.campaign,
        shard::Event::HoldsExpired(ended) => {
            let campaigns: BTreeSet<_> = ended.iter().map(|hold| hold.campaign).collect();
            return campaigns.into_iter().collect();
        }
        shard::Event::ToppedUp(topped_up) => topped_up.campaign,
    }]
}

fn campaign_of_control(record: &control::Record) -> Option<CampaignNumber> {
    match &record.event {
        control::Event::Imported { campaign, .. } | control::Event::ImportKept { campaign, .. } => {
            Some(*campaign)
        }
        _ => record.campaign().map(|campaign| campaign.id.number),
    }
}

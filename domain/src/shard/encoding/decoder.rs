//! Building a shard again from its sections.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::life::{SLOT_BALANCES, SLOT_HOLDS, SLOT_UNDONE};
use super::slot::read_slot;
use super::wire::Reader;
use super::{FORMAT_VERSION, HEAD, Head, OLDEST_VERSION, RECORDS, RULES, SLOT, across, life};
use crate::codes::CampaignNumber;
use crate::machine::{Decode, DecodeError};
use crate::progress::Progress;
use crate::rules::Rules;
use crate::shard::holds::Expiries;
use crate::shard::pending::Claims;
use crate::shard::slot_state::SlotState;
use crate::shard::{Campaign, Record, Shard};
use crate::slot::ShardLayout;

/// Builds a shard from its sections.
#[derive(Debug)]
pub struct Decoder {
    layout: ShardLayout,
    shard: u16,
    sections: usize,
    head: Option<Head>,
    rules: BTreeMap<CampaignNumber, Arc<Rules>>,
    records: Vec<Record>,
    slots: Vec<Arc<SlotState>>,
    empty: Arc<SlotState>,
    across: across::Sections,
}

impl Decoder {
    /// Expects the sections of a shard.
    pub fn new(layout: ShardLayout, shard: u16) -> Self {
        Self {
            layout,
            shard,
            sections: 0,
            head: None,
            rules: BTreeMap::new(),
            records: Vec::new(),
            slots: Vec::with_capacity(layout.slots_per_shard().into()),
            empty: Arc::default(),
            across: across::Sections::default(),
        }
    }
}

impl Decode for Decoder {
    type Machine = Shard;

    fn section(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let malformed = DecodeError::Malformed(self.sections);
        self.sections += 1;
        match (bytes.split_first(), &self.head) {
            (Some((&HEAD, rest)), None) => self.read_head(rest),
            (Some((&RULES, rest)), Some(_)) => {
                let (number, rules) = crate::decode(rest).ok_or(malformed)?;
                self.rules.insert(number, rules);
                Ok(())
            }
            (Some((&RECORDS, rest)), Some(_)) => self.read_records(rest).ok_or(malformed),
            (Some((&SLOT, rest)), Some(_)) => {
                let slot = read_slot(rest).ok_or(malformed)?;
                let is_empty = slot.sealed.is_empty() && slot.listed.len() == 0;
                let slot = if is_empty { Arc::clone(&self.empty) } else { Arc::new(slot) };
                self.slots.push(slot);
                Ok(())
            }
            (Some((&across::USERS, rest)), Some(_)) => self.read_users(rest).ok_or(malformed),
            (Some((&tag @ (SLOT_HOLDS | SLOT_BALANCES | SLOT_UNDONE), rest)), Some(_)) => {
                self.read_life(tag, rest).ok_or(malformed)
            }
            (Some((&tag, rest)), Some(_)) => self.across.read(tag, rest).ok_or(malformed),
            _ => Err(malformed),
        }
    }

    fn finish(mut self) -> Result<Shard, DecodeError> {
        let incomplete = DecodeError::Incomplete(self.sections);
        let Some(head) = self.head else { return Err(incomplete) };
        let complete = self.slots.len() == usize::from(self.layout.slots_per_shard())
            && self.records.len() as u64 == head.records;
        if !complete {
            return Err(incomplete);
        }
        let campaigns = head.campaigns.into_iter();
        let progress = Progress::restore(head.last, head.time, head.forgotten, self.records)
            .ok_or(DecodeError::Malformed(0))?;
        let mut shard = Shard {
            layout: self.layout,
            shard: self.shard,
            progress,
            campaigns: campaigns
                .map(|(view, counts)| {
                    let rules = self.rules.remove(&view.number);
                    let book = self.across.books.remove(&view.number);
                    (view.number, Campaign { view, rules, counts, book })
                })
                .collect(),
            owners: head.owners,
            slots: self.slots,
            expiries: Expiries::default(),
            claims: Claims::restore(self.layout, self.across.claims),
            attempts: self.across.attempts,
            owed: self.across.owed,
        };
        shard.count_holds_again();
        Ok(shard)
    }
}

impl Decoder {
    fn read_head(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let (&version, rest) = bytes.split_first().ok_or(DecodeError::Malformed(0))?;
        if !(OLDEST_VERSION..=FORMAT_VERSION).contains(&version) {
            return Err(DecodeError::Newer { found: version, known: FORMAT_VERSION });
        }
        let head: Head = crate::decode(rest).ok_or(DecodeError::Malformed(0))?;
        if (head.shard, head.shards) != (self.shard, self.layout.shards()) {
            return Err(DecodeError::Other {
                found: format!("shard {} of {}", head.shard, head.shards),
                wanted: format!("shard {} of {}", self.shard, self.layout.shards()),
            });
        }
        self.head = Some(head);
        Ok(())
    }

    fn read_records(&mut self, bytes: &[u8]) -> Option<()> {
        let mut reader = Reader::new(bytes);
        let count = reader.count(1)?;
        let mut rest = bytes.get(4..)?;
        for _ in 0..count {
            let (record, after) = postcard::take_from_bytes(rest).ok()?;
            self.records.push(record);
            rest = after;
        }
        rest.is_empty().then_some(())
    }

    /// Takes the users of the slot that was read last.
    fn read_users(&mut self, bytes: &[u8]) -> Option<()> {
        let slot = Arc::make_mut(self.slots.last_mut()?);
        slot.users = across::read_users(bytes).filter(|_| slot.users.is_empty())?;
        Some(())
    }

    /// Takes what the slot that was read last knows of its codes beyond their states.
    fn read_life(&mut self, tag: u8, bytes: &[u8]) -> Option<()> {
        let slot = Arc::make_mut(self.slots.last_mut()?);
        life::read_life(slot.life.get_or_insert_default(), tag, bytes)
    }
}

//! The canonical encoding of a shard's state: what a snapshot stores and what a digest covers.
//!
//! A state is a run of *sections*, each small enough to be written and checked by itself: a head,
//! the remembered records, and one section for every slot. Equal states have equal sections,
//! whatever history led to them. A change of this format is a new [`FORMAT_VERSION`]; a fixture of
//! every version stays in the tests.

mod across;
mod decoder;
mod life;
mod slot;
mod wire;

use serde::{Deserialize, Serialize};

use super::{Counts, Shard};
use crate::append::append;
use crate::campaign::CampaignView;
use crate::codes::CampaignNumber;
use crate::machine::Machine as _;
use crate::timestamp::Timestamp;
pub use decoder::Decoder;
use wire::put_count;

/// The newest version of the encoding. A state is written in the oldest version that has room for
/// it: the second one has sections that the first one knew not, the rules and all that came later.
pub const FORMAT_VERSION: u8 = 2;

/// The oldest version that is read, and written where it suffices.
const OLDEST_VERSION: u8 = 1;

// What the sections begin with. Those of a slot are followed by those of `life.rs` and of the users
// in `across.rs`.
const HEAD: u8 = 1;
const RECORDS: u8 = 2;
const SLOT: u8 = 3;
/// The rules of campaigns that have some, after the head.
const RULES: u8 = 4;

/// How many records stand in one section.
const RECORDS_PER_SECTION: usize = 4096;

#[derive(Serialize, Deserialize)]
struct Head {
    shards: u16,
    shard: u16,
    last: u64,
    time: Timestamp,
    campaigns: Vec<(CampaignView, Counts)>,
    owners: Vec<CampaignNumber>,
    forgotten: u64,
    records: u64,
}

impl std::fmt::Debug for Head {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Head(shard {} of {}, {})", self.shard, self.shards, self.last)
    }
}

impl Shard {
    pub(super) fn encode_sections<E>(
        &self,
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut section = Vec::new();
        self.encode_head(&mut section);
        write(&section)?;
        self.encode_rules(&mut write)?;
        self.encode_across(&mut write)?;
        let records: Vec<_> = self.progress.recent().records().collect();
        for records in records.chunks(RECORDS_PER_SECTION) {
            section.clear();
            section.push(RECORDS);
            put_count(&mut section, records.len());
            records.iter().for_each(|record| put_postcard(&mut section, record.as_ref()));
            write(&section)?;
        }
        for slot in &self.slots {
            section.clear();
            section.push(SLOT);
            slot::encode_slot(slot, &mut section);
            write(&section)?;
            if let Some(life) = &slot.life {
                life::encode_life(life, &mut write)?;
            }
            if across::encode_users(slot, self.time(), &mut section) {
                write(&section)?;
            }
        }
        Ok(())
    }

    /// One section for each campaign that has rules.
    fn encode_rules<E>(&self, write: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        for known in self.campaigns.values() {
            if let Some(rules) = &known.rules {
                let mut section = vec![RULES];
                put_postcard(&mut section, &(known.view.number, rules));
                write(&section)?;
            }
        }
        Ok(())
    }

    /// The oldest version that has room for the state.
    fn version(&self) -> u8 {
        let has_rules = self.campaigns.values().any(|known| known.rules.is_some());
        let has_life = self.slots.iter().filter_map(|slot| slot.life.as_ref()).any(|life| {
            !(life.holds.is_empty() && life.balances.is_empty() && life.undone.is_empty())
        });
        if has_rules || has_life { FORMAT_VERSION } else { OLDEST_VERSION }
    }

    fn encode_head(&self, section: &mut Vec<u8>) {
        section.extend_from_slice(&[HEAD, self.version()]);
        let head = Head {
            shards: self.layout.shards(),
            shard: self.shard,
            last: self.last(),
            time: self.time(),
            campaigns: self.campaigns.values().map(|known| (known.view, known.counts)).collect(),
            owners: self.owners.clone(),
            forgotten: self.forgotten(),
            records: self.remembered() as u64,
        };
        put_postcard(section, &head);
    }
}

/// Appends a value in postcard's encoding.
fn put_postcard<T: Serialize>(section: &mut Vec<u8>, value: &T) {
    // Writing plain data to memory has no way to fail; were it to, the section would not decode.
    let _ = append(value, section);
}

//! The canonical encoding of the control state: a head, then a section for every campaign and for
//! every remembered record. A change of this format is a new [`FORMAT_VERSION`].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::shares::AllShares;
use super::{ApiKey, Control, Record, Secret, Shares};
use crate::append::{append, decode};
use crate::campaign::Campaign;
use crate::codes::CampaignNumber;
use crate::machine::{Decode, DecodeError, Machine};
use crate::progress::Progress;
use crate::timestamp::Timestamp;

/// The newest version of the encoding. A state is written in the oldest version that has room for
/// it: the first one knew no rules.
pub const FORMAT_VERSION: u8 = 2;

/// The oldest version that is read, and written where it suffices.
const OLDEST_VERSION: u8 = 1;

/// Tells a control state from a shard's.
const HEAD: u8 = 0x11;
const CAMPAIGN: u8 = 0x12;
const RECORD: u8 = 0x13;
/// What is lent of a campaign's total, after the campaigns.
const SHARES: u8 = 0x14;

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    last: u64,
    time: Timestamp,
    forgotten: u64,
    campaigns: u32,
    records: u32,
    secrets: Vec<Secret>,
    api_keys: Vec<ApiKey>,
}

impl Control {
    pub(super) fn encode_sections<E>(
        &self,
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let head = Head {
            last: self.last(),
            time: self.time(),
            forgotten: self.forgotten(),
            campaigns: count(self.campaigns.len()),
            records: count(self.remembered()),
            secrets: self.secrets.values().cloned().collect(),
            api_keys: self.api_keys.values().cloned().collect(),
        };
        write(&section(&[HEAD, self.version()], &head))?;
        for campaign in self.campaigns.values() {
            write(&section(&[CAMPAIGN], campaign.as_ref()))?;
        }
        for (campaign, shares) in &self.shares {
            write(&section(&[SHARES], &(campaign, shares.as_ref())))?;
        }
        let mut records = self.progress.recent().records();
        records.try_for_each(|record| write(&section(&[RECORD], record.as_ref())))
    }
}

impl Control {
    /// The oldest version that has room for the state. A campaign that ever had rules has some, so
    /// no remembered record has rules unless a campaign has.
    fn version(&self) -> u8 {
        let has_rules = self.campaigns.values().any(|campaign| campaign.rules.is_some());
        if has_rules { FORMAT_VERSION } else { OLDEST_VERSION }
    }
}

fn section<T: Serialize>(kind: &[u8], value: &T) -> Vec<u8> {
    let mut section = kind.to_vec();
    // Writing plain data to memory has no way to fail; were it to, the section would not decode.
    let _ = append(value, &mut section);
    section
}

/// Builds the control state from its sections.
#[derive(Debug, Default)]
pub struct Decoder {
    sections: usize,
    head: Option<Head>,
    campaigns: BTreeMap<CampaignNumber, Arc<Campaign>>,
    shares: AllShares,
    records: Vec<Record>,
}

impl Decode for Decoder {
    type Machine = Control;

    fn section(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let malformed = DecodeError::Malformed(self.sections);
        self.sections += 1;
        match (bytes, &self.head) {
            ([HEAD, OLDEST_VERSION..=FORMAT_VERSION, rest @ ..], None) => {
                self.head = Some(decode(rest).ok_or(malformed)?);
            }
            (&[HEAD, found, ..], None) => {
                return Err(DecodeError::Newer { found, known: FORMAT_VERSION });
            }
            ([CAMPAIGN, rest @ ..], Some(_)) => {
                let campaign: Campaign = decode(rest).ok_or(malformed)?;
                self.campaigns.insert(campaign.id.number, Arc::new(campaign));
            }
            ([SHARES, rest @ ..], Some(_)) => {
                let (campaign, shares): (CampaignNumber, Shares) = decode(rest).ok_or(malformed)?;
                self.shares.insert(campaign, Arc::new(shares));
            }
            ([RECORD, rest @ ..], Some(_)) => {
                self.records.push(decode(rest).ok_or(malformed)?);
            }
            _ => return Err(malformed),
        }
        Ok(())
    }

    fn finish(self) -> Result<Control, DecodeError> {
        let incomplete = DecodeError::Incomplete(self.sections);
        let Some(head) = self.head else { return Err(incomplete) };
        if self.campaigns.len() != head.campaigns as usize
            || self.records.len() != head.records as usize
        {
            return Err(incomplete);
        }
        Ok(Control {
            progress: Progress::restore(head.last, head.time, head.forgotten, self.records)
                .ok_or(DecodeError::Malformed(0))?,
            campaigns: self.campaigns,
            shares: self.shares,
            secrets: head.secrets.into_iter().map(|secret| (secret.name, secret)).collect(),
            api_keys: head.api_keys.into_iter().map(|key| (key.id.number, key)).collect(),
        })
    }
}

//! Lists of redemptions, the newest first, in pages.
//!
//! A user's redemptions are found by the ledger's index, in the order in which the ledger got them.
//! All others are read from the shards' sequences, backwards and merged by time. Both look at so
//! many records and no more for one page: it may have fewer redemptions than asked for, or none, and
//! the next one goes on after it.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::sync::Arc;

use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::shard::{Query, Record, Reply};
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::ledger::{Key, KeyKind, LedgerReader, Locator};
use tokio::sync::OwnedSemaphorePermit;

use super::asking::reply;
use super::error::Error;
use super::ledger_search::{self, decode, unreadable};
use super::look_back::LookBack;
use super::redeeming::Redeemed;
use super::worker::Worker;

/// The most records of a user that are looked at for one page. Each lies elsewhere in the ledger.
const MOST_OF_USER: usize = 10_000;

/// The most records of all shards that are looked at for one page.
const MOST_OF_ALL: usize = 100_000;

/// What ends a page.
#[derive(Clone, Copy, Debug)]
struct Ends {
    /// So many redemptions.
    redemptions: usize,
    /// So many records that were looked at.
    records: usize,
}

/// Which redemptions are asked for; `None` asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of this user.
    pub user: Option<Box<str>>,
    /// Those of this campaign.
    pub campaign: Option<CampaignNumber>,
    /// Those from this moment on.
    pub from: Option<Timestamp>,
    /// Those before this moment.
    pub to: Option<Timestamp>,
}

impl Filter {
    fn admits(&self, record: &Record) -> bool {
        let Some((_, redemption)) = record.redemption() else { return false };
        self.user.as_ref().is_none_or(|user| *user == redemption.user)
            && self.campaign.is_none_or(|campaign| campaign == redemption.campaign)
            && self.from.is_none_or(|from| record.at >= from)
            && self.to.is_none_or(|to| record.at < to)
    }
}

/// A record's place in the order of time: records of one millisecond are ordered by shard and
/// number, so that no order has to be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When it was stamped.
    pub at: Timestamp,
    /// Its shard.
    pub shard: u16,
    /// Its number in the shard's sequence.
    pub number: u64,
}

/// After what a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// A place in the ledger, for lists of one user's redemptions: any bits are one.
    Appended(u64),
    /// A place in time, for all others.
    Timed(Place),
}

/// Some redemptions.
#[derive(Debug)]
pub struct Page {
    /// The newest first.
    pub redemptions: Vec<Redeemed>,
    /// Where the next page begins; `None` where there is nothing more.
    pub next: Option<Cursor>,
}

/// Records of a page, and where the next one begins.
type Records = (Vec<Record>, Option<Cursor>);

impl Worker {
    /// Redemptions, the newest first: at most `limit` of them. Every one that was answered before is
    /// among them. The cursor must be that of an earlier page under the same filter.
    ///
    /// # Errors
    /// When a shard or the ledger cannot be asked, or when too many lists are being read.
    pub async fn redemptions(
        &self,
        filter: Filter,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> Result<Page, Error> {
        let permit = self.turn_to_read().await?;
        self.wait_for_all().await?;
        let node = &self.inner().node;
        let (ledger, shards) = (node.ledger.clone(), node.layout.shards());
        let (records, next) = ledger_search::waiting(move || {
            // Whoever hangs up does not make room for others: the reading goes on.
            let _permit = permit;
            match (&filter.user, cursor) {
                (Some(user), cursor) => {
                    let before = match cursor {
                        Some(Cursor::Appended(bits)) => Locator::from_bits(bits),
                        _ => Locator::END,
                    };
                    let ends = Ends { redemptions: limit, records: MOST_OF_USER };
                    of_user(&ledger, user, &filter, before, ends)
                }
                (None, cursor) => {
                    let before = match cursor {
                        Some(Cursor::Timed(place)) => Some(place),
                        _ => None,
                    };
                    let ends = Ends { redemptions: limit, records: MOST_OF_ALL };
                    of_all(&ledger, shards, &filter, before, ends)
                }
            }
        })
        .await?;
        let view = self.view();
        let redeemed = |record| Redeemed::of(Arc::new(record), &view, false);
        let mut redemptions = records.into_iter().map(redeemed).collect::<Result<Vec<_>, _>>()?;
        self.find_standings(&mut redemptions).await?;
        Ok(Page { redemptions, next })
    }

    /// Waits for a turn to read the ledger from end to end; it is over when what this gives is
    /// dropped.
    pub(super) async fn turn_to_read(&self) -> Result<OwnedSemaphorePermit, Error> {
        let permit = Arc::clone(&self.inner().lists).acquire_owned();
        match tokio::time::timeout(ledger_search::PATIENCE, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error::Overloaded),
        }
    }

    /// Waits until the ledger has everything that was answered so far.
    pub(super) async fn wait_for_all(&self) -> Result<(), Error> {
        let node = &self.inner().node;
        let ask = |place| self.query(usize::from(place), Query::Progress);
        let asked: Vec<_> = (0..node.layout.shards()).map(|shard| (shard, ask(shard))).collect();
        for (shard, asked) in asked {
            let Reply::Progress { last: number, .. } = reply(asked).await? else {
                return Err(Error::internal("a shard was asked for its progress"));
            };
            let position = Position { sequence: SequenceId::shard(shard), number };
            ledger_search::wait_until_appended(&node.ledger, position).await?;
        }
        Ok(())
    }
}

fn of_user(
    ledger: &LedgerReader,
    user: &str,
    filter: &Filter,
    before: Locator,
    ends: Ends,
) -> Result<Records, Error> {
    let mut records = Vec::new();
    let (mut looked_at, mut last, mut next) = (0, before, None);
    for found in ledger.find_before(Key { kind: KeyKind::USER, bytes: user.as_bytes() }, before) {
        let found = found.map_err(unreadable)?;
        if records.len() == ends.redemptions || looked_at == ends.records {
            next = Some(Cursor::Appended(last.to_bits()));
            break;
        }
        looked_at += 1;
        last = found.locator;
        // Another key may have the same hash.
        if let Some(shard) = found.record.position.sequence.as_shard() {
            let record: Record = decode(&found.record)?;
            if filter.admits(&record) {
                records.push((Place { at: record.at, shard, number: record.number }, record));
            }
        }
    }
    // The ledger gets what two shards did at the same time in either order.
    records.sort_by_key(|(place, _)| Reverse(*place));
    Ok((records.into_iter().map(|(_, record)| record).collect(), next))
}

fn of_all(
    ledger: &LedgerReader,
    shards: u16,
    filter: &Filter,
    before: Option<Place>,
    ends: Ends,
) -> Result<Records, Error> {
    let mut records = Vec::new();
    let mut look_back = LookBack::begin(ledger, shards, filter.to, before)?;
    let mut last = None;
    for looked_at in 0.. {
        let Some(place) = look_back.place() else { return Ok((records, None)) };
        if filter.from.is_some_and(|from| place.at < from) {
            return Ok((records, None));
        }
        if records.len() == ends.redemptions || looked_at == ends.records {
            break;
        }
        last = Some(Cursor::Timed(place));
        records.extend(look_back.next()?.filter(|record| filter.admits(record)));
    }
    Ok((records, last))
}

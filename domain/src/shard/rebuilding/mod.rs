//! Bringing a shard back from nothing but its records, where journal and snapshots are lost.
//!
//! A record says what happened, and hardly more is needed to make it happen again: each becomes the
//! command that must have led to it (`repeating.rs`), the shard applies that command as it always
//! does, and the outcome has to be the record, byte for byte. So what comes out was not copied but
//! lived through once more, and every record was judged by the rules of its time.
//!
//! What has no records is found otherwise. Uses that users have are counted from the claims that
//! records carry (`users.rs`), over all shards. Nothing is under way: no claim is pending and
//! nothing is owed. Of a campaign's total the shard has what it uses and no more, as where it hears
//! of a total for the first time; what is left is lent anew.

mod repeating;
mod users;

use std::sync::Arc;

pub use users::{Traces, UserTally};

use super::users::{UserDigest, Uses};
use super::{Attempts, Command, Event, Outcome, Record, Shard};
use crate::campaign::{History, Revision, Terms};
use crate::codes::CampaignNumber;
use crate::entry::Entry;
use crate::machine::Machine as _;
use crate::rules::Period;
use crate::slot::ShardLayout;

/// Why a record cannot have happened after those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Its number or its time lies before that of another one.
    #[error("it lies before the record that it follows")]
    OutOfOrder,
    /// Nobody knows its campaign, or not at the revision that it names.
    #[error("its campaign is not known at that time")]
    UnknownCampaign,
    /// It is about a redemption that is not there.
    #[error("it is about a redemption that is not there")]
    UnknownRedemption,
    /// By the rules of its time something else would have happened, or nothing.
    #[error("it cannot have happened: the rules of its time lead to something else")]
    NotRepeated,
}

/// A shard on its way back.
#[derive(Debug)]
pub struct Rebuilder {
    shard: Shard,
    history: Arc<History>,
}

/// Where a sequence ended.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The last entry that is known of, whether or not it left a record.
    pub through: u64,
    /// The same of every shard, in their order.
    pub all: &'a [u64],
}

impl Rebuilder {
    /// A shard of which nothing has come back yet, and all that shards were ever told.
    ///
    /// # Panics
    /// When the layout has no such shard.
    pub fn new(layout: ShardLayout, shard: u16, history: Arc<History>) -> Self {
        Self { shard: Shard::new(layout, shard), history }
    }

    /// Lets the next record happen again. `former` gives the record of an earlier entry of the
    /// shard, which is asked for where a redemption is rolled back.
    ///
    /// # Errors
    /// See [`Mismatch`]; nothing sensible can be done with the shard then.
    pub fn take(
        &mut self,
        record: &Record,
        former: impl FnOnce(u64) -> Option<Record>,
    ) -> Result<Traces, Mismatch> {
        if record.number <= self.shard.last() || record.at < self.shard.time() {
            return Err(Mismatch::OutOfOrder);
        }
        let (command, campaign) = repeating::command(record, former)?;
        if let Some(revision) = repeating::revision(record) {
            self.tell_of(campaign, revision)?;
        }
        loop {
            let outcome = self.repeat(record, command.clone());
            match outcome {
                Outcome::Done(done) if is_same(&done, record) => break,
                Outcome::Done(_) => return Err(Mismatch::NotRepeated),
                // What was refused changed nothing. The shard may have known more of the campaign
                // by then; which revision, only redemptions say.
                _ => self.tell_more(campaign, record)?,
            }
        }
        let owed = std::mem::take(&mut self.shard.owed);
        let returned = owed.uses.into_values().map(|owed| (owed.user, owed.period));
        Ok(Traces::of(record, returned.collect()))
    }

    /// Ends with the shard as it was at its last entry, with the uses that its users have had
    /// since then. Of campaigns it knows all that it was to be told.
    pub fn finish(
        mut self,
        end: End<'_>,
        users: impl IntoIterator<Item = (UserDigest, Period, u32)>,
    ) -> Shard {
        let history = Arc::clone(&self.history);
        for terms in history.latest() {
            self.put(terms);
        }
        let shard = &mut self.shard;
        let time = shard.time();
        shard.progress.come_to(end.through.max(shard.last()), time);
        for campaign in shard.campaigns.values_mut() {
            campaign.open_book();
        }
        for (user, period, count) in users {
            if let Some(slot) = shard.slot_mut(user.slot()) {
                slot.users.put_back(user, Uses { period, count }, time);
            }
        }
        // What was under way when the end came is over: claims made before it are void.
        shard.attempts = Attempts::default();
        for (other, through) in (0..).zip(end.all) {
            shard.end_attempts(other, through.saturating_add(1));
        }
        self.shard
    }

    /// The last record's number, and the entries without one before it count as come back.
    fn repeat(&mut self, record: &Record, command: Command) -> Outcome {
        let shard = &mut self.shard;
        // Entries without a record changed nothing of what is brought back here.
        let (number, at, covered) = (record.number, record.at, record.number - 1);
        shard.progress.come_to(covered, shard.progress.time());
        shard.attempts = Attempts::default();
        shard.apply(Entry { number, at, covered, command })
    }

    /// Tells the shard of a campaign at a revision, which it has not left behind yet.
    fn tell_of(&mut self, campaign: CampaignNumber, wanted: Revision) -> Result<(), Mismatch> {
        let history = Arc::clone(&self.history);
        let terms = history.at(campaign, wanted).ok_or(Mismatch::UnknownCampaign)?;
        self.put(terms);
        let known = self.revision(campaign);
        if known == Some(wanted) { Ok(()) } else { Err(Mismatch::UnknownCampaign) }
    }

    /// Tells the shard of the next revision of a campaign, if the record may be of a later one.
    fn tell_more(&mut self, campaign: CampaignNumber, record: &Record) -> Result<(), Mismatch> {
        if repeating::revision(record).is_some() {
            return Err(Mismatch::NotRepeated);
        }
        let history = Arc::clone(&self.history);
        let known = self.revision(campaign);
        match history.after(campaign, known) {
            Some(terms) => self.put(terms),
            None if known.is_none() => return Err(Mismatch::UnknownCampaign),
            None => return Err(Mismatch::NotRepeated),
        }
        Ok(())
    }

    fn revision(&self, campaign: CampaignNumber) -> Option<Revision> {
        self.shard.campaigns.get(&campaign).map(|known| known.view.revision)
    }

    fn put(&mut self, terms: &Terms) {
        self.shard.put_campaign(terms.clone());
        // Shares were there when they were needed: the record says so.
        if let Some(known) = self.shard.campaigns.get_mut(&terms.view.number) {
            known.book = None;
        }
    }
}

/// Whether what happened is what the record says. Which codes of a list were there already is about
/// the list and not about the shard, and is not asked.
fn is_same(done: &Record, record: &Record) -> bool {
    match (&done.event, &record.event) {
        (
            Event::Listed { campaign, digests, .. },
            Event::Listed { campaign: of, digests: added, .. },
        ) => {
            let head = |record: &Record| (record.number, record.at, record.api_key, record.request);
            head(done) == head(record) && (campaign, digests) == (of, added)
        }
        _ => done == record,
    }
}

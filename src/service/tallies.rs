//! Counting the codes of campaigns, exactly, and saying at which position between events they were so.

use std::sync::Arc;

use redeemd_domain::campaign::{Campaign, Codes};
use redeemd_domain::machine::Machine as _;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{Counts, Query, Reply, Shard};

use redeemd_actors::port::Asked;

use super::asking::reply;
use super::error::Error;
use super::events::EventPosition;
use super::worker::Worker;

/// How many campaigns are counted at a time.
const COUNTED_AT_ONCE: usize = 32;

/// How many codes of a campaign are in which state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Codes that were issued or brought in.
    pub issued: u64,
    /// Uses, those of codes with several uses counted each.
    pub redeemed: u64,
    /// Uses that are held for users at present.
    pub held: u64,
    /// Codes that are revoked at present.
    pub revoked: u64,
    /// The position at which it was exactly so: the events up to it made these numbers, and those
    /// after it did not. Without one it is a campaign that was just made.
    pub as_of: Option<EventPosition>,
}

impl Tally {
    /// That of a campaign that was just made.
    pub const NOTHING: Self = Self { issued: 0, redeemed: 0, held: 0, revoked: 0, as_of: None };
}

impl Worker {
    /// Counts the codes of campaigns, in their order.
    ///
    /// # Errors
    /// When a shard cannot be asked.
    pub async fn tallies(&self, campaigns: &[Arc<Campaign>]) -> Result<Vec<Tally>, Error> {
        let mut tallies = Vec::with_capacity(campaigns.len());
        let places = self.inner().shards.places();
        for campaigns in campaigns.chunks(COUNTED_AT_ONCE) {
            let ask = |campaign: &Arc<Campaign>| {
                let query = Query::Count(campaign.id.number);
                (0..places).map(|place| self.query(place, query.clone())).collect::<Vec<_>>()
            };
            let asked: Vec<_> = campaigns.iter().map(ask).collect();
            for (campaign, asked) in campaigns.iter().zip(asked) {
                tallies.push(self.tally(campaign, asked).await?);
            }
        }
        Ok(tallies)
    }

    async fn tally(&self, campaign: &Campaign, asked: Vec<Asked<Shard>>) -> Result<Tally, Error> {
        let mut as_of = EventPosition::beginning(self.sequences());
        let mut tally = Tally::NOTHING;
        for (shard, asked) in (0..).zip(asked) {
            let Reply::Counted { counts, last } = reply(asked).await? else {
                return Err(Error::internal("a shard was asked for counts"));
            };
            let Counts { redeemed, revoked, listed, held } = counts;
            if campaign.codes == Codes::Imported {
                tally.issued += listed;
            }
            tally.redeemed += redeemed;
            tally.revoked += revoked;
            tally.held += held;
            as_of.set(SequenceId::shard(shard), last);
        }
        // What was issued is the control sequence's to know, as it is after the shards were asked:
        // nothing is redeemed before it was issued.
        let view = self.view();
        let present = view.campaign(campaign.id.number).map_or(campaign, |present| &**present);
        tally.issued += present.issued_from(0);
        as_of.set(SequenceId::CONTROL, view.control().last());
        tally.as_of = Some(as_of);
        Ok(tally)
    }
}

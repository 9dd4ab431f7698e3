//! One round of lending: grants as far as there is something left, and recalls what other shards do
//! not use.
//!
//! What is granted is journaled by the control sequence first and by the shard afterwards; what is
//! given back the other way round. So whatever is lost on the way is lost to nobody's harm, and
//! found again by comparing the two books.

use std::collections::BTreeMap;
use std::time::Duration;

use redeemd_domain::campaign::Revision;
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control;
use redeemd_domain::machine::Outcome;
use redeemd_domain::rules::TotalLimit;
use redeemd_domain::shard::{Acknowledgement, Command, Query, Reply, Share, ShareBook};

use super::super::{Books, Unreachable};
use super::Lent;
use crate::core::{Answer, Ask};
use crate::crash_point::CrashPoint;

/// A grant is this part of what would be left for each shard: so grants are few while there is
/// much, and little has to be recalled in the end.
const PART: u64 = 2;

/// How long a shard has to learn of a campaign's new limit before it is looked at again.
const SPREADING: Duration = Duration::from_millis(5);

/// One round for one campaign.
pub(super) struct Round<'a> {
    books: &'a Books,
    campaign: CampaignNumber,
}

impl<'a> Round<'a> {
    pub(super) fn new(books: &'a Books, campaign: CampaignNumber) -> Self {
        Self { books, campaign }
    }

    /// Brings shares to shards, each with how many wait there.
    pub(super) async fn lend(&self, wanted: &[(u16, u64)]) -> BTreeMap<u16, Lent> {
        let all = |lent| wanted.iter().map(|&(shard, _)| (shard, lent)).collect();
        let Some(total) = self.total() else {
            // The limit is gone, and the shards will know soon.
            actix::clock::sleep(SPREADING).await;
            return all(Lent::Perhaps);
        };
        match self.open(total).await {
            Ok(true) => {}
            Ok(false) => {
                actix::clock::sleep(SPREADING).await;
                return all(Lent::Perhaps);
            }
            Err(Unreachable) => return all(Lent::Unknown),
        }
        if self.left() == 0 {
            match self.recall(total.since).await {
                Ok(Recalled::Something) => {}
                Ok(Recalled::Nothing) => return all(Lent::Nothing),
                Ok(Recalled::Overtaken) => {
                    actix::clock::sleep(SPREADING).await;
                    return all(Lent::Perhaps);
                }
                Err(Unreachable) => return all(Lent::Unknown),
            }
        }
        self.grant(total.since, wanted).await
    }

    fn total(&self) -> Option<TotalLimit> {
        let control = self.books.view.current();
        control.campaign(self.campaign)?.rules.as_deref()?.total_uses
    }

    /// How much can still be granted.
    fn left(&self) -> u64 {
        self.books.view.current().left_to_grant(self.campaign).unwrap_or(0)
    }

    fn book(&self, shard: u16) -> Option<ShareBook> {
        let control = self.books.view.current();
        control.shares(self.campaign)?.books.get(usize::from(shard)).copied()
    }

    /// The shares of all shards.
    async fn shares(&self) -> Result<Vec<Option<Share>>, Unreachable> {
        let query = |place| self.books.shards.ask(place, Ask::Tell(Query::Share(self.campaign)));
        let asked: Vec<_> = (0..self.books.shards.places()).map(query).collect();
        let mut shares = Vec::with_capacity(asked.len());
        for asked in asked {
            let Answer::Reply(reply) = asked.await else { return Err(Unreachable) };
            let Reply::Share(share) = *reply else { return Err(Unreachable) };
            shares.push(share);
        }
        Ok(shares)
    }

    /// Opens the shares, unless they are open; whether they are. They cannot be before every shard
    /// knows the limit.
    async fn open(&self, total: TotalLimit) -> Result<bool, Unreachable> {
        if self.book(0).is_some() {
            return Ok(true);
        }
        let shares = self.shares().await?;
        let base = |share: &Option<Share>| {
            share.map(|share| share.book).filter(|book| book.since == total.since)
        };
        let bases: Option<Vec<u64>> =
            shares.iter().map(|share| base(share).map(|book| book.base)).collect();
        let Some(bases) = bases else { return Ok(false) };
        self.books.crash_points.at(CrashPoint::BasesKnown).await;
        let (campaign, since) = (self.campaign, total.since);
        let open = control::Command::OpenShares { campaign, since, bases };
        let opened = self.books.control.insist(0, open).await;
        self.books.crash_points.at(CrashPoint::SharesOpened).await;
        match opened {
            Answer::Outcome(Outcome::Acknowledged(control::Acknowledgement::Lent { .. })) => {
                Ok(true)
            }
            Answer::Outcome(_) => Ok(false),
            _ => Err(Unreachable),
        }
    }

    /// Grants to each of the shards what they want and some more, as far as there is anything.
    async fn grant(&self, since: Revision, wanted: &[(u16, u64)]) -> BTreeMap<u16, Lent> {
        let campaign = self.campaign;
        let places = self.books.shards.places() as u64;
        let mut left = self.left();
        let mut granting = Vec::new();
        let mut lent = BTreeMap::new();
        for (&(shard, waiting), others) in wanted.iter().zip((1..=wanted.len() as u64).rev()) {
            let Some(book) = self.book(shard).filter(|book| book.since == since) else {
                lent.insert(shard, Lent::Perhaps);
                continue;
            };
            let even = waiting.min(left.div_ceil(others));
            let more = even.max(left / (places * PART));
            if more == 0 {
                lent.insert(shard, Lent::Perhaps);
                continue;
            }
            left -= more;
            let granted = book.granted + more;
            let grant = control::Command::GrantShare { campaign, since, shard, granted };
            granting.push((shard, self.books.control.insist(0, grant)));
            self.books.status.share_grants.add(1);
        }
        let mut taking = Vec::new();
        for (shard, granting) in granting {
            match granting.await {
                Answer::Outcome(Outcome::Acknowledged(control::Acknowledgement::Lent {
                    book,
                    ..
                })) => {
                    self.books.crash_points.at(CrashPoint::ShareGranted).await;
                    let take = Command::TakeShare { campaign, since, granted: book.granted };
                    taking.push((shard, self.books.shards.insist(shard.into(), take)));
                }
                Answer::Outcome(_) => drop(lent.insert(shard, Lent::Perhaps)),
                _ => drop(lent.insert(shard, Lent::Unknown)),
            }
        }
        for (shard, taking) in taking {
            let taken = taking.await;
            self.books.crash_points.at(CrashPoint::ShareTaken).await;
            let is_known = matches!(taken, Answer::Outcome(_));
            lent.insert(shard, if is_known { Lent::Perhaps } else { Lent::Unknown });
        }
        lent
    }

    /// Gets back what shards have left, half of what each has, so that those who go on using theirs
    /// are not stopped at once.
    async fn recall(&self, since: Revision) -> Result<Recalled, Unreachable> {
        let campaign = self.campaign;
        let mut recalled = Recalled::Nothing;
        let mut recalling = Vec::new();
        for (place, share) in self.shares().await?.into_iter().enumerate() {
            let shard = u16::try_from(place).map_err(|_| Unreachable)?;
            // The shares were open, so whoever has none of this limit has heard of another one.
            let share = share.filter(|share| share.book.since == since);
            let book = self.book(shard).filter(|book| book.since == since);
            let (Some(share), Some(book)) = (share, book) else { return Ok(Recalled::Overtaken) };
            if share.book.granted < book.granted {
                // It never heard of a grant: a crash came between.
                let take = Command::TakeShare { campaign, since, granted: book.granted };
                drop(self.books.shards.insist(place, take).await);
                recalled = Recalled::Something;
            } else if share.left > 0 || share.book.returned > book.returned {
                let give_back = Command::ReturnShare { campaign, since, keep: share.left / 2 };
                recalling.push((shard, self.books.shards.insist(place, give_back)));
                self.books.status.share_recalls.add(1);
            }
        }
        for (shard, recalling) in recalling {
            let told = recalling.await;
            let Answer::Outcome(Outcome::Acknowledged(Acknowledgement::Share(share))) = told else {
                return Err(Unreachable);
            };
            self.books.crash_points.at(CrashPoint::ShareReturned).await;
            let returned = share.book.returned;
            let record = control::Command::RecordReturned { campaign, since, shard, returned };
            if !matches!(self.books.control.insist(0, record).await, Answer::Outcome(_)) {
                return Err(Unreachable);
            }
            self.books.crash_points.at(CrashPoint::ReturnRecorded).await;
            recalled = Recalled::Something;
        }
        Ok(recalled)
    }
}

/// Whether anything was found that somebody else can have.
enum Recalled {
    Something,
    Nothing,
    /// The total was changed meanwhile, so that nobody knows what is left of it.
    Overtaken,
}

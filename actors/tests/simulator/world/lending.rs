//! Lending shares of totals: opened, granted and taken, recalled and recorded; one round at a time
//! for each campaign.

use redeemd_actors::core::{Answer, Ask};
use redeemd_domain::campaign::Revision;
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control;
use redeemd_domain::machine::Outcome;
use redeemd_domain::shard::{Acknowledgement, Command, Query, Reply, Share, ShareBook};

use super::World;
use super::bookkeeping::Job;
use crate::dice::Dice as _;
use crate::oracle::ClientAnswer;

/// What was asked for a campaign.
#[derive(Debug)]
pub(super) enum Step {
    /// What has a shard? The shares of those before it are known.
    Look {
        since: Revision,
        shares: Vec<Option<Share>>,
    },
    Open,
    Grant {
        since: Revision,
        shard: u16,
    },
    Return {
        since: Revision,
        shard: u16,
    },
    Last,
}

impl World {
    /// Begins a round of lending for a campaign for which somebody waits.
    pub(super) fn lend(&mut self) -> bool {
        let is_idle = |campaign: &&CampaignNumber| {
            let of_it = |job: &Job| matches!(job, Job::Lend(busy, _) if busy == *campaign);
            !self.books.jobs.values().any(of_it)
        };
        let idle: Vec<_> = self.books.wanted.keys().filter(is_idle).copied().collect();
        if idle.is_empty() {
            return false;
        }
        let campaign = *self.random.pick(&idle);
        let Some(core) = &self.control.core else { return false };
        let known = core.machine().campaign(campaign);
        let rules = known.and_then(|campaign| campaign.rules.as_ref());
        let Some(total) = rules.and_then(|rules| rules.total_uses) else {
            self.books.wanted.remove(&campaign);
            return false;
        };
        let (since, left) = (total.since, core.machine().left_to_grant(campaign));
        let books = core.machine().shares(campaign).map(|shares| shares.books.clone());
        match (left, books) {
            (Some(left @ 1..), Some(books)) => self.grant(campaign, since, left, &books),
            _ => self.look(campaign, since, Vec::new()),
        }
        true
    }

    fn grant(&mut self, campaign: CampaignNumber, since: Revision, left: u64, books: &[ShareBook]) {
        let wanted: Vec<u16> =
            self.books.wanted.remove(&campaign).unwrap_or_default().into_iter().collect();
        let shard = *self.random.pick(&wanted);
        let more = self.random.between(1, left.min(4) + 1);
        let granted = books[usize::from(shard)].granted + more;
        let grant = control::Command::GrantShare { campaign, since, shard, granted };
        let token = self.token(Job::Lend(campaign, Step::Grant { since, shard }));
        self.send_to_control(token, Ask::Insist(grant));
    }

    fn look(&mut self, campaign: CampaignNumber, since: Revision, shares: Vec<Option<Share>>) {
        let shard = shares.len() as u16;
        let job = Job::Lend(campaign, Step::Look { since, shares });
        self.begin(shard, job, Ask::Tell(Query::Share(campaign)));
    }

    /// The answer to a step arrives.
    pub(super) fn go_on_lending(
        &mut self,
        campaign: CampaignNumber,
        step: Step,
        answer: ClientAnswer,
    ) {
        match (step, answer) {
            (
                Step::Look { since, mut shares },
                ClientAnswer::Shard(Answer::Reply(Reply::Share(share))),
            ) => {
                shares.push(share);
                if shares.len() < self.shards.len() {
                    self.look(campaign, since, shares);
                } else {
                    self.looked(campaign, since, &shares);
                }
            }
            (
                Step::Grant { since, shard },
                ClientAnswer::Control(Answer::Outcome(Outcome::Acknowledged(
                    control::Acknowledgement::Lent { book, .. },
                ))),
            ) => {
                self.trace.note("share granted", campaign.0.into(), shard.into());
                self.take(campaign, since, shard, book.granted);
            }
            (
                Step::Return { since, shard },
                ClientAnswer::Shard(Answer::Outcome(Outcome::Acknowledged(
                    Acknowledgement::Share(share),
                ))),
            ) => {
                self.trace.note("share returned", campaign.0.into(), shard.into());
                let returned = share.book.returned;
                let record = control::Command::RecordReturned { campaign, since, shard, returned };
                let token = self.token(Job::Lend(campaign, Step::Last));
                self.send_to_control(token, Ask::Insist(record));
            }
            _ => {}
        }
    }

    /// What all shards have is known: the shares are opened, or something is recalled.
    fn looked(&mut self, campaign: CampaignNumber, since: Revision, shares: &[Option<Share>]) {
        let Some(core) = &self.control.core else { return };
        let books = core.machine().shares(campaign).map(|shares| shares.books.clone());
        let of_this = |share: &Option<Share>| share.filter(|share| share.book.since == since);
        let Some(books) = books else {
            let bases = shares.iter().map(|share| Some(of_this(share)?.book.base)).collect();
            if let Some(bases) = bases {
                let open = control::Command::OpenShares { campaign, since, bases };
                let token = self.token(Job::Lend(campaign, Step::Open));
                self.send_to_control(token, Ask::Insist(open));
            }
            return;
        };
        let mut has_any = false;
        for ((shard, share), book) in (0..).zip(shares.iter().map(of_this)).zip(books) {
            let Some(share) = share else { continue };
            if share.book.granted < book.granted {
                self.take(campaign, since, shard, book.granted);
            } else if share.left > 0 || share.book.returned > book.returned {
                let keep = self.random.below(share.left + 1);
                let back = Command::ReturnShare { campaign, since, keep };
                let job = Job::Lend(campaign, Step::Return { since, shard });
                self.begin(shard, job, Ask::Insist(back));
            } else {
                continue;
            }
            has_any = true;
        }
        if !has_any {
            self.trace.note("campaign limit reached", campaign.0.into(), 0);
            self.books.wanted.remove(&campaign);
        }
    }

    fn take(&mut self, campaign: CampaignNumber, since: Revision, shard: u16, granted: u64) {
        let take = Command::TakeShare { campaign, since, granted };
        self.begin(shard, Job::Lend(campaign, Step::Last), Ask::Insist(take));
    }
}

//! What the node does by itself for limits that span codes: it finds out what became of claims,
//! delivers uses that are owed, and lends shares of totals. Every message is one job; a crash
//! forgets all of them.

use std::collections::{BTreeMap, BTreeSet};

use redeemd_actors::core::{Answer, Ask, Token};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::machine::Outcome;
use redeemd_domain::shard::{Acknowledgement, Command, Fate, Forbid, Query, Reply, Settle, Shard};

use super::World;
use crate::dice::Dice as _;
use crate::oracle::ClientAnswer;
use crate::station::BOOKS;

/// A message on its way, and what is done with its answer.
#[derive(Debug)]
pub(super) enum Job {
    FindClaims {
        shard: u16,
    },
    Forbid {
        shard: u16,
        number: u64,
    },
    FindOwed {
        shard: u16,
    },
    GiveBack {
        shard: u16,
        target: u16,
        numbers: Vec<u64>,
    },
    /// A step of lending.
    Lend(CampaignNumber, super::lending::Step),
    Last,
}

/// Everything that is under way.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(super) jobs: BTreeMap<u64, Job>,
    next: u64,
    /// The shards that wait for a share, by campaign.
    pub(super) wanted: BTreeMap<CampaignNumber, BTreeSet<u16>>,
}

impl World {
    /// Somebody waits for a share of a campaign's total.
    pub(crate) fn want_share(&mut self, campaign: CampaignNumber, shard: u16) {
        self.books.wanted.entry(campaign).or_default().insert(shard);
    }

    /// Begins something, if there is anything to do.
    pub(crate) fn keep_books(&mut self) -> bool {
        let shard = self.random.below(u64::from(self.plan.layout.shards())) as u16;
        match self.random.below(5) {
            0 => {
                let most = self.random.between(1, 8) as usize;
                // Now and then also what is still on its way, which must do no harm.
                let through = match self.random.below(4) {
                    0 => u64::MAX,
                    _ => self.shards[usize::from(shard)].history.last().saturating_sub(12),
                };
                let query = Query::PendingClaims { through, most };
                self.begin(shard, Job::FindClaims { shard }, Ask::Tell(query));
                true
            }
            1 => {
                let query = Query::Owed { from: 0 };
                self.begin(shard, Job::FindOwed { shard }, Ask::Tell(query));
                true
            }
            _ => self.lend(),
        }
    }

    /// Looks after everything once, without leaving anything out.
    pub(crate) fn keep_all_books(&mut self) {
        for shard in 0..self.plan.layout.shards() {
            let query = Query::PendingClaims { through: u64::MAX, most: 1_000 };
            self.begin(shard, Job::FindClaims { shard }, Ask::Tell(query));
            let query = Query::Owed { from: 0 };
            self.begin(shard, Job::FindOwed { shard }, Ask::Tell(query));
        }
        self.lend();
    }

    pub(super) fn begin(&mut self, shard: u16, job: Job, ask: Ask<Shard>) {
        let token = self.token(job);
        self.send_to_shard(shard, token, ask);
    }

    pub(super) fn token(&mut self, job: Job) -> Token {
        self.books.next += 1;
        let ticket = self.books.next;
        self.books.jobs.insert(ticket, job);
        Token { port: BOOKS, ticket }
    }

    /// An answer to a job.
    pub(crate) fn hear_book(&mut self, ticket: u64, answer: ClientAnswer) {
        let Some(job) = self.books.jobs.remove(&ticket) else { return };
        let job = match job {
            Job::Lend(campaign, step) => return self.go_on_lending(campaign, step, answer),
            job => job,
        };
        let ClientAnswer::Shard(answer) = answer else { panic!("{job:?} asks a shard") };
        match (job, answer) {
            (Job::FindClaims { shard }, Answer::Reply(Reply::PendingClaims(claims))) => {
                for claim in claims {
                    let (number, code) = (claim.number, claim.code);
                    let at = self.plan.layout.shard_of(code.slot());
                    let forbid = Command::Forbid(Forbid { shard, number, code });
                    self.begin(at, Job::Forbid { shard, number }, Ask::Insist(forbid));
                }
            }
            (
                Job::Forbid { shard, number },
                Answer::Outcome(Outcome::Acknowledged(Acknowledgement::Attempted(fate))),
            ) => {
                let mut settle = Settle::default();
                match fate {
                    Fate::Granted => settle.settled.push(number),
                    Fate::Refused => settle.returned.push(number),
                }
                self.trace.note("claim resolved", number, shard.into());
                self.begin(shard, Job::Last, Ask::Insist(Command::Settle(settle)));
            }
            (Job::FindOwed { shard }, Answer::Reply(Reply::Owed(Some((target, give_back))))) => {
                let numbers = give_back.uses.iter().map(|owed| owed.number).collect();
                self.trace.note("give back", shard.into(), target.into());
                let job = Job::GiveBack { shard, target, numbers };
                self.begin(target, job, Ask::Insist(Command::GiveBack(give_back)));
            }
            (Job::GiveBack { shard, target, numbers }, Answer::Outcome(_)) => {
                let delivered = Command::Delivered { shard: target, numbers };
                self.begin(shard, Job::Last, Ask::Insist(delivered));
            }
            // What could not be asked is asked again, some day.
            _ => {}
        }
    }
}

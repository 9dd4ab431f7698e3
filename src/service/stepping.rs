//! The steps of commands that their code's shard does not settle at once: the ledger is searched, a
//! use of the user is claimed, a share of the campaign's total is brought; then the command is sent
//! again.
//!
//! Commands go through their steps together, each step of all of them at once. They do so in a task
//! of their own, so that a client that hangs up leaves nothing half done; what a crash leaves half
//! done, the bookkeeping makes up for.

use std::time::{Duration, Instant};

use redeemd_actors::bookkeeping::Lent;
use redeemd_actors::core::Answer;
use redeemd_actors::crash_point::CrashPoint;
use redeemd_actors::directory::place_of;
use redeemd_domain::codes::{CampaignNumber, CodeKey};
use redeemd_domain::machine::{Outcome, Recollection};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{
    Acknowledgement, ClaimUse, Command, Fate, Query, Record, Reply, UserDigest, UserStanding,
};

use super::asking::{no_answer, reply};
use super::error::Error;
use super::ledger_search;
use super::performing::{Performed, Told};
use super::worker::Worker;

/// How often the ledger is searched for one request. A second time is needed only where the shard
/// forgot more in the meantime.
const MOST_SEARCHES: usize = 8;

/// How long commands go through their steps before they are given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a command waits for what others are doing, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(20));

/// The most commands of one thread that go through steps.
const MOST_COMMANDS: usize = 16_384;

/// A command that its shard did not settle.
pub(super) struct Unfinished {
    pub(super) code: CodeKey,
    pub(super) command: Command,
    pub(super) next: Next,
}

/// What a command needs before it is sent again.
#[derive(Clone, Copy)]
pub(super) enum Next {
    /// The ledger must be searched for its request up to an entry.
    Search { through: u64 },
    /// One of the user's uses must be claimed.
    Claim { campaign: CampaignNumber, user: UserDigest },
    /// The code's shard must have a share of the campaign's total.
    Share { campaign: CampaignNumber },
    /// Nothing; what it came with was void.
    Nothing,
}

/// A command on its way through its steps.
struct Item {
    place: usize,
    code: CodeKey,
    command: Command,
    next: Next,
    searches: usize,
    /// What it is refused with, unless its request was answered in the meantime.
    refused: Option<Refusal>,
}

/// What came of a step.
enum Stepped {
    /// The command is to be sent again.
    Send(Item),
    /// Others are doing something that must end first.
    Wait(Item),
    /// It is settled.
    Settled(Item, Result<Performed, Error>),
}

impl Worker {
    /// Goes on with commands that were not settled until they are, in a task of its own.
    pub(super) async fn go_on(&self, unfinished: Vec<Unfinished>) -> Vec<Result<Performed, Error>> {
        let count = unfinished.len();
        let give_up = |error: fn() -> Error| (0..count).map(|_| Err(error())).collect();
        if count == 0 {
            return Vec::new();
        }
        let stepping = &self.inner().stepping;
        if stepping.get() + count > MOST_COMMANDS {
            return give_up(|| Error::Overloaded);
        }
        stepping.set(stepping.get() + count);
        let worker = self.clone();
        let task = tokio::task::spawn_local(async move {
            let settled = worker.step_through(unfinished).await;
            let stepping = &worker.inner().stepping;
            stepping.set(stepping.get().saturating_sub(count));
            settled
        });
        task.await.unwrap_or_else(|_| give_up(|| Error::internal("the task of steps panicked")))
    }

    async fn step_through(&self, unfinished: Vec<Unfinished>) -> Vec<Result<Performed, Error>> {
        let mut settled: Vec<_> = unfinished.iter().map(|_| Err(Error::Overloaded)).collect();
        let mut settle = |place: usize, result| {
            if let Some(settled) = settled.get_mut(place) {
                *settled = result;
            }
        };
        let item = |(place, unfinished)| {
            let Unfinished { code, command, next } = unfinished;
            Item { place, code, command, next, searches: 0, refused: None }
        };
        let mut open: Vec<Item> = unfinished.into_iter().enumerate().map(item).collect();
        let (begun, mut pause) = (Instant::now(), PAUSES.0);
        while !open.is_empty() && begun.elapsed() < PATIENCE {
            let (mut sent, mut waiting) = (Vec::new(), Vec::new());
            for stepped in self.step(open).await {
                match stepped {
                    Stepped::Send(item) => {
                        let sending = self.dispatch(item.code, item.command.clone());
                        sent.push((item, sending));
                    }
                    Stepped::Wait(item) => waiting.push(item),
                    Stepped::Settled(item, result) => {
                        self.return_claim(&item);
                        settle(item.place, result);
                    }
                }
            }
            open = Vec::with_capacity(waiting.len());
            for (item, sending) in sent {
                let told = sending.told().await;
                match self.after(item, told).await {
                    Ok(item) => open.push(item),
                    Err((place, result)) => settle(place, result),
                }
            }
            if !waiting.is_empty() {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
                open.append(&mut waiting);
                open.sort_by_key(|item| item.place);
            }
        }
        // What is left was overtaken too often.
        open.iter().for_each(|item| self.return_claim(item));
        settled
    }

    /// Takes the next step of each command, all of them at once.
    async fn step(&self, open: Vec<Item>) -> Vec<Stepped> {
        let mut searching = Vec::new();
        let mut others = Vec::new();
        for item in open {
            match item.next {
                Next::Search { through } => searching.push((item, through)),
                _ => others.push(self.begin(item)),
            }
        }
        let mut stepped = self.search(searching).await;
        for begun in others {
            stepped.push(self.complete(begun).await);
        }
        // Of several commands about one code the first stays the first.
        stepped.sort_by_key(|stepped| match stepped {
            Stepped::Send(item) | Stepped::Wait(item) | Stepped::Settled(item, _) => item.place,
        });
        stepped
    }

    /// Begins a step that another sequence answers.
    fn begin(&self, item: Item) -> Begun {
        match item.next {
            _ if item.refused.is_some() && !matches!(item.next, Next::Nothing) => {
                Begun::Refused(item)
            }
            Next::Claim { campaign, user } => {
                let wish = ClaimUse { campaign, user, code: item.code };
                let place = place_of(self.inner().node.layout, user.slot());
                let asked = self.inner().shards.perform(place, Command::ClaimUse(wish));
                Begun::Claim(item, asked)
            }
            Next::Share { campaign } => {
                let shard = self.inner().node.layout.shard_of(item.code.slot());
                let lent = self.inner().node.bookkeeping.borrow(campaign, shard);
                Begun::Share(item, Box::pin(lent))
            }
            Next::Search { .. } | Next::Nothing => Begun::Nothing(item),
        }
    }

    async fn complete(&self, begun: Begun) -> Stepped {
        match begun {
            Begun::Nothing(item) => Stepped::Send(item),
            Begun::Refused(item) => {
                let refusal = item.refused.unwrap_or(Refusal::CampaignLimitReached);
                self.refuse(item, refusal).await
            }
            Begun::Claim(item, asked) => self.claimed(item, asked.await).await,
            Begun::Share(item, lent) => match lent.await {
                Lent::Perhaps => Stepped::Send(item),
                Lent::Nothing => self.refused(item, Refusal::CampaignLimitReached).await,
                Lent::Unknown => Stepped::Settled(item, Err(Error::Unavailable)),
            },
        }
    }

    async fn claimed(
        &self,
        mut item: Item,
        answer: Answer<redeemd_domain::shard::Shard>,
    ) -> Stepped {
        match answer {
            Answer::Outcome(Outcome::Acknowledged(Acknowledgement::Claimed(claim))) => {
                self.inner().node.bookkeeping.crash_points.at(CrashPoint::Claimed).await;
                match item.command.clone().with_claim(Some(claim)) {
                    Some(command) => {
                        item.command = command;
                        Stepped::Send(item)
                    }
                    None => {
                        self.inner().node.bookkeeping.settle(&claim, Fate::Refused);
                        let error = Error::internal("a claim was asked for what takes none");
                        Stepped::Settled(item, Err(error))
                    }
                }
            }
            Answer::Outcome(Outcome::Refused(refusal)) => self.refused(item, refusal).await,
            // The code's shard is asked once more, since the request may be answered by then.
            Answer::Outcome(Outcome::Acknowledged(
                Acknowledgement::ClaimsPending | Acknowledgement::NoUserLimit,
            )) => {
                item.next = Next::Nothing;
                Stepped::Wait(item)
            }
            Answer::Outcome(Outcome::Acknowledged(Acknowledgement::ClaimsFull)) => {
                Stepped::Settled(item, Err(Error::Overloaded))
            }
            // The claim may have been made and will be returned; nothing was redeemed.
            Answer::Unknown(_) => Stepped::Settled(item, Err(Error::Unavailable)),
            answer => Stepped::Settled(item, Err(no_answer(&answer))),
        }
    }

    /// A limit refuses the command. Its request may have been answered since its code's shard was
    /// asked, by another task that took the last use for it; so that shard is asked once more.
    async fn refused(&self, mut item: Item, refusal: Refusal) -> Stepped {
        if item.command.request().is_some() {
            item.refused = Some(refusal);
            item.next = Next::Nothing;
            return Stepped::Send(item);
        }
        self.refuse(item, refusal).await
    }

    /// Refuses a command. The limit of its user is named before that of its campaign.
    async fn refuse(&self, mut item: Item, mut refusal: Refusal) -> Stepped {
        if let (Refusal::CampaignLimitReached, Next::Share { campaign }, None) =
            (refusal, item.next, item.command.claim())
            && let Some(user) = item.command.user()
        {
            match self.user_standing(campaign, user).await {
                UserStanding::Within => {}
                UserStanding::Reached => refusal = Refusal::UserLimitReached,
                UserStanding::Pending => {
                    item.refused = None;
                    item.next = Next::Nothing;
                    return Stepped::Wait(item);
                }
            }
        }
        Stepped::Settled(item, Err(Error::Refused(refusal)))
    }

    /// How a user stands to the limit of a campaign. Where that shard cannot be asked nobody knows,
    /// and then nothing is said against the user.
    pub(super) async fn user_standing(&self, campaign: CampaignNumber, user: &str) -> UserStanding {
        let user = UserDigest::new(campaign, user);
        let place = place_of(self.inner().node.layout, user.slot());
        let asked = self.query(place, Query::UserLimit(campaign, user));
        match reply(asked).await {
            Ok(Reply::UserLimit(standing)) => standing,
            _ => UserStanding::Within,
        }
    }

    /// What the ledger answered to the requests of commands before, if anything.
    async fn search(&self, mut searching: Vec<(Item, u64)>) -> Vec<Stepped> {
        let node = &self.inner().node;
        let mut requests = Vec::with_capacity(searching.len());
        for (item, through) in &mut searching {
            let sequence = SequenceId::shard(node.layout.shard_of(item.code.slot()));
            // The search sees everything that was appended, not only what was forgotten: so it
            // holds even when the shard has forgotten more by the time it is asked again.
            *through = (*through).max(node.ledger.appended(sequence));
            requests.extend(item.command.request().map(|request| (sequence, *request)));
        }
        let recalled = ledger_search::search_all::<Record>(&node.ledger, requests).await;
        let searched = searching.into_iter().zip(recalled);
        searched.map(|((item, through), recalled)| item.searched(through, recalled)).collect()
    }

    /// What is to be done after a command was sent: its claim is settled where that is certain, and
    /// it goes on, or is settled itself.
    async fn after(
        &self,
        mut item: Item,
        told: Told,
    ) -> Result<Item, (usize, Result<Performed, Error>)> {
        let bookkeeping = &self.inner().node.bookkeeping;
        let claim = item.command.claim();
        match told {
            Told::Settled(result) => {
                let fate = match &result {
                    Ok(performed) if performed.used(claim) => Some(Fate::Granted),
                    // It may have been granted; the bookkeeping will ask.
                    Err(Error::OutcomeUnknown(_)) => None,
                    Ok(_) | Err(_) => Some(Fate::Refused),
                };
                if let (Some(claim), Some(fate)) = (claim, fate) {
                    bookkeeping.crash_points.at(CrashPoint::after_attempt(fate)).await;
                    bookkeeping.settle(&claim, fate);
                }
                Err((item.place, result))
            }
            Told::Unfinished(Unfinished { next, .. }) => {
                item.next = next;
                if let (Some(claim), Next::Search { .. } | Next::Claim { .. }) = (claim, next) {
                    bookkeeping.settle(&claim, Fate::Refused);
                }
                if !matches!(next, Next::Share { .. })
                    && let Some(command) = item.command.clone().with_claim(None)
                {
                    item.command = command;
                }
                Ok(item)
            }
        }
    }

    /// Returns the claim of a command that is not sent any more.
    fn return_claim(&self, item: &Item) {
        if let Some(claim) = item.command.claim() {
            self.inner().node.bookkeeping.settle(&claim, Fate::Refused);
        }
    }
}

/// A step that another sequence answers.
enum Begun {
    Nothing(Item),
    Refused(Item),
    Claim(Item, redeemd_actors::port::Asked<redeemd_domain::shard::Shard>),
    Share(Item, std::pin::Pin<Box<dyn Future<Output = Lent>>>),
}

impl Item {
    fn searched(mut self, through: u64, recalled: Result<Recollection<Record>, Error>) -> Stepped {
        match recalled {
            Ok(Recollection::Answered(record)) => {
                Stepped::Settled(self, Ok(Performed::replayed(record)))
            }
            Ok(Recollection::Reused) => {
                Stepped::Settled(self, Err(Error::Refused(Refusal::IdempotencyKeyReused)))
            }
            Err(error) => Stepped::Settled(self, Err(error)),
            Ok(Recollection::Unknown) if self.searches >= MOST_SEARCHES => {
                Stepped::Settled(self, Err(Error::Overloaded))
            }
            Ok(Recollection::Unknown) => {
                self.searches += 1;
                self.command.set_searched(through);
                Stepped::Send(self)
            }
        }
    }
}

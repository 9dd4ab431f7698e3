//! The steps of commands that their code's shard does not settle at once: the ledger is searched, a
//! use of the user is claimed, a share of the campaign's total is brought; then the command is sent
//! again.
//!
//! Commands go through their steps together, each step of all of them at once. They do so in a task
//! of their own, so that a client that hangs up leaves nothing half done; what a crash leaves half
//! done, the bookkeeping makes up for.

mod asking;
mod searching;

use std::time::{Duration, Instant};

use redeemd_actors::crash_point::CrashPoint;
use redeemd_domain::codes::{CampaignNumber, CodeKey};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::shard::{Command, Fate, UserDigest};

use super::error::Error;
use super::performing::{Performed, Told};
use super::worker::Worker;

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
    /// The code's shard was not asked yet, and will most likely say that one of the user's uses must
    /// be claimed: so that is done at once.
    ClaimUnasked { campaign: CampaignNumber, user: UserDigest },
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
    /// Whether what the code's shard owes its user was looked for.
    is_paid: bool,
    /// Whether its claim is made before its code's shard was asked, and so is staked.
    is_staked: bool,
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
        if !self.has_room_for_steps(count) {
            return give_up(|| Error::Overloaded);
        }
        let stepping = &self.inner().stepping;
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

    /// Whether so many more commands may go through steps.
    pub(super) fn has_room_for_steps(&self, count: usize) -> bool {
        self.inner().stepping.get() + count <= MOST_COMMANDS
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
            let is_staked = matches!(next, Next::ClaimUnasked { .. });
            let (searches, is_paid, refused) = (0, false, None);
            Item { place, code, command, next, searches, is_paid, is_staked, refused }
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
                    self.learn(fate, item.is_staked);
                    bookkeeping.crash_points.at(CrashPoint::after_attempt(fate)).await;
                    bookkeeping.settle(&claim, fate);
                }
                Err((item.place, result))
            }
            Told::Unfinished(Unfinished { next, .. }) => {
                item.next = next;
                item.is_staked = false;
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

    /// Learns from an attempt with a claim whether claims are worth making unasked.
    fn learn(&self, fate: Fate, was_staked: bool) {
        let confidence = &self.inner().confidence;
        match (fate, was_staked) {
            (Fate::Granted, true) => confidence.won(),
            (Fate::Granted, false) => confidence.earned(),
            (Fate::Refused, _) => {}
        }
    }

    /// Returns the claim of a command that is not sent any more.
    fn return_claim(&self, item: &Item) {
        if let Some(claim) = item.command.claim() {
            self.inner().node.bookkeeping.settle(&claim, Fate::Refused);
        }
    }
}

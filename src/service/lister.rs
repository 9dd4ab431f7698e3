//! Listing codes: on their way to their shards, many shards at once, in a bounded number.

use std::collections::VecDeque;
use std::time::Duration;

use redeemd_actors::core::{Answer, Rejection};
use redeemd_actors::directory::place_of;
use redeemd_actors::port::Asked;
use redeemd_domain::codes::{CampaignNumber, Digest};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::Outcome;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::shard::{Command, Event, List, MAX_DIGESTS, Shard};

use super::asking::no_answer;
use super::error::Error;
use super::worker::Worker;

/// The most codes that wait until a command is full of them. With many shards it is reached before
/// any of them has a command's worth.
const MOST_WAITING: usize = 32_768;

/// The most commands of one lister that shards may be busy with.
const MOST_UNDER_WAY: usize = 16;

/// The most listers of one thread: each has up to three megabytes waiting and under way.
const MOST_LISTERS: usize = 16;

/// How long a shard that has too much to do is asked again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lists codes for one campaign. Each code carries a tag by which it is known again if it turns out
/// to be a duplicate.
pub(super) struct Lister<T> {
    worker: Worker,
    campaign: CampaignNumber,
    api_key: ApiKeyNumber,
    /// Codes that wait, by the place of their shard.
    waiting: Vec<Vec<(Digest, T)>>,
    waiting_count: usize,
    under_way: VecDeque<Batch<T>>,
    listed: u64,
    duplicates: Vec<(Digest, T)>,
}

/// Codes of one shard that it was asked to list.
struct Batch<T> {
    place: usize,
    codes: Vec<(Digest, T)>,
    asked: Asked<Shard>,
}

impl<T> Lister<T> {
    /// A lister of its thread.
    ///
    /// # Errors
    /// When the thread has as many as it can.
    pub(super) fn new(
        worker: &Worker,
        campaign: CampaignNumber,
        api_key: ApiKeyNumber,
    ) -> Result<Self, Error> {
        let listers = &worker.inner().listers;
        if listers.get() >= MOST_LISTERS {
            return Err(Error::Overloaded);
        }
        listers.set(listers.get() + 1);
        let places = worker.inner().shards.places();
        Ok(Self {
            worker: worker.clone(),
            campaign,
            api_key,
            waiting: (0..places).map(|_| Vec::new()).collect(),
            waiting_count: 0,
            under_way: VecDeque::new(),
            listed: 0,
            duplicates: Vec::new(),
        })
    }

    /// Takes a code. Call [`Lister::make_room`] now and then.
    pub(super) fn add(&mut self, digest: Digest, tag: T) {
        let place = place_of(self.worker.inner().node.layout, digest.slot());
        if let Some(waiting) = self.waiting.get_mut(place) {
            waiting.push((digest, tag));
            self.waiting_count += 1;
        }
    }

    /// Sends what makes whole commands, and waits while too many are under way.
    ///
    /// # Errors
    /// When a shard did not take its codes. Others may have taken theirs.
    pub(super) async fn make_room(&mut self) -> Result<(), Error> {
        let enough = if self.waiting_count >= MOST_WAITING { 1 } else { MAX_DIGESTS };
        self.send(enough).await
    }

    /// Sends everything, and waits until all of it is durable.
    ///
    /// # Errors
    /// As [`Lister::make_room`].
    pub(super) async fn finish(&mut self) -> Result<(), Error> {
        self.send(1).await?;
        while let Some(batch) = self.under_way.pop_front() {
            self.settle(batch).await?;
        }
        Ok(())
    }

    /// How many codes were new so far.
    pub(super) fn listed(&self) -> u64 {
        self.listed
    }

    /// The codes that existed already, as far as they are not taken yet.
    pub(super) fn take_duplicates(&mut self) -> Vec<(Digest, T)> {
        std::mem::take(&mut self.duplicates)
    }

    /// Sends to every shard for which at least so many codes wait.
    async fn send(&mut self, enough: usize) -> Result<(), Error> {
        for place in 0..self.waiting.len() {
            while let Some(codes) = self.next_batch(place, enough) {
                if self.under_way.len() >= MOST_UNDER_WAY
                    && let Some(batch) = self.under_way.pop_front()
                {
                    self.settle(batch).await?;
                }
                let asked = self.ask(place, &codes);
                self.under_way.push_back(Batch { place, codes, asked });
            }
        }
        Ok(())
    }

    fn next_batch(&mut self, place: usize, enough: usize) -> Option<Vec<(Digest, T)>> {
        let waiting = self.waiting.get_mut(place).filter(|waiting| waiting.len() >= enough)?;
        let rest = waiting.split_off(waiting.len().min(MAX_DIGESTS));
        let codes = std::mem::replace(waiting, rest);
        self.waiting_count = self.waiting_count.saturating_sub(codes.len());
        Some(codes)
    }

    fn ask(&self, place: usize, codes: &[(Digest, T)]) -> Asked<Shard> {
        let list = List {
            campaign: self.campaign,
            digests: codes.iter().map(|&(digest, _)| digest).collect(),
            api_key: self.api_key,
        };
        self.worker.inner().shards.perform(place, Command::List(list))
    }

    /// Waits until a shard has its codes, and counts what was new.
    async fn settle(&mut self, batch: Batch<T>) -> Result<(), Error> {
        let Batch { place, codes, mut asked } = batch;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(5);
        let record = loop {
            match asked.await {
                Answer::Outcome(Outcome::Done(record)) => break record,
                // The one reason for which a shard refuses to list: it does not know the campaign,
                // which is told to every shard before anybody is told of the campaign.
                Answer::Outcome(Outcome::Refused(Refusal::InvalidCode)) => {
                    return Err(Error::internal("a shard does not know a campaign"));
                }
                Answer::Rejected(Rejection::Overloaded | Rejection::Unavailable)
                    if tokio::time::Instant::now() < deadline =>
                {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(1));
                    asked = self.ask(place, &codes);
                }
                answer => return Err(no_answer(&answer)),
            }
        };
        let Event::Listed { digests, duplicates, .. } = &record.event else {
            return Err(Error::internal("listing left another record"));
        };
        self.listed += digests.len() as u64;
        let mut places = duplicates.iter().map(|&place| usize::from(place)).peekable();
        let found = codes.into_iter().enumerate();
        let found = found.filter(|(place, _)| places.next_if_eq(place).is_some());
        self.duplicates.extend(found.map(|(_, code)| code));
        Ok(())
    }
}

impl<T> Drop for Lister<T> {
    fn drop(&mut self) {
        let listers = &self.worker.inner().listers;
        listers.set(listers.get().saturating_sub(1));
    }
}

//! Whoever waits for a share and is told that nothing is left is told the truth: at some moment
//! since they began to wait nothing was. Two things may also be so: uses came back meanwhile, so
//! that no moment can be named; or it is remembered from another who waited shortly before.

use std::collections::BTreeMap;

use redeemd_actors::bookkeeping::Lent;
use redeemd_domain::codes::CampaignNumber;

use super::World;

/// How long it is remembered that nothing is left.
const MEMORY_MS: u64 = 200;

/// Somebody who waits for a share.
#[derive(Debug)]
struct Waiter {
    campaign: CampaignNumber,
    begun_ms: u64,
    /// How many uses of the campaign had come back, and of how many of those somebody had told.
    came_back: u64,
    told: u64,
    /// Whether nothing was left at a moment since.
    was_empty: bool,
}

/// All who wait.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    waiting: BTreeMap<u64, Waiter>,
    /// When somebody was told that nothing is left, and how many uses had been told of when that
    /// one began to wait.
    nothing: BTreeMap<CampaignNumber, (u64, u64)>,
    /// Of how many uses of a campaign that came back the bookkeeping was told.
    told: BTreeMap<CampaignNumber, u64>,
}

impl World {
    /// The bookkeeping was told that a use came back.
    pub(super) fn note_told(&mut self, campaign: CampaignNumber) {
        *self.waiters.told.entry(campaign).or_default() += 1;
    }

    /// Somebody begins to wait.
    pub(super) fn note_waiter(&mut self, campaign: CampaignNumber, ticket: u64) {
        let waiter = Waiter {
            campaign,
            begun_ms: self.clerk.as_ref().map_or(0, |clerk| clerk.now_ms()),
            came_back: self.came_back(campaign),
            told: self.waiters.told.get(&campaign).copied().unwrap_or(0),
            was_empty: false,
        };
        self.waiters.waiting.insert(ticket, waiter);
        self.watch_waiters();
    }

    /// Looks whether anything is left for those who wait.
    pub(crate) fn watch_waiters(&mut self) {
        let mut waiters = std::mem::take(&mut self.waiters);
        for waiter in waiters.waiting.values_mut().filter(|waiter| !waiter.was_empty) {
            waiter.was_empty = self.left_at_once(waiter.campaign) == Some(0);
        }
        self.waiters = waiters;
    }

    /// Somebody is told what came of waiting.
    pub(super) fn check_lent(&mut self, ticket: u64, lent: Lent) {
        let Some(waiter) = self.waiters.waiting.remove(&ticket) else { return };
        if lent != Lent::Nothing {
            return;
        }
        let Waiter { campaign, begun_ms, came_back, told, was_empty } = waiter;
        let is_seen = was_empty || self.came_back(campaign) > came_back;
        let remembered = self.waiters.nothing.get(&campaign);
        let is_remembered =
            remembered.is_some_and(|&(at, of)| begun_ms <= at + MEMORY_MS && of == told);
        assert!(is_seen || is_remembered, "of {campaign} something is left, and it was refused");
        if is_seen {
            self.waiters.nothing.insert(campaign, (self.now.monotonic_ms, told));
        }
    }

    /// How many uses a campaign's total allows at this moment; `None` where it has none.
    fn left_at_once(&self, campaign: CampaignNumber) -> Option<u64> {
        let control = self.control.machine().campaign(campaign)?;
        let total = control.rules.as_ref()?.total_uses?;
        let counts = self
            .shards
            .iter()
            .filter_map(|station| station.machine().campaign(campaign).map(|known| known.counts));
        let used: u64 = counts.map(|counts| counts.redeemed + counts.held).sum();
        Some(total.limit.saturating_sub(used))
    }

    fn came_back(&self, campaign: CampaignNumber) -> u64 {
        self.shards.iter().map(|station| station.history.model().came_back(campaign)).sum()
    }
}

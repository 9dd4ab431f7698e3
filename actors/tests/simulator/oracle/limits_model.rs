//! Limits that span codes, as a child would keep them in one shard: who used how often, which claims
//! are pending, what became of attempts, what is owed, what was lent. In words: ARCHITECTURE.

use std::collections::BTreeMap;

use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::machine::Outcome;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::rules::Period;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{
    Acknowledgement, Claim, ClaimUse, Command, Event, Extent, Fate, GiveBack, OwedUse,
    PendingClaim, Record, Shard, Share, ShareBook, UserDigest,
};
use redeemd_domain::slot::ShardLayout;
use redeemd_domain::timestamp::Timestamp;

use super::modelled::Stamp;
use super::shard_model::ShardModel;

/// What one shard keeps of limits that span codes.
#[derive(Debug)]
pub(super) struct Limits {
    layout: ShardLayout,
    shard: u16,
    /// In the last period in which somebody redeemed.
    users: BTreeMap<UserDigest, (Period, u32)>,
    pending: BTreeMap<u64, PendingClaim>,
    attempts: BTreeMap<u16, Numbers<Fate>>,
    owed_last: u64,
    owed: BTreeMap<(u16, u64), OwedUse>,
    received: BTreeMap<u16, Numbers<()>>,
    pub(super) books: BTreeMap<CampaignNumber, ShareBook>,
}

/// What became of numbered messages; below a number everything is over.
#[derive(Debug)]
struct Numbers<T> {
    below: u64,
    known: BTreeMap<u64, T>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { below: 0, known: BTreeMap::new() }
    }
}

impl<T> Numbers<T> {
    fn is_new(&self, number: u64, below: u64) -> bool {
        number >= self.below.max(below) && !self.known.contains_key(&number)
    }

    fn end_below(&mut self, number: u64) {
        self.below = self.below.max(number);
        self.known.retain(|known, _| *known >= number);
    }
}

impl Limits {
    pub(super) fn new(layout: ShardLayout, sequence: SequenceId) -> Self {
        Self {
            layout,
            shard: sequence.as_shard().unwrap_or_default(),
            users: BTreeMap::new(),
            pending: BTreeMap::new(),
            attempts: BTreeMap::new(),
            owed_last: 0,
            owed: BTreeMap::new(),
            received: BTreeMap::new(),
            books: BTreeMap::new(),
        }
    }

    fn used(&self, user: &UserDigest, period: Period) -> u32 {
        self.users.get(user).filter(|(known, _)| *known == period).map_or(0, |(_, count)| *count)
    }

    fn take_back(&mut self, user: &UserDigest, period: Period) {
        if let Some((known, count)) = self.users.get_mut(user)
            && *known == period
        {
            *count = count.saturating_sub(1);
        }
    }

    fn fate(&self, shard: u16, number: u64) -> Option<Fate> {
        let numbers = self.attempts.get(&shard)?;
        if number < numbers.below {
            return Some(Fate::Refused);
        }
        numbers.known.get(&number).copied()
    }
}

impl ShardModel {
    /// Whether a claim is void, because it served an attempt before or is settled.
    pub(super) fn is_void(&self, claim: Claim) -> bool {
        let numbers = self.limits.attempts.get(&claim.shard);
        let is_new = |numbers: &Numbers<Fate>| numbers.is_new(claim.number, claim.resolved_below);
        !numbers.map_or(claim.number >= claim.resolved_below, is_new)
    }

    /// The step that must come before a use is taken.
    pub(super) fn first_step(
        &self,
        campaign: CampaignNumber,
        user: &str,
        claim: Option<Claim>,
    ) -> Option<Acknowledgement> {
        if self.share(campaign).is_some_and(|share| share.left == 0) {
            return Some(Acknowledgement::ShareFirst { campaign });
        }
        let rules = self.campaigns.get(&campaign)?.rules.as_ref()?;
        let is_missing = rules.uses_per_user.is_some() && claim.is_none();
        let user = UserDigest::new(campaign, user);
        is_missing.then_some(Acknowledgement::ClaimFirst { campaign, user })
    }

    pub(super) fn share(&self, campaign: CampaignNumber) -> Option<Share> {
        let book = *self.limits.books.get(&campaign)?;
        let lent = (book.base + book.granted).checked_sub(book.returned).expect("it had it");
        let left = lent.checked_sub(self.used(campaign)).expect("no use without a share");
        Some(Share { book, left })
    }

    /// How many uses of a campaign's codes are taken here.
    pub(super) fn used(&self, campaign: CampaignNumber) -> u64 {
        let of_campaign = self
            .codes
            .iter()
            .filter(|(key, _)| self.terms(key).is_some_and(|terms| terms.view.number == campaign));
        of_campaign.map(|(_, life)| life.uses() + life.holds.len() as u64).sum()
    }

    /// What must come of a step of one of the protocols; `None` where the command is none.
    pub(super) fn step(&self, command: &Command, stamp: Stamp) -> Option<Outcome<Shard>> {
        let told = match command {
            Command::ClaimUse(wish) => match self.claim(wish, stamp) {
                Ok(told) => told,
                Err(refusal) => return Some(Outcome::Refused(refusal)),
            },
            Command::Forbid(forbid) => {
                let fate = self.limits.fate(forbid.shard, forbid.number);
                Acknowledgement::Attempted(fate.unwrap_or(Fate::Refused))
            }
            Command::TakeShare { campaign, since, granted } => {
                self.changed(*campaign, since.0, |share| {
                    share.left += granted.saturating_sub(share.book.granted);
                    share.book.granted = share.book.granted.max(*granted);
                })
            }
            Command::ReturnShare { campaign, since, keep } => {
                self.changed(*campaign, since.0, |share| {
                    let back = share.left.saturating_sub(*keep);
                    share.book.returned += back;
                    share.left -= back;
                })
            }
            Command::Settle(_) | Command::GiveBack(_) | Command::Delivered { .. } => {
                return Some(Outcome::Unchanged);
            }
            _ => return None,
        };
        Some(Outcome::Acknowledged(told))
    }

    fn claim(&self, wish: &ClaimUse, stamp: Stamp) -> Result<Acknowledgement, Refusal> {
        let rules = self.campaigns.get(&wish.campaign).and_then(|terms| terms.rules.as_ref());
        let Some((rules, limit)) = rules.and_then(|rules| Some((rules, rules.uses_per_user?)))
        else {
            return Ok(Acknowledgement::NoUserLimit);
        };
        let period = rules.period_at(&limit, stamp.at);
        let limits = &self.limits;
        let used = limits.used(&wish.user, period);
        let is_theirs = |claim: &&PendingClaim| claim.user == wish.user && claim.period == period;
        let pending = limits.pending.values().filter(is_theirs).count() as u32;
        if used.saturating_sub(pending) >= limit.limit {
            return Err(Refusal::UserLimitReached);
        }
        if used >= limit.limit {
            return Ok(Acknowledgement::ClaimsPending);
        }
        let shard = limits.layout.shard_of(wish.code.slot());
        let is_there = |claim: &&PendingClaim| limits.layout.shard_of(claim.code.slot()) == shard;
        let oldest = limits.pending.values().find(is_there).map(|claim| claim.number);
        Ok(Acknowledgement::Claimed(Claim {
            shard: limits.shard,
            number: stamp.number,
            resolved_below: oldest.unwrap_or(stamp.number),
            period,
        }))
    }

    fn changed(
        &self,
        campaign: CampaignNumber,
        since: u32,
        change: impl FnOnce(&mut Share),
    ) -> Acknowledgement {
        match self.share(campaign).filter(|share| share.book.since.0 == since) {
            Some(mut share) => {
                change(&mut share);
                Acknowledgement::Share(share)
            }
            None => Acknowledgement::NoShare,
        }
    }

    /// Takes in what a step came to.
    pub(super) fn absorb_step(
        &mut self,
        command: &Command,
        at: Timestamp,
        outcome: &Outcome<Shard>,
    ) {
        let told = match outcome {
            Outcome::Acknowledged(told) => Some(told),
            _ => None,
        };
        let limits = &mut self.limits;
        match (command, told) {
            (Command::ClaimUse(wish), Some(Acknowledgement::Claimed(claim))) => {
                let ClaimUse { campaign, user, code } = *wish;
                let Claim { number, period, .. } = *claim;
                let used = limits.used(&user, period) + 1;
                limits.users.insert(user, (period, used));
                let pending = PendingClaim { number, at, campaign, user, period, code };
                limits.pending.insert(number, pending);
            }
            (Command::Settle(settle), _) => {
                limits.pending.retain(|number, _| !settle.settled.contains(number));
                for number in &settle.returned {
                    if let Some(claim) = limits.pending.remove(number) {
                        limits.take_back(&claim.user, claim.period);
                    }
                }
            }
            (Command::Forbid(forbid), Some(Acknowledgement::Attempted(fate))) => {
                let numbers = limits.attempts.entry(forbid.shard).or_default();
                if forbid.number >= numbers.below {
                    numbers.known.entry(forbid.number).or_insert(*fate);
                }
            }
            (Command::GiveBack(GiveBack { shard, none_below, uses }), _) => {
                for owed in uses {
                    let numbers = limits.received.entry(*shard).or_default();
                    numbers.end_below(*none_below);
                    if numbers.is_new(owed.number, 0) {
                        numbers.known.insert(owed.number, ());
                        limits.take_back(&owed.user, owed.period);
                    }
                }
            }
            (Command::Delivered { shard, numbers }, _) => {
                let is_it = |place: &(u16, u64)| place.0 == *shard && numbers.contains(&place.1);
                limits.owed.retain(|place, _| !is_it(place));
            }
            (
                Command::TakeShare { campaign, .. } | Command::ReturnShare { campaign, .. },
                Some(Acknowledgement::Share(share)),
            ) => drop(limits.books.insert(*campaign, share.book)),
            _ => {}
        }
    }

    /// Takes in what became of an attempt with a claim.
    pub(super) fn absorb_attempt(&mut self, claim: Claim, outcome: &Outcome<Shard>) {
        let numbers = self.limits.attempts.entry(claim.shard).or_default();
        numbers.end_below(claim.resolved_below);
        let fate = match outcome {
            Outcome::Acknowledged(
                Acknowledgement::ClaimVoid | Acknowledgement::ShareFirst { .. },
            ) => return,
            Outcome::Done(record) if record.claim() == Some(claim) => Fate::Granted,
            _ => Fate::Refused,
        };
        let former = numbers.known.insert(claim.number, fate);
        assert_eq!(former, None, "{claim:?} served two attempts");
    }

    /// Takes in that uses come back: they are owed to their users, and no longer the shard's.
    pub(super) fn absorb_return(&mut self, record: &Record) {
        let mut back = Vec::new();
        match &record.event {
            Event::RolledBack(undone) if undone.extent == Extent::Whole => {
                let life = self.life(&undone.code);
                let redemption = life.redemption(undone.redemption).expect("it happened");
                back.push((undone.campaign, undone.user.clone(), redemption.claim));
            }
            Event::HoldReleased(ended) => {
                let claim = self.life(&ended.code).hold(ended.id).and_then(|hold| hold.claim);
                back.push((ended.campaign, ended.user.clone(), claim));
            }
            Event::HoldsExpired(all) => {
                for ended in all {
                    let claim = self.life(&ended.code).hold(ended.id).and_then(|hold| hold.claim);
                    back.push((ended.campaign, ended.user.clone(), claim));
                }
            }
            _ => {}
        }
        let limits = &mut self.limits;
        for (campaign, user, claim) in back {
            if let Some(claim) = claim {
                limits.owed_last += 1;
                let (number, period) = (limits.owed_last, claim.period);
                let user = UserDigest::new(campaign, &user);
                let target = limits.layout.shard_of(user.slot());
                limits.owed.insert((target, number), OwedUse { number, user, period });
            }
            if let Some(book) = limits.books.get_mut(&campaign) {
                book.returned += 1;
            }
        }
    }

    /// A campaign was taken over: another total begins another book.
    pub(super) fn open_book(&mut self, campaign: CampaignNumber) {
        let rules = self.campaigns.get(&campaign).and_then(|terms| terms.rules.as_ref());
        let total = rules.and_then(|rules| rules.total_uses);
        let known = self.limits.books.get(&campaign).map(|book| book.since);
        if total.map(|total| total.since) == known {
            return;
        }
        self.limits.books.remove(&campaign);
        if let Some(total) = total {
            let base = self.used(campaign);
            let book = ShareBook { since: total.since, base, ..ShareBook::default() };
            self.limits.books.insert(campaign, book);
        }
    }

    /// The claims that are pending up to an entry, so many at most.
    pub(super) fn pending(&self, through: u64, most: usize) -> Vec<PendingClaim> {
        let claims = self.limits.pending.values().filter(|claim| claim.number <= through);
        claims.take(most).copied().collect()
    }

    /// What is owed next.
    pub(super) fn owed(&self, from: u16) -> Option<(u16, GiveBack)> {
        let (&(target, none_below), _) = self.limits.owed.range((from, 0)..).next()?;
        let uses = self.limits.owed.range((target, 0)..=(target, u64::MAX));
        let uses = uses.map(|(_, owed)| *owed).collect();
        Some((target, GiveBack { shard: self.limits.shard, none_below, uses }))
    }

    /// How often each user redeemed in the last period in which they did.
    pub(crate) fn users(&self) -> impl Iterator<Item = (UserDigest, Period, u32)> {
        self.limits.users.iter().map(|(user, (period, count))| (*user, *period, *count))
    }

    /// Whether claims are pending or uses owed.
    pub(crate) fn is_settled(&self) -> bool {
        self.limits.pending.is_empty() && self.limits.owed.is_empty()
    }

    /// The user and the period of every claim that a live redemption or a hold has used up.
    pub(crate) fn live_claims(&self) -> Vec<(UserDigest, Period)> {
        let mut live = Vec::new();
        for (key, life) in &self.codes {
            let Some(terms) = self.terms(key) else { continue };
            let user = |user: &str| UserDigest::new(terms.view.number, user);
            let redemptions = life.redemptions.iter().filter(|found| !found.is_undone);
            live.extend(
                redemptions.filter_map(|found| Some((user(&found.user), found.claim?.period))),
            );
            let holds = life.holds.iter();
            live.extend(holds.filter_map(|hold| Some((user(&hold.user), hold.claim?.period))));
        }
        live
    }

    /// The share of every campaign with a total, and how many of its uses are taken here.
    pub(crate) fn shares(&self) -> Vec<(CampaignNumber, Share)> {
        let campaigns = self.limits.books.keys();
        campaigns.filter_map(|&number| Some((number, self.share(number)?))).collect()
    }
}

//! Limits that span codes after all shards came back from their records: every user stands where the
//! user stood, and a campaign's total is reached and not exceeded.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use redeemd_domain::campaign::{History, Revision};
use redeemd_domain::control;
use redeemd_domain::entry::Entry;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::{Machine as _, Outcome};
use redeemd_domain::rules::{Per, Rules, TimeZone, TotalLimit, UserLimit};
use redeemd_domain::shard::{
    Acknowledgement, Claim, ClaimUse, Command, End, Event, PlaceHold, Query, Rebuilder, Record,
    Release, Reply, RollBack, Shard, UserTally,
};
use redeemd_domain::timestamp::Timestamp;

use crate::harness::sections;
use crate::limits_world::{LAYOUT, World};

const USERS: [&str; 4] = ["ann", "bob", "cyd", "dan"];
const API_KEY: ApiKeyNumber = ApiKeyNumber(1);

/// What may happen next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Redeem {
        user: usize,
        code: u64,
    },
    Hold {
        user: usize,
        code: u64,
    },
    /// A claim of which nothing ever comes.
    Claim {
        user: usize,
        code: u64,
    },
    Release {
        which: usize,
    },
    RollBack {
        which: usize,
    },
    Pass {
        hours: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (user, code) = (|| 0..USERS.len(), || 0..40u64);
    prop_oneof![
        6 => (user(), code()).prop_map(|(user, code)| Step::Redeem { user, code }),
        3 => (user(), code()).prop_map(|(user, code)| Step::Hold { user, code }),
        1 => (user(), code()).prop_map(|(user, code)| Step::Claim { user, code }),
        2 => any::<usize>().prop_map(|which| Step::Release { which }),
        3 => any::<usize>().prop_map(|which| Step::RollBack { which }),
        1 => (1..30u64).prop_map(|hours| Step::Pass { hours }),
    ]
}

struct Play {
    world: World,
    /// What the ledger has of each shard.
    records: Vec<Vec<Record>>,
    holds: Vec<Release>,
    redemptions: Vec<RollBack>,
}

impl Play {
    fn new(rules: Rules) -> Self {
        let records = vec![Vec::new(); LAYOUT.shards().into()];
        Self { world: World::new(rules), records, holds: Vec::new(), redemptions: Vec::new() }
    }

    fn apply(&mut self, shard: u16, command: Command) -> Outcome<Shard> {
        let outcome = self.world.apply(shard, command);
        if let Outcome::Done(record) = &outcome {
            self.records[usize::from(shard)].push(Record::clone(record));
        }
        outcome
    }

    /// A claim on a use of a user, if there is one left.
    fn claim(&mut self, user: usize, code: u64) -> Option<Claim> {
        let code = self.world.code(code);
        let (digest, shard) = self.world.user(USERS[user]);
        let wish = ClaimUse { campaign: self.world.campaign, user: digest, code };
        match self.apply(shard, Command::ClaimUse(wish)) {
            Outcome::Acknowledged(Acknowledgement::Claimed(claim)) => Some(claim),
            _ => None,
        }
    }

    /// Takes a use of a code with a claim, and settles the claim.
    fn attempt(&mut self, user: usize, code: u64, command: impl FnOnce(Claim) -> Command) {
        let Some(claim) = self.claim(user, code) else { return };
        let shard = self.world.shard_of(&self.world.code(code));
        let outcome = self.apply(shard, command(claim));
        let granted = match &outcome {
            Outcome::Done(record) => record.claim() == Some(claim),
            _ => false,
        };
        let numbers = [claim.number];
        let (settled, returned): (&[u64], &[u64]) =
            if granted { (&numbers, &[]) } else { (&[], &numbers) };
        self.world.settle(claim.shard, settled, returned);
        let Outcome::Done(record) = outcome else { return };
        match &record.event {
            Event::HoldPlaced(placed) => self.holds.push(Release {
                hold: placed.hold.id,
                code: placed.hold.code,
                api_key: API_KEY,
            }),
            Event::Spent(spent) => self.redemptions.push(RollBack {
                redemption: record.redemption().unwrap().0,
                code: spent.redemption.code,
                user: spent.redemption.user.clone(),
                generation: spent.redemption.generation,
                claim: spent.claim,
                spent: None,
                amount: None,
                max_age_ms: u64::MAX,
                reason: "because".into(),
                api_key: API_KEY,
                request: None,
            }),
            other => panic!("{other:?}"),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Redeem { user, code } => {
                let wish = self.world.spend(self.world.code(code), USERS[user], None);
                self.attempt(user, code, |claim| wish.with_claim(Some(claim)).unwrap());
            }
            Step::Hold { user, code } => {
                let code_key = self.world.code(code);
                self.attempt(user, code, |claim| {
                    Command::PlaceHold(Box::new(PlaceHold {
                        code: code_key,
                        user: USERS[user].into(),
                        ttl_ms: 10_000_000_000,
                        claim: Some(claim),
                        api_key: API_KEY,
                        request: None,
                    }))
                });
            }
            Step::Claim { user, code } => {
                self.claim(user, code);
            }
            Step::Release { which } => {
                let Some(index) = which.checked_rem(self.holds.len()) else { return };
                let release = self.holds[index];
                self.apply(self.world.shard_of(&release.code), Command::Release(release));
            }
            Step::RollBack { which } => {
                let Some(index) = which.checked_rem(self.redemptions.len()) else { return };
                let roll_back = self.redemptions[index].clone();
                let shard = self.world.shard_of(&roll_back.code);
                self.apply(shard, Command::RollBack(roll_back.into()));
            }
            Step::Pass { hours } => self.world.now += hours * 3_600_000,
        }
        self.deliver();
    }

    /// What is owed to users reaches them.
    fn deliver(&mut self) {
        for shard in 0..LAYOUT.shards() {
            while let Reply::Owed(Some((target, give_back))) =
                self.world.ask(shard, Query::Owed { from: 0 })
            {
                let numbers = give_back.uses.iter().map(|owed| owed.number).collect();
                self.world.apply(target, Command::GiveBack(give_back));
                self.world.apply(shard, Command::Delivered { shard: target, numbers });
            }
        }
    }

    /// Every claim of which nothing came is returned.
    fn settle_all(&mut self) {
        for shard in 0..LAYOUT.shards() {
            let query = Query::PendingClaims { through: u64::MAX, most: 1_000 };
            let Reply::PendingClaims(pending) = self.world.ask(shard, query) else { panic!() };
            let numbers: Vec<u64> = pending.iter().map(|claim| claim.number).collect();
            self.world.settle(shard, &[], &numbers);
        }
    }

    /// How often each user can still redeem now.
    fn uses_left(&self) -> Vec<usize> {
        let left = |name: &&str| {
            let (user, shard) = self.world.user(name);
            let mut shard = self.world.shards[usize::from(shard)].clone();
            let (campaign, code) = (self.world.campaign, self.world.code(0));
            let claims = || {
                let command = Command::ClaimUse(ClaimUse { campaign, user, code });
                let (number, at, covered) = (shard.last() + 1, Timestamp(self.world.now), 0);
                shard.apply(Entry { number, at, covered, command })
            };
            let is_claimed = |outcome: Outcome<Shard>| {
                matches!(outcome, Outcome::Acknowledged(Acknowledgement::Claimed(_)))
            };
            std::iter::repeat_with(claims).take_while(|it| is_claimed(it.clone())).count()
        };
        USERS.iter().map(left).collect()
    }

    /// All shards, brought back from their records.
    fn rebuilt(&self) -> Vec<Shard> {
        let mut history = History::default();
        history.add(&self.world.campaign());
        let history = Arc::new(history);
        let mut tally = UserTally::new(Timestamp(0));
        let mut rebuilders = Vec::new();
        for (shard, records) in (0..).zip(&self.records) {
            let mut rebuilder = Rebuilder::new(LAYOUT, shard, Arc::clone(&history));
            for record in records {
                let former = |number| records.iter().find(|it| it.number == number).cloned();
                tally.count(&rebuilder.take(record, former).unwrap());
            }
            rebuilders.push(rebuilder);
        }
        let all: Vec<u64> = self.world.shards.iter().map(|shard| shard.last()).collect();
        let ends = rebuilders.into_iter().zip(tally.by_shard(LAYOUT)).zip(&all);
        let finish = |((rebuilder, users), &through): ((Rebuilder, Vec<_>), &u64)| {
            rebuilder.finish(End { through, all: &all }, users)
        };
        ends.map(finish).collect()
    }
}

/// The state without what is under way between shards: sections of books, claims, attempts, and
/// what is owed. Counters of days may differ in what is over: a claim of today that came to nothing
/// makes a user's counter that of today, and leaves no record.
fn settled_sections(shard: &Shard, per: Per) -> Vec<Vec<u8>> {
    let left_out = if per == Per::Ever { 9..=13 } else { 8..=13 };
    let is_kept = |section: &Vec<u8>| !left_out.contains(&section[0]);
    sections(shard).into_iter().filter(is_kept).collect()
}

fn advance(shard: &mut Shard, now: u64) {
    let (number, covered) = (shard.last() + 1, shard.last());
    shard.apply(Entry { number, at: Timestamp(now), covered, command: Command::Advance });
}

fn user_rules(per: Per) -> Rules {
    let limit = UserLimit { limit: 3, per, zone: 0 };
    Rules { zones: vec![TimeZone::UTC], uses_per_user: Some(limit), ..Rules::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn every_user_stands_where_the_user_stood(
        steps in vec(step(), 1..120), per in prop::sample::select(&[Per::Ever, Per::Day][..]),
    ) {
        let mut play = Play::new(user_rules(per));
        steps.iter().for_each(|step| play.take(*step));
        play.settle_all();
        let mut rebuilt = play.rebuilt();
        for (rebuilt, original) in rebuilt.iter_mut().zip(&mut play.world.shards) {
            prop_assert_eq!(rebuilt.unfinished(), Default::default());
            advance(rebuilt, play.world.now);
            advance(original, play.world.now);
            prop_assert!(settled_sections(rebuilt, per) == settled_sections(original, per));
        }
        let before = play.uses_left();
        play.world.shards = rebuilt;
        prop_assert_eq!(play.uses_left(), before);
    }

    #[test]
    fn a_total_is_reached_and_not_exceeded(redeemed in vec(0..40u64, 0..20), limit in 1..30u64) {
        let total = TotalLimit { limit, since: Revision(1) };
        let mut play = Play::new(Rules { total_uses: Some(total), ..Rules::default() });
        let mut uses = BTreeMap::new();
        for code in redeemed {
            redeem_of_total(&mut play, code, &mut uses);
        }
        // The loss: control forgets what it lent, and the shards come back.
        play.world.shards = play.rebuilt();
        play.world.control = without_shares(&play.world);
        for code in 0..40 {
            redeem_of_total(&mut play, code, &mut uses);
        }
        prop_assert_eq!(uses.len() as u64, limit, "neither one too many nor one stranded");
    }
}

/// The control state as it comes back: without what was lent.
fn without_shares(world: &World) -> control::Control {
    use redeemd_domain::machine::Decode as _;
    let mut decoder = control::Decoder::default();
    for section in sections(&world.control).iter().filter(|section| section[0] != 0x14) {
        decoder.section(section).unwrap();
    }
    let control = decoder.finish().unwrap();
    assert!(control.shares(world.campaign).is_none());
    control
}

/// Redeems a code of a campaign with a total, lending what it takes one by one.
fn redeem_of_total(play: &mut Play, code: u64, uses: &mut BTreeMap<u64, ()>) {
    let campaign = play.world.campaign;
    let key = play.world.code(code);
    let shard = play.world.shard_of(&key);
    let spend = play.world.spend(key, "ann", None);
    for _ in 0..3 {
        match play.apply(shard, spend.clone()) {
            Outcome::Done(_) => {
                assert!(uses.insert(code, ()).is_none(), "{code} was redeemed twice");
                return;
            }
            Outcome::Acknowledged(Acknowledgement::ShareFirst { .. }) => {}
            _ => return,
        }
        let books = play.world.shards.iter().map(|it| it.campaign(campaign).unwrap().book.unwrap());
        let books: Vec<_> = books.collect();
        let since = books[0].since;
        let bases = books.iter().map(|book| book.base).collect();
        play.world.tell(control::Command::OpenShares { campaign, since, bases });
        let granted = books[usize::from(shard)].granted + 1;
        play.world.tell(control::Command::GrantShare { campaign, since, shard, granted });
        let book = play.world.control.shares(campaign).unwrap().books[usize::from(shard)];
        let take = Command::TakeShare { campaign, since, granted: book.granted };
        play.world.apply(shard, take);
    }
}

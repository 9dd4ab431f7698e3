//! The protocol of uses per user, over several shards: messages come in any order, late, twice or
//! never, and whoever drives a step may die after it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use redeemd_domain::machine::{Machine as _, Outcome};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::rules::{Per, Rules, TimeZone, UserLimit};
use redeemd_domain::shard::{
    Acknowledgement, Claim, ClaimUse, Command, Fate, Forbid, PendingClaim, Query, Reply,
    UserStanding,
};

use crate::limits_world::{LAYOUT, World};

const LIMIT: u32 = 2;
const USERS: [&str; 3] = ["ann", "bob", "cyd"];

fn rules(per: Per) -> Rules {
    let limit = UserLimit { limit: LIMIT, per, zone: 0 };
    Rules { zones: vec![TimeZone::UTC], uses_per_user: Some(limit), ..Rules::default() }
}

/// What may happen next; numbers choose among what there is.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Somebody wants to redeem a code and makes a claim; perhaps dies right after it.
    Claim { user: usize, code: u64, dies: bool },
    /// An attempt with a claim comes to the code's shard; perhaps its answer is lost.
    Attempt { which: usize, lost: bool },
    /// What is known to be settled or returned comes to the user's shard; perhaps it comes again
    /// later.
    Settle { again: bool },
    /// The resolver asks about every claim of a shard that is pending.
    Resolve { shard: u16, lost: bool },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..USERS.len(), 0..12u64, prop::bool::weighted(0.2))
            .prop_map(|(user, code, dies)| Step::Claim { user, code, dies }),
        4 => (any::<usize>(), prop::bool::weighted(0.3))
            .prop_map(|(which, lost)| Step::Attempt { which, lost }),
        2 => any::<bool>().prop_map(|again| Step::Settle { again }),
        1 => (0..LAYOUT.shards(), prop::bool::weighted(0.3))
            .prop_map(|(shard, lost)| Step::Resolve { shard, lost }),
    ]
}

struct Play {
    world: World,
    /// Claims whose attempts are on their way: the user and the code.
    attempts: Vec<(usize, u64, Claim)>,
    /// What is to be told to the users' shards, by claim: whether it was granted.
    known: Vec<(Claim, Fate)>,
    /// How often each user has really redeemed.
    redeemed: BTreeMap<usize, u32>,
}

impl Play {
    fn new() -> Self {
        let world = World::new(rules(Per::Ever));
        let (attempts, known) = (Vec::new(), Vec::new());
        Self { world, attempts, known, redeemed: BTreeMap::new() }
    }

    fn claim(
        &mut self,
        user: usize,
        code: u64,
    ) -> Result<Claim, Outcome<redeemd_domain::shard::Shard>> {
        let key = self.world.code(code);
        let place = self.world.shard_of(&key);
        let first = self.world.apply(place, self.world.spend(key, USERS[user], None));
        let Outcome::Acknowledged(Acknowledgement::ClaimFirst { campaign, user: digest }) = first
        else {
            return Err(first);
        };
        let (known, shard) = self.world.user(USERS[user]);
        assert_eq!(known, digest);
        let wish = ClaimUse { campaign, user: digest, code: key };
        match self.world.apply(shard, Command::ClaimUse(wish)) {
            Outcome::Acknowledged(Acknowledgement::Claimed(claim)) => Ok(claim),
            other => Err(other),
        }
    }

    fn attempt(&mut self, user: usize, code: u64, claim: Claim) -> Fate {
        let key = self.world.code(code);
        let place = self.world.shard_of(&key);
        match self.world.apply(place, self.world.spend(key, USERS[user], Some(claim))) {
            Outcome::Done(_) => {
                *self.redeemed.entry(user).or_default() += 1;
                Fate::Granted
            }
            Outcome::Refused(Refusal::AlreadyRedeemed)
            | Outcome::Acknowledged(Acknowledgement::ClaimVoid) => Fate::Refused,
            other => panic!("{other:?}"),
        }
    }

    fn settle(&mut self, again: bool) {
        for &(claim, fate) in &self.known {
            let (settled, returned) = match fate {
                Fate::Granted => (vec![claim.number], vec![]),
                Fate::Refused => (vec![], vec![claim.number]),
            };
            self.world.settle(claim.shard, &settled, &returned);
        }
        if !again {
            self.known.clear();
        }
    }

    fn resolve(&mut self, shard: u16, lost: bool) {
        let query = Query::PendingClaims { through: u64::MAX, most: 100 };
        let Reply::PendingClaims(pending) = self.world.ask(shard, query) else { panic!() };
        for PendingClaim { number, code, period, .. } in pending {
            let forbid = Command::Forbid(Forbid { shard, number, code });
            let told = self.world.apply(self.world.shard_of(&code), forbid);
            let Outcome::Acknowledged(Acknowledgement::Attempted(fate)) = told else {
                panic!("{told:?}");
            };
            if !lost {
                self.known.push((Claim { shard, number, resolved_below: 0, period }, fate));
            }
        }
        if !lost {
            self.settle(false);
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Claim { user, code, dies } => {
                if let Ok(claim) = self.claim(user, code)
                    && !dies
                {
                    self.attempts.push((user, code, claim));
                }
            }
            Step::Attempt { which, lost } if !self.attempts.is_empty() => {
                let (user, code, claim) = self.attempts.remove(which % self.attempts.len());
                let fate = self.attempt(user, code, claim);
                if !lost {
                    self.known.push((claim, fate));
                }
            }
            Step::Attempt { .. } => {}
            Step::Settle { again } => self.settle(again),
            Step::Resolve { shard, lost } => self.resolve(shard, lost),
        }
        for (user, redeemed) in &self.redeemed {
            assert!(*redeemed <= LIMIT, "{} redeemed {redeemed} times", USERS[*user]);
        }
    }

    /// When everything is resolved, everybody has exactly what the limit leaves.
    fn end(mut self) {
        (0..LAYOUT.shards()).for_each(|shard| self.resolve(shard, false));
        // An attempt that is later than its claim's resolution comes to nothing.
        for (user, code, claim) in std::mem::take(&mut self.attempts) {
            assert_eq!(self.attempt(user, code, claim), Fate::Refused);
        }
        for shard in &self.world.shards {
            assert_eq!((shard.unfinished().claims, shard.unfinished().owed), (0, 0));
        }
        for user in 0..USERS.len() {
            let redeemed = self.redeemed.get(&user).copied().unwrap_or(0);
            for number in redeemed..LIMIT {
                let code = 100 + user as u64 * 10 + u64::from(number);
                let claim = self.claim(user, code).unwrap();
                assert_eq!(self.attempt(user, code, claim), Fate::Granted, "a use is stranded");
                self.known.push((claim, Fate::Granted));
                self.settle(false);
            }
            let refused = self.claim(user, 200 + user as u64);
            assert_eq!(refused, Err(Outcome::Refused(Refusal::UserLimitReached)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_user_is_above_the_limit_and_no_use_is_stranded(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut play = Play::new();
        for step in steps {
            play.take(step);
        }
        play.world.check_snapshots();
        play.end();
    }
}

#[test]
fn the_last_use_waits_for_what_is_pending() {
    let mut play = Play::new();
    let (one, two) = (play.claim(0, 1).unwrap(), play.claim(0, 2).unwrap());
    let pending = Err(Outcome::Acknowledged(Acknowledgement::ClaimsPending));
    assert_eq!(play.claim(0, 3), pending);
    play.world.settle(one.shard, &[one.number], &[]);
    assert_eq!(play.claim(0, 3), pending, "the other one may come to nothing");
    play.world.settle(two.shard, &[], &[two.number]);
    let three = play.claim(0, 3).unwrap();
    play.world.settle(three.shard, &[three.number], &[]);
    assert_eq!(play.claim(0, 4), Err(Outcome::Refused(Refusal::UserLimitReached)));
    let (user, shard) = play.world.user(USERS[0]);
    let reached = play.world.ask(shard, Query::UserLimit(play.world.campaign, user));
    assert_eq!(reached, Reply::UserLimit(UserStanding::Reached));
}

#[test]
fn a_claim_serves_one_attempt() {
    let mut play = Play::new();
    let claim = play.claim(0, 1).unwrap();
    assert_eq!(play.attempt(0, 1, claim), Fate::Granted);
    // Codes 1 and 1,025 are in one slot, so in one shard.
    assert_eq!(play.attempt(0, 1 + 1024, claim), Fate::Refused);
    play.world.settle(claim.shard, &[claim.number], &[]);
    let next = play.claim(0, 1 + 2048).unwrap();
    assert_eq!(next.resolved_below, next.number, "all before it are resolved");
    assert_eq!(play.attempt(0, 1 + 2048, next), Fate::Granted);
    assert_eq!(play.attempt(0, 1 + 3072, claim), Fate::Refused, "it is over and forgotten");
}

#[test]
fn a_new_day_begins_a_new_count() {
    let mut play = Play::new();
    play.world = World::new(rules(Per::Day));
    for code in 0..LIMIT.into() {
        let claim = play.claim(0, code).unwrap();
        play.world.settle(claim.shard, &[claim.number], &[]);
    }
    assert!(play.claim(0, 10).is_err());
    let yesterday = {
        let pending = play.claim(1, 11).unwrap();
        play.world.now += 86_400_000;
        pending
    };
    assert!(play.claim(0, 10).is_ok());
    let today = play.claim(1, 12).unwrap();
    play.world.settle(yesterday.shard, &[], &[yesterday.number]);
    play.world.settle(today.shard, &[today.number], &[]);
    assert!(play.claim(1, 13).is_ok());
    assert!(play.claim(1, 14).is_err(), "a use of yesterday that came to nothing is none of today");
}

#[test]
fn where_users_are_not_limited_no_claim_is_made() {
    let mut play = Play::new();
    play.world = World::new(Rules::default());
    let key = play.world.code(1);
    let (user, shard) = play.world.user("ann");
    let wish = ClaimUse { campaign: play.world.campaign, user, code: key };
    let told = play.world.apply(shard, Command::ClaimUse(wish));
    assert_eq!(told, Outcome::Acknowledged(Acknowledgement::NoUserLimit));
    let spend = play.world.spend(key, "ann", None);
    assert!(matches!(play.world.apply(play.world.shard_of(&key), spend), Outcome::Done(_)));
}

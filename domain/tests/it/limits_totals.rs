//! The protocol of totals, over several shards and the control sequence: messages come late, twice
//! or never, and the limit changes under way.

use proptest::prelude::*;
use redeemd_domain::campaign::Revision;
use redeemd_domain::control::{self, RuleChanges};
use redeemd_domain::machine::Outcome;
use redeemd_domain::rules::{Rules, TotalLimit};
use redeemd_domain::shard::{Acknowledgement, Command, Query, Reply, Share, ShareBook};

use crate::limits_world::{LAYOUT, World};

#[derive(Clone, Copy, Debug)]
enum Step {
    Redeem {
        shard: u16,
    },
    Open,
    /// Grants more; perhaps the shard never hears of it.
    Grant {
        shard: u16,
        more: u64,
        lost: bool,
    },
    /// The shard hears of a grant as it was then, perhaps long ago.
    Take {
        shard: u16,
        granted: u64,
    },
    /// Gives back; perhaps nobody hears of it.
    Return {
        shard: u16,
        keep: u64,
        lost: bool,
    },
    /// Another limit; no shard knows it yet.
    Limit {
        limit: u64,
    },
    /// A shard learns of the campaign as it is.
    Spread {
        shard: u16,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let shard = || 0..LAYOUT.shards();
    prop_oneof![
        8 => shard().prop_map(|shard| Step::Redeem { shard }),
        2 => Just(Step::Open),
        4 => (shard(), 1..8u64, any::<bool>())
            .prop_map(|(shard, more, lost)| Step::Grant { shard, more, lost }),
        1 => (shard(), 0..30u64).prop_map(|(shard, granted)| Step::Take { shard, granted }),
        3 => (shard(), 0..4u64, any::<bool>())
            .prop_map(|(shard, keep, lost)| Step::Return { shard, keep, lost }),
        1 => (1..40u64).prop_map(|limit| Step::Limit { limit }),
        3 => shard().prop_map(|shard| Step::Spread { shard }),
    ]
}

struct Play {
    world: World,
    redeemed: u64,
    next: u64,
    /// How often it may have been redeemed when the present limit reached the last shard.
    allowed: u64,
}

impl Play {
    fn new(limit: u64) -> Self {
        let total_uses = Some(TotalLimit { limit, since: Revision(0) });
        let world = World::new(Rules { total_uses, ..Rules::default() });
        Self { world, redeemed: 0, next: 0, allowed: limit }
    }

    fn limit(&self) -> TotalLimit {
        self.world.campaign().rules.as_ref().unwrap().total_uses.unwrap()
    }

    fn share(&self, shard: u16) -> Share {
        let Reply::Share(Some(share)) = self.world.ask(shard, Query::Share(self.world.campaign))
        else {
            panic!("the shard has no share")
        };
        share
    }

    /// Whether every shard knows the present limit.
    fn is_known(&self) -> bool {
        (0..LAYOUT.shards()).all(|shard| self.share(shard).book.since == self.limit().since)
    }

    fn redeem(&mut self, shard: u16) -> bool {
        let code = loop {
            self.next += 1;
            let code = self.world.code(self.next);
            if self.world.shard_of(&code) == shard {
                break code;
            }
        };
        match self.world.apply(shard, self.world.spend(code, "ann", None)) {
            Outcome::Done(_) => self.redeemed += 1,
            Outcome::Acknowledged(Acknowledgement::ShareFirst { .. }) => return false,
            other => panic!("{other:?}"),
        }
        true
    }

    fn open(&mut self) {
        let since = self.limit().since;
        if self.is_known() {
            let bases = (0..LAYOUT.shards()).map(|shard| self.share(shard).book.base).collect();
            let campaign = self.world.campaign;
            self.world.tell(control::Command::OpenShares { campaign, since, bases });
        }
    }

    fn book(&self, shard: u16) -> Option<ShareBook> {
        let shares = self.world.control.shares(self.world.campaign)?;
        Some(shares.books[usize::from(shard)])
    }

    fn grant(&mut self, shard: u16, more: u64, lost: bool) {
        let Some(book) = self.book(shard) else { return };
        let (campaign, since) = (self.world.campaign, book.since);
        let granted = book.granted + more;
        let grant = control::Command::GrantShare { campaign, since, shard, granted };
        let told = self.world.tell(grant.clone());
        assert!(matches!(told, Outcome::Acknowledged(control::Acknowledgement::Lent { .. })));
        let book = self.book(shard).unwrap();
        if book.granted == granted {
            self.world.tell(grant);
            assert_eq!(self.book(shard), Some(book), "a repeated grant grants nothing");
        }
        if !lost {
            self.take(shard, book.granted);
        }
    }

    /// Tells a shard of what was granted to it, up to what is true.
    fn take(&mut self, shard: u16, granted: u64) {
        let Some(book) = self.book(shard) else { return };
        let (campaign, since, granted) =
            (self.world.campaign, book.since, granted.min(book.granted));
        self.world.apply(shard, Command::TakeShare { campaign, since, granted });
    }

    fn give_back(&mut self, shard: u16, keep: u64, lost: bool) {
        let (campaign, since) = (self.world.campaign, self.share(shard).book.since);
        let told = self.world.apply(shard, Command::ReturnShare { campaign, since, keep });
        let Outcome::Acknowledged(Acknowledgement::Share(share)) = told else { panic!("{told:?}") };
        if !lost {
            let returned = share.book.returned;
            self.world.tell(control::Command::RecordReturned { campaign, since, shard, returned });
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Redeem { shard } => drop(self.redeem(shard)),
            Step::Open => self.open(),
            Step::Grant { shard, more, lost } => self.grant(shard, more, lost),
            Step::Take { shard, granted } => self.take(shard, granted),
            Step::Return { shard, keep, lost } => self.give_back(shard, keep, lost),
            Step::Limit { limit } => {
                let total_uses = Some(Some(limit));
                self.world.change(RuleChanges { total_uses, ..RuleChanges::default() });
                self.allowed = self.allowed.max(limit).max(self.redeemed);
            }
            Step::Spread { shard } => {
                let was_known = self.is_known();
                self.world.spread(shard);
                if !was_known && self.is_known() {
                    self.allowed = self.limit().limit.max(self.redeemed);
                }
            }
        }
        self.check();
    }

    fn check(&self) {
        assert!(self.redeemed <= self.allowed, "{} of {}", self.redeemed, self.allowed);
        for shard in 0..LAYOUT.shards() {
            let (own, here) = (self.share(shard).book, self.book(shard));
            if let Some(here) = here.filter(|here| here.since == own.since) {
                assert!(own.lent() <= here.lent(), "a shard has more than was lent to it");
            }
        }
    }

    /// When every message comes, the limit is reached exactly.
    fn end(mut self) {
        (0..LAYOUT.shards()).for_each(|shard| self.step(Step::Spread { shard }));
        self.open();
        while let Some(shard) = self.next_with_a_use() {
            assert!(self.redeem(shard));
            self.check();
        }
        assert_eq!(self.redeemed, self.limit().limit.max(self.redeemed), "a use is stranded");
        assert!(self.redeemed >= self.limit().limit);
    }

    /// A shard that has a use left, after every message came.
    fn next_with_a_use(&mut self) -> Option<u16> {
        for shard in 0..LAYOUT.shards() {
            self.take(shard, u64::MAX);
            self.give_back(shard, 1, false);
            if self.world.control.left_to_grant(self.world.campaign).unwrap() > 0 {
                self.grant(shard, 1, false);
            }
        }
        (0..LAYOUT.shards()).find(|&shard| self.share(shard).left > 0)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_total_is_never_exceeded_and_exactly_reached(
        limit in 1..40u64, steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut play = Play::new(limit);
        for step in steps {
            play.step(step);
        }
        play.world.check_snapshots();
        play.end();
    }
}

#[test]
fn a_share_belongs_to_its_limit() {
    let mut play = Play::new(10);
    play.open();
    play.grant(0, 4, false);
    assert!(play.redeem(0));
    let campaign = play.world.campaign;
    let former = play.limit().since;
    play.step(Step::Limit { limit: 3 });
    assert!(play.redeem(0), "the shard does not know yet");
    (0..LAYOUT.shards()).for_each(|shard| play.step(Step::Spread { shard }));
    assert!(!play.redeem(0), "what was lent of the former limit is void");
    let late = Command::TakeShare { campaign, since: former, granted: 9 };
    let told = play.world.apply(0, late);
    assert_eq!(told, Outcome::Acknowledged(Acknowledgement::NoShare));
    play.open();
    play.grant(1, 100, false);
    assert!(play.redeem(1));
    assert!(!play.redeem(1), "three of three");
}

#[test]
fn without_a_total_there_is_no_share() {
    let mut play = Play::new(1);
    assert!(!play.redeem(2), "nothing is lent yet");
    let total_uses = Some(None);
    play.world.change(RuleChanges { total_uses, ..RuleChanges::default() });
    (0..LAYOUT.shards()).for_each(|shard| play.world.spread(shard));
    assert!(play.redeem(2));
    assert_eq!(play.world.ask(2, Query::Share(play.world.campaign)), Reply::Share(None));
    let campaign = play.world.campaign;
    let open = control::Command::OpenShares { campaign, since: Revision(1), bases: vec![0; 4] };
    let told = play.world.tell(open);
    assert_eq!(told, Outcome::Acknowledged(control::Acknowledgement::NotOpen));
}

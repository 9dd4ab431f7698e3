//! One history: a seed, so many steps, and the end at which everything is compared.

use redeemd_domain::machine::Machine as _;

use crate::clients::Clients;
use crate::dice::{Dice as _, Random};
use crate::plan::Plan;
use crate::scheduler;
use crate::world::{End, World, at_station};

/// After how many steps it is looked whether all sums balance, besides after every crash.
const SUMS_EVERY: u64 = 128;

/// A history under way.
pub(crate) struct Simulation {
    pub(crate) world: World,
    clients: Clients,
    random: Random,
}

impl Simulation {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let plan = Plan::draw(&mut random);
        let clients = Clients::new(seed, &plan);
        Self { world: World::new(seed, plan), clients, random }
    }

    /// Lives through so many steps, and to the end.
    pub(crate) fn run(&mut self, steps: u64) {
        for step in 0..steps {
            self.world.trace.step = step;
            self.step();
        }
        self.world.trace.step = steps;
        self.finish();
    }

    fn step(&mut self) {
        let lives = self.world.lives;
        self.world.pass(self.random.below(12));
        self.world.meddle();
        if self.world.lives == lives {
            for _ in 0..5 {
                let has_happened = match self.random.below(100) {
                    0..=21 => self.clients.act(&mut self.world),
                    22..=33 => self.clients.hear(&mut self.world),
                    _ => scheduler::step(&mut self.world, &mut self.random),
                };
                if has_happened {
                    break;
                }
            }
            self.world.watch_waiters();
            self.world.bury();
        }
        if self.world.lives != lives {
            self.clients.lose_connections();
            self.clients.check_given(&mut self.world, Some(16));
            self.world.check_sums();
        } else if self.world.trace.step.is_multiple_of(SUMS_EVERY) {
            self.world.check_sums();
        }
    }

    /// Lets everything come to rest and compares all that there is, before and after a last crash.
    fn finish(&mut self) {
        self.world.calm_down();
        if self.world.process().fatal.is_some() {
            self.world.crash_calmly(End::Kill);
            self.clients.lose_connections();
        }
        self.clients.retire();
        self.come_to_rest();
        let fatal = &self.world.process().fatal;
        assert_eq!(*fatal, None, "nothing goes wrong any more");
        assert!(!self.clients.is_waiting(), "a client was never answered");
        self.compare();
        // Whoever is told that nothing is left now must be told otherwise when holds have ended.
        self.find_what_is_left();
        self.let_holds_end();
        self.settle_everything();
        self.find_what_is_left();
        self.world.check_limits();
        let end = *self.random.pick(&[End::Kill, End::PowerCut]);
        self.world.crash_calmly(end);
        self.come_to_rest();
        self.compare();
        self.world.compare_campaigns();
        self.world.note_states();
    }

    /// Time passes until every hold but those without an end is over. They last a minute at most,
    /// but may have been placed by a clock that was ahead.
    fn let_holds_end(&mut self) {
        for _ in 0..6 {
            self.world.pass(59_000);
            self.come_to_rest();
        }
        for station in &self.world.shards {
            let Some(core) = &station.core else { continue };
            let model = station.history.model();
            model.check_nothing_is_due(core.machine().time().max(self.world.wall()));
            if model.expired() > 0 {
                self.world.trace.note("holds expired", model.expired(), 0);
            }
        }
    }

    /// The node's bookkeeping ends everything that clients left half done. It looks once a second,
    /// and takes for old what it sees the second time.
    fn settle_everything(&mut self) {
        for _ in 0..4 {
            self.world.pass(1_001);
            self.come_to_rest();
        }
        self.world.check_limits();
    }

    fn come_to_rest(&mut self) {
        for _ in 0..1_000 {
            scheduler::drain(&mut self.world);
            while self.clients.hear(&mut self.world) {}
            self.clients.retire();
            if self.world.is_at_rest() && !self.clients.is_waiting() {
                return;
            }
            self.world.pass(2);
        }
        panic!("something is under way for ever");
    }

    fn compare(&mut self) {
        let layout = self.world.plan.layout;
        for sequence in self.world.sequences() {
            let reader = self.world.process().reader.clone();
            at_station!(self.world, sequence, station => {
                let core = station.core.as_ref().expect("every sequence is there");
                station.history.compare_machine(core.machine(), layout);
                let last = core.machine().last();
                station.history.compare_ledger(&reader, last, true);
            });
        }
        self.clients.check_given(&mut self.world, None);
        if self.random.one_in(4) {
            let verified = self.world.process().ledger.verify();
            verified.expect("the ledger is whole");
        }
    }
}

//! The node under test, as its parts and what is on its way between them. What an actor would do
//! with a message is one call here; which message comes next is not for this module to know.

mod bookkeeping;
mod clerk;
mod faults;
mod journal;
mod ledger;
mod quiet;
mod rebuild;
mod restart;
mod snapshots;
mod spreading;
mod sums;
mod waiters;

use std::collections::{BTreeMap, VecDeque};

use redeemd_actors::bookkeeping::Lent;
use redeemd_actors::core::{Answer, Ask, Now, Rejection, Submission, Token};
use redeemd_domain::control::Control;
use redeemd_domain::machine::Machine as _;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::Shard;
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::disk::simulated::SimulatedDisk;
use redeemd_persistence::journal::Journal;
use redeemd_persistence::ledger::{KeyHasher, Ledger, LedgerReader};
use redeemd_persistence::snapshot::{Draft, Snapshots};

use crate::attempts::Attempts;
use crate::dice::{Dice as _, Random};
use crate::plan::Plan;
use crate::station::{Answers, Station};
use crate::trace::Trace;

/// Does something with one station, whichever machine it has.
macro_rules! at_station {
    ($world:expr, $sequence:expr, $station:ident => $body:expr) => {
        match $sequence.as_shard() {
            None => {
                let $station = &mut $world.control;
                $body
            }
            Some(shard) => {
                let $station = &mut $world.shards[usize::from(shard)];
                $body
            }
        }
    };
}
pub(crate) use at_station;
pub(crate) use restart::End;
pub(crate) use spreading::Spread;

/// What runs: gone after a crash, and brought back.
pub(crate) struct Process {
    pub(crate) journal: Box<dyn Journal>,
    pub(crate) ledger: Ledger,
    pub(crate) reader: LedgerReader,
    pub(crate) hasher: KeyHasher,
    pub(crate) snapshots: Snapshots,
    drafts: BTreeMap<SequenceId, (Draft, u64)>,
    keeper_covers: BTreeMap<SequenceId, u64>,
    released: BTreeMap<SequenceId, u64>,
    journal_is_poisoned: bool,
    disk_is_full: bool,
    /// Why the process is about to end.
    pub(crate) fatal: Option<String>,
}

/// The world.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) trace: Trace,
    pub(crate) attempts: Attempts,
    pub(crate) control: Station<Control>,
    pub(crate) shards: Vec<Station<Shard>>,
    pub(crate) process: Option<Process>,
    /// Answers that have left the sequences and did not arrive yet.
    pub(crate) answers: Answers,
    pub(crate) spreads: Vec<Spread>,
    /// The bookkeeping of the process.
    clerk: Option<clerk::Clerk>,
    /// Who waited for a share, by ticket, and what came of it; they did not hear it yet.
    pub(crate) lent: VecDeque<(u64, Lent)>,
    waiters: waiters::Waiters,
    /// What the bookkeeping has sent last.
    messages: VecDeque<bookkeeping::Message>,
    /// Whether everything is made up for that an earlier process left half done.
    pub(crate) is_ready: bool,
    disk: SimulatedDisk,
    random: Random,
    now: Now,
    next_ticket: u64,
    /// How many bytes the disk has, where that is few.
    capacity: Option<u64>,
    /// The operation of the disk at which the power fails.
    power_off: Option<u64>,
    /// How many processes there were.
    pub(crate) lives: u64,
    /// Snapshots that were damaged and may still be there.
    damaged: BTreeMap<SequenceId, String>,
}

impl World {
    pub(crate) fn new(seed: u64, plan: Plan) -> Self {
        let layout = plan.layout;
        let shards = (0..layout.shards()).map(SequenceId::shard);
        let mut world = Self {
            trace: Trace::default(),
            attempts: Attempts::default(),
            control: Station::new(layout, SequenceId::CONTROL),
            shards: shards.map(|sequence| Station::new(layout, sequence)).collect(),
            process: None,
            answers: Vec::new(),
            spreads: Vec::new(),
            clerk: None,
            lent: VecDeque::new(),
            waiters: waiters::Waiters::default(),
            messages: VecDeque::new(),
            is_ready: false,
            disk: SimulatedDisk::new(seed ^ 0xd15c),
            random: Random::new(seed ^ 0x0301_41d5),
            now: Now { wall: plan.beginning, monotonic_ms: 0 },
            next_ticket: 0,
            capacity: None,
            power_off: None,
            lives: 0,
            damaged: BTreeMap::new(),
            plan,
        };
        world.restart();
        world
    }

    pub(crate) fn sequences(&self) -> Vec<SequenceId> {
        (0..=self.plan.layout.shards()).map(SequenceId).collect()
    }

    pub(crate) fn any_sequence(&mut self) -> SequenceId {
        SequenceId(self.random.below(u64::from(self.plan.layout.shards()) + 1) as u16)
    }

    pub(crate) fn wall(&self) -> Timestamp {
        self.now.wall
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("there is a process between two steps")
    }

    fn hasher(&self) -> KeyHasher {
        self.process.as_ref().expect("there is a process between two steps").hasher
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, milliseconds: u64) {
        self.now.wall.0 += milliseconds;
        self.now.monotonic_ms += milliseconds;
    }

    /// Sends a command or a question to a sequence; a full mailbox answers by itself.
    pub(crate) fn send_to_shard(&mut self, shard: u16, token: Token, ask: Ask<Shard>) {
        let station = &mut self.shards[usize::from(shard)];
        if station.inbox.len() < self.plan.mailbox || matches!(ask, Ask::Insist(_)) {
            station.inbox.push(Submission { token, ask });
        } else {
            let answer = Answer::Rejected(Rejection::Overloaded);
            station.answer(token, answer, &mut self.attempts, &mut self.answers);
        }
    }

    /// As [`World::send_to_shard`], to the control sequence.
    pub(crate) fn send_to_control(&mut self, token: Token, ask: Ask<Control>) {
        if self.control.inbox.len() < self.plan.mailbox || matches!(ask, Ask::Insist(_)) {
            self.control.inbox.push(Submission { token, ask });
        } else {
            let answer = Answer::Rejected(Rejection::Overloaded);
            self.control.answer(token, answer, &mut self.attempts, &mut self.answers);
        }
    }

    /// Some of what waits in a mailbox reaches its sequence; senders are in no order.
    pub(crate) fn deliver(&mut self, sequence: SequenceId) -> bool {
        let (now, hasher) = (self.now, self.hasher());
        let count = self.random.between(1, 5);
        let mut delivered = 0;
        for _ in 0..count {
            at_station!(self, sequence, station => {
                if station.inbox.is_empty() {
                    break;
                }
                let place = self.random.place(station.inbox.len());
                let submission = station.inbox.swap_remove(place);
                self.trace.note("submit", sequence.0.into(), submission.token.ticket);
                let (attempts, answers) = (&mut self.attempts, &mut self.answers);
                station.submit(submission, now, hasher, attempts, answers);
            });
            delivered += 1;
        }
        delivered > 0
    }

    pub(crate) fn flush(&mut self, sequence: SequenceId) -> bool {
        let hasher = self.hasher();
        at_station!(self, sequence, station => {
            let is_due = station.flush_is_due;
            if is_due {
                station.flush(hasher, &mut self.attempts);
            }
            is_due
        })
    }

    pub(crate) fn hear_journal(&mut self, sequence: SequenceId) -> bool {
        let hasher = self.hasher();
        at_station!(self, sequence, station => {
            let has_any = !station.journal_answers.is_empty();
            station.hear_journal(hasher, &mut self.attempts, &mut self.answers);
            if has_any && sequence == SequenceId::CONTROL {
                self.publish_control();
            }
            has_any
        })
    }

    /// What a sequence's actor does twice a second.
    pub(crate) fn tick(&mut self, sequence: SequenceId) {
        let (now, hasher, entries) = (self.now, self.hasher(), self.plan.snapshot_entries);
        let pins = self.random.one_in(8);
        at_station!(self, sequence, station => {
            let last = station.history.last();
            let always = pins && last == station.published && !station.snapshot_is_under_way;
            station.advance(now, always, hasher, &mut self.attempts);
            let is_due = last - station.published >= entries;
            if let Some(core) = station.core.as_ref().filter(|_| is_due)
                && !station.snapshot_is_under_way
            {
                station.states.push_back(core.machine().clone());
                station.snapshot_is_under_way = true;
                self.trace.note("take snapshot", sequence.0.into(), last);
            }
        });
    }

    pub(crate) fn believe_clock(&mut self) {
        let now = self.now;
        for sequence in self.sequences() {
            at_station!(self, sequence, station => station.believe_clock(now));
        }
    }

    pub(crate) fn has_leapt(&self) -> bool {
        let leapt = |station: &Station<Shard>| {
            station.core.as_ref().is_some_and(|core| core.leap().is_some())
        };
        self.shards.iter().any(leapt)
    }

    /// Whether nothing is on its way anywhere.
    pub(crate) fn is_at_rest(&mut self) -> bool {
        let sequences = self.sequences();
        let at_rest = |sequence: SequenceId| {
            at_station!(self, sequence, station => {
                station.core.as_ref().is_some_and(|core| core.in_flight() == 0)
                    && station.inbox.is_empty()
                    && station.frames.is_empty()
                    && station.journal_answers.is_empty()
                    && station.keeps.is_empty()
            })
        };
        sequences.into_iter().all(at_rest)
            && self.spreads.is_empty()
            && self.answers.is_empty()
            && self.is_ready
            && self.has_kept_books()
    }

    /// The digests of all states, for the trace.
    pub(crate) fn note_states(&mut self) {
        for sequence in self.sequences() {
            at_station!(self, sequence, station => {
                if let Some(core) = &station.core {
                    let digest = core.machine().digest();
                    self.trace.state(&digest);
                }
            });
        }
    }
}

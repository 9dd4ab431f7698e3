//! What happened to one code, as lists: every redemption, hold and movement of money. Everything
//! that is asked about the code is counted from those.

use redeemd_domain::identifier::{HoldId, RedemptionId};
use redeemd_domain::rules::MAX_BALANCE;
use redeemd_domain::shard::{Claim, Event, Extent, Hold, Placing, Record};

/// A redemption, and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Redeemed {
    pub(super) id: RedemptionId,
    /// How often the code had been made usable again before.
    pub(super) generation: u32,
    /// What it spent, where the code is worth something.
    pub(super) spent: Option<u64>,
    /// How much of that came back.
    pub(super) returned: u64,
    pub(super) is_undone: bool,
    pub(super) user: Box<str>,
    /// The claim that it used up.
    pub(super) claim: Option<Claim>,
}

/// Everything that ever happened to a code.
#[derive(Clone, Debug, Default)]
pub(super) struct CodeLife {
    pub(super) redemptions: Vec<Redeemed>,
    /// Those that have not ended, in the order of their placing.
    pub(super) holds: Vec<Hold>,
    pub(super) topped_up: u64,
    pub(super) revoked: bool,
}

impl CodeLife {
    pub(super) fn uses(&self) -> u64 {
        self.redemptions.iter().filter(|redemption| !redemption.is_undone).count() as u64
    }

    pub(super) fn generation(&self) -> u32 {
        self.redemptions.iter().filter(|redemption| redemption.is_undone).count() as u32
    }

    pub(super) fn was_ever_used(&self) -> bool {
        !self.redemptions.is_empty()
    }

    /// What came in less what went out, of a code that was worth so much when it was new.
    pub(super) fn left(&self, worth: u64) -> u64 {
        let returned: u64 = self.redemptions.iter().map(|redemption| redemption.returned).sum();
        let spent: u64 = self.redemptions.iter().filter_map(|redemption| redemption.spent).sum();
        let came = worth + self.topped_up + returned;
        let left = came.checked_sub(spent).expect("no code is ever worth less than nothing");
        assert!(left <= MAX_BALANCE, "no code is ever worth more than {MAX_BALANCE}");
        left
    }

    pub(super) fn redemption(&self, id: RedemptionId) -> Option<&Redeemed> {
        self.redemptions.iter().find(|redemption| redemption.id == id)
    }

    pub(super) fn hold(&self, id: HoldId) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.id == id)
    }

    pub(super) fn hold_of(&self, user: &str) -> Option<&Hold> {
        self.holds.iter().find(|hold| &*hold.user == user)
    }

    /// Takes in what a record says of this code.
    pub(super) fn absorb(&mut self, record: &Record) {
        if let Some((id, redemption)) = record.redemption() {
            let (claim, money, hold) = match &record.event {
                Event::Spent(spent) => (spent.claim, spent.money, spent.hold),
                _ => (None, None, None),
            };
            if let Some(number) = hold {
                self.end(|hold| hold.id.number == number);
            }
            self.redemptions.push(Redeemed {
                id,
                generation: redemption.generation,
                spent: money.map(|money| money.amount),
                returned: 0,
                is_undone: false,
                user: redemption.user.clone(),
                claim,
            });
        }
        match &record.event {
            Event::Revoked(_) => self.revoked = true,
            Event::Restored(_) => self.revoked = false,
            Event::RolledBack(rolled_back) => {
                let is_it = |found: &&mut Redeemed| found.id == rolled_back.redemption;
                let redemption = self.redemptions.iter_mut().find(is_it).expect("it happened");
                assert!(!redemption.is_undone, "{:?} is rolled back twice", redemption.id);
                redemption.returned += rolled_back.money.map_or(0, |money| money.amount);
                redemption.is_undone = rolled_back.extent == Extent::Whole;
                let spent = redemption.spent.unwrap_or(0);
                assert!(redemption.returned <= spent, "{redemption:?} gave more than it took");
                let is_all = redemption.returned == spent;
                assert!(!redemption.is_undone || is_all, "{redemption:?} keeps money");
            }
            Event::HoldPlaced(placed) => match placed.placing {
                Placing::New => self.holds.push(placed.hold.clone()),
                Placing::Prolonged => {
                    let is_it = |hold: &&mut Hold| hold.id == placed.hold.id;
                    *self.holds.iter_mut().find(is_it).expect("it is there") = placed.hold.clone();
                }
            },
            Event::HoldReleased(ended) => self.end(|hold| hold.id == ended.id),
            Event::ToppedUp(topped_up) => self.topped_up += topped_up.money.amount,
            _ => {}
        }
    }

    /// One hold ends.
    pub(super) fn end(&mut self, is_it: impl Fn(&Hold) -> bool) {
        let before = self.holds.len();
        self.holds.retain(|hold| !is_it(hold));
        assert_eq!(self.holds.len() + 1, before, "one hold ends, and was there");
    }
}

//! The whole life of codes while the process is killed: redeemed, held, spent, topped up, rolled
//! back, under limits that span codes.
//!
//! [`player::Player`]s send [`wish::Wish`]es and write every answer into the [`book`]. After each
//! restart the judge reads what happened from the events, and insists that
//! - each answer has its event, and each event is the doing of a wish that was not refused
//!   ([`matching`]);
//! - each event could happen to its code ([`code_life`]), and no limit is overrun ([`limits`]);
//! - counts, codes, redemptions and holds are read as the events tell them ([`audit`]);
//! - what limits leave can be taken, and no more ([`probing`]).
//!
//! While clients race, the [`bounds`] find what is overrun, or refused without a reason, at once.

mod audit;
mod book;
mod bounds;
mod campaign;
mod chronicle;
mod code_life;
mod counts;
mod customer;
mod follower;
mod heard;
mod judging;
mod limits;
mod looking_back;
mod matching;
mod model;
mod moment;
mod player;
mod pool;
mod probing;
mod stage;
mod tally;
mod terms;
mod warden;
mod wish;

use std::net::SocketAddr;
use std::sync::Mutex;

use super::Fault;
use crate::dice::Dice;
use book::Book;
use chronicle::Chronicle;
use follower::{Follower, Reading};
use matching::Matching;
use model::Model;
use player::Player;
use stage::Stage;
use warden::Warden;

/// How many clients play at once.
const PLAYERS: usize = 6;

/// Everything that is known of the lives of codes.
#[derive(Debug, Default)]
pub(super) struct Life {
    book: Book,
    chronicle: Mutex<Chronicle>,
    readings: Mutex<Vec<Reading>>,
    model: Model,
    matching: Matching,
}

impl Life {
    /// Sees to it that there is something to play with.
    pub(super) fn prepare(&self, address: SocketAddr) -> Result<(), Fault> {
        Stage::new(address, &self.book).set()
    }

    /// Those who play.
    pub(super) fn players(&self, address: SocketAddr, dice: &mut Dice) -> Vec<Player<'_>> {
        (0..PLAYERS).map(|_| Player::new(address, &self.book, dice.fork())).collect()
    }

    /// The one who changes limits meanwhile.
    pub(super) fn warden(&self, address: SocketAddr, dice: &mut Dice) -> Warden<'_> {
        Warden::new(address, &self.book, dice.fork())
    }

    /// The one who reads events and counts meanwhile.
    pub(super) fn follower(&self, address: SocketAddr, dice: &mut Dice) -> Follower<'_> {
        let dice = dice.fork();
        Follower::new(address, &self.book, &self.chronicle, &self.readings, dice)
    }

    /// How many redemptions in campaigns of others the events tell of.
    pub(super) fn redemptions_of_others(&self) -> u64 {
        self.model.count_of_others() as u64
    }

    /// What happened, for people.
    pub(super) fn summary(&self) -> String {
        self.book.tally.summary()
    }

    /// What so many rounds should have met and did not.
    pub(super) fn missing(&self, rounds: usize) -> Vec<&'static str> {
        self.book.tally.missing(rounds)
    }
}

//! A client that does everything with codes that can be done, in any order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::super::Fault;
use super::book::Book;
use super::bounds::LONG_SECONDS;
use super::campaign::Code;
use super::customer::{Customer, Told};
use super::pool::Use;
use super::wish::{Deed, Wish};
use crate::dice::Dice;

/// Few, so that they meet their limits.
const USERS: [&str; 6] = ["ann", "ben", "cyd", "dot", "eve", "fay"];

/// How many of a campaign's newest codes everybody wants.
const HOT: usize = 6;

/// A client.
pub(in super::super) struct Player<'a> {
    customer: Customer<'a>,
    dice: Dice,
}

impl<'a> Player<'a> {
    pub(super) fn new(address: SocketAddr, book: &'a Book, dice: Dice) -> Self {
        Self { customer: Customer::new(address, book), dice }
    }

    /// Plays until the server is killed.
    pub(in super::super) fn play(&mut self, is_killed: &AtomicBool) -> Result<(), Fault> {
        while !is_killed.load(Ordering::SeqCst) {
            let told = if self.dice.percent(15) { self.settle_one()? } else { self.step()? };
            if let Told::Silence = told {
                // The end of the server is seen a moment before it is said.
                thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
    }

    /// Sends everything once more that was cut off, until nothing is open.
    pub(super) fn settle_all(&mut self) -> Result<(), Fault> {
        while !self.book().nothing_is_lost() {
            if let Told::Silence = self.settle_one()? {
                return Err("a request that was cut off has no answer at the end".to_owned());
            }
        }
        Ok(())
    }

    fn settle_one(&mut self) -> Result<Told, Fault> {
        match self.book().take_lost(&mut self.dice) {
            Some(wish) => self.customer.fulfil(&wish),
            None => Ok(Told::PutOff),
        }
    }

    fn step(&mut self) -> Result<Told, Fault> {
        let wish = match self.dice.below(100) {
            0..26 => self.redeem(),
            26..30 => return self.redeem_several(),
            30..48 => self.hold(),
            48..57 => self.of_hold(Self::confirm),
            57..64 => self.of_hold(|_, hold| Deed::Release { hold }),
            64..84 => self.roll_back(),
            84..87 => self.top_up(),
            87..96 => return self.repeat(),
            _ => {
                let wish = self.book().any_answered(&mut self.dice);
                return wish.map_or(Ok(Told::PutOff), |wish| self.customer.reuse(&wish));
            }
        };
        wish.map_or(Ok(Told::PutOff), |wish| self.customer.fulfil(&wish))
    }

    fn redeem(&mut self) -> Option<Arc<Wish>> {
        let code = self.code()?;
        let amount = self.amount(&code);
        let user = self.user();
        Some(self.wish(Deed::Redeem { amount }, &code, user))
    }

    /// Redeems with a batch, mostly for one user.
    fn redeem_several(&mut self) -> Result<Told, Fault> {
        let (user, count) = (self.user(), self.dice.between(1, 6));
        let mut wishes = Vec::new();
        for _ in 0..count {
            let Some(code) = self.code() else { break };
            let amount = self.amount(&code);
            let user = if self.dice.percent(80) { user } else { self.user() };
            wishes.push(self.wish(Deed::Redeem { amount }, &code, user));
        }
        match wishes.is_empty() {
            true => Ok(Told::PutOff),
            false => self.customer.fulfil_all(&wishes),
        }
    }

    /// Holds a code, or prolongs a hold.
    fn hold(&mut self) -> Option<Arc<Wish>> {
        let seconds = if self.dice.percent(40) { 1 } else { LONG_SECONDS };
        if self.dice.percent(15) {
            return self.of_hold(|_, _| Deed::Hold { seconds });
        }
        let code = self.code()?;
        let user = self.user();
        Some(self.wish(Deed::Hold { seconds }, &code, user))
    }

    /// Does something about a hold that is known.
    fn of_hold(&mut self, deed: impl FnOnce(&mut Self, String) -> Deed) -> Option<Arc<Wish>> {
        let Use { id, code, user } = self.book().pool().hold(&mut self.dice)?;
        let deed = deed(self, id);
        Some(self.wish(deed, &code, &user))
    }

    fn confirm(&mut self, hold: String) -> Deed {
        Deed::Confirm { hold, take_if_free: self.dice.percent(40) }
    }

    fn roll_back(&mut self) -> Option<Arc<Wish>> {
        let Use { id, code, user } = self.book().pool().redemption(&mut self.dice)?;
        let amount = if self.dice.percent(50) { self.amount(&code) } else { None };
        Some(self.wish(Deed::RollBack { redemption: id, amount }, &code, &user))
    }

    fn top_up(&mut self) -> Option<Arc<Wish>> {
        let code = self.code().filter(|code| code.campaign.terms.balance.is_some())?;
        let amount = self.dice.between(1, 700);
        Some(self.wish(Deed::TopUp { amount }, &code, "nobody"))
    }

    /// Sends something again that was answered, however long ago.
    fn repeat(&mut self) -> Result<Told, Fault> {
        let Some(wish) = self.book().any_answered(&mut self.dice) else { return Ok(Told::PutOff) };
        let told = self.customer.fulfil(&wish)?;
        if let (Told::Done(answer), Deed::Redeem { .. } | Deed::Confirm { .. }) =
            (&told, &wish.deed)
            && let Some(id) = answer["id"].as_str()
            && self.book().pool().is_rolled_back(id)
        {
            self.book().tally.count("repeated after its rollback");
        }
        Ok(told)
    }

    fn code(&mut self) -> Option<Arc<Code>> {
        let campaigns = self.book().campaigns();
        let campaign = campaigns.get(self.dice.below(campaigns.len().max(1)))?;
        let codes = campaign.codes.read().unwrap();
        let count = if self.dice.percent(90) { HOT.min(codes.len()) } else { codes.len() };
        let newest = codes.iter().rev();
        newest.take(count).nth(self.dice.below(count.max(1))).cloned()
    }

    /// A part of what a code is worth, or nothing said, which is all of it.
    fn amount(&mut self, code: &Code) -> Option<u64> {
        let has_balance = code.campaign.terms.balance.is_some();
        (has_balance && self.dice.percent(90)).then(|| self.dice.between(1, 900))
    }

    fn user(&mut self) -> &'static str {
        USERS[self.dice.below(USERS.len())]
    }

    /// Writes a wish down, mostly one that can be asked for again.
    fn wish(&mut self, deed: Deed, code: &Arc<Code>, user: &str) -> Arc<Wish> {
        let has_key = !matches!(deed, Deed::Release { .. }) && self.dice.percent(65);
        let key = has_key.then(|| format!("life {:016x}", self.dice.next()));
        self.book().wish(deed, code, user, key)
    }

    fn book(&self) -> &'a Book {
        self.customer.book
    }
}

//! Whether the last uses can still be taken: exactly as many as limits leave, and not one more.
//!
//! Nobody else does anything meanwhile. What is taken is given back, so that others find it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::Fault;
use super::book::Book;
use super::campaign::{Campaign, Code};
use super::customer::{Customer, Told};
use super::limits::{taken, uses_of_users};
use super::model::Model;
use super::stage::Stage;
use super::wish::{Deed, Wish};
use crate::dice::Dice;

/// How long a use that was given back just now may take to be found, on a machine that has a lot to
/// do.
const PATIENCE: Duration = Duration::from_secs(20);

/// The users of whom some are probed; all others have no uses.
const USERS: [&str; 3] = ["ann", "ben", "eve"];

/// The prober.
pub(super) struct Prober<'a> {
    customer: Customer<'a>,
    stage: Stage<'a>,
    model: &'a Model,
    dice: Dice,
}

/// A use that was taken.
type Taken = (Arc<Code>, String, Value);

impl<'a> Prober<'a> {
    pub(super) fn new(address: SocketAddr, book: &'a Book, model: &'a Model, dice: Dice) -> Self {
        let (customer, stage) = (Customer::new(address, book), Stage::new(address, book));
        Self { customer, stage, model, dice }
    }

    /// Probes the limits of a campaign.
    pub(super) fn probe(&mut self, campaign: &Arc<Campaign>) -> Result<(), Fault> {
        let is_limited = campaign.terms.total_uses.is_some();
        let total = is_limited.then(|| {
            let limit = campaign.total.lock().unwrap().now();
            limit.saturating_sub(taken(self.model, &campaign.id))
        });
        if let Some(limit) = campaign.terms.uses_per_user {
            let user = USERS[self.dice.below(USERS.len())];
            let uses = uses_of_users(self.model).get(&(campaign.id.as_str(), user)).copied();
            let left = limit - uses.unwrap_or_default();
            self.probe_user(campaign, user, left, total)?;
        }
        if let Some(left) = total {
            self.probe_total(campaign, left)?;
        }
        Ok(())
    }

    /// Spends all that a gift card is worth.
    pub(super) fn spend_all(&mut self, code: &Arc<Code>) -> Result<(), Fault> {
        let balance =
            self.model.code(&code.hint).map_or(code.campaign.terms.balance, |it| it.balance);
        let wish = self.wish(Deed::Redeem { amount: None }, code, "a spender");
        match (self.customer.fulfil(&wish)?, balance) {
            (Told::Done(answer), Some(1..))
                if Some(&answer["amount"]["minor_units"]) == balance.map(Value::from).as_ref()
                    && answer["balance_left"] == 0 =>
            {
                Ok(())
            }
            (Told::Refused(problem), Some(0)) if problem == "insufficient_balance" => Ok(()),
            (told, balance) => Err(format!("a card worth {balance:?} got {told:?}\n{wish:?}")),
        }
    }

    /// A user takes all uses that are left to that user.
    fn probe_user(
        &mut self,
        campaign: &Arc<Campaign>,
        user: &str,
        left: u64,
        total: Option<u64>,
    ) -> Result<(), Fault> {
        let wanted = total.map_or(left, |total| left.min(total));
        let codes = self.stage.issue(campaign, wanted as usize + 1)?;
        let mut taken = Vec::new();
        for code in codes.iter().take(wanted as usize) {
            taken.push(self.take(code, user)?);
        }
        // Of two limits that are reached, the user's is named.
        let limit = if left == wanted { "user_limit_reached" } else { "campaign_limit_reached" };
        self.insist_on(limit, &codes, user)?;
        self.customer.book.tally.count("limits of users probed");
        self.give_back(taken)
    }

    /// Users who have none take all uses that are left to anybody.
    fn probe_total(&mut self, campaign: &Arc<Campaign>, left: u64) -> Result<(), Fault> {
        let codes = self.stage.issue(campaign, left as usize + 1)?;
        let mut taken = Vec::new();
        for (place, code) in codes.iter().take(left as usize).enumerate() {
            taken.push(self.take(code, &format!("somebody {place}"))?);
        }
        self.insist_on("campaign_limit_reached", &codes, "a latecomer")?;
        self.customer.book.tally.count("totals probed");
        self.give_back(taken)
    }

    /// Takes a use that is left.
    fn take(&mut self, code: &Arc<Code>, user: &str) -> Result<Taken, Fault> {
        let begun = Instant::now();
        loop {
            let wish = self.redeem(code, user);
            match self.customer.fulfil(&wish)? {
                Told::Done(answer) => return Ok((Arc::clone(code), user.to_owned(), answer)),
                told if begun.elapsed() > PATIENCE => {
                    return Err(format!("STRANDED: a use that is left got {told:?}\n{wish:?}"));
                }
                _ => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Insists that no use is left.
    fn insist_on(&mut self, limit: &str, codes: &[Arc<Code>], user: &str) -> Result<(), Fault> {
        let code = codes.last().ok_or("there is no code")?;
        loop {
            let wish = self.redeem(code, user);
            match self.customer.fulfil(&wish)? {
                Told::Refused(problem) if problem == limit => return Ok(()),
                Told::PutOff => {}
                told => return Err(format!("{limit} was due, and it got {told:?}\n{wish:?}")),
            }
        }
    }

    fn give_back(&mut self, taken: Vec<Taken>) -> Result<(), Fault> {
        for (code, user, answer) in taken {
            let redemption = answer["id"].as_str().unwrap_or_default().to_owned();
            let wish = self.wish(Deed::RollBack { redemption, amount: None }, &code, &user);
            loop {
                match self.customer.fulfil(&wish)? {
                    Told::Done(_) => break,
                    Told::PutOff => {}
                    told => return Err(format!("a rollback got {told:?}\n{wish:?}")),
                }
            }
        }
        Ok(())
    }

    fn redeem(&mut self, code: &Arc<Code>, user: &str) -> Arc<Wish> {
        let amount = code.campaign.terms.balance.map(|_| 1);
        self.wish(Deed::Redeem { amount }, code, user)
    }

    fn wish(&mut self, deed: Deed, code: &Arc<Code>, user: &str) -> Arc<Wish> {
        let key = self.dice.percent(50).then(|| format!("probe {:016x}", self.dice.next()));
        self.customer.book.wish(deed, code, user, key)
    }
}

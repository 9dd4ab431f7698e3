//! The life of one code as its events tell it, and whether each of them could happen.
//!
//! An event that could not is a fault of the server, whoever was told of it.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::Fault;
use super::campaign::Code;
use super::moment::millis;

/// A code's life so far.
#[derive(Debug)]
pub(super) struct CodeLife {
    pub(super) code: Arc<Code>,
    /// All redemptions, the oldest first.
    pub(super) redemptions: Vec<Redemption>,
    places: HashMap<String, usize>,
    /// All holds, by identifier.
    holds: HashMap<String, Hold>,
    /// Those that are there, in the order of their placing.
    held: Vec<String>,
    /// How many redemptions there are that were not rolled back.
    pub(super) uses: u64,
    /// What it is worth, where it has a balance.
    pub(super) balance: Option<u64>,
}

/// A redemption.
#[derive(Debug)]
pub(super) struct Redemption {
    /// As it was answered.
    answer: Value,
    /// How much of its money came back.
    returned: u64,
    rolled_back_at: Option<Value>,
}

/// A hold.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) user: String,
    /// As it is read.
    pub(super) answer: Value,
}

impl CodeLife {
    pub(super) fn new(code: Arc<Code>) -> Self {
        let balance = code.campaign.terms.balance;
        let (redemptions, places) = (Vec::new(), HashMap::new());
        let (holds, held) = (HashMap::new(), Vec::new());
        Self { code, redemptions, places, holds, held, uses: 0, balance }
    }

    /// It is redeemed; what that was answered.
    pub(super) fn redeem(&mut self, answer: &Value, ends_hold: bool) -> Result<Value, Fault> {
        let (id, user) = (text(answer, "id")?, text(answer, "user_id")?);
        let own = self.held.iter().position(|hold| self.holds[hold].user == user);
        if own.is_some() != ends_hold {
            return Err(format!("ends_hold is {ends_hold}, and the user's hold is {own:?}"));
        }
        match own {
            None => self.check_room()?,
            Some(place) => {
                let hold = self.held.remove(place);
                let ended = self.holds.entry(hold);
                ended.and_modify(|hold| {
                    hold.answer["status"] = "confirmed".into();
                    hold.answer["redemption_id"] = id.into();
                });
            }
        }
        self.uses += 1;
        let limit = self.code.campaign.terms.uses_per_code;
        if answer["uses_left"] != json!(limit.map(|limit| limit.saturating_sub(self.uses))) {
            return Err(format!("uses_left is wrong after {} uses", self.uses));
        }
        if self.balance.is_some() {
            let (amount, left) = money(answer)?;
            self.move_money(-amount, left)?;
        }
        let place = self.redemptions.len();
        if self.places.insert(id.to_owned(), place).is_some() {
            return Err("this redemption happened before".to_owned());
        }
        let redemption = Redemption { answer: answer.clone(), returned: 0, rolled_back_at: None };
        self.redemptions.push(redemption);
        Ok(answer.clone())
    }

    /// A redemption is rolled back; what that was answered.
    pub(super) fn roll_back(
        &mut self,
        rollback: &Value,
        at: &Value,
        is_whole: bool,
    ) -> Result<Value, Fault> {
        let place = self.places.get(text(rollback, "redemption_id")?).copied();
        let place = place.ok_or("the redemption never happened")?;
        let redemption = &mut self.redemptions[place];
        if redemption.rolled_back_at.is_some() {
            return Err("it was rolled back before".to_owned());
        }
        if self.balance.is_some() {
            let (amount, left) = money(rollback)?;
            redemption.returned += amount.unsigned_abs();
            let spent = redemption.answer["amount"]["minor_units"].as_u64();
            if spent.is_none_or(|spent| (redemption.returned == spent) != is_whole) {
                return Err(format!("{} of {spent:?} came back", redemption.returned));
            }
            self.move_money(amount, left)?;
        }
        let redemption = &mut self.redemptions[place];
        if is_whole {
            redemption.rolled_back_at = Some(at.clone());
            self.uses = self.uses.checked_sub(1).ok_or("no use was taken")?;
        }
        let mut answer = redemption.as_read();
        if self.balance.is_some() {
            answer["balance_left"] = rollback["balance_left"].clone();
        }
        Ok(answer)
    }

    /// A hold is placed; what that was answered.
    pub(super) fn place(&mut self, hold: &Value, at: &Value) -> Result<Value, Fault> {
        let (id, user) = (text(hold, "id")?, text(hold, "user_id")?);
        if self.live().any(|(_, hold)| hold.user == user) {
            return Err("the user had a hold on the code".to_owned());
        }
        self.check_room()?;
        let mut answer = hold.clone();
        answer["campaign_id"] = (*self.code.campaign.id).into();
        answer["status"] = "held".into();
        answer["placed_at"] = at.clone();
        let placed = Hold { user: user.to_owned(), answer: answer.clone() };
        if self.holds.insert(id.to_owned(), placed).is_some() {
            return Err("this hold was placed before".to_owned());
        }
        self.held.push(id.to_owned());
        Ok(answer)
    }

    /// A hold is prolonged; what that was answered.
    pub(super) fn prolong(&mut self, hold: &Value) -> Result<Value, Fault> {
        let id = text(hold, "id")?;
        if !self.held.iter().any(|held| held == id) {
            return Err("what is prolonged is not there".to_owned());
        }
        let known = self.holds.get_mut(id).ok_or("the hold is unknown")?;
        if millis(&hold["expires_at"])? < millis(&known.answer["expires_at"])? {
            return Err("it ends earlier than before".to_owned());
        }
        known.answer["expires_at"] = hold["expires_at"].clone();
        Ok(known.answer.clone())
    }

    /// A hold ends.
    pub(super) fn end(&mut self, hold: &Value, status: &str, at: &Value) -> Result<(), Fault> {
        let id = text(hold, "id")?;
        let place = self.held.iter().position(|held| held == id);
        self.held.remove(place.ok_or("what ends is not there")?);
        let known = self.holds.get_mut(id).ok_or("the hold is unknown")?;
        known.answer["status"] = status.into();
        match status == "expired" && millis(at)? < millis(&known.answer["expires_at"])? {
            true => Err("it expires before its time".to_owned()),
            false => Ok(()),
        }
    }

    /// It is made worth more; what that was answered.
    pub(super) fn top_up(&mut self, top_up: &Value) -> Result<Value, Fault> {
        let (amount, left) = money(top_up)?;
        self.move_money(amount, left)?;
        Ok(json!({ "balance_left": left }))
    }

    /// The holds that are there, with their identifiers, in the order of their placing.
    pub(super) fn live(&self) -> impl Iterator<Item = (&str, &Hold)> {
        self.held.iter().map(move |id| (id.as_str(), &self.holds[id]))
    }

    /// A redemption by its identifier.
    pub(super) fn redemption(&self, id: &str) -> Option<&Redemption> {
        self.places.get(id).map(|&place| &self.redemptions[place])
    }

    /// A hold by its identifier, whatever became of it.
    pub(super) fn hold(&self, id: &str) -> Option<&Hold> {
        self.holds.get(id)
    }

    /// There must be a use that is neither taken nor held.
    fn check_room(&self) -> Result<(), Fault> {
        let taken = self.uses + self.held.len() as u64;
        match self.code.campaign.terms.uses_per_code {
            Some(limit) if taken >= limit => {
                Err(format!("OVERRUN: {} uses and {} holds were there", self.uses, self.held.len()))
            }
            _ => Ok(()),
        }
    }

    fn move_money(&mut self, amount: i64, left: u64) -> Result<(), Fault> {
        let balance = self.balance.and_then(|balance| balance.checked_add_signed(amount));
        if balance != Some(left) {
            return Err(format!("{left} are left of {:?} and {amount}", self.balance));
        }
        self.balance = balance;
        Ok(())
    }
}

impl Redemption {
    /// As it is read now.
    pub(super) fn as_read(&self) -> Value {
        let mut read = self.answer.clone();
        if self.returned > 0 {
            read["amount_returned"] = json!({ "minor_units": self.returned });
        }
        if let Some(at) = &self.rolled_back_at {
            read["status"] = "rolled_back".into();
            read["rolled_back_at"] = at.clone();
        }
        read
    }

    /// Its identifier.
    pub(super) fn id(&self) -> &str {
        self.answer["id"].as_str().unwrap_or_default()
    }

    /// Whose it is.
    pub(super) fn user(&self) -> &str {
        self.answer["user_id"].as_str().unwrap_or_default()
    }

    /// Whether it was not rolled back.
    pub(super) fn stands(&self) -> bool {
        self.rolled_back_at.is_none()
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, Fault> {
    value[name].as_str().ok_or_else(|| format!("there is no {name}"))
}

/// What was moved, and what was left then.
fn money(value: &Value) -> Result<(i64, u64), Fault> {
    let (amount, left) = (&value["amount"]["minor_units"], &value["balance_left"]);
    match (amount.as_i64(), left.as_u64()) {
        (Some(amount), Some(left)) if amount > 0 => Ok((amount, left)),
        _ => Err("it moves no money".to_owned()),
    }
}

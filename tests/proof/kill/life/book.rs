//! The book: every wish, and what its client was told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use serde_json::Value;

use super::super::Fault;
use super::bounds::Bounds;
use super::campaign::{Campaign, Code};
use super::pool::{Pool, Use};
use super::tally::Tally;
use super::wish::{Deed, Standing, Wish};
use crate::dice::Dice;

/// Everything that clients know.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) campaigns: RwLock<Vec<Arc<Campaign>>>,
    /// All codes, by their hints.
    pub(super) codes: RwLock<HashMap<String, Arc<Code>>>,
    wishes: RwLock<Vec<Arc<Wish>>>,
    /// Wishes with a key that were cut off.
    lost: Mutex<Vec<Arc<Wish>>>,
    /// Wishes with a key that were fulfilled.
    answered: Mutex<Vec<Arc<Wish>>>,
    /// What was answered since the last look.
    fresh: Mutex<Vec<Arc<Wish>>>,
    /// How many holds may have been placed or prolonged of which nobody was told, by hint and user.
    lost_holds: Mutex<HashMap<(String, String), u64>>,
    bounds: Mutex<Bounds>,
    pool: Mutex<Pool>,
    pub(super) tally: Tally,
}

impl Book {
    pub(super) fn campaigns(&self) -> Vec<Arc<Campaign>> {
        self.campaigns.read().unwrap().clone()
    }

    pub(super) fn campaign(&self, id: &str) -> Option<Arc<Campaign>> {
        self.campaigns.read().unwrap().iter().find(|campaign| campaign.id == id).cloned()
    }

    pub(super) fn code(&self, hint: &str) -> Option<Arc<Code>> {
        self.codes.read().unwrap().get(hint).cloned()
    }

    pub(super) fn bounds(&self) -> MutexGuard<'_, Bounds> {
        self.bounds.lock().unwrap()
    }

    pub(super) fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap()
    }

    /// Writes a new wish down.
    pub(super) fn wish(
        &self,
        deed: Deed,
        code: &Arc<Code>,
        user: &str,
        key: Option<String>,
    ) -> Arc<Wish> {
        match &deed {
            Deed::RollBack { redemption, .. } => self.pool().roll_back(redemption),
            Deed::Release { hold } => self.pool().release(hold),
            _ => {}
        }
        let mut wishes = self.wishes.write().unwrap();
        let wish = Wish::new(wishes.len(), deed, Arc::clone(code), user.to_owned(), key);
        let wish = Arc::new(wish);
        wishes.push(Arc::clone(&wish));
        wish
    }

    /// The wish with this number.
    pub(super) fn wish_numbered(&self, number: u64) -> Option<Arc<Wish>> {
        self.wishes.read().unwrap().get(usize::try_from(number).ok()?).cloned()
    }

    /// A wish was cut off.
    pub(super) fn lose(&self, wish: &Arc<Wish>) {
        let mut state = wish.state();
        if !matches!(state.standing, Standing::Lost)
            && let Deed::Hold { .. } = wish.deed
        {
            *self.lost_holds.lock().unwrap().entry(pair(wish)).or_default() += 1;
        }
        state.standing = Standing::Lost;
        state.is_looked_for = false;
        self.tally.count("cut off");
        drop(state);
        self.put_off(wish);
    }

    /// A wish was not carried out this time. One that was lost before has to be asked for again.
    pub(super) fn put_off(&self, wish: &Arc<Wish>) {
        if wish.key.is_some() && matches!(wish.state().standing, Standing::Lost) {
            self.lost.lock().unwrap().push(Arc::clone(wish));
        }
    }

    /// A wish has its answer.
    pub(super) fn settle(&self, wish: &Arc<Wish>, standing: Standing) {
        let mut state = wish.state();
        if matches!((&state.standing, &wish.deed), (Standing::Lost, Deed::Hold { .. })) {
            let mut lost = self.lost_holds.lock().unwrap();
            lost.entry(pair(wish)).and_modify(|count| *count -= 1);
        }
        let is_fulfilled = matches!(standing, Standing::Answered(_));
        state.standing = standing;
        drop(state);
        if is_fulfilled {
            self.fresh.lock().unwrap().push(Arc::clone(wish));
            if wish.key.is_some() {
                self.answered.lock().unwrap().push(Arc::clone(wish));
            }
        }
    }

    /// Tells others of what came of a wish.
    pub(super) fn offer(&self, wish: &Wish, answer: &Value) {
        let Some(id) = answer["id"].as_str() else { return };
        let found =
            Use { id: id.to_owned(), code: Arc::clone(&wish.code), user: wish.user.clone() };
        match wish.deed {
            Deed::Redeem { .. } | Deed::Confirm { .. } => self.pool().add_redemption(found),
            Deed::Hold { .. } => self.pool().add_hold(found),
            Deed::Release { .. } | Deed::RollBack { .. } | Deed::TopUp { .. } => {}
        }
    }

    /// One of the wishes that were cut off, which is the caller's to send again.
    pub(super) fn take_lost(&self, dice: &mut Dice) -> Option<Arc<Wish>> {
        let mut lost = self.lost.lock().unwrap();
        match lost.len() {
            0 => None,
            count => Some(lost.swap_remove(dice.below(count))),
        }
    }

    /// Whether no wish is cut off.
    pub(super) fn nothing_is_lost(&self) -> bool {
        self.lost.lock().unwrap().is_empty()
    }

    /// One of the wishes with a key that were fulfilled, at any time.
    pub(super) fn any_answered(&self, dice: &mut Dice) -> Option<Arc<Wish>> {
        let answered = self.answered.lock().unwrap();
        match answered.len() {
            0 => None,
            count => Some(Arc::clone(&answered[dice.below(count)])),
        }
    }

    /// What was answered since the last look.
    pub(super) fn take_fresh(&self) -> Vec<Arc<Wish>> {
        std::mem::take(&mut self.fresh.lock().unwrap())
    }

    /// What was cut off: all events that there are of it have been looked at by now.
    pub(super) fn look_for_lost(&self) {
        for wish in self.lost.lock().unwrap().iter() {
            wish.state().is_looked_for = true;
        }
    }

    /// Insists that so many events about a user's holds on a code can be those of wishes that were
    /// cut off.
    pub(super) fn explain_holds(&self, pair: &(String, String), count: u64) -> Result<(), Fault> {
        let lost = self.lost_holds.lock().unwrap().get(pair).copied().unwrap_or_default();
        match count <= lost {
            true => Ok(()),
            false => Err(format!("{count} holds on {pair:?}, and {lost} answers went astray")),
        }
    }
}

fn pair(wish: &Wish) -> (String, String) {
    (wish.code.hint.clone(), wish.user.clone())
}

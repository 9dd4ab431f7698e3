//! The events against the answers: each event is somebody's doing, and each answer has its event.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::super::Fault;
use super::book::Book;
use super::model::Author;
use super::wish::{Deed, Standing, Wish};

/// What was matched, and what waits for its match.
#[derive(Debug, Default)]
pub(super) struct Matching {
    /// The wishes of which an event told.
    told: HashSet<u64>,
    /// What events told of holds that no answer explains, by hint and user.
    holds: HashMap<(String, String), Vec<Value>>,
    /// Holds that were given up.
    released: HashSet<String>,
}

impl Matching {
    /// Takes in whose doing an event is.
    pub(super) fn take(&mut self, author: Author, book: &Book) -> Result<(), Fault> {
        match author {
            Author::Wish(number, told) => {
                let wish = book.wish_numbered(number).ok_or("nobody has such a wish")?;
                if !self.told.insert(number) {
                    return Err(format!("TWICE: {wish:?} is done again as {told}"));
                }
                explain(&wish, told).map_err(|fault| format!("{fault}\n{wish:?}"))
            }
            Author::Holder(hold) => {
                let name = |name: &str| hold[name].as_str().unwrap_or_default().to_owned();
                let pair = (name("code_hint"), name("user_id"));
                self.holds.entry(pair).or_default().push(hold);
                Ok(())
            }
            Author::Releaser(hold) => match book.pool().is_released(&hold) {
                true => {
                    self.released.insert(hold);
                    Ok(())
                }
                false => Err(format!("nobody gave {hold} up")),
            },
            Author::Nobody => Ok(()),
        }
    }

    /// All events were taken in: looks for those of what was answered meanwhile, which it gives, and
    /// insists that all others are those of answers that went astray.
    pub(super) fn finish(&mut self, book: &Book) -> Result<Vec<Arc<Wish>>, Fault> {
        let fresh = book.take_fresh();
        for wish in &fresh {
            let Standing::Answered(answer) = wish.state().standing.clone() else { continue };
            if !self.has_event(wish, &answer) {
                return Err(format!("LOST: no event tells of {answer}\n{wish:?}"));
            }
        }
        book.look_for_lost();
        for (pair, holds) in &self.holds {
            book.explain_holds(pair, holds.len() as u64)?;
        }
        Ok(fresh)
    }

    fn has_event(&mut self, wish: &Arc<Wish>, answer: &Value) -> bool {
        match &wish.deed {
            Deed::Release { hold } => self.released.contains(hold),
            Deed::Hold { .. } => {
                let pair = (wish.code.hint.clone(), wish.user.clone());
                let Some(holds) = self.holds.get_mut(&pair) else { return false };
                let place = holds.iter().position(|hold| hold == answer);
                place.map(|place| holds.swap_remove(place)).is_some()
            }
            _ => self.told.contains(&(wish.number as u64)),
        }
    }
}

/// An event tells what became of a wish.
fn explain(wish: &Wish, told: Value) -> Result<(), Fault> {
    let mut state = wish.state();
    match &state.standing {
        Standing::Answered(answer) if *answer == told => Ok(()),
        Standing::Answered(answer) => Err(format!("it was answered {answer}, and is told {told}")),
        Standing::Lost => {
            state.told = Some(told);
            Ok(())
        }
        Standing::Nothing | Standing::Refused => {
            Err(format!("it was not carried out, and an event tells {told}"))
        }
    }
}

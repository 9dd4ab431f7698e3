//! The pieces that were rendered lately, by where they begin.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::piece::Piece;
use crate::service::EventPosition;

/// How many bytes of text are kept.
const BYTES: usize = 16 << 20;

/// How many pieces are kept.
const COUNT: usize = 4_096;

/// A piece, once somebody has rendered it. Whoever else wants it waits for that one.
pub(super) type Place = Arc<OnceCell<Piece>>;

/// The pieces that were rendered lately. What is dropped is rendered again where it is wanted.
#[derive(Debug, Default)]
pub(super) struct Pieces(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    places: HashMap<EventPosition, Place>,
    /// In the order in which they were asked for first.
    order: VecDeque<EventPosition>,
    bytes: usize,
}

impl Pieces {
    /// The place of the piece that begins at a position.
    pub(super) fn place(&self, begin: &EventPosition) -> Place {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = kept.places.get(begin) {
            return Arc::clone(place);
        }
        while kept.order.len() >= COUNT {
            kept.drop_oldest();
        }
        let place = Place::default();
        kept.places.insert(begin.clone(), Arc::clone(&place));
        kept.order.push_back(begin.clone());
        place
    }

    /// Says that a piece was rendered and takes so many bytes.
    pub(super) fn rendered(&self, bytes: usize) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += bytes;
        while kept.bytes > BYTES && !kept.order.is_empty() {
            kept.drop_oldest();
        }
    }

    /// Drops all of them.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }
}

impl Kept {
    fn drop_oldest(&mut self) {
        let Some(begin) = self.order.pop_front() else { return };
        let piece = self.places.remove(&begin);
        let bytes = piece.and_then(|piece| piece.get().map(|piece| piece.text.len()));
        self.bytes = self.bytes.saturating_sub(bytes.unwrap_or(0));
    }
}

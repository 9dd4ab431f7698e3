//! What is to be redeemed, and who tries it: handed out to the clients one by one.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

/// Every so many redemptions, somebody else tries the same code again.
const TRIED_TWICE: usize = 10;

/// The redemptions that are wanted, by their place.
pub(super) struct Wishes {
    codes: Vec<String>,
    next: AtomicUsize,
    /// Places whose code was redeemed and is to be tried by somebody else.
    again: Mutex<Vec<usize>>,
}

/// Something that a client shall do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Attempt {
    /// Redeem the code at this place.
    First(usize),
    /// Try to redeem it though it was redeemed by somebody else.
    Second(usize),
}

impl Wishes {
    /// Redemptions of these codes, each by a user of its own.
    pub(super) fn new(codes: Vec<String>) -> Self {
        Self { codes, next: AtomicUsize::new(0), again: Mutex::default() }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.codes.len()
    }

    /// What is to be done next, if anything.
    pub(super) fn next(&self) -> Option<Attempt> {
        if let Some(place) = self.again.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Some(Attempt::Second(place));
        }
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        (place < self.codes.len()).then_some(Attempt::First(place))
    }

    /// The code at a place was redeemed. Whoever says so must ask for what is next afterwards.
    pub(super) fn redeemed(&self, place: usize) {
        if place.is_multiple_of(TRIED_TWICE) {
            self.again.lock().unwrap_or_else(PoisonError::into_inner).push(place);
        }
    }

    /// The body of a request for the code at a place.
    pub(super) fn body(&self, place: usize, user: &str) -> String {
        json!({ "code": self.codes.get(place), "user_id": user }).to_string()
    }
}

impl Attempt {
    /// The place of the code.
    pub(super) fn place(self) -> usize {
        let (Self::First(place) | Self::Second(place)) = self;
        place
    }

    /// Who does it.
    pub(super) fn user(self) -> String {
        match self {
            Self::First(place) => format!("user-{place}"),
            Self::Second(place) => format!("somebody-else-{place}"),
        }
    }

    /// The key under which it is repeated. Half of the second attempts have none.
    pub(super) fn key(self) -> Option<String> {
        match self {
            Self::First(place) => Some(format!("first-{place}")),
            Self::Second(place) => {
                (place / TRIED_TWICE).is_multiple_of(2).then(|| format!("second-{place}"))
            }
        }
    }
}

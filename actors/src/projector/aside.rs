//! Outcomes that the database refused and that somebody wants to be tried again: when to look for
//! such wishes, and which is next. A plain value.

use std::collections::VecDeque;
use std::time::Duration;

use redeemd_domain::sequence::Position;

/// How often the database is asked for wishes, while anything is set aside there.
const LOOK: Duration = Duration::from_secs(1);

/// What is known of the outcomes that were set aside. Times are since any fixed moment.
#[derive(Clone, Debug, Default)]
pub struct Aside {
    count: u64,
    wanted: VecDeque<Position>,
    is_looking: bool,
    looked: Duration,
}

impl Aside {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Notes how many there are.
    pub fn counted(&mut self, count: u64) {
        self.count = count;
    }

    /// Notes that one more was set aside.
    pub fn added(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// Whether it is time to look again. Then it is taken to be begun.
    pub fn look(&mut self, now: Duration) -> bool {
        let is_due = self.count > 0
            && self.wanted.is_empty()
            && !self.is_looking
            && now.saturating_sub(self.looked) >= LOOK;
        if is_due {
            (self.is_looking, self.looked) = (true, now);
        }
        is_due
    }

    /// Notes what was seen: how many there are, and which are to be tried again; nothing where it
    /// could not be seen.
    pub fn seen(&mut self, seen: Option<(u64, Vec<Position>)>) {
        self.is_looking = false;
        if let Some((count, wanted)) = seen {
            self.count = count;
            self.wanted = wanted.into();
        }
    }

    /// The next that is to be tried again, if it can be now. Then it is taken to be begun.
    pub fn next(&mut self, can_be: impl Fn(Position) -> bool) -> Option<Position> {
        self.wanted.pop_front_if(|&mut position| can_be(position))
    }

    /// Notes that the database has one of them now, or that it is not set aside any more.
    pub fn arrived(&mut self) {
        self.count = self.count.saturating_sub(1);
    }

    /// Forgets what was wanted: it has to be looked for again.
    pub fn forget(&mut self) {
        self.wanted.clear();
    }
}

#[cfg(test)]
mod tests {
    use redeemd_domain::sequence::SequenceId;

    use super::*;

    #[test]
    fn it_is_looked_for_now_and_then_while_there_is_something() {
        let mut aside = Aside::default();
        let second = Duration::from_secs(1);
        assert!(!aside.look(second), "nothing is set aside");
        aside.added();
        assert!(aside.look(second) && !aside.look(second * 10), "it is being looked for");
        let position = |number| Position { sequence: SequenceId::shard(0), number };
        aside.seen(Some((3, vec![position(4), position(7)])));
        assert!(!aside.look(second * 10), "there is something to do");
        assert_eq!(aside.next(|_| false), None);
        assert_eq!(aside.next(|_| true), Some(position(4)));
        aside.arrived();
        assert_eq!((aside.count(), aside.next(|_| true)), (2, Some(position(7))));
        assert!(aside.look(second * 10));
        aside.seen(None);
        assert_eq!(aside.count(), 2);
    }
}

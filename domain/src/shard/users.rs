//! How often users have redeemed codes of a campaign: a counter for each of them, in the slot of
//! campaign and user.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::digest_table::{Cell, DigestTable, Key};
use crate::codes::{CampaignNumber, Digest};
use crate::rules::Period;
use crate::slot::Slot;
use crate::timestamp::Timestamp;

/// Names a user of a campaign: the first 128 bits of SHA-256 over both. Whoever knows the user's
/// name can compute it, so it belongs in no log line, but the state keeps no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UserDigest(pub [u8; 16]);

impl Hash for UserDigest {
    /// As one number: of an array the length would be hashed, too.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_ne_bytes(self.0));
    }
}

impl UserDigest {
    /// The digest of a campaign's user.
    pub fn new(campaign: CampaignNumber, user: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"redeemd user\x01");
        hash.update(campaign.0.to_le_bytes());
        hash.update(user.as_bytes());
        let mut kept = [0; 16];
        kept.iter_mut().zip(hash.finalize()).for_each(|(kept, byte)| *kept = byte);
        Self(kept)
    }

    /// The slot that counts the user's uses: the first ten bits, as with listed codes.
    pub fn slot(&self) -> Slot {
        Digest::from_bytes(self.0).slot()
    }
}

impl Key for UserDigest {
    fn of_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// How often a user has redeemed in a period, claims that are pending included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uses {
    pub(super) period: Period,
    /// At most [`MOST_USES`].
    pub(super) count: u32,
}

/// The most uses that are counted, far above any limit that anybody means.
pub(super) const MOST_USES: u32 = OCCUPIED - 1;

const OCCUPIED: u32 = 1 << 31;

impl Cell for Uses {
    /// The period above, the count below, eight bytes in memory and in snapshots.
    type Bits = u64;

    /// Each claim looks for its user twice, and mostly in vain.
    const CELLS_FOR_EIGHT: usize = 12;

    /// Users come one by one, and each of them waits.
    const GROWS_BY_ONE_OF: usize = 2;

    fn to_bits(self) -> u64 {
        u64::from(self.period.0) << 32 | u64::from(OCCUPIED | self.count.min(MOST_USES))
    }

    fn from_bits(bits: u64) -> Option<Self> {
        let (period, low) = ((bits >> 32) as u32, bits as u32);
        let occupied = low & OCCUPIED != 0;
        occupied.then_some(Self { period: Period(period), count: low & MOST_USES })
    }
}

impl Uses {
    /// Whether it can still matter at a time. What cannot is as if it were not there.
    fn matters_at(&self, at: Timestamp) -> bool {
        self.count > 0 && !self.period.is_over_everywhere(at)
    }
}

/// The counters of one slot: 24 bytes a user.
#[derive(Clone, Debug, Default)]
pub(super) struct Users(DigestTable<UserDigest, Uses>);

impl Users {
    /// How often a user has redeemed in a period.
    pub(super) fn used(&self, user: &UserDigest, period: Period) -> u32 {
        let uses = self.0.get(user).filter(|uses| uses.period == period);
        uses.map_or(0, |uses| uses.count)
    }

    /// Brings a user's counter to where the processor has it at hand.
    pub(super) fn bring_up(&self, user: &UserDigest) {
        self.0.bring_up(user);
    }

    /// Counts one use in a period; how many they are now. What was counted in another one is over.
    pub(super) fn count(&mut self, user: UserDigest, period: Period, at: Timestamp) -> u32 {
        let mut count = 1;
        let one_more = |former: Option<Uses>| {
            let former = former.filter(|former| former.period == period);
            count += former.map_or(0, |former| former.count);
            count = count.min(MOST_USES);
            Uses { period, count }
        };
        self.0.change(user, one_more, |uses| uses.matters_at(at));
        count
    }

    /// Takes one use of a period back, if that period is still the one that is counted.
    pub(super) fn take_back(&mut self, user: &UserDigest, period: Period) {
        if let Some(count) = self.used(user, period).checked_sub(1) {
            self.0.set(user, Uses { period, count });
        }
    }

    /// Puts a counter back that was found again from elsewhere.
    pub(super) fn put_back(&mut self, user: UserDigest, uses: Uses, at: Timestamp) {
        self.0.change(user, |_| uses, |uses| uses.matters_at(at));
    }

    /// The counters that matter at a time, in the order of their digests.
    pub(super) fn at(&self, at: Timestamp) -> impl Iterator<Item = (UserDigest, Uses)> + '_ {
        self.0.iter().filter(move |(_, uses)| uses.matters_at(at))
    }

    /// Counters that come in the order of their digests; `None` when they are out of order, twice,
    /// or nothing.
    pub(super) fn restore(
        count: usize,
        users: impl Iterator<Item = (UserDigest, Uses)>,
    ) -> Option<Self> {
        let mut sound = true;
        let checked = users.inspect(|(_, uses)| sound &= uses.count > 0);
        let table = DigestTable::from_sorted(count, checked)?;
        sound.then_some(Self(table))
    }

    /// Whether there is nothing to keep.
    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Per;

    const EVER: Period = Period(0);

    /// Users of slot 0: a table is for those of one slot.
    fn user(number: u64) -> UserDigest {
        let UserDigest(mut bytes) = UserDigest::new(CampaignNumber(1), &number.to_string());
        (bytes[0], bytes[1]) = (0, bytes[1] & 0x3F);
        UserDigest(bytes)
    }

    #[test]
    fn uses_are_counted_by_user_and_period() {
        let at = Timestamp(20_000 * 86_400_000);
        let day = |offset: i64| Period::of(Per::Day, (20_000 + offset) * 86_400_000);
        let mut users = Users::default();
        let counted = [(); 2].map(|()| users.count(user(1), day(0), at));
        assert_eq!(counted, [1, 2]);
        assert_eq!((users.used(&user(1), day(0)), users.used(&user(2), day(0))), (2, 0));
        users.count(user(1), day(1), at);
        assert_eq!((users.used(&user(1), day(0)), users.used(&user(1), day(1))), (0, 1));
        users.take_back(&user(1), day(0));
        assert_eq!(users.used(&user(1), day(1)), 1, "a use of yesterday is none of today");
        users.take_back(&user(1), day(1));
        users.take_back(&user(1), day(1));
        assert_eq!((users.used(&user(1), day(1)), users.at(at).count()), (0, 0));
    }

    #[test]
    fn what_is_over_makes_room_for_others() {
        let day = |day: u64| Period::of(Per::Day, (day * 86_400_000) as i64);
        let mut users = Users::default();
        for number in 0..100_000 {
            let today = number / 1_000;
            users.count(user(number), day(today), Timestamp(today * 86_400_000));
        }
        assert!(users.0.cells() < 12_000, "{} cells", users.0.cells());
        let mut forever = Users::default();
        for number in 0..2_000 {
            forever.count(user(number), EVER, Timestamp(number << 30));
        }
        assert_eq!(forever.at(Timestamp::MAX).count(), 2_000, "what is for ever stays");
    }

    #[test]
    fn counters_come_back_from_a_snapshot() {
        let mut users = Users::default();
        for number in 0..500 {
            users.count(user(number % 300), EVER, Timestamp(0));
        }
        let kept: Vec<_> = users.at(Timestamp(0)).collect();
        let again = Users::restore(kept.len(), kept.iter().copied()).unwrap();
        assert!(again.at(Timestamp(0)).eq(kept.iter().copied()));
        assert_eq!((again.used(&user(7), EVER), again.used(&user(299), EVER)), (2, 1));
        let none = Uses { period: EVER, count: 0 };
        assert!(Users::restore(1, [(user(1), none)].into_iter()).is_none());
    }
}

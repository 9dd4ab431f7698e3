//! Serials: the numbers of sealed codes within a campaign, and their dense place within a slot.
//! This file must never know how a serial is enciphered.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::CampaignNumber;
use crate::slot::{SLOT_COUNT, Slot};

/// How many bits of a serial choose its slot; the rest is its index there.
const SLOT_BITS: u32 = SLOT_COUNT.trailing_zeros();

/// The number of a sealed code within its campaign, counted from zero and below
/// [`Serial::COUNT`]. Serials are issued in order and never twice.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(try_from = "u64", into = "u64")]
pub struct Serial(u64);

/// A number that is no serial, because it is 2^40 or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no serial: serials are below 2^40")]
pub struct SerialOutOfRange(pub u64);

impl Serial {
    /// How many serials a campaign has: 2^40, since a sealed code has 40 bits for one.
    pub const COUNT: u64 = 1 << 40;

    /// How many serials of one campaign fall into each slot: 2^30.
    pub const COUNT_PER_SLOT: u64 = Self::COUNT >> SLOT_BITS;

    /// The serial with this number, or `None` when it is 2^40 or more.
    pub const fn new(number: u64) -> Option<Self> {
        if number < Self::COUNT { Some(Self(number)) } else { None }
    }

    /// The number, below [`Serial::COUNT`].
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The slot of the code with this serial: (campaign number + serial) mod 1,024.
    ///
    /// The campaign number shifts where a campaign begins, so that many campaigns of a few codes
    /// do not all fall into the first slots.
    pub const fn slot(self, campaign: CampaignNumber) -> Slot {
        Slot::of(campaign.0 as u64 + self.0)
    }

    /// Where the code stands among its campaign's codes in its slot: a dense index, counted from
    /// zero and below [`Serial::COUNT_PER_SLOT`]. Bitmaps are kept over it, since raw serials
    /// would leave 1,023 of 1,024 places empty.
    pub const fn index_in_slot(self) -> u32 {
        (self.0 >> SLOT_BITS) as u32
    }

    /// The serial that stands at `index` among the codes of `campaign` in `slot`: the inverse of
    /// [`Serial::slot`] and [`Serial::index_in_slot`]. `None` when the index is
    /// [`Serial::COUNT_PER_SLOT`] or more.
    pub const fn at(slot: Slot, campaign: CampaignNumber, index: u32) -> Option<Self> {
        let within = (slot.number() as u32).wrapping_sub(campaign.0) % SLOT_COUNT as u32;
        Self::new(((index as u64) << SLOT_BITS) | within as u64)
    }
}

impl TryFrom<u64> for Serial {
    type Error = SerialOutOfRange;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        Self::new(number).ok_or(SerialOutOfRange(number))
    }
}

impl From<Serial> for u64 {
    fn from(serial: Serial) -> Self {
        serial.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn serials_end_at_forty_bits() {
        let last = Serial::new(Serial::COUNT - 1).unwrap();
        assert_eq!(u64::from(last.index_in_slot()), Serial::COUNT_PER_SLOT - 1);
        assert_eq!(Serial::new(Serial::COUNT), None);
        assert_eq!(Serial::at(Slot::of(0), CampaignNumber(0), 1 << 30), None);

        let stored = postcard::to_stdvec(&Serial::COUNT).unwrap();
        assert!(postcard::from_bytes::<Serial>(&stored).is_err(), "stored data is checked too");
    }

    proptest! {
        #[test]
        fn a_serial_is_found_again_from_its_slot_and_index(
            campaign in any::<u32>(),
            number in 0..Serial::COUNT,
        ) {
            let campaign = CampaignNumber(campaign);
            let serial = Serial::new(number).unwrap();
            let slot = serial.slot(campaign);
            prop_assert_eq!(u64::from(slot.number()), (u64::from(campaign.0) + number) % 1024);
            prop_assert_eq!(Serial::at(slot, campaign, serial.index_in_slot()), Some(serial));
        }

        #[test]
        fn the_serials_of_a_slot_have_dense_indexes(campaign in any::<u32>(), slot in 0_u16..1024) {
            let campaign = CampaignNumber(campaign);
            let slot = Slot::new(slot).unwrap();
            let first_serials = (0..4096).map(|number| Serial::new(number).unwrap());
            let indexes: Vec<_> = first_serials
                .filter(|serial| serial.slot(campaign) == slot)
                .map(Serial::index_in_slot)
                .collect();
            prop_assert_eq!(indexes, [0, 1, 2, 3]);
        }
    }
}

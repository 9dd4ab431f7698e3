//! The text of a cursor: a letter for its kind, and hexadecimal digits of a position and a check.
//!
//! The check covers the filter, so that a cursor that was mangled, or belongs to another question,
//! is refused instead of giving a list with gaps. It is no secret: whoever makes up a cursor gets a
//! list that begins elsewhere, and nothing that another request would not give.

use std::fmt::Write as _;

use redeemd_domain::timestamp::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::service::{Cursor, Filter, Place};

const APPENDED: char = 'a';
const TIMED: char = 't';

/// How many bytes a position has, and the check after it.
const POSITION_BYTES: usize = 18;
const CHECK_BYTES: usize = 4;

/// The text of a cursor for a list under a filter.
pub(super) fn write(cursor: Cursor, filter: &Filter) -> String {
    let mut position = [0; POSITION_BYTES];
    let kind = match cursor {
        Cursor::Appended(bits) => {
            position[..8].copy_from_slice(&bits.to_be_bytes());
            APPENDED
        }
        Cursor::Timed(Place { at, shard, number }) => {
            position[..8].copy_from_slice(&at.0.to_be_bytes());
            position[8..10].copy_from_slice(&shard.to_be_bytes());
            position[10..].copy_from_slice(&number.to_be_bytes());
            TIMED
        }
    };
    let mut text = String::from(kind);
    for byte in position.iter().chain(&check(kind, &position, filter)) {
        // Writing to memory does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The cursor in a text; `None` where it was not written for a list under this filter.
pub(super) fn read(text: &str, filter: &Filter) -> Option<Cursor> {
    let (kind, digits) = text.split_at_checked(1)?;
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    let bytes = pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?;
    let (position, stated) = bytes.split_first_chunk::<POSITION_BYTES>()?;
    let kind = kind.chars().next()?;
    if stated != check(kind, position, filter) {
        return None;
    }
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    let (first, rest) = position.split_first_chunk::<8>()?;
    let (shard, rest) = rest.split_first_chunk::<2>()?;
    match (kind, filter.user.is_some()) {
        (APPENDED, true) => Some(Cursor::Appended(u64::from_be_bytes(*first))),
        (TIMED, false) => Some(Cursor::Timed(Place {
            at: Timestamp(u64::from_be_bytes(*first)),
            shard: u16::from_be_bytes(*shard),
            number: number(rest),
        })),
        _ => None,
    }
}

fn check(kind: char, position: &[u8; POSITION_BYTES], filter: &Filter) -> [u8; CHECK_BYTES] {
    let Filter { user, campaign, from, to } = filter;
    let mut hash = Sha256::new();
    hash.update([kind as u8]);
    hash.update(position);
    let numbers = [
        campaign.map(|campaign| u64::from(campaign.0)),
        from.map(|from| from.0),
        to.map(|to| to.0),
        user.as_ref().map(|user| user.len() as u64),
    ];
    for number in numbers {
        hash.update([u8::from(number.is_some())]);
        hash.update(number.unwrap_or_default().to_be_bytes());
    }
    hash.update(user.as_deref().unwrap_or_default());
    let digest = hash.finalize();
    std::array::from_fn(|place| digest[place])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redeemd_domain::codes::CampaignNumber;

    use super::*;

    fn filter(user: Option<&str>) -> Filter {
        Filter { user: user.map(Into::into), ..Filter::default() }
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back_and_nothing_else_does(
            at in any::<u64>(), shard in any::<u16>(), number in any::<u64>(),
            place in any::<prop::sample::Index>(), text in ".{0,50}",
        ) {
            let timed = Cursor::Timed(Place { at: Timestamp(at), shard, number });
            for (cursor, filter) in
                [(timed, filter(None)), (Cursor::Appended(number), filter(Some("ada")))]
            {
                let written = write(cursor, &filter);
                prop_assert_eq!(read(&written, &filter), Some(cursor));
                let mut bytes = written.clone().into_bytes();
                let place = place.index(bytes.len());
                bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
                prop_assert_eq!(read(&String::from_utf8(bytes).unwrap(), &filter), None);
                prop_assert_eq!(read(&written[1..], &filter), None);
                prop_assert_eq!(read(&written[..written.len() - 2], &filter), None);
                prop_assert_eq!(read(&written.to_uppercase(), &filter), None);
                prop_assert_eq!(read(&text, &filter), None);
            }
        }
    }

    #[test]
    fn a_cursor_belongs_to_its_filter() {
        let place = Place { at: Timestamp(5), shard: 1, number: 7 };
        let text = write(Cursor::Timed(place), &filter(None));
        let moment = Some(Timestamp(0));
        for other in [
            filter(Some("ada")),
            Filter { campaign: Some(CampaignNumber(0)), ..Filter::default() },
            Filter { from: moment, ..Filter::default() },
            Filter { to: moment, ..Filter::default() },
        ] {
            assert_eq!(read(&text, &other), None, "{other:?}");
        }
    }
}

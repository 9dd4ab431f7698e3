//! What holds for all codes, tried on random ones.

use proptest::prelude::*;

use crate::codes::crockford::ALPHABET;
use crate::codes::{
    CampaignNumber, KeyEpoch, KeyRing, KeyRingError, NormalisedCode, Opened, Pepper, SealedBlock,
    SealedText, SealingKey, Serial, SerialOutOfRange, Unreadable, UnusableText,
};

fn any_serial() -> impl Strategy<Value = Serial> {
    (0..Serial::COUNT).prop_map(|number| Serial::new(number).unwrap())
}

fn any_campaign() -> impl Strategy<Value = CampaignNumber> {
    any::<u32>().prop_map(CampaignNumber)
}

fn any_text() -> impl Strategy<Value = SealedText> {
    (any::<[u8; 32]>(), any_campaign(), any_serial())
        .prop_map(|(key, campaign, serial)| SealingKey::new(&key).seal(campaign, serial))
}

/// The symbols of a text, without the dashes.
fn symbols(text: &SealedText) -> Vec<u8> {
    text.as_bytes().iter().copied().filter(|&symbol| symbol != b'-').collect()
}

fn parse(symbols: &[u8]) -> Result<SealedBlock, Unreadable> {
    SealedBlock::parse(std::str::from_utf8(symbols).unwrap())
}

/// A ring with the keys `[1; 32]` to `[count; 32]` for the epochs 1 to `count`.
fn ring(count: u8) -> KeyRing {
    let mut ring = KeyRing::default();
    for number in 1..=count {
        ring.insert(KeyEpoch(number.into()), SealingKey::new(&[number; 32])).unwrap();
    }
    ring
}

proptest! {
    #[test]
    fn what_was_sealed_is_opened_by_its_key_alone(
        key: [u8; 32],
        other: [u8; 32],
        campaign in any_campaign(),
        serial in any_serial(),
    ) {
        prop_assume!(key != other);
        let key = SealingKey::new(&key);
        let text = key.seal(campaign, serial);
        let block = SealedBlock::parse(text.as_str()).unwrap();
        prop_assert_eq!(key.open(&block), Some((campaign, serial)));
        prop_assert_eq!(SealingKey::new(&other).open(&block), None);
        prop_assert_eq!(block.to_text(), text);
    }

    #[test]
    fn every_wrong_symbol_is_seen(text in any_text()) {
        let original = symbols(&text);
        for place in 0..original.len() {
            for &symbol in ALPHABET.iter().filter(|&&symbol| symbol != original[place]) {
                let mut changed = original.clone();
                changed[place] = symbol;
                prop_assert_eq!(parse(&changed), Err(Unreadable::Checksum));
            }
        }
    }

    #[test]
    fn every_swap_of_neighbours_is_seen(text in any_text()) {
        let original = symbols(&text);
        for place in 1..original.len() {
            let mut swapped = original.clone();
            swapped.swap(place - 1, place);
            if swapped != original {
                prop_assert_eq!(parse(&swapped), Err(Unreadable::Checksum));
            }
        }
    }

    #[test]
    fn spelling_does_not_matter(
        text in any_text(),
        styles in prop::collection::vec((0_u8..6, "[ -]{0,3}"), 28),
    ) {
        let mut spelled = String::new();
        for (symbol, (style, separators)) in symbols(&text).into_iter().zip(styles) {
            spelled.push(match (symbol, style) {
                (b'0', 0) => 'O',
                (b'0', 1) => 'o',
                (b'1', 0) => 'I',
                (b'1', 1) => 'i',
                (b'1', 2) => 'L',
                (b'1', 3) => 'l',
                (_, 0..=2) => char::from(symbol.to_ascii_lowercase()),
                _ => char::from(symbol),
            });
            spelled.push_str(&separators);
        }
        prop_assert_eq!(SealedBlock::parse(&spelled), SealedBlock::parse(text.as_str()));
        prop_assert_eq!(NormalisedCode::parse(text.as_str()), Err(UnusableText::ReservedText));
    }

    #[test]
    fn reading_any_text_ends_well(
        text in prop_oneof![any::<String>(), "[0-9A-Za-z-]{30}", "[0-9A-TV-Z]{12}-[0-9A-TV-Z]{8}-[0-9A-TV-Z]{8}"],
    ) {
        if let Ok(block) = SealedBlock::parse(&text) {
            prop_assert_eq!(ring(8).open(&block), None, "a random text is never a code");
        }
        let _ = NormalisedCode::parse(&text);
    }

    #[test]
    fn the_bulk_path_gives_the_same_codes(
        campaign in any_campaign(),
        first in 0..Serial::COUNT - 1000,
        count in 0_u64..500,
    ) {
        let key = SealingKey::new(&[7; 32]);
        let mut lines = b"code\n".to_vec();
        key.seal_into(campaign, Serial::new(first).unwrap(), count, ["<", ">\n"], &mut lines).unwrap();

        let mut expected = "code\n".to_owned();
        for number in first..first + count {
            expected += &format!("<{}>\n", key.seal(campaign, Serial::new(number).unwrap()));
        }
        prop_assert_eq!(String::from_utf8(lines).unwrap(), expected);
    }

    #[test]
    fn the_many_open_as_each_does(
        codes in prop::collection::vec((1_u8..12, any_campaign(), any_serial()), 0..300),
    ) {
        let ring = ring(8);
        let blocks: Vec<_> = codes
            .iter()
            .map(|&(key, campaign, serial)| SealingKey::new(&[key; 32]).seal(campaign, serial))
            .map(|text| SealedBlock::parse(text.as_str()).unwrap())
            .collect();
        let expected: Vec<_> = codes
            .iter()
            .map(|&(key, campaign, serial)| {
                let epoch = KeyEpoch(key.into());
                (key <= 8).then_some(Opened { epoch, campaign, serial })
            })
            .collect();
        let each: Vec<_> = blocks.iter().map(|block| ring.open(block)).collect();
        let mut many = vec![None; 3];
        ring.open_many(&blocks, &mut many);
        prop_assert_eq!(&each, &expected);
        prop_assert_eq!(&many, &expected);
    }

    #[test]
    fn normalising_twice_is_normalising_once(text in "[a-zé \u{301}\u{307}\u{327}\u{2013}\u{1100}-\u{11FF}-]{1,20}|\\PC{1,20}") {
        if let Ok(once) = NormalisedCode::parse(&text)
            && once.as_str().chars().count() <= NormalisedCode::LONGEST
        {
            prop_assert_eq!(NormalisedCode::parse(once.as_str()), Ok(once));
        }
    }
}

#[test]
fn serials_beyond_the_last_are_not_sealed() {
    let key = SealingKey::new(&[7; 32]);
    let last = Serial::new(Serial::COUNT - 1).unwrap();
    let mut output = Vec::new();
    let mut seal = |count| key.seal_into(CampaignNumber(1), last, count, ["", "\n"], &mut output);
    assert_eq!(seal(2), Err(SerialOutOfRange(Serial::COUNT)));
    assert!(seal(u64::MAX).is_err());
    assert_eq!(seal(1), Ok(()));
    assert_eq!(output.len(), SealedText::LENGTH + 1);
}

#[test]
fn a_ring_holds_eight_keys_the_newest_first() {
    let mut ring = ring(8);
    let key = SealingKey::new(&[9; 32]);
    assert_eq!(ring.insert(KeyEpoch(9), key.clone()), Err(KeyRingError::Full));
    assert_eq!(ring.insert(KeyEpoch(3), key.clone()), Err(KeyRingError::AlreadyLive(KeyEpoch(3))));

    assert!(ring.retire(KeyEpoch(3)));
    assert!(!ring.retire(KeyEpoch(3)));
    assert!(ring.key(KeyEpoch(3)).is_none());
    ring.insert(KeyEpoch(9), key).unwrap();
    assert_eq!(ring.newest(), Some(KeyEpoch(9)));
    assert!(ring.epochs().map(|epoch| epoch.0).eq([9, 8, 7, 6, 5, 4, 2, 1]));
}

#[test]
fn nothing_secret_is_written_by_debug() {
    let key = SealingKey::new(&[0xAB; 32]);
    let text = key.seal(CampaignNumber(1), Serial::default());
    let block = SealedBlock::parse(text.as_str()).unwrap();
    let code = NormalisedCode::parse("SUMMER-1").unwrap();
    let shown = format!("{key:?} {text:?} {block:?} {code:?} {:?}", Pepper::new(&[0xAB; 32]));
    let expected = "SealingKey(redacted) SealedText(redacted) SealedBlock(redacted) \
                    NormalisedCode(redacted) Pepper(KeyedHash(redacted))";
    assert_eq!(shown, expected);
}

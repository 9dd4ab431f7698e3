//! The test vectors of `docs/CODES.md`, read from that very document. They were computed by
//! another implementation.

use crate::codes::checksum::checksum;
use crate::codes::{
    CampaignNumber, CodeKey, HintKey, KeyEpoch, KeyRing, NormalisedCode, Pattern, PatternKey,
    Pepper, SealedBlock, SealingKey, Serial,
};

const DOCUMENT: &str = include_str!("../../../../docs/CODES.md");

/// The cells of the table under a heading, row by row, without the marks of code spans.
fn table(heading: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let (_, section) = DOCUMENT.split_once(&format!("\n### {heading}\n")).expect(heading);
    let section = section.split("\n#").next().unwrap();
    let rows: Vec<_> = section.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() >= 3, "{heading} has no vectors");
    rows.into_iter().map(|row| {
        let cells = row.trim_start_matches("| ").trim_end_matches(" |").split(" | ");
        cells.map(|cell| cell.trim_matches('`')).collect()
    })
}

/// The text that a JSON string stands for.
fn text(json: &str) -> String {
    serde_json::from_str(json).expect(json)
}

/// The bytes of a key of the document.
fn key(name: &str) -> [u8; 32] {
    let row = table("Keys").find(|row| row[0] == name).expect(name);
    bytes(row[1]).try_into().expect("keys have 32 bytes")
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn serial(number: &str) -> Serial {
    Serial::new(number.parse().unwrap()).expect("below 2^40")
}

#[test]
fn sealed_codes() {
    for row in table("Sealed") {
        let [key_name, campaign, serial_number, plain, cipher, stated_checksum, code, slot, index] =
            row[..]
        else {
            panic!("{row:?}")
        };
        let key = SealingKey::new(&key(key_name));
        let campaign = CampaignNumber(campaign.parse().unwrap());
        let serial = serial(serial_number);

        assert_eq!(key.seal(campaign, serial).as_str(), code);
        let block = SealedBlock::parse(code).unwrap();
        assert_eq!(key.open(&block), Some((campaign, serial)));
        assert_eq!(block.to_bytes()[..], bytes(cipher));
        let computed = checksum(u128::from_be_bytes(block.to_bytes()));
        assert_eq!(format!("{computed:03x}"), stated_checksum);
        assert_eq!(plain, format!("01{:08x}{:010x}{:012x}", campaign.0, serial.number(), 0));

        let slot_number: u16 = slot.parse().unwrap();
        assert_eq!(serial.slot(campaign).number(), slot_number);
        assert_eq!(serial.index_in_slot().to_string(), index);
    }
}

#[test]
fn accepted_spellings() {
    let sealed = SealingKey::new(&key("A")).seal(CampaignNumber(5), serial("100130"));
    for row in table("Spellings") {
        let block = SealedBlock::parse(&text(row[0])).expect(row[0]);
        assert_eq!(block.to_text(), sealed, "{}", row[0]);
    }
}

#[test]
fn unreadable_texts() {
    for row in table("Unreadable") {
        let fault = SealedBlock::parse(&text(row[0])).expect_err(row[0]);
        assert_eq!(format!("{fault:?}"), row[1], "{}", row[0]);
    }
}

#[test]
fn texts_that_do_not_open() {
    let key = SealingKey::new(&key("A"));
    let mut ring = KeyRing::default();
    ring.insert(KeyEpoch(1), key.clone()).unwrap();
    for row in table("Unopened") {
        let block = SealedBlock::parse(row[0]).expect(row[0]);
        assert_eq!(key.open(&block), None, "{}", row[1]);
        assert_eq!(ring.open(&block), None, "{}", row[1]);
    }
}

#[test]
fn normalised_texts() {
    for row in table("Normalised") {
        let code = NormalisedCode::parse(&text(row[0])).expect(row[0]);
        assert_eq!(code.as_str(), text(row[1]), "{}", row[0]);
    }
}

#[test]
fn unusable_texts() {
    for row in table("Unusable") {
        let fault = NormalisedCode::parse(&text(row[0])).expect_err(row[0]);
        assert_eq!(format!("{fault:?}"), row[1], "{}", row[0]);
    }
}

#[test]
fn digests() {
    for row in table("Digests") {
        let code = NormalisedCode::parse(&text(row[1])).expect(row[1]);
        let digest = Pepper::new(&key(row[0])).digest(&code);
        assert_eq!(digest.to_string(), row[2]);
        assert_eq!(digest.slot().number().to_string(), row[3]);
    }
}

#[test]
fn patterns() {
    for row in table("Patterns") {
        let [key_name, campaign, pattern, alphabet, index, _, wanted] = row[..] else {
            panic!("{row:?}")
        };
        let pattern = Pattern::new(pattern, alphabet).unwrap();
        let campaign = CampaignNumber(campaign.parse().unwrap());
        let codes = PatternKey::new(&key(key_name)).codes(campaign, &pattern).unwrap();
        let mut code = String::new();
        codes.write(index.parse().unwrap(), &mut code);
        assert_eq!(code, wanted);
    }
}

#[test]
fn hints() {
    for row in table("Hints") {
        let code = CodeKey::from_canonical(&bytes(row[1])).expect(row[1]);
        assert_eq!(HintKey::new(&key(row[0])).hint(&code).to_string(), row[2]);
    }
}

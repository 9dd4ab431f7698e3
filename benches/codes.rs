//! How fast codes are issued and read, on one core: `cargo bench --bench codes`.
//!
//! Nothing here touches a disk or a network, so the figures stand for themselves. Each is the
//! median of many short rounds, with the slowest and fastest beside it, since machines are noisy.
//! What counts is processor time, which stands still while something else has the core.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints its figures, and stops when its own set-up is wrong"
)]

use std::hint::black_box;

use redeemd_domain::codes::{
    CampaignNumber, CodeKey, HintKey, KeyEpoch, KeyRing, NormalisedCode, Pepper, SealedBlock,
    SealedText, SealingKey, Serial,
};
use rustix::time::{ClockId, clock_gettime};

/// Rounds for each figure, after one that warms up.
const ROUNDS: usize = 75;

/// How many different codes are read in a round: 3 MB of text, more than a first-level cache.
const TEXTS: u64 = 100_000;

/// How often a round goes through all of them.
const REPEATS: u64 = 1;

/// Codes in one call of the bulk path.
const CODES_A_CALL: u64 = 10_000;

const CAMPAIGN: CampaignNumber = CampaignNumber(77);

fn main() {
    println!("codes on one core: million/s (nanoseconds each), median [slowest to fastest]");
    issue();
    read_with_one_key();
    read_with_eight_keys();
    listed_codes_and_hints();
}

fn issue() {
    let key = key(1);
    let mut lines = Vec::new();
    measure("issue as CSV lines into a reused buffer", REPEATS * TEXTS, || {
        for call in 0..REPEATS * TEXTS / CODES_A_CALL {
            lines.clear();
            key.seal_into(
                CAMPAIGN,
                serial(call * CODES_A_CALL),
                CODES_A_CALL,
                ["", "\n"],
                &mut lines,
            )
            .expect("these serials exist");
            black_box(&lines);
        }
    });
    measure("issue one by one", TEXTS, || {
        for number in 0..TEXTS {
            black_box(key.seal(CAMPAIGN, serial(number)));
        }
    });
}

fn read_with_one_key() {
    let key = key(1);
    let texts = texts(&key, 0);
    let ring = ring(1);
    measure_texts("decipher, one key", &texts, |text| {
        SealedBlock::parse(text).ok().and_then(|block| key.open(&block))
    });
    measure_many("decipher in groups of 100, one key", &texts, &ring);
    measure_texts("read without a key", &texts, |text| SealedBlock::parse(text).ok());

    let sloppy: Vec<_> = texts.iter().map(|text| text.to_lowercase().replace('-', " ")).collect();
    measure_texts("decipher lower case with spaces, one key", &sloppy, |text| {
        SealedBlock::parse(text).ok().and_then(|block| key.open(&block))
    });
    let mistyped: Vec<_> = texts.iter().map(|text| swap_two_symbols(text)).collect();
    measure_texts("refuse what is mistyped", &mistyped, |text| SealedBlock::parse(text).ok());
}

fn read_with_eight_keys() {
    let ring = ring(8);
    let open = |text: &str| SealedBlock::parse(text).ok().and_then(|block| ring.open(&block));

    let newest = texts(&key(8), 0);
    measure_texts("decipher, 8 keys, codes of the newest", &newest, open);
    measure_many("decipher in groups of 100, same", &newest, &ring);

    let by_key: Vec<_> = (1..=8).map(|number| texts(&key(number), 0)).collect();
    let spread: Vec<_> = (0..TEXTS as usize)
        .map(|place| by_key[place.wrapping_mul(0x9E37_79B9) >> 7 & 7][place].clone())
        .collect();
    measure_texts("decipher, 8 keys, codes of all", &spread, open);
    measure_many("decipher in groups of 100, same", &spread, &ring);

    let forged = texts(&key(99), 0);
    measure_texts("refuse what is forged with a right checksum, 8 keys", &forged, open);
    measure_many("refuse in groups of 100, same", &forged, &ring);
}

fn listed_codes_and_hints() {
    let pepper = Pepper::new(&[5; 32]);
    let texts: Vec<_> =
        (0..TEXTS).map(|number| format!("summer-{number:04}-{number:04}")).collect();
    measure_texts("normalise and digest a listed code", &texts, |text| {
        NormalisedCode::parse(text).ok().map(|code| pepper.digest(&code))
    });

    let hint_key = HintKey::new(&[6; 32]);
    measure("hint", TEXTS, || {
        for number in 0..TEXTS {
            let key = CodeKey::Sealed { campaign: CAMPAIGN, serial: serial(number) };
            black_box(hint_key.hint(&key));
        }
    });
}

/// Measures how often a second `read` takes one of the texts.
fn measure_texts<T>(name: &str, texts: &[String], read: impl Fn(&str) -> T) {
    measure(name, REPEATS * TEXTS, || {
        for _ in 0..REPEATS {
            for text in texts {
                black_box(read(text));
            }
        }
    });
}

/// Measures reading and opening texts in groups of the size that requests come in.
fn measure_many(name: &str, texts: &[String], ring: &KeyRing) {
    let (mut blocks, mut opened) = (Vec::new(), Vec::new());
    measure(name, REPEATS * TEXTS, || {
        for _ in 0..REPEATS {
            for group in texts.chunks(100) {
                blocks.clear();
                blocks.extend(group.iter().filter_map(|text| SealedBlock::parse(text).ok()));
                ring.open_many(&blocks, &mut opened);
                black_box(&opened);
            }
        }
    });
}

/// Runs `round` again and again and prints how often a second its `count` operations run.
fn measure(name: &str, count: u64, mut round: impl FnMut()) {
    round();
    let mut nanoseconds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let start = processor_nanoseconds();
            round();
            (processor_nanoseconds() - start) / count as f64
        })
        .collect();
    nanoseconds.sort_by(f64::total_cmp);
    let rate = |nanoseconds: f64| 1_000.0 / nanoseconds;
    println!(
        "{name:<55} {:>6.1} ({:>6.1} ns) [{:.1} to {:.1}]",
        rate(nanoseconds[ROUNDS / 2]),
        nanoseconds[ROUNDS / 2],
        rate(nanoseconds[ROUNDS - 1]),
        rate(nanoseconds[0]),
    );
}

/// The processor time that this thread has used so far.
fn processor_nanoseconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn key(number: u8) -> SealingKey {
    SealingKey::new(&[number; 32])
}

/// A ring of as many keys; the newest has the highest number.
fn ring(keys: u8) -> KeyRing {
    let mut ring = KeyRing::default();
    for number in 1..=keys {
        ring.insert(KeyEpoch(number.into()), key(number)).expect("there is room for eight keys");
    }
    ring
}

fn serial(number: u64) -> Serial {
    Serial::new(number).expect("below 2^40")
}

fn texts(key: &SealingKey, first: u64) -> Vec<String> {
    let mut texts = Vec::new();
    key.seal_each(CAMPAIGN, serial(first), TEXTS, |text: &SealedText| texts.push(text.to_string()))
        .expect("these serials exist");
    texts
}

/// Swaps the first two neighbours that differ; the checksum sees that.
fn swap_two_symbols(text: &str) -> String {
    let mut symbols = text.as_bytes().to_vec();
    let place = symbols.windows(2).position(|pair| pair[0] != pair[1]).expect("not all equal");
    symbols.swap(place, place + 1);
    String::from_utf8(symbols).expect("symbols are ASCII")
}

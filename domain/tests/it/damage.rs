//! Damaged states and payloads are refused or read as something whole; never a panic.

use proptest::prelude::*;
use redeemd_domain::control::{self, Control};
use redeemd_domain::entry;
use redeemd_domain::machine::{DecodeError, Machine};
use redeemd_domain::shard::{self, Decoder, Shard};
use redeemd_domain::slot::ShardLayout;

use crate::harness::{LAYOUT, SHARD, Subject, sections};
use crate::{control_history, control_properties, shard_history, shard_properties};

/// What can befall a state's sections.
#[derive(Clone, Debug)]
enum Damage {
    Flip { section: prop::sample::Index, bit: prop::sample::Index },
    Overwrite { section: prop::sample::Index, place: prop::sample::Index, byte: u8 },
    Truncate { section: prop::sample::Index, length: prop::sample::Index },
    Extend { section: prop::sample::Index, byte: u8 },
    Drop(prop::sample::Index),
    Repeat(prop::sample::Index),
    Swap(prop::sample::Index, prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    // The head and the first slots are where most of the bytes are that mean something.
    let section = || any::<prop::sample::Index>();
    let place = || any::<prop::sample::Index>();
    prop_oneof![
        6 => (section(), place()).prop_map(|(section, bit)| Damage::Flip { section, bit }),
        4 => (section(), place(), any::<u8>())
            .prop_map(|(section, place, byte)| Damage::Overwrite { section, place, byte }),
        2 => (section(), place()).prop_map(|(section, length)| Damage::Truncate { section, length }),
        1 => (section(), any::<u8>()).prop_map(|(section, byte)| Damage::Extend { section, byte }),
        1 => section().prop_map(Damage::Drop),
        1 => section().prop_map(Damage::Repeat),
        1 => (section(), section()).prop_map(|(one, other)| Damage::Swap(one, other)),
    ]
}

/// The sections that say something: the longest ones.
fn telling(sections: &[Vec<u8>]) -> Vec<usize> {
    let longer = |length| (0..sections.len()).filter(move |&place| sections[place].len() > length);
    longer(13).collect()
}

fn inflict(sections: &mut Vec<Vec<u8>>, damage: &Damage) {
    let telling = telling(sections);
    if telling.is_empty() {
        return;
    }
    let pick = |index: &prop::sample::Index| telling[index.index(telling.len())];
    match damage {
        Damage::Flip { section, bit } => {
            let section = &mut sections[pick(section)];
            let bit = bit.index(section.len() * 8);
            section[bit / 8] ^= 1 << (bit % 8);
        }
        Damage::Overwrite { section, place, byte } => {
            let section = &mut sections[pick(section)];
            let place = place.index(section.len());
            section[place] = *byte;
        }
        Damage::Truncate { section, length } => {
            let section = &mut sections[pick(section)];
            section.truncate(length.index(section.len()));
        }
        Damage::Extend { section, byte } => sections[pick(section)].push(*byte),
        Damage::Drop(section) => drop(sections.remove(pick(section))),
        Damage::Repeat(section) => {
            let place = pick(section);
            sections.insert(place, sections[place].clone());
        }
        Damage::Swap(one, other) => sections.swap(pick(one), pick(other)),
    }
}

fn check<M: Subject>(machine: &M, damages: &[Damage]) {
    let whole = sections(machine);
    let mut damaged = whole.clone();
    damages.iter().for_each(|damage| inflict(&mut damaged, damage));
    if let Ok(read) = M::decode(&damaged) {
        let written = sections(&read);
        let again = M::decode(&written).expect("what was written reads");
        assert_eq!(sections(&again), written, "an encoding that was read is stable");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_damaged_shard_is_refused_or_whole(
        steps in shard_history::history(),
        damages in proptest::collection::vec(proptest::collection::vec(damage(), 1..3), 40),
    ) {
        let (harness, _) = shard_properties::live(&steps);
        damages.iter().for_each(|damages| check(&harness.machine, damages));
    }

    #[test]
    fn a_damaged_control_state_is_refused_or_whole(
        steps in control_history::history(),
        damages in proptest::collection::vec(proptest::collection::vec(damage(), 1..3), 40),
    ) {
        let harness = control_properties::live(&steps);
        damages.iter().for_each(|damages| check(&harness.machine, damages));
    }

    #[test]
    fn a_damaged_payload_is_refused_or_read(
        steps in shard_history::history(),
        damages in proptest::collection::vec(damage(), 40), first in any::<u64>(), count in 0..300u32,
    ) {
        let (harness, _) = shard_properties::live(&steps);
        let mut payload = Vec::new();
        entry::begin(&mut payload);
        harness.entries.iter().for_each(|entry| entry::encode(entry, &mut payload).unwrap());
        for damage in &damages {
            let mut damaged = vec![payload.clone()];
            inflict(&mut damaged, damage);
            let Some(damaged) = damaged.first() else { continue };
            let mut read = 0;
            let result = entry::decode::<shard::Command>(damaged, first, count, |_| read += 1);
            prop_assert!(result.is_err() || read == count);
            let _ = entry::decode::<control::Command>(damaged, first, count, |_| ());
        }
    }
}

#[test]
fn the_state_of_another_sequence_is_refused_by_name() {
    let written = sections(&Shard::fresh());
    let mut other = Decoder::new(LAYOUT, SHARD + 1);
    let error = redeemd_domain::machine::Decode::section(&mut other, &written[0]).unwrap_err();
    assert_eq!(error.to_string(), "the state is of shard 3 of 8, and shard 4 of 8 was to be read");
    let mut other = Decoder::new(ShardLayout::new(4).unwrap(), SHARD);
    assert!(matches!(
        redeemd_domain::machine::Decode::section(&mut other, &written[0]),
        Err(DecodeError::Other { .. })
    ));
    assert_eq!(Control::decode(&written).unwrap_err(), DecodeError::Malformed(0));
    assert_eq!(Shard::decode(&sections(&Control::new())).unwrap_err(), DecodeError::Malformed(0));
}

#[test]
fn a_newer_state_is_refused_by_its_version() {
    let newer = DecodeError::Newer { found: 3, known: 2 };
    let mut written = sections(&Shard::fresh());
    written[0][1] = 3;
    assert_eq!(Shard::decode(&written).unwrap_err(), newer);
    let mut written = sections(&Control::new());
    written[0][1] = 3;
    assert_eq!(Control::decode(&written).unwrap_err(), newer);
    let visit = |_| panic!("nothing of a newer payload is read");
    let error = entry::decode::<shard::Command>(&[2, 0], 1, 1, visit).unwrap_err();
    assert!(matches!(error, entry::Error::Newer(2)));
}

#[test]
fn every_cut_of_a_state_is_noticed() {
    let whole = sections(&Shard::fresh());
    for length in 0..whole.len() {
        assert!(Shard::decode(&whole[..length]).is_err());
    }
    let control = Control::decode(&sections(&Control::new())).unwrap();
    assert_eq!(control.digest(), Control::new().digest());
    assert!(Control::decode(&[]).is_err());
}

//! Which rules the control sequence takes: commands come from a disk, so every bound is tried.

use redeemd_domain::campaign::{Revision, Window};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{
    Asked, Changes, Command, Control, Draft, DraftCodes, Outcome, Refusal, RuleChanges,
};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::rules::{
    Balance, Currency, MAX_BALANCE, MAX_CHANGES, MAX_TOTAL_USES, MAX_USES_PER_USER, MAX_WINDOWS,
    MAX_ZONE_NAME, MAX_ZONES, Per, Rules, TimeZone, TotalLimit, UserLimit, Weekday, Weekdays,
    WeeklyWindow,
};
use redeemd_domain::timestamp::Timestamp;

use crate::harness::{Harness, sections};

pub(crate) const ASKED: Asked = Asked { api_key: ApiKeyNumber(1), request: None };

/// A zone that is the given number of hours ahead.
pub(crate) fn zone(name: &str, hours: i32) -> TimeZone {
    TimeZone { name: name.to_owned().into(), first_offset: hours * 3600, changes: Vec::new() }
}

pub(crate) fn window(weekdays: &[Weekday], from: u16, to: u16, zone: u16) -> WeeklyWindow {
    WeeklyWindow { weekdays: Weekdays::of(weekdays.iter().copied()), from, to, zone }
}

pub(crate) fn total(limit: u64, since: u32) -> Option<TotalLimit> {
    Some(TotalLimit { limit, since: Revision(since) })
}

pub(crate) fn make(rules: Option<Rules>) -> Command {
    let draft = Draft {
        name: "n".into(),
        codes: DraftCodes::Imported,
        rules: rules.map(Into::into),
        window: Window::default(),
        uses_per_code: Some(1),
        reward: None,
        metadata: None,
    };
    Command::MakeCampaign { draft, asked: ASKED }
}

pub(crate) fn change(rules: RuleChanges) -> Command {
    let changes = Changes::default();
    let (campaign, edition) = (CampaignNumber(1), None);
    Command::ChangeRules { campaign, edition, changes, rules: Box::new(rules), asked: ASKED }
}

/// Rules with something of everything, at the beginning of every range where `least`, else at its
/// end.
pub(crate) fn everything(least: bool) -> Rules {
    let pick = |smallest: u64, largest: u64| if least { smallest } else { largest };
    let small = |smallest: u16, largest: u16| if least { smallest } else { largest };
    let weekdays: &[Weekday] = if least { &[Weekday::Sunday] } else { &Weekday::ALL };
    let zones = if least { 1 } else { MAX_ZONES };
    let long = "x".repeat(MAX_ZONE_NAME - 2);
    let zone = |number: usize| TimeZone {
        name: if least { "Z".into() } else { format!("{long}{number:02}").into() },
        first_offset: if least { 0 } else { 86_399 },
        changes: (0..if least { 0 } else { MAX_CHANGES as u64 })
            .map(|change| (Timestamp(change), -86_399 + change as i32))
            .collect(),
    };
    let place = |place: usize| u16::try_from(place).unwrap();
    let windows = 0..if least { 1 } else { MAX_WINDOWS };
    Rules {
        zones: (0..zones).map(zone).collect(),
        uses_per_user: Some(UserLimit {
            limit: pick(1, MAX_USES_PER_USER.into()) as u32,
            per: if least { Per::Day } else { Per::Month },
            zone: place(zones - 1),
        }),
        total_uses: total(pick(1, MAX_TOTAL_USES), 1),
        balance: Some(Balance {
            currency: Currency::parse("EUR").unwrap(),
            minor_units: pick(1, MAX_BALANCE),
        }),
        windows: windows
            .map(|number| window(weekdays, small(0, 1439), small(1, 1440), place(number)))
            .collect(),
    }
}

/// Something that is wrong with rules.
type Spoil = fn(&mut Rules);

const SPOILS: [(&str, Spoil); 21] = [
    ("no use", |rules| user_limit(rules).limit = 0),
    ("too many uses", |rules| user_limit(rules).limit = MAX_USES_PER_USER + 1),
    ("a zone that is not there", |rules| user_limit(rules).zone = rules_zones(rules)),
    ("no zone by far", |rules| user_limit(rules).zone = u16::MAX),
    ("no total use", |rules| rules.total_uses = total(0, 1)),
    ("too many total uses", |rules| rules.total_uses = total(MAX_TOTAL_USES + 1, 1)),
    ("a day without minutes", |rules| rules.windows[0].from = 1440),
    ("from after the day", |rules| rules.windows[0].from = u16::MAX),
    ("to at its beginning", |rules| rules.windows[0].to = 0),
    ("to after the day", |rules| rules.windows[0].to = 1441),
    ("no weekday", |rules| rules.windows[0].weekdays = Weekdays::default()),
    ("an eighth weekday", |rules| rules.windows[0].weekdays = bits(0b1000_0001)),
    ("a window's zone that is not there", |rules| rules.windows[0].zone = rules_zones(rules)),
    ("too many windows", |rules| rules.windows = vec![rules.windows[0]; MAX_WINDOWS + 1]),
    ("too many zones", |rules| rules.zones = vec![TimeZone::UTC; MAX_ZONES + 1]),
    ("a zone without a name", |rules| rules.zones[0].name = "".into()),
    ("a long name", |rules| rules.zones[0].name = "x".repeat(MAX_ZONE_NAME + 1).into()),
    ("a control character", |rules| rules.zones[0].name = "a\nb".into()),
    ("an offset of a day", |rules| rules.zones[0].first_offset = -86_400),
    ("changes out of order", |rules| {
        rules.zones[0].changes = vec![(Timestamp(2), 0), (Timestamp(2), 60)];
    }),
    ("too many changes", |rules| {
        rules.zones[0].changes = (0..=MAX_CHANGES as u64).map(|at| (Timestamp(at), 0)).collect();
    }),
];

fn user_limit(rules: &mut Rules) -> &mut UserLimit {
    rules.uses_per_user.as_mut().unwrap()
}

fn rules_zones(rules: &Rules) -> u16 {
    u16::try_from(rules.zones.len()).unwrap()
}

/// Weekdays as a disk might have them.
fn bits(bits: u8) -> Weekdays {
    postcard_of(&[bits])
}

fn postcard_of<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> T {
    postcard::from_bytes(bytes).unwrap()
}

/// The changes that ask for all that rules have.
fn changes_to(rules: &Rules) -> RuleChanges {
    RuleChanges {
        zones: rules.zones.clone(),
        uses_per_user: Some(rules.uses_per_user),
        total_uses: Some(rules.total_uses.map(|total| total.limit)),
        windows: Some(rules.windows.clone()),
    }
}

fn assert_refused(harness: &mut Harness<Control>, command: Command, why: &str) {
    let before = sections(&harness.machine).split_off(1);
    let outcome = harness.apply(command);
    assert_eq!(outcome, Outcome::Refused(Refusal::InvalidRules), "{why}");
    assert!(sections(&harness.machine).split_off(1) == before, "{why}");
}

#[test]
fn rules_within_all_bounds_are_taken() {
    for least in [true, false] {
        let rules = everything(least);
        let mut harness = Harness::<Control>::new();
        assert!(matches!(harness.apply(make(Some(rules.clone()))), Outcome::Done(_)));
        let campaign = harness.machine.campaign(CampaignNumber(1)).unwrap();
        assert_eq!(campaign.rules.as_ref().unwrap().windows.len(), rules.windows.len());
        harness.apply(make(None));
        assert_eq!(harness.apply(change(changes_to(&rules))), Outcome::Unchanged);
        harness.check_replay(1, 1);
    }
}

#[test]
fn rules_that_break_a_bound_are_refused_when_made_and_when_changed() {
    for least in [true, false] {
        for (why, spoil) in SPOILS {
            let mut rules = everything(least);
            spoil(&mut rules);
            let mut harness = Harness::<Control>::new();
            assert_refused(&mut harness, make(Some(rules.clone())), why);
            harness.apply(make(Some(everything(true))));
            assert_refused(&mut harness, change(changes_to(&rules)), why);
        }
    }
}

#[test]
fn balances_break_bounds_when_made() {
    let bad: Currency = postcard_of(b"eur");
    for (currency, minor_units) in [("EUR", 0), ("EUR", MAX_BALANCE + 1), ("eur", 1)] {
        let currency = Currency::parse(currency).unwrap_or(bad);
        let balance = Some(Balance { currency, minor_units });
        let rules = Rules { balance, ..Rules::default() };
        assert_refused(&mut Harness::new(), make(Some(rules)), "the balance");
    }
}

#[test]
fn a_limit_for_all_time_needs_no_zone() {
    let limit = |zone| Some(UserLimit { limit: 3, per: Per::Ever, zone });
    let mut harness = Harness::<Control>::new();
    let rules = Rules { uses_per_user: limit(40_000), ..Rules::default() };
    assert!(matches!(harness.apply(make(Some(rules))), Outcome::Done(_)));
    let rules = |harness: &Harness<Control>| {
        let campaign = harness.machine.campaign(CampaignNumber(1)).unwrap();
        campaign.rules.as_deref().cloned().unwrap()
    };
    assert_eq!(rules(&harness), Rules { uses_per_user: limit(0), ..Rules::default() });
    let with_zone = RuleChanges {
        zones: vec![zone("A", 1)],
        uses_per_user: Some(limit(0)),
        ..RuleChanges::default()
    };
    assert_eq!(harness.apply(change(with_zone)), Outcome::Unchanged);
}

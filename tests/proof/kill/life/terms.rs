//! What the campaigns allow in which codes live their whole lives.

use serde_json::{Value, json};

/// What a campaign allows.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) name: &'static str,
    pub(super) uses_per_code: Option<u64>,
    pub(super) uses_per_user: Option<u64>,
    pub(super) total_uses: Option<u64>,
    /// What a code is worth at first, in minor units.
    pub(super) balance: Option<u64>,
    /// Whether the total is changed while codes are redeemed.
    pub(super) total_changes: bool,
    is_pattern: bool,
    has_hours: bool,
}

const PLAIN: Terms = Terms {
    name: "plain",
    uses_per_code: Some(1),
    uses_per_user: None,
    total_uses: None,
    balance: None,
    total_changes: false,
    is_pattern: false,
    has_hours: false,
};

/// Each limit alone, limits together, and money with and without them. Limits are low, so that they
/// are always contended.
pub(super) static ALL: [Terms; 7] = [
    PLAIN,
    Terms { name: "pattern", uses_per_code: Some(3), is_pattern: true, ..PLAIN },
    Terms { name: "per user", uses_per_user: Some(2), ..PLAIN },
    Terms {
        name: "in all",
        uses_per_code: Some(2),
        total_uses: Some(30),
        total_changes: true,
        ..PLAIN
    },
    Terms {
        name: "both limits",
        uses_per_code: Some(3),
        uses_per_user: Some(3),
        total_uses: Some(11),
        has_hours: true,
        ..PLAIN
    },
    Terms { name: "gift card", uses_per_code: None, balance: Some(5_000), ..PLAIN },
    Terms {
        name: "gift card with limits",
        uses_per_code: None,
        uses_per_user: Some(4),
        total_uses: Some(15),
        balance: Some(3_000),
        is_pattern: true,
        ..PLAIN
    },
];

impl Terms {
    /// What makes such a campaign.
    pub(super) fn body(&self) -> Value {
        let codes = match self.is_pattern {
            true => json!({ "kind": "pattern", "pattern": "LIFE-####-####-####" }),
            false => json!({ "kind": "sealed" }),
        };
        let mut body = json!({
            "name": self.name, "codes": codes, "uses_per_code": self.uses_per_code,
            "reward": { "gift": self.name },
        });
        if let Some(limit) = self.uses_per_user {
            body["uses_per_user"] = limit.into();
        }
        if let Some(limit) = self.total_uses {
            body["total_uses"] = limit.into();
        }
        if let Some(minor_units) = self.balance {
            body["balance"] = json!({ "currency": "EUR", "minor_units": minor_units });
        }
        if self.has_hours {
            // Hours that never close: they are judged, and refuse nobody.
            let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            body["windows"] = json!([{
                "weekdays": days, "from": "00:00", "to": "24:00", "time_zone": "Europe/Berlin"
            }]);
        }
        body
    }
}

//! What a wish may be answered, whatever others do at the same time.

use serde_json::{Value, json};

use super::pool::Pool;
use super::wish::{Deed, Wish};

/// Whether an answer is one to this wish. Its numbers are compared with the events later.
pub(super) fn is_good(wish: &Wish, answer: &Value) -> bool {
    let is_about_it = answer["code_hint"] == *wish.code.hint
        && answer["campaign_id"] == *wish.code.campaign.id
        && answer["user_id"] == *wish.user;
    let is_redemption = is_about_it && answer["status"] == "redeemed";
    let is_wished = answer["metadata"] == json!({ "wish": wish.number });
    match &wish.deed {
        Deed::Redeem { amount } => {
            let is_paid = |amount: &u64| answer["amount"]["minor_units"] == *amount;
            is_redemption && is_wished && amount.as_ref().is_none_or(is_paid)
        }
        Deed::Confirm { .. } => is_redemption && is_wished,
        Deed::Hold { .. } => is_about_it && answer["status"] == "held",
        Deed::Release { .. } => answer.is_null(),
        Deed::RollBack { redemption, amount } => {
            let is_whole = answer["status"] == "rolled_back";
            is_about_it && answer["id"] == **redemption && (is_whole || amount.is_some())
        }
        Deed::TopUp { .. } => answer["balance_left"].is_u64(),
    }
}

/// Whether a wish may be refused so at all; whether it may be refused now, others know.
pub(super) fn may_be_refused(wish: &Wish, problem: &str, pool: &Pool) -> bool {
    let terms = wish.code.campaign.terms;
    match (problem, &wish.deed) {
        ("already_redeemed" | "code_held", deed) => {
            deed.takes_a_use() && terms.uses_per_code.is_some()
        }
        ("user_limit_reached", deed) => deed.takes_a_use() && terms.uses_per_user.is_some(),
        ("campaign_limit_reached", deed) => deed.takes_a_use() && terms.total_uses.is_some(),
        ("insufficient_balance", Deed::RollBack { amount, .. }) => amount.is_some(),
        (
            "insufficient_balance",
            Deed::Redeem { .. } | Deed::Hold { .. } | Deed::Confirm { .. },
        ) => terms.balance.is_some(),
        ("hold_ended", Deed::Confirm { .. } | Deed::Release { .. }) => true,
        ("already_rolled_back", Deed::RollBack { redemption, .. }) => {
            pool.is_rolled_back_by_others(redemption)
        }
        _ => false,
    }
}

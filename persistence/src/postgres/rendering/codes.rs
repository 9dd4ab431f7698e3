//! What outcomes of shards leave: redemptions and what undoes them, holds, balances, revocations.

use redeemd_domain::codes::CodeKey;
use redeemd_domain::shard::{
    Changed, EndedHold, Extent, Hold, HoldPlaced, Money, Placing, Redemption, RolledBack, Spent,
    ToppedUp,
};
use serde_json::json;

use super::{Origin, Renderer, signed};
use crate::postgres::rows::{
    AuditRow, HoldEnd, HoldRow, MovementRow, RedemptionRow, Rollback, Rows, WholeRollback, moment,
};

impl Renderer {
    pub(super) fn redemption(&self, origin: &Origin, redemption: &Redemption) -> RedemptionRow {
        let Redemption { code, campaign, revision, generation, uses_left, user, metadata } =
            redemption;
        RedemptionRow {
            id: origin.redemption_id(code),
            redeemed_at: moment(origin.at),
            campaign: campaign.0.into(),
            user_id: user.to_string(),
            code: code.canonical().to_vec(),
            code_hint: self.hints.hint(code).to_string(),
            revision: revision.0.into(),
            generation: (*generation).into(),
            uses_left: uses_left.map(i64::from),
            amount_minor_units: None,
            balance_left: None,
            metadata: metadata.as_deref().map(str::to_owned),
            api_key: origin.api_key,
            request: origin.request(),
            hold_entry: None,
            sequence: origin.sequence,
            entry: origin.entry,
        }
    }

    pub(super) fn spent(&self, origin: &Origin, spent: &Spent, rows: &mut Rows) {
        // What a claim was is told by the user's shard.
        let Spent { redemption, claim: _, money, hold } = spent;
        let row = self.redemption(origin, redemption);
        let code = &redemption.code;
        if let Some(money) = *money {
            let movement = origin.movement(row.campaign, code, "spent", money);
            rows.movements.push(MovementRow { redemption: Some(row.id.clone()), ..movement });
        }
        if let Some(placed) = hold.map(signed) {
            rows.ended_holds.insert(placed, origin.hold_end("confirmed"));
        }
        rows.redemptions.push(RedemptionRow {
            amount_minor_units: money.map(|money| signed(money.amount)),
            balance_left: money.map(|money| signed(money.left)),
            hold_entry: hold.map(signed),
            ..row
        });
    }

    pub(super) fn changed(
        &self,
        origin: Origin,
        event: &'static str,
        changed: &Changed,
    ) -> AuditRow {
        let Changed { code, campaign, reason } = changed;
        AuditRow {
            campaign: Some(campaign.0.into()),
            reason: Some(reason.to_string()),
            ..self.about_code(&origin, event, code)
        }
    }

    pub(super) fn rolled_back(&self, origin: Origin, rolled_back: &RolledBack, rows: &mut Rows) {
        let RolledBack { redemption, code, campaign, user, extent, money, generation: _, reason } =
            rolled_back;
        let id = redemption.to_string();
        let (returned, whole) = match extent {
            Extent::Part { returned } => (Some(signed(*returned)), None),
            Extent::Whole => {
                let at = moment(origin.at);
                let reason = reason.to_string();
                (None, Some(WholeRollback { at, entry: origin.entry, reason }))
            }
        };
        let detail = json!({
            "redemption": id,
            "user_id": user,
            "whole": whole.is_some(),
            "minor_units": money.map(|money| money.amount),
        });
        if let Some(money) = *money {
            let movement = origin.movement(campaign.0.into(), code, "returned", money);
            rows.movements.push(MovementRow { redemption: Some(id.clone()), ..movement });
        }
        // The last of several in a batch says it all: what was returned is counted from the first.
        let redeemed_at = moment(redemption.at);
        rows.rollbacks.insert(id, Rollback { redeemed_at, returned, whole });
        rows.audit.push(AuditRow {
            campaign: Some(campaign.0.into()),
            reason: Some(reason.to_string()),
            detail: Some(detail.to_string()),
            ..self.about_code(&origin, "redemption_rolled_back", code)
        });
    }

    pub(super) fn hold_placed(&self, origin: Origin, placed: &HoldPlaced, rows: &mut Rows) {
        let HoldPlaced { hold, placing } = placed;
        let Hold { id, code, campaign, user, expires_at, claim: _ } = hold;
        match placing {
            Placing::New => rows.holds.push(HoldRow {
                id: id.to_string(),
                held_at: moment(id.at),
                campaign: campaign.0.into(),
                user_id: user.to_string(),
                code: code.canonical().to_vec(),
                code_hint: self.hints.hint(code).to_string(),
                expires_at: moment(*expires_at),
                api_key: origin.api_key,
                request: origin.request(),
                sequence: origin.sequence,
                entry: signed(id.number),
            }),
            Placing::Prolonged => {
                rows.prolonged_holds.insert(signed(id.number), moment(*expires_at));
                let detail = json!({ "hold": id.to_string(), "expires_at_ms": expires_at.0 });
                rows.audit.push(AuditRow {
                    campaign: Some(campaign.0.into()),
                    detail: Some(detail.to_string()),
                    ..self.about_code(&origin, "hold_prolonged", code)
                });
            }
        }
    }

    pub(super) fn topped_up(&self, origin: Origin, topped_up: &ToppedUp, rows: &mut Rows) {
        let ToppedUp { code, campaign, money, reason } = topped_up;
        rows.movements.push(origin.movement(campaign.0.into(), code, "topped_up", *money));
        rows.audit.push(AuditRow {
            campaign: Some(campaign.0.into()),
            reason: Some(reason.to_string()),
            detail: Some(json!({ "minor_units": money.amount }).to_string()),
            ..self.about_code(&origin, "code_topped_up", code)
        });
    }

    fn about_code(&self, origin: &Origin, event: &'static str, code: &CodeKey) -> AuditRow {
        AuditRow {
            code: Some(code.canonical().to_vec()),
            code_hint: Some(self.hints.hint(code).to_string()),
            ..origin.audit(event)
        }
    }
}

impl Origin {
    pub(super) fn hold_ended(&self, ended: &EndedHold, how: &'static str, rows: &mut Rows) {
        rows.ended_holds.insert(signed(ended.id.number), self.hold_end(how));
    }

    fn hold_end(&self, how: &'static str) -> HoldEnd {
        HoldEnd { at: moment(self.at), how, entry: self.entry }
    }

    fn movement(
        &self,
        campaign: i64,
        code: &CodeKey,
        kind: &'static str,
        money: Money,
    ) -> MovementRow {
        MovementRow {
            moved_at: moment(self.at),
            sequence: self.sequence,
            entry: self.entry,
            campaign,
            code: code.canonical().to_vec(),
            kind,
            amount_minor_units: signed(money.amount),
            balance_left: signed(money.left),
            redemption: None,
            api_key: self.api_key,
        }
    }
}

//! Redemptions, and what of them is undone; movements of balances.

use std::time::SystemTime;

use tokio_postgres::types::{ToSql, Type};

use super::{CopiedRow, RequestColumns};

#[derive(Debug)]
pub(in crate::postgres) struct RedemptionRow {
    pub(in crate::postgres) id: String,
    pub(in crate::postgres) redeemed_at: SystemTime,
    pub(in crate::postgres) campaign: i64,
    pub(in crate::postgres) user_id: String,
    pub(in crate::postgres) code: Vec<u8>,
    pub(in crate::postgres) code_hint: String,
    pub(in crate::postgres) revision: i64,
    pub(in crate::postgres) generation: i64,
    pub(in crate::postgres) uses_left: Option<i64>,
    pub(in crate::postgres) amount_minor_units: Option<i64>,
    pub(in crate::postgres) balance_left: Option<i64>,
    pub(in crate::postgres) metadata: Option<String>,
    pub(in crate::postgres) api_key: i64,
    pub(in crate::postgres) request: RequestColumns,
    pub(in crate::postgres) hold_entry: Option<i64>,
    pub(in crate::postgres) sequence: i16,
    pub(in crate::postgres) entry: i64,
}

impl CopiedRow for RedemptionRow {
    const TABLE: &'static str = "redemptions";
    const COLUMNS: &'static [(&'static str, Type)] = &[
        ("id", Type::TEXT),
        ("redeemed_at", Type::TIMESTAMPTZ),
        ("campaign", Type::INT8),
        ("user_id", Type::TEXT),
        ("code", Type::BYTEA),
        ("code_hint", Type::TEXT),
        ("revision", Type::INT8),
        ("generation", Type::INT8),
        ("uses_left", Type::INT8),
        ("amount_minor_units", Type::INT8),
        ("balance_left", Type::INT8),
        ("metadata", Type::TEXT),
        ("api_key", Type::INT8),
        ("request", Type::BYTEA),
        ("fingerprint", Type::BYTEA),
        ("hold_entry", Type::INT8),
        ("sequence", Type::INT2),
        ("entry", Type::INT8),
    ];

    fn values(&self) -> impl Iterator<Item = &(dyn ToSql + Sync)> {
        let values: [&(dyn ToSql + Sync); 18] = [
            &self.id,
            &self.redeemed_at,
            &self.campaign,
            &self.user_id,
            &self.code,
            &self.code_hint,
            &self.revision,
            &self.generation,
            &self.uses_left,
            &self.amount_minor_units,
            &self.balance_left,
            &self.metadata,
            &self.api_key,
            &self.request.request,
            &self.request.fingerprint,
            &self.hold_entry,
            &self.sequence,
            &self.entry,
        ];
        values.into_iter()
    }
}

#[derive(Debug)]
pub(in crate::postgres) struct MovementRow {
    pub(in crate::postgres) moved_at: SystemTime,
    pub(in crate::postgres) sequence: i16,
    pub(in crate::postgres) entry: i64,
    pub(in crate::postgres) campaign: i64,
    pub(in crate::postgres) code: Vec<u8>,
    pub(in crate::postgres) kind: &'static str,
    pub(in crate::postgres) amount_minor_units: i64,
    pub(in crate::postgres) balance_left: i64,
    pub(in crate::postgres) redemption: Option<String>,
    pub(in crate::postgres) api_key: i64,
}

impl CopiedRow for MovementRow {
    const TABLE: &'static str = "movements";
    const COLUMNS: &'static [(&'static str, Type)] = &[
        ("moved_at", Type::TIMESTAMPTZ),
        ("sequence", Type::INT2),
        ("entry", Type::INT8),
        ("campaign", Type::INT8),
        ("code", Type::BYTEA),
        ("kind", Type::TEXT),
        ("amount_minor_units", Type::INT8),
        ("balance_left", Type::INT8),
        ("redemption", Type::TEXT),
        ("api_key", Type::INT8),
    ];

    fn values(&self) -> impl Iterator<Item = &(dyn ToSql + Sync)> {
        let values: [&(dyn ToSql + Sync); 10] = [
            &self.moved_at,
            &self.sequence,
            &self.entry,
            &self.campaign,
            &self.code,
            &self.kind,
            &self.amount_minor_units,
            &self.balance_left,
            &self.redemption,
            &self.api_key,
        ];
        values.into_iter()
    }
}

/// What of a redemption was undone.
#[derive(Debug)]
pub(in crate::postgres) struct Rollback {
    pub(in crate::postgres) redeemed_at: SystemTime,
    /// What was returned so far; nothing where all was, as with what has no money.
    pub(in crate::postgres) returned: Option<i64>,
    /// Where it was undone as a whole.
    pub(in crate::postgres) whole: Option<WholeRollback>,
}

/// When and why a redemption was undone as a whole.
#[derive(Debug)]
pub(in crate::postgres) struct WholeRollback {
    pub(in crate::postgres) at: SystemTime,
    pub(in crate::postgres) entry: i64,
    pub(in crate::postgres) reason: String,
}

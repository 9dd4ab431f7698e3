//! Holds, and how they end.

use std::time::SystemTime;

use tokio_postgres::types::{ToSql, Type};

use super::{CopiedRow, RequestColumns};

#[derive(Debug)]
pub(in crate::postgres) struct HoldRow {
    pub(in crate::postgres) id: String,
    pub(in crate::postgres) held_at: SystemTime,
    pub(in crate::postgres) campaign: i64,
    pub(in crate::postgres) user_id: String,
    pub(in crate::postgres) code: Vec<u8>,
    pub(in crate::postgres) code_hint: String,
    pub(in crate::postgres) expires_at: SystemTime,
    pub(in crate::postgres) api_key: i64,
    pub(in crate::postgres) request: RequestColumns,
    pub(in crate::postgres) sequence: i16,
    pub(in crate::postgres) entry: i64,
}

impl CopiedRow for HoldRow {
    const TABLE: &'static str = "holds";
    const COLUMNS: &'static [(&'static str, Type)] = &[
        ("id", Type::TEXT),
        ("held_at", Type::TIMESTAMPTZ),
        ("campaign", Type::INT8),
        ("user_id", Type::TEXT),
        ("code", Type::BYTEA),
        ("code_hint", Type::TEXT),
        ("expires_at", Type::TIMESTAMPTZ),
        ("api_key", Type::INT8),
        ("request", Type::BYTEA),
        ("fingerprint", Type::BYTEA),
        ("sequence", Type::INT2),
        ("entry", Type::INT8),
    ];

    fn values(&self) -> impl Iterator<Item = &(dyn ToSql + Sync)> {
        let values: [&(dyn ToSql + Sync); 12] = [
            &self.id,
            &self.held_at,
            &self.campaign,
            &self.user_id,
            &self.code,
            &self.code_hint,
            &self.expires_at,
            &self.api_key,
            &self.request.request,
            &self.request.fingerprint,
            &self.sequence,
            &self.entry,
        ];
        values.into_iter()
    }
}

/// How a hold ended.
#[derive(Debug)]
pub(in crate::postgres) struct HoldEnd {
    pub(in crate::postgres) at: SystemTime,
    pub(in crate::postgres) how: &'static str,
    /// The number of the entry that ended it.
    pub(in crate::postgres) entry: i64,
}

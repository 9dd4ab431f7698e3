//! Listed codes, and what else was changed.

use std::time::SystemTime;

use tokio_postgres::types::{ToSql, Type};

use super::{CopiedRow, RequestColumns};

#[derive(Debug)]
pub(in crate::postgres) struct CodeRow {
    pub(in crate::postgres) code: Vec<u8>,
    pub(in crate::postgres) campaign: i64,
    pub(in crate::postgres) listed_at: SystemTime,
    pub(in crate::postgres) sequence: i16,
    pub(in crate::postgres) entry: i64,
}

impl CopiedRow for CodeRow {
    const TABLE: &'static str = "codes";
    const COLUMNS: &'static [(&'static str, Type)] = &[
        ("code", Type::BYTEA),
        ("campaign", Type::INT8),
        ("listed_at", Type::TIMESTAMPTZ),
        ("sequence", Type::INT2),
        ("entry", Type::INT8),
    ];

    fn values(&self) -> impl Iterator<Item = &(dyn ToSql + Sync)> {
        let values: [&(dyn ToSql + Sync); 5] =
            [&self.code, &self.campaign, &self.listed_at, &self.sequence, &self.entry];
        values.into_iter()
    }
}

#[derive(Debug)]
pub(in crate::postgres) struct AuditRow {
    pub(in crate::postgres) at: SystemTime,
    pub(in crate::postgres) sequence: i16,
    pub(in crate::postgres) entry: i64,
    pub(in crate::postgres) event: &'static str,
    pub(in crate::postgres) api_key: i64,
    pub(in crate::postgres) campaign: Option<i64>,
    pub(in crate::postgres) code: Option<Vec<u8>>,
    pub(in crate::postgres) code_hint: Option<String>,
    pub(in crate::postgres) reason: Option<String>,
    pub(in crate::postgres) detail: Option<String>,
    pub(in crate::postgres) request: RequestColumns,
}

impl CopiedRow for AuditRow {
    const TABLE: &'static str = "audit";
    const COLUMNS: &'static [(&'static str, Type)] = &[
        ("at", Type::TIMESTAMPTZ),
        ("sequence", Type::INT2),
        ("entry", Type::INT8),
        ("event", Type::TEXT),
        ("api_key", Type::INT8),
        ("campaign", Type::INT8),
        ("code", Type::BYTEA),
        ("code_hint", Type::TEXT),
        ("reason", Type::TEXT),
        ("detail", Type::TEXT),
        ("request", Type::BYTEA),
        ("fingerprint", Type::BYTEA),
    ];

    fn values(&self) -> impl Iterator<Item = &(dyn ToSql + Sync)> {
        let values: [&(dyn ToSql + Sync); 12] = [
            &self.at,
            &self.sequence,
            &self.entry,
            &self.event,
            &self.api_key,
            &self.campaign,
            &self.code,
            &self.code_hint,
            &self.reason,
            &self.detail,
            &self.request.request,
            &self.request.fingerprint,
        ];
        values.into_iter()
    }
}

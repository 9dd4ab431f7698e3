//! Campaigns and API keys.

use std::time::SystemTime;

use tokio_postgres::types::{ToSql, Type};

use super::CopiedRow;

#[derive(Debug)]
pub(in crate::postgres) struct ApiKeyRow {
    pub(in crate::postgres) number: i64,
    pub(in crate::postgres) id: String,
    pub(in crate::postgres) role: &'static str,
    pub(in crate::postgres) name: String,
    pub(in crate::postgres) created_at: SystemTime,
}

impl CopiedRow for ApiKeyRow {
    const TABLE: &'static str = "api_keys";
    const COLUMNS: &'static [(&'static str, Type)] = &[
        ("number", Type::INT8),
        ("id", Type::TEXT),
        ("role", Type::TEXT),
        ("name", Type::TEXT),
        ("created_at", Type::TIMESTAMPTZ),
    ];

    fn values(&self) -> impl Iterator<Item = &(dyn ToSql + Sync)> {
        let values: [&(dyn ToSql + Sync); 5] =
            [&self.number, &self.id, &self.role, &self.name, &self.created_at];
        values.into_iter()
    }
}

/// A campaign as an entry left it. It takes the place of what is there.
#[derive(Debug)]
pub(in crate::postgres) struct CampaignRow {
    pub(in crate::postgres) number: i64,
    pub(in crate::postgres) id: String,
    pub(in crate::postgres) name: String,
    pub(in crate::postgres) status: &'static str,
    pub(in crate::postgres) codes: &'static str,
    pub(in crate::postgres) pattern: Option<String>,
    pub(in crate::postgres) issued: i64,
    pub(in crate::postgres) starts_at: Option<SystemTime>,
    pub(in crate::postgres) expires_at: Option<SystemTime>,
    pub(in crate::postgres) uses_per_code: Option<i64>,
    pub(in crate::postgres) uses_per_user: Option<i64>,
    pub(in crate::postgres) uses_per_user_per: Option<&'static str>,
    pub(in crate::postgres) total_uses: Option<i64>,
    pub(in crate::postgres) currency: Option<String>,
    pub(in crate::postgres) balance_minor_units: Option<i64>,
    pub(in crate::postgres) reward: Option<String>,
    pub(in crate::postgres) metadata: Option<String>,
    pub(in crate::postgres) revision: i64,
    pub(in crate::postgres) created_at: SystemTime,
    pub(in crate::postgres) changed_at: SystemTime,
    pub(in crate::postgres) entry: i64,
}

impl CopiedRow for CampaignRow {
    const TABLE: &'static str = "campaigns";
    const COLUMNS: &'static [(&'static str, Type)] = &[
        ("number", Type::INT8),
        ("id", Type::TEXT),
        ("name", Type::TEXT),
        ("status", Type::TEXT),
        ("codes", Type::TEXT),
        ("pattern", Type::TEXT),
        ("issued", Type::INT8),
        ("starts_at", Type::TIMESTAMPTZ),
        ("expires_at", Type::TIMESTAMPTZ),
        ("uses_per_code", Type::INT8),
        ("uses_per_user", Type::INT8),
        ("uses_per_user_per", Type::TEXT),
        ("total_uses", Type::INT8),
        ("currency", Type::TEXT),
        ("balance_minor_units", Type::INT8),
        ("reward", Type::TEXT),
        ("metadata", Type::TEXT),
        ("revision", Type::INT8),
        ("created_at", Type::TIMESTAMPTZ),
        ("changed_at", Type::TIMESTAMPTZ),
        ("entry", Type::INT8),
    ];

    fn values(&self) -> impl Iterator<Item = &(dyn ToSql + Sync)> {
        let values: [&(dyn ToSql + Sync); 21] = [
            &self.number,
            &self.id,
            &self.name,
            &self.status,
            &self.codes,
            &self.pattern,
            &self.issued,
            &self.starts_at,
            &self.expires_at,
            &self.uses_per_code,
            &self.uses_per_user,
            &self.uses_per_user_per,
            &self.total_uses,
            &self.currency,
            &self.balance_minor_units,
            &self.reward,
            &self.metadata,
            &self.revision,
            &self.created_at,
            &self.changed_at,
            &self.entry,
        ];
        values.into_iter()
    }
}

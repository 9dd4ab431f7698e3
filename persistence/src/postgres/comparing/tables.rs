//! The tables whose rows are compared: what their rows are known by, and what of them changes.

use tokio_postgres::types::Type;

use super::super::rows::{
    ApiKeyRow, AuditRow, CampaignRow, CodeRow, CopiedRow, HoldRow, MovementRow, RedemptionRow,
};

/// A row that is compared.
pub(super) trait ComparedRow: CopiedRow {
    /// The column by which people know it; empty where only its entry tells.
    const NAME: &'static str;
    /// The columns by which a row that was written and one that was found are the same one.
    const KEY: &'static [&'static str];
    /// The columns that later outcomes fill.
    const CHANGING: &'static [(&'static str, Type)] = &[];

    /// All columns: those that are written at first, and those that are filled later.
    fn all_columns() -> Vec<(&'static str, Type)> {
        Self::COLUMNS.iter().chain(Self::CHANGING).cloned().collect()
    }

    /// The places of the columns of the key.
    fn key_places() -> Vec<usize> {
        let place = |wanted: &&str| Self::COLUMNS.iter().position(|(name, _)| name == wanted);
        Self::KEY.iter().filter_map(place).collect()
    }

    /// What is asked for to get all columns of a table that is called `r`, as the rows are sent:
    /// JSON as the text that it is.
    fn select_list() -> String {
        let column = |(name, kind): &(&str, Type)| match *kind {
            Type::TEXT => format!("r.{name}::text"),
            _ => format!("r.{name}"),
        };
        Self::all_columns().iter().map(column).collect::<Vec<_>>().join(", ")
    }
}

/// The place of a column among all of them; none where there is no such column.
pub(super) fn place<R: ComparedRow>(wanted: &str) -> usize {
    let mut names = R::COLUMNS.iter().chain(R::CHANGING).map(|(name, _)| *name);
    names.position(|name| name == wanted).unwrap_or(usize::MAX)
}

/// A row of an outcome, which happened at a time.
pub(super) trait TimedRow: ComparedRow {
    /// The column that says when.
    const TIME: &'static str;
    /// Whether the table has a partition a month.
    const HAS_PARTITIONS: bool = true;
}

impl ComparedRow for RedemptionRow {
    const NAME: &'static str = "id";
    const KEY: &'static [&'static str] = &["sequence", "entry", "id"];
    const CHANGING: &'static [(&'static str, Type)] = &[
        ("rolled_back_at", Type::TIMESTAMPTZ),
        ("rolled_back_entry", Type::INT8),
        ("rollback_reason", Type::TEXT),
        ("returned_minor_units", Type::INT8),
    ];
}

impl TimedRow for RedemptionRow {
    const TIME: &'static str = "redeemed_at";
}

impl ComparedRow for HoldRow {
    const NAME: &'static str = "id";
    const KEY: &'static [&'static str] = &["sequence", "entry", "id"];
    const CHANGING: &'static [(&'static str, Type)] =
        &[("ended_at", Type::TIMESTAMPTZ), ("ended", Type::TEXT), ("ended_entry", Type::INT8)];
}

impl TimedRow for HoldRow {
    const TIME: &'static str = "held_at";
}

impl ComparedRow for MovementRow {
    const NAME: &'static str = "";
    const KEY: &'static [&'static str] = &["sequence", "entry"];
}

impl TimedRow for MovementRow {
    const TIME: &'static str = "moved_at";
}

impl ComparedRow for AuditRow {
    const NAME: &'static str = "event";
    const KEY: &'static [&'static str] = &["sequence", "entry"];
}

impl TimedRow for AuditRow {
    const TIME: &'static str = "at";
}

impl ComparedRow for CodeRow {
    const NAME: &'static str = "code";
    const KEY: &'static [&'static str] = &["sequence", "entry", "code"];
}

impl TimedRow for CodeRow {
    const TIME: &'static str = "listed_at";
    const HAS_PARTITIONS: bool = false;
}

impl ComparedRow for CampaignRow {
    const NAME: &'static str = "id";
    const KEY: &'static [&'static str] = &["number"];
}

impl ComparedRow for ApiKeyRow {
    const NAME: &'static str = "id";
    const KEY: &'static [&'static str] = &["number"];
    const CHANGING: &'static [(&'static str, Type)] = &[("revoked_at", Type::TIMESTAMPTZ)];
}

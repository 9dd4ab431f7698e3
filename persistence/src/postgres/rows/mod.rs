//! Rows as the tables have them: plain values, one type for each table.

mod campaign;
mod code;
mod hold;
mod outcome;
mod redemption;

use std::collections::BTreeMap;
use std::time::SystemTime;

use redeemd_domain::timestamp::Timestamp;
use tokio_postgres::types::{ToSql, Type};

use super::partition::Month;

pub(super) use campaign::{ApiKeyRow, CampaignRow};
pub(super) use code::{AuditRow, CodeRow};
pub(super) use hold::{HoldEnd, HoldRow};
pub(super) use outcome::{OutcomeRow, WithheldRow, decode as decode_withheld};
pub(super) use redemption::{MovementRow, RedemptionRow, Rollback, WholeRollback};

/// The rows that some outcomes of one sequence leave, by table.
#[derive(Debug, Default)]
pub struct Rows {
    /// The outcomes themselves.
    pub(in crate::postgres) outcomes: Vec<OutcomeRow>,
    /// What they withhold.
    pub(in crate::postgres) withheld: Vec<WithheldRow>,
    pub(in crate::postgres) redemptions: Vec<RedemptionRow>,
    pub(in crate::postgres) movements: Vec<MovementRow>,
    pub(in crate::postgres) codes: Vec<CodeRow>,
    pub(in crate::postgres) audit: Vec<AuditRow>,
    pub(in crate::postgres) holds: Vec<HoldRow>,
    /// Holds by the number of the entry that placed them, and until when they hold since.
    pub(in crate::postgres) prolonged_holds: BTreeMap<i64, SystemTime>,
    /// Holds by the number of the entry that placed them, and how they ended.
    pub(in crate::postgres) ended_holds: BTreeMap<i64, HoldEnd>,
    /// Redemptions by their identifiers, and what of them was undone.
    pub(in crate::postgres) rollbacks: BTreeMap<String, Rollback>,
    /// Campaigns as the last of the outcomes left them.
    pub(in crate::postgres) campaigns: BTreeMap<i64, CampaignRow>,
    pub(in crate::postgres) api_keys: Vec<ApiKeyRow>,
    /// Keys that were shut out, and when.
    pub(in crate::postgres) revoked_api_keys: BTreeMap<i64, SystemTime>,
}

impl Rows {
    /// How many there are, besides the outcomes themselves.
    pub fn count(&self) -> usize {
        self.redemptions.len()
            + self.movements.len()
            + self.codes.len()
            + self.audit.len()
            + self.holds.len()
            + self.prolonged_holds.len()
            + self.ended_holds.len()
            + self.rollbacks.len()
            + self.campaigns.len()
            + self.api_keys.len()
            + self.revoked_api_keys.len()
    }

    /// Whether any of them may be changed by later outcomes.
    pub fn may_change(&self) -> bool {
        !(self.redemptions.is_empty() && self.holds.is_empty() && self.api_keys.is_empty())
    }

    /// Takes over from the rows of later outcomes what they change of the rows that are here, and
    /// nothing else. What was taken over before stays: give it the newest outcome first.
    pub fn change_by(&mut self, mut later: Self) {
        for id in self.redemptions.iter().map(|row| &row.id) {
            take(&mut self.rollbacks, &mut later.rollbacks, id);
        }
        for entry in self.holds.iter().map(|row| &row.entry) {
            take(&mut self.prolonged_holds, &mut later.prolonged_holds, entry);
            take(&mut self.ended_holds, &mut later.ended_holds, entry);
        }
        for number in self.api_keys.iter().map(|row| &row.number) {
            take(&mut self.revoked_api_keys, &mut later.revoked_api_keys, number);
        }
    }

    /// The months for which the rows need partitions.
    pub(in crate::postgres) fn months(&self) -> impl Iterator<Item = Month> {
        let redemptions = self.redemptions.iter().map(|row| row.redeemed_at);
        let movements = self.movements.iter().map(|row| row.moved_at);
        let audit = self.audit.iter().map(|row| row.at);
        let holds = self.holds.iter().map(|row| row.held_at);
        redemptions.chain(movements).chain(audit).chain(holds).map(|at| Month::of(timestamp(at)))
    }
}

fn take<K: Clone + Ord, V>(to: &mut BTreeMap<K, V>, from: &mut BTreeMap<K, V>, key: &K) {
    if let Some((key, value)) = from.remove_entry(key) {
        to.entry(key).or_insert(value);
    }
}

/// A row that is copied into its table as it is.
pub(in crate::postgres) trait CopiedRow {
    /// Its table.
    const TABLE: &'static str;
    /// The columns that it gives, and the types in which their values are sent. JSON is sent as the
    /// text that it is.
    const COLUMNS: &'static [(&'static str, Type)];

    /// Its values, in the order of the columns.
    fn values(&self) -> impl Iterator<Item = &(dyn ToSql + Sync)>;
}

/// A request's digest and fingerprint, where the client gave an idempotency key.
#[derive(Debug, Default)]
pub(in crate::postgres) struct RequestColumns {
    pub(in crate::postgres) request: Option<Vec<u8>>,
    pub(in crate::postgres) fingerprint: Option<Vec<u8>>,
}

/// A stamp as the system's time, which PostgreSQL's types take. What is later than any stamp that
/// was ever given is taken for the last one: the types' arithmetic has a bound.
pub(in crate::postgres) fn moment(at: Timestamp) -> SystemTime {
    let since = std::time::Duration::from_millis(at.min(Timestamp::MAX).0);
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The inverse of [`moment`].
pub(in crate::postgres) fn timestamp(at: SystemTime) -> Timestamp {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(0))
}

//! Partitions: one for each month of UTC, made before the first row of the month is written.

use std::collections::BTreeSet;
use std::fmt;
use std::fmt::Write as _;

use redeemd_domain::rules::{Per, Period};
use redeemd_domain::timestamp::Timestamp;

/// The tables that have partitions, each with the column by which.
pub(super) const PARTITIONED: [(&str, &str); 4] = [
    ("redemptions", "redeemed_at"),
    ("holds", "held_at"),
    ("movements", "moved_at"),
    ("audit", "at"),
];

/// For how many months ahead of now there are partitions.
pub(super) const MONTHS_AHEAD: u32 = 3;

/// A month of UTC, counted from January 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(u32);

impl Month {
    /// The month of a time.
    pub(super) fn of(at: Timestamp) -> Self {
        let local = i64::try_from(at.0).unwrap_or(i64::MAX);
        // The number stands in the lower bits of a period; see [`Period`].
        Self(Period::of(Per::Month, local).0 & 0x0FFF_FFFF)
    }

    /// The month so many months later.
    pub(super) fn later(self, months: u32) -> Self {
        Self(self.0.saturating_add(months))
    }

    /// Its first moment, as SQL writes it.
    fn begin(self) -> String {
        let (year, month) = self.year_and_month();
        format!("{year:04}-{month:02}-01 00:00:00+00")
    }

    fn year_and_month(self) -> (u32, u32) {
        (1970 + self.0 / 12, self.0 % 12 + 1)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = self.year_and_month();
        write!(formatter, "{year:04}_{month:02}")
    }
}

/// Whoever makes partitions holds this lock until the end of the transaction: two who make the same
/// one would get in each other's way. The number is `redeemd` and 2 in ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8243105079627703298);\n";

/// What makes the partitions of some months where they are missing. A new table is attached, which
/// unlike `CREATE TABLE … PARTITION OF` lets others read and write the parent meanwhile.
pub(super) fn sql(months: &BTreeSet<Month>) -> String {
    let mut sql = LOCK.to_owned();
    for (table, _) in PARTITIONED {
        for &month in months {
            let (from, to) = (month.begin(), month.later(1).begin());
            // A string takes any text without an error that could be told from a `Result`.
            let _ = write!(
                sql,
                "DO $$ BEGIN
                     IF to_regclass('redeemd.{table}_{month}') IS NULL THEN
                         CREATE TABLE redeemd.{table}_{month}
                             (LIKE redeemd.{table} INCLUDING ALL);
                         ALTER TABLE redeemd.{table} ATTACH PARTITION redeemd.{table}_{month}
                             FOR VALUES FROM ('{from}') TO ('{to}');
                     ELSIF NOT EXISTS (SELECT FROM pg_inherits
                             WHERE inhrelid = 'redeemd.{table}_{month}'::regclass) THEN
                         RAISE 'redeemd.{table}_{month} was detached, and rows of its month are to be written: attach it, or give it another name'
                             USING ERRCODE = 'invalid_object_definition';
                     END IF;
                 END $$;\n"
            );
        }
    }
    sql
}

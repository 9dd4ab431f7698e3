//! Counting the codes of campaigns in the tables, as they were at a place in every sequence.

use std::collections::BTreeMap;

use redeemd_domain::sequence::SequenceId;
use tokio_postgres::types::{ToSql, Type};

use super::super::aside;
use super::super::error::Error;
use super::super::projection::{Projection, signed};
use super::reading::sequence_number;

/// A campaign, and up to which entry of every sequence it is to be counted.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Its identifier.
    pub campaign: String,
    /// The entries, the control sequence's first.
    pub through: Vec<u64>,
}

/// How many codes of a campaign are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Codes that were issued or brought in; `None` where the campaign was changed since.
    pub issued: Option<u64>,
    /// Uses that stand.
    pub redeemed: u64,
    /// Uses that were held.
    pub held: u64,
    /// Codes that were revoked.
    pub revoked: u64,
}

const COUNTS: &str = "WITH mark AS MATERIALIZED (
        SELECT c.number, c.codes, c.issued, c.entry AS changed, c.id, asked.sequence, asked.through
        FROM unnest($1::text[], $2::smallint[], $3::bigint[]) AS asked (id, sequence, through)
        JOIN redeemd.campaigns c ON c.id = asked.id),
    redeemed AS (
        SELECT m.number, count(*) AS total FROM mark m
        JOIN redeemd.redemptions r ON r.campaign = m.number AND r.sequence = m.sequence
        WHERE r.entry <= m.through AND NOT coalesce(r.rolled_back_entry <= m.through, false)
        GROUP BY m.number),
    held AS (
        SELECT m.number, count(*) AS total FROM mark m
        JOIN redeemd.holds h ON h.campaign = m.number AND h.sequence = m.sequence
        WHERE h.entry <= m.through AND NOT coalesce(h.ended_entry <= m.through, false)
        GROUP BY m.number),
    revoked AS (
        SELECT m.number, sum(CASE a.event WHEN 'code_revoked' THEN 1 ELSE -1 END) AS total FROM mark m
        JOIN redeemd.audit a ON a.campaign = m.number AND a.sequence = m.sequence
        WHERE a.entry <= m.through AND a.event IN ('code_revoked', 'code_restored')
        GROUP BY m.number),
    listed AS (
        SELECT m.number, count(*) AS total FROM mark m
        JOIN redeemd.codes c ON c.campaign = m.number AND c.sequence = m.sequence
        WHERE c.entry <= m.through AND m.codes = 'imported'
        GROUP BY m.number)
    SELECT m.id::text, CASE WHEN m.codes = 'imported' THEN coalesce(listed.total, 0)
            WHEN m.changed <= m.through THEN m.issued END,
        coalesce(redeemed.total, 0), coalesce(held.total, 0), coalesce(revoked.total, 0)::bigint
    FROM mark m LEFT JOIN redeemed USING (number) LEFT JOIN held USING (number)
        LEFT JOIN revoked USING (number) LEFT JOIN listed USING (number)
    WHERE m.sequence = 0";

impl Projection {
    /// Counts campaigns, by their identifiers; nothing where outcomes are set aside, whose rows are
    /// not there to be counted. Of a campaign that is not there nothing is said.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn counts(&self, of: &[Counted]) -> Result<Option<BTreeMap<String, Counts>>, Error> {
        let (mut ids, mut sequences, mut through) = (Vec::new(), Vec::new(), Vec::new());
        for counted in of {
            for (sequence, &number) in (0..).map(SequenceId).zip(&counted.through) {
                ids.push(counted.campaign.as_str());
                sequences.push(sequence_number(sequence));
                through.push(signed(number));
            }
        }
        let parameters: [(&(dyn ToSql + Sync), Type); 3] = [
            (&ids, Type::TEXT_ARRAY),
            (&sequences, Type::INT2_ARRAY),
            (&through, Type::INT8_ARRAY),
        ];
        self.read_at_one_moment(async |transaction| {
            if aside::count(transaction).await? > 0 {
                return Ok(None);
            }
            let mut counts = BTreeMap::new();
            for row in transaction.query_typed(COUNTS, &parameters).await? {
                let number = |place| Ok::<_, Error>(row.try_get::<_, i64>(place)?.unsigned_abs());
                let issued: Option<i64> = row.try_get(1)?;
                let counted = Counts {
                    issued: issued.map(i64::unsigned_abs),
                    redeemed: number(2)?,
                    held: number(3)?,
                    revoked: number(4)?,
                };
                counts.insert(row.try_get(0)?, counted);
            }
            Ok(Some(counts))
        })
        .await
    }
}

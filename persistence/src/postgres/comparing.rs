//! Reading rows back, for a comparison with what a running server says: in portions, by where in
//! their sequence they happened, so that no question is large however many rows there are.

use std::collections::BTreeMap;

use redeemd_domain::sequence::SequenceId;
use redeemd_domain::timestamp::Timestamp;
use tokio_postgres::types::{ToSql, Type};

use super::error::Error;
use super::projection::Projection;
use super::rebuilding::Possession;
use super::rows::moment;

/// Entries of one sequence that follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The sequence.
    pub sequence: SequenceId,
    /// The entry before the first of them.
    pub after: u64,
    /// The last of them.
    pub through: u64,
    /// No entry of them is earlier.
    pub from: Timestamp,
    /// None is later.
    pub to: Timestamp,
}

/// What a row says, in words that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The entry of which it came.
    pub entry: u64,
    /// What it is about: `redemption`, `hold` or `movement`, and the identifier.
    pub about: String,
    /// What it says.
    pub text: String,
}

/// How many rows there are up to the marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Redemptions.
    pub redemptions: u64,
    /// Redemptions that were rolled back as a whole.
    pub rolled_back: u64,
    /// Holds.
    pub holds: u64,
    /// Holds that have ended.
    pub ended_holds: u64,
    /// Movements of balances.
    pub movements: u64,
}

/// Redemptions, with what became of the hold that each ended.
const REDEMPTIONS: &str = "SELECT r.entry, concat('redemption ', r.id),
        concat_ws(' ', coalesce(c.id, '?'), r.user_id, r.code_hint,
            (extract(epoch FROM r.redeemed_at) * 1000)::bigint,
            coalesce(r.amount_minor_units::text, '-'), coalesce(r.balance_left::text, '-'),
            CASE WHEN r.hold_entry IS NULL THEN 'directly'
                 WHEN h.ended = 'confirmed' AND h.ended_entry = r.entry THEN 'of a hold'
                 ELSE 'of a hold that is not there' END)
    FROM redeemd.redemptions r
    LEFT JOIN redeemd.campaigns c ON c.number = r.campaign
    LEFT JOIN redeemd.holds h ON h.sequence = r.sequence AND h.entry = r.hold_entry
    WHERE r.sequence = $1 AND r.entry > $2 AND r.entry <= $3
        AND r.redeemed_at >= $4 AND r.redeemed_at <= $5";

const HOLDS: &str = "SELECT h.entry, concat('hold ', h.id),
        concat_ws(' ', coalesce(c.id, '?'), h.user_id, h.code_hint,
            (extract(epoch FROM h.held_at) * 1000)::bigint)
    FROM redeemd.holds h LEFT JOIN redeemd.campaigns c ON c.number = h.campaign
    WHERE h.sequence = $1 AND h.entry > $2 AND h.entry <= $3
        AND h.held_at >= $4 AND h.held_at <= $5";

const MOVEMENTS: &str = "SELECT m.entry, concat('movement of entry ', m.entry),
        concat_ws(' ', coalesce(c.id, '?'), m.kind, m.amount_minor_units, m.balance_left,
            coalesce(m.redemption, '-'))
    FROM redeemd.movements m LEFT JOIN redeemd.campaigns c ON c.number = m.campaign
    WHERE m.sequence = $1 AND m.entry > $2 AND m.entry <= $3
        AND m.moved_at >= $4 AND m.moved_at <= $5";

/// What became of redemptions, by their identifiers and times.
const UNDONE: &str = "SELECT r.rolled_back_entry, concat('rollback of ', r.id),
        concat_ws(' ', (extract(epoch FROM r.rolled_back_at) * 1000)::bigint, r.rollback_reason,
            coalesce(r.returned_minor_units, 0) = coalesce(r.amount_minor_units, 0))
    FROM unnest($1::text[], $2::timestamptz[]) AS asked (id, at)
    JOIN redeemd.redemptions r ON r.id = asked.id AND r.redeemed_at = asked.at
    WHERE r.rolled_back_entry IS NOT NULL";

/// What became of holds, by their identifiers and times.
const ENDED: &str = "SELECT h.ended_entry, concat('end of ', h.id),
        concat_ws(' ', h.ended, (extract(epoch FROM h.ended_at) * 1000)::bigint)
    FROM unnest($1::text[], $2::timestamptz[]) AS asked (id, at)
    JOIN redeemd.holds h ON h.id = asked.id AND h.held_at = asked.at
    WHERE h.ended_entry IS NOT NULL";

/// Counted up to each sequence's mark, since rows may still arrive.
const TOTALS: &str = "WITH marks AS (SELECT * FROM unnest($1::smallint[], $2::bigint[]) AS marks (sequence, through))
    SELECT (SELECT count(*) FROM redeemd.redemptions JOIN marks USING (sequence) WHERE entry <= through),
        (SELECT count(*) FROM redeemd.redemptions JOIN marks USING (sequence)
            WHERE rolled_back_entry <= through),
        (SELECT count(*) FROM redeemd.holds JOIN marks USING (sequence) WHERE entry <= through),
        (SELECT count(*) FROM redeemd.holds JOIN marks USING (sequence)
            WHERE ended_entry <= through),
        (SELECT count(*) FROM redeemd.movements JOIN marks USING (sequence) WHERE entry <= through)";

/// How often each campaign's codes were redeemed, what was rolled back left out.
const CAMPAIGNS: &str = "WITH marks AS (SELECT * FROM unnest($1::smallint[], $2::bigint[]) AS marks (sequence, through))
    SELECT c.id, count(r.id) FROM redeemd.campaigns c
    JOIN redeemd.redemptions r ON r.campaign = c.number JOIN marks USING (sequence)
    WHERE r.entry <= through AND NOT coalesce(rolled_back_entry <= through, false)
    GROUP BY c.id";

impl Projection {
    /// What the rows say that entries left.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn facts(&self, span: &Span) -> Result<Vec<Fact>, Error> {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let sequence = i16::try_from(span.sequence.0).unwrap_or(i16::MAX);
        let (after, through) = (signed(span.after), signed(span.through));
        let (from, to) = (moment(span.from), moment(span.to));
        let parameters: [(&(dyn ToSql + Sync), Type); 5] = [
            (&sequence, Type::INT2),
            (&after, Type::INT8),
            (&through, Type::INT8),
            (&from, Type::TIMESTAMPTZ),
            (&to, Type::TIMESTAMPTZ),
        ];
        self.carry_out(async |transaction| {
            let mut facts = Vec::new();
            for select in [REDEMPTIONS, HOLDS, MOVEMENTS] {
                let rows = transaction.query_typed(select, &parameters).await?;
                for row in rows {
                    facts.push(fact(&row)?);
                }
            }
            Ok(facts)
        })
        .await
    }

    /// What the rows say became of redemptions, by their identifiers and times.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn rollbacks(&self, of: &[(String, Timestamp)]) -> Result<Vec<Fact>, Error> {
        self.named(UNDONE, of).await
    }

    /// What the rows say became of holds, by their identifiers and times.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn ended_holds(&self, of: &[(String, Timestamp)]) -> Result<Vec<Fact>, Error> {
        self.named(ENDED, of).await
    }

    /// How many rows there are up to the marks that were seen, and how often codes of each campaign
    /// were redeemed.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn totals(
        &self,
        seen: &Possession,
    ) -> Result<(Totals, BTreeMap<String, u64>), Error> {
        let sequences = seen.checkpoints.keys();
        let sequences: Vec<i16> = sequences.filter_map(|it| i16::try_from(it.0).ok()).collect();
        let through = seen.checkpoints.values().map(|checkpoint| checkpoint.through);
        let through: Vec<i64> = through.map(|it| i64::try_from(it).unwrap_or(i64::MAX)).collect();
        let parameters: [(&(dyn ToSql + Sync), Type); 2] =
            [(&sequences, Type::INT2_ARRAY), (&through, Type::INT8_ARRAY)];
        self.carry_out(async |transaction| {
            let row = transaction.query_typed_one(TOTALS, &parameters).await?;
            let count = |place: usize| Ok::<_, Error>(row.try_get::<_, i64>(place)?.unsigned_abs());
            let totals = Totals {
                redemptions: count(0)?,
                rolled_back: count(1)?,
                holds: count(2)?,
                ended_holds: count(3)?,
                movements: count(4)?,
            };
            let mut campaigns = BTreeMap::new();
            for row in transaction.query_typed(CAMPAIGNS, &parameters).await? {
                campaigns.insert(row.try_get(0)?, row.try_get::<_, i64>(1)?.unsigned_abs());
            }
            Ok((totals, campaigns))
        })
        .await
    }

    async fn named(&self, select: &str, of: &[(String, Timestamp)]) -> Result<Vec<Fact>, Error> {
        let ids: Vec<&str> = of.iter().map(|(id, _)| id.as_str()).collect();
        let times: Vec<_> = of.iter().map(|(_, at)| moment(*at)).collect();
        let parameters: [(&(dyn ToSql + Sync), Type); 2] =
            [(&ids, Type::TEXT_ARRAY), (&times, Type::TIMESTAMPTZ_ARRAY)];
        self.carry_out(async |transaction| {
            let rows = transaction.query_typed(select, &parameters).await?;
            rows.iter().map(fact).collect()
        })
        .await
    }
}

fn fact(row: &tokio_postgres::Row) -> Result<Fact, Error> {
    let entry: i64 = row.try_get(0)?;
    Ok(Fact { entry: entry.unsigned_abs(), about: row.try_get(1)?, text: row.try_get(2)? })
}

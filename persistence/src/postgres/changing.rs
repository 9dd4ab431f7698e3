//! Rows that change: one statement for all of a kind, which takes them as arrays. Where a row is not
//! there any more, since its partition was dropped or it was set aside, nothing is changed. Nor is it
//! by what comes late, since it had been set aside: a row never goes back to what it was before.

use std::time::SystemTime;

use redeemd_domain::sequence::SequenceId;
use tokio_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};

use super::error::Error;
use super::rows::Rows;

pub(super) async fn revoke_api_keys(
    transaction: &Transaction<'_>,
    rows: &Rows,
) -> Result<(), Error> {
    if rows.revoked_api_keys.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = rows.revoked_api_keys.keys().copied().collect();
    let times: Vec<SystemTime> = rows.revoked_api_keys.values().copied().collect();
    let update = "UPDATE redeemd.api_keys SET revoked_at = revoked.at
         FROM unnest($1::bigint[], $2::timestamptz[]) AS revoked (number, at)
         WHERE api_keys.number = revoked.number";
    let parameters: [(&(dyn ToSql + Sync), Type); 2] =
        [(&numbers, Type::INT8_ARRAY), (&times, Type::TIMESTAMPTZ_ARRAY)];
    transaction.execute_typed(update, &parameters).await?;
    Ok(())
}

pub(super) async fn prolong_holds(
    transaction: &Transaction<'_>,
    sequence: SequenceId,
    rows: &Rows,
) -> Result<(), Error> {
    if rows.prolonged_holds.is_empty() {
        return Ok(());
    }
    let entries: Vec<i64> = rows.prolonged_holds.keys().copied().collect();
    let times: Vec<SystemTime> = rows.prolonged_holds.values().copied().collect();
    let update = "UPDATE redeemd.holds SET expires_at = greatest(expires_at, prolonged.until)
         FROM unnest($2::bigint[], $3::timestamptz[]) AS prolonged (entry, until)
         WHERE holds.sequence = $1 AND holds.entry = prolonged.entry";
    let parameters: [(&(dyn ToSql + Sync), Type); 3] = [
        (&number(sequence), Type::INT2),
        (&entries, Type::INT8_ARRAY),
        (&times, Type::TIMESTAMPTZ_ARRAY),
    ];
    transaction.execute_typed(update, &parameters).await?;
    Ok(())
}

pub(super) async fn end_holds(
    transaction: &Transaction<'_>,
    sequence: SequenceId,
    rows: &Rows,
) -> Result<(), Error> {
    if rows.ended_holds.is_empty() {
        return Ok(());
    }
    let entries: Vec<i64> = rows.ended_holds.keys().copied().collect();
    let times: Vec<SystemTime> = rows.ended_holds.values().map(|end| end.at).collect();
    let hows: Vec<&str> = rows.ended_holds.values().map(|end| end.how).collect();
    let by: Vec<i64> = rows.ended_holds.values().map(|end| end.entry).collect();
    let update = "UPDATE redeemd.holds
         SET ended_at = ends.at, ended = ends.how, ended_entry = ends.by
         FROM unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::bigint[])
             AS ends (entry, at, how, by)
         WHERE holds.sequence = $1 AND holds.entry = ends.entry AND holds.ended_at IS NULL";
    let parameters: [(&(dyn ToSql + Sync), Type); 5] = [
        (&number(sequence), Type::INT2),
        (&entries, Type::INT8_ARRAY),
        (&times, Type::TIMESTAMPTZ_ARRAY),
        (&hows, Type::TEXT_ARRAY),
        (&by, Type::INT8_ARRAY),
    ];
    transaction.execute_typed(update, &parameters).await?;
    Ok(())
}

pub(super) async fn roll_back(transaction: &Transaction<'_>, rows: &Rows) -> Result<(), Error> {
    if rows.rollbacks.is_empty() {
        return Ok(());
    }
    let rollbacks = || rows.rollbacks.values();
    let wholes = || rollbacks().map(|rollback| rollback.whole.as_ref());
    let ids: Vec<&str> = rows.rollbacks.keys().map(String::as_str).collect();
    let times: Vec<SystemTime> = rollbacks().map(|rollback| rollback.redeemed_at).collect();
    let returned: Vec<Option<i64>> = rollbacks().map(|rollback| rollback.returned).collect();
    let at: Vec<Option<SystemTime>> = wholes().map(|it| it.map(|whole| whole.at)).collect();
    let by: Vec<Option<i64>> = wholes().map(|it| it.map(|whole| whole.entry)).collect();
    let why: Vec<Option<&str>> = wholes().map(|it| it.map(|whole| whole.reason.as_str())).collect();
    // Who is undone as a whole has returned all of its money, if it had any.
    let update = "UPDATE redeemd.redemptions
         SET returned_minor_units = coalesce(undone.returned, amount_minor_units),
             rolled_back_at = undone.at, rolled_back_entry = undone.by, rollback_reason = undone.why
         FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::timestamptz[], $5::bigint[],
                 $6::text[]) AS undone (id, redeemed_at, returned, at, by, why)
         WHERE redemptions.id = undone.id AND redemptions.redeemed_at = undone.redeemed_at
             AND redemptions.rolled_back_at IS NULL
             AND (undone.at IS NOT NULL
                 OR undone.returned > coalesce(redemptions.returned_minor_units, 0))";
    let parameters: [(&(dyn ToSql + Sync), Type); 6] = [
        (&ids, Type::TEXT_ARRAY),
        (&times, Type::TIMESTAMPTZ_ARRAY),
        (&returned, Type::INT8_ARRAY),
        (&at, Type::TIMESTAMPTZ_ARRAY),
        (&by, Type::INT8_ARRAY),
        (&why, Type::TEXT_ARRAY),
    ];
    transaction.execute_typed(update, &parameters).await?;
    Ok(())
}

fn number(sequence: SequenceId) -> i16 {
    i16::try_from(sequence.0).unwrap_or(i16::MAX)
}

//! Whether the ledger and the database agree, row by row: what the interface says of every
//! redemption, against what stands in its table.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Client, Database, wait_until};

/// What both sides know of a redemption.
pub(super) type Known = BTreeSet<(String, String, String, String, String)>;

/// All redemptions, as the interface lists them.
pub(super) fn in_the_ledger(client: &mut Client) -> Known {
    let mut known = Known::new();
    let mut cursor = String::new();
    loop {
        let answer = client.get(&format!("/api/v1/redemptions?limit=1000{cursor}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        for redemption in page["data"].as_array().unwrap() {
            let text = |name: &str| redemption[name].as_str().unwrap().to_owned();
            known.insert((
                text("id"),
                text("user_id"),
                text("campaign_id"),
                text("redeemed_at"),
                text("code_hint"),
            ));
        }
        match &page["next_cursor"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => return known,
        }
    }
}

/// All redemptions that are in the database.
pub(super) fn in_the_database(database: &Database<'_>) -> Known {
    let rows = database.ask(
        "SELECT r.id, user_id, c.id,
                to_char(redeemed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), code_hint
         FROM redeemd.redemptions r JOIN redeemd.campaigns c ON c.number = r.campaign",
    );
    let rows: Vec<_> = rows.lines().collect();
    let known: Known = rows
        .iter()
        .map(|row| {
            let mut columns = row.split('|').map(str::to_owned);
            let mut next = || columns.next().unwrap();
            (next(), next(), next(), next(), next())
        })
        .collect();
    assert_eq!(known.len(), rows.len(), "a redemption is there twice");
    known
}

/// Waits until everything has arrived, and insists that both sides say the same.
pub(super) fn agree(client: &mut Client, database: &Database<'_>) -> usize {
    let ledger = in_the_ledger(client);
    let count = "SELECT count(*) FROM redeemd.redemptions";
    wait_until("all redemptions are in the database", || {
        database.count(count) >= ledger.len() as u64
    });
    let arrived = in_the_database(database);
    let missing: Vec<_> = ledger.difference(&arrived).take(5).collect();
    let invented: Vec<_> = arrived.difference(&ledger).take(5).collect();
    assert!(missing.is_empty() && invented.is_empty(), "{missing:?} {invented:?}");
    ledger.len()
}

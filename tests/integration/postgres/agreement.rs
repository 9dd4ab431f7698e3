//! Whether the ledger and the database agree, row by row: what the interface says of every
//! redemption, against what stands in its table.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::journal::DirectoryId;
use redeemd_persistence::postgres::{Chain, Checkpoint};
use serde_json::Value;

use crate::events::events_after;
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
    // Campaigns arrive in a batch of their own, so that a redemption may be there first.
    let count = "SELECT count(*) FROM redeemd.redemptions r
                 JOIN redeemd.campaigns c ON c.number = r.campaign";
    wait_until("all redemptions are in the database", || {
        // Before the server has made its tables there is no number.
        let arrived = database.try_ask(count).and_then(|text| text.parse::<usize>().ok());
        arrived >= Some(ledger.len())
    });
    let arrived = in_the_database(database);
    let missing: Vec<_> = ledger.difference(&arrived).take(5).collect();
    let invented: Vec<_> = arrived.difference(&ledger).take(5).collect();
    assert!(missing.is_empty() && invented.is_empty(), "{missing:?} {invented:?}");
    outcomes_are_those_that_the_marks_say(database);
    ledger.len()
}

/// Insists that no outcome is missing, there twice or another one, whatever kind it is: of each
/// sequence those that are there have the digest that its watermark says. The server compares that
/// digest with its ledger.
fn outcomes_are_those_that_the_marks_say(database: &Database<'_>) {
    // One question, so that all of it is of one moment.
    let rows = database.ask(
        "SELECT 0 AS kind, 0 AS sequence, 0 AS entry, id FROM redeemd.directory
         UNION ALL SELECT 1, sequence, entry, encode(record, 'hex') FROM redeemd.outcomes
         UNION ALL SELECT 2, sequence, through, encode(chain, 'hex') FROM redeemd.watermarks
         ORDER BY kind, sequence, entry",
    );
    let mut directory = DirectoryId([0; 16]);
    let mut ends: BTreeMap<SequenceId, Checkpoint> = BTreeMap::new();
    for row in rows.lines() {
        let columns: Vec<&str> = row.split('|').collect();
        let [kind, sequence, entry, text] = columns[..] else { panic!("{row}") };
        let sequence = SequenceId(sequence.parse().unwrap());
        let (entry, bytes) = (entry.parse().unwrap(), bytes(text));
        let genesis = Checkpoint::genesis(directory, sequence);
        let end = ends.entry(sequence).or_insert(genesis);
        match kind {
            "0" => {
                directory = DirectoryId(bytes.try_into().unwrap());
                ends.clear();
            }
            "1" => {
                assert!(entry > end.through, "entry {entry} of {sequence} is there twice");
                *end = Checkpoint { through: entry, chain: end.chain.followed_by(entry, &bytes) };
            }
            _ => {
                assert!(entry >= end.through, "{sequence} has more than it says");
                assert_eq!(end.chain, Chain(bytes.try_into().unwrap()), "{sequence}");
            }
        }
    }
    assert!(ends.len() > 1, "{rows}");
}

/// Bytes that are written as hex digits.
fn bytes(text: &str) -> Vec<u8> {
    let byte = |place: usize| u8::from_str_radix(&text[place..place + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

/// Waits until the database says of everything that happened what the events say: of each kind as
/// many, and of each redemption and hold what became of it.
pub(super) fn agree_on_everything(client: &mut Client, database: &Database<'_>) {
    agree(client, database);
    let mut expected = said_by(&events_after(client, "limit=1000", "").0);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = said_by_the_database(database);
        if found.as_ref() == Some(&expected) {
            return;
        }
        // Holds expire meanwhile: what is there and was not said before may have happened since.
        if found.as_ref().is_some_and(|found| !found.is_subset(&expected)) {
            expected = said_by(&events_after(client, "limit=1000", "").0);
        }
        if Instant::now() > deadline {
            let found = found.unwrap_or_default();
            let missing: Vec<_> = expected.difference(&found).take(10).collect();
            let invented: Vec<_> = found.difference(&expected).take(10).collect();
            panic!("the ledger has {missing:#?}, the database has {invented:#?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What events leave in the tables, in lines.
fn said_by(events: &[Value]) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut returned: BTreeMap<&str, u64> = BTreeMap::new();
    for event in events {
        let kind = event["type"].as_str().unwrap();
        let text = |value: &'static str, name: &str| event[value][name].as_str().unwrap();
        let amount = |value: &str| event[value]["amount"]["minor_units"].as_u64();
        let mut moved = |kind: &str, redemption: &str, value: &str, amount: Option<u64>| {
            if let Some(left) = event[value]["balance_left"].as_u64() {
                let amount = amount.map_or("all".to_owned(), |amount| amount.to_string());
                lines.insert(format!("movement {kind} {redemption} {amount} {left}"));
            }
        };
        match kind {
            "redemption.created" => moved("spent", text("redemption", "id"), "redemption", None),
            "redemption.rolled_back" | "redemption.partly_rolled_back" => {
                let id = text("rollback", "redemption_id");
                moved("returned", id, "rollback", amount("rollback"));
                *returned.entry(id).or_default() += amount("rollback").unwrap_or(0);
                if kind == "redemption.rolled_back" {
                    let reason = text("rollback", "reason");
                    lines.insert(format!("rolled back {id} {reason}"));
                }
            }
            "code.topped_up" => moved("topped_up", "", "top_up", amount("top_up")),
            "hold.placed" => {
                lines.insert(format!("hold {}", text("hold", "id")));
            }
            "hold.released" => {
                lines.insert(format!("hold {} released", text("hold", "id")));
            }
            "holds.expired" => {
                for hold in event["holds"].as_array().unwrap() {
                    lines.insert(format!("hold {} expired", hold["id"].as_str().unwrap()));
                }
            }
            _ => {}
        }
        let (name, more) = match kind {
            "redemption.created" if event["ends_hold"] == true => ("confirmed", 1),
            "codes.listed" => ("codes", event["codes"]["count"].as_u64().unwrap()),
            "redemption.rolled_back" | "redemption.partly_rolled_back" => {
                ("redemption_rolled_back", 1)
            }
            "code.revoked" => ("code_revoked", 1),
            "code.restored" => ("code_restored", 1),
            "code.topped_up" => ("code_topped_up", 1),
            "hold.prolonged" => ("hold_prolonged", 1),
            "campaign.created" => ("campaign_made", 1),
            "campaign.updated" => ("campaign_changed", 1),
            "codes.issued" => ("codes_issued", 1),
            "codes.imported" => ("codes_imported", 1),
            "api_key.created" => ("api_key_added", 1),
            "api_key.revoked" => ("api_key_revoked", 1),
            "secret.created" => ("secret_added", 1),
            _ => continue,
        };
        *counts.entry(name).or_default() += more;
    }
    lines.extend(counts.into_iter().map(|(name, count)| format!("{count} {name}")));
    let returned = returned.into_iter().filter(|(_, amount)| *amount > 0);
    lines.extend(returned.map(|(id, amount)| format!("returned {id} {amount}")));
    lines
}

/// The same of what is in the tables; `None` where they cannot be asked.
fn said_by_the_database(database: &Database<'_>) -> Option<BTreeSet<String>> {
    let text = database.try_ask(
        "SELECT count(*) || ' ' || event FROM redeemd.audit GROUP BY event
         UNION ALL SELECT count(*) || ' codes' FROM redeemd.codes HAVING count(*) > 0
         UNION ALL SELECT count(*) || ' confirmed' FROM redeemd.holds WHERE ended = 'confirmed'
             HAVING count(*) > 0
         UNION ALL SELECT 'hold ' || id FROM redeemd.holds
         UNION ALL SELECT 'hold ' || id || ' ' || ended FROM redeemd.holds
             WHERE ended IN ('released', 'expired')
         UNION ALL SELECT concat_ws(' ', 'movement', kind, coalesce(redemption, ''),
                 CASE kind WHEN 'spent' THEN 'all' ELSE amount_minor_units::text END, balance_left)
             FROM redeemd.movements
         UNION ALL SELECT 'rolled back ' || id || ' ' || rollback_reason FROM redeemd.redemptions
             WHERE rolled_back_at IS NOT NULL
         UNION ALL SELECT 'returned ' || id || ' ' || returned_minor_units FROM redeemd.redemptions
             WHERE returned_minor_units > 0",
    )?;
    Some(text.lines().map(str::to_owned).collect())
}

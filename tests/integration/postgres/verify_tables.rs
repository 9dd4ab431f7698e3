//! `redeemd verify` finds every row of every table that was changed, removed or added by hand.

use serde_json::{Value, json};

use super::arrival::{folder, redeem_many};
use super::verify::{lines, settle, verify};
use crate::support::{
    Client, Database, Folder, Request, Server, api_key, campaign, campaign_with_codes, id,
    redeem_keyed, shared_postgres,
};

/// The tables whose rows come of outcomes, and the columns by which a row is known. Where one of
/// these is changed, one row is missing and another one is there.
const TABLES: [(&str, &[&str]); 7] = [
    ("redemptions", &["id", "sequence", "entry"]),
    ("holds", &["id", "sequence", "entry"]),
    ("movements", &["sequence", "entry"]),
    ("audit", &["sequence", "entry"]),
    ("codes", &["code", "sequence", "entry"]),
    ("campaigns", &["number"]),
    ("api_keys", &["number"]),
];

/// What keeps a copy of all tables, and what puts it back.
const KEEP: [&str; 9] = [
    "redemptions",
    "holds",
    "movements",
    "audit",
    "codes",
    "campaigns",
    "api_keys",
    "outcomes",
    "withheld",
];

fn post(client: &mut Client, path: &str, body: &Value) -> Value {
    let answer = client.post(&format!("/api/v1{path}"), body);
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer.json()
}

/// Leaves more rows in every table than it has columns.
fn live(client: &mut Client) {
    let (plain, codes) =
        campaign_with_codes(client, json!({ "uses_per_code": 3, "reward": { "v": 1 } }), 60);
    redeem_many(client, &codes[..30], "ada");
    redeem_keyed(client, &codes[0], "bob", "k");
    for code in &codes[30..50] {
        let body = json!({ "code": code, "user_id": "dan", "ttl_seconds": 600 });
        let hold = post(client, "/holds", &body);
        match code {
            code if *code == codes[30] => {
                let body = json!({ "code": code, "user_id": "dan", "ttl_seconds": 6_000 });
                post(client, "/holds", &body);
            }
            code if *code == codes[31] => {
                post(client, &format!("/holds/{}/confirm", id(&hold)), &json!({}));
            }
            code if *code == codes[32] => {
                let path = format!("/api/v1/holds/{}", id(&hold));
                assert_eq!(client.send(Request::new("DELETE", &path)).status, 204);
            }
            _ => {}
        }
    }
    for code in &codes[50..] {
        post(client, "/codes/revoke", &json!({ "code": code, "reason": "stolen" }));
    }
    post(client, "/codes/restore", &json!({ "code": codes[50], "reason": "found" }));
    let balance = json!({ "balance": { "currency": "EUR", "minor_units": 1_000 } });
    let (_, gifts) = campaign_with_codes(client, balance, 12);
    for code in &gifts {
        let body = json!({ "code": code, "user_id": "ada", "amount": { "minor_units": 400 } });
        let spent = post(client, "/redemptions", &body);
        let path = format!("/redemptions/{}/rollback", id(&spent));
        if *code == gifts[0] {
            post(client, &path, &json!({ "reason": "part", "amount": { "minor_units": 100 } }));
            post(client, &path, &json!({ "reason": "part", "amount": { "minor_units": 50 } }));
        }
        if *code == gifts[1] {
            post(client, &path, &json!({ "reason": "all" }));
        }
    }
    let body = json!({ "code": gifts[2], "amount": { "minor_units": 5 }, "reason": "sorry" });
    post(client, "/codes/top-up", &body);
    let imported = campaign(client, json!({ "codes": { "kind": "imported" } }));
    let rows: String = (0..12).map(|number| format!("SPRING-2026-{number:04}\n")).collect();
    let path = format!("/api/v1/campaigns/{}/codes/import", id(&imported));
    let file = Request::new("POST", &path).header("Content-Type", "text/csv");
    assert_eq!(client.send(file.body(format!("code\n{rows}"))).json()["imported"], 12);
    for _ in 0..22 {
        campaign(client, json!({ "metadata": { "a": 1 } }));
    }
    post(client, &format!("/campaigns/{}/pause", id(&plain)), &json!({}));
    for _ in 0..8 {
        api_key(client, "auditor");
    }
    let keys = client.get("/api/v1/api-keys").json();
    let path = format!("/api/v1/api-keys/{}", id(&keys["data"][0]));
    assert_eq!(client.send(Request::new("DELETE", &path)).status, 204);
}

/// A server, and the database that has all of it.
struct Pair<'a> {
    folder: &'a Folder,
    server: &'a Server,
    database: &'a Database<'a>,
}

impl Pair<'_> {
    fn keep(&self) {
        let copies: Vec<String> = KEEP
            .iter()
            .map(|table| format!("CREATE TABLE kept.{table} AS TABLE redeemd.{table}"))
            .collect();
        self.database.ask(&format!("CREATE SCHEMA kept; {}", copies.join("; ")));
    }

    /// Changes the database, and gives what is found then. Afterwards all is as it was.
    fn found_after(&self, change: &str) -> Vec<Value> {
        self.database.ask(change);
        let ended = verify(self.folder, self.server, &["--json"]);
        let (found, summary) = lines(&ended);
        assert_eq!(ended.code, 1, "{change}: {summary}");
        assert_eq!(summary["differences"], found.len());
        let back: Vec<String> = KEEP
            .iter()
            .map(|table| {
                format!(
                    "DELETE FROM redeemd.{table};
                     INSERT INTO redeemd.{table} SELECT * FROM kept.{table}"
                )
            })
            .collect();
        self.database.ask(&format!("BEGIN; {}; COMMIT", back.join("; ")));
        found
    }

    /// The columns of a table with their types, in their order.
    fn columns(&self, table: &str) -> Vec<(String, String)> {
        let text = self.database.ask(&format!(
            "SELECT column_name, data_type FROM information_schema.columns
             WHERE table_schema = 'redeemd' AND table_name = '{table}' ORDER BY ordinal_position"
        ));
        let column = |line: &str| {
            let (name, kind) = line.split_once('|').unwrap();
            (name.to_owned(), kind.to_owned())
        };
        text.lines().map(column).collect()
    }
}

/// A row of a table, by its place in the copy.
fn row(table: &str, key: &[&str], place: usize) -> String {
    let key = key.join(", ");
    format!("({key}) = (SELECT {key} FROM kept.{table} ORDER BY {key} LIMIT 1 OFFSET {place})")
}

/// Something else than a column has.
fn another(column: &str, kind: &str) -> String {
    match kind {
        "bigint" | "smallint" => format!("coalesce({column}, 0) + 1000"),
        "timestamp with time zone" => {
            format!("coalesce({column}, now()) + interval '1 microsecond'")
        }
        "bytea" => format!("coalesce({column}, '') || '\\x00'"),
        "json" => "'{\"changed\":true}'".to_owned(),
        "text" => format!("coalesce({column}, '') || 'x'"),
        kind => panic!("{column} is of type {kind}"),
    }
}

fn is_about(line: &Value, table: &str) -> bool {
    line["about"].as_str().unwrap().starts_with(&format!("redeemd.{table}"))
}

#[test]
fn every_column_and_every_row_of_every_table_is_compared() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    live(&mut server.client());
    settle(&folder, &server);
    let pair = Pair { folder: &folder, server: &server, database: &database };
    pair.keep();

    for (table, key) in TABLES {
        let columns = pair.columns(table);
        let rows = database.count(&format!("SELECT count(*) FROM redeemd.{table}"));
        assert!(rows >= columns.len() as u64, "{table} has too few rows: {rows}");
        // Each column in another row.
        let change = |(place, (name, kind)): (usize, &(String, String))| {
            let (another, row) = (another(name, kind), row(table, key, place));
            format!("UPDATE redeemd.{table} SET {name} = {another} WHERE {row}")
        };
        let changes: Vec<String> = columns.iter().enumerate().map(change).collect();
        let found = pair.found_after(&changes.join("; "));
        for (name, _) in &columns {
            let told = |side: &str| {
                let says = format!("{name}=");
                found.iter().any(|line| {
                    let text = line[side].as_str().unwrap_or_default();
                    is_about(line, table) && text.split(' ').any(|word| word.starts_with(&says))
                })
            };
            assert!(told("server") && told("database"), "{table}.{name}: {found:#?}");
        }
        for (side, what) in [("server", "an invented row"), ("database", "a missing row")] {
            let is_alone = |line: &&Value| is_about(line, table) && line[side].is_null();
            let count = found.iter().filter(is_alone).count();
            // Its time is not in the key, but a row of the last outcome with a later one is.
            let expected = key.len()..=key.len() + 1;
            assert!(expected.contains(&count), "{table}, {what}: {count} {found:#?}");
        }
    }
    settle(&folder, &server);

    // One row of each is removed: a line for each, and what follows from it.
    let removals: Vec<String> = TABLES
        .iter()
        .map(|(table, key)| format!("DELETE FROM redeemd.{table} WHERE {}", row(table, key, 0)))
        .collect();
    let found = pair.found_after(&removals.join("; "));
    for (table, _) in TABLES {
        let lines = found.iter().filter(|line| is_about(line, table));
        let told: Vec<bool> = lines.map(|line| line["database"].is_null()).collect();
        assert_eq!(told, [true], "{table}: {found:#?}");
    }

    // One row of each is invented: of an outcome that there is, of one that there is not yet, and of
    // a sequence that there never was.
    for (sequence, entry) in [("sequence", "entry"), ("sequence", "entry + 1000000"), ("900", "1")]
    {
        let mut additions = String::new();
        for (table, key) in &TABLES[..5] {
            let columns = pair.columns(table);
            let value = |(name, kind): &(String, String)| match name.as_str() {
                "sequence" => sequence.to_owned(),
                "entry" => entry.to_owned(),
                "moved_at" | "at" => format!("{name} + interval '1 microsecond'"),
                name if key.contains(&name) => another(name, kind),
                name => name.to_owned(),
            };
            let values: Vec<String> = columns.iter().map(value).collect();
            let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
            let (names, values) = (names.join(", "), values.join(", "));
            additions += &format!(
                "INSERT INTO redeemd.{table} ({names}) SELECT {values} FROM redeemd.{table}
                 WHERE {}; ",
                row(table, key, 0)
            );
        }
        let found = pair.found_after(&additions);
        for (table, _) in &TABLES[..5] {
            let lines = found.iter().filter(|line| is_about(line, table));
            let told: Vec<bool> = lines.map(|line| line["server"].is_null()).collect();
            assert_eq!(told, [true], "{table}, {sequence}, {entry}: {found:#?}");
        }
    }
}

#[test]
fn the_outcomes_themselves_and_what_they_withhold_are_compared() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    live(&mut server.client());
    settle(&folder, &server);
    let pair = Pair { folder: &folder, server: &server, database: &database };
    pair.keep();
    let newest = "(SELECT max(entry) FROM redeemd.outcomes WHERE sequence = 1)";
    let of_newest = format!("WHERE sequence = 1 AND entry = {newest}");
    for (change, about, more) in [
        (format!("DELETE FROM redeemd.outcomes {of_newest}"), "outcomes", 1),
        (
            // What the event does not say is seen by the rows, or by the digest alone.
            format!("UPDATE redeemd.outcomes SET record = record || '\\x00' {of_newest}"),
            "outcomes",
            1,
        ),
        (
            format!(
                "INSERT INTO redeemd.outcomes SELECT sequence, entry - 1000000, record
                 FROM redeemd.outcomes {of_newest}"
            ),
            "outcomes",
            1,
        ),
        (
            format!(
                "INSERT INTO redeemd.outcomes SELECT sequence, entry + 1000000, record
                 FROM redeemd.outcomes {of_newest}"
            ),
            "outcomes",
            0,
        ),
        ("DELETE FROM redeemd.withheld WHERE entry = 1".to_owned(), "withheld", 0),
        (
            "UPDATE redeemd.withheld SET content = set_byte(content, 3, 9) WHERE entry = 1"
                .to_owned(),
            "withheld",
            0,
        ),
        ("INSERT INTO redeemd.withheld VALUES (100000, 'x')".to_owned(), "withheld", 0),
    ] {
        let found = pair.found_after(&change);
        assert_eq!(found.len(), 1 + more, "{change}: {found:#?}");
        assert!(found.iter().all(|line| is_about(line, about)), "{change}: {found:#?}");
    }
    settle(&folder, &server);
}

#[test]
fn what_is_set_aside_or_was_dropped_is_no_difference_and_is_said() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 10);
    redeem_many(&mut client, &codes[..4], "ada");
    let hold = json!({ "code": codes[9], "user_id": "ada", "ttl_seconds": 600 });
    post(&mut client, "/holds", &hold);
    settle(&folder, &server);
    database.ask("ALTER TABLE redeemd.redemptions ADD CHECK (user_id <> 'eve') NOT VALID");
    redeem_many(&mut client, &codes[4..6], "eve");
    settle(&folder, &server);
    let said = verify(&folder, &server, &[]).done().to_owned();
    assert!(said.contains("2 outcomes are set aside"), "{said}");
    assert!(said.contains("the counts of campaigns were not compared"), "{said}");

    let (found, _) = {
        database.ask("UPDATE redeemd.set_aside SET record = record || '\\x00'");
        let ended = verify(&folder, &server, &["--json"]);
        database.ask("UPDATE redeemd.set_aside SET record = substr(record, 1, length(record) - 1)");
        lines(&ended)
    };
    assert!(found.len() == 2 && found.iter().all(|line| is_about(line, "set_aside")), "{found:#?}");
    // One that is nowhere is missing.
    database.ask("DELETE FROM redeemd.set_aside");
    let (found, summary) = lines(&verify(&folder, &server, &["--json"]));
    let is_missing = |line: &&Value| is_about(line, "redemptions") && line["database"].is_null();
    assert_eq!(found.iter().filter(is_missing).count(), 2, "{found:#?}");
    assert_eq!(summary["set_aside"], 0);

    let partition = database.ask("SELECT tableoid::regclass FROM redeemd.holds");
    database.ask(&format!("DROP TABLE {partition}"));
    let (found, summary) = lines(&verify(&folder, &server, &["--json"]));
    assert!(found.iter().all(|line| is_about(line, "redemptions")), "{found:#?}");
    assert_eq!(summary["not_kept"], 1);
}

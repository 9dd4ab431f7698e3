//! Everything arrives, once, as it happened.

use serde_json::{Value, json};

use super::agreement::agree;
use crate::support::{
    Client, Database, Folder, PgBouncer, Request, api_key, campaign_with_codes, id, metric, redeem,
    redeem_keyed, shared_postgres, wait_until,
};

/// A folder whose server has a database.
pub(super) fn folder(url: &str) -> Folder {
    Folder::new()
        .set("postgres.url", url)
        .set("postgres.interval_ms", "10")
        .set("postgres.max_retry_delay_ms", "500")
        .set("ledger.commit_interval_ms", "10")
}

/// Redeems many codes at once.
pub(super) fn redeem_many(client: &mut Client, codes: &[String], user: &str) {
    for chunk in codes.chunks(500) {
        let wishes: Vec<Value> =
            chunk.iter().map(|code| json!({ "code": code, "user_id": user })).collect();
        let answer = client.post("/api/v1/redemptions/batch", &json!({ "redemptions": wishes }));
        assert_eq!(answer.status, 200, "{answer:?}");
        let results = answer.json()["results"].clone();
        assert!(results.as_array().unwrap().iter().all(|result| result["status"] == 201));
    }
}

#[test]
fn every_outcome_arrives_as_it_happened() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let rules =
        json!({ "reward": { "gift": "tea" }, "uses_per_code": 2, "metadata": { "a": [1] } });
    let (campaign, codes) = campaign_with_codes(&mut client, rules, 700);
    redeem_many(&mut client, &codes[..600], "ada");
    redeem_keyed(&mut client, &codes[0], "bob 'quoted' \u{1F375}", "k");
    redeem_keyed(&mut client, &codes[0], "bob 'quoted' \u{1F375}", "k");
    redeem(&mut client, &codes[0], "too late");
    let body = json!({ "code": codes[650], "reason": "stolen" });
    assert_eq!(client.post("/api/v1/codes/revoke", &body).status, 200);
    assert_eq!(client.post("/api/v1/codes/restore", &body).status, 200);
    let path = format!("/api/v1/campaigns/{}", id(&campaign));
    assert_eq!(client.post(&format!("{path}/pause"), &json!({})).status, 200);
    api_key(&mut client, "auditor");
    assert_eq!(agree(&mut client, &database), 601);

    wait_until("the rest has arrived", || {
        database.count("SELECT count(*) FROM redeemd.api_keys") == 2
            && database.count("SELECT count(*) FROM redeemd.audit WHERE code IS NOT NULL") == 2
    });
    let campaigns = database.ask(
        "SELECT id, name, status, codes, issued, uses_per_code, reward->>'gift', metadata
         FROM redeemd.campaigns",
    );
    let expected = format!("{}|Launch|paused|sealed|700|2|tea|{{\"a\":[1]}}", id(&campaign));
    assert_eq!(campaigns, expected);
    let changes = "SELECT event, reason, code_hint IS NULL FROM redeemd.audit
         WHERE campaign IS NOT NULL ORDER BY at, sequence, entry";
    let changes = database.ask(changes);
    for line in
        ["campaign_made||t", "codes_issued||t", "campaign_changed||t", "code_revoked|stolen|f"]
    {
        assert!(changes.lines().any(|known| known == line), "{line}: {changes}");
    }
    let keyed = "SELECT uses_left, length(request), length(fingerprint) FROM redeemd.redemptions
         WHERE user_id LIKE 'bob%'";
    assert_eq!(database.ask(keyed), "0|16|8");
    assert_eq!(database.ask("SELECT role FROM redeemd.api_keys ORDER BY number"), "admin\nauditor");
    settled(&mut client, &database);
}

/// Insists that the server knows that nothing is left to do.
fn settled(client: &mut Client, database: &Database<'_>) {
    wait_until("nothing is left", || {
        metric(client, "redeemd_postgres_backlog_entries") == 0.0
            && metric(client, "redeemd_postgres_oldest_waiting_seconds") == 0.0
    });
    let health = client.get("/health").json();
    assert_eq!(health["parts"]["postgres"]["status"], "healthy", "{health}");
    assert_eq!(metric(client, "redeemd_postgres_breaker{state=\"closed\"}"), 1.0);
    let through = database.count("SELECT sum(through) FROM redeemd.watermarks");
    assert!(through > 0 && metric(client, "redeemd_postgres_outcomes_total") > 0.0);
}

#[test]
fn imported_codes_arrive_by_their_digests_and_in_large_batches() {
    let database = shared_postgres().database();
    let folder = folder(&database.url()).set("postgres.max_batch_rows", "1000");
    let server = folder.start();
    let mut client = server.client();
    let body = json!({ "name": "Partners", "codes": { "kind": "imported" } });
    let campaign = client.post("/api/v1/campaigns", &body).json();
    let path = format!("/api/v1/campaigns/{}/codes/import", id(&campaign));
    let rows: String = (0..9_000).map(|number| format!("PARTNER-{number}\n")).collect();
    let import = Request::new("POST", &path).header("Content-Type", "text/csv");
    let answer = client.send(import.body(format!("code\n{rows}").into_bytes()));
    assert_eq!(answer.json()["imported"], 9_000, "{answer:?}");
    redeem(&mut client, "PARTNER-17", "ada");
    agree(&mut client, &database);
    wait_until("all codes have arrived", || {
        database.count("SELECT count(*) FROM redeemd.codes") == 9_000
    });
    let joined = "SELECT c.campaign, user_id FROM redeemd.redemptions r
         JOIN redeemd.codes c USING (code)";
    assert!(database.ask(joined).ends_with("|ada"));
    wait_until("the import is in the audit", || {
        let import = "SELECT detail->>'imported' FROM redeemd.audit WHERE event = 'codes_imported'";
        database.ask(import) == "9000"
    });
}

#[test]
fn it_works_behind_a_pooler_in_transaction_mode() {
    let database = shared_postgres().database();
    let pooler = PgBouncer::start(&database);
    let servers = [folder(pooler.url()).set("postgres.pool_size", "4")];
    for folder in &servers {
        let server = folder.start();
        let mut client = server.client();
        let (_, codes) = campaign_with_codes(&mut client, json!({}), 2_000);
        for codes in codes.chunks(100) {
            redeem_many(&mut client, codes, "ada");
        }
        assert_eq!(agree(&mut client, &database), 2_000);
        settled(&mut client, &database);
    }
}

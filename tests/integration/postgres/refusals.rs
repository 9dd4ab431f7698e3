//! What the database refuses for its content is set aside, and does not stop the rest.

use serde_json::json;

use super::arrival::{folder, redeem_many};
use crate::support::{campaign_with_codes, metric, redeem, shared_postgres, wait_until};

#[test]
fn rows_that_are_refused_are_set_aside_and_the_others_arrive() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1_003);
    wait_until("the tables are there", || {
        database.count("SELECT count(*) FROM redeemd.campaigns") == 1
    });
    // As somebody might who wants to keep something out of the reports.
    database.ask("ALTER TABLE redeemd.redemptions ADD CHECK (user_id NOT LIKE 'secret%')");
    redeem_many(&mut client, &codes[..500], "ada");
    let first = redeem(&mut client, &codes[1_000], "secret agent");
    redeem_many(&mut client, &codes[500..1_000], "ada");
    let second = redeem(&mut client, &codes[1_001], "secretary");
    redeem(&mut client, &codes[1_002], "bob");
    wait_until("the others have arrived", || {
        database.count("SELECT count(*) FROM redeemd.redemptions") == 1_001
            && database.count("SELECT count(*) FROM redeemd.set_aside") == 2
    });
    let ids: Vec<_> = [first, second].map(|answer| answer.json()["id"].clone()).into();
    for id in ids {
        let there = format!("SELECT count(*) FROM redeemd.redemptions WHERE id = {}", quoted(&id));
        assert_eq!(database.ask(&there), "0");
    }
    let reasons =
        database.ask("SELECT DISTINCT left(reason, 5), length(record) > 10 FROM redeemd.set_aside");
    assert_eq!(reasons, "23514|t");
    wait_until("health says so", || {
        let part = client.get("/health").json()["parts"]["postgres"].clone();
        part["finding"] == "postgres_set_aside" && part["checks"]["set_aside"]["value"] == 2
    });
    assert_eq!(metric(&mut client, "redeemd_postgres_set_aside_outcomes"), 2.0);
    // It is known after a restart, too.
    drop(server);
    let server = folder.start();
    wait_until("it is known again", || {
        metric(&mut server.client(), "redeemd_postgres_set_aside_outcomes") == 2.0
    });
}

fn quoted(id: &serde_json::Value) -> String {
    format!("'{}'", id.as_str().unwrap())
}

#[test]
fn a_database_that_lets_nobody_write_is_said_and_looked_at_again() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 10);
    wait_until("the tables are there", || {
        database.count("SELECT count(*) FROM redeemd.campaigns") == 1
    });
    database.ask("ALTER TABLE redeemd.redemptions RENAME TO elsewhere");
    redeem_many(&mut client, &codes, "ada");
    wait_until("health says so", || {
        client.get("/health").json()["parts"]["postgres"]["finding"] == "postgres_refused"
    });
    database.ask("ALTER TABLE redeemd.elsewhere RENAME TO redemptions");
    wait_until("they have arrived", || {
        database.count("SELECT count(*) FROM redeemd.redemptions") == 10
    });
}

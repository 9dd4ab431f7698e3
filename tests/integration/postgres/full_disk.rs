//! A database whose disk is full, down to the last block.

use serde_json::json;

use super::agreement::agree_on_everything;
use super::arrival::{folder, redeem_many};
use crate::support::{Client, Postgres, campaign_with_codes, metric, wait_until};

fn part(client: &mut Client) -> serde_json::Value {
    client.get("/health").json()["parts"]["postgres"].clone()
}

#[test]
fn redemptions_go_on_while_the_databases_disk_is_full_and_arrive_when_it_has_room() {
    let Some(postgres) = Postgres::start_with_small_disk(64) else {
        println!("left out: only somebody who may mount a disk can fill one");
        return;
    };
    let database = postgres.database_with("TABLESPACE small");
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 6_000);
    redeem_many(&mut client, &codes[..500], "ada");
    agree_on_everything(&mut client, &database);

    postgres.fill_small_disk(true);
    redeem_many(&mut client, &codes[500..3_000], "ada");
    wait_until("health says so", || part(&mut client)["finding"] == "postgres_away");
    let said = part(&mut client)["note"].as_str().unwrap().to_owned();
    assert!(said.contains("No space left on device"), "{said}");
    wait_until("the breaker opens", || {
        metric(&mut client, "redeemd_postgres_breaker{state=\"open\"}") == 1.0
    });
    redeem_many(&mut client, &codes[3_000..], "bob");
    // Also for one that finds it so when it starts.
    assert!(server.terminate().success());
    let server = folder.start();
    let mut client = server.client();
    wait_until("it is found", || part(&mut client)["finding"] == "postgres_away");

    postgres.fill_small_disk(false);
    agree_on_everything(&mut client, &database);
    wait_until("all is well", || part(&mut client)["status"] == "healthy");
    assert_eq!(database.ask("SELECT count(*) FROM redeemd.set_aside"), "0");
}

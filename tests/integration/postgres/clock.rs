//! The server's clock jumps, ahead and back: what is answered arrives under the times that it was
//! answered with, and the database is told nothing of the future.

use serde_json::json;

use super::agreement::{agree, agree_on_everything};
use super::arrival::{folder, redeem_many};
use crate::support::{Client, Clock, campaign_with_codes, redeem, shared_postgres, wait_until};

/// More than there are partitions made ahead.
const YEAR: i64 = 366 * 86_400;

fn finding(client: &mut Client, part: &str) -> String {
    let health = client.get("/health").json();
    health["parts"][part]["finding"].as_str().unwrap_or("none").to_owned()
}

#[test]
fn whatever_the_servers_clock_does_everything_arrives() {
    let database = shared_postgres().database();
    // One shard: each has a time of its own.
    let folder = folder(&database.url()).set("shards.count", "1");
    let clock = Clock::new();
    let server = folder.start_with(clock.given_to(folder.command()));
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 60);
    redeem_many(&mut client, &codes[..10], "ada");
    assert_eq!(agree(&mut client, &database), 10);

    clock.set_ahead(YEAR);
    redeem(&mut client, &codes[10], "ada").is_problem(503, "read_only");
    wait_until("health says so", || finding(&mut client, "clock") == "clock_leapt");
    assert_eq!(finding(&mut client, "postgres"), "none");
    // The projector says up to when it has everything by the clock that there is.
    let of_future = "SELECT count(*) FROM redeemd.presence
         WHERE complete_until > now() + interval '1 day'";
    wait_until("the future is spoken of", || database.count(of_future) == 1);
    clock.set_ahead(0);
    wait_until("it goes on by itself", || redeem(&mut client, &codes[10], "ada").status == 201);
    wait_until("the future is taken back", || database.count(of_future) == 0);

    clock.set_ahead(YEAR);
    let believed = client.post("/api/v1/clock/believe", &json!({}));
    assert_eq!(believed.json()["leapt"], true, "{believed:?}");
    redeem_many(&mut client, &codes[11..30], "bob");
    assert_eq!(agree(&mut client, &database), 30);

    // Times stay where they are until the clock has caught up, also over a kill and a start.
    clock.set_ahead(-3_600);
    redeem_many(&mut client, &codes[30..40], "cyd");
    wait_until("health says so", || finding(&mut client, "clock") == "clock_behind");
    server.kill();
    let server = folder.start_with(clock.given_to(folder.command()));
    let mut client = server.client();
    redeem_many(&mut client, &codes[40..], "dan");
    agree_on_everything(&mut client, &database);
    let months = "SELECT user_id, count(DISTINCT tableoid), bool_or(redeemed_at > now())
         FROM redeemd.redemptions WHERE user_id <> 'dan' GROUP BY user_id ORDER BY user_id";
    assert_eq!(database.ask(months), "ada|1|f\nbob|1|t\ncyd|1|t");
    assert_eq!(database.ask("SELECT count(*) FROM redeemd.set_aside"), "0");
}

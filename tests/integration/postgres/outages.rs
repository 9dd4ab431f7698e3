//! The database is stopped, killed and gone; the server is killed. Redemptions go on, and all of
//! them arrive, once.

use std::time::Instant;

use serde_json::json;

use super::agreement::{agree, in_the_database};
use super::arrival::{folder, redeem_many};
use crate::support::{
    Client, Postgres, campaign_with_codes, fails_to_start, metric, redeem, shared_postgres,
    wait_until,
};

/// What health says of the database.
fn finding(client: &mut Client) -> String {
    let health = client.get("/health").json();
    health["parts"]["postgres"]["finding"].as_str().unwrap_or("none").to_owned()
}

#[test]
fn a_database_that_is_away_stands_in_nobodys_way() {
    let mut postgres = Postgres::start();
    let url = postgres.database().url();
    postgres.stop();
    let folder = folder(&url);
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 3_000);
    redeem_many(&mut client, &codes[..1_000], "ada");
    wait_until("health says so", || finding(&mut client) == "postgres_away");
    let health = client.get("/health");
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("degraded")));
    wait_until("the breaker opens", || {
        metric(&mut client, "redeemd_postgres_breaker{state=\"open\"}") == 1.0
    });
    assert!(metric(&mut client, "redeemd_postgres_backlog_entries") >= 1_000.0);
    // How much waits, and since when, is told by the metrics and by health.
    for (name, check) in [
        ("redeemd_postgres_oldest_waiting_seconds", "oldest_waiting"),
        ("redeemd_postgres_backlog_bytes", "backlog_on_disk"),
    ] {
        wait_until(name, || {
            let health = client.get("/health").json();
            let value = &health["parts"]["postgres"]["checks"][check]["value"];
            metric(&mut client, name) >= 1.0 && value.as_u64() >= Some(1)
        });
    }
    assert_eq!(client.get("/health/ready").status, 200);
    // One that is told to end does not wait for the database.
    let begun = Instant::now();
    assert!(server.terminate().success());
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());

    let server = folder.start();
    let mut client = server.client();
    redeem_many(&mut client, &codes[1_000..2_000], "bob");
    postgres.run();
    redeem_many(&mut client, &codes[2_000..], "cyd");
    let database = postgres.existing(&url);
    assert_eq!(agree(&mut client, &database), 3_000);
    wait_until("health has seen it", || finding(&mut client) == "none");
    assert_eq!(metric(&mut client, "redeemd_postgres_breaker{state=\"closed\"}"), 1.0);
}

#[test]
fn nothing_is_lost_or_doubled_while_the_database_is_killed_and_stopped() {
    let mut postgres = Postgres::start();
    let url = postgres.database().url();
    let folder = folder(&url).set("postgres.max_batch_rows", "1000");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 12_000);
    for (round, codes) in codes.chunks(3_000).enumerate() {
        let arrived = "SELECT count(*) FROM redeemd.redemptions";
        let before = postgres.existing(&url).count(arrived);
        redeem_many(&mut client, &codes[..1_500], "ada");
        // In the middle of it: something of this round has arrived, and not all of it.
        wait_until("some have arrived", || postgres.existing(&url).count(arrived) > before);
        if round % 2 == 0 {
            postgres.kill()
        } else {
            postgres.stop()
        }
        redeem_many(&mut client, &codes[1_500..], "bob");
        postgres.run();
    }
    assert_eq!(agree(&mut client, &postgres.existing(&url)), 12_000);
}

#[test]
fn nothing_is_lost_or_doubled_while_the_server_is_killed() {
    let database = shared_postgres().database();
    let folder = folder(&database.url()).set("postgres.max_batch_rows", "1000");
    let mut codes = Vec::new();
    for round in 0..6 {
        let server = folder.start();
        let mut client = server.client();
        if round == 0 {
            codes = campaign_with_codes(&mut client, json!({}), 12_000).1;
        }
        let before = database.count("SELECT count(*) FROM redeemd.redemptions");
        redeem_many(&mut client, &codes[round * 2_000..][..2_000], "ada");
        let arrived = || database.count("SELECT count(*) FROM redeemd.redemptions") - before;
        wait_until("some have arrived", || arrived() > 0);
        server.kill();
    }
    let server = folder.start();
    assert_eq!(agree(&mut server.client(), &database), 12_000);
}

/// A trigger makes every commit wait for a lock, so that the server can be killed when it has sent a
/// batch and does not know yet that it is there.
#[test]
fn a_batch_that_arrives_after_its_server_was_killed_is_known_at_the_next_start() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 100);
    redeem(&mut client, &codes[0], "ada");
    agree(&mut client, &database);
    database.ask(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 -- A batch without a redemption would show nothing when it arrives.
                 IF (SELECT count(*) FROM redeemd.redemptions) > 1 THEN
                     PERFORM pg_advisory_xact_lock(1);
                 END IF;
                 RETURN NULL;
             END $$;
         CREATE CONSTRAINT TRIGGER wait AFTER UPDATE ON redeemd.watermarks
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()",
    );
    let locks = |who: &str, is_granted: bool| {
        database.count(&format!(
            "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
             WHERE locktype = 'advisory' AND objid = 1 AND granted = {is_granted}
                 AND application_name = '{who}' AND datname = current_database()"
        ))
    };
    std::thread::scope(|scope| {
        // Holds the lock until somebody comes who is called `done`.
        scope.spawn(|| {
            database.ask_as(
                "locker",
                "SELECT pg_advisory_lock(1);
                 DO $$ BEGIN
                     WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'done')
                     LOOP PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); END LOOP;
                 END $$",
            )
        });
        wait_until("the lock is held", || locks("locker", true) > 0);
        redeem_many(&mut client, &codes[1..], "bob");
        wait_until("a commit waits", || locks("redeemd", false) > 0);
        server.kill();
        // Whoever waits for a lock does not notice that nobody listens any more.
        database.ask_as("done", "SELECT pg_sleep(0.5)");
    });
    wait_until("the batch is there", || in_the_database(&database).len() > 1);
    database.ask("DROP TRIGGER wait ON redeemd.watermarks");
    let server = folder.start();
    assert_eq!(agree(&mut server.client(), &database), 100);
}

/// Otherwise whoever wants to rebuild its directory would have to wait until it is believed to be gone.
#[test]
fn a_server_that_ends_says_so_also_where_that_takes_a_while() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    campaign_with_codes(&mut server.client(), json!({}), 1);
    let said = "SELECT count(seen_at) FROM redeemd.presence";
    wait_until("it says that it runs", || database.count(said) == 1);
    // Longer than a quiet database takes, and far less than the server waits.
    database.ask(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF current_query() LIKE '%seen_at = NULL%' THEN PERFORM pg_sleep(2.5); END IF;
             RETURN NULL; END $$;
         CREATE TRIGGER slow BEFORE UPDATE ON redeemd.presence
             FOR EACH STATEMENT EXECUTE FUNCTION slow()",
    );
    assert!(server.terminate().success());
    assert_eq!(database.ask(said), "0");
}

#[test]
fn a_url_that_does_not_read_stops_the_start_and_is_not_shown() {
    let url = "postgres://redeemd:hunter2@127.0.0.1:port/redeemd";
    let said = fails_to_start(folder(url).command());
    assert!(said.contains("postgres.url") && !said.contains("hunter2"), "{said}");
    // Nor does a good one with a password come into the log.
    let folder = folder("postgres://redeemd:hunter2@127.0.0.1:1/redeemd");
    let server = folder.start();
    wait_until("it has tried", || finding(&mut server.client()) == "postgres_away");
    let health = server.client().get("/health");
    assert!(!health.text().contains("hunter2"));
    server.kill();
    assert!(!std::fs::read_to_string(folder.log()).unwrap().contains("hunter2"));
}

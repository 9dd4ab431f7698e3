//! The network fails in the middle of a batch, the database's disk is full, transactions are ended
//! for the sake of others: whatever it is, everything arrives, once.

use std::time::Duration;

use serde_json::json;

use super::agreement::agree;
use super::arrival::{folder, redeem_many};
use crate::support::{
    Client, Fault, FaultProxy, Folder, Postgres, Way, campaign_with_codes, metric, redeem,
    shared_postgres, wait_until,
};

/// A folder whose server soon gives up what does not answer.
fn impatient(url: &str) -> Folder {
    folder(url)
        .set("postgres.batch_timeout_ms", "1000")
        .set("postgres.connect_timeout_ms", "300")
        .set("postgres.max_batch_rows", "2000")
}

fn finding(client: &mut Client) -> String {
    let health = client.get("/health").json();
    health["parts"]["postgres"]["finding"].as_str().unwrap_or("none").to_owned()
}

#[test]
fn a_connection_that_is_cut_anywhere_in_a_batch_costs_nothing() {
    let database = shared_postgres().database();
    let proxy = FaultProxy::start(database.server.port());
    let folder = impatient(&proxy.url(database.name()));
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 6_000);
    // Two hundred redemptions are about 60 kB: before, in the middle of and behind the COPY; and the
    // answer to it, and the answer to the commit.
    let to = [1, 300, 2_000, 30_000, 50_000].map(|after| (Way::ToDatabase, after));
    let from = [1, 40, 90, 150, 250].map(|after| (Way::FromDatabase, after));
    for ((way, after), codes) in to.into_iter().chain(from).zip(codes.chunks(600)) {
        proxy.set(Fault::Cut { way, after });
        redeem_many(&mut client, codes, "ada");
        wait_until("it is cut", || proxy.has_happened());
        proxy.heal();
    }
    assert_eq!(agree(&mut client, &database), 6_000);
    wait_until("all is well", || finding(&mut client) == "none");
}

#[test]
fn a_network_that_holds_a_batch_up_stands_in_nobodys_way() {
    let database = shared_postgres().database();
    let proxy = FaultProxy::start(database.server.port());
    let folder = impatient(&proxy.url(database.name()));
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 2_400);
    let ways = [(Way::ToDatabase, 30_000), (Way::FromDatabase, 90), (Way::ToDatabase, 1)];
    for ((way, after), codes) in ways.into_iter().zip(codes.chunks(800)) {
        proxy.set(Fault::Hang { way, after });
        redeem_many(&mut client, &codes[..600], "ada");
        wait_until("it hangs", || proxy.has_happened());
        wait_until("it is given up", || finding(&mut client) == "postgres_away");
        // Also while new connections are accepted and nobody answers on them.
        wait_until("it is tried again", || {
            metric(&mut client, "redeemd_postgres_breaker{state=\"closed\"}") == 0.0
        });
        redeem_many(&mut client, &codes[600..], "bob");
        match way {
            // What was under way arrives late, too.
            Way::ToDatabase => proxy.heal(),
            // Or never, and its connections stay as they are.
            Way::FromDatabase => proxy.lose_all(),
        }
        wait_until("all is well", || finding(&mut client) == "none");
    }
    assert_eq!(agree(&mut client, &database), 2_400);
}

#[test]
fn batches_fit_a_database_that_answers_late() {
    let database = shared_postgres().database();
    let proxy = FaultProxy::start(database.server.port());
    let folder = folder(&proxy.url(database.name()));
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 24_000);
    redeem(&mut client, &codes[0], "ada");
    assert_eq!(agree(&mut client, &database), 1);
    // Much gathers, and then every statement takes its time.
    proxy.set(Fault::Hang { way: Way::ToDatabase, after: 1 });
    redeem_many(&mut client, &codes[1..], "ada");
    proxy.set(Fault::Delay(Duration::from_millis(50)));
    assert_eq!(agree(&mut client, &database), 24_000);
    let limit = metric(&mut client, "redeemd_postgres_batch_limit_rows");
    assert!(limit > 500.0, "batches of {limit} rows");
}

#[test]
fn a_database_whose_disk_is_full_is_asked_now_and_then_and_goes_on_when_it_has_room() {
    // Its log of what it is about to write has small files that stay within the limit.
    let postgres = Postgres::start_with(&["--wal-segsize=1"], &[]);
    let database = postgres.database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 12_000);
    redeem(&mut client, &codes[0], "ada");
    assert_eq!(agree(&mut client, &database), 1);
    // No file of a table may grow beyond this, as if there were no room for more.
    postgres.limit_files(Some(1 << 20));
    redeem_many(&mut client, &codes[1..8_000], "ada");
    wait_until("health says so", || finding(&mut client) == "postgres_away");
    let note = client.get("/health").json()["parts"]["postgres"]["note"].clone();
    assert!(note.as_str().unwrap().contains("could not extend file"), "{note}");
    wait_until("the breaker opens", || {
        metric(&mut client, "redeemd_postgres_breaker{state=\"open\"}") == 1.0
    });
    redeem_many(&mut client, &codes[8_000..], "bob");
    postgres.limit_files(None);
    assert_eq!(agree(&mut client, &database), 12_000);
    wait_until("all is well", || finding(&mut client) == "none");
    assert_eq!(metric(&mut client, "redeemd_postgres_set_aside_outcomes"), 0.0);
}

#[test]
fn a_transaction_that_is_ended_in_a_deadlock_or_for_serialization_is_tried_again() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 300);
    redeem(&mut client, &codes[0], "ada");
    assert_eq!(agree(&mut client, &database), 1);
    let failures = |client: &mut Client| metric(client, "redeemd_postgres_failures_total");

    let before = failures(&mut client);
    std::thread::scope(|scope| {
        // Has the table that a batch wants next, and wants the rows that the batch has. Its own
        // patience is the longer one.
        scope.spawn(|| {
            database.ask_as(
                "rival",
                "SET deadlock_timeout = '60s';
                 BEGIN;
                 LOCK TABLE redeemd.redemptions IN EXCLUSIVE MODE;
                 DO $$ BEGIN
                     WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted
                         AND relation = 'redeemd.redemptions'::regclass)
                     LOOP PERFORM pg_sleep(0.01); END LOOP;
                 END $$;
                 UPDATE redeemd.watermarks SET written_at = now();
                 COMMIT",
            )
        });
        wait_until("the table is locked", || {
            database.count(
                "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                 WHERE relation = 'redeemd.redemptions'::regclass AND mode = 'ExclusiveLock'
                     AND datname = current_database()",
            ) > 0
        });
        redeem_many(&mut client, &codes[1..100], "ada");
    });
    assert_eq!(agree(&mut client, &database), 100);
    assert!(failures(&mut client) > before, "there was no deadlock");

    // Whatever the database does by default makes no difference.
    let before = failures(&mut client);
    database.ask(&format!(
        "ALTER DATABASE {} SET default_transaction_isolation = 'serializable'",
        database.name()
    ));
    // Whoever connects from now on has it.
    database.ask(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             -- Often enough that a search for a row to blame would have found one.
             IF nextval('tries') < 12 THEN
                 RAISE 'not now' USING ERRCODE = 'serialization_failure';
             END IF;
             RETURN NULL; END $$;
         CREATE TRIGGER fails AFTER INSERT ON redeemd.redemptions
             FOR EACH STATEMENT EXECUTE FUNCTION fails();
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'redeemd'",
    );
    redeem_many(&mut client, &codes[100..], "ada");
    assert_eq!(agree(&mut client, &database), 300);
    assert!(failures(&mut client) >= before + 11.0, "nothing failed");
    assert_eq!(database.ask("SELECT count(*) FROM redeemd.set_aside"), "0");
}

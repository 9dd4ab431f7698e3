//! Positions between events outlive a rebuild: whoever follows them goes on where it was.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use super::arrival::{folder, redeem_many};
use super::rebuild::{forget_presence, rebuilt};
use super::verify::settle;
use crate::support::{Client, campaign_with_codes, shared_postgres, wait_until};

/// Everything after a position, and the position after it.
fn events_after(client: &mut Client, after: &str) -> (Vec<Value>, String) {
    let (mut events, mut after) = (Vec::new(), after.to_owned());
    loop {
        let answer = client.get(&format!("/api/v1/events?limit=1000&after={after}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        events.extend(page["data"].as_array().unwrap().iter().cloned());
        let next = page["next_cursor"].as_str().unwrap().to_owned();
        if next == after {
            return (events, after);
        }
        after = next;
    }
}

fn ids(events: &[Value]) -> BTreeSet<String> {
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_follower_of_events_that_were_lost_misses_none_that_come_after() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 120);
    redeem_many(&mut client, &codes[..40], "ada");
    settle(&folder, &server);
    let (_, known) = events_after(&mut client, "now");

    // What follows is answered and read, and never written to the database.
    let lock =
        "BEGIN; LOCK TABLE redeemd.watermarks IN EXCLUSIVE MODE; SELECT pg_sleep(600); COMMIT";
    let of_locker = "SELECT count(*) FROM pg_stat_activity
         WHERE application_name = 'locker' AND wait_event = 'PgSleep'";
    let (lost, far) = std::thread::scope(|scope| {
        let locker =
            scope.spawn(|| catch_unwind(AssertUnwindSafe(|| database.ask_as("locker", lock))));
        wait_until("the marks are locked", || database.count(of_locker) == 1);
        redeem_many(&mut client, &codes[40..80], "ada");
        let read = events_after(&mut client, &known);
        server.kill();
        database.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'locker'",
        );
        let _ = locker.join();
        read
    });
    assert_eq!(lost.len(), 40);
    // What the killed server had sent is not carried out after its connections are gone.
    let of_server = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'redeemd'";
    wait_until("its connections are gone", || database.count(of_server) == 0);
    let written = database.count("SELECT count(*) FROM redeemd.redemptions");
    assert!(written < 80, "all of it is known");

    fs::remove_dir_all(folder.data()).unwrap();
    forget_presence(&database);
    let told = rebuilt(&folder);
    for sequence in told["sequences"].as_array().unwrap() {
        let number = |name: &str| sequence[name].as_u64().unwrap();
        assert_eq!(number("last"), number("known") + (1 << 32), "{sequence}");
    }
    let server = folder.start();
    let mut client = server.client();
    // It is no position of the future, and nothing has happened after it.
    let (nothing, far) = events_after(&mut client, &far);
    assert_eq!(nothing, Vec::<Value>::new());
    let again: Vec<String> = codes[80..].to_vec();
    redeem_many(&mut client, &again, "bob");
    let (new, _) = events_after(&mut client, &far);
    assert_eq!(new.len(), 40);
    // Whoever stopped earlier sees what is known of the rest, and the same new ones.
    let (later, _) = events_after(&mut client, &known);
    assert_eq!(later.len() as u64, written - 40 + 40);
    assert!(ids(&later).is_superset(&ids(&new)));
    // No identifier is given to two events.
    assert!(ids(&new).is_disjoint(&ids(&lost)));
    settle(&folder, &server);

    // The same once more: also what was passed over is brought back.
    let (everything, _) = events_after(&mut client, &known);
    assert!(server.terminate().success());
    fs::remove_dir_all(folder.data()).unwrap();
    rebuilt(&folder);
    let server = folder.start();
    let mut client = server.client();
    assert_eq!(events_after(&mut client, &known).0, everything);
    let list = client.get("/api/v1/redemptions?limit=1000").json();
    assert_eq!(list["data"].as_array().unwrap().len() as u64, written + 40);
    let listed = client.get("/api/v1/redemptions?limit=1000&to=2100-01-01T00:00:00Z").json();
    assert_eq!(listed["data"], list["data"]);
    settle(&folder, &server);
}

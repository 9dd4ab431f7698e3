//! Why no connection can be made is said as it is, at once, and not only that there is none.

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::agreement::agree;
use super::arrival::{folder, redeem_many};
use crate::support::{Client, campaign_with_codes, shared_postgres, wait_until};

/// Longer than any of these tests takes where nobody waits for it.
const PATIENCE: &str = "60000";

fn part(client: &mut Client) -> Value {
    client.get("/health").json()["parts"]["postgres"].clone()
}

/// Waits until health says a finding with a note, without anybody having waited for a connection
/// that was refused.
fn says(client: &mut Client, finding: &str, note: &str) {
    let begun = Instant::now();
    wait_until("health says why", || {
        let part = part(client);
        part["finding"] == finding && part["note"].as_str().unwrap().contains(note)
    });
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn nobody_who_listens_is_said() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://redeemd@{free}/redeemd");
    let folder = folder(&url).set("postgres.connect_timeout_ms", PATIENCE);
    let server = folder.start();
    let mut client = server.client();
    campaign_with_codes(&mut client, json!({}), 1);
    says(&mut client, "postgres_away", "Connection refused");
    // So do the commands.
    let mut command = Command::new(env!("CARGO_BIN_EXE_redeemd"));
    command.env_clear().env("REDEEMD_POSTGRES__URL", &url);
    let output = command.args(["postgres", "migrate"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Connection refused"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_the_database_says_to_whoever_comes_is_said_and_waited_for() {
    let database = shared_postgres().database();
    let name = format!("{}_later", database.name());
    let url = shared_postgres().url(&name);
    let folder = folder(&url).set("postgres.connect_timeout_ms", PATIENCE);
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 10);
    redeem_many(&mut client, &codes, "ada");
    says(&mut client, "postgres_refused", "3D000");
    database.ask(&format!("CREATE DATABASE {name} TEMPLATE template0"));
    assert_eq!(agree(&mut client, &shared_postgres().existing(&url)), 10);
    database.ask(&format!("DROP DATABASE {name} WITH (FORCE)"));
    campaign_with_codes(&mut client, json!({}), 1);
    says(&mut client, "postgres_refused", "3D000");
}

/// A database that lets this user have one connection is written to by one, however many may be
/// made: that there is no second one is no failure.
#[test]
fn fewer_connections_than_are_wanted_suffice() {
    let database = shared_postgres().database();
    let user = format!("{}_alone", database.name());
    database.ask(&format!("CREATE ROLE {user} LOGIN CONNECTION LIMIT 1"));
    database.ask(&format!("ALTER DATABASE {} OWNER TO {user}", database.name()));
    let url = database.url().replace("postgres@", &format!("{user}@"));
    let folder = folder(&url).set("postgres.pool_size", "8");
    let folder = folder.set("postgres.connect_timeout_ms", PATIENCE);
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1_000);
    redeem_many(&mut client, &codes, "ada");
    assert_eq!(agree(&mut client, &database), 1_000);
    assert_eq!(part(&mut client)["finding"], Value::Null);
    drop(server);
    database.ask(&format!("ALTER DATABASE {} OWNER TO postgres", database.name()));
    database.ask(&format!("REASSIGN OWNED BY {user} TO postgres"));
    database.ask(&format!("DROP ROLE {user}"));
}

/// What a database says to a user by default, it says when a connection is made: some make
/// themselves read-only that way while their disk is full.
#[test]
fn a_database_that_could_only_be_read_for_a_while_is_written_to_again() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 20);
    redeem_many(&mut client, &codes[..10], "ada");
    assert_eq!(agree(&mut client, &database), 10);
    let alter = format!("ALTER DATABASE {}", database.name());
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.ask(&format!("{alter} SET default_transaction_read_only = on"));
    database.ask(others);
    redeem_many(&mut client, &codes[10..], "bob");
    says(&mut client, "postgres_refused", "25006");
    let allow = "BEGIN READ WRITE; ALTER DATABASE d RESET default_transaction_read_only; COMMIT";
    database.ask(&allow.replace("DATABASE d", &format!("DATABASE {}", database.name())));
    assert_eq!(agree(&mut client, &database), 20);
}

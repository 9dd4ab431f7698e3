//! The tables: made by the server or by the command, once, explained, and never by an older version.

use std::process::Command;
use std::time::Duration;

use redeemd_persistence::postgres::{Error, MIGRATIONS, Migration, Options, Projection};

use crate::postgres::arrival::folder;
use crate::postgres::batches::within;
use crate::support::{Database, campaign_with_codes, shared_postgres, wait_until};

/// Runs `redeemd postgres migrate`, and gives its exit code and what it said.
fn migrate(database: &Database<'_>, flags: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redeemd"));
    command.env_clear().env("REDEEMD_POSTGRES__URL", database.url());
    let output = command.args(["postgres", "migrate"]).args(flags).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// The newest version.
fn newest() -> i64 {
    MIGRATIONS.last().unwrap().version
}

/// The versions that a database says it has.
fn versions(database: &Database<'_>) -> String {
    database.ask("SELECT version, name FROM redeemd.migrations ORDER BY 1")
}

#[test]
fn a_dry_run_prints_what_would_be_done_and_does_nothing() {
    let database = shared_postgres().database();
    let (code, sql) = migrate(&database, &["--dry-run"]);
    assert_eq!(code, Some(0), "{sql}");
    assert_eq!(database.ask("SELECT to_regnamespace('redeemd') IS NULL"), "t");
    // It is all of it: by hand it has the same effect.
    database.ask(&sql);
    let tables = |database: &Database<'_>| {
        let columns = "SELECT table_name, column_name, data_type, is_nullable, column_default
             FROM information_schema.columns WHERE table_schema = 'redeemd' ORDER BY 1, 2";
        let indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'redeemd' ORDER BY 1";
        format!("{}\n{}", database.ask(columns), database.ask(indexes))
    };
    let (code, said) = migrate(&database, &["--dry-run"]);
    assert_eq!((code, said.trim_end()), (Some(0), "-- nothing is to be done"));
    let other = shared_postgres().database();
    let (code, said) = migrate(&other, &["--json"]);
    let done = format!(r#"{{"from":0,"to":{}}}"#, newest());
    assert_eq!((code, said.trim_end()), (Some(0), done.as_str()));
    assert_eq!(tables(&database), tables(&other));
    let (code, said) = migrate(&other, &[]);
    let already = format!("the database has version {} already", newest());
    assert_eq!((code, said.trim_end()), (Some(0), already.as_str()));
}

#[test]
fn many_at_once_do_it_once() {
    let database = shared_postgres().database();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| migrate(&database, &[]))).collect();
        for run in runs {
            let (code, said) = run.join().unwrap();
            assert_eq!(code, Some(0), "{said}");
        }
    });
    let all =
        MIGRATIONS.iter().map(|migration| format!("{}|{}", migration.version, migration.name));
    assert_eq!(versions(&database), all.collect::<Vec<_>>().join("\n"));
}

#[test]
fn versions_are_made_one_after_the_other_and_each_once() {
    let database = shared_postgres().database();
    let step = |version, name, sql| Migration { version, name, sql };
    let first = step(1, "first", "CREATE TABLE redeemd.one (first int)");
    let second = step(2, "second", "ALTER TABLE redeemd.one RENAME first TO second");
    let third = step(3, "third", "ALTER TABLE redeemd.one ADD third int");
    let fourth = step(4, "fourth", "ALTER TABLE redeemd.one ADD fourth int");
    let wrong = step(5, "wrong", "ALTER TABLE redeemd.one ADD third int");
    let columns = "SELECT string_agg(column_name, ' ' ORDER BY ordinal_position)
         FROM information_schema.columns WHERE table_name = 'one'";
    within(async {
        let (short, long) = (Duration::from_secs(5), Duration::from_secs(60));
        let options = Options::new(&database.url(), 2, short, long).unwrap();
        let projection = Projection::new(&options);
        let migrate = async |steps: &[Migration]| projection.migrate_by(steps).await;
        let done = migrate(&[first]).await.unwrap();
        assert_eq!((done.from, done.to), (0, 1));
        // The first one would fail, were it carried out again.
        let done = migrate(&[first, second, third]).await.unwrap();
        assert_eq!((done.from, done.to), (1, 3));
        let done = migrate(&[first, second, third]).await.unwrap();
        assert_eq!((done.from, done.to), (3, 3));
        assert_eq!(database.ask(columns), "second third");
        // One that fails takes those before it with it.
        let failed = migrate(&[first, second, third, fourth, wrong]).await;
        assert!(matches!(failed, Err(Error::Refused { .. })), "{failed:?}");
        // Older programs keep away from newer tables.
        let newer = migrate(&[first, second]).await;
        assert_eq!(newer, Err(Error::Newer { found: 3, known: 2 }));
    });
    assert_eq!(database.ask(columns), "second third");
    assert_eq!(versions(&database), "1|first\n2|second\n3|third");
}

#[test]
fn a_newer_database_is_refused() {
    let database = shared_postgres().database();
    assert_eq!(migrate(&database, &[]).0, Some(0));
    database.ask("INSERT INTO redeemd.migrations (version, name) VALUES (1000, 'later')");
    for flags in [&[][..], &["--dry-run"]] {
        let (code, said) = migrate(&database, flags);
        assert!(code == Some(1) && said.contains("newer redeemd"), "{said}");
    }
    let folder = folder(&database.url());
    let server = folder.start();
    campaign_with_codes(&mut server.client(), serde_json::json!({}), 1);
    wait_until("health says so", || {
        let part = server.client().get("/health").json()["parts"]["postgres"].clone();
        part["finding"] == "postgres_refused"
            && part["note"].as_str().unwrap().contains("version 1000")
    });
    assert_eq!(database.ask("SELECT count(*) FROM redeemd.campaigns"), "0");
}

#[test]
fn a_server_that_may_not_make_tables_waits_for_somebody_who_may() {
    let database = shared_postgres().database();
    let folder = folder(&database.url()).set("postgres.migrate", "false");
    let server = folder.start();
    let mut client = server.client();
    campaign_with_codes(&mut client, serde_json::json!({}), 1);
    wait_until("health says so", || {
        let part = client.get("/health").json()["parts"]["postgres"].clone();
        part["note"].as_str().is_some_and(|note| note.contains("redeemd postgres migrate"))
    });
    assert_eq!(migrate(&database, &[]).0, Some(0));
    wait_until("it goes on by itself", || {
        database.count("SELECT count(*) FROM redeemd.campaigns") == 1
    });
}

#[test]
fn every_table_and_column_is_explained() {
    let database = shared_postgres().database();
    assert_eq!(migrate(&database, &[]).0, Some(0));
    let silent = "SELECT c.relname, a.attname FROM pg_class c
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum >= 0 AND NOT a.attisdropped
         WHERE c.relnamespace = 'redeemd'::regnamespace AND c.relkind IN ('r', 'p')
             AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)";
    assert_eq!(database.ask(silent), "");
}

#[test]
fn partitions_are_made_ahead() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    campaign_with_codes(&mut server.client(), serde_json::json!({}), 1);
    wait_until("something is written", || database.count("SELECT count(*) FROM redeemd.audit") > 0);
    for table in ["redemptions", "holds", "movements", "audit"] {
        for months in 0..=3 {
            let exists = format!(
                "SELECT to_regclass(format('redeemd.{table}_%s', to_char(
                     (now() AT TIME ZONE 'UTC') + interval '{months} months', 'YYYY_MM'))) IS NOT NULL"
            );
            assert_eq!(database.ask(&exists), "t", "{table} in {months} months");
        }
        let key = format!("SELECT count(*) FROM pg_partition_tree('redeemd.{table}') WHERE isleaf");
        assert!(database.count(&key) >= 4, "{table}");
    }
}

#[test]
fn what_people_ask_is_found_by_an_index_and_nothing_else_is_read() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    campaign_with_codes(&mut server.client(), serde_json::json!({}), 1);
    wait_until("something is written", || database.count("SELECT count(*) FROM redeemd.audit") > 0);
    let code = "code = '\\x00'";
    let begin = "date_trunc('month', now())";
    let last =
        |column: &str| format!("{column} >= {begin} AND {column} < {begin} + interval '7 days'");
    let user = |column: &str| format!("user_id = 'ada' AND {}", last(column));
    let campaign = |column: &str| format!("campaign = 1 AND {}", last(column));
    for (table, question) in [
        ("redemptions", code.to_owned()),
        ("redemptions", user("redeemed_at")),
        ("redemptions", campaign("redeemed_at")),
        ("redemptions", last("redeemed_at")),
        ("holds", code.to_owned()),
        ("holds", user("held_at")),
        ("holds", campaign("held_at")),
        ("movements", format!("{code} AND {}", last("moved_at"))),
        ("movements", campaign("moved_at")),
        ("audit", code.to_owned()),
        ("audit", campaign("at")),
        ("audit", format!("api_key = 1 AND {}", last("at"))),
        ("codes", code.to_owned()),
        ("codes", "campaign = 1".to_owned()),
    ] {
        // So little is there that reading all of it would be quicker.
        let plan = database.ask(&format!(
            "SET enable_seqscan = off; EXPLAIN (COSTS off) SELECT * FROM redeemd.{table} WHERE {question}"
        ));
        let is_found = plan.contains("Index Cond: ") && !plan.contains("Filter: ");
        assert!(is_found && !plan.contains("Seq Scan"), "{table}: {question}\n{plan}");
    }
}

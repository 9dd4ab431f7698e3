//! Half-way through a COPY, as the database itself sees it: the connection is cut, or hangs until it
//! is given up; the database ends it, or is killed; the server is killed.

use serde_json::json;

use super::agreement::agree;
use super::arrival::{folder, redeem_many};
use crate::support::{
    Client, Database, Fault, FaultProxy, Postgres, Way, campaign_with_codes, metric, wait_until,
};

/// Redemptions of one batch; their COPY is some hundred kilobytes long.
const BATCH: usize = 1_000;

/// What befalls a COPY.
#[derive(Clone, Copy, Debug)]
enum Blow {
    ConnectionIsCut,
    ConnectionHangsUntilItIsGivenUp,
    DatabaseEndsIt,
    DatabaseIsKilled,
    ServerIsKilled,
}

/// Redeems codes, and holds the network up when the database has a part of their COPY. It says so
/// itself.
fn halfway(
    client: &mut Client,
    codes: &mut Vec<String>,
    proxy: &FaultProxy,
    database: &Database<'_>,
) {
    // It has taken whatever came, and waits for more.
    let at_work = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'redeemd'
         AND wait_event IS DISTINCT FROM 'ClientRead'";
    let copying = "SELECT count(*) FROM pg_stat_progress_copy WHERE bytes_processed > 0";
    // Where a COPY begins depends on what else is said; it is most of all bytes.
    for after in (40_000..).step_by(15_000).take(8) {
        proxy.set(Fault::Hang { way: Way::ToDatabase, after });
        let batch: Vec<String> = codes.drain(..BATCH).collect();
        redeem_many(client, &batch, "ada");
        wait_until("it hangs", || proxy.has_happened());
        wait_until("the database waits for more", || database.ask(at_work) == "0");
        if database.count(copying) == 1 {
            return;
        }
        proxy.heal();
    }
    panic!("it never hung in a COPY");
}

#[test]
fn whatever_befalls_a_copy_half_way_through_everything_arrives_once() {
    let mut postgres = Postgres::start();
    let url = postgres.database().url();
    let proxy = FaultProxy::start(postgres.port());
    let folder = folder(&proxy.url(postgres.existing(&url).name()))
        // One COPY at a time, and a large one.
        .set("shards.count", "1")
        .set("postgres.pool_size", "1")
        .set("postgres.interval_ms", "300")
        .set("postgres.batch_timeout_ms", "4000")
        .set("postgres.connect_timeout_ms", "500");
    let mut server = folder.start();
    let mut client = server.client();
    let mut codes = campaign_with_codes(&mut client, json!({}), 50 * BATCH).1;
    let total = codes.len();
    for blow in [
        Blow::ConnectionIsCut,
        Blow::ConnectionHangsUntilItIsGivenUp,
        Blow::DatabaseEndsIt,
        Blow::DatabaseIsKilled,
        Blow::ServerIsKilled,
    ] {
        println!("{blow:?}");
        halfway(&mut client, &mut codes, &proxy, &postgres.existing(&url));
        let failures = metric(&mut client, "redeemd_postgres_failures_total");
        let fails = |client: &mut Client| {
            wait_until("it is noticed", || {
                metric(client, "redeemd_postgres_failures_total") > failures
            });
        };
        match blow {
            Blow::ConnectionIsCut => proxy.cut_all(),
            Blow::ConnectionHangsUntilItIsGivenUp => {
                fails(&mut client);
                proxy.heal();
            }
            Blow::DatabaseEndsIt => {
                let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_copy";
                postgres.existing(&url).ask(end);
                proxy.heal();
            }
            Blow::DatabaseIsKilled => {
                postgres.kill();
                proxy.heal();
                fails(&mut client);
                postgres.run();
            }
            Blow::ServerIsKilled => {
                server.kill();
                proxy.heal();
                server = folder.start();
                client = server.client();
            }
        }
        let redeemed = total - codes.len();
        assert_eq!(agree(&mut client, &postgres.existing(&url)), redeemed, "{blow:?}");
    }
    assert_eq!(postgres.existing(&url).ask("SELECT count(*) FROM redeemd.set_aside"), "0");
}

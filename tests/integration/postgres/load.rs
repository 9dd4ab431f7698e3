//! Everything fails in the middle of load. Clients never stop, each of their requests is answered as
//! if nothing had happened, and in the end ledger and database say the same.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use super::agreement::agree_on_everything;
use super::arrival::folder;
use crate::support::{
    Client, Database, PgBouncer, Postgres, Request, Server, campaign_with_codes, id, metric,
    wait_until,
};

/// How many clients there are.
const CLIENTS: usize = 2;

/// What clients work on for as long as it takes: codes that may be used without end.
struct Load {
    codes: Vec<String>,
    gifts: Vec<String>,
    /// Each client holds one of these, again and again.
    held: Vec<String>,
    rounds: AtomicU64,
    is_over: AtomicBool,
}

impl Load {
    fn new(client: &mut Client) -> Self {
        let endless = json!({ "uses_per_code": null });
        let money = json!({
            "balance": { "currency": "EUR", "minor_units": 1_000_000 }, "uses_per_code": null,
        });
        Self {
            codes: campaign_with_codes(client, endless, 200).1,
            gifts: campaign_with_codes(client, money, 8).1,
            held: campaign_with_codes(client, json!({}), CLIENTS).1,
            rounds: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// Lets clients work while something happens to others.
    fn meanwhile(&self, server: &Server, happens: impl FnOnce()) {
        /// Ends the load, however what happens ends.
        struct Ends<'a>(&'a Load);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                self.0.is_over.store(true, Ordering::Relaxed);
            }
        }
        std::thread::scope(|scope| {
            for number in 0..CLIENTS {
                scope.spawn(move || {
                    // A client that fails ends the load, too, so that nobody waits for it.
                    let _ends = Ends(self);
                    let mut client = server.client();
                    while !self.is_over.load(Ordering::Relaxed) {
                        self.work(&mut client, number);
                        self.rounds.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let _ends = Ends(self);
            happens();
        });
    }

    /// One round of a client: ten redemptions, one of them rolled back, money spent and given, and a
    /// code held and released.
    fn work(&self, client: &mut Client, number: usize) {
        let round = usize::try_from(self.rounds.load(Ordering::Relaxed)).unwrap();
        let user = format!("user {}", round % 50);
        let wish = |place: usize| {
            let code = &self.codes[(round * 10 + place) % self.codes.len()];
            json!({ "code": code, "user_id": user, "metadata": { "round": round } })
        };
        let wishes: Vec<Value> = (0..10).map(wish).collect();
        let answer = client.post("/api/v1/redemptions/batch", &json!({ "redemptions": wishes }));
        assert_eq!(answer.status, 200, "{answer:?}");
        let results = answer.json()["results"].clone();
        assert!(results.as_array().unwrap().iter().all(|it| it["status"] == 201), "{results}");
        let path = format!("/redemptions/{}/rollback", id(&results[0]["redemption"]));
        post(client, &path, &json!({ "reason": "returned" }));

        let amount = json!({ "minor_units": 3 });
        let gift = &self.gifts[round % self.gifts.len()];
        let spending = json!({ "code": gift, "user_id": user, "amount": amount });
        post(client, "/redemptions", &spending);
        let giving = json!({ "code": gift, "amount": amount, "reason": "sorry" });
        post(client, "/codes/top-up", &giving);
        let hold = json!({ "code": self.held[number], "user_id": user });
        let hold = id(&post(client, "/holds", &hold));
        let release = Request::new("DELETE", &format!("/api/v1/holds/{hold}"));
        assert_eq!(client.send(release).status, 204);
    }

    /// Waits until clients were answered some more.
    fn goes_on(&self) {
        let before = self.rounds.load(Ordering::Relaxed);
        wait_until("clients are answered", || {
            self.is_over.load(Ordering::Relaxed)
                || self.rounds.load(Ordering::Relaxed) >= before + 10
        });
    }
}

fn post(client: &mut Client, path: &str, body: &Value) -> Value {
    let answer = client.post(&format!("/api/v1{path}"), body);
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer.json()
}

/// Waits until more has arrived than at a moment before.
fn more_arrives(database: &Database<'_>) {
    let count = "SELECT count(*) FROM redeemd.outcomes";
    let before = database.count(count);
    wait_until("more arrives", || database.count(count) > before);
}

#[test]
fn a_database_is_stopped_and_killed_and_comes_back_in_the_middle_of_load() {
    let mut postgres = Postgres::start();
    let url = postgres.database().url();
    let folder = folder(&url).set("postgres.max_batch_rows", "1000");
    let server = folder.start();
    let load = Load::new(&mut server.client());
    load.meanwhile(&server, || {
        for end in [Postgres::kill, Postgres::stop] {
            more_arrives(&postgres.existing(&url));
            end(&mut postgres);
            load.goes_on();
            wait_until("it is noticed", || {
                metric(&mut server.client(), "redeemd_postgres_backlog_entries") > 0.0
            });
            postgres.run();
        }
        more_arrives(&postgres.existing(&url));
    });
    agree_on_everything(&mut server.client(), &postgres.existing(&url));
}

#[test]
fn a_pooler_and_the_database_behind_it_fail_in_the_middle_of_load() {
    let mut postgres = Postgres::start();
    let url = postgres.database().url();
    let mut pooler = PgBouncer::start(&postgres.existing(&url));
    let folder = folder(pooler.url())
        .set("postgres.pool_size", "4")
        .set("postgres.max_batch_rows", "1000")
        .set("postgres.batch_timeout_ms", "2000")
        .set("postgres.connect_timeout_ms", "500");
    let mut server = folder.start();
    let load = Load::new(&mut server.client());
    load.meanwhile(&server, || {
        more_arrives(&postgres.existing(&url));
        pooler.kill();
        load.goes_on();
        pooler.run();
        more_arrives(&postgres.existing(&url));
        postgres.kill();
        load.goes_on();
        postgres.run();
        more_arrives(&postgres.existing(&url));
    });
    // Who is killed leaves transactions at the pooler, which it ends.
    server.kill();
    server = folder.start();
    agree_on_everything(&mut server.client(), &postgres.existing(&url));
}

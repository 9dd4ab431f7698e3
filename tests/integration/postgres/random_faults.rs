//! Anything may happen at any time, in any order, and at the end ledger and database agree.
//!
//! `REDEEMD_FAULTS_ROUNDS` says how many rounds there are (200), `REDEEMD_FAULTS_SEED` what the dice
//! begin with. `scripts/prove faults` plays many.

// What the other proofs draw with.
#[path = "../../proof/dice.rs"]
#[allow(dead_code)]
mod dice;

use std::time::Duration;

use serde_json::{Value, json};

use self::dice::Dice;
use super::agreement::agree_on_everything;
use super::arrival::folder;
use crate::support::{
    ADMIN_KEY, Client, Fault, FaultProxy, Folder, Postgres, Request, Server, Way,
    campaign_with_codes, id, wait_until,
};

/// After how many rounds everything is compared.
const ROUNDS_A_COMPARISON: usize = 10;

/// After how many rounds a new directory and a new database are taken: what is compared grows with
/// each, and a game that never ends would spend its time with that.
const ROUNDS_A_GAME: usize = 50;

/// What is played with.
struct Game {
    dice: Dice,
    postgres: Postgres,
    proxy: FaultProxy,
    url: String,
    folder: Folder,
    server: Option<Server>,
    codes: Vec<String>,
    gifts: Vec<String>,
    redemptions: Vec<String>,
    holds: Vec<String>,
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn random_faults_lose_and_double_nothing() {
    let rounds = number("REDEEMD_FAULTS_ROUNDS").unwrap_or(200) as usize;
    let seed = number("REDEEMD_FAULTS_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("REDEEMD_FAULTS_SEED={seed}");
    let mut game = Game::begin(seed);
    for round in 1..=rounds {
        if round % ROUNDS_A_GAME == 1 && round > 1 {
            game = game.anew();
        }
        game.change_something();
        game.break_something();
        game.change_something();
        if round % ROUNDS_A_COMPARISON == 0 || round == rounds {
            game.heal();
            game.compare();
            println!("{round} rounds");
        }
    }
}

impl Game {
    fn begin(seed: u64) -> Self {
        let postgres = Postgres::start();
        let proxy = FaultProxy::start(postgres.port());
        Self::new(Dice::new(seed), postgres, proxy)
    }

    /// Another one, after this one has ended as it should.
    fn anew(self) -> Self {
        let Self { dice, postgres, proxy, url, server, .. } = self;
        assert!(server.unwrap().terminate().success());
        let former = url.rsplit('/').next().unwrap();
        let drop = format!("DROP DATABASE {former} WITH (FORCE)");
        postgres.existing(&postgres.url("postgres")).ask(&drop);
        Self::new(dice, postgres, proxy)
    }

    fn new(dice: Dice, postgres: Postgres, proxy: FaultProxy) -> Self {
        let name = postgres.database().name().to_owned();
        let folder = folder(&proxy.url(&name))
            .set("postgres.batch_timeout_ms", "1000")
            .set("postgres.connect_timeout_ms", "300")
            .set("postgres.max_batch_rows", "1000")
            .set("postgres.pool_size", "3");
        let server = Some(folder.start());
        let url = postgres.url(&name);
        let (codes, gifts) = (Vec::new(), Vec::new());
        let (redemptions, holds) = (Vec::new(), Vec::new());
        let mut game =
            Self { dice, postgres, proxy, url, folder, server, codes, gifts, redemptions, holds };
        let rules = json!({
            "balance": { "currency": "EUR", "minor_units": 1_000_000 }, "uses_per_code": null,
        });
        game.gifts = campaign_with_codes(&mut game.client(), rules, 20).1;
        game
    }

    fn client(&self) -> Client {
        self.server.as_ref().unwrap().client()
    }

    /// A few things that clients do; what is refused is refused.
    fn change_something(&mut self) {
        let mut client = self.client();
        if self.codes.len() < 1_000 {
            let rules = json!({ "uses_per_user": self.dice.below(300) + 100 });
            self.codes.extend(campaign_with_codes(&mut client, rules, 2_000).1);
        }
        for _ in 0..self.dice.below(4) + 1 {
            match self.dice.below(8) {
                0..3 => self.redeem_many(&mut client),
                3 => self.spend(&mut client),
                4 => self.hold(&mut client),
                5 => self.end_a_hold(&mut client),
                6 => self.roll_back(&mut client),
                _ => self.change_a_code(&mut client),
            }
        }
    }

    fn redeem_many(&mut self, client: &mut Client) {
        let count = self.dice.below(300) + 1;
        let user = format!("user {}", self.dice.below(20));
        let wishes: Vec<Value> = self
            .codes
            .drain(..count)
            .map(|code| json!({ "code": code, "user_id": user, "metadata": { "n": count } }))
            .collect();
        let answer = client.post("/api/v1/redemptions/batch", &json!({ "redemptions": wishes }));
        assert_eq!(answer.status, 200, "{answer:?}");
        for result in answer.json()["results"].as_array().unwrap() {
            self.redemptions.extend(result["redemption"]["id"].as_str().map(str::to_owned));
        }
    }

    fn spend(&mut self, client: &mut Client) {
        let amount = json!({ "minor_units": self.dice.between(1, 500) });
        let code = &self.gifts[self.dice.below(self.gifts.len())];
        let user = format!("user {}", self.dice.below(20));
        let body = json!({ "code": code, "user_id": user, "amount": amount });
        let answer = post(client, "/redemptions", &body);
        self.redemptions.extend(answer["id"].as_str().map(str::to_owned));
        let body = json!({ "code": code, "amount": amount, "reason": "top" });
        post(client, "/codes/top-up", &body);
    }

    fn hold(&mut self, client: &mut Client) {
        for _ in 0..self.dice.below(10) {
            // Some of them are held by their user already, and last longer then.
            let code = &self.codes[self.dice.below(20)];
            let seconds = if self.dice.percent(50) { 1 } else { 600 };
            let body = json!({ "code": code, "user_id": "holder", "ttl_seconds": seconds });
            let answer = post(client, "/holds", &body);
            self.holds.extend(answer["id"].as_str().map(str::to_owned));
        }
    }

    fn end_a_hold(&mut self, client: &mut Client) {
        for hold in std::mem::take(&mut self.holds).into_iter().take(5) {
            if self.dice.percent(50) {
                client.send(Request::new("DELETE", &format!("/api/v1/holds/{hold}")));
            } else {
                post(client, &format!("/holds/{hold}/confirm"), &json!({ "take_if_free": true }));
            }
        }
    }

    fn roll_back(&mut self, client: &mut Client) {
        for _ in 0..self.dice.below(20) {
            if self.redemptions.is_empty() {
                return;
            }
            let place = self.dice.below(self.redemptions.len());
            let redemption = &self.redemptions[place];
            let mut body = json!({ "reason": "random" });
            if self.dice.percent(30) {
                body["amount"] = json!({ "minor_units": self.dice.between(1, 10) });
            }
            post(client, &format!("/redemptions/{redemption}/rollback"), &body);
        }
    }

    fn change_a_code(&mut self, client: &mut Client) {
        let code = &self.codes[self.dice.below(20)];
        let body = json!({ "code": code, "reason": "random" });
        for path in ["revoke", "restore"] {
            post(client, &format!("/codes/{path}"), &body);
        }
        let body = json!({ "name": "Partners", "codes": { "kind": "imported" } });
        let campaign = post(client, "/campaigns", &body);
        let path = format!("/api/v1/campaigns/{}/codes/import", id(&campaign));
        let rows: String = (0..20).map(|_| format!("PARTNER{}\n", self.dice.next())).collect();
        let import = Request::new("POST", &path).header("Content-Type", "text/csv");
        assert_eq!(client.send(import.body(format!("code\n{rows}").into_bytes())).status, 200);
    }

    /// One thing that goes wrong.
    fn break_something(&mut self) {
        let way = if self.dice.percent(70) { Way::ToDatabase } else { Way::FromDatabase };
        let most = if way == Way::ToDatabase { 80_000 } else { 600 };
        let after = self.dice.between(1, most);
        match self.dice.below(16) {
            0..6 => self.proxy.set(Fault::Cut { way, after }),
            6..9 => self.proxy.set(Fault::Hang { way, after }),
            9 => self.proxy.set(Fault::Delay(Duration::from_millis(self.dice.between(1, 40)))),
            10 => {
                self.server.take().unwrap().kill();
                self.server = Some(self.folder.start());
            }
            11 => {
                assert!(self.server.take().unwrap().terminate().success());
                self.server = Some(self.folder.start());
            }
            12 => {
                self.postgres.kill();
                self.change_something();
                self.postgres.run();
            }
            13 => {
                self.postgres.stop();
                self.change_something();
                self.postgres.run();
            }
            14 => {
                // Somebody ends the server's connections, as an administrator does.
                let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE application_name = 'redeemd'";
                self.postgres.existing(&self.url).try_ask(end);
            }
            _ => self.proxy.heal(),
        }
    }

    fn heal(&mut self) {
        self.proxy.heal();
    }

    fn compare(&mut self) {
        // Much is read, and all of it was compared with the description elsewhere.
        let address = self.server.as_ref().unwrap().address;
        let mut client = Client::undescribed(address, Some(ADMIN_KEY));
        agree_on_everything(&mut client, &self.postgres.existing(&self.url));
        wait_until("all is well", || {
            client.get("/health").json()["parts"]["postgres"]["status"] == "healthy"
        });
    }
}

/// What may be refused.
fn post(client: &mut Client, path: &str, body: &Value) -> Value {
    let answer = client.post(&format!("/api/v1{path}"), body);
    assert!(answer.status < 500, "{path}: {answer:?}");
    answer.json()
}

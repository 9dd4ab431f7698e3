//! What limits that span codes cost: redemptions in the process, durable, of a plain campaign, of
//! one that limits each user, and of one that limits all of them, its last thousand uses included.
//! Then the memory of ten million users' counters.
//!
//! All rates are of one run, and the disk's own rate of the same minute stands beside each.
//! `cargo bench --bench limits -- [seconds] [in flight] [users]`

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redeemd_actors::bookkeeping::Lent;
use redeemd_actors::confidence::Confidence;
use redeemd_actors::core::Answer;
use redeemd_actors::directory::place_of;
use redeemd_actors::node::Node;
use redeemd_actors::port::Port;
use redeemd_domain::campaign::{Revision, Terms, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Serial};
use redeemd_domain::control::{self, Asked, Draft, DraftCodes, Purpose, Secret, SecretName};
use redeemd_domain::entry::Entry;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::{Machine as _, Outcome};
use redeemd_domain::rules::{Per, Rules, TimeZone, TotalLimit, UserLimit};
use redeemd_domain::shard::{
    Acknowledgement, ClaimUse, Command, Fate, Redeem, Settle, Shard, UserDigest,
};
use redeemd_domain::slot::ShardLayout;
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::disk::RealDisk;
use redeemd_persistence::journal::DirectoryId;
use support::node::SEGMENT;
use support::resident::{megabytes, resident_bytes};
use support::syncs::Syncs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CAMPAIGN: CampaignNumber = CampaignNumber(1);
const LAYOUT: ShardLayout = ShardLayout::new(8).unwrap();
const DIRECTORY: DirectoryId = DirectoryId([1; 16]);
/// The uses at the end of a total that are timed for themselves.
const LAST: u64 = 1_000;

fn main() {
    // The threads of a node that has ended still look at its disk: folders stay until all is done.
    let folder = tempfile::tempdir().unwrap();
    let numbers: Vec<u64> =
        std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let number = |place: usize, otherwise: u64| numbers.get(place).copied().unwrap_or(otherwise);
    let (seconds, in_flight, users) = (number(0, 8), number(1, 16_384), number(2, 10_000_000));
    println!(
        "{:>14} {:>11} {:>12} {:>10} {:>12} {:>12}",
        "campaign", "redeemed", "redeemed/s", "of plain", "last 1,000", "fdatasync/s"
    );
    let plain = run("plain", folder.path(), None, seconds, in_flight, None);
    let limit = UserLimit { limit: 3, per: Per::Ever, zone: 0 };
    let zones = vec![TimeZone::UTC];
    let rules = Rules { zones, uses_per_user: Some(limit), ..Rules::default() };
    run("uses_per_user", folder.path(), Some(rules), seconds, in_flight, Some(plain));
    // As many as the plain campaign would redeem in that time.
    let limit = (plain * seconds as f64) as u64;
    let total_uses = Some(TotalLimit { limit, since: Revision(0) });
    let rules = Rules { total_uses, ..Rules::default() };
    run("total_uses", folder.path(), Some(rules), seconds * 4, in_flight, Some(plain));
    memory(users);
}

/// Redeems for so long, or until the total is reached; how many in a second.
fn run(
    name: &str,
    folder: &Path,
    rules: Option<Rules>,
    seconds: u64,
    in_flight: u64,
    plain: Option<f64>,
) -> f64 {
    let folder = folder.join(name);
    std::fs::create_dir(&folder).unwrap();
    let syncs = Syncs::rate(&folder);
    let total = rules.as_ref().and_then(|rules| rules.total_uses).map(|total| total.limit);
    let limits_users = rules.as_ref().is_some_and(|rules| rules.uses_per_user.is_some());
    actix_web::rt::System::new().block_on(async {
        let disk = Arc::new(RealDisk::new(&folder));
        let node = support::node::start(disk, DIRECTORY, LAYOUT, SEGMENT, Duration::ZERO).await;
        let port: Port<Shard> = Port::open(&node.shard_ports, &node.shards, in_flight as usize * 2);
        let terms = make_campaign(&node, rules).await;
        for place in 0..port.places() {
            port.perform(place, Command::put(terms.clone())).await;
        }
        let client = Rc::new(Client {
            node: node.clone(),
            port,
            next: Cell::new(0),
            redeemed: Cell::new(0),
            is_over: Cell::new(false),
            begun: Instant::now(),
            duration: Duration::from_secs(seconds),
            last_begun: Cell::new(None),
            ended: RefCell::default(),
            total,
            limits_users,
            confidence: Confidence::default(),
        });
        let clients: Vec<_> = (0..in_flight)
            .map(|_| {
                let client = Rc::clone(&client);
                actix_web::rt::spawn(async move { client.run().await })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        let ended = client.ended.borrow().unwrap_or_else(Instant::now);
        let elapsed = ended - client.begun;
        let redeemed = client.redeemed.get();
        let rate = redeemed as f64 / elapsed.as_secs_f64();
        let part = plain.map_or("".to_owned(), |plain| format!("{:.0}%", rate / plain * 100.0));
        let last = client.last_begun.get().map_or("".to_owned(), |begun: Instant| {
            format!("{:.0} ms", (ended - begun).as_secs_f64() * 1e3)
        });
        if let Some(total) = total {
            assert_eq!(redeemed, total, "the total is reached exactly");
        }
        println!("{name:>14} {redeemed:>11} {rate:>12.0} {part:>10} {last:>12} {syncs:>12.0}");
        node.finish().await;
        rate
    })
}

async fn make_campaign(node: &Node, rules: Option<Rules>) -> Terms {
    let port = Port::open(&node.control_ports, &node.control, 16);
    let name = SecretName { purpose: Purpose::SealingKey, number: 1 };
    let secret = Secret { name, enciphered: [1; 40].into() };
    let asked = Asked { api_key: ApiKeyNumber(1), request: None };
    let draft = Draft {
        name: "bench".into(),
        codes: DraftCodes::Sealed,
        rules: rules.map(Into::into),
        window: Window::default(),
        uses_per_code: Some(1),
        reward: None,
        metadata: None,
    };
    for command in [
        control::Command::AddSecret(secret),
        control::Command::MakeCampaign { draft, asked },
        control::Command::Issue { campaign: CAMPAIGN, count: 1 << 28, asked },
    ] {
        let made = port.perform(0, command).await;
        assert!(matches!(made, Answer::Outcome(Outcome::Done(_))), "{made:?}");
    }
    node.view.current().campaign(CAMPAIGN).unwrap().terms()
}

struct Client {
    node: Node,
    port: Port<Shard>,
    next: Cell<u64>,
    redeemed: Cell<u64>,
    is_over: Cell<bool>,
    begun: Instant,
    duration: Duration,
    last_begun: Cell<Option<Instant>>,
    ended: RefCell<Option<Instant>>,
    total: Option<u64>,
    limits_users: bool,
    confidence: Confidence,
}

impl Client {
    async fn run(&self) {
        while !self.is_over.get() && self.begun.elapsed() < self.duration {
            let number = self.next.replace(self.next.get() + 1);
            self.redeem(number).await;
        }
    }

    /// Redeems a code, with whatever steps that takes, as `service/stepping.rs` does.
    async fn redeem(&self, number: u64) {
        let code = CodeKey::Sealed { campaign: CAMPAIGN, serial: Serial::new(number).unwrap() };
        let place = place_of(LAYOUT, code.slot());
        let user = format!("user-{number:07}");
        let digest = self.limits_users.then(|| UserDigest::new(CAMPAIGN, &user));
        let mut command = Command::Redeem(Redeem {
            code,
            user: user.into(),
            metadata: None,
            api_key: ApiKeyNumber(1),
            request: None,
        });
        let unasked = digest.filter(|_| self.confidence.stake(1));
        if let Some(user) = unasked {
            command = self.claim(code, user, command).await;
        }
        loop {
            match self.port.perform(place, command.clone()).await {
                Answer::Outcome(Outcome::Done(record)) => {
                    if let Some(claim) = record.claim() {
                        self.node.bookkeeping.settle(&claim, Fate::Granted);
                        match unasked {
                            Some(_) => self.confidence.won(),
                            None => self.confidence.earned(),
                        }
                    }
                    return self.count();
                }
                Answer::Outcome(Outcome::Acknowledged(Acknowledgement::ClaimFirst {
                    user,
                    ..
                })) => command = self.claim(code, user, command).await,
                Answer::Outcome(Outcome::Acknowledged(Acknowledgement::ShareFirst {
                    campaign,
                })) => {
                    let shard = LAYOUT.shard_of(code.slot());
                    if self.node.bookkeeping.borrow(campaign, shard).await == Lent::Nothing {
                        self.is_over.set(true);
                        return;
                    }
                }
                Answer::Rejected(_) => {
                    actix_web::rt::time::sleep(Duration::from_millis(1)).await;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Claims a use of a user for a command; the command with the claim, or as it was.
    async fn claim(&self, code: CodeKey, user: UserDigest, command: Command) -> Command {
        let wish = ClaimUse { campaign: CAMPAIGN, user, code };
        match self.port.perform(place_of(LAYOUT, user.slot()), Command::ClaimUse(wish)).await {
            Answer::Outcome(Outcome::Acknowledged(Acknowledgement::Claimed(claim))) => {
                command.with_claim(Some(claim)).unwrap()
            }
            Answer::Rejected(_)
            | Answer::Outcome(Outcome::Acknowledged(Acknowledgement::ClaimsFull)) => {
                actix_web::rt::time::sleep(Duration::from_millis(1)).await;
                command
            }
            other => panic!("{other:?}"),
        }
    }

    fn count(&self) {
        let redeemed = self.redeemed.get() + 1;
        self.redeemed.set(redeemed);
        if self.total.is_some_and(|total| redeemed + LAST >= total) {
            if self.last_begun.get().is_none() {
                self.last_begun.set(Some(Instant::now()));
            }
            *self.ended.borrow_mut() = Some(Instant::now());
        }
    }
}

/// The memory of so many users' counters in eight shards.
fn memory(users: u64) {
    let limit = UserLimit { limit: 3, per: Per::Ever, zone: 0 };
    let zones = vec![TimeZone::UTC];
    let rules = Arc::new(Rules { zones, uses_per_user: Some(limit), ..Rules::default() });
    let view = redeemd_domain::campaign::CampaignView {
        number: CAMPAIGN,
        revision: Revision(1),
        status: redeemd_domain::campaign::Status::Active,
        window: Window::default(),
        uses_per_code: Some(1),
        issued: 1 << 30,
    };
    let mut shards: Vec<Shard> =
        (0..LAYOUT.shards()).map(|number| Shard::new(LAYOUT, number)).collect();
    let apply = |shard: &mut Shard, command: Command| {
        let number = shard.last() + 1;
        shard.apply(Entry { number, at: Timestamp(1), covered: number - 1, command })
    };
    for shard in &mut shards {
        apply(shard, Command::PutRules { view, rules: Arc::clone(&rules) });
    }
    let before = resident_bytes(std::process::id());
    let begun = Instant::now();
    let mut settle = vec![Settle::default(); shards.len()];
    for number in 0..users {
        let user = UserDigest::new(CAMPAIGN, &format!("user-{number:08}"));
        let code = CodeKey::Sealed { campaign: CAMPAIGN, serial: Serial::new(number).unwrap() };
        let place = place_of(LAYOUT, user.slot());
        let wish = ClaimUse { campaign: CAMPAIGN, user, code };
        let Outcome::Acknowledged(Acknowledgement::Claimed(claim)) =
            apply(&mut shards[place], Command::ClaimUse(wish))
        else {
            panic!("a claim is refused")
        };
        settle[place].settled.push(claim.number);
        if settle[place].settled.len() == 1_000 {
            let settle = std::mem::take(&mut settle[place]);
            apply(&mut shards[place], Command::Settle(settle));
        }
    }
    let elapsed = begun.elapsed();
    let bytes = resident_bytes(std::process::id()).saturating_sub(before);
    println!(
        "{users} users' counters: {:.0} MB, {:.1} bytes each; claimed and settled in {:.1} s",
        megabytes(bytes),
        bytes as f64 / users as f64,
        elapsed.as_secs_f64()
    );
}

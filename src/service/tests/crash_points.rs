//! A node is killed at every place where a protocol between sequences is half done, and started
//! again from what its disk held at that moment. Then no user has redeemed more often than the
//! limit allows, no use is lost, and a total is reached exactly.

use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use redeemd_actors::core::{Answer, Limits};
use redeemd_actors::crash_point::CrashPoint;
use redeemd_actors::fatal::Fatal;
use redeemd_actors::ledger_keeper::CommitPolicy;
use redeemd_actors::node::{Node, NodeOptions};
use redeemd_actors::port::Port;
use redeemd_actors::recovery::{Sources, recover};
use redeemd_actors::sequence_actor::SnapshotPolicy;
use redeemd_actors::status::Status;
use redeemd_domain::campaign::{Campaign, Revision};
use redeemd_domain::control::{self, Draft, DraftCodes};
use redeemd_domain::machine::Outcome;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::rules::{Per, Rules, TimeZone, TotalLimit, UserLimit};
use redeemd_domain::shard::{ClaimUse, Command, Event, RollBack, UserDigest};
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::disk::RealDisk;
use redeemd_persistence::journal::{self, Engine, Preparation};
use redeemd_persistence::ledger;

use super::{CALLER, DIRECTORY, draft, texts, wrapper};
use crate::secrets::{Keys, Vault};
use crate::service::{Error, Redeemed, Redemption, Turns, Worker};

/// How often a user may redeem.
const PER_USER: u64 = 2;
/// How often all together may, in the campaign that limits that.
const TOTAL: u64 = 20;
const USERS: [&str; 2] = ["ann", "bob"];
/// Nearly one for each slot, so that every shard has some.
const CODES: u64 = 1_000;
/// How long somebody waits for what must come about.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Starts a node in a folder and does something with it. It is ended properly only so that its
/// threads are gone; what it does then is not looked at.
pub(super) fn with_worker<T>(folder: &Path, work: impl AsyncFnOnce(&Worker) -> T) -> T {
    let engine = Engine::Segment { segment_bytes: 1 << 20, preparation: Preparation::Inline };
    let sources = Sources {
        disk: Arc::new(RealDisk::new(folder)),
        directory: DIRECTORY,
        layout: ShardLayout::new(2).unwrap(),
        journal: journal::Options {
            minimum_free_bytes: 0,
            reserve_bytes: 0,
            ..journal::Options::new(DIRECTORY, engine)
        },
        ledger: ledger::Settings::new(DIRECTORY.0, [6; 16]),
    };
    let recovered = recover(sources).unwrap();
    let options = NodeOptions {
        limits: Limits::default(),
        mailbox_capacity: 1_024,
        shard_threads: 1,
        commit_policy: CommitPolicy { interval: Duration::from_millis(20), bytes: 1 << 20 },
        snapshot_policy: SnapshotPolicy { entries: 0, interval: Duration::ZERO, journal_bytes: 0 },
    };
    actix_web::rt::System::new().block_on(tokio::task::LocalSet::new().run_until(async {
        let status = Arc::new(Status::new(3));
        let fatal = Fatal::new(Arc::clone(&status), || {});
        let node = Node::start(recovered, &options, status, &fatal);
        while !node.is_ready() {
            actix_web::rt::time::sleep(Duration::from_millis(1)).await;
        }
        let port = Port::open(&node.control_ports, &node.control, 16);
        if node.view.current().secrets().next().is_none() {
            for name in Keys::FIRST {
                let command = control::Command::AddSecret(wrapper().make(name).unwrap());
                let made = port.perform(0, command).await;
                assert!(matches!(made, Answer::Outcome(Outcome::Done(_))));
            }
        }
        let vault = Arc::new(Vault::open(wrapper(), &node.view.current()).unwrap());
        let worker = Worker::open(&node, &vault, &Arc::<Turns>::default());
        let result = work(&worker).await;
        node.finish().await;
        result
    }))
}

/// The campaign that limits its users, the one that limits all, and codes of both.
pub(super) struct Stage {
    users: Vec<String>,
    pub(super) total: Vec<String>,
}

async fn make(worker: &Worker, rules: Rules) {
    let draft = Draft { rules: Some(rules.into()), ..draft(DraftCodes::Sealed) };
    let made = worker.make_campaign(CALLER, None, draft).await.unwrap();
    let campaign = Arc::new(made.record.unwrap().campaign().unwrap().clone());
    worker.issue(CALLER, None, &campaign, CODES).await.unwrap();
}

pub(super) async fn prepare(worker: &Worker) -> Stage {
    let limit = UserLimit { limit: PER_USER as u32, per: Per::Ever, zone: 0 };
    let zones = vec![TimeZone::UTC];
    make(worker, Rules { zones, uses_per_user: Some(limit), ..Rules::default() }).await;
    let total_uses = Some(TotalLimit { limit: TOTAL, since: Revision(0) });
    make(worker, Rules { total_uses, ..Rules::default() }).await;
    stage(worker)
}

fn stage(worker: &Worker) -> Stage {
    let campaigns = campaigns(worker);
    let codes = |campaign: &Campaign| texts(&worker.range(campaign, 0, CODES).unwrap());
    Stage { users: codes(&campaigns[0]), total: codes(&campaigns[1]) }
}

pub(super) fn campaigns(worker: &Worker) -> Vec<Arc<Campaign>> {
    worker.view().control().campaigns().cloned().collect()
}

pub(super) async fn redeem(worker: &Worker, code: &str, user: &str) -> Result<Redeemed, Error> {
    let redemption = Redemption { code, user, amount: None, metadata: None, key: None };
    worker.redeem(CALLER, redemption).await
}

/// The shard of a code.
async fn shard_of(worker: &Worker, code: &str) -> u16 {
    let key = worker.code_of(&worker.view(), code).await.unwrap().unwrap();
    worker.node().layout.shard_of(key.slot())
}

/// Brings the node to a point.
async fn play(worker: Rc<Worker>, point: CrashPoint, stage: Rc<Stage>) {
    use CrashPoint as P;
    match point {
        P::Claimed | P::Redeemed | P::SettleGathered | P::Settled => {
            drop(redeem(&worker, &stage.users[0], "ann").await);
        }
        P::AttemptRefused => race_for_codes(worker, stage).await,
        P::ClaimFound | P::Forbidden => leave_a_claim(&worker, &stage).await,
        P::OwedRead | P::GivenBack => roll_back(&worker, &stage).await,
        P::BasesKnown | P::SharesOpened | P::ShareGranted | P::ShareTaken => {
            drop(redeem(&worker, &stage.total[0], "ann").await);
        }
        P::ShareReturned | P::ReturnRecorded => use_one_shard_up(&worker, &stage).await,
    }
}

/// Two users want the same code, until both claim a use and one of them is refused.
async fn race_for_codes(worker: Rc<Worker>, stage: Rc<Stage>) {
    for place in 0..100 {
        let run = |user: &'static str| {
            let (worker, stage) = (Rc::clone(&worker), Rc::clone(&stage));
            tokio::task::spawn_local(async move {
                drop(redeem(&worker, &stage.users[place], user).await);
            })
        };
        let (ann, bob) = (run("ann"), run("bob"));
        ann.await.unwrap();
        bob.await.unwrap();
    }
}

/// A claim whose driver is gone.
async fn leave_a_claim(worker: &Worker, stage: &Stage) {
    let campaign = campaigns(worker)[0].id.number;
    let code = worker.code_of(&worker.view(), &stage.users[0]).await.unwrap().unwrap();
    let user = UserDigest::new(campaign, "ann");
    let place = worker.node().layout.shard_of(user.slot()).into();
    let claim = Command::ClaimUse(ClaimUse { campaign, user, code });
    let claimed = worker.inner().shards.perform(place, claim).await;
    assert!(matches!(claimed, Answer::Outcome(Outcome::Acknowledged(_))), "{claimed:?}");
}

/// A use that is owed to its user.
async fn roll_back(worker: &Worker, stage: &Stage) {
    let redeemed = redeem(worker, &stage.users[0], "ann").await.unwrap();
    let (id, redemption) = redeemed.parts().unwrap();
    let node = worker.node();
    let shard = node.layout.shard_of(id.slot);
    let position = redeemd_domain::sequence::Position {
        sequence: redeemd_domain::sequence::SequenceId::shard(shard),
        number: id.number,
    };
    let record = loop {
        if let Some(record) = node.ledger.read(position).unwrap() {
            break redeemd_actors::ledger_record::decode_shard(&record.bytes).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    let Event::Spent(spent) = &record.event else { panic!("{record:?}") };
    let command = Command::RollBack(Box::new(RollBack {
        redemption: id,
        code: redemption.code,
        user: redemption.user.clone(),
        generation: redemption.generation,
        claim: spent.claim,
        spent: None,
        amount: None,
        max_age_ms: u64::MAX,
        reason: "test".into(),
        api_key: CALLER.number,
        request: None,
    }));
    let undone = worker.inner().shards.perform(shard.into(), command).await;
    assert!(matches!(undone, Answer::Outcome(Outcome::Done(_))), "{undone:?}");
    node.bookkeeping.deliver(shard).await;
}

/// One shard has a share, and the other one needs it.
async fn use_one_shard_up(worker: &Worker, stage: &Stage) {
    let mut shards = [Vec::new(), Vec::new()];
    for code in &stage.total {
        shards[usize::from(shard_of(worker, code).await)].push(code);
    }
    let [one, other] = shards;
    for code in other.into_iter().take(1).chain(one) {
        drop(redeem(worker, code, "ann").await);
    }
}

/// Redeems until everything is refused, and counts what there is then.
async fn exhaust(worker: &Worker, stage: &Stage, point: CrashPoint) {
    let mut codes = stage.users.iter().skip(150);
    for user in USERS {
        loop {
            match redeem(worker, codes.next().unwrap(), user).await {
                Ok(_) => {}
                Err(Error::Refused(Refusal::UserLimitReached)) => break,
                Err(error) => panic!("{point:?}: {error}"),
            }
        }
    }
    let mut refused = 0;
    // From the end, so that both shards are asked for codes that nobody used.
    for code in stage.total.iter().rev().step_by(5).take(150) {
        match redeem(worker, code, "ann").await {
            Ok(_) => assert_eq!(refused, 0, "{point:?}: a use was found after a refusal"),
            Err(Error::Refused(Refusal::CampaignLimitReached)) => refused += 1,
            Err(error) => panic!("{point:?}: {error}"),
        }
    }
    let tallies = worker.tallies(&campaigns(worker)).await.unwrap();
    let redeemed: Vec<u64> = tallies.iter().map(|tally| tally.redeemed).collect();
    assert_eq!(redeemed, [PER_USER * USERS.len() as u64, TOTAL], "{point:?}");
}

/// What a crash would leave of a folder. What stands for something else is copied before it: a
/// snapshot before the ledger that covers it, and that before the journal.
fn copy(from: &Path, to: &Path) {
    let mut entries: Vec<_> = fs::read_dir(from).unwrap().map(|entry| entry.unwrap()).collect();
    let rank =
        |name: &str| ["snapshots", "ledger", "journal"].iter().position(|known| *known == name);
    entries.sort_by_key(|entry| rank(entry.file_name().to_str().unwrap()));
    for entry in entries {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_node_that_dies_at_any_point_owes_and_grants_nothing_too_much() {
    for point in CrashPoint::ALL {
        let (folder, image) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        with_worker(folder.path(), async |worker| {
            let stage = Rc::new(prepare(worker).await);
            let crash_points = worker.node().bookkeeping.crash_points.clone();
            crash_points.arm(point);
            tokio::task::spawn_local(play(Rc::new(worker.clone()), point, stage));
            let reached = tokio::time::timeout(PATIENCE, crash_points.reached()).await;
            assert!(reached.is_ok(), "{point:?} was not reached");
            copy(folder.path(), image.path());
        });
        with_worker(image.path(), async |worker| {
            exhaust(worker, &stage(worker), point).await;
        });
    }
}

//! What no interface can bring about: listed codes under several peppers, requests that are repeated
//! years later.

use std::sync::Arc;
use std::time::Duration;

use redeemd_actors::core::{Answer, Limits, ReadOnly};
use redeemd_actors::fatal::Fatal;
use redeemd_actors::ledger_keeper::CommitPolicy;
use redeemd_actors::node::{Node, NodeOptions};
use redeemd_actors::recovery::{Sources, recover};
use redeemd_actors::sequence_actor::SnapshotPolicy;
use redeemd_actors::status::Status;
use redeemd_domain::campaign::{Campaign, Window};
use redeemd_domain::codes::Pattern;
use redeemd_domain::control::{self, Command, Draft, DraftCodes, Purpose, Role, SecretName};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::Outcome;
use redeemd_domain::rules::{Per, Rules, UserLimit};
use redeemd_domain::slot::ShardLayout;
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::disk::RealDisk;
use redeemd_persistence::journal::{self, DirectoryId, Engine, MemoryStorage};
use redeemd_persistence::ledger;

mod changed_total;
mod crash_points;
mod long_ago;
mod unasked;

use super::{Caller, CodeRange, Error, IdempotencyKey, Redemption, Turns, Worker, time_zone};
use crate::secrets::{Keys, SECRET_BYTES, ServerSecret, Vault, Wrapper};

const DIRECTORY: DirectoryId = DirectoryId([5; 16]);
const CALLER: Caller = Caller { number: ApiKeyNumber(1), role: Role::Admin };

fn wrapper() -> Wrapper {
    Wrapper::new(&ServerSecret::from_bytes([3; SECRET_BYTES]), &DIRECTORY.0)
}

/// Starts a node with the first keys and one thread that serves, and does something with it.
fn with_worker(work: impl AsyncFnOnce(&Worker)) {
    let folder = tempfile::tempdir().unwrap();
    let sources = Sources {
        disk: Arc::new(RealDisk::new(folder.path())),
        directory: DIRECTORY,
        layout: ShardLayout::new(2).unwrap(),
        journal: journal::Options::new(DIRECTORY, Engine::Memory(MemoryStorage::new())),
        ledger: ledger::Settings::new(DIRECTORY.0, [6; 16]),
    };
    let recovered = recover(sources).unwrap();
    let options = NodeOptions {
        limits: Limits::default(),
        mailbox_capacity: 1_024,
        shard_threads: 1,
        commit_policy: CommitPolicy { interval: Duration::from_millis(20), bytes: 1 << 20 },
        snapshot_policy: SnapshotPolicy {
            entries: 1_000_000,
            interval: Duration::from_secs(3_600),
            journal_bytes: 1 << 40,
        },
    };
    actix_web::rt::System::new().block_on(async {
        let status = Arc::new(Status::new(3));
        let fatal = Fatal::new(Arc::clone(&status), || {});
        let node = Node::start(recovered, &options, status, &fatal);
        while !node.is_ready() {
            actix_web::rt::time::sleep(Duration::from_millis(1)).await;
        }
        let port = redeemd_actors::port::Port::open(&node.control_ports, &node.control, 16);
        for name in Keys::FIRST {
            let command = Command::AddSecret(wrapper().make(name).unwrap());
            assert!(matches!(port.perform(0, command).await, Answer::Outcome(Outcome::Done(_))));
        }
        let vault = Arc::new(Vault::open(wrapper(), &node.view.current()).unwrap());
        let worker = Worker::open(&node, &vault, &Arc::<Turns>::default());
        work(&worker).await;
        node.finish().await;
    });
}

async fn add_pepper(worker: &Worker, number: u16) {
    let name = SecretName { purpose: Purpose::Pepper, number };
    let command = Command::AddSecret(wrapper().make(name).unwrap());
    worker.change_control(command).await.unwrap();
    assert_eq!(worker.view().keys().peppers[0].number, number);
}

fn draft(codes: DraftCodes) -> Draft {
    Draft {
        name: "n".into(),
        codes,
        rules: None,
        window: Window::default(),
        uses_per_code: Some(1),
        reward: None,
        metadata: None,
    }
}

async fn make(worker: &Worker, codes: DraftCodes) -> Arc<Campaign> {
    let made = worker.make_campaign(CALLER, None, draft(codes)).await.unwrap();
    Arc::new(made.record.unwrap().campaign().unwrap().clone())
}

/// Imports codes, and gives how many were new and how many were not.
async fn import(worker: &Worker, campaign: &Campaign, codes: &[&str]) -> (u64, u64, u64) {
    let mut import = worker.import(CALLER, None, campaign, "text/csv").await.unwrap();
    for (line, code) in (1..).zip(codes) {
        import.add(line, Some(code));
        import.make_room().await.unwrap();
    }
    let imported = import.finish().await.unwrap();
    let counts = imported.import().unwrap();
    (counts.imported, counts.duplicates, imported.remarks().unwrap().elsewhere)
}

async fn campaign_of(worker: &Worker, code: &str) -> u32 {
    let redemption = Redemption { code, user: "ann", metadata: None, amount: None, key: None };
    worker.redeem(CALLER, redemption).await.unwrap().campaign.id.number.0
}

fn pattern() -> DraftCodes {
    let pattern = Pattern::new("P-####-####", Pattern::USUAL_ALPHABET).unwrap();
    DraftCodes::Pattern { pattern, allow_guessable: false }
}

fn texts(codes: &CodeRange) -> Vec<String> {
    let mut texts = Vec::new();
    codes.for_each(|code| texts.push(code.to_owned()));
    texts
}

#[test]
fn a_text_is_one_code_whichever_pepper_digested_it() {
    with_worker(async |worker| {
        let one = make(worker, DraftCodes::Imported).await;
        let drawn_first = make(worker, pattern()).await;
        // What the campaign will draw, some of which somebody else brings in before.
        let drawn = texts(&worker.range(&drawn_first, 0, 6).unwrap());
        assert_eq!(import(worker, &one, &["old 1", "old 2", &drawn[0]]).await, (3, 0, 0));
        add_pepper(worker, 2).await;

        let two = make(worker, DraftCodes::Imported).await;
        assert_eq!(import(worker, &two, &["OLD-1", "new", &drawn[0], "NEW"]).await, (1, 3, 2));
        assert_eq!(import(worker, &two, &[&drawn[2].to_lowercase()]).await, (1, 0, 0));
        add_pepper(worker, 3).await;
        assert_eq!(import(worker, &two, &["old2", "n-e-w", "newest"]).await, (1, 2, 1));

        // It is digested under the first pepper.
        let issued = worker.issue(CALLER, None, &drawn_first, 4).await.unwrap();
        assert_eq!(texts(&issued.codes), [1, 3, 4, 5].map(|index| drawn[index].clone()));
        assert_eq!(import(worker, &two, &[&drawn[1], &drawn[5]]).await, (0, 2, 2));

        for (code, campaign) in [
            ("OLD1", &one),
            ("new", &two),
            ("newest", &two),
            (&drawn[0], &one),
            (&drawn[1], &drawn_first),
            (&drawn[2], &two),
            (&drawn[5], &drawn_first),
        ] {
            assert_eq!(campaign_of(worker, code).await, campaign.id.number.0, "{code}");
        }
    });
}

#[test]
fn a_text_that_is_no_code_costs_the_same_with_any_number_of_campaigns() {
    with_worker(async |worker| {
        for _ in 0..3 {
            make(worker, DraftCodes::Sealed).await;
        }
        let view = worker.view();
        assert!(!view.has_listed_codes());
        // It is neither digested nor looked for.
        assert_eq!(worker.code_of(&view, "SUMMER").await.unwrap(), None);
        make(worker, DraftCodes::Imported).await;
        let view = worker.view();
        assert!(view.has_listed_codes(), "what was answered is in every view");
        assert!(worker.code_of(&view, "SUMMER").await.unwrap().is_some(), "for its shard to say");
    });
}

#[test]
fn a_request_that_is_repeated_years_later_named_the_same_time_zone() {
    with_worker(async |worker| {
        let key = IdempotencyKey::parse(b"k").unwrap();
        let make = async |zone: &str, year: u64| {
            let now = Timestamp((year - 1970) * 365 * 86_400_000);
            let limit = UserLimit { limit: 1, per: Per::Day, zone: 0 };
            let zones = vec![time_zone(zone, now).unwrap()];
            let rules = Rules { zones, uses_per_user: Some(limit), ..Rules::default() };
            let mut draft = draft(DraftCodes::Imported);
            draft.rules = Some(Arc::new(rules));
            worker.make_campaign(CALLER, Some(&key), draft).await
        };
        let first = make("Europe/Berlin", 2026).await.unwrap();
        assert!(!first.is_replayed);
        let later = make("Europe/Berlin", 2031).await.unwrap();
        assert!(later.is_replayed && later.record == first.record);
        let other = make("Europe/Vienna", 2026).await.unwrap_err();
        assert!(matches!(other, Error::ControlRefused(control::Refusal::IdempotencyKeyReused)));
    });
}

#[test]
fn a_clock_that_leapt_is_believed_when_an_operator_says_so() {
    with_worker(async |worker| {
        let campaign = make(worker, DraftCodes::Sealed).await;
        let issued = worker.issue(CALLER, None, &campaign, 10).await.unwrap();
        let codes = texts(&issued.codes);
        let redeem = async |place: usize| {
            let code = codes[place].as_str();
            let redemption =
                Redemption { code, user: "ann", metadata: None, amount: None, key: None };
            worker.redeem(CALLER, redemption).await
        };
        assert!(redeem(0).await.is_ok());
        assert!(!worker.believe_clock(CALLER).await.unwrap().leapt);
        let clock = &worker.node().clock;
        let before = clock.now().wall;
        clock.leap(3_600_000);
        let refused = redeem(1).await;
        assert!(matches!(refused, Err(Error::ReadOnly(ReadOnly::ClockLeap))), "{refused:?}");
        let believed = worker.believe_clock(CALLER).await.unwrap();
        assert!(believed.leapt && believed.time.0 >= before.0 + 3_600_000, "{believed:?}");
        let (id, _) = redeem(1).await.unwrap().parts().unwrap();
        assert!(id.at >= believed.time, "it has the time that is believed");
    });
}

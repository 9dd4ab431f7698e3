//! Starts a node in a folder of its own, and ends it again.

use std::sync::Arc;
use std::time::Duration;

use redeemd_actors::core::{Answer, Limits};
use redeemd_actors::directory::place_of;
use redeemd_actors::fatal::Fatal;
use redeemd_actors::ledger_keeper::CommitPolicy;
use redeemd_actors::node::{Node, NodeOptions};
use redeemd_actors::port::Port;
use redeemd_actors::recovery::{Recovered, Sources, recover};
use redeemd_actors::sequence_actor::SnapshotPolicy;
use redeemd_actors::status::Status;
use redeemd_domain::campaign::Window;
use redeemd_domain::codes::{CampaignNumber, CodeKey, Serial};
use redeemd_domain::control::{
    self, Asked, Control, Draft, DraftCodes, Purpose, Secret, SecretName,
};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::{Machine as _, Outcome};
use redeemd_domain::request::{Fingerprint, Request, RequestDigest};
use redeemd_domain::shard::{self, Command, Redeem, Shard};
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::disk::simulated::SimulatedDisk;
use redeemd_persistence::disk::{Disk, RealDisk};
use redeemd_persistence::journal::{self, DirectoryId, Engine, Preparation};
use redeemd_persistence::ledger;

const DIRECTORY: DirectoryId = DirectoryId([5; 16]);
/// The size of the journal's segments.
pub(crate) const SEGMENT_BYTES: u64 = 1 << 20;

pub(crate) struct Harness {
    disk: Arc<dyn Disk>,
    _folder: Option<tempfile::TempDir>,
}

/// A running node and ports to ask it through.
pub(crate) struct TestNode {
    pub(crate) node: Node,
    pub(crate) port: Port<Shard>,
    pub(crate) control: Port<Control>,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { disk: Arc::new(RealDisk::new(folder.path())), _folder: Some(folder) }
    }

    /// On a disk that can be full.
    pub(crate) fn on(disk: &SimulatedDisk) -> Self {
        Self { disk: Arc::new(disk.clone()), _folder: None }
    }

    fn recover(&self) -> Recovered {
        let engine =
            Engine::Segment { segment_bytes: SEGMENT_BYTES, preparation: Preparation::Background };
        let journal = journal::Options {
            minimum_free_bytes: 0,
            reserve_bytes: 0,
            ..journal::Options::new(DIRECTORY, engine)
        };
        recover(Sources {
            disk: Arc::clone(&self.disk),
            directory: DIRECTORY,
            layout: ShardLayout::new(4).unwrap(),
            journal,
            ledger: ledger::Settings::new(DIRECTORY.0, [6; 16]),
        })
        .unwrap()
    }

    /// The digests of all states, as they are brought back.
    pub(crate) fn digests(&self) -> Vec<[u8; 32]> {
        let recovered = self.recover();
        let shards = recovered.shards.iter().map(|shard| shard.machine.digest());
        shards.chain([recovered.control.machine.digest()]).collect()
    }

    /// Of each shard, the last entry and the one at which its snapshot was taken.
    pub(crate) fn snapshots(&self) -> Vec<(u64, u64)> {
        let recovered = self.recover();
        recovered.shards.iter().map(|shard| (shard.machine.last(), shard.snapshot)).collect()
    }

    /// Starts the node, does something with it, and ends it.
    pub(crate) fn run<T>(&self, work: impl AsyncFnOnce(&TestNode) -> T) -> T {
        let recovered = self.recover();
        actix::System::new().block_on(async {
            let status = Arc::new(Status::new(usize::from(recovered.layout.shards()) + 1));
            let fatal = Fatal::new(Arc::clone(&status), || {});
            let options = NodeOptions {
                limits: Limits::default(),
                mailbox_capacity: 1024,
                shard_threads: 2,
                commit_policy: CommitPolicy { interval: Duration::from_millis(20), bytes: 1 << 20 },
                snapshot_policy: SnapshotPolicy {
                    entries: 200,
                    interval: Duration::ZERO,
                    journal_bytes: 0,
                },
            };
            let node = Node::start(recovered, &options, status, &fatal);
            while !node.is_ready() {
                actix::clock::sleep(Duration::from_millis(1)).await;
            }
            let port = Port::open(&node.shard_ports, &node.shards, 4096);
            let control = Port::open(&node.control_ports, &node.control, 64);
            let test_node = TestNode { node, port, control };
            let result = work(&test_node).await;
            test_node.node.finish().await;
            result
        })
    }
}

impl TestNode {
    pub(crate) async fn command(&self, command: control::Command) -> control::Outcome {
        match self.control.perform(0, command).await {
            Answer::Outcome(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Makes a campaign of so many sealed codes and tells every shard.
    pub(crate) async fn make_campaign(
        &self,
        count: u64,
        uses_per_code: Option<u32>,
    ) -> CampaignNumber {
        let asked = Asked { api_key: ApiKeyNumber(1), request: None };
        let name = SecretName { purpose: Purpose::SealingKey, number: 1 };
        self.command(control::Command::AddSecret(Secret { name, enciphered: [1; 40].into() }))
            .await;
        let draft = Draft {
            name: "spring".into(),
            codes: DraftCodes::Sealed,
            rules: None,
            window: Window::default(),
            uses_per_code,
            reward: None,
            metadata: None,
        };
        let made = self.command(control::Command::MakeCampaign { draft, asked }).await;
        let Outcome::Done(made) = made else { panic!("{made:?}") };
        let campaign = made.campaign().unwrap().id.number;
        let issued = self.command(control::Command::Issue { campaign, count, asked }).await;
        let Outcome::Done(issued) = issued else { panic!("{issued:?}") };
        let view = issued.campaign().unwrap().view();
        for place in 0..self.port.places() {
            let told = self.port.perform(place, Command::PutCampaign(view)).await;
            assert!(matches!(told, Answer::Outcome(Outcome::Unchanged)), "{told:?}");
        }
        campaign
    }

    /// How far the clock is behind the times of any sequence.
    pub(crate) fn most_behind_ms(&self) -> u64 {
        let sequences = self.node.status.sequences.iter();
        sequences.map(|one| one.clock_behind_ms.get()).max().unwrap()
    }

    pub(crate) async fn redeem(&self, command: Command) -> shard::Outcome {
        let slot = command.code().unwrap().slot();
        match self.port.perform(place_of(self.node.layout, slot), command).await {
            Answer::Outcome(outcome) => outcome,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn code(campaign: CampaignNumber, serial: u64) -> CodeKey {
    CodeKey::Sealed { campaign, serial: Serial::new(serial).unwrap() }
}

pub(crate) fn redeem(code: CodeKey, user: &str, request: Option<Request>) -> Command {
    let api_key = ApiKeyNumber(1);
    Command::Redeem(Redeem { code, user: user.into(), metadata: None, api_key, request })
}

pub(crate) fn keyed(code: &CodeKey, key: &str) -> Request {
    Request {
        digest: RequestDigest::new(ApiKeyNumber(1), key.as_bytes(), &code.canonical()),
        fingerprint: Fingerprint::new(&[Some(b"body")]),
        searched: 0,
    }
}

//! The node of a data directory in this process, without HTTP.

use std::sync::Arc;
use std::time::Duration;

use redeemd_actors::core::{Answer, Limits};
use redeemd_actors::directory::place_of;
use redeemd_actors::fatal::Fatal;
use redeemd_actors::ledger_keeper::CommitPolicy;
use redeemd_actors::node::{Node, NodeOptions};
use redeemd_actors::port::Port;
use redeemd_actors::recovery::{Sources, recover};
use redeemd_actors::sequence_actor::SnapshotPolicy;
use redeemd_actors::status::Status;
use redeemd_domain::codes::CodeKey;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::shard::{Command, Redeem, Shard};
use redeemd_domain::slot::ShardLayout;
use redeemd_persistence::disk::Disk;
use redeemd_persistence::journal::{self, DirectoryId, Engine, Preparation};
use redeemd_persistence::ledger;

/// The journal's usual engine.
pub(crate) const SEGMENT: Engine =
    Engine::Segment { segment_bytes: 64 << 20, preparation: Preparation::Background };

/// Brings a node back from a disk and starts it; it is ready when this returns. Must be called
/// within an actix system. A snapshot interval of zero leaves snapshots to the number of entries.
pub(crate) async fn start(
    disk: Arc<dyn Disk>,
    directory: DirectoryId,
    layout: ShardLayout,
    engine: Engine,
    snapshot_interval: Duration,
) -> Node {
    let recovered = recover(Sources {
        disk,
        directory,
        layout,
        journal: journal::Options::new(directory, engine),
        ledger: ledger::Settings::new(directory.0, [2; 16]),
    })
    .unwrap();
    let status = Arc::new(Status::new(usize::from(layout.shards()) + 1));
    let fatal = Fatal::new(Arc::clone(&status), || panic!("fatal"));
    let options = NodeOptions {
        limits: Limits::default(),
        mailbox_capacity: 8192,
        shard_threads: 1,
        commit_policy: CommitPolicy { interval: Duration::from_millis(1000), bytes: 8 << 20 },
        snapshot_policy: SnapshotPolicy {
            entries: 500_000,
            interval: snapshot_interval,
            journal_bytes: 1 << 30,
        },
    };
    let node = Node::start(recovered, &options, status, &fatal);
    while !node.is_ready() {
        actix_web::rt::time::sleep(Duration::from_millis(1)).await;
    }
    node
}

/// Asks for a code to be redeemed, plainly.
pub(crate) async fn redeem(
    port: &Port<Shard>,
    layout: ShardLayout,
    code: CodeKey,
    user: &str,
) -> Answer<Shard> {
    let command = Command::Redeem(Redeem {
        code,
        user: user.into(),
        metadata: None,
        api_key: ApiKeyNumber(1),
        request: None,
    });
    port.perform(place_of(layout, code.slot()), command).await
}

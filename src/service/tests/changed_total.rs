//! A campaign's total that is changed while somebody waits for a share of it.

use redeemd_actors::crash_point::CrashPoint;
use redeemd_domain::control::{Changes, RuleChanges};

use super::CALLER;
use super::crash_points::{PATIENCE, campaigns, prepare, redeem, with_worker};

/// What was lent of the former total says nothing of the new one: nobody may be told that it is
/// reached.
#[test]
fn a_total_that_changes_while_a_share_is_brought_is_not_taken_for_reached() {
    for point in [CrashPoint::BasesKnown, CrashPoint::SharesOpened, CrashPoint::ShareGranted] {
        let folder = tempfile::tempdir().unwrap();
        with_worker(folder.path(), async |worker| {
            let stage = prepare(worker).await;
            let crash_points = worker.node().bookkeeping.crash_points.clone();
            crash_points.arm(point);
            let asking = worker.clone();
            let asking = tokio::task::spawn_local(async move {
                redeem(&asking, &stage.total[0], "ann").await.map(drop)
            });
            let reached = tokio::time::timeout(PATIENCE, crash_points.reached()).await;
            assert!(reached.is_ok(), "{point:?} was not reached");
            let campaign = campaigns(worker)[1].id.number;
            let rules = RuleChanges { total_uses: Some(Some(40)), ..RuleChanges::default() };
            let changed = worker
                .change_campaign(CALLER, campaign, None, Changes::default(), Some(rules))
                .await;
            assert!(changed.is_ok(), "{changed:?}");
            crash_points.let_on();
            let redeemed = asking.await.unwrap();
            assert!(redeemed.is_ok(), "{point:?}: {redeemed:?}");
        });
    }
}

//! What ended is known to have ended, however much happened to its code since.

use redeemd_domain::rules::Rules;

use super::*;
use crate::service::{Fate, Holding, Rollback};

/// More than is looked at of one code.
const LATER: usize = 10_001;
const AT_ONCE: usize = 1_000;

#[test]
fn what_ended_is_found_behind_ten_thousand_records_of_its_code() {
    with_worker(async |worker| {
        let rules = Some(Arc::new(Rules::default()));
        let draft = Draft { uses_per_code: None, rules, ..draft(DraftCodes::Sealed) };
        let made = worker.make_campaign(CALLER, None, draft).await.unwrap();
        let campaign = Arc::new(made.record.unwrap().campaign().unwrap().clone());
        let issued = worker.issue(CALLER, None, &campaign, 1).await.unwrap();
        let code = texts(&issued.codes).remove(0);
        let redemption =
            || Redemption { code: &code, user: "ann", metadata: None, amount: None, key: None };
        let hold = async |user: &str| {
            let wish = Holding { code: &code, user, ttl_ms: 60_000, key: None, max_live: u64::MAX };
            worker.hold(CALLER, wish).await.unwrap().hold.id
        };

        let (first, _) = worker.redeem(CALLER, redemption()).await.unwrap().parts().unwrap();
        let wish = Rollback {
            redemption: first,
            amount: None,
            reason: "returned",
            key: None,
            max_age_ms: u64::MAX,
        };
        let undone = worker.roll_back(CALLER, wish).await.unwrap().standing;
        let (released, confirmed) = (hold("bob").await, hold("cyd").await);
        worker.release(CALLER, released).await.unwrap();
        let confirming = Redemption { user: "cyd", ..redemption() };
        let (became, _) = worker.redeem(CALLER, confirming).await.unwrap().parts().unwrap();

        let mut left = LATER;
        while left > 0 {
            let count = left.min(AT_ONCE);
            let batch: Vec<_> = (0..count).map(|_| redemption()).collect();
            let answers = worker.redeem_all(CALLER, &batch).await;
            left -= answers.iter().filter(|answer| answer.is_ok()).count();
        }

        let found = worker.redemption(first).await.unwrap().standing;
        assert!(undone.is_rolled_back && undone.rolled_back_at.is_some());
        assert_eq!((found.is_rolled_back, found.rolled_back_at), (true, undone.rolled_back_at));
        assert_eq!(worker.read_hold(released).await.unwrap().fate, Fate::Released);
        assert_eq!(worker.read_hold(confirmed).await.unwrap().fate, Fate::Confirmed(became));
    });
}

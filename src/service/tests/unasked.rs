//! Claims that are made before the code's shard was asked: what is refused is refused for the same
//! reason as without them, and trying used codes again and again does not fill the journal.

use std::sync::Arc;
use std::time::Duration;

use redeemd_domain::campaign::Campaign;
use redeemd_domain::control::{Draft, DraftCodes};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::rules::{Per, Rules, TimeZone, UserLimit};
use redeemd_domain::shard::{Query, Reply};

use super::{CALLER, draft, texts, with_worker};
use crate::service::asking::reply;
use crate::service::{Error, IdempotencyKey, Redemption, Worker};

/// A campaign that limits each user to so many uses, and its first codes.
async fn make(worker: &Worker, limit: u32, codes: u64) -> Vec<String> {
    let zones = vec![TimeZone::UTC];
    let limit = UserLimit { limit, per: Per::Ever, zone: 0 };
    let rules = Rules { zones, uses_per_user: Some(limit), ..Rules::default() };
    let draft = Draft { rules: Some(rules.into()), ..draft(DraftCodes::Sealed) };
    let made = worker.make_campaign(CALLER, None, draft).await.unwrap();
    let campaign: Arc<Campaign> = Arc::new(made.record.unwrap().campaign().unwrap().clone());
    worker.issue(CALLER, None, &campaign, codes).await.unwrap();
    let campaign = worker.view().control().campaigns().next().unwrap().clone();
    texts(&worker.range(&campaign, 0, codes).unwrap())
}

/// The refusal of a redemption, or whether it repeats an earlier one.
async fn redeem(
    worker: &Worker,
    code: &str,
    user: &str,
    key: Option<&IdempotencyKey>,
) -> Result<bool, Refusal> {
    let redemption = Redemption { code, user, amount: None, metadata: None, key };
    match worker.redeem(CALLER, redemption).await {
        Ok(redeemed) => Ok(redeemed.is_replayed),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error}"),
    }
}

/// How many entries the shards have, once no claim is pending any more.
async fn entries(worker: &Worker) -> u64 {
    let mut entries = 0;
    for place in 0..worker.inner().shards.places() {
        loop {
            let pending = Query::PendingClaims { through: u64::MAX, most: 1 };
            match reply(worker.query(place, pending)).await.unwrap() {
                Reply::PendingClaims(pending) if pending.is_empty() => break,
                _ => actix_web::rt::time::sleep(Duration::from_millis(1)).await,
            }
        }
        match reply(worker.query(place, Query::Progress)).await.unwrap() {
            Reply::Progress { last, .. } => entries += last,
            reply => panic!("{reply:?}"),
        }
    }
    entries
}

#[test]
fn a_claim_made_unasked_changes_no_answer() {
    with_worker(async |worker| {
        let codes = make(worker, 2, 10).await;
        let key = IdempotencyKey::parse(b"once").unwrap();
        assert_eq!(redeem(worker, &codes[0], "ann", Some(&key)).await, Ok(false));
        assert_eq!(redeem(worker, &codes[0], "bob", None).await, Err(Refusal::AlreadyRedeemed));
        assert_eq!(redeem(worker, &codes[0], "ann", Some(&key)).await, Ok(true));
        assert_eq!(redeem(worker, &codes[1], "ann", None).await, Ok(false));
        // What is said of the code comes before what is said of the user.
        assert_eq!(redeem(worker, &codes[0], "ann", None).await, Err(Refusal::AlreadyRedeemed));
        assert_eq!(redeem(worker, &codes[0], "ann", Some(&key)).await, Ok(true));
        assert_eq!(redeem(worker, &codes[2], "ann", None).await, Err(Refusal::UserLimitReached));
        // Nothing was taken from those who were refused.
        assert_eq!(redeem(worker, &codes[2], "bob", None).await, Ok(false));
        assert_eq!(redeem(worker, &codes[3], "bob", None).await, Ok(false));
        assert_eq!(redeem(worker, &codes[4], "bob", None).await, Err(Refusal::UserLimitReached));
    });
}

#[test]
fn used_codes_tried_again_and_again_do_not_fill_the_journal() {
    with_worker(async |worker| {
        let codes = make(worker, 1_000, 100).await;
        for code in &codes[..32] {
            assert_eq!(redeem(worker, code, "ann", None).await, Ok(false));
        }
        let before = entries(worker).await;
        for attempt in 0..3_000 {
            let refused = redeem(worker, &codes[attempt % 32], "bob", None).await;
            assert_eq!(refused, Err(Refusal::AlreadyRedeemed));
        }
        // 1,024 claims at first and four for 32 granted codes, each of them an entry, and so are the
        // attempt that comes with it and its settlement. Some more let the shards forget.
        let wasted = entries(worker).await - before;
        assert!((2..=3 * 1_028 + 100).contains(&wasted), "{wasted} entries");
        // The code's shard is asked first from here on.
        let before = entries(worker).await;
        for attempt in 0..1_000 {
            let refused = redeem(worker, &codes[attempt % 32], "bob", None).await;
            assert_eq!(refused, Err(Refusal::AlreadyRedeemed));
        }
        let wasted = entries(worker).await - before;
        assert!(wasted < 100, "{wasted} entries more");
        // Asking first still redeems, and earns the next one.
        for code in &codes[32..] {
            assert_eq!(redeem(worker, code, "ann", None).await, Ok(false));
        }
    });
}

//! Random histories of the whole life of codes, step by step beside the naive model.

use proptest::prelude::*;
use redeemd_domain::codes::CodeKey;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::{Machine, Outcome};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::request::Request;
use redeemd_domain::shard::{
    Change, Command, Confirm, Event, List, PlaceHold, Redeem, Release, RollBack, Shard, Spend,
    TopUp,
};
use redeemd_domain::timestamp::Timestamp;

use crate::harness::{Harness, request};
use crate::life_history::{Deed, MAX_AGE_MS, PLAIN, Step, history, listed, rules_of, view_of};
use crate::life_model::Model;

const API_KEY: ApiKeyNumber = ApiKeyNumber(1);

/// Lives through a history beside the model; every answer and every sum must be the same.
pub(crate) fn live(steps: &[Step]) -> (Harness<Shard>, Model) {
    let (mut harness, mut model) = (Harness::<Shard>::new(), Model::default());
    for (place, step) in steps.iter().enumerate() {
        take(step, &mut harness, &mut model);
        if place == 1 {
            // Both campaigns are there now.
            let CodeKey::Listed(digest) = listed() else { unreachable!("it is listed") };
            let list = List { campaign: PLAIN, digests: vec![digest], api_key: API_KEY };
            harness.apply(Command::List(list));
        }
        if place > 0 {
            model.check(&harness.machine);
        }
    }
    (harness, model)
}

/// Takes one step with both.
pub(crate) fn take(step: &Step, harness: &mut Harness<Shard>, model: &mut Model) {
    match step {
        Step::Wish { deed, user, key, manner, late } => {
            if !late {
                expire(harness, model);
            }
            let Some(command) = command(deed, user, *key, model) else { return };
            let mut answer = harness.submit(command.clone(), *manner);
            if answer == (Outcome::SearchLedger { through: u64::MAX }) {
                answer = Outcome::Refused(Refusal::IdempotencyKeyReused);
            }
            let at = Timestamp(harness.now).max(harness.machine.time());
            let wanted = model.expect(&command, harness.machine.last(), at);
            assert_eq!(answer, wanted, "{step:?}: {command:?}");
        }
        Step::Put { campaign, uses_per_code, status } => {
            let former = model.views.get(campaign).map_or(0, |view| view.revision.0);
            let view = view_of(*campaign, former + 1, *uses_per_code, *status);
            model.views.insert(*campaign, view);
            harness.apply(match rules_of(*campaign) {
                None => Command::PutCampaign(view),
                Some(rules) => Command::PutRules { view, rules: rules.into() },
            });
        }
        Step::Cover(share) => harness.cover(*share),
        Step::Pass(milliseconds) => harness.now += milliseconds,
    }
}

/// Carries out what is due, in small batches, and once too often.
fn expire(harness: &mut Harness<Shard>, model: &mut Model) {
    let at = Timestamp(harness.now).max(harness.machine.time());
    let due = harness.machine.due(at);
    let is_due = model.holds.iter().any(|hold| hold.is_due(at));
    assert_eq!(!due.is_empty(), is_due, "what is due is said, and nothing else");
    for _ in 0..if is_due { 4 } else { 0 } {
        let outcome = harness.apply(Command::Expire { at_most: 2 });
        match (outcome, model.expire(at, 2)) {
            (Outcome::Unchanged, ended) => assert!(ended.is_empty(), "{ended:?} did not end"),
            (Outcome::Done(record), ended) => assert_eq!(record.event, Event::HoldsExpired(ended)),
            (outcome, _) => panic!("{outcome:?}"),
        }
    }
    assert!(harness.machine.due(at).is_empty() || model.holds.iter().any(|hold| hold.is_due(at)));
}

/// The command of a deed; `None` where it is about something that never was.
fn command(deed: &Deed, user: &str, key: Option<(u8, u8)>, model: &Model) -> Option<Command> {
    let keyed = |name: u8, subject: &[u8]| -> Option<Request> {
        let (key, body) = key?;
        Some(request(key, &[&[name], subject].concat(), body))
    };
    let about = |name, code: &CodeKey| keyed(name, &code.canonical());
    let redeem = |code: CodeKey, user: &str, request| Redeem {
        code,
        user: user.into(),
        metadata: None,
        api_key: API_KEY,
        request,
    };
    let spend = |redeem, amount| Spend { redeem, claim: None, amount };
    let because = || "because".into();
    Some(match deed {
        Deed::Redeem { code, amount: None } => Command::Redeem(redeem(*code, user, about(1, code))),
        Deed::Redeem { code, amount } => {
            Command::Spend(Box::new(spend(redeem(*code, user, about(1, code)), *amount)))
        }
        Deed::Hold { code, ttl_ms } => Command::PlaceHold(Box::new(PlaceHold {
            code: *code,
            user: user.into(),
            ttl_ms: *ttl_ms,
            claim: None,
            api_key: API_KEY,
            request: about(2, code),
        })),
        Deed::Confirm { hold, amount, otherwise } => {
            let (hold, code, user) = pick(hold, &model.placed)?;
            let request = keyed(3, &hold.number.to_le_bytes());
            let spend = spend(redeem(*code, user, request), *amount);
            Command::Confirm(Box::new(Confirm { hold: *hold, spend, otherwise: *otherwise }))
        }
        Deed::Release { hold } => {
            let (hold, code, _) = pick(hold, &model.placed)?;
            Command::Release(Release { hold: *hold, code: *code, api_key: API_KEY })
        }
        Deed::RollBack { redemption, amount } => {
            let redemption = pick(redemption, &model.redemptions)?;
            Command::RollBack(Box::new(RollBack {
                redemption: redemption.id,
                code: redemption.code,
                user: redemption.user.clone(),
                generation: redemption.generation,
                claim: None,
                spent: redemption.spent,
                amount: *amount,
                max_age_ms: MAX_AGE_MS,
                reason: because(),
                api_key: API_KEY,
                request: keyed(4, &redemption.id.number.to_le_bytes()),
            }))
        }
        Deed::TopUp { code, amount } => Command::TopUp(TopUp {
            code: *code,
            amount: *amount,
            reason: because(),
            api_key: API_KEY,
            request: about(5, code),
        }),
        Deed::Revoke(code) => Command::Revoke(Change {
            code: *code,
            reason: because(),
            api_key: API_KEY,
            request: about(6, code),
        }),
        Deed::Restore(code) => Command::Restore(Change {
            code: *code,
            reason: because(),
            api_key: API_KEY,
            request: about(7, code),
        }),
    })
}

/// One of those that there are, the latest more often than not.
fn pick<'a, T>(index: &prop::sample::Index, all: &'a [T]) -> Option<&'a T> {
    let latest = &all[all.len().saturating_sub(4)..];
    let from = if index.index(3) > 0 { latest } else { all };
    (!from.is_empty()).then(|| index.get(from))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_shard_and_a_naive_model_agree_on_the_whole_life_of_codes(
        steps in history(), frame in 1..40usize, snapshot in any::<usize>(),
    ) {
        live(&steps).0.check_replay(frame, snapshot);
    }
}

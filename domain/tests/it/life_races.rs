//! The races of the whole life of a code, each by name and in the order that hurts most.

use redeemd_domain::campaign::Status;
use redeemd_domain::codes::{CampaignNumber, CodeKey};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::Machine;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::request::Request;
use redeemd_domain::shard::{
    Command, Confirm, Event, Extent, Hold, Money, Otherwise, Outcome, PlaceHold, Record, Redeem,
    Release, RollBack, Shard, Spend, Spent,
};
use redeemd_domain::timestamp::Timestamp;

use crate::harness::{Harness, Manner, request};
use crate::life_history::{GIFT, PLAIN, WORTH, rules_of, sealed, view_of};

const API_KEY: ApiKeyNumber = ApiKeyNumber(1);

fn shard(campaign: CampaignNumber, uses_per_code: Option<u32>) -> Harness<Shard> {
    let mut harness = Harness::new();
    put(&mut harness, campaign, 1, uses_per_code);
    harness
}

fn put(harness: &mut Harness<Shard>, campaign: CampaignNumber, revision: u32, uses: Option<u32>) {
    let view = view_of(campaign, revision, uses, Status::Active);
    harness.apply(match rules_of(campaign) {
        None => Command::PutCampaign(view),
        Some(rules) => Command::PutRules { view, rules: rules.into() },
    });
}

fn wish(code: CodeKey, user: &str, request: Option<Request>) -> Redeem {
    Redeem { code, user: user.into(), metadata: None, api_key: API_KEY, request }
}

fn redeem(code: CodeKey, user: &str) -> Command {
    Command::Redeem(wish(code, user, None))
}

fn spend(code: CodeKey, user: &str, amount: u64) -> Command {
    let plain = Spend::plain(wish(code, user, None));
    Command::Spend(Box::new(Spend { amount: Some(amount), ..plain }))
}

fn hold(code: CodeKey, user: &str, ttl_ms: u64) -> Command {
    let user = user.into();
    let (api_key, claim, request) = (API_KEY, None, None);
    Command::PlaceHold(Box::new(PlaceHold { code, user, ttl_ms, claim, api_key, request }))
}

fn confirm(hold: &Hold, otherwise: Otherwise) -> Command {
    let spend = Spend::plain(wish(hold.code, &hold.user, None));
    Command::Confirm(Box::new(Confirm { hold: hold.id, spend, otherwise }))
}

/// The rollback of a redemption by its record.
fn roll_back(record: &Record, amount: Option<u64>) -> Command {
    let (redemption, redeemed) = record.redemption().unwrap();
    let spent = match &record.event {
        Event::Spent(spent) => spent.money.map(|money| money.amount),
        _ => None,
    };
    Command::RollBack(Box::new(RollBack {
        redemption,
        code: redeemed.code,
        user: redeemed.user.clone(),
        generation: redeemed.generation,
        claim: None,
        spent,
        amount,
        max_age_ms: 1_000,
        reason: "returned".into(),
        api_key: API_KEY,
        request: None,
    }))
}

fn done(outcome: Outcome) -> std::sync::Arc<Record> {
    match outcome {
        Outcome::Done(record) => record,
        outcome => panic!("it is not done: {outcome:?}"),
    }
}

fn held(outcome: Outcome) -> Hold {
    match &done(outcome).event {
        Event::HoldPlaced(placed) => placed.hold.clone(),
        event => panic!("it is no hold: {event:?}"),
    }
}

fn uses(harness: &Harness<Shard>, code: &CodeKey) -> u64 {
    harness.machine.find(code).unwrap().1.uses
}

/// What the actor does before it gives a command.
fn expire(harness: &mut Harness<Shard>) {
    let due = harness.machine.due(Timestamp(harness.now));
    assert!(!due.is_empty(), "something is due");
    due.into_iter().for_each(|command| drop(harness.apply(command)));
}

#[test]
fn of_two_rollbacks_in_flight_with_a_redemption_between_them_the_second_does_nothing() {
    let code = sealed(PLAIN, 0);
    for limit in [Some(1), Some(2), None] {
        let mut harness = shard(PLAIN, limit);
        let first = done(harness.apply(redeem(code, "ada")));
        let rollback = roll_back(&first, None);
        // Both are in flight: neither could be refused before the other was applied.
        assert_eq!(harness.machine.foresee(&rollback, Timestamp(1000)), None);
        done(harness.apply(rollback.clone()));
        let second = done(harness.apply(redeem(code, "bob")));
        assert_eq!(harness.apply(rollback), Outcome::Refused(Refusal::AlreadyRolledBack));
        assert_eq!(uses(&harness, &code), 1, "the second redemption stands");
        done(harness.apply(roll_back(&second, None)));
        assert_eq!(uses(&harness, &code), 0);
    }
}

#[test]
fn a_redemption_that_races_with_a_rollback_is_granted_exactly_after_it() {
    let code = sealed(PLAIN, 0);
    for rollback_first in [true, false] {
        let mut harness = shard(PLAIN, Some(1));
        let first = done(harness.apply(redeem(code, "ada")));
        let commands = [roll_back(&first, None), redeem(code, "bob")];
        let [rollback, again] = commands;
        let outcome = if rollback_first {
            done(harness.apply(rollback));
            harness.apply(again)
        } else {
            let outcome = harness.apply(again);
            done(harness.apply(rollback));
            outcome
        };
        let granted = matches!(outcome, Outcome::Done(_));
        assert_eq!((granted, uses(&harness, &code)), (rollback_first, u64::from(rollback_first)));
    }
}

#[test]
fn a_rollback_is_known_again_whatever_the_limit_was_in_between() {
    let code = sealed(PLAIN, 0);
    let mut harness = shard(PLAIN, Some(1));
    let first = done(harness.apply(redeem(code, "ada")));
    done(harness.apply(roll_back(&first, None)));
    put(&mut harness, PLAIN, 2, Some(3));
    let second = done(harness.apply(redeem(code, "bob")));
    let third = done(harness.apply(redeem(code, "cyd")));
    done(harness.apply(roll_back(&second, None)));
    put(&mut harness, PLAIN, 3, Some(1));
    for undone in [&first, &second] {
        let again = harness.apply(roll_back(undone, None));
        assert_eq!(again, Outcome::Refused(Refusal::AlreadyRolledBack));
    }
    done(harness.apply(roll_back(&third, None)));
    assert_eq!(uses(&harness, &code), 0);
}

#[test]
fn a_rollback_may_be_too_late() {
    let code = sealed(PLAIN, 0);
    let mut harness = shard(PLAIN, Some(1));
    let first = done(harness.apply(redeem(code, "ada")));
    harness.now += 1_001;
    let late = harness.submit(roll_back(&first, None), Manner::default());
    assert_eq!(late, Outcome::Refused(Refusal::RollbackTooLate));
    harness.now -= 1;
    assert_eq!(uses(&harness, &code), 1);
}

#[test]
fn a_late_retry_of_a_key_after_its_redemption_was_rolled_back_gets_its_first_answer() {
    let code = sealed(PLAIN, 0);
    let mut harness = shard(PLAIN, Some(1));
    let keyed = Command::Redeem(wish(code, "ada", Some(request(1, b"code", 1))));
    let first = done(harness.apply(keyed.clone()));
    done(harness.apply(roll_back(&first, None)));
    assert_eq!(harness.submit(keyed.clone(), Manner::default()), Outcome::Replayed(first.clone()));
    harness.cover(255);
    harness.apply(Command::Advance);
    assert_eq!(harness.machine.remembered(), 0, "the shard has forgotten it");
    let manner = Manner { early: true, overtaken: true };
    assert_eq!(harness.submit(keyed, manner), Outcome::Replayed(first));
    assert_eq!(uses(&harness, &code), 0, "it redeemed nothing");
}

#[test]
fn a_users_own_hold_never_stands_in_that_users_way() {
    let code = sealed(PLAIN, 0);
    let mut harness = shard(PLAIN, Some(1));
    let first = held(harness.apply(hold(code, "ada", 100)));
    let refused = Outcome::Refused(Refusal::CodeHeld);
    assert_eq!(harness.apply(redeem(code, "bob")), refused);
    assert_eq!(harness.apply(hold(code, "bob", 100)), refused);
    harness.now += 50;
    let again = held(harness.apply(hold(code, "ada", 100)));
    assert_eq!((again.id, again.expires_at), (first.id, Timestamp(1150)), "it is prolonged");
    let shorter = held(harness.apply(hold(code, "ada", 1)));
    assert_eq!(shorter, again, "and never shortened");
    let redeemed = done(harness.apply(redeem(code, "ada")));
    let Event::Spent(spent) = &redeemed.event else { panic!("{redeemed:?}") };
    assert_eq!(spent.hold, Some(first.id.number), "the redemption used the hold up");
    assert_eq!((harness.machine.held(), uses(&harness, &code)), (0, 1));
    let ended = Outcome::Refused(Refusal::HoldEnded);
    assert_eq!(harness.apply(confirm(&first, Otherwise::Refuse)), ended);
    let release = Release { hold: first.id, code, api_key: API_KEY };
    assert_eq!(harness.apply(Command::Release(release)), ended);
}

#[test]
fn a_confirmation_after_the_end_is_refused_unless_it_may_take_a_free_code() {
    let code = sealed(PLAIN, 0);
    for (taken, otherwise, wanted) in [
        (false, Otherwise::Refuse, Some(Refusal::HoldEnded)),
        (false, Otherwise::TakeIfFree, None),
        (true, Otherwise::Refuse, Some(Refusal::HoldEnded)),
        (true, Otherwise::TakeIfFree, Some(Refusal::AlreadyRedeemed)),
    ] {
        let mut harness = shard(PLAIN, Some(1));
        let held = held(harness.apply(hold(code, "ada", 100)));
        harness.now += 100;
        expire(&mut harness);
        assert_eq!(harness.machine.held(), 0);
        if taken {
            done(harness.apply(redeem(code, "bob")));
        }
        let outcome = harness.submit(confirm(&held, otherwise), Manner::default());
        match (outcome, wanted) {
            (Outcome::Done(_), None) => assert_eq!(uses(&harness, &code), 1),
            (outcome, Some(refusal)) => assert_eq!(outcome, Outcome::Refused(refusal)),
            (outcome, None) => panic!("{outcome:?}"),
        }
    }
}

#[test]
fn a_hold_is_over_at_its_end_even_where_no_entry_has_ended_it_yet() {
    let code = sealed(PLAIN, 0);
    let mut harness = shard(PLAIN, Some(1));
    let late = held(harness.apply(hold(code, "ada", 100)));
    harness.now += 100;
    let now = Timestamp(harness.now);
    let refused = harness.machine.foresee(&redeem(code, "bob"), now);
    assert_eq!(refused, None, "foresight knows that the hold will have ended");
    let outcome = harness.apply(confirm(&late, Otherwise::Refuse));
    assert_eq!(outcome, Outcome::Refused(Refusal::HoldEnded));
    expire(&mut harness);
    done(harness.apply(redeem(code, "bob")));
}

#[test]
fn a_gift_card_that_two_spend_at_once_is_never_overspent() {
    let code = sealed(GIFT, 0);
    let mut harness = shard(GIFT, None);
    let wishes = [spend(code, "ada", 70), spend(code, "bob", 70)];
    for wish in &wishes {
        assert_eq!(harness.machine.foresee(wish, Timestamp(1000)), None, "both are in flight");
    }
    let [first, second] = wishes.map(|wish| harness.apply(wish));
    let first = done(first);
    assert_eq!(second, Outcome::Refused(Refusal::InsufficientBalance));
    let Event::Spent(spent) = &first.event else { panic!("{first:?}") };
    assert_eq!(spent.money, Some(Money { amount: 70, left: WORTH - 70 }));
    done(harness.apply(redeem(code, "cyd")));
    assert_eq!(harness.machine.balance(&code), Some(0));
    let empty = harness.apply(redeem(code, "cyd"));
    assert_eq!(empty, Outcome::Refused(Refusal::InsufficientBalance));
}

#[test]
fn money_comes_back_in_parts_and_then_with_the_use() {
    let code = sealed(GIFT, 0);
    let mut harness = shard(GIFT, Some(1));
    let spent = done(harness.apply(spend(code, "ada", 70)));
    let part = done(harness.apply(roll_back(&spent, Some(30))));
    let extent = |record: &Record| match &record.event {
        Event::RolledBack(rolled_back) => rolled_back.extent,
        event => panic!("{event:?}"),
    };
    assert_eq!(extent(&part), Extent::Part { returned: 30 });
    assert_eq!((uses(&harness, &code), harness.machine.balance(&code)), (1, Some(60)));
    let too_much = harness.apply(roll_back(&spent, Some(41)));
    assert_eq!(too_much, Outcome::Refused(Refusal::InsufficientBalance));
    let rest = done(harness.apply(roll_back(&spent, Some(40))));
    assert_eq!(extent(&rest), Extent::Whole, "what reaches the whole amount is the whole rollback");
    assert_eq!((uses(&harness, &code), harness.machine.balance(&code)), (0, Some(WORTH)));
    let again = harness.apply(roll_back(&spent, Some(1)));
    assert_eq!(again, Outcome::Refused(Refusal::AlreadyRolledBack));
}

#[test]
fn a_confirmed_hold_spends_what_it_says() {
    let code = sealed(GIFT, 0);
    let mut harness = shard(GIFT, None);
    let held = held(harness.apply(hold(code, "ada", 100)));
    let spend = Spend { amount: Some(60), ..Spend::plain(wish(code, "ada", None)) };
    let otherwise = Otherwise::Refuse;
    let record = done(harness.apply(Command::Confirm(Box::new(Confirm {
        hold: held.id,
        spend,
        otherwise,
    }))));
    let Event::Spent(spent) = &record.event else { panic!("{record:?}") };
    let Spent { money, hold, .. } = &**spent;
    assert_eq!((*money, *hold), (Some(Money { amount: 60, left: 40 }), Some(held.id.number)));
}

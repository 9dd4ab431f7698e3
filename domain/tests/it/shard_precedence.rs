//! Which refusal is given where several hold: every pair that can hold at once, in the order of
//! the interface's description.

use redeemd_domain::campaign::{CampaignView, Revision, Status, Terms, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Digest, Serial};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::{Machine, Outcome};
use redeemd_domain::refusal::Refusal::{self, *};
use redeemd_domain::rules::{Balance, Currency, Rules};
use redeemd_domain::shard::{Command, PlaceHold, Shard, Spend};
use redeemd_domain::slot::Slot;
use redeemd_domain::timestamp::Timestamp;

use crate::harness::{Harness, Manner};
use crate::shard_history::{Deed, command, list};

/// The order that clients rely on, written down a second time on purpose.
const ORDER: [Refusal; 17] = [
    IdempotencyKeyReused,
    InvalidCode,
    AmountNotTaken,
    AlreadyRolledBack,
    RollbackTooLate,
    HoldEnded,
    Revoked,
    NotYetValid,
    Expired,
    CampaignArchived,
    CampaignPaused,
    AlreadyRedeemed,
    CodeHeld,
    UserLimitReached,
    CampaignLimitReached,
    InsufficientBalance,
    AmountTooLarge,
];

/// Those that a wish to redeem can meet in one shard; no shard alone can tell of the limits that
/// span codes.
fn of_redemptions() -> Vec<Refusal> {
    let others = [
        AlreadyRolledBack,
        RollbackTooLate,
        HoldEnded,
        UserLimitReached,
        CampaignLimitReached,
        AmountTooLarge,
    ];
    ORDER.into_iter().filter(|refusal| !others.contains(refusal)).collect()
}

const CAMPAIGN: CampaignNumber = CampaignNumber(7);

/// Pairs of which at most one can hold of one code at one time.
fn exclude_each_other(one: Refusal, other: Refusal) -> bool {
    // A window that ends before it begins is refused when a campaign is made, a campaign has one
    // status, and nothing can be said of a code that does not exist but about the request.
    // An amount is not taken where there is no balance.
    let pairs = [
        (NotYetValid, Expired),
        (CampaignArchived, CampaignPaused),
        (AmountNotTaken, InsufficientBalance),
    ];
    pairs.contains(&(one, other)) || one == InvalidCode
}

fn sealed() -> CodeKey {
    let serial = Serial::at(Slot::new(400).unwrap(), CAMPAIGN, 2).unwrap();
    CodeKey::Sealed { campaign: CAMPAIGN, serial }
}

fn listed() -> CodeKey {
    let [first, second] = (400_u16 << 6).to_be_bytes();
    let mut bytes = [9; 16];
    (bytes[0], bytes[1]) = (first, second);
    CodeKey::Listed(Digest::from_bytes(bytes))
}

fn put(view: CampaignView, has_balance: bool) -> Command {
    let balance = Balance { currency: Currency::parse("EUR").unwrap(), minor_units: 10 };
    let rules = has_balance.then(|| Rules { balance: Some(balance), ..Rules::default() });
    Command::put(Terms { view, rules: rules.map(Into::into) })
}

fn view(revision: u32) -> CampaignView {
    CampaignView {
        number: CAMPAIGN,
        revision: Revision(revision),
        status: Status::Active,
        window: Window::default(),
        uses_per_code: None,
        issued: 10_000,
    }
}

fn hold(code: CodeKey, user: &str) -> Command {
    let (user, api_key) = (user.into(), ApiKeyNumber(1));
    let place = PlaceHold { code, user, ttl_ms: 9, claim: None, api_key, request: None };
    Command::PlaceHold(Box::new(place))
}

/// A shard in which all of these refusals hold of the code at 1000.
fn where_all_hold(code: CodeKey, refusals: &[Refusal]) -> Harness<Shard> {
    let holds = |refusal| refusals.contains(&refusal);
    let mut harness = Harness::<Shard>::new();
    if holds(InvalidCode) {
        return harness;
    }
    harness.apply(put(view(1), holds(InsufficientBalance)));
    if let CodeKey::Listed(digest) = code {
        harness.apply(list(CAMPAIGN.0, vec![digest]));
    }
    for user in ["bob", "cyd"].into_iter().filter(|_| holds(CodeHeld)) {
        harness.apply(hold(code, user));
    }
    if holds(IdempotencyKeyReused) {
        harness.apply(command(Deed::Redeem, code, Some((1, 2))));
    }
    if holds(AlreadyRedeemed) || holds(InsufficientBalance) {
        harness.apply(command(Deed::Redeem, code, None));
    }
    if holds(Revoked) {
        harness.apply(command(Deed::Revoke, code, None));
    }
    let status = match () {
        () if holds(CampaignArchived) => Status::Archived,
        () if holds(CampaignPaused) => Status::Paused,
        () => Status::Active,
    };
    let starts_at = holds(NotYetValid).then_some(Timestamp(1001));
    let expires_at = holds(Expired).then_some(Timestamp(1000));
    let window = Window { starts_at, expires_at };
    let used = harness.machine.find(&code).unwrap().1.uses as u32;
    let uses_per_code = match () {
        () if holds(AlreadyRedeemed) => Some(used),
        () if holds(CodeHeld) => Some(used + 2),
        () => None,
    };
    let changed = CampaignView { status, window, uses_per_code, ..view(2) };
    harness.apply(put(changed, holds(InsufficientBalance)));
    harness
}

/// A wish to redeem a code, for an amount where that is what cannot be taken.
fn wish(code: CodeKey, refusals: &[Refusal]) -> Command {
    match command(Deed::Redeem, code, Some((1, 1))) {
        Command::Redeem(redeem) if refusals.contains(&AmountNotTaken) => {
            Command::Spend(Box::new(Spend { amount: Some(1), ..Spend::plain(redeem) }))
        }
        plain => plain,
    }
}

fn assert_refused(code: CodeKey, refusals: &[Refusal], expected: Refusal) {
    let mut harness = where_all_hold(code, refusals);
    let before = harness.machine.digest();
    let wish = wish(code, refusals);
    let foreseen = harness.machine.foresee(&wish, Timestamp(1000));
    assert_eq!(foreseen, Some(Outcome::Refused(expected)), "{refusals:?} of {code:?}");
    assert_eq!(harness.machine.digest(), before);
    if ![IdempotencyKeyReused, AmountNotTaken].contains(&expected) {
        let validated = harness.machine.validate(&code, None, Timestamp(1000));
        assert_eq!(validated.err(), Some(expected), "{refusals:?} of {code:?}");
    }
    let outcome = harness.submit(wish, Manner::default());
    assert_eq!(outcome, Outcome::Refused(expected), "{refusals:?} of {code:?}");
}

#[test]
fn the_order_is_the_documented_one() {
    assert_eq!(Refusal::ALL, ORDER);
    assert!(ORDER.is_sorted());
}

#[test]
fn each_refusal_is_given_where_it_alone_holds() {
    for code in [sealed(), listed()] {
        for refusal in of_redemptions() {
            assert_refused(code, &[refusal], refusal);
        }
    }
}

#[test]
fn of_every_two_refusals_the_earlier_is_given() {
    let mut pairs = 0;
    let order = of_redemptions();
    for (place, &earlier) in order.iter().enumerate() {
        for &later in order.iter().skip(place + 1) {
            // A key that was reused was answered, so its code exists.
            let impossible = (earlier, later) == (IdempotencyKeyReused, InvalidCode);
            if impossible || exclude_each_other(earlier, later) {
                continue;
            }
            pairs += 1;
            for code in [sealed(), listed()] {
                assert_refused(code, &[earlier, later], earlier);
            }
        }
    }
    assert_eq!(pairs, 55 - 1 - 9 - 3);
}

#[test]
fn of_all_refusals_at_once_the_first_is_given() {
    let mut all = vec![
        IdempotencyKeyReused,
        Revoked,
        Expired,
        CampaignPaused,
        AlreadyRedeemed,
        CodeHeld,
        InsufficientBalance,
    ];
    while let Some(&first) = all.first() {
        assert_refused(sealed(), &all, first);
        all.remove(0);
    }
}

#[test]
fn a_replay_precedes_every_refusal() {
    for code in [sealed(), listed()] {
        let all = [Revoked, Expired, CampaignArchived, AlreadyRedeemed, IdempotencyKeyReused];
        let mut harness = where_all_hold(code, &all);
        let first = harness.outcomes.iter().find_map(|outcome| match outcome {
            Outcome::Done(record) if record.request.is_some() => Some(record.clone()),
            _ => None,
        });
        let first = first.unwrap();
        let again = command(Deed::Redeem, code, Some((1, 2)));
        let wanted = Outcome::Replayed(first);
        assert_eq!(harness.machine.foresee(&again, Timestamp(1000)).as_ref(), Some(&wanted));
        assert_eq!(harness.submit(again.clone(), Manner::default()), wanted);
        harness.cover(255);
        assert_eq!(harness.submit(again, Manner { overtaken: true, ..Manner::default() }), wanted);
        assert_eq!(harness.machine.remembered(), 0);
    }
}

#[test]
fn a_window_includes_its_first_moment_and_excludes_its_last() {
    let (starts_at, expires_at) = (Some(Timestamp(10)), Some(Timestamp(20)));
    let mut harness = Harness::<Shard>::new();
    harness.now = 0;
    harness.apply(put(CampaignView { window: Window { starts_at, expires_at }, ..view(1) }, false));
    let validate = |at| harness.machine.validate(&sealed(), None, Timestamp(at)).err();
    let outcomes = [9, 10, 19, 20].map(validate);
    assert_eq!(outcomes, [Some(NotYetValid), None, None, Some(Expired)]);
}

#[test]
fn revoking_and_restoring_refuse_only_what_does_not_exist() {
    let everything = [Expired, CampaignArchived, AlreadyRedeemed];
    for code in [sealed(), listed()] {
        for deed in [Deed::Revoke, Deed::Restore] {
            let mut unknown = where_all_hold(code, &[InvalidCode]);
            assert_eq!(unknown.apply(command(deed, code, None)), Outcome::Refused(InvalidCode));
        }
        let mut harness = where_all_hold(code, &everything);
        let deeds = [Deed::Restore, Deed::Revoke, Deed::Revoke, Deed::Restore, Deed::Restore];
        let changed =
            deeds.map(|deed| matches!(harness.apply(command(deed, code, None)), Outcome::Done(_)));
        assert_eq!(changed, [false, true, false, true, false]);
        let reused =
            [command(Deed::Revoke, code, Some((1, 1))), command(Deed::Revoke, code, Some((1, 2)))];
        let [first, second] = reused.map(|command| harness.apply(command));
        assert!(matches!(first, Outcome::Done(_)));
        assert_eq!(second, Outcome::Refused(IdempotencyKeyReused));
    }
}

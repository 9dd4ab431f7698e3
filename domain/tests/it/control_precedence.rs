//! Which refusal of the control sequence is given where several hold.

use redeemd_domain::campaign::{MAX_ISSUED, MAX_SKIPPED, Revision, Status, Window};
use redeemd_domain::codes::{CampaignNumber, Pattern};
use redeemd_domain::control::{
    Asked, Changes, Command, Control, Draft, DraftCodes, Import, NewApiKey, Outcome, Purpose,
    Refusal, Remarks, Role, Secret, SecretName,
};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::timestamp::Timestamp;

use crate::harness::{Harness, request};

/// Asks with key 1, which was used with another body where `reused`.
fn asked(route: u8) -> Asked {
    Asked { api_key: ApiKeyNumber(1), request: Some(request(1, &[route], 1)) }
}

fn unkeyed() -> Asked {
    Asked { api_key: ApiKeyNumber(1), request: None }
}

fn draft(codes: DraftCodes, window: Window) -> Draft {
    let (reward, metadata) = (None, None);
    Draft { name: "n".into(), codes, rules: None, window, uses_per_code: Some(1), reward, metadata }
}

/// The codes of campaign 3: a hundred million possible ones, of which a hundred may be issued; all
/// of them if they may be guessable.
fn pattern(allow_guessable: bool) -> DraftCodes {
    let pattern = Pattern::new("A-########", "0123456789").unwrap();
    DraftCodes::Pattern { pattern, allow_guessable }
}

/// Campaign 1 has sealed codes, 2 imported ones, 3 a pattern, 4 one that may be guessable; all are
/// archived where `archived`.
fn control(archived: bool) -> Harness<Control> {
    let mut harness = Harness::<Control>::new();
    for purpose in [Purpose::SealingKey, Purpose::Pepper, Purpose::PatternKey] {
        let name = SecretName { purpose, number: 1 };
        harness.apply(Command::AddSecret(Secret { name, enciphered: Box::new([1]) }));
    }
    for codes in [DraftCodes::Sealed, DraftCodes::Imported, pattern(false), pattern(true)] {
        let draft = draft(codes, Window::default());
        harness.apply(Command::MakeCampaign { draft, asked: unkeyed() });
    }
    for campaign in (1..=4).map(CampaignNumber).filter(|_| archived) {
        harness.apply(Command::SetStatus { campaign, status: Status::Archived, asked: unkeyed() });
    }
    harness
}

fn change(campaign: u32, edition: u32, empty: bool, asked: Asked) -> Command {
    let window = empty.then_some(Some(Timestamp(5)));
    let changes = Changes { starts_at: window, expires_at: window, ..Changes::default() };
    let (campaign, edition) = (CampaignNumber(campaign), Some(Revision(edition)));
    Command::ChangeCampaign { campaign, edition, changes, asked }
}

fn issue(campaign: u32, count: u64, asked: Asked) -> Command {
    Command::Issue { campaign: CampaignNumber(campaign), count, asked }
}

fn issue_pattern(campaign: u32, first: u64, span: u64, skipped: &[u64]) -> Command {
    let (campaign, skipped, asked) = (CampaignNumber(campaign), skipped.to_vec(), unkeyed());
    Command::IssuePattern { campaign, first, span, skipped, asked }
}

fn record_import(campaign: u32, asked: Asked) -> Command {
    let import = Import { imported: 1, ..Import::default() };
    Command::RecordImport { campaign: CampaignNumber(campaign), import, asked }
}

fn keep_import(campaign: u32, asked: Asked) -> Command {
    let (import, remarks) = (Import { imported: 1, ..Import::default() }, Remarks::default());
    Command::KeepImport { campaign: CampaignNumber(campaign), import, remarks, asked }
}

fn status(campaign: u32, status: Status, asked: Asked) -> Command {
    Command::SetStatus { campaign: CampaignNumber(campaign), status, asked }
}

fn let_in(byte: u8, role: Role, asked: Asked) -> Command {
    Command::LetIn { key: NewApiKey { digest: [byte; 32], role, name: "n".into() }, asked }
}

fn shut_out(number: u32) -> Command {
    Command::ShutOut { api_key: ApiKeyNumber(number), asked: unkeyed() }
}

#[test]
fn the_last_admin_key_is_not_shut_out() {
    let mut harness = control(false);
    for (byte, role) in [(1, Role::Admin), (2, Role::Issuer), (3, Role::Admin)] {
        let Outcome::Done(record) = harness.apply(let_in(byte, role, unkeyed())) else {
            panic!("it is let in")
        };
        assert_eq!(record.api_key, ApiKeyNumber(1), "who asked is on record");
    }
    let exists = Outcome::Refused(Refusal::AlreadyExists);
    assert_eq!(harness.apply(let_in(3, Role::Admin, unkeyed())), exists);
    for number in [0, 4] {
        assert_eq!(harness.apply(shut_out(number)), Outcome::Refused(Refusal::NotFound));
    }
    assert!(matches!(harness.apply(shut_out(1)), Outcome::Done(_)));
    assert_eq!(harness.apply(shut_out(1)), Outcome::Unchanged, "it is shut out already");
    assert_eq!(harness.apply(shut_out(3)), Outcome::Refused(Refusal::LastAdminKey));
    assert!(matches!(harness.apply(shut_out(2)), Outcome::Done(_)), "no admin key");
    harness.apply(let_in(4, Role::Admin, unkeyed()));
    assert!(matches!(harness.apply(shut_out(3)), Outcome::Done(_)));
    let revoked: Vec<_> = harness.machine.api_keys().map(|key| key.revoked).collect();
    assert_eq!(revoked, [true, true, true, false]);
}

#[test]
fn the_earlier_refusal_is_given() {
    const STALE: u32 = 9;
    let many: Vec<u64> = (0..=MAX_SKIPPED as u64).collect();
    let table = [
        // (archived, command, refusal): all that could be refused later is wrong as well.
        (true, change(9, STALE, true, unkeyed()), Refusal::NotFound),
        (true, change(1, STALE, true, unkeyed()), Refusal::EditionChanged),
        (true, change(1, 2, true, unkeyed()), Refusal::CampaignArchived),
        (false, change(1, STALE, true, unkeyed()), Refusal::EditionChanged),
        (false, change(1, 1, true, unkeyed()), Refusal::EmptyWindow),
        (true, issue(9, MAX_ISSUED + 1, unkeyed()), Refusal::NotFound),
        (true, issue(2, MAX_ISSUED + 1, unkeyed()), Refusal::CampaignArchived),
        (true, issue(1, MAX_ISSUED + 1, unkeyed()), Refusal::CampaignArchived),
        (false, issue(2, MAX_ISSUED + 1, unkeyed()), Refusal::CodesNotGenerated),
        (false, issue(1, MAX_ISSUED + 1, unkeyed()), Refusal::TooManyCodes),
        (false, issue(1, u64::MAX, unkeyed()), Refusal::TooManyCodes),
        (false, issue(3, MAX_ISSUED + 1, unkeyed()), Refusal::CodesNotGenerated),
        (true, issue_pattern(9, 1, u64::MAX, &[9]), Refusal::NotFound),
        (true, issue_pattern(1, 1, u64::MAX, &[9]), Refusal::CampaignArchived),
        (true, issue_pattern(3, 1, u64::MAX, &[9]), Refusal::CampaignArchived),
        (false, issue_pattern(1, 1, u64::MAX, &[9]), Refusal::CodesNotGenerated),
        (false, issue_pattern(2, 1, u64::MAX, &[9]), Refusal::CodesNotGenerated),
        (false, issue_pattern(3, 1, MAX_ISSUED, &[]), Refusal::IndicesNotNext),
        (false, issue_pattern(3, 1, u64::MAX, &[]), Refusal::IndicesNotNext),
        (false, issue_pattern(3, 0, 200, &[200]), Refusal::IndicesNotNext),
        (false, issue_pattern(3, 0, 200, &[7, 7]), Refusal::IndicesNotNext),
        (false, issue_pattern(3, 0, 200, &[7, 6]), Refusal::IndicesNotNext),
        (false, issue_pattern(3, 0, 101, &[]), Refusal::PatternTooSmall),
        (false, issue_pattern(3, 0, 102, &[5]), Refusal::PatternTooSmall),
        (false, issue_pattern(4, 0, 100_000_001, &[]), Refusal::PatternTooSmall),
        (false, issue_pattern(4, 0, 100_000_000, &many), Refusal::TooManySkipped),
        (true, record_import(9, unkeyed()), Refusal::NotFound),
        (true, record_import(1, unkeyed()), Refusal::CodesNotImported),
        (false, record_import(3, unkeyed()), Refusal::CodesNotImported),
        (true, keep_import(9, unkeyed()), Refusal::NotFound),
        (true, keep_import(1, unkeyed()), Refusal::CodesNotImported),
        (true, status(9, Status::Active, unkeyed()), Refusal::NotFound),
        (true, status(1, Status::Active, unkeyed()), Refusal::CampaignArchived),
        (true, status(1, Status::Paused, unkeyed()), Refusal::CampaignArchived),
    ];
    for (archived, command, refusal) in table {
        let mut harness = control(archived);
        let outcome = harness.apply(command.clone());
        assert_eq!(outcome, Outcome::Refused(refusal), "{command:?}");
    }
}

#[test]
fn a_reused_key_and_a_replay_precede_everything() {
    let routes = [
        (change(1, 1, false, asked(1)), change(9, 9, true, asked(1))),
        (issue(1, 5, asked(2)), issue(9, u64::MAX, asked(2))),
        (status(1, Status::Paused, asked(3)), status(9, Status::Active, asked(3))),
        (let_in(1, Role::Admin, asked(4)), let_in(1, Role::Public, asked(4))),
        (record_import(2, asked(5)), record_import(9, asked(5))),
        (keep_import(2, asked(6)), keep_import(9, asked(6))),
    ];
    for (mut first, mut wrong) in routes {
        if let Command::ChangeCampaign { changes, .. } = &mut first {
            changes.name = Some("other".into());
        }
        let mut harness = control(false);
        let Outcome::Done(record) = harness.apply(first) else { panic!("the first is done") };
        harness.apply(status(1, Status::Archived, unkeyed()));
        let replayed = Outcome::Replayed(record);
        assert_eq!(harness.apply(wrong.clone()), replayed);
        assert_eq!(harness.submit(wrong.clone(), Default::default()), replayed);
        if let Command::ChangeCampaign { asked, .. }
        | Command::Issue { asked, .. }
        | Command::SetStatus { asked, .. }
        | Command::LetIn { asked, .. }
        | Command::RecordImport { asked, .. }
        | Command::KeepImport { asked, .. } = &mut wrong
            && let Some(request) = &mut asked.request
        {
            request.fingerprint.0[0] ^= 1;
        }
        let reused = Outcome::Refused(Refusal::IdempotencyKeyReused);
        assert_eq!(harness.apply(wrong), reused);
    }
}

#[test]
fn what_is_so_already_changes_nothing() {
    let mut harness = control(false);
    let before = sections_but_the_head(&harness);
    assert_eq!(harness.apply(change(1, 1, false, asked(1))), Outcome::Unchanged);
    assert_eq!(harness.apply(status(1, Status::Active, asked(2))), Outcome::Unchanged);
    assert_eq!(sections_but_the_head(&harness), before);
    let mut harness = control(true);
    assert_eq!(harness.apply(status(1, Status::Archived, asked(2))), Outcome::Unchanged);
}

#[test]
fn as_many_codes_of_a_pattern_are_issued_as_nobody_can_guess() {
    let mut harness = control(false);
    for (first, span, skipped) in [(0, 60, &[3, 59][..]), (60, 41, &[]), (101, 1, &[])] {
        let outcome = harness.apply(issue_pattern(3, first, span, skipped));
        assert!(matches!(outcome, Outcome::Done(_)), "{first}: {outcome:?}");
    }
    let campaign = harness.machine.campaign(CampaignNumber(3)).unwrap().clone();
    assert_eq!((campaign.issued, campaign.issued_from(0)), (102, 100));
    assert_eq!([3, 4, 59, 60].map(|first| campaign.issued_from(first)), [97, 97, 42, 42]);
    let full = Outcome::Refused(Refusal::PatternTooSmall);
    assert_eq!(harness.apply(issue_pattern(3, 102, 1, &[])), full);
    assert_eq!(harness.apply(issue_pattern(3, 102, 0, &[])), Outcome::Unchanged);
    assert!(matches!(harness.apply(issue_pattern(3, 102, 1, &[102])), Outcome::Done(_)));
}

#[test]
fn a_pattern_needs_its_keys_and_enough_codes() {
    let mut harness = Harness::<Control>::new();
    let refused = |harness: &mut Harness<Control>, codes, window| {
        let draft = draft(codes, window);
        match harness.apply(Command::MakeCampaign { draft, asked: unkeyed() }) {
            Outcome::Refused(refusal) => refusal,
            outcome => panic!("{outcome:?}"),
        }
    };
    let empty = Window { starts_at: Some(Timestamp(5)), expires_at: Some(Timestamp(5)) };
    let pattern_of = |text, allow_guessable| DraftCodes::Pattern {
        pattern: Pattern::new(text, "0123456789").unwrap(),
        allow_guessable,
    };
    let small = pattern_of("#####", false);
    assert_eq!(refused(&mut harness, small.clone(), empty), Refusal::EmptyWindow);
    assert_eq!(refused(&mut harness, small, Window::default()), Refusal::PatternTooSmall);
    let guessable = pattern_of("#####", true);
    for purpose in [Purpose::Pepper, Purpose::PatternKey] {
        let refusal = refused(&mut harness, guessable.clone(), Window::default());
        assert_eq!(refusal, Refusal::NoPatternKey);
        let name = SecretName { purpose, number: 1 };
        harness.apply(Command::AddSecret(Secret { name, enciphered: Box::new([1]) }));
    }
    let draft = draft(guessable, Window::default());
    let outcome = harness.apply(Command::MakeCampaign { draft, asked: unkeyed() });
    assert!(matches!(outcome, Outcome::Done(_)));
}

fn sections_but_the_head(harness: &Harness<Control>) -> Vec<Vec<u8>> {
    crate::harness::sections(&harness.machine).split_off(1)
}

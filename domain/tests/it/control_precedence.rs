//! Which refusal of the control sequence is given where several hold.

use redeemd_domain::campaign::{MAX_ISSUED, Revision, Status, Window};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::control::{
    Asked, Changes, Command, Control, Draft, DraftCodes, NewApiKey, Outcome, Purpose, Refusal,
    Role, Secret, SecretName,
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
    Draft { name: "n".into(), codes, window, uses_per_code: Some(1), reward, metadata }
}

/// Campaign 1 has sealed codes, 2 imported ones; both are archived where `archived`.
fn control(archived: bool) -> Harness<Control> {
    let mut harness = Harness::<Control>::new();
    let name = SecretName { purpose: Purpose::SealingKey, number: 1 };
    harness.apply(Command::AddSecret(Secret { name, enciphered: Box::new([1]) }));
    for codes in [DraftCodes::Sealed, DraftCodes::Imported] {
        let draft = draft(codes, Window::default());
        harness.apply(Command::MakeCampaign { draft, asked: unkeyed() });
    }
    for campaign in [CampaignNumber(1), CampaignNumber(2)].into_iter().filter(|_| archived) {
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
    let table = [
        // (archived, command, refusal): all that could be refused later is wrong as well.
        (true, change(3, STALE, true, unkeyed()), Refusal::NotFound),
        (true, change(1, STALE, true, unkeyed()), Refusal::EditionChanged),
        (true, change(1, 2, true, unkeyed()), Refusal::CampaignArchived),
        (false, change(1, STALE, true, unkeyed()), Refusal::EditionChanged),
        (false, change(1, 1, true, unkeyed()), Refusal::EmptyWindow),
        (true, issue(3, MAX_ISSUED + 1, unkeyed()), Refusal::NotFound),
        (true, issue(2, MAX_ISSUED + 1, unkeyed()), Refusal::CampaignArchived),
        (true, issue(1, MAX_ISSUED + 1, unkeyed()), Refusal::CampaignArchived),
        (false, issue(2, MAX_ISSUED + 1, unkeyed()), Refusal::CodesNotGenerated),
        (false, issue(1, MAX_ISSUED + 1, unkeyed()), Refusal::TooManyCodes),
        (false, issue(1, u64::MAX, unkeyed()), Refusal::TooManyCodes),
        (true, status(3, Status::Active, unkeyed()), Refusal::NotFound),
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
        | Command::LetIn { asked, .. } = &mut wrong
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

fn sections_but_the_head(harness: &Harness<Control>) -> Vec<Vec<u8>> {
    crate::harness::sections(&harness.machine).split_off(1)
}

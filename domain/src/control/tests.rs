//! What is hard to reach through the public interface: where numbers and rewards end.

use std::sync::Arc;

use super::{
    Asked, Changes, Command, Control, Draft, DraftCodes, MAX_API_KEYS, NewApiKey, Outcome, Purpose,
    Refusal, Role, Secret, SecretName,
};
use crate::campaign::{MAX_REWARDS, Window};
use crate::codes::CampaignNumber;
use crate::entry::Entry;
use crate::machine::Machine;
use crate::timestamp::Timestamp;

fn make(control: &mut Control, codes: DraftCodes, window: Window) -> Outcome {
    let draft = Draft {
        name: "last".into(),
        codes,
        rules: None,
        window,
        uses_per_code: Some(1),
        reward: None,
        metadata: None,
    };
    let command = Command::MakeCampaign {
        draft,
        asked: Asked { api_key: Default::default(), request: None },
    };
    control.apply(Entry { number: control.last() + 1, at: Timestamp(1), covered: 0, command })
}

#[test]
fn campaign_numbers_end_and_other_refusals_come_first() {
    let mut control = Control::new();
    let Outcome::Done(record) = make(&mut control, DraftCodes::Imported, Window::default()) else {
        panic!("the first campaign is made")
    };
    let mut last = record.campaign().unwrap().clone();
    last.id.number = CampaignNumber(u32::MAX);
    control.campaigns.insert(last.id.number, Arc::new(last));

    let empty = Window { starts_at: Some(Timestamp(2)), expires_at: Some(Timestamp(2)) };
    let wanted = [
        (DraftCodes::Sealed, empty, Refusal::EmptyWindow),
        (DraftCodes::Sealed, Window::default(), Refusal::NoSealingKey),
        (DraftCodes::Imported, Window::default(), Refusal::TooManyCampaigns),
    ];
    for (codes, window, refusal) in wanted {
        assert_eq!(make(&mut control, codes, window), Outcome::Refused(refusal));
    }
    let name = SecretName { purpose: Purpose::SealingKey, number: 1 };
    let command = Command::AddSecret(Secret { name, enciphered: Box::new([1]) });
    let entry = Entry { number: control.last() + 1, at: Timestamp(1), covered: 0, command };
    assert!(matches!(control.apply(entry), Outcome::Done(_)));
    let outcome = make(&mut control, DraftCodes::Sealed, Window::default());
    assert_eq!(outcome, Outcome::Refused(Refusal::TooManyCampaigns));
}

#[test]
fn api_keys_end() {
    let mut control = Control::new();
    let mut apply = |command| {
        let number = control.last() + 1;
        control.apply(Entry { number, at: Timestamp(1), covered: 0, command })
    };
    let key = |number: usize| {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_le_bytes());
        NewApiKey { digest, role: Role::Admin, name: "a".into() }
    };
    let asked = Asked { api_key: Default::default(), request: None };
    for number in 0..MAX_API_KEYS {
        let outcome = apply(Command::LetIn { key: key(number), asked });
        assert!(matches!(outcome, Outcome::Done(_)));
    }
    // Also where the key exists.
    for number in [MAX_API_KEYS, 0] {
        let outcome = apply(Command::LetIn { key: key(number), asked });
        assert_eq!(outcome, Outcome::Refused(Refusal::TooManyApiKeys));
    }
    // What the server's own command means was fixed before there was a limit.
    assert!(matches!(apply(Command::AddApiKey(key(MAX_API_KEYS))), Outcome::Done(_)));
}

#[test]
fn a_campaign_keeps_so_many_rewards_and_no_more() {
    let mut control = Control::new();
    assert!(matches!(
        make(&mut control, DraftCodes::Imported, Window::default()),
        Outcome::Done(_)
    ));
    let mut outcome = Outcome::Unchanged;
    for change in 1..=MAX_REWARDS {
        let reward = Some(Some(format!("{{\"gift\":{change}}}").into()));
        let command = Command::ChangeCampaign {
            campaign: CampaignNumber(1),
            edition: None,
            changes: Changes { reward, ..Changes::default() },
            asked: Asked { api_key: Default::default(), request: None },
        };
        let number = control.last() + 1;
        outcome = control.apply(Entry { number, at: Timestamp(1), covered: 0, command });
        assert_eq!(matches!(outcome, Outcome::Done(_)), change < MAX_REWARDS);
    }
    assert_eq!(outcome, Outcome::Refused(Refusal::TooManyRewards));
}

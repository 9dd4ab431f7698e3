//! When the ledger has to be searched for a request, to the very entry.

use redeemd_domain::campaign::{CampaignView, Revision, Status, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Serial};
use redeemd_domain::control::{self, Asked, Control, Draft, DraftCodes};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::machine::{Machine, Outcome};
use redeemd_domain::shard::{Command, Shard};

use crate::harness::{Harness, Subject, request};
use crate::shard_history::{Deed, command};

const CAMPAIGN: CampaignNumber = CampaignNumber(384);

fn code(serial: u64) -> CodeKey {
    CodeKey::Sealed { campaign: CAMPAIGN, serial: Serial::new(serial).unwrap() }
}

fn shard(uses_per_code: Option<u32>) -> Harness<Shard> {
    let mut harness = Harness::new();
    harness.apply(Command::PutCampaign(CampaignView {
        number: CAMPAIGN,
        revision: Revision(1),
        status: Status::Active,
        window: Window::default(),
        uses_per_code,
        issued: 100,
    }));
    harness
}

/// Carries out a keyed command and lets it be forgotten, and nothing beyond it. It must then be
/// searched for, and what was searched up to the entry before it was not searched for far enough.
fn assert_searched_to_the_entry<M: Subject>(mut harness: Harness<M>, command: M::Command) {
    let Outcome::Done(record) = harness.apply(command.clone()) else { panic!("it is done") };
    let number = harness.machine.last();
    assert_eq!(harness.apply(command.clone()), Outcome::Replayed(record));
    harness.covered = number - 1;
    harness.apply(M::advance());
    assert!(matches!(harness.apply(command.clone()), Outcome::Replayed(_)), "not yet forgotten");
    harness.covered = number;
    harness.apply(M::advance());
    let again = Outcome::SearchLedger { through: number };
    for searched in [0, number - 1] {
        let mut command = command.clone();
        M::set_searched(&mut command, searched);
        let now = harness.machine.time();
        assert_eq!(harness.machine.foresee(&command, now).as_ref(), Some(&again), "{searched}");
        assert_eq!(harness.apply(command), again, "{searched}");
    }
    let mut command = command;
    M::set_searched(&mut command, number);
    let outcome = harness.apply(command);
    assert!(!matches!(outcome, Outcome::SearchLedger { .. }), "{outcome:?}");
}

#[test]
fn a_search_counts_only_as_far_as_it_went() {
    for uses_per_code in [Some(1), Some(3), None] {
        let redeem = command(Deed::Redeem, code(0), Some((1, 1)));
        assert_searched_to_the_entry(shard(uses_per_code), redeem);
    }
    assert_searched_to_the_entry(shard(None), command(Deed::Revoke, code(0), Some((1, 1))));
    let draft = Draft {
        name: "n".into(),
        codes: DraftCodes::Imported,
        rules: None,
        window: Window::default(),
        uses_per_code: None,
        reward: None,
        metadata: None,
    };
    let asked = Asked { api_key: ApiKeyNumber(1), request: Some(request(1, b"make", 1)) };
    let make = control::Command::MakeCampaign { draft, asked };
    assert_searched_to_the_entry(Harness::<Control>::new(), make);
}

#[test]
fn a_code_that_was_never_redeemed_needs_no_search() {
    let mut harness = shard(Some(1));
    harness.apply(command(Deed::Redeem, code(0), None));
    harness.apply(command(Deed::Revoke, code(1), None));
    harness.apply(command(Deed::Restore, code(1), None));
    harness.cover(255);
    harness.apply(Command::Advance);
    assert_eq!(harness.machine.forgotten(), 4);
    let outcome = harness.apply(command(Deed::Redeem, code(1), Some((1, 1))));
    assert!(matches!(outcome, Outcome::Done(_)));
    let outcome = harness.apply(command(Deed::Redeem, code(0), Some((1, 1))));
    assert_eq!(outcome, Outcome::SearchLedger { through: 4 });
}

//! What was undone never was: equal states have equal encodings, whatever led to them.

use proptest::prelude::*;
use redeemd_domain::campaign::{Revision, Status, Window};
use redeemd_domain::codes::CodeKey;
use redeemd_domain::shard::{Command, Outcome, Shard};

use crate::harness::{Harness, Manner, sections};
use crate::shard_history::{Deed, Rules, Step, code, command, history, list, next_view};

/// A command of a step, as it comes to a shard that knows no more than what is applied.
fn commands(step: &Step, revision: &mut u32) -> Option<Command> {
    match step {
        Step::OnCode { deed, code, key, .. } => Some(command(*deed, *code, *key)),
        Step::Put { campaign, rules, .. } => {
            *revision += 1;
            let view = next_view(*campaign, None, &Rules { issue: 4000, ..*rules });
            Some(Command::PutCampaign(redeemd_domain::campaign::CampaignView {
                revision: Revision(*revision),
                ..view
            }))
        }
        Step::List { campaign, digests } => Some(list(*campaign, digests.clone())),
        Step::Cover(_) | Step::Pass(_) | Step::SetBack(_) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn revoking_and_restoring_leaves_no_trace(
        steps in history(), undone in proptest::collection::vec((code(), any::<prop::sample::Index>()), 1..6),
    ) {
        let (mut plain, mut busy) = (Harness::<Shard>::new(), Harness::<Shard>::new());
        let mut revision = 0;
        let places: Vec<_> = undone.iter().map(|(_, place)| place.index(steps.len())).collect();
        for (place, step) in steps.iter().enumerate() {
            if let Some(command) = commands(step, &mut revision) {
                prop_assert_eq!(plain.apply(command.clone()), busy.apply(command));
            }
            for ((code, _), _) in undone.iter().zip(&places).filter(|(_, at)| **at == place) {
                undo(&mut busy, code);
                plain.apply(Command::Advance);
                plain.apply(Command::Advance);
            }
        }
        prop_assert_eq!(sections(&plain.machine), sections(&busy.machine));
    }
}

/// Revokes and restores a code, or, where it is revoked already, does nothing twice.
fn undo(harness: &mut Harness<Shard>, code: &CodeKey) {
    let revoked = harness.machine.find(code).is_some_and(|(_, state)| state.revoked);
    let deeds = if revoked { [Deed::Revoke, Deed::Revoke] } else { [Deed::Revoke, Deed::Restore] };
    for deed in deeds {
        harness.apply(command(deed, *code, None));
    }
}

#[test]
fn a_redemption_after_a_restored_revocation_is_an_ordinary_one() {
    let code = CodeKey::Sealed {
        campaign: redeemd_domain::codes::CampaignNumber(384),
        serial: redeemd_domain::codes::Serial::new(1024).unwrap(),
    };
    let rules = Rules {
        status: Status::Active,
        window: Window::default(),
        uses_per_code: Some(1),
        issue: 2000,
    };
    let put = Command::PutCampaign(next_view(384, None, &rules));
    let [advance, redeem] = [Command::Advance, command(Deed::Redeem, code, None)];
    let [revoke, restore] = [Deed::Revoke, Deed::Restore].map(|deed| command(deed, code, None));
    let histories =
        [[put.clone(), advance.clone(), advance, redeem.clone()], [put, revoke, restore, redeem]];
    let digests = histories.map(|commands| {
        let mut harness = Harness::<Shard>::new();
        let mut last = Outcome::Unchanged;
        for command in commands {
            last = harness.submit(command, Manner::default());
        }
        assert!(matches!(last, Outcome::Done(_)));
        redeemd_domain::machine::Machine::digest(&harness.machine)
    });
    assert_eq!(digests[0], digests[1]);
}

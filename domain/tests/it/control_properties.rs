//! Random histories of the control sequence, step by step beside the naive model.

use std::collections::HashSet;

use proptest::prelude::*;
use redeemd_domain::campaign::Revision;
use redeemd_domain::control::{Command, Control, Event, Outcome, Refusal};
use redeemd_domain::shard::{self, Shard};

use crate::control_history::{Step, aim, history, set_edition};
use crate::control_model::Model;
use crate::harness::Harness;

/// Lives through a history beside the model; every answer must be the same.
pub(crate) fn live(steps: &[Step]) -> Harness<Control> {
    let (mut harness, mut model) = (Harness::<Control>::new(), Model::default());
    let mut shard = Harness::<Shard>::new();
    for step in steps {
        match step.clone() {
            Step::Do { mut command, behind, manner } => {
                let present = edition(&harness.machine, &command);
                set_edition(&mut command, present, behind);
                aim(&mut command, &harness.machine);
                let mut answer = harness.submit(command.clone(), manner);
                if answer == (Outcome::SearchLedger { through: u64::MAX }) {
                    answer = Outcome::Refused(Refusal::IdempotencyKeyReused);
                }
                model.check(&command, &answer);
            }
            Step::Cover(share) => harness.cover(share),
            Step::Pass(milliseconds) => harness.now += milliseconds,
            Step::Tell { at_most } => tell(&harness.machine, &mut shard, at_most),
        }
        model.check_state(&harness.machine);
    }
    tell(&harness.machine, &mut shard, usize::MAX);
    assert_eq!(harness.machine.missing_in(&shard.machine).count(), 0);
    harness
}

fn edition(control: &Control, command: &Command) -> Revision {
    let (Command::ChangeCampaign { campaign, .. } | Command::ChangeRules { campaign, .. }) =
        command
    else {
        return Revision(0);
    };
    control.campaign(*campaign).map_or(Revision(0), |campaign| campaign.edition)
}

/// Tells a shard of what it does not know, of at most so many campaigns.
fn tell(control: &Control, shard: &mut Harness<Shard>, at_most: usize) {
    let missing: Vec<_> = control.missing_in(&shard.machine).collect();
    for campaign in control.campaigns() {
        let known = shard.machine.campaign(campaign.id.number).map(|known| known.view);
        assert_eq!(missing.contains(&campaign.terms()), known != Some(campaign.view()));
    }
    for terms in missing.into_iter().take(at_most) {
        let view = terms.view;
        shard.apply(shard::Command::put(terms));
        let known = shard.machine.campaign(view.number).map(|known| known.view);
        assert_eq!(known, Some(view));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn control_and_a_naive_model_agree_and_a_replay_agrees_with_both(
        steps in history(), frame in 1..40usize, snapshot in any::<usize>(),
    ) {
        let harness = live(&steps);
        harness.check_replay(frame, snapshot);
        check_records(&harness);
    }
}

/// Ranges of serials follow each other without a gap, and no number is given out twice.
fn check_records(harness: &Harness<Control>) {
    let mut made = HashSet::new();
    let mut next_serial = std::collections::HashMap::new();
    for outcome in &harness.outcomes {
        let Outcome::Done(record) = outcome else { continue };
        match &record.event {
            Event::CampaignMade(campaign) => {
                assert_eq!(campaign.id.at, record.at);
                assert!(made.insert(campaign.id.number), "a number was given out twice");
                assert_eq!(campaign.id.number.0 as usize, made.len());
            }
            Event::Issued { campaign, first, count } => {
                let next = next_serial.entry(campaign.id.number).or_insert(0);
                assert_eq!(first, next, "ranges overlap or leave a gap");
                *next += count;
                assert_eq!(campaign.issued, *next);
            }
            Event::PatternIssued { campaign, first, span } => {
                let next = next_serial.entry(campaign.id.number).or_insert(0);
                assert_eq!(first, next, "indices overlap or leave a gap");
                *next += span;
                assert_eq!(campaign.issued, *next);
                assert_eq!(campaign.view().issued, 0, "shards know no serials of a pattern");
            }
            _ => {}
        }
    }
}

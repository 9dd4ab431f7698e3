//! Random histories of a shard, step by step beside the naive model, and what must hold of them.

use proptest::prelude::*;
use redeemd_domain::machine::Machine;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::shard::{Command, Outcome, Shard};
use redeemd_domain::timestamp::Timestamp;

use crate::harness::{Harness, Manner};
use crate::shard_history::{Step, command, history, list, next_view};
use crate::shard_model::Model;

/// Lives through a history beside the model; every answer must be the same.
pub(crate) fn live(steps: &[Step]) -> (Harness<Shard>, Model) {
    let (mut harness, mut model) = (Harness::<Shard>::new(), Model::default());
    for step in steps {
        take(step, &mut harness, &mut model);
        model.check(&harness.machine);
    }
    (harness, model)
}

fn take(step: &Step, harness: &mut Harness<Shard>, model: &mut Model) {
    match step.clone() {
        Step::OnCode { deed, code, key, manner } => {
            let command = command(deed, code, key);
            let mut answer = harness.submit(command.clone(), manner);
            if answer == (Outcome::SearchLedger { through: u64::MAX }) {
                answer = Outcome::Refused(Refusal::IdempotencyKeyReused);
            }
            let at = Timestamp(harness.now).max(harness.machine.time());
            let wanted = model.on_code(deed, command, harness.machine.last(), at.0);
            assert_eq!(answer, wanted, "{step:?}");
        }
        Step::Put { campaign, rules, stale } => {
            let former = harness.machine.campaign(campaign_number(campaign));
            let mut view = next_view(campaign, former.map(|former| former.view), &rules);
            if stale {
                view.revision.0 = view.revision.0.saturating_sub(1).max(1);
            }
            assert_eq!(harness.apply(Command::PutCampaign(view)), Outcome::Unchanged);
            model.put(view);
        }
        Step::List { campaign, digests } => {
            let outcome = harness.submit(list(campaign, digests.clone()), Manner::default());
            match (outcome, model.list(campaign, &digests)) {
                (Outcome::Done(record), Ok(event)) => assert_eq!(record.event, event),
                (Outcome::Refused(refusal), Err(wanted)) => assert_eq!(refusal, wanted),
                (outcome, wanted) => panic!("{outcome:?} instead of {wanted:?}"),
            }
        }
        Step::Cover(share) => harness.cover(share),
        Step::Pass(milliseconds) => harness.now += milliseconds,
        Step::SetBack(milliseconds) => harness.now -= milliseconds.min(harness.now),
    }
}

fn campaign_number(number: u32) -> redeemd_domain::codes::CampaignNumber {
    redeemd_domain::codes::CampaignNumber(number)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_shard_and_a_naive_model_agree_and_a_replay_agrees_with_both(
        steps in history(), frame in 1..40usize, snapshot in any::<usize>(),
    ) {
        let (harness, _) = live(&steps);
        harness.check_replay(frame, snapshot);
    }
}

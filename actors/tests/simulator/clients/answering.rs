//! What becomes of an answer that a client was given, by kind of machine.

use std::sync::Arc;

use redeemd_domain::campaign::Campaign;
use redeemd_domain::control::{self, Control};
use redeemd_domain::refusal::Refusal;
use redeemd_domain::request::RequestDigest;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{self, Event, Extent, Placing, Shard};

use super::Clients;
use crate::oracle::Modelled;
use crate::world::World;

/// What the clients must know of each kind of machine.
pub(super) trait Answering: Modelled {
    /// An answer was given: it stands from now on.
    fn given(
        clients: &mut Clients,
        world: &mut World,
        sequence: SequenceId,
        record: &Arc<Self::Record>,
    );

    /// The number of the record that answers a request.
    fn answer_to(world: &World, sequence: SequenceId, digest: &RequestDigest) -> Option<u64>;

    /// What the trace calls a refusal.
    fn name(refusal: Self::Refusal) -> &'static str;
}

impl Answering for Shard {
    fn given(
        clients: &mut Clients,
        world: &mut World,
        sequence: SequenceId,
        record: &Arc<shard::Record>,
    ) {
        clients.stands(sequence, record.request.map(|(digest, _)| digest), record.number);
        world.trace.note(happened(&record.event), record.number, 0);
        let history = &world.shards[sequence.index() - 1].history;
        assert_eq!(history.record(record.number), Some(record), "an answer is not what happened");
        clients.given.shard.push((sequence, Arc::clone(record)));
    }

    fn answer_to(world: &World, sequence: SequenceId, digest: &RequestDigest) -> Option<u64> {
        let history = &world.shards[sequence.index() - 1].history;
        history.answer_to(digest).map(|record| record.number)
    }

    fn name(refusal: Refusal) -> &'static str {
        match refusal {
            Refusal::IdempotencyKeyReused => "key reused",
            Refusal::InvalidCode => "invalid code",
            Refusal::Revoked => "revoked",
            Refusal::NotYetValid => "not yet valid",
            Refusal::Expired => "expired",
            Refusal::CampaignArchived => "archived",
            Refusal::CampaignPaused => "paused",
            Refusal::AlreadyRedeemed => "already redeemed",
            Refusal::AmountNotTaken => "amount not taken",
            Refusal::AlreadyRolledBack => "already rolled back",
            Refusal::RollbackTooLate => "rollback too late",
            Refusal::HoldEnded => "hold ended",
            Refusal::CodeHeld => "code held",
            Refusal::UserLimitReached | Refusal::CampaignLimitReached => {
                unreachable!("no shard alone can tell")
            }
            Refusal::InsufficientBalance => "insufficient balance",
            Refusal::AmountTooLarge => "amount too large",
        }
    }
}

/// What the trace calls an event.
fn happened(event: &Event) -> &'static str {
    match event {
        Event::Redeemed(_) => "redeemed",
        Event::Spent(spent) if spent.hold.is_some() => "hold became redemption",
        Event::Spent(spent) if spent.money.is_some() => "money spent",
        Event::Spent(_) => "redeemed under rules",
        Event::Revoked(_) | Event::Restored(_) => "marked",
        Event::Listed { .. } => "listed",
        Event::RolledBack(undone) if undone.extent == Extent::Whole => "rolled back",
        Event::RolledBack(_) => "rolled back in part",
        Event::HoldPlaced(placed) if placed.placing == Placing::New => "hold placed",
        Event::HoldPlaced(_) => "hold prolonged",
        Event::HoldReleased(_) => "hold released",
        Event::HoldsExpired(_) => "holds expired",
        Event::ToppedUp(_) => "topped up",
    }
}

impl Answering for Control {
    fn given(
        clients: &mut Clients,
        world: &mut World,
        sequence: SequenceId,
        record: &Arc<control::Record>,
    ) {
        clients.stands(sequence, record.request.map(|(digest, _)| digest), record.number);
        let history = &world.control.history;
        assert_eq!(history.record(record.number), Some(record), "an answer is not what happened");
        clients.given.control.push(Arc::clone(record));
        // As it is by now, not as it became then.
        let number = record.campaign().map(|campaign| campaign.id.number.0 as usize);
        let campaign = number.map(|number| &history.model().campaigns()[number - 1]);
        if let Some(terms) = campaign.map(Campaign::terms) {
            world.spread(&terms);
        }
    }

    fn answer_to(world: &World, _: SequenceId, digest: &RequestDigest) -> Option<u64> {
        world.control.history.answer_to(digest).map(|record| record.number)
    }

    fn name(_: control::Refusal) -> &'static str {
        "control refused"
    }
}

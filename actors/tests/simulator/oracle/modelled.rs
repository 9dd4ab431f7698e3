//! What the oracle must know of each kind of machine.

use redeemd_actors::core::Answer;
use redeemd_actors::ledger_record;
use redeemd_actors::sequenced::Sequenced;
use redeemd_domain::control::{self, Control};
use redeemd_domain::machine::Outcome;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::request::Request;
use redeemd_domain::sequence::SequenceId;
use redeemd_domain::shard::{self, Shard};
use redeemd_domain::slot::ShardLayout;
use redeemd_domain::timestamp::Timestamp;

use super::control_model::ControlModel;
use super::shard_model::ShardModel;
use crate::attempts::AttemptId;

/// An answer on its way to whoever asked.
#[derive(Debug)]
pub(crate) enum ClientAnswer {
    /// Of a shard.
    Shard(Answer<Shard>),
    /// Of the control sequence.
    Control(Answer<Control>),
}

/// The number and the time under which a command is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) moment: Moment,
}

/// When a command is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// By its entry.
    Entry,
    /// Before it has one. What is due happens before the entry does.
    Foresight,
}

/// A machine of which the oracle has a model.
pub(crate) trait Modelled: Sequenced {
    /// The model: it knows nothing of requests, snapshots or forgetting.
    type Model: std::fmt::Debug;

    /// The model of a sequence before its first entry.
    fn model(layout: ShardLayout, sequence: SequenceId) -> Self::Model;

    /// The attempt that a command carries.
    fn attempt(command: &Self::Command) -> Option<AttemptId>;

    /// Whether somebody waits for the command's answer.
    fn is_awaited(command: &Self::Command) -> bool;

    /// The request of a command.
    fn request(command: &Self::Command) -> Option<Request>;

    /// What must come of a command even before it is looked whether it was answered before.
    fn foremost(model: &Self::Model, command: &Self::Command) -> Option<Outcome<Self>>;

    /// What must come of a command that was never answered before.
    fn judge(model: &Self::Model, command: &Self::Command, stamp: Stamp) -> Outcome<Self>;

    /// The refusal of a request whose key was used with another body.
    fn reused() -> Outcome<Self>;

    /// Whether a command with a request that the machine has forgotten must be looked for in the
    /// ledger.
    fn must_be_searched(model: &Self::Model, command: &Self::Command) -> bool;

    /// Takes in what came of a command.
    fn absorb(
        model: &mut Self::Model,
        command: &Self::Command,
        at: Timestamp,
        outcome: &Outcome<Self>,
    );

    /// The same question once more.
    fn copy_query(query: &Self::Query) -> Self::Query;

    /// Whether a reply is right at a time.
    fn check_reply(model: &Self::Model, query: &Self::Query, reply: &Self::Reply, at: Timestamp);

    /// Whether a machine says the same of everything as the model.
    fn compare(model: &Self::Model, machine: &Self);

    /// Reads what the ledger holds.
    fn read_record(bytes: &[u8]) -> Self::Record;

    /// The answer in its envelope.
    fn envelope(answer: Answer<Self>) -> ClientAnswer;
}

impl Modelled for Shard {
    type Model = ShardModel;

    fn model(layout: ShardLayout, sequence: SequenceId) -> ShardModel {
        ShardModel::new(layout, sequence)
    }

    fn foremost(model: &ShardModel, command: &shard::Command) -> Option<Outcome<Self>> {
        model.foremost(command)
    }

    fn attempt(command: &shard::Command) -> Option<AttemptId> {
        let api_key = match command {
            shard::Command::Redeem(redeem) => redeem.api_key,
            shard::Command::Spend(spend) => spend.redeem.api_key,
            shard::Command::Revoke(change) | shard::Command::Restore(change) => change.api_key,
            shard::Command::List(list) => list.api_key,
            shard::Command::Advance
            | shard::Command::PutCampaign(_)
            | shard::Command::PutRules { .. }
            | shard::Command::Expire { .. }
            | shard::Command::ClaimUse(_)
            | shard::Command::Settle(_)
            | shard::Command::Forbid(_)
            | shard::Command::GiveBack(_)
            | shard::Command::Delivered { .. }
            | shard::Command::TakeShare { .. }
            | shard::Command::ReturnShare { .. } => return None,
            shard::Command::RollBack(roll_back) => roll_back.api_key,
            shard::Command::PlaceHold(place) => place.api_key,
            shard::Command::Confirm(confirm) => confirm.spend.redeem.api_key,
            shard::Command::Release(release) => release.api_key,
            shard::Command::TopUp(top_up) => top_up.api_key,
        };
        Some(AttemptId(api_key.0))
    }

    fn is_awaited(command: &shard::Command) -> bool {
        !matches!(command, shard::Command::Advance | shard::Command::Expire { .. })
    }

    fn request(command: &shard::Command) -> Option<Request> {
        command.request().copied()
    }

    fn judge(model: &ShardModel, command: &shard::Command, stamp: Stamp) -> Outcome<Self> {
        model.judge(command, stamp)
    }

    fn reused() -> Outcome<Self> {
        Outcome::Refused(Refusal::IdempotencyKeyReused)
    }

    fn must_be_searched(model: &ShardModel, command: &shard::Command) -> bool {
        model.must_be_searched(command)
    }

    fn absorb(
        model: &mut ShardModel,
        command: &shard::Command,
        at: Timestamp,
        outcome: &Outcome<Self>,
    ) {
        model.absorb(command, at, outcome);
    }

    fn copy_query(query: &shard::Query) -> shard::Query {
        query.clone()
    }

    fn check_reply(model: &ShardModel, query: &shard::Query, reply: &shard::Reply, at: Timestamp) {
        model.check_reply(query, reply, at);
    }

    fn compare(model: &ShardModel, machine: &Self) {
        model.compare(machine);
    }

    fn read_record(bytes: &[u8]) -> shard::Record {
        ledger_record::decode_shard(bytes).expect("the ledger has a shard's record")
    }

    fn envelope(answer: Answer<Self>) -> ClientAnswer {
        ClientAnswer::Shard(answer)
    }
}

impl Modelled for Control {
    type Model = ControlModel;

    fn model(_: ShardLayout, _: SequenceId) -> ControlModel {
        ControlModel::default()
    }

    fn foremost(_: &ControlModel, _: &control::Command) -> Option<Outcome<Self>> {
        None
    }

    fn attempt(command: &control::Command) -> Option<AttemptId> {
        command.asked().map(|asked| AttemptId(asked.api_key.0))
    }

    fn is_awaited(command: &control::Command) -> bool {
        !matches!(command, control::Command::Advance)
    }

    fn request(command: &control::Command) -> Option<Request> {
        command.asked().and_then(|asked| asked.request)
    }

    fn judge(model: &ControlModel, command: &control::Command, stamp: Stamp) -> Outcome<Self> {
        model.judge(command, stamp)
    }

    fn reused() -> Outcome<Self> {
        Outcome::Refused(control::Refusal::IdempotencyKeyReused)
    }

    fn must_be_searched(_: &ControlModel, _: &control::Command) -> bool {
        true
    }

    fn absorb(
        model: &mut ControlModel,
        command: &control::Command,
        _: Timestamp,
        outcome: &Outcome<Self>,
    ) {
        model.absorb(command, outcome);
    }

    fn copy_query(query: &std::convert::Infallible) -> std::convert::Infallible {
        *query
    }

    fn check_reply(
        _: &ControlModel,
        query: &std::convert::Infallible,
        _: &std::convert::Infallible,
        _: Timestamp,
    ) {
        match *query {}
    }

    fn compare(model: &ControlModel, machine: &Self) {
        model.compare(machine);
    }

    fn read_record(bytes: &[u8]) -> control::Record {
        ledger_record::decode_control(bytes).expect("the ledger has a record of control")
    }

    fn envelope(answer: Answer<Self>) -> ClientAnswer {
        ClientAnswer::Control(answer)
    }
}

//! How the bookkeeping of limits that span codes meets the world: its questions travel like all
//! others, and so do their answers. Now and then one of its messages arrives a second time, late.

use redeemd_actors::core::{Ask, Token};
use redeemd_domain::codes::{CampaignNumber, CodeKey};
use redeemd_domain::control;
use redeemd_domain::machine::Machine as _;
use redeemd_domain::shard::{Claim, Command, Fate};

use super::World;
use super::clerk::{Clerk, MakingUp};
use crate::dice::Dice as _;
use crate::oracle::ClientAnswer;
use crate::station::BOOKS;

/// How many messages are remembered, to be repeated.
const REMEMBERED: usize = 40;

/// The ticket of a repeated message, whose answer nobody awaits.
const NOBODY: u64 = 0;

/// A message of the bookkeeping that was sent.
#[derive(Clone, Debug)]
pub(super) enum Message {
    ToShard(u16, Command),
    ToControl(control::Command),
}

impl World {
    /// Lets the bookkeeping do what it can, and sends what it asks.
    pub(crate) fn keep_books(&mut self) -> bool {
        let Some(mut clerk) = self.clerk.take() else { return false };
        self.show_status(&clerk);
        let making_up = if self.spreads.is_empty() { clerk.make_up() } else { MakingUp::NotBegun };
        let heard = self.bring_answers(&clerk);
        clerk.turn(self.now.monotonic_ms);
        let (shards, control) = clerk.asked();
        let mut told = Vec::new();
        while let Some(lent) = clerk.lent() {
            told.push(lent);
        }
        self.clerk = Some(clerk);
        self.watch_waiters();
        for (ticket, lent) in told {
            self.check_lent(ticket, lent);
            self.lent.push_back((ticket, lent));
        }
        if making_up == MakingUp::Done && !self.is_ready {
            self.check_made_up();
            self.is_ready = true;
        }
        let has_any = heard || !shards.is_empty() || !control.is_empty();
        for asked in shards {
            let (shard, ticket) = (asked.place as u16, asked.ticket);
            if let Ask::Insist(command) = &asked.ask {
                self.note_message(shard, command);
                self.remember(Message::ToShard(shard, command.clone()));
            }
            self.send_to_shard(shard, Token { port: BOOKS, ticket }, asked.ask);
        }
        for asked in control {
            if let Ask::Insist(command) = &asked.ask {
                self.note_lending(command);
                self.remember(Message::ToControl(command.clone()));
            }
            self.send_to_control(Token { port: BOOKS, ticket: asked.ticket }, asked.ask);
        }
        has_any
    }

    /// One of the messages that were sent arrives once more; a grant asks for more than before, as
    /// one would that was asked for when more was left.
    pub(crate) fn repeat_message(&mut self) -> bool {
        if self.messages.is_empty() {
            return false;
        }
        let place = self.random.place(self.messages.len());
        let token = Token { port: BOOKS, ticket: NOBODY };
        self.trace.note("message repeated", place as u64, 0);
        match self.messages[place].clone() {
            Message::ToShard(shard, command) => {
                self.send_to_shard(shard, token, Ask::Insist(command));
            }
            Message::ToControl(mut command) => {
                if let control::Command::GrantShare { granted, .. } = &mut command {
                    *granted += self.random.below(6);
                }
                self.send_to_control(token, Ask::Insist(command));
            }
        }
        true
    }

    /// An answer to the bookkeeping arrives.
    pub(crate) fn hear_book(&mut self, ticket: u64, answer: ClientAnswer) {
        let Some(clerk) = &self.clerk else { return };
        match answer {
            ClientAnswer::Shard(answer) => clerk.hear_shard(ticket, answer),
            ClientAnswer::Control(answer) => clerk.hear_control(ticket, answer),
        }
    }

    /// Somebody waits for a share of a campaign's total.
    pub(crate) fn borrow_share(&mut self, campaign: CampaignNumber, shard: u16, ticket: u64) {
        self.note_waiter(campaign, ticket);
        let clerk = self.clerk.as_ref().expect("there is a process");
        clerk.borrow(campaign, shard, ticket);
    }

    /// Somebody tells what became of the attempt with a claim.
    pub(crate) fn settle(&mut self, claim: &Claim, fate: Fate) {
        self.clerk.as_ref().expect("there is a process").settle(claim, fate);
    }

    /// Somebody had a use of a code given back, and wants that to be known everywhere.
    pub(crate) fn given_back(&mut self, campaign: CampaignNumber, code: &CodeKey) {
        let shard = self.plan.layout.shard_of(code.slot());
        self.note_told(campaign);
        self.clerk.as_ref().expect("there is a process").given_back(campaign, shard);
    }

    /// Starts the bookkeeping of a process.
    pub(super) fn start_clerk(&mut self) {
        let core = self.control.core.as_ref().expect("it was brought back");
        let control = core.machine().clone();
        self.clerk = Some(Clerk::new(self.plan.layout, control, self.now.monotonic_ms));
    }

    /// The control state is there for everybody to read before any answer is.
    pub(super) fn publish_control(&self) {
        if let (Some(clerk), Some(core)) = (&self.clerk, &self.control.core) {
            clerk.view.publish(core.machine());
        }
    }

    /// Whether the bookkeeping waits for nothing.
    pub(super) fn has_kept_books(&self) -> bool {
        self.lent.is_empty() && self.clerk.as_ref().is_some_and(Clerk::is_idle)
    }

    /// What the actors of shards show of themselves.
    fn show_status(&self, clerk: &Clerk) {
        for station in &self.shards {
            let status = clerk.status.sequence(station.sequence);
            let (Some(core), Some(status)) = (&station.core, status) else { continue };
            let unfinished = core.machine().unfinished();
            status.applied.set(core.machine().last());
            status.claims_pending.set(unfinished.claims as u64);
            status.owed.set(unfinished.owed as u64);
        }
    }

    /// Brings the bookkeeping the answers that are on their way to it.
    fn bring_answers(&mut self, clerk: &Clerk) -> bool {
        let is_theirs = |(token, _): &mut (Token, ClientAnswer)| token.port == BOOKS;
        let theirs: Vec<_> = self.answers.extract_if(.., is_theirs).collect();
        let has_any = !theirs.is_empty();
        for (token, answer) in theirs {
            match answer {
                ClientAnswer::Shard(answer) => clerk.hear_shard(token.ticket, answer),
                ClientAnswer::Control(answer) => clerk.hear_control(token.ticket, answer),
            }
        }
        has_any
    }

    /// Before anything is asked of a process, nothing that an earlier one began is open.
    fn check_made_up(&mut self) {
        for station in &self.shards {
            let pending = station.history.model().pending(u64::MAX, 1);
            assert_eq!(pending, [], "{} has claims of an earlier process", station.sequence);
        }
        self.trace.note("made up", 0, 0);
    }

    fn remember(&mut self, message: Message) {
        if self.messages.len() == REMEMBERED {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
    }

    fn note_message(&mut self, shard: u16, command: &Command) {
        let shard = u64::from(shard);
        match command {
            Command::Settle(settle) => {
                let (settled, returned) = (settle.settled.len(), settle.returned.len());
                self.trace.note("claims settled", shard, (settled + returned) as u64);
            }
            Command::Forbid(forbid) => self.trace.note("claim resolved", shard, forbid.number),
            Command::GiveBack(back) => self.trace.note("give back", shard, back.shard.into()),
            Command::Delivered { shard: target, .. } => {
                self.trace.note("delivered", shard, u64::from(*target));
            }
            Command::TakeShare { granted, .. } => self.trace.note("share taken", shard, *granted),
            Command::ReturnShare { keep, .. } => self.trace.note("share recalled", shard, *keep),
            command => panic!("the bookkeeping sends {command:?} to a shard"),
        }
    }

    fn note_lending(&mut self, command: &control::Command) {
        match command {
            control::Command::OpenShares { campaign, .. } => {
                self.trace.note("shares opened", campaign.0.into(), 0);
            }
            control::Command::GrantShare { campaign, shard, .. } => {
                self.trace.note("share granted", campaign.0.into(), u64::from(*shard));
            }
            control::Command::RecordReturned { campaign, shard, .. } => {
                self.trace.note("share returned", campaign.0.into(), u64::from(*shard));
            }
            command => panic!("the bookkeeping sends {command:?}"),
        }
    }
}

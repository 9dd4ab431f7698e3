//! The steps of a call that its code's shard does not settle at once, as the service's tasks take
//! them: a use of the user is claimed, a share is asked for, and the code's shard is asked again.
//! Clients may vanish between any two of them.

use redeemd_actors::bookkeeping::Lent;
use redeemd_actors::core::{Answer, Ask, Token};
use redeemd_domain::codes::{CampaignNumber, CodeKey};
use redeemd_domain::machine::Outcome;
use redeemd_domain::shard::{
    Acknowledgement, Claim, ClaimUse, Command, Event, Extent, Fate, Record, Shard, UserDigest,
};

use super::Clients;
use super::call::Call;
use super::wish::Wish;
use crate::dice::Dice as _;
use crate::oracle::ClientAnswer;
use crate::station::STEPS;
use crate::world::World;

/// What a call needs before its code's shard is asked again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    Claim { campaign: CampaignNumber, user: UserDigest },
    Share { campaign: CampaignNumber },
}

impl Clients {
    /// Often a use is claimed before the code's shard was asked, as the service does it. The campaign
    /// may know no such limit, and the code may be anybody's.
    pub(super) fn perhaps_unasked(&mut self, mut call: Call) -> Call {
        if let Wish::Redeem { code: CodeKey::Sealed { campaign, .. }, user, .. } = call.wish
            && self.has_rules
            && self.random.percent(40)
        {
            let user = UserDigest::new(campaign, &format!("user-{user}"));
            call.next = Some(Next::Claim { campaign, user });
            call.claims_unasked = true;
        }
        call
    }

    /// Takes the step that a call needs; `false` where it needs none that is answered.
    pub(super) fn take_step(&mut self, world: &mut World, place: usize, call: &mut Call) -> bool {
        let layout = world.plan.layout;
        let (Some(next), Some(code)) = (call.next, call.wish.code()) else { return false };
        self.next_step += 1;
        let ticket = self.next_step;
        self.clients[place].step = Some(ticket);
        match next {
            Next::Claim { campaign, user } => {
                let wish = Command::ClaimUse(ClaimUse { campaign, user, code });
                let token = Token { port: STEPS, ticket };
                world.send_to_shard(layout.shard_of(user.slot()), token, Ask::Do(wish));
            }
            Next::Share { campaign } => {
                world.borrow_share(campaign, layout.shard_of(code.slot()), ticket);
            }
        }
        true
    }

    /// Somebody hears what came of waiting for a share.
    pub(super) fn hear_lent(&mut self, world: &mut World, ticket: u64, lent: Lent) {
        let Some((place, mut call)) = self.take_stepping(ticket) else { return };
        call.next = None;
        match lent {
            Lent::Perhaps => self.clients[place].call = Some(call),
            Lent::Nothing => {
                world.trace.note("campaign limit reached", ticket, 0);
                self.settle(world, call.claim, Fate::Refused);
            }
            Lent::Unknown => self.settle(world, call.claim, Fate::Refused),
        }
    }

    /// The client and the call that wait for a step.
    fn take_stepping(&mut self, ticket: u64) -> Option<(usize, Call)> {
        let asker = |client: &super::Client| client.step == Some(ticket);
        let place = self.clients.iter().position(asker)?;
        self.clients[place].step = None;
        Some((place, self.clients[place].call.take()?))
    }

    /// The answer to a claim arrives.
    pub(super) fn hear_step(&mut self, world: &mut World, ticket: u64, answer: ClientAnswer) {
        let Some((place, mut call)) = self.take_stepping(ticket) else { return };
        let ClientAnswer::Shard(Answer::Outcome(outcome)) = answer else {
            // Nobody knows whether the claim was made; it is resolved by others.
            return;
        };
        call.next = None;
        let is_unasked = std::mem::take(&mut call.claims_unasked);
        match outcome {
            Outcome::Acknowledged(Acknowledgement::Claimed(claim)) => {
                world.trace.note("claimed", claim.number, u64::from(claim.shard));
                call.claim = Some(claim);
            }
            _ if is_unasked => world.trace.note("no claim unasked", 0, 0),
            Outcome::Refused(_) => {
                world.trace.note("user limit reached", 0, 0);
                return;
            }
            Outcome::Acknowledged(Acknowledgement::ClaimsPending) => {
                world.trace.note("claims pending", 0, 0);
                self.clients[place].pauses_until = world.trace.step + self.random.below(60);
            }
            _ => {}
        }
        if self.random.percent(94) {
            self.clients[place].call = Some(call);
        } else {
            world.trace.note("vanished after a claim", 0, 0);
        }
    }

    /// A call was answered: its claim is settled where that is certain, and it may go on.
    pub(super) fn after(
        &mut self,
        world: &mut World,
        mut call: Call,
        answer: &Answer<Shard>,
    ) -> Option<Call> {
        let claim = call.claim.take();
        match answer {
            Answer::Outcome(Outcome::Acknowledged(told)) => match told {
                Acknowledgement::ShareFirst { campaign } => {
                    call.claim = claim;
                    call.next = Some(Next::Share { campaign: *campaign });
                    if self.random.percent(15) {
                        self.settle(world, claim, Fate::Refused);
                        return None;
                    }
                }
                Acknowledgement::ClaimFirst { campaign, user } => {
                    self.settle(world, claim, Fate::Refused);
                    call.next = Some(Next::Claim { campaign: *campaign, user: *user });
                }
                Acknowledgement::ClaimVoid => world.trace.note("claim void", 0, 0),
                told => panic!("{:?} is told {told:?}", call.wish),
            },
            Answer::Outcome(Outcome::Done(record)) => {
                let is_used = record.claim() == claim;
                let fate = if is_used { Fate::Granted } else { Fate::Refused };
                self.settle(world, claim, fate);
                self.tell_what_came_back(world, record);
                return None;
            }
            Answer::Outcome(_) | Answer::Rejected(_) => self.settle(world, claim, Fate::Refused),
            // Others find out.
            Answer::Unknown(_) | Answer::Reply(_) => {}
        }
        call.steps += 1;
        (call.steps < 12).then_some(call)
    }

    /// Tells what became of a claim, unless the teller vanishes.
    fn settle(&mut self, world: &mut World, claim: Option<Claim>, fate: Fate) {
        let Some(claim) = claim else { return };
        if self.random.percent(15) {
            return world.trace.note("vanished before settling", claim.number, claim.shard.into());
        }
        world.settle(&claim, fate);
    }

    /// Whoever gave a use back sees to it that the limits know, unless they vanish.
    fn tell_what_came_back(&mut self, world: &mut World, record: &Record) {
        let (campaign, code) = match &record.event {
            Event::RolledBack(undone) if undone.extent == Extent::Whole => {
                (undone.campaign, undone.code)
            }
            Event::HoldReleased(ended) => (ended.campaign, ended.code),
            _ => return,
        };
        if self.random.percent(60) {
            world.given_back(campaign, &code);
        }
    }
}

impl Wish {
    /// The code that a use is wanted of.
    fn code(&self) -> Option<CodeKey> {
        match self {
            Self::Redeem { code, .. } => Some(*code),
            Self::Life { life, .. } => Some(life.code()),
            _ => None,
        }
    }
}

//! The steps of a call that its code's shard does not settle at once, as the service's tasks take
//! them: a use of the user is claimed, a share is asked for, and the code's shard is asked again.
//! Clients may vanish between any two of them.

use redeemd_actors::core::{Answer, Ask, Token};
use redeemd_domain::codes::CampaignNumber;
use redeemd_domain::machine::Outcome;
use redeemd_domain::shard::{Acknowledgement, Claim, ClaimUse, Command, Settle, Shard, UserDigest};

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

/// The ticket of a step whose answer nobody waits for.
const NOBODY: u64 = 0;

impl Clients {
    /// Takes the step that a call needs; `false` where it needs none that is answered.
    pub(super) fn take_step(&mut self, world: &mut World, place: usize, call: &mut Call) -> bool {
        let layout = world.plan.layout;
        match (call.next, &call.wish.code()) {
            (Some(Next::Claim { campaign, user }), Some(code)) => {
                self.next_step += 1;
                let token = Token { port: STEPS, ticket: self.next_step };
                self.clients[place].step = Some(token.ticket);
                let wish = Command::ClaimUse(ClaimUse { campaign, user, code: *code });
                world.send_to_shard(layout.shard_of(user.slot()), token, Ask::Do(wish));
                true
            }
            (Some(Next::Share { campaign }), Some(code)) => {
                world.want_share(campaign, layout.shard_of(code.slot()));
                call.next = None;
                false
            }
            _ => false,
        }
    }

    /// The answer to a claim arrives.
    pub(super) fn hear_step(&mut self, world: &mut World, ticket: u64, answer: ClientAnswer) {
        let asker = |client: &super::Client| client.step == Some(ticket);
        let Some(place) = self.clients.iter().position(asker) else { return };
        self.clients[place].step = None;
        let Some(mut call) = self.clients[place].call.take() else { return };
        let ClientAnswer::Shard(Answer::Outcome(outcome)) = answer else {
            // Nobody knows whether the claim was made; it is resolved by others.
            return;
        };
        call.next = None;
        match outcome {
            Outcome::Acknowledged(Acknowledgement::Claimed(claim)) => {
                world.trace.note("claimed", claim.number, u64::from(claim.shard));
                call.claim = Some(claim);
            }
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
                        self.settle(world, claim, false);
                        return None;
                    }
                }
                Acknowledgement::ClaimFirst { campaign, user } => {
                    self.settle(world, claim, false);
                    call.next = Some(Next::Claim { campaign: *campaign, user: *user });
                }
                Acknowledgement::ClaimVoid => world.trace.note("claim void", 0, 0),
                told => panic!("{:?} is told {told:?}", call.wish),
            },
            Answer::Outcome(Outcome::Done(record)) => {
                self.settle(world, claim, record.claim() == claim);
                return None;
            }
            Answer::Outcome(_) | Answer::Rejected(_) => self.settle(world, claim, false),
            // Others find out.
            Answer::Unknown(_) | Answer::Reply(_) => {}
        }
        call.steps += 1;
        (call.steps < 12).then_some(call)
    }

    /// Tells the user's shard what became of a claim, unless the teller vanishes.
    fn settle(&mut self, world: &mut World, claim: Option<Claim>, is_used: bool) {
        let Some(Claim { shard, number, .. }) = claim else { return };
        if self.random.percent(15) {
            return world.trace.note("vanished before settling", number, shard.into());
        }
        let mut settle = Settle::default();
        if is_used { &mut settle.settled } else { &mut settle.returned }.push(number);
        let token = Token { port: STEPS, ticket: NOBODY };
        world.send_to_shard(shard, token, Ask::Insist(Command::Settle(settle)));
    }
}

impl Wish {
    /// The code that a use is wanted of.
    fn code(&self) -> Option<redeemd_domain::codes::CodeKey> {
        match self {
            Self::Redeem { code, .. } => Some(*code),
            Self::Life { life, .. } => Some(life.code()),
            _ => None,
        }
    }
}

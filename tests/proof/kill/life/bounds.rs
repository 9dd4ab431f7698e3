//! How many uses there are at least and at most, as far as clients can know while they race.
//!
//! A use is certain from its answer until somebody begins to give it back. There must never be more
//! certain ones than a limit allows. A use is possible from the moment in which somebody asks for
//! it; where there are fewer possible ones than a limit allows, nobody may be refused for it.

use std::collections::{HashMap, HashSet};

use super::super::Fault;
use super::campaign::{Campaign, Code};
use super::wish::{Deed, Wish};

/// The seconds of a hold that does not expire while anybody looks. A shorter one is never certain.
pub(super) const LONG_SECONDS: u64 = 86_400;

/// The bounds.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    /// The certain uses, by the identifier of the redemption or the hold.
    certain: HashMap<String, [Scope; 3]>,
    least: HashMap<Scope, u64>,
    most: HashMap<Scope, u64>,
    pairs: HashMap<(String, String), Pair>,
}

/// What a limit is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Scope {
    Code(String),
    User(String, String),
    Campaign(String),
}

/// What is known of a user's holds on a code.
#[derive(Debug, Default)]
struct Pair {
    /// The certain ones.
    holds: HashSet<String>,
    /// How many requests that may end a hold were sent, and how many of them are on their way.
    sent: u64,
    open: u64,
}

/// What a request on its way has to do with the bounds.
#[derive(Debug)]
pub(super) struct Ticket {
    took: bool,
    /// How many requests may have ended a hold of this user, its own included; `None` where another
    /// one was on its way already.
    sent: Option<u64>,
    /// The holds that the user certainly had on the code.
    had: HashSet<String>,
}

impl Ticket {
    fn had(&self, hold: &str) -> bool {
        self.had.contains(hold)
    }
}

impl Bounds {
    /// A use is there that nobody is about to give back.
    pub(super) fn know(&mut self, id: &str, code: &Code, user: &str) {
        let scopes = scopes(code, user);
        scopes.iter().for_each(|scope| *self.least.entry(scope.clone()).or_default() += 1);
        self.certain.insert(id.to_owned(), scopes);
    }

    /// As [`Bounds::know`], of a hold.
    pub(super) fn know_hold(&mut self, id: &str, code: &Code, user: &str) {
        self.know(id, code, user);
        self.pair(code, user).holds.insert(id.to_owned());
    }

    /// A use may be there, or may only just have ended.
    pub(super) fn suppose(&mut self, code: &Code, user: &str) {
        for scope in scopes(code, user) {
            *self.most.entry(scope).or_default() += 1;
        }
    }

    /// A request is about to be sent.
    pub(super) fn begin(&mut self, wish: &Wish) -> Ticket {
        let (code, user) = (&*wish.code, &*wish.user);
        let took = wish.deed.takes_a_use();
        if took {
            self.suppose(code, user);
        }
        if let Deed::RollBack { redemption, .. } = &wish.deed {
            self.doubt(redemption);
        }
        let ends_holds = wish.deed.ends_holds();
        let pair = self.pair(code, user);
        let is_alone = pair.open == 0;
        let had = pair.holds.clone();
        pair.sent += u64::from(ends_holds);
        pair.open += u64::from(ends_holds);
        let sent = is_alone.then_some(pair.sent);
        if ends_holds {
            let doubtful = std::mem::take(&mut pair.holds);
            doubtful.iter().for_each(|hold| self.doubt(hold));
        }
        Ticket { took, sent, had }
    }

    /// A request was granted, for the first time unless it is a repeated answer.
    pub(super) fn granted(
        &mut self,
        ticket: &Ticket,
        wish: &Wish,
        id: &str,
        is_replayed: bool,
    ) -> Result<(), Fault> {
        self.answered(wish);
        // What happened some time ago may have been given back since.
        if is_replayed {
            return Ok(());
        }
        match wish.deed {
            Deed::Redeem { .. } | Deed::Confirm { .. } => self.know(id, &wish.code, &wish.user),
            Deed::Hold { seconds: LONG_SECONDS.. } if self.is_undisturbed(ticket, wish) => {
                // One that is prolonged is known already.
                if !self.certain.contains_key(id) {
                    self.know_hold(id, &wish.code, &wish.user);
                }
            }
            _ => return Ok(()),
        }
        let campaign = &wish.code.campaign;
        for scope in scopes(&wish.code, &wish.user) {
            let least = self.least.get(&scope).copied().unwrap_or_default();
            if limits(&scope, campaign).is_some_and(|(_, highest)| least > highest) {
                return Err(format!("OVERRUN: {scope:?} has {least} uses for certain"));
            }
        }
        Ok(())
    }

    /// A request was refused for a reason.
    pub(super) fn refused(
        &mut self,
        ticket: &Ticket,
        wish: &Wish,
        problem: &str,
    ) -> Result<(), Fault> {
        let is_undisturbed = self.is_undisturbed(ticket, wish);
        self.untouched(ticket, wish);
        let [of_code, of_user, of_campaign] = scopes(&wish.code, &wish.user);
        let scope = match problem {
            "already_redeemed" | "code_held" => of_code,
            "user_limit_reached" => of_user,
            "campaign_limit_reached" => of_campaign,
            "hold_ended" if is_undisturbed && wish.deed.hold().is_some_and(|it| ticket.had(it)) => {
                return Err("its hold is said to have ended, and nobody ended it".to_owned());
            }
            _ => return Ok(()),
        };
        let most = self.most.get(&scope).copied().unwrap_or_default();
        match limits(&scope, &wish.code.campaign) {
            Some(_) if is_undisturbed && !ticket.had.is_empty() => {
                Err(format!("{problem}, and the user's own hold is in the way"))
            }
            Some((lowest, _)) if most >= lowest => Ok(()),
            limits => {
                Err(format!("{problem}, and {scope:?} has {most} uses at most of {limits:?}"))
            }
        }
    }

    /// A request was certainly not carried out.
    pub(super) fn untouched(&mut self, ticket: &Ticket, wish: &Wish) {
        self.answered(wish);
        if ticket.took {
            for scope in scopes(&wish.code, &wish.user) {
                self.most.entry(scope).and_modify(|most| *most -= 1);
            }
        }
    }

    /// A request is no longer on its way. One that was cut off stays there, since it may be.
    fn answered(&mut self, wish: &Wish) {
        if wish.deed.ends_holds() {
            self.pair(&wish.code, &wish.user).open -= 1;
        }
    }

    /// Whether no other request may have ended a hold of the user since this one was sent.
    fn is_undisturbed(&mut self, ticket: &Ticket, wish: &Wish) -> bool {
        ticket.sent == Some(self.pair(&wish.code, &wish.user).sent)
    }

    fn doubt(&mut self, id: &str) {
        for scope in self.certain.remove(id).into_iter().flatten() {
            self.least.entry(scope).and_modify(|least| *least -= 1);
        }
    }

    fn pair(&mut self, code: &Code, user: &str) -> &mut Pair {
        self.pairs.entry((code.hint.clone(), user.to_owned())).or_default()
    }
}

fn scopes(code: &Code, user: &str) -> [Scope; 3] {
    let campaign = &code.campaign.id;
    [
        Scope::Code(code.hint.clone()),
        Scope::User(campaign.clone(), user.to_owned()),
        Scope::Campaign(campaign.clone()),
    ]
}

/// The lowest and the highest that a limit may be.
fn limits(scope: &Scope, campaign: &Campaign) -> Option<(u64, u64)> {
    let terms = campaign.terms;
    match scope {
        Scope::Code(_) => terms.uses_per_code.map(|limit| (limit, limit)),
        Scope::User(..) => terms.uses_per_user.map(|limit| (limit, limit)),
        Scope::Campaign(_) => terms.total_uses.map(|_| {
            let total = campaign.total.lock().unwrap();
            (total.lowest, total.highest)
        }),
    }
}

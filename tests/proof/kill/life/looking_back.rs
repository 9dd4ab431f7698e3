//! The look back after a restart, and the last one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use redeemd::client::Client;
use serde_json::Value;

use super::super::Fault;
use super::chronicle::Chronicle;
use super::code_life::{CodeLife, Redemption};
use super::counts::AllCounts;
use super::follower::{Reading, campaign_as_read};
use super::model::Model;
use super::moment::{millis, now};
use super::player::Player;
use super::pool::{Pool, Use};
use super::probing::Prober;
use super::wish::Wish;
use super::{Life, audit, limits};
use crate::dice::Dice;
use crate::site::admin;

/// How many rounds of a hundred end with a thorough look, which waits until no hold is about to end.
const THOROUGH_PERCENT: u64 = 35;

/// How many answers, codes of each campaign, and readings of counts one look compares.
const ANSWERS: usize = 50;
const CODES: usize = 8;
const READINGS: usize = 2;

/// How many uses of a code that is not limited are offered to players anew.
const OFFERED: usize = 8;

impl Life {
    /// Looks at what happened in the last round. `since` is when the server was started, in
    /// milliseconds; `others` are redemptions that other clients were told of.
    pub(in super::super) fn look_back(
        &mut self,
        address: SocketAddr,
        dice: &mut Dice,
        since: u64,
        others: &[Value],
    ) -> Result<(), Fault> {
        let mut client = admin(address);
        self.model.since = since;
        self.model.ended.clear();
        let fresh = self.catch_up(&mut client)?;
        self.model.check_others(others)?;
        self.check_readings(&mut client, dice)?;
        self.check_limits(&mut client)?;
        self.start_afresh();
        for _ in 0..ANSWERS.min(fresh.len()) {
            audit::look_at(&mut client, &self.model, &fresh[dice.below(fresh.len())])?;
            if let Some(wish) = self.book.any_answered(dice) {
                audit::look_at(&mut client, &self.model, &wish)?;
            }
        }
        let campaigns = self.book.campaigns();
        if !campaigns.is_empty() && dice.percent(THOROUGH_PERCENT) {
            self.settle_down(&mut client)?;
            for campaign in &campaigns {
                let codes = campaign.codes.read().unwrap();
                let newest = codes.iter().rev().take(CODES);
                newest
                    .filter_map(|code| self.model.code(&code.hint))
                    .try_for_each(|life| audit::look_up(&mut client, life))?;
                audit::count(&mut client, &self.model, campaign)?;
            }
            let campaign = &campaigns[dice.below(campaigns.len())];
            Prober::new(address, &self.book, &self.model, dice.fork()).probe(campaign)?;
            self.catch_up(&mut client)?;
            limits::check(&self.model, &self.book)?;
            self.start_afresh();
        }
        Ok(())
    }

    /// Settles everything that is open, and looks at all there is.
    pub(in super::super) fn end(
        &mut self,
        address: SocketAddr,
        dice: &mut Dice,
        others: &[Value],
    ) -> Result<(), Fault> {
        let mut client = admin(address);
        Player::new(address, &self.book, dice.fork()).settle_all()?;
        self.settle_down(&mut client)?;
        self.model.check_others(others)?;
        self.check_limits(&mut client)?;
        self.model.lives().try_for_each(|life| audit::look_up(&mut client, life))?;
        self.start_afresh();
        let mut prober = Prober::new(address, &self.book, &self.model, dice.fork());
        for campaign in self.book.campaigns() {
            audit::count(&mut client, &self.model, &campaign)?;
            prober.probe(&campaign)?;
            let is_card = campaign.terms.balance.is_some() && campaign.terms.total_uses.is_none();
            let codes = campaign.codes.read().unwrap().clone();
            codes.iter().filter(|_| is_card).try_for_each(|code| prober.spend_all(code))?;
        }
        self.settle_down(&mut client)?;
        self.model.lives().try_for_each(|life| audit::look_up(&mut client, life))?;
        self.read_again(&mut client)
    }

    /// Reads all events once more from the beginning: they tell the same.
    fn read_again(&self, client: &mut Client) -> Result<(), Fault> {
        let (mut again, mut model) = (Chronicle::default(), Model::default());
        while again.read_page(client, 997)?.ok_or("the events are not to be had")? {
            for event in again.take() {
                model.apply(&event, &self.book)?;
            }
        }
        self.chronicle.lock().unwrap().compare(&again)?;
        for life in self.model.lives() {
            let same = model.code(&life.code.hint).is_some_and(|again| {
                let (read, before) = (&again.redemptions, &life.redemptions);
                let ids = |it: &[Redemption]| -> Vec<String> {
                    it.iter().map(|redemption| redemption.id().to_owned()).collect()
                };
                again.balance == life.balance && ids(read) == ids(before)
            });
            if !same {
                return Err(format!("the events tell another life of {} now", life.code.hint));
            }
        }
        Ok(())
    }

    /// Takes in all events that there are, and says which wishes were answered since the last time.
    fn catch_up(&mut self, client: &mut Client) -> Result<Vec<Arc<Wish>>, Fault> {
        let events = {
            let mut chronicle = self.chronicle.lock().unwrap();
            chronicle.catch_up(client)?;
            chronicle.take()
        };
        self.book.tally.count_many("events", events.len() as u64);
        for event in &events {
            let author = self.model.apply(event, &self.book)?;
            self.matching.take(author, &self.book)?;
        }
        self.matching.finish(&self.book)
    }

    /// Waits until no hold is about to end. Whoever looks then finds what the events tell.
    fn settle_down(&mut self, client: &mut Client) -> Result<(), Fault> {
        self.catch_up(client)?;
        let begun = now();
        while self.model.waits_for_an_end(now()) {
            if now() > begun + 60_000 {
                return Err("STRANDED: a hold does not end in time".to_owned());
            }
            thread::sleep(Duration::from_millis(20));
            self.catch_up(client)?;
        }
        Ok(())
    }

    /// What campaigns said of their counts, against the events after the positions that they named.
    fn check_readings(&mut self, client: &mut Client, dice: &mut Dice) -> Result<(), Fault> {
        let mut readings = std::mem::take(&mut *self.readings.lock().unwrap());
        for _ in 0..READINGS.min(readings.len()) {
            let reading = readings.swap_remove(dice.below(readings.len()));
            self.check_reading(client, &reading)?;
            self.book.tally.count("counts compared");
        }
        Ok(())
    }

    fn check_reading(&mut self, client: &mut Client, reading: &Reading) -> Result<(), Fault> {
        loop {
            self.catch_up(client)?;
            let mut rest = Chronicle::after(&reading.as_of);
            rest.catch_up(client)?;
            let mut later = AllCounts::default();
            rest.take().iter().for_each(|event| later.apply(event));
            let told = self.model.counts.of(&reading.campaign);
            let before = self.book.tally.get("events");
            self.catch_up(client)?;
            // What happened in between is in one of them and not in the other.
            if self.book.tally.get("events") != before {
                continue;
            }
            let later = later.of(&reading.campaign);
            return match reading.counts.plus(later) == told {
                true => Ok(()),
                false => Err(format!("{reading:?} and then {later:?} is not {told:?}")),
            };
        }
    }

    /// Nobody takes anything: no limit is overrun, and totals are what somebody made them.
    fn check_limits(&mut self, client: &mut Client) -> Result<(), Fault> {
        limits::check(&self.model, &self.book)?;
        for campaign in self.book.campaigns() {
            if campaign.terms.total_uses.is_some() {
                let found = campaign_as_read(client, &campaign.id)?;
                let total = found.and_then(|found| found["total_uses"].as_u64());
                let total = total.ok_or("a campaign has no total")?;
                let taken = limits::taken(&self.model, &campaign.id);
                campaign.total.lock().unwrap().observe(total, taken)?;
            }
        }
        Ok(())
    }

    /// Begins a round: what clients know of uses is what the events tell.
    fn start_afresh(&self) {
        let (mut bounds, mut pool) = (self.book.bounds(), self.book.pool());
        *bounds = Default::default();
        pool.clear();
        for life in self.model.lives() {
            let code = &life.code;
            let standing = life.redemptions.iter().filter(|redemption| redemption.stands());
            for redemption in standing {
                bounds.know(redemption.id(), code, redemption.user());
                bounds.suppose(code, redemption.user());
            }
            for (id, hold) in life.live() {
                bounds.suppose(code, &hold.user);
                if millis(&hold.answer["expires_at"]).is_ok_and(|end| end > now() + 3_600_000) {
                    bounds.know_hold(id, code, &hold.user);
                }
            }
            offer(life, &mut pool);
        }
        for (code, user) in &self.model.ended {
            bounds.suppose(code, user);
        }
    }
}

/// Offers what there is of a code to players.
fn offer(life: &CodeLife, pool: &mut Pool) {
    let the_use = |id: &str, user: &str| Use {
        id: id.to_owned(),
        code: Arc::clone(&life.code),
        user: user.to_owned(),
    };
    let standing = life.redemptions.iter().rev().filter(|redemption| redemption.stands());
    for redemption in standing.take(OFFERED) {
        pool.add_redemption(the_use(redemption.id(), redemption.user()));
    }
    life.live().for_each(|(id, hold)| pool.add_hold(the_use(id, &hold.user)));
}

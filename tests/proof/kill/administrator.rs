//! A client that issues codes and changes campaigns while others redeem. It is the only one that
//! does, so it knows what is to be found.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use redeemd::client::{Answer, Client, Request};
use serde_json::json;

use super::Fault;
use super::book::{Book, Campaign};
use super::rules::Rules;
use crate::dice::Dice;
use crate::site::{admin, codes_of};

/// How many campaigns there are in the end.
const CAMPAIGNS: usize = 5;

/// How many rewards a campaign is given at most. Changes that were cut off are counted, too, so this
/// is what a campaign keeps.
const MOST_REWARDS: usize = redeemd_domain::campaign::MAX_REWARDS;

pub(super) struct Administrator<'a> {
    client: Client,
    book: &'a Book,
    dice: Dice,
}

impl<'a> Administrator<'a> {
    pub(super) fn new(address: SocketAddr, book: &'a Book, dice: Dice) -> Self {
        Self { client: admin(address), book, dice }
    }

    /// Sees to it that there is something to redeem, and settles what was cut off.
    pub(super) fn prepare(&mut self) -> Result<(), Fault> {
        for _ in self.book.campaigns().len()..3 {
            if !self.make()? {
                return Err("a campaign cannot be made".to_owned());
            }
        }
        for campaign in self.book.campaigns() {
            self.issue(&campaign, 200)?;
        }
        Ok(())
    }

    /// Settles everything that was cut off.
    pub(super) fn settle(&mut self) -> Result<(), Fault> {
        self.book.campaigns().iter().try_for_each(|campaign| {
            self.settle_issue(campaign)?;
            // What is paused cannot be looked at as the others.
            self.set_status(campaign, false).map(|_| ())
        })
    }

    /// Works until the server is killed.
    pub(super) fn work(&mut self, is_killed: &AtomicBool) -> Result<(), Fault> {
        while !is_killed.load(Ordering::SeqCst) {
            let campaigns = self.book.campaigns();
            let campaign = &campaigns[self.dice.below(campaigns.len())];
            let count = self.dice.between(1, 200);
            let goes_on = match self.dice.below(100) {
                0..40 => self.issue(campaign, count)?,
                40..50 => self.export(campaign)?,
                50..58 => {
                    let goes_on = self.set_status(campaign, true)?;
                    thread::sleep(Duration::from_millis(self.dice.between(0, 20)));
                    goes_on
                }
                58..80 => self.set_status(campaign, false)?,
                80..97 => self.change(campaign)?,
                _ if campaigns.len() < CAMPAIGNS => self.make()?,
                _ => true,
            };
            // Where campaigns change all the time, nothing else happens.
            let pause = if goes_on { self.dice.between(0, 30) } else { 1 };
            thread::sleep(Duration::from_millis(pause));
        }
        Ok(())
    }

    /// Makes a campaign. One that was cut off may be there, and nobody knows it.
    fn make(&mut self) -> Result<bool, Fault> {
        let number = self.book.campaigns().len();
        let uses = [Some(1), Some(3), None, Some(2), Some(1)][number % 5];
        let (name, reward) = (format!("campaign {number}"), json!({ "step": 0 }));
        let body = json!({
            "name": name, "codes": { "kind": "sealed" }, "uses_per_code": uses, "reward": reward
        });
        let Some(made) = self.ask(&Request::post("/api/v1/campaigns", &body.to_string()), 201)?
        else {
            return Ok(false);
        };
        let id = made.json().map_err(|error| error.to_string())?["id"].as_str().map(str::to_owned);
        let rules = Rules::new(name, reward, uses);
        let campaign = Campaign::new(id.ok_or("a campaign has no id")?, rules);
        self.book.campaigns.write().unwrap().push(Arc::new(campaign));
        Ok(true)
    }

    /// Issues codes, with a key or without. What was cut off comes first, so that the ranges that
    /// are acknowledged follow each other.
    fn issue(&mut self, campaign: &Arc<Campaign>, count: u64) -> Result<bool, Fault> {
        if campaign.issued.lock().unwrap().lost.is_some() {
            return self.settle_issue(campaign);
        }
        let key = self.dice.percent(50).then(|| format!("issue {:016x}", self.dice.next()));
        self.issue_as(campaign, count, key)
    }

    /// Asks once more for codes that were asked for with a key and never came.
    fn settle_issue(&mut self, campaign: &Arc<Campaign>) -> Result<bool, Fault> {
        let lost = campaign.issued.lock().unwrap().lost.clone();
        match lost {
            Some((key, count)) => self.issue_as(campaign, count, Some(key)),
            None => Ok(true),
        }
    }

    fn issue_as(
        &mut self,
        campaign: &Arc<Campaign>,
        count: u64,
        key: Option<String>,
    ) -> Result<bool, Fault> {
        let (path, body) = (campaign.codes_path(), format!(r#"{{"count":{count}}}"#));
        let request =
            Request::post(&path, &body).accept("text/csv").idempotency_key(key.as_deref());
        // While it is under way it may have happened.
        let was_lost = {
            let mut issued = campaign.issued.lock().unwrap();
            let was_lost = issued.lost.take().is_some_and(|lost| Some(&lost.0) == key.as_ref());
            if !was_lost {
                issued.unknown += count;
            }
            was_lost
        };
        let Some(answer) = self.ask(&request, 201)? else {
            campaign.issued.lock().unwrap().lost = key.map(|key| (key, count));
            return Ok(false);
        };
        if answer.is_replayed() && !was_lost {
            return Err("issuing is said to be repeated, and was asked for once".to_owned());
        }
        let (first, codes) = (answer.number("Redeemd-First-Index"), codes_of(answer.body()));
        let first = first.ok_or("issuing said no first index")?;
        if codes.len() as u64 != count || answer.number("Redeemd-Count") != Some(count) {
            return Err(format!("{count} codes were asked for, and {} came", codes.len()));
        }
        campaign.issued.lock().unwrap().unknown -= count;
        campaign.add(self.book, first, codes)?;
        Ok(true)
    }

    /// Asks for codes again, and compares them.
    fn export(&mut self, campaign: &Arc<Campaign>) -> Result<bool, Fault> {
        let known = campaign.codes.read().unwrap().clone();
        if known.is_empty() {
            return Ok(true);
        }
        let code = &known[self.dice.below(known.len())];
        let path = format!("{}?first_index={}&count=1", campaign.codes_path(), code.index);
        let Some(answer) = self.ask(&Request::get(&path).accept("text/csv"), 200)? else {
            return Ok(false);
        };
        if codes_of(answer.body()) != [code.text.as_str()] {
            return Err(format!("the code with index {} is another than before", code.index));
        }
        Ok(true)
    }

    fn set_status(&mut self, campaign: &Arc<Campaign>, paused: bool) -> Result<bool, Fault> {
        {
            let mut rules = campaign.rules.lock().unwrap();
            rules.status_changes += 1;
            rules.paused.sent = Some(paused);
        }
        let verb = if paused { "pause" } else { "resume" };
        let path = format!("{}/{verb}", campaign.path());
        let answer = self.ask(&Request::post(&path, ""), 200)?;
        let mut rules = campaign.rules.lock().unwrap();
        rules.status_changes += 1;
        if answer.is_some() {
            rules.paused.acknowledge();
            self.book.tally().changes.fetch_add(1, Ordering::Relaxed);
        }
        Ok(answer.is_some())
    }

    fn change(&mut self, campaign: &Arc<Campaign>) -> Result<bool, Fault> {
        let step = self.dice.below(1_000_000);
        let body = {
            let mut rules = campaign.rules.lock().unwrap();
            match self.dice.below(3) {
                0 => {
                    let name = format!("name {step}");
                    rules.name.sent = Some(name.clone());
                    json!({ "name": name })
                }
                1 => {
                    if rules.rewards_sent == MOST_REWARDS {
                        return Ok(true);
                    }
                    let reward = json!({ "step": step });
                    rules.rewards_sent += 1;
                    rules.reward.sent = Some(reward.clone());
                    json!({ "reward": reward })
                }
                _ => {
                    let Some(uses) = rules.uses.acknowledged.filter(|&uses| 1 < uses && uses < 8)
                    else {
                        return Ok(true);
                    };
                    rules.uses.sent = Some(Some(uses + 1));
                    json!({ "uses_per_code": uses + 1 })
                }
            }
        };
        let (path, body) = (campaign.path(), body.to_string());
        let answer = self.ask(&Request::patch(&path, &body), 200)?;
        if answer.is_some() {
            let mut rules = campaign.rules.lock().unwrap();
            rules.name.acknowledge();
            rules.reward.acknowledge();
            rules.uses.acknowledge();
            self.book.tally().changes.fetch_add(1, Ordering::Relaxed);
        }
        Ok(answer.is_some())
    }

    /// Sends a request that has one right answer; `None` where it was cut off.
    fn ask(&mut self, request: &Request<'_>, status: u16) -> Result<Option<Answer>, Fault> {
        match self.client.send(request) {
            Ok(answer) if answer.status() == status => Ok(Some(answer)),
            // Not done, or not everywhere yet: no more is known than where it was cut off.
            Ok(answer) if answer.problem().as_deref() == Some("overloaded") => {
                self.book.tally().overloaded.fetch_add(1, Ordering::Relaxed);
                Ok(None)
            }
            Ok(answer) => Err(format!("an administrator's request got {}", answer.summary())),
            Err(error) if error.is_transient() => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

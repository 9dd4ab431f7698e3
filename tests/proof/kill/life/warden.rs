//! A client that raises and lowers a campaign's total while others redeem.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use redeemd::client::{Client, Request};
use serde_json::json;

use super::super::Fault;
use super::super::sending::{Sent, send};
use super::book::Book;
use super::campaign::Campaign;
use crate::dice::Dice;
use crate::site::admin;

/// How far up and down the total goes.
const TOTALS: (u64, u64) = (16, 40);

/// The warden.
pub(in super::super) struct Warden<'a> {
    client: Client,
    book: &'a Book,
    dice: Dice,
}

impl<'a> Warden<'a> {
    pub(super) fn new(address: SocketAddr, book: &'a Book, dice: Dice) -> Self {
        Self { client: admin(address), book, dice }
    }

    /// Changes totals until the server is killed, or until a change has no answer: what is in force
    /// then is for a look to say.
    pub(in super::super) fn work(&mut self, is_killed: &AtomicBool) -> Result<(), Fault> {
        let campaigns = self.book.campaigns();
        let changing = |campaign: &&Arc<Campaign>| campaign.terms.total_changes;
        let Some(campaign) = campaigns.iter().find(changing) else { return Ok(()) };
        while !is_killed.load(Ordering::SeqCst) {
            let total = self.dice.between(TOTALS.0, TOTALS.1);
            if !self.change(campaign, total)? {
                break;
            }
            thread::sleep(Duration::from_millis(self.dice.between(0, 120)));
        }
        while !is_killed.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn change(&mut self, campaign: &Campaign, total: u64) -> Result<bool, Fault> {
        campaign.total.lock().unwrap().send(total);
        let path = format!("/api/v1/campaigns/{}", campaign.id);
        let body = json!({ "total_uses": total }).to_string();
        match send(&mut self.client, &Request::patch(&path, &body))? {
            Sent::Answered(answer) if answer.status() == 200 => {
                campaign.total.lock().unwrap().acknowledge();
                self.book.tally.count("totals changed");
                Ok(true)
            }
            Sent::Answered(answer) if answer.status() != 503 => {
                Err(format!("a change of the total got {}", answer.summary()))
            }
            _ => Ok(false),
        }
    }
}

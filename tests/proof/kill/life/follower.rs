//! A client that reads events and counts while others redeem.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use redeemd::client::{Client, Request};
use serde_json::Value;

use super::super::Fault;
use super::super::sending::{Sent, send};
use super::book::Book;
use super::chronicle::Chronicle;
use super::counts::Counts;
use crate::dice::Dice;
use crate::site::admin;

/// How many readings of a round are kept.
const MOST_READINGS: usize = 64;

/// The follower.
pub(in super::super) struct Follower<'a> {
    client: Client,
    book: &'a Book,
    chronicle: &'a Mutex<Chronicle>,
    readings: &'a Mutex<Vec<Reading>>,
    dice: Dice,
}

/// What a campaign said of its counts.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) campaign: String,
    pub(super) counts: Counts,
    /// The position between events at which they are exact.
    pub(super) as_of: String,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        address: SocketAddr,
        book: &'a Book,
        chronicle: &'a Mutex<Chronicle>,
        readings: &'a Mutex<Vec<Reading>>,
        dice: Dice,
    ) -> Self {
        Self { client: admin(address), book, chronicle, readings, dice }
    }

    /// Reads until the server is killed.
    pub(in super::super) fn follow(&mut self, is_killed: &AtomicBool) -> Result<(), Fault> {
        let campaigns = self.book.campaigns();
        while !is_killed.load(Ordering::SeqCst) {
            let limit = self.dice.between(1, 200) as usize;
            self.chronicle.lock().unwrap().read_page(&mut self.client, limit)?;
            let campaign = &campaigns[self.dice.below(campaigns.len())];
            if let Some(reading) = read(&mut self.client, &campaign.id)? {
                let mut readings = self.readings.lock().unwrap();
                if readings.len() == MOST_READINGS {
                    readings.swap_remove(self.dice.below(MOST_READINGS));
                }
                readings.push(reading);
            }
            thread::sleep(Duration::from_millis(self.dice.between(1, 20)));
        }
        Ok(())
    }
}

/// Reads a campaign's counts; `None` without an answer.
pub(super) fn read(client: &mut Client, campaign: &str) -> Result<Option<Reading>, Fault> {
    Ok(campaign_as_read(client, campaign)?.map(|found| Reading {
        campaign: campaign.to_owned(),
        counts: Counts::read(&found["counts"]),
        as_of: found["counts"]["as_of"].as_str().unwrap_or_default().to_owned(),
    }))
}

/// Reads a campaign; `None` without an answer.
pub(super) fn campaign_as_read(
    client: &mut Client,
    campaign: &str,
) -> Result<Option<Value>, Fault> {
    let path = format!("/api/v1/campaigns/{campaign}");
    match send(client, &Request::get(&path))? {
        Sent::Answered(answer) if answer.status() == 200 => {
            answer.json().map(Some).map_err(|error| error.to_string())
        }
        Sent::Answered(answer) if answer.status() != 503 => {
            Err(format!("{path} got {}", answer.summary()))
        }
        _ => Ok(None),
    }
}

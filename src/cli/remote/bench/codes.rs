//! The codes that a load redeems: of a file, or issued for it.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, anyhow, ensure};
use serde_json::{Value, json};

use super::arguments::Bench;
use crate::cli::remote::campaign;
use crate::cli::remote::insisting::insist;
use crate::cli::remote::session::{Session, fresh_key};
use crate::client::Request;
use crate::load::Supply;

/// The line above the codes.
const TITLE: &[u8] = b"code";

/// How many codes are issued at a time while the load lasts. It takes the server a few hundredths of
/// a second.
const BATCH: u64 = 250_000;

/// How many such batches are there beforehand.
const BATCHES_AHEAD: usize = 2;

/// The most codes that are issued before the load begins, where it is known how many it needs.
const MOST_BEFOREHAND: u64 = 10_000_000;

/// Codes for a load.
pub(super) struct Codes {
    supply: Arc<Supply>,
    issuing: Option<Issuing>,
}

/// A campaign whose codes are issued while the load lasts.
struct Issuing {
    campaign: String,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Codes {
    /// Reads the file, or makes the campaign and issues what is needed to begin with.
    ///
    /// # Errors
    /// When there are no codes.
    pub(super) fn prepare(bench: &Bench, session: &mut Session) -> anyhow::Result<Self> {
        let supply = Arc::new(Supply::new());
        if let Some(path) = &bench.codes {
            supply.add(read(path)?);
            supply.complete();
            return Ok(Self { supply, issuing: None });
        }
        let body = json!({ "name": "bench", "codes": { "kind": "sealed" } }).to_string();
        let made = session.post("/api/v1/campaigns", Some(&body))?.json()?;
        let campaign = made.get("id").and_then(Value::as_str).context("the campaign has no id")?;
        let campaign = campaign.to_owned();
        let beforehand = needed(bench).unwrap_or(BATCH * BATCHES_AHEAD as u64);
        issue(session, &campaign, beforehand.min(MOST_BEFOREHAND), &supply)?;
        let mut more = Session::open(&bench.connection)?;
        let thread = thread::spawn({
            let (supply, campaign) = (Arc::clone(&supply), campaign.clone());
            move || {
                let mut result = Ok(());
                while result.is_ok() && supply.wait_for_room(BATCHES_AHEAD) {
                    result = issue(&mut more, &campaign, BATCH, &supply);
                }
                // Nobody must wait for more where none can be had.
                supply.complete();
                result
            }
        });
        Ok(Self { supply, issuing: Some(Issuing { campaign, thread }) })
    }

    /// The codes.
    pub(super) fn supply(&self) -> Arc<Supply> {
        Arc::clone(&self.supply)
    }

    /// The load is over: archives the campaign that was made for it.
    ///
    /// # Errors
    /// When codes could not be issued meanwhile, or the campaign cannot be archived.
    pub(super) fn put_away(self, session: &mut Session) -> anyhow::Result<()> {
        self.supply.close();
        let Some(Issuing { campaign, thread }) = self.issuing else { return Ok(()) };
        let issued = thread.join().map_err(|_| anyhow!("issuing codes panicked"))?;
        let archived = session.post(&format!("{}/archive", campaign::path(&campaign)), None);
        archived.with_context(|| {
            format!("the load's campaign stays; `redeemd campaign archive {campaign}` ends it")
        })?;
        issued.context("issuing codes while the load went on")
    }
}

/// How many codes an open loop needs.
fn needed(bench: &Bench) -> Option<u64> {
    let requests = (bench.rate? * bench.duration as f64).ceil();
    let redeeming = requests * (1.0 - bench.validate_share) * f64::from(bench.batch.unwrap_or(1));
    // A little more, so that the last requests find some.
    Some(redeeming as u64 + 1000)
}

fn issue(session: &mut Session, campaign: &str, count: u64, supply: &Supply) -> anyhow::Result<()> {
    let path = format!("{}/codes", campaign::path(campaign));
    let (key, body) = (fresh_key()?, json!({ "count": count }).to_string());
    let request = Request::post(&path, &body).accept("text/csv").idempotency_key(Some(&key));
    let mut text = Vec::new();
    insist(session.manner, || {
        text.clear();
        session.client.send_to(&request, &mut text)
    })?;
    supply.add(without_title(text));
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let named = || format!("cannot read {}", path.display());
    let text = without_title(std::fs::read(path).with_context(named)?);
    let strange = text.iter().position(|byte| b",\"{".contains(byte));
    if let Some(place) = strange {
        let line = text.iter().take(place).filter(|&&byte| byte == b'\n').count() + 1;
        ensure!(false, "{}: code {line} is not alone on its line", path.display());
    }
    Ok(text)
}

/// Takes the title away, where there is one.
fn without_title(mut text: Vec<u8>) -> Vec<u8> {
    let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if first.trim_ascii() == TITLE {
        let end = (first.len() + 1).min(text.len());
        text.drain(..end);
    }
    text
}

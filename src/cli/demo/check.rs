//! The look back: every answer that was given, against what the server says now.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::campaign::Campaign;
use super::codes_file::CodesFile;
use super::redeemer::Redeemer;
use super::stage::Stage;
use super::wishes::Wishes;
use crate::cli::arguments::Demo;
use crate::cli::progress::Progress;
use crate::client::{Client, Request};

/// What the look back found.
#[derive(Default)]
pub(super) struct Findings {
    /// Redemptions that are there as they were answered.
    pub checked: u64,
    /// Redemptions that were answered and are not there, or are others.
    pub lost: u64,
    /// Codes that could be redeemed once more, or ids that were given twice.
    pub redeemed_twice: u64,
    /// What should not be, a line each.
    pub faults: Vec<String>,
}

/// Checks that every redemption that was answered is there as it was answered, and that its code
/// refuses everybody else.
pub(super) fn answers(
    stage: &Stage,
    wishes: &Wishes,
    answers: &[(usize, Vec<u8>)],
    clients: u64,
    progress: &Progress,
) -> anyhow::Result<Findings> {
    let done = AtomicU64::new(0);
    let share = answers.len().div_ceil(usize::try_from(clients)?).max(1);
    let mut findings = thread::scope(|scope| {
        let check = |answers| check_share(stage, wishes, answers, &done);
        let checkers: Vec<_> =
            answers.chunks(share).map(|share| scope.spawn(move || check(share))).collect();
        while checkers.iter().any(|checker| !checker.is_finished()) {
            progress.set(done.load(Ordering::Relaxed));
            thread::sleep(Duration::from_millis(10));
        }
        let mut whole = Findings::default();
        for checker in checkers {
            let part = checker.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
            whole.add(part);
        }
        anyhow::Ok(whole)
    })?;
    let ids: HashSet<_> = answers.iter().filter_map(|(_, body)| id_of(body).ok()).collect();
    let repeated = answers.len() - ids.len();
    if repeated > 0 {
        findings.redeemed_twice += repeated as u64;
        findings.faults.push(format!("{repeated} ids of redemptions were given more than once"));
    }
    Ok(findings)
}

fn check_share(
    stage: &Stage,
    wishes: &Wishes,
    answers: &[(usize, Vec<u8>)],
    done: &AtomicU64,
) -> anyhow::Result<Findings> {
    let mut findings = Findings::default();
    let mut redeemer = Redeemer::new(stage)?;
    for (place, body) in answers {
        let path = format!("/api/v1/redemptions/{}", id_of(body)?);
        let there = redeemer.insist(&Request::get(&path))?.answer;
        let was: Value = serde_json::from_slice(body).context("an answer was not JSON")?;
        if there.status() == 200 && there.json()? == was {
            findings.checked += 1;
        } else {
            findings.lost += 1;
            let summary = there.summary();
            findings.faults.push(format!("redemption {place} is answered {summary} now"));
        }
        done.fetch_add(1, Ordering::Relaxed);

        let body = wishes.body(*place, "a-stranger");
        let again = redeemer.insist(&Request::post("/api/v1/redemptions", &body))?.answer;
        if again.problem().as_deref() != Some("already_redeemed") {
            findings.redeemed_twice += u64::from(again.status() == 201);
            let summary = again.summary();
            findings.faults.push(format!("a stranger's redemption {place} is answered {summary}"));
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(findings)
}

fn id_of(body: &[u8]) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Redemption {
        id: String,
    }
    let redemption: Redemption = serde_json::from_slice(body).context("a redemption has no id")?;
    Ok(redemption.id)
}

/// Checks that the campaign's counts are what was done.
pub(super) fn campaign(
    client: &mut Client,
    campaign: &Campaign,
    demo: &Demo,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let counts = client.send(&Request::get(campaign.path()))?.json()?;
    for (name, expected) in [("issued", demo.codes), ("redeemed", demo.redemptions)] {
        let count = counts.get("counts").and_then(|counts| counts.get(name)?.as_u64());
        if count != Some(expected) {
            findings.faults.push(format!("the campaign has {count:?} {name}, not {expected}"));
        }
    }
    Ok(())
}

/// Checks that the same codes come again, each in the state that it should have.
pub(super) fn states(
    client: &mut Client,
    campaign: &Campaign,
    codes: &CodesFile,
    demo: &Demo,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let stride = (demo.codes / demo.redemptions).max(1);
    let mut index = 0;
    let is_redeemed = move || {
        let is_redeemed = index % stride == 0 && index / stride < demo.redemptions;
        index += 1;
        is_redeemed
    };
    let mut states =
        States { codes: codes.codes()?, is_redeemed, rest: Vec::new(), wrong: 0, lines: 0 };
    let path = campaign.codes_path();
    let request = Request::get(&path).accept("application/x-ndjson");
    let answer = client.send_to(&request, &mut states).context("exporting the codes again")?;
    ensure!(answer.status() == 200, "exporting the codes again was answered {}", answer.summary());
    if states.wrong > 0 || states.lines != demo.codes {
        let States { wrong, lines, .. } = states;
        findings
            .faults
            .push(format!("of {lines} exported codes {wrong} are not as they should be"));
    }
    Ok(())
}

/// Compares lines of an export with the file, as they come in.
struct States<C, R> {
    codes: C,
    is_redeemed: R,
    rest: Vec<u8>,
    wrong: u64,
    lines: u64,
}

#[derive(Deserialize)]
struct Line {
    code: String,
    state: String,
    uses: u64,
}

impl<C: Iterator<Item = io::Result<String>>, R: FnMut() -> bool> States<C, R> {
    fn compare(&mut self, line: &[u8]) -> io::Result<()> {
        self.lines += 1;
        let line: Line = serde_json::from_slice(line)?;
        let code = self.codes.next().transpose()?;
        let expected = if (self.is_redeemed)() { ("redeemed", 1) } else { ("issued", 0) };
        let is_right =
            code.as_ref() == Some(&line.code) && (line.state.as_str(), line.uses) == expected;
        self.wrong += u64::from(!is_right);
        Ok(())
    }
}

impl<C: Iterator<Item = io::Result<String>>, R: FnMut() -> bool> Write for States<C, R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.rest.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.rest);
                self.compare(&line)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Findings {
    fn add(&mut self, other: Self) {
        self.checked += other.checked;
        self.lost += other.lost;
        self.redeemed_twice += other.redeemed_twice;
        self.faults.extend(other.faults);
    }
}

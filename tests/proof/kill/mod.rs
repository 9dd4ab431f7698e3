//! The process is killed again and again under load, and everything that it ever answered has to
//! hold.
//!
//! One data directory goes through all rounds. In each, players redeem and an administrator issues
//! codes and changes campaigns, while others lead codes through their whole [`life`], until SIGKILL
//! comes at a moment that the dice choose. The [`book`] knows every answer, and what is open because
//! an answer never came; after each restart the [`audit`] compares the server with it.
//!
//! `REDEEMD_KILL_ROUNDS` says how often the process is killed (20), `REDEEMD_KILL_SEED` what the dice
//! are to say. The moments of the machine are its own, so a seed does not replay a run exactly.

mod administrator;
mod audit;
mod book;
mod code;
mod judging;
mod life;
mod player;
mod rules;
mod sending;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use redeemd::client::ServerProcess;

use super::dice::Dice;
use super::site::{Site, admin, issue, make_campaign};
use administrator::Administrator;
use book::Book;
use life::Life;
use player::Player;

/// How many clients redeem at once, besides those who lead codes through their lives.
const PLAYERS: usize = 5;

/// How many servers are killed while they make their data directory.
const FIRST_STARTS: usize = 8;

/// What is wrong with an answer. Whatever a client may be told in its place is none.
type Fault = String;

#[test]
fn what_was_answered_holds_whenever_the_process_is_killed_with_segment() {
    campaign("segment", rounds() - rounds() / 4);
}

#[test]
fn what_was_answered_holds_whenever_the_process_is_killed_with_sled() {
    campaign("sled", rounds() / 4);
}

#[test]
fn a_first_start_that_is_killed_is_completed_by_the_next() {
    let seed = seed();
    println!("REDEEMD_KILL_SEED={seed}");
    let mut dice = Dice::new(seed);
    for place in 0..FIRST_STARTS {
        let site = Site::new(["segment", "sled"][place % 2]);
        for _ in 0..dice.below(4) {
            let after = Duration::from_micros(dice.between(0, 60_000));
            site.launch.start_and_kill(after).unwrap();
        }
        let server = site.launch.start().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let mut client = admin(server.address);
        let campaign = make_campaign(&mut client, 1);
        assert_eq!(issue(&mut client, &campaign, 3).len(), 3);
    }
}

fn rounds() -> usize {
    std::env::var("REDEEMD_KILL_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap())
}

fn seed() -> u64 {
    match std::env::var("REDEEMD_KILL_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64,
    }
}

/// One data directory, and all that is known of it.
struct Campaign {
    site: Site,
    book: Book,
    life: Life,
    dice: Dice,
}

fn campaign(engine: &str, rounds: usize) {
    let seed = seed();
    println!("{engine}: {rounds} rounds, REDEEMD_KILL_SEED={seed}");
    let begun = Instant::now();
    let (site, dice) = (Site::new(engine), Dice::new(seed));
    let mut campaign = Campaign { site, book: Book::default(), life: Life::default(), dice };
    for round in 1..=rounds + 1 {
        let result = if round <= rounds { campaign.play() } else { campaign.end() };
        if let Err(fault) = result {
            let kept = campaign.site.keep();
            panic!(
                "{engine}, round {round} of {rounds}, REDEEMD_KILL_SEED={seed}: {fault}\nsee {}",
                kept.display()
            );
        }
    }
    let Campaign { book, life, .. } = campaign;
    println!("{engine}: {} in {:.1} s", book.summary(), begun.elapsed().as_secs_f64());
    println!("{engine}: whole lives: {}", life.summary());
    assert!(book.has_seen_everything(rounds), "too little happened: {}", book.summary());
    let missing = life.missing(rounds);
    assert!(missing.is_empty(), "too little happened: no {missing:?}");
}

impl Campaign {
    /// One round: a start, a look back, load, and a kill.
    fn play(&mut self) -> Result<(), Fault> {
        let mut server = self.start()?;
        let (book, life, dice) = (&self.book, &self.life, &mut self.dice);
        let address = server.address;
        let is_killed = AtomicBool::new(false);
        let load = Duration::from_micros(dice.between(1_000, 900_000));
        let mut administrator = Administrator::new(address, book, dice.fork());
        administrator.prepare()?;
        life.prepare(address)?;
        let players: Vec<_> =
            (0..PLAYERS).map(|_| Player::new(address, book, dice.fork())).collect();
        let lively_players = life.players(address, dice);
        let (mut warden, mut follower) = (life.warden(address, dice), life.follower(address, dice));
        thread::scope(|scope| {
            let is_killed = &is_killed;
            let mut parts = vec![
                scope.spawn(move || administrator.work(is_killed)),
                scope.spawn(move || warden.work(is_killed)),
                scope.spawn(move || follower.follow(is_killed)),
            ];
            parts.extend(
                players.into_iter().map(|mut player| scope.spawn(move || player.play(is_killed))),
            );
            let lively_players = lively_players.into_iter();
            parts.extend(
                lively_players.map(|mut player| scope.spawn(move || player.play(is_killed))),
            );
            // The load is what is waited for: the kill comes at a moment of its own, not at an event.
            let end = Instant::now() + load;
            while Instant::now() < end && !parts.iter().any(|part| part.is_finished()) {
                thread::sleep(Duration::from_millis(1).min(end - Instant::now()));
            }
            let ended = server.has_ended().map_err(|error| error.to_string())?;
            is_killed.store(true, Ordering::SeqCst);
            server.kill().map_err(|error| error.to_string())?;
            for part in parts {
                part.join().map_err(|_| "a part of the load panicked".to_owned())??;
            }
            match ended {
                Some(status) => Err(format!("the server ended by itself: {status}")),
                None => Ok(()),
            }
        })?;
        book.count_round();
        Ok(())
    }

    /// The last look, when everything that is open can be settled.
    fn end(&mut self) -> Result<(), Fault> {
        let mut server = self.start()?;
        let Self { book, life, dice, .. } = self;
        let address = server.address;
        Administrator::new(address, book, dice.fork()).settle()?;
        Player::new(address, book, dice.fork()).settle_all()?;
        life.end(address, dice, &book.unseen())?;
        audit::look_at_everything(&mut admin(address), book, dice)?;
        audit::count(book, life)?;
        let status = server.finish().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}")) }
    }

    /// Starts the server, sometimes after one that is killed while it starts, and looks back at what
    /// was answered until then.
    fn start(&mut self) -> Result<ServerProcess, Fault> {
        let Self { site, book, life, dice } = self;
        let mut launch = site.launch.clone();
        // How far ledger and snapshots are behind the journal when the end comes differs.
        let commit_interval_ms = [10, 100, 1000][dice.below(3)];
        let snapshot_entries = [300, 2_000, 100_000][dice.below(3)];
        launch.settings.extend([
            format!("ledger.commit_interval_ms={commit_interval_ms}"),
            format!("snapshots.interval_entries={snapshot_entries}"),
        ]);
        if dice.percent(25) {
            let after = Duration::from_micros(dice.between(0, 120_000));
            launch.start_and_kill(after).map_err(|error| error.to_string())?;
        }
        let since = UNIX_EPOCH.elapsed().unwrap_or_default().as_millis() as u64;
        let server = launch.start().map_err(|error| error.to_string())?;
        life.look_back(server.address, dice, since, &book.unseen())?;
        audit::look_back(&mut admin(server.address), book, dice)?;
        audit::count(book, life)?;
        Ok(server)
    }
}

//! Batches themselves, given to a database by hand: what is stale, repeated or somebody else's changes
//! nothing, whatever stamps and texts there are in it.

use std::time::{Duration, Instant};

use redeemd_domain::campaign::Revision;
use redeemd_domain::codes::{CampaignNumber, CodeKey, HintKey, Serial};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::shard::{Event, Record, Redemption};
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::data_directory::Identity;
use redeemd_persistence::journal::DirectoryId;
use redeemd_persistence::postgres::{
    Batch, Checkpoint, Error, Kind, Options, Owner, Projection, Renderer, Retried, Rows, SetAside,
};

use crate::support::{Database, shared_postgres};

const SHARD: SequenceId = SequenceId::shard(0);

/// The database as a server sees it.
struct Writer {
    projection: Projection,
    owner: Owner,
    at: Checkpoint,
}

impl Writer {
    async fn new(database: &Database<'_>, directory: u8) -> Self {
        let (second, long) = (Duration::from_secs(5), Duration::from_secs(60));
        let options = Options::new(&database.url(), 2, second, long).unwrap();
        let owner = Owner::new(&Identity::new(DirectoryId([directory; 16]), 1, "segment"));
        let at = Checkpoint::genesis(owner.directory, SHARD);
        let projection = Projection::new(&options);
        projection.migrate().await.unwrap();
        Self { projection, owner, at }
    }

    /// Looks, and takes over.
    async fn begin(&mut self) -> Result<(), Error> {
        let survey = self.projection.survey(&self.owner).await?;
        self.projection.take_over(&self.owner, &survey).await?;
        self.at = survey.checkpoints[&SHARD];
        Ok(())
    }

    fn batch(&self, records: &[Record]) -> Batch {
        let renderer = Renderer::new(HintKey::new(&[1; 32]));
        let (mut rows, mut to) = (Rows::default(), self.at);
        for record in records {
            renderer.shard(SHARD, record, &mut rows);
            let chain = to.chain.followed_by(record.number, &record.number.to_le_bytes());
            to = Checkpoint { through: record.number, chain };
        }
        Batch { sequence: SHARD, from: self.at, to, rows, set_aside: None }
    }

    async fn write(&mut self, batch: &Batch) -> Result<(), Error> {
        self.projection.write(&self.owner, batch).await?;
        self.at = batch.to;
        Ok(())
    }
}

fn redemption(number: u64, at: u64, user: &str) -> Record {
    let campaign = CampaignNumber(1);
    let code = CodeKey::Sealed { campaign, serial: Serial::new(number).unwrap() };
    let event = Event::Redeemed(Redemption {
        code,
        campaign,
        revision: Revision(1),
        generation: 0,
        uses_left: Some(0),
        user: user.into(),
        metadata: Some(r#"{"odd":"\u0000 \ud800"}"#.into()),
    });
    Record { number, at: Timestamp(at), api_key: ApiKeyNumber(1), request: None, event }
}

/// Runs something to its end.
pub(super) fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

const COUNT: &str = "SELECT count(*) FROM redeemd.redemptions";

#[test]
fn a_batch_that_is_repeated_or_stale_or_of_another_past_changes_nothing() {
    let database = shared_postgres().database();
    within(async {
        let mut writer = Writer::new(&database, 1).await;
        writer.begin().await.unwrap();
        let first = writer.batch(&[redemption(1, 1_000, "ada"), redemption(2, 2_000, "ada")]);
        writer.write(&first).await.unwrap();
        assert!(matches!(writer.write(&first).await, Err(Error::Moved(_))), "repeated");
        let second = writer.batch(&[redemption(3, 3_000, "bob")]);
        let mut other = writer.batch(&[redemption(3, 3_000, "eve")]);
        other.from.chain = other.to.chain;
        assert!(matches!(writer.write(&other).await, Err(Error::Moved(_))), "of another past");
        writer.write(&second).await.unwrap();
        assert!(matches!(writer.write(&first).await, Err(Error::Moved(_))), "stale");
        // Entries that left no outcome change no digest.
        let at = |through| Checkpoint { through, ..second.to };
        let rest = |from, to| Batch { from, to, ..writer.batch(&[]) };
        let (fourth, others) = (rest(at(3), at(4)), rest(at(4), at(9)));
        writer.write(&fourth).await.unwrap();
        writer.write(&others).await.unwrap();
        assert!(matches!(writer.write(&fourth).await, Err(Error::Moved(_))), "stale and empty");
        assert_eq!(database.ask(COUNT), "3");
        let mut stranger = Writer::new(&database, 2).await;
        assert!(matches!(stranger.begin().await, Err(Error::Foreign(_))));
        stranger.at = writer.at;
        let batch = stranger.batch(&[redemption(4, 4_000, "eve")]);
        assert!(matches!(stranger.write(&batch).await, Err(Error::Moved(_))), "a stranger's");
        assert_eq!(database.ask(COUNT), "3");
    });
}

#[test]
fn only_the_one_who_took_over_last_writes_and_only_if_nothing_had_moved() {
    let database = shared_postgres().database();
    within(async {
        let mut one = Writer::new(&database, 1).await;
        let mut two = Writer::new(&database, 1).await;
        one.begin().await.unwrap();
        two.begin().await.unwrap();
        let batch = one.batch(&[redemption(1, 1_000, "ada")]);
        assert!(matches!(one.write(&batch).await, Err(Error::Moved(_))), "the other one is there");
        // Both look, one writes, and the other one must not take over after that.
        let seen = two.projection.survey(&two.owner).await.unwrap();
        one.begin().await.unwrap();
        one.write(&batch).await.unwrap();
        let taken = two.projection.take_over(&two.owner, &seen).await;
        assert!(matches!(taken, Err(Error::Moved(_))), "{taken:?}");
        let batch = one.batch(&[redemption(2, 1_000, "ada")]);
        one.write(&batch).await.unwrap();
        assert_eq!(database.ask(COUNT), "2");
    });
}

/// Waits until something is so, and lets others go on meanwhile; it has a minute.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Otherwise it would see where the database stands without what is under way, and both would write.
#[test]
fn whoever_takes_over_waits_for_the_batch_that_is_under_way() {
    let database = shared_postgres().database();
    let waits = |query: &str| {
        database.count(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
             AND wait_event_type = 'Lock' AND query LIKE '{query}%'"
        )) == 1
    };
    std::thread::scope(|scope| {
        within(async {
            // Whatever the database does by default: so, it would go by what it saw before it waited.
            let name = database.name();
            database.ask(&format!(
                "ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"
            ));
            let mut one = Writer::new(&database, 1).await;
            let two = Writer::new(&database, 1).await;
            one.begin().await.unwrap();
            database.ask(
                "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
                     BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
                 CREATE TRIGGER wait BEFORE INSERT ON redeemd.redemptions
                     FOR EACH STATEMENT EXECUTE FUNCTION wait()",
            );
            // Holds the lock until somebody comes who is called `done`, or for a while.
            scope.spawn(|| {
                database.ask_as(
                    "locker",
                    "SELECT pg_advisory_lock(7);
                     DO $$ BEGIN
                         FOR look IN 1..9000 LOOP
                             EXIT WHEN EXISTS
                                 (SELECT FROM pg_stat_activity WHERE application_name = 'done');
                             PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot();
                         END LOOP;
                     END $$",
                )
            });
            let locked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            until("the lock is held", || database.count(locked) == 1).await;
            let seen = two.projection.survey(&two.owner).await.unwrap();
            let batch = one.batch(&[redemption(1, 1_000, "ada")]);
            let take_over = async {
                until("the batch is under way", || waits("COPY redeemd.redemptions")).await;
                let release = async {
                    let takes_over = "UPDATE redeemd.directory";
                    until("the other one waits for it", || waits(takes_over)).await;
                    database.ask_as("done", "SELECT pg_sleep(0.5)");
                };
                tokio::join!(two.projection.take_over(&two.owner, &seen), release).0
            };
            let (written, taken) = tokio::join!(one.write(&batch), take_over);
            written.unwrap();
            assert!(matches!(taken, Err(Error::Moved(_))), "{taken:?}");
        });
    });
    assert_eq!(database.ask(COUNT), "1");
}

#[test]
fn what_was_set_aside_is_written_only_where_its_sequence_stands_and_once() {
    let database = shared_postgres().database();
    within(async {
        let mut writer = Writer::new(&database, 1).await;
        writer.begin().await.unwrap();
        let beginning = writer.at;
        let whole = writer.batch(&[redemption(1, 1_000, "ada")]);
        let position = Position { sequence: SHARD, number: 1 };
        let reason = "no".to_owned();
        let set_aside = SetAside { position, at: Timestamp(1_000), reason, record: vec![1] };
        let aside = Batch { rows: Rows::default(), set_aside: Some(set_aside), ..whole };
        let rows = writer.batch(&[redemption(1, 1_000, "ada")]).rows;
        writer.write(&aside).await.unwrap();
        let (owner, at) = (writer.owner.clone(), writer.at);
        let stale = writer.projection.retry(&owner, position, beginning, &rows).await;
        assert!(matches!(stale, Err(Error::Moved(_))), "{stale:?}");
        let mut other = Writer::new(&database, 1).await;
        other.begin().await.unwrap();
        let of_former = writer.projection.retry(&owner, position, at, &rows).await;
        assert!(matches!(of_former, Err(Error::Moved(_))), "{of_former:?}");
        assert_eq!(database.ask(COUNT), "0");
        for expected in [Retried::Arrived, Retried::Gone] {
            let retried = other.projection.retry(&owner, position, at, &rows).await.unwrap();
            assert_eq!(retried, expected);
            assert_eq!(database.ask(COUNT), "1");
        }
    });
}

#[test]
fn a_database_is_handed_over_as_it_was_seen_and_after_its_server_has_ended() {
    let database = shared_postgres().database();
    within(async {
        let mut writer = Writer::new(&database, 1).await;
        writer.begin().await.unwrap();
        let first = writer.batch(&[redemption(1, 1_000, "ada")]);
        writer.write(&first).await.unwrap();
        let seen = writer.projection.possession().await.unwrap().unwrap();
        let epoch = seen.epoch.next([9; 8]);
        let second = writer.batch(&[redemption(2, 1_000, "ada")]);
        writer.write(&second).await.unwrap();
        let refused = writer.projection.hand_over(&seen, epoch, &seen.checkpoints).await;
        assert!(matches!(refused, Err(Error::Moved(_))), "it has more by now: {refused:?}");
        let seen = writer.projection.possession().await.unwrap().unwrap();
        writer.projection.announce(&writer.owner, None).await.unwrap();
        let refused = writer.projection.hand_over(&seen, epoch, &seen.checkpoints).await;
        assert!(matches!(refused, Err(Error::Moved(_))), "somebody lives: {refused:?}");
        writer.projection.take_leave(&writer.owner, None).await.unwrap();
        writer.projection.hand_over(&seen, epoch, &seen.checkpoints).await.unwrap();
        let third = writer.batch(&[redemption(3, 1_000, "ada")]);
        assert!(matches!(writer.write(&third).await, Err(Error::Moved(_))), "it is another's");
        assert!(matches!(writer.begin().await, Err(Error::Foreign(_))));
        assert_eq!(database.ask(COUNT), "2");
    });
}

#[test]
fn a_clock_that_jumps_gets_its_partitions_wherever_it_jumps() {
    let database = shared_postgres().database();
    within(async {
        let mut writer = Writer::new(&database, 1).await;
        writer.begin().await.unwrap();
        // The first and the last stamp there can be, and moments at the ends of months and years.
        let stamps = [
            0,
            1_709_251_199_999,
            1_709_251_200_000,
            4_102_444_799_999,
            4_102_444_800_000,
            253_402_300_799_999,
            253_402_300_800_000,
            Timestamp::MAX.0,
        ];
        let records: Vec<Record> =
            (1..).zip(stamps).map(|(number, at)| redemption(number, at, "ada")).collect();
        let batch = writer.batch(&records);
        writer.write(&batch).await.unwrap();
        let backwards: Vec<Record> = (9..)
            .zip(stamps.into_iter().rev())
            .map(|(number, at)| redemption(number, at, "ada"))
            .collect();
        let batch = writer.batch(&backwards);
        writer.write(&batch).await.unwrap();
    });
    let found = database.ask(
        "SELECT tableoid::regclass, round(extract(epoch FROM redeemed_at) * 1000)
         FROM redeemd.redemptions WHERE entry <= 8 ORDER BY entry",
    );
    let expected = [
        "1970_01|0",
        "2024_02|1709251199999",
        "2024_03|1709251200000",
        "2099_12|4102444799999",
        "2100_01|4102444800000",
        "9999_12|253402300799999",
        "10000_01|253402300800000",
        "10889_08|281474976710655",
    ];
    let expected: Vec<_> = expected.iter().map(|it| format!("redeemd.redemptions_{it}")).collect();
    assert_eq!(found, expected.join("\n"));
    assert_eq!(database.ask(COUNT), "16");
}

#[test]
fn text_that_no_database_takes_is_refused_for_its_content_and_all_other_text_arrives() {
    let database = shared_postgres().database();
    within(async {
        let mut writer = Writer::new(&database, 1).await;
        writer.begin().await.unwrap();
        let batch = writer.batch(&[redemption(1, 1_000, "a\0b")]);
        let refused = writer.write(&batch).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Content, "{refused}");
        let odd = ["\u{1}\t\n\\.", "\\N", "\u{10FFFF}\u{FEFF}\u{202E}", "'; --", " ", "\u{1F375}"];
        let longest = "\u{1F375}".repeat(128);
        let users: Vec<&str> = odd.into_iter().chain([longest.as_str()]).collect();
        let records: Vec<Record> =
            (1..).zip(&users).map(|(number, user)| redemption(number, 1_000, user)).collect();
        let batch = writer.batch(&records);
        writer.write(&batch).await.unwrap();
        let known = "SELECT count(*) FROM redeemd.redemptions WHERE length(user_id) > 0
             AND metadata::text = '{\"odd\":\"\\u0000 \\ud800\"}'";
        assert_eq!(database.ask(known), users.len().to_string());
    });
}

//! What a core decides, step by step: bounds, refusals of its own, and what becomes of questions
//! when the journal fails.

use redeemd_domain::campaign::{CampaignView, Revision, Status, Window};
use redeemd_domain::codes::{CampaignNumber, CodeKey, Serial};
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::refusal::Refusal;
use redeemd_domain::request::{Fingerprint, Request, RequestDigest};
use redeemd_domain::shard::{Change, Command, Query, Redeem, Reply, Shard};
use redeemd_domain::slot::ShardLayout;

use super::*;

const CAMPAIGN: CampaignNumber = CampaignNumber(1);

/// A core of the only shard, and everything that it put out.
struct Bench {
    core: SequenceCore<Shard>,
    outputs: Outputs<Shard>,
    now: Now,
    ticket: u64,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        let shard = Shard::new(ShardLayout::new(1).unwrap(), 0);
        let core = SequenceCore::new(SequenceId::shard(0), shard, 0, limits);
        let now = Now { wall: Timestamp(1_000), monotonic_ms: 0 };
        let mut bench = Self { core, outputs: Outputs::default(), now, ticket: 0 };
        bench.put(Command::PutCampaign(CampaignView {
            number: CAMPAIGN,
            revision: Revision(1),
            status: Status::Active,
            window: Window::default(),
            uses_per_code: Some(1),
            issued: 1_000,
        }));
        bench.flush_and_commit();
        bench.outputs = Outputs::default();
        bench
    }

    fn ask(&mut self, ask: Ask<Shard>) -> Token {
        let token = Token { port: PortId(0), ticket: self.ticket };
        self.ticket += 1;
        self.core.submit(Submission { token, ask }, self.now, &mut self.outputs);
        token
    }

    fn put(&mut self, command: Command) -> Token {
        self.ask(Ask::Do(command))
    }

    fn flush(&mut self) -> Vec<FrameProposal> {
        self.core.flush(&mut self.outputs);
        std::mem::take(&mut self.outputs.frames)
    }

    fn flush_and_commit(&mut self) {
        for frame in self.flush() {
            self.core.committed(frame.ticket, &mut self.outputs);
        }
    }

    /// The one answer that was given.
    fn answer(&mut self) -> (Token, Answer<Shard>) {
        assert_eq!(self.outputs.answers.len(), 1, "{:?}", self.outputs.answers);
        self.outputs.answers.pop().unwrap()
    }

    fn is_rejected(&mut self, expected: Rejection) -> bool {
        matches!(self.answer().1, Answer::Rejected(rejection) if rejection == expected)
    }
}

fn code(serial: u64) -> CodeKey {
    CodeKey::Sealed { campaign: CAMPAIGN, serial: Serial::new(serial).unwrap() }
}

fn redeem(serial: u64, key: Option<&str>) -> Command {
    let api_key = ApiKeyNumber(1);
    let code = code(serial);
    let request = key.map(|key| Request {
        digest: RequestDigest::new(api_key, key.as_bytes(), &code.canonical()),
        fingerprint: Fingerprint::new(&[]),
        searched: 0,
    });
    Command::Redeem(Redeem { code, user: "u".into(), metadata: None, api_key, request })
}

#[test]
fn nothing_is_answered_before_the_journal_has_it() {
    let mut bench = Bench::new(Limits::default());
    let token = bench.put(redeem(1, None));
    let frames = bench.flush();
    assert!(bench.outputs.answers.is_empty() && bench.outputs.applied.is_empty());
    assert_eq!((frames.len(), frames[0].first, frames[0].count), (1, 2, 1));
    bench.core.committed(frames[0].ticket, &mut bench.outputs);
    let (answered, answer) = bench.answer();
    assert_eq!(answered, token);
    assert!(matches!(answer, Answer::Outcome(Outcome::Done(_))), "{answer:?}");
    let applied = bench.outputs.applied.pop().unwrap();
    assert_eq!((applied.first, applied.last, applied.records.len()), (2, 2, 1));
}

#[test]
fn a_refusal_that_the_state_settles_needs_no_entry() {
    let mut bench = Bench::new(Limits::default());
    bench.put(redeem(1, None));
    bench.flush_and_commit();
    bench.outputs = Outputs::default();
    bench.put(redeem(1, None));
    let (_, answer) = bench.answer();
    let refused = Outcome::Refused(Refusal::AlreadyRedeemed);
    assert!(matches!(answer, Answer::Outcome(outcome) if outcome == refused));
    assert!(bench.flush().is_empty());
}

#[test]
fn two_who_race_are_both_proposed_and_the_first_gets_it() {
    let mut bench = Bench::new(Limits::default());
    let (first, second) = (bench.put(redeem(1, None)), bench.put(redeem(1, None)));
    bench.flush_and_commit();
    let answers = &bench.outputs.answers;
    assert!(matches!(answers[0], (token, Answer::Outcome(Outcome::Done(_))) if token == first));
    let (token, Answer::Outcome(lost)) = &answers[1] else { panic!("{answers:?}") };
    assert_eq!((*token, lost), (second, &Outcome::Refused(Refusal::AlreadyRedeemed)));
}

#[test]
fn the_journal_is_given_so_many_frames_and_the_rest_gathers() {
    let mut bench = Bench::new(Limits::default());
    let mut frames = Vec::new();
    for serial in 0..10 {
        bench.put(redeem(serial, None));
        frames.extend(bench.flush());
    }
    assert_eq!(frames.iter().map(|frame| frame.count).collect::<Vec<_>>(), [1, 1]);
    bench.core.committed(frames[0].ticket, &mut bench.outputs);
    let gathered = bench.outputs.frames.pop().unwrap();
    assert_eq!((gathered.first, gathered.count), (4, 8));
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_dropped() {
    let mut bench = Bench::new(Limits { max_in_flight: 2, ..Limits::default() });
    bench.put(redeem(1, None));
    bench.put(redeem(2, None));
    bench.put(redeem(3, None));
    assert!(bench.is_rejected(Rejection::Overloaded));
    bench.flush_and_commit();
    assert_eq!(bench.outputs.answers.len(), 2);
}

#[test]
fn a_sequence_takes_no_more_when_the_ledger_is_far_behind() {
    let mut bench = Bench::new(Limits { max_ledger_lag: 3, ..Limits::default() });
    bench.put(redeem(1, None));
    bench.put(redeem(2, None));
    bench.put(redeem(3, None));
    assert!(bench.is_rejected(Rejection::Overloaded));
    bench.flush_and_commit();
    bench.core.ledger_covers(3);
    bench.outputs = Outputs::default();
    bench.put(redeem(3, None));
    bench.flush_and_commit();
    assert!(matches!(bench.answer().1, Answer::Outcome(Outcome::Done(_))));
}

#[test]
fn a_full_disk_refuses_all_that_was_proposed_and_its_numbers_are_given_again() {
    let mut bench = Bench::new(Limits::default());
    bench.put(redeem(1, None));
    let first = bench.flush();
    bench.put(redeem(2, None));
    let second = bench.flush();
    bench.put(redeem(3, None));
    bench.core.not_appended(first[0].ticket, &mut bench.outputs);
    let full = Rejection::ReadOnly(ReadOnly::DiskFull);
    let rejected = |(_, answer): &(Token, Answer<Shard>)| matches!(answer, Answer::Rejected(rejection) if *rejection == full);
    assert_eq!(bench.outputs.answers.iter().filter(|answer| rejected(answer)).count(), 3);
    bench.outputs = Outputs::default();
    bench.put(redeem(1, None));
    assert!(bench.is_rejected(full));
    bench.core.disk_has_space();
    bench.put(redeem(1, None));
    let again = bench.flush();
    assert_eq!(again[0].first, first[0].first);
    // The late answer about the second frame is about nothing that is still there.
    bench.core.not_appended(second[0].ticket, &mut bench.outputs);
    assert_eq!(bench.core.read_only(), None);
    bench.core.committed(again[0].ticket, &mut bench.outputs);
    assert!(matches!(bench.answer().1, Answer::Outcome(Outcome::Done(_))));
}

#[test]
fn a_full_backlog_takes_nothing_new_but_what_is_under_way_comes_to_its_end() {
    let mut bench = Bench::new(Limits::default());
    bench.put(redeem(1, Some("order-1")));
    bench.core.set_backlog_full(true);
    assert_eq!(bench.core.read_only(), Some(ReadOnly::BacklogFull));
    bench.flush_and_commit();
    assert!(matches!(bench.answer().1, Answer::Outcome(Outcome::Done(_))));
    bench.outputs = Outputs::default();
    bench.put(redeem(2, None));
    assert!(bench.is_rejected(Rejection::ReadOnly(ReadOnly::BacklogFull)));
    bench.put(redeem(1, Some("order-1")));
    assert!(matches!(bench.answer().1, Answer::Outcome(Outcome::Replayed(_))));
    bench.outputs = Outputs::default();
    bench.ask(Ask::Insist(redeem(3, None)));
    bench.flush_and_commit();
    assert!(matches!(bench.answer().1, Answer::Outcome(Outcome::Done(_))));
    bench.outputs = Outputs::default();
    // Who takes something away does not have to wait; who gives it back has.
    let change =
        Change { code: code(4), reason: "stolen".into(), api_key: ApiKeyNumber(1), request: None };
    bench.put(Command::Revoke(change.clone()));
    bench.flush_and_commit();
    assert!(matches!(bench.answer().1, Answer::Outcome(Outcome::Done(_))));
    bench.outputs = Outputs::default();
    bench.put(Command::Restore(change));
    assert!(bench.is_rejected(Rejection::ReadOnly(ReadOnly::BacklogFull)));
    bench.core.set_backlog_full(false);
    bench.put(redeem(2, None));
    bench.flush_and_commit();
    assert!(matches!(bench.answer().1, Answer::Outcome(Outcome::Done(_))));
}

#[test]
fn an_unknown_outcome_names_the_entry_that_it_would_have_become() {
    let mut bench = Bench::new(Limits::default());
    bench.put(redeem(1, None));
    bench.flush();
    bench.put(redeem(2, None));
    bench.core.unknown(&mut bench.outputs);
    let numbers = bench.outputs.answers.iter().map(|(_, answer)| match answer {
        Answer::Unknown(proposed) => proposed.number,
        other => panic!("{other:?}"),
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_leap_of_the_clock_lets_nothing_change_but_replays_go_on() {
    let mut bench = Bench::new(Limits::default());
    bench.put(redeem(1, Some("order-1")));
    bench.flush_and_commit();
    bench.outputs = Outputs::default();
    bench.now.wall = Timestamp(1_000 + 3_600_000);
    bench.put(redeem(2, None));
    assert!(bench.is_rejected(Rejection::ReadOnly(ReadOnly::ClockLeap)));
    bench.put(redeem(1, Some("order-1")));
    assert!(matches!(bench.answer().1, Answer::Outcome(Outcome::Replayed(_))));
    bench.ask(Ask::Tell(Query::Validate { code: code(2), user: None }));
    let Answer::Reply(reply) = bench.answer().1 else { panic!("it is a question") };
    assert!(matches!(*reply, Reply::Validated(Ok(_))));
    assert!(bench.core.believe_clock(bench.now).is_some());
    assert_eq!(bench.core.believe_clock(bench.now), None, "it is believed already");
    bench.put(redeem(2, None));
    bench.flush_and_commit();
    assert!(matches!(bench.answer().1, Answer::Outcome(Outcome::Done(_))));
}

#[test]
fn an_idle_sequence_forgets_what_the_ledger_has() {
    let mut bench = Bench::new(Limits::default());
    bench.put(redeem(1, Some("order-1")));
    bench.flush_and_commit();
    bench.core.advance(bench.now, false, &mut bench.outputs);
    assert!(bench.outputs.frames.is_empty(), "the ledger has nothing yet");
    bench.core.ledger_covers(2);
    bench.core.advance(bench.now, false, &mut bench.outputs);
    bench.flush_and_commit();
    assert_eq!((bench.core.machine().remembered(), bench.core.machine().forgotten()), (0, 2));
    bench.outputs = Outputs::default();
    bench.put(redeem(1, Some("order-1")));
    let (_, answer) = bench.answer();
    assert!(matches!(answer, Answer::Outcome(Outcome::SearchLedger { through: 2 })), "{answer:?}");
}

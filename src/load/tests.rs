//! The engine against servers that are not well.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicU64;

use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Asks for the same thing so many times.
struct Same {
    left: AtomicU64,
}

impl Source for Same {
    fn write(&self, wire: &mut Vec<u8>) -> bool {
        wire.extend_from_slice(b"GET / HTTP/1.1\r\n\r\n");
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
    }

    fn file(&self, status: u16, body: &[u8], tally: &mut Tally) {
        tally.count(status, (body != b"ok").then_some("strange"));
    }
}

/// A server that does something before each of its answers, which are numbered, and says nothing
/// where that is `false`.
fn server(before: impl Fn(u64) -> bool + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Arc::new((before, AtomicU64::new(0)));
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(1..) = stream.read(&mut buffer) {
                    let number = shared.1.fetch_add(1, Ordering::SeqCst);
                    if (shared.0)(number) {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                    }
                }
            });
        }
    });
    address
}

fn load(address: SocketAddr, connections: usize, pace: Pace) -> Load {
    let target = address.into();
    Load { target, connections, threads: 1, pace, duration: MS(1000), patience: MS(10_000) }
}

fn run(load: &Load, requests: u64) -> Outcome {
    let source = Arc::new(Same { left: AtomicU64::new(requests) });
    load.run(&source, |_| {}).unwrap()
}

#[test]
fn a_stall_is_seen_in_all_that_waited_for_it() {
    let stalling = || {
        server(|number| {
            if number == 20 {
                thread::sleep(MS(500));
            }
            true
        })
    };
    let open = run(&load(stalling(), 1, Pace::Open { rate: 100.0, backlog: 100 }), u64::MAX);
    assert_eq!((open.offered, open.tally.answers), (Some(100), 100));
    // Half of the requests were due during the stall, and waited for 250 ms on average.
    assert!(open.tally.latency.value_at_quantile(0.8) > 100_000, "{open:?}");
    assert!(open.tally.service.value_at_quantile(0.5) < open.tally.latency.value_at_quantile(0.8));
    assert!(open.tally.service.max() > 400_000);
}

#[test]
fn a_rate_that_a_server_cannot_serve_is_held_within_bounds() {
    let slow = server(|_| {
        thread::sleep(MS(20));
        true
    });
    for threads in [1, 2] {
        let pace = Pace::Open { rate: 10_000.0, backlog: 10 };
        let load = Load { threads, ..load(slow, 4, pace) };
        let outcome = run(&load, u64::MAX);
        let tally = &outcome.tally;
        assert_eq!(outcome.offered, Some(10_000));
        assert_eq!(tally.answers + tally.not_sent + tally.broken(), 10_000);
        // Four connections with at least 20 ms for each answer.
        assert!(tally.answers <= 220 && tally.not_sent >= 9_700, "{tally:?}");
        assert!(outcome.elapsed < load.duration + MS(5000));
    }
}

#[test]
fn a_rate_far_beyond_what_is_possible_costs_nothing() {
    let fast = server(|_| true);
    let answers = |pace| {
        let load = Load { duration: MS(500), ..load(fast, 4, pace) };
        run(&load, u64::MAX).tally.answers
    };
    let closed = answers(Pace::Closed);
    let open = answers(Pace::Open { rate: 1e6, backlog: 100 });
    // Both keep the same connections busy all the time. The rest is for machines that do other things.
    assert!(open * 10 > closed, "{open} instead of {closed}");
}

#[test]
fn what_has_no_answer_is_counted_and_the_load_goes_on() {
    let mute = server(|number| number % 2 == 1);
    let load = Load { patience: MS(50), ..load(mute, 1, Pace::Closed) };
    let outcome = run(&load, 10);
    assert_eq!((outcome.tally.answers, outcome.ran_out), (5, true));
    assert_eq!(outcome.tally.broken.get("no answer in time"), Some(&5));
    assert_eq!(outcome.tally.with_status(200, 201), 5);
    assert_eq!(outcome.offered, None);
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let nowhere = listener.local_addr().unwrap();
    drop(listener);
    let load = Load { threads: 3, ..load(nowhere, 8, Pace::Closed) };
    let source = Arc::new(Same { left: AtomicU64::new(1) });
    let error = load.run(&source, |_| {}).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
}

#[test]
fn somebody_may_watch() {
    let fine = server(|_| true);
    let source = Arc::new(Same { left: AtomicU64::new(u64::MAX) });
    let load =
        Load { duration: MS(2500), ..load(fine, 2, Pace::Open { rate: 200.0, backlog: 1000 }) };
    let mut seen = 0;
    let outcome = load.run(&source, |moment| {
        assert!(moment.interval >= LOOK_INTERVAL && moment.elapsed >= moment.interval);
        seen += moment.tally.answers;
    });
    let answers = outcome.unwrap().tally.answers;
    assert!(seen > 0 && seen <= answers, "{seen} of {answers}");
}

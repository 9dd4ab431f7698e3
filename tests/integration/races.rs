//! Many clients, one code.

use std::sync::Barrier;

use serde_json::json;

use crate::support::{Folder, campaign_with_codes, redeem, redeem_keyed};

const CLIENTS: usize = 64;

#[test]
fn of_64_clients_exactly_one_wins() {
    let folder = Folder::new();
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 60);
    let barrier = Barrier::new(CLIENTS);
    let won: Vec<Vec<bool>> = std::thread::scope(|scope| {
        let race = |client: usize| {
            let (server, codes, barrier) = (&server, &codes, &barrier);
            scope.spawn(move || {
                let mut connection = server.client();
                let user = format!("user {client}");
                let run = |code: &String| {
                    barrier.wait();
                    let answer = redeem(&mut connection, code, &user);
                    if answer.status != 201 {
                        answer.is_problem(409, "already_redeemed");
                    }
                    answer.status == 201
                };
                codes.iter().map(run).collect()
            })
        };
        let threads: Vec<_> = (0..CLIENTS).map(race).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for race in 0..codes.len() {
        assert_eq!(won.iter().filter(|won| won[race]).count(), 1, "race {race}");
    }
}

#[test]
fn one_request_sent_64_times_is_done_once() {
    let folder = Folder::new();
    let server = folder.start();
    let rules = json!({"uses_per_code": null});
    let (_, codes) = campaign_with_codes(&mut server.client(), rules, 20);
    let barrier = Barrier::new(CLIENTS);
    let answers: Vec<Vec<String>> = std::thread::scope(|scope| {
        let race = |_| {
            let (server, codes, barrier) = (&server, &codes, &barrier);
            scope.spawn(move || {
                let mut connection = server.client();
                let run = |code: &String| {
                    barrier.wait();
                    let answer = redeem_keyed(&mut connection, code, "ada", "the same");
                    assert_eq!(answer.status, 201, "{answer:?}");
                    answer.text().to_owned()
                };
                codes.iter().map(run).collect()
            })
        };
        let threads: Vec<_> = (0..CLIENTS).map(race).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for race in 0..codes.len() {
        assert!(answers.iter().all(|answer| answer[race] == answers[0][race]), "race {race}");
    }
}

//! `/holds` of a campaign that limits its users: a hold is one use of its user, whatever becomes of
//! it.

use std::sync::Barrier;

use serde_json::{Value, json};

use crate::support::{
    Answer, Client, Folder, Request, campaign_with_codes, id, issue, redeem, wait_until,
};

/// How many users do the same at once.
const USERS: usize = 8;

fn hold(client: &mut Client, code: &str, user: &str, seconds: u64) -> Answer {
    let wish = json!({"code": code, "user_id": user, "ttl_seconds": seconds});
    client.post("/api/v1/holds", &wish)
}

fn placed(client: &mut Client, code: &str, user: &str, seconds: u64) -> Value {
    let answer = hold(client, code, user, seconds);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn confirm(client: &mut Client, hold: &Value, body: &Value) -> Answer {
    client.post(&format!("/api/v1/holds/{}/confirm", id(hold)), body)
}

fn confirm_late(client: &mut Client, hold: &Value) -> Answer {
    confirm(client, hold, &json!({"take_if_free": true}))
}

fn roll_back(client: &mut Client, redemption: &Value) {
    let path = format!("/api/v1/redemptions/{}/rollback", id(redemption));
    assert_eq!(client.post(&path, &json!({"reason": "returned"})).status, 200);
}

fn wait_until_over(client: &mut Client, hold: &Value) {
    let path = format!("/api/v1/holds/{}", id(hold));
    wait_until("the hold is over", || client.get(&path).json()["status"] == "expired");
}

fn redeemed(client: &mut Client, campaign: &Value) -> Value {
    let path = format!("/api/v1/campaigns/{}", id(campaign));
    client.get(&path).json()["counts"]["redeemed"].clone()
}

#[test]
fn a_hold_is_one_use_of_its_user_until_its_redemption_is_rolled_back() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({"uses_per_user": 2}), 5);
    let held = placed(&mut client, &codes[0], "ann", 600);
    assert_eq!(placed(&mut client, &codes[0], "ann", 900)["id"], held["id"], "it is prolonged");
    assert_eq!(redeem(&mut client, &codes[1], "ann").status, 201);
    redeem(&mut client, &codes[2], "ann").is_problem(409, "user_limit_reached");
    hold(&mut client, &codes[2], "ann", 600).is_problem(409, "user_limit_reached");
    let confirmed = confirm(&mut client, &held, &json!({}));
    assert_eq!(confirmed.status, 201, "what it has is its own: {confirmed:?}");
    redeem(&mut client, &codes[2], "ann").is_problem(409, "user_limit_reached");
    roll_back(&mut client, &confirmed.json());
    assert_eq!(redeem(&mut client, &codes[2], "ann").status, 201);
    redeem(&mut client, &codes[3], "ann").is_problem(409, "user_limit_reached");

    // A plain redemption of the code that is held takes the hold's use, and no other.
    let held = placed(&mut client, &codes[3], "bob", 600);
    assert_eq!(redeem(&mut client, &codes[3], "bob").status, 201);
    confirm(&mut client, &held, &json!({})).is_problem(409, "hold_ended");
    assert_eq!(redeem(&mut client, &codes[4], "bob").status, 201);
    redeem(&mut client, &codes[0], "bob").is_problem(409, "user_limit_reached");
}

#[test]
fn a_hold_that_is_released_or_expires_gives_its_use_back_once() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({"uses_per_user": 1}), 4);
    let released = placed(&mut client, &codes[0], "ann", 600);
    let path = format!("/api/v1/holds/{}", id(&released));
    for _ in 0..2 {
        assert_eq!(client.send(Request::new("DELETE", &path)).status, 204);
    }
    let expired = placed(&mut client, &codes[0], "ann", 1);
    wait_until_over(&mut client, &expired);
    // Of another code, whose shard does not know, within a second or so.
    wait_until("the use is back", || {
        let answer = redeem(&mut client, &codes[1], "ann");
        if answer.status != 201 {
            answer.is_problem(409, "user_limit_reached");
        }
        answer.status == 201
    });
    redeem(&mut client, &codes[2], "ann").is_problem(409, "user_limit_reached");
    confirm_late(&mut client, &expired).is_problem(409, "user_limit_reached");
    confirm_late(&mut client, &released).is_problem(409, "hold_ended");
}

/// What the hold kept is on its way back to the user when the hold is over; whoever wants the same
/// code again is not refused meanwhile.
#[test]
fn the_use_of_an_expired_hold_is_there_for_the_same_code_at_once() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) =
        campaign_with_codes(&mut client, json!({"uses_per_user": 1}), 3 * USERS);
    let fresh = issue(&mut client, &campaign, 3 * USERS);
    let user = |place: usize| format!("user-{place}");
    let place = |(place, code): (usize, &String)| placed(&mut client, code, &user(place), 1);
    let holds: Vec<Value> = codes.iter().enumerate().map(place).collect();
    for (place, (held, code)) in holds.iter().zip(&codes).enumerate() {
        wait_until_over(&mut client, held);
        let answer = match place % 3 {
            0 => confirm_late(&mut client, held),
            1 => hold(&mut client, code, &user(place), 600),
            _ => redeem(&mut client, code, &user(place)),
        };
        assert_eq!(answer.status, 201, "{place}: {answer:?}");
        redeem(&mut client, &fresh[place], &user(place)).is_problem(409, "user_limit_reached");
    }
}

#[test]
fn two_holds_of_one_user_that_are_confirmed_late_at_once_stay_within_the_limit() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) =
        campaign_with_codes(&mut client, json!({"uses_per_user": 1}), 3 * USERS);
    let user = |number: usize| format!("user-{number}");
    // The first holds have given their uses back when the second ones are placed.
    let place = |client: &mut Client, from: usize| -> Vec<Value> {
        let mut holds = vec![Value::Null; USERS];
        wait_until("all have a hold", || {
            for (number, held) in holds.iter_mut().enumerate().filter(|(_, held)| held.is_null()) {
                let answer = hold(client, &codes[from + number], &user(number), 1);
                if answer.status == 201 {
                    *held = answer.json();
                } else {
                    answer.is_problem(409, "user_limit_reached");
                }
            }
            holds.iter().all(|held| !held.is_null())
        });
        holds.iter().for_each(|held| wait_until_over(client, held));
        holds
    };
    let first = place(&mut client, 0);
    let second = place(&mut client, USERS);
    let barrier = Barrier::new(2 * USERS);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let late = |held| {
            let (server, barrier) = (&server, &barrier);
            scope.spawn(move || {
                let mut client = server.client();
                barrier.wait();
                let answer = confirm_late(&mut client, held);
                if answer.status != 201 {
                    answer.is_problem(409, "user_limit_reached");
                }
                answer.status
            })
        };
        let threads: Vec<_> = first.iter().chain(&second).map(late).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for number in 0..USERS {
        let granted =
            || [number, USERS + number].into_iter().filter(|&one| statuses[one] == 201).count();
        assert!(granted() <= 1, "user {number}: {statuses:?}");
        if granted() == 0 {
            // Each met the use that the other one's hold had kept, on its way back or just claimed.
            wait_until("the use is back", || {
                let answer = confirm_late(&mut client, &second[number]);
                if answer.status != 201 {
                    answer.is_problem(409, "user_limit_reached");
                }
                answer.status == 201
            });
        }
        let fresh = &codes[2 * USERS + number];
        redeem(&mut client, fresh, &user(number)).is_problem(409, "user_limit_reached");
    }
    assert_eq!(redeemed(&mut client, &campaign), USERS);
}

#[test]
fn as_many_holds_as_the_limit_allows_are_all_confirmed_late_at_once() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({"uses_per_user": 4}), 9);
    // Those of one who has time are as many as the limit allows; those of the other one are soon over.
    codes[5..].iter().for_each(|code| drop(placed(&mut client, code, "bob", 600)));
    hold(&mut client, &codes[4], "bob", 1).is_problem(409, "user_limit_reached");
    let holds: Vec<Value> =
        codes[..4].iter().map(|code| placed(&mut client, code, "ann", 1)).collect();
    holds.iter().for_each(|held| wait_until_over(&mut client, held));
    let barrier = Barrier::new(2 * holds.len());
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        // Each by two clients, of which one comes too late.
        let late = |held| {
            let (server, barrier) = (&server, &barrier);
            scope.spawn(move || {
                let mut client = server.client();
                barrier.wait();
                confirm_late(&mut client, held)
            })
        };
        let threads: Vec<_> = holds.iter().chain(&holds).map(late).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 4, "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        // While the first one is under way, it is its use that stands in the way of the second one.
        let code = refused.json()["code"].clone();
        assert!(code == "already_redeemed" || code == "user_limit_reached", "{refused:?}");
    }
    for held in &holds {
        confirm_late(&mut client, held).is_problem(409, "already_redeemed");
    }
    redeem(&mut client, &codes[4], "ann").is_problem(409, "user_limit_reached");
    assert_eq!(redeemed(&mut client, &campaign), 4);
}

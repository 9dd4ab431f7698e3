//! `/redemptions/{id}/rollback`

use serde_json::{Value, json};

use crate::support::{
    Answer, Client, Folder, Request, api_key, campaign_with_codes, id, redeem, redeem_keyed,
    wait_until_forgotten,
};

fn roll_back(client: &mut Client, redemption: &Value, body: &Value) -> Answer {
    client.post(&format!("/api/v1/redemptions/{}/rollback", id(redemption)), body)
}

fn cancelled() -> Value {
    json!({"reason": "order cancelled"})
}

#[test]
fn a_redemption_that_is_rolled_back_frees_its_code_once() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let first = redeem(&mut client, &codes[0], "ada").json();
    let undone = roll_back(&mut client, &first, &cancelled());
    assert_eq!((undone.status, &undone.json()["status"]), (200, &json!("rolled_back")));
    let at = undone.json()["rolled_back_at"].clone();
    assert!(at.is_string());
    let path = format!("/api/v1/redemptions/{}", id(&first));
    assert_eq!(client.get(&path).json()["rolled_back_at"], at);
    let listed = client.get("/api/v1/redemptions?user_id=ada").json();
    assert_eq!(listed["data"][0]["status"], "rolled_back");
    let counts = format!("/api/v1/campaigns/{}", id(&campaign));
    assert_eq!(client.get(&counts).json()["counts"]["redeemed"], 0);

    let second = redeem(&mut client, &codes[0], "bob");
    assert_eq!(second.status, 201);
    roll_back(&mut client, &first, &cancelled()).is_problem(409, "already_rolled_back");
    redeem(&mut client, &codes[0], "cyd").is_problem(409, "already_redeemed");
    assert_eq!(client.get(&counts).json()["counts"]["redeemed"], 1);
    let found = client.post("/api/v1/codes/lookup", &json!({ "code": codes[0] })).json();
    let statuses: Vec<_> = [0, 1].map(|place| found["redemptions"][place]["status"].clone()).into();
    assert_eq!(statuses, ["redeemed", "rolled_back"]);
}

#[test]
fn a_late_retry_of_a_key_after_the_rollback_gets_its_first_answer() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let first = redeem_keyed(&mut client, &codes[0], "ada", "order-1");
    let path = format!("/api/v1/redemptions/{}/rollback", id(&first.json()));
    let undo = || Request::new("POST", &path).header("Idempotency-Key", "undo").json(&cancelled());
    let undone = client.send(undo());
    assert_eq!(undone.status, 200);
    for forgotten in [false, true] {
        if forgotten {
            wait_until_forgotten(&mut client);
        }
        let again = redeem_keyed(&mut client, &codes[0], "ada", "order-1");
        assert_eq!((again.status, &again.body), (201, &first.body));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        let again = client.send(undo());
        assert_eq!((again.status, &again.body), (200, &undone.body));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    }
    assert_eq!(redeem(&mut client, &codes[0], "bob").status, 201, "the code stayed free");
}

#[test]
fn rollbacks_of_one_redemption_by_many_at_once_free_it_once() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({"uses_per_code": 3}), 1);
    let first = redeem(&mut client, &codes[0], "ada").json();
    assert_eq!(redeem(&mut client, &codes[0], "bob").status, 201);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let (server, first) = (&server, &first);
        let undo = move || roll_back(&mut server.client(), first, &cancelled()).status;
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(undo)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|&&status| status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|&&status| status == 409).count(), 7, "{statuses:?}");
    assert_eq!(redeem(&mut client, &codes[0], "cyd").json()["uses_left"], 1);
}

#[test]
fn what_cannot_be_rolled_back_says_why() {
    let folder = Folder::new().set("redemptions.rollback_max_age_days", "0");
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let first = redeem(&mut client, &codes[0], "ada").json();
    std::thread::sleep(std::time::Duration::from_millis(5));
    roll_back(&mut client, &first, &cancelled()).is_problem(409, "rollback_too_late");
    let part = json!({"reason": "a part", "amount": {"minor_units": 5}});
    roll_back(&mut client, &first, &part).is_problem(400, "validation_failed");
    roll_back(&mut client, &first, &json!({})).is_problem(400, "validation_failed");
    let nothing = json!({"id": "red_01k9q3w2zk5a00000000b7"});
    roll_back(&mut client, &nothing, &cancelled()).is_problem(404, "not_found");
    let redeemer = api_key(&mut client, "redeemer");
    let mut redeemer = Client::new(server.address, Some(&redeemer));
    roll_back(&mut redeemer, &first, &cancelled()).is_problem(403, "forbidden");
}

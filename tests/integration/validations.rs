//! `/validations`

use serde_json::{Value, json};

use crate::support::{Client, Folder, Request, campaign_with_codes, id, redeem};

fn validate(client: &mut Client, code: &str) -> Value {
    let answer = client.post("/api/v1/validations", &json!({ "code": code }));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn a_validation_says_what_a_redemption_would_and_changes_nothing() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let rules =
        json!({"reward": {"percent": 5}, "uses_per_code": 2, "expires_at": "2099-01-01T00:00:00Z"});
    let (campaign, codes) = campaign_with_codes(&mut client, rules, 1);
    let valid = |uses_left: u64| {
        json!({
            "valid": true, "campaign_id": id(&campaign), "reward": {"percent": 5},
            "uses_left": uses_left, "expires_at": "2099-01-01T00:00:00.000Z",
        })
    };
    for _ in 0..3 {
        assert_eq!(validate(&mut client, &codes[0]), valid(2));
    }
    redeem(&mut client, &codes[0], "ada");
    let with_user = json!({"code": codes[0], "user_id": "bob"});
    assert_eq!(client.post("/api/v1/validations", &with_user).json(), valid(1));
    redeem(&mut client, &codes[0], "bob");
    let invalid = |code: &str| json!({"valid": false, "code": code});
    assert_eq!(validate(&mut client, &codes[0]), invalid("already_redeemed"));
    assert_eq!(validate(&mut client, "SUMMER"), invalid("invalid_code"));
    let path = format!("/api/v1/campaigns/{}/pause", id(&campaign));
    client.send(Request::new("POST", &path));
    assert_eq!(validate(&mut client, &codes[0]), invalid("campaign_paused"));
}

#[test]
fn windows_are_judged() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    for (rules, status, code) in [
        (json!({"starts_at": "2099-01-01T00:00:00Z"}), 422, "not_yet_valid"),
        (json!({"expires_at": "2001-01-01T00:00:00Z"}), 410, "expired"),
    ] {
        let (_, codes) = campaign_with_codes(&mut client, rules, 1);
        assert_eq!(validate(&mut client, &codes[0]), json!({"valid": false, "code": code}));
        redeem(&mut client, &codes[0], "ada").is_problem(status, code);
    }
}

//! `/redemptions`

use serde_json::{Value, json};

use crate::support::{Folder, Request, campaign_with_codes, id, redeem};

#[test]
fn a_redemption_has_everything_and_is_found_again() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let rules = json!({"reward": {"sku": "A", "n": 1.50}});
    let (campaign, codes) = campaign_with_codes(&mut client, rules, 20);
    for code in &codes {
        let body = json!({"code": code, "user_id": "zoë \"z\"", "metadata": {"order": [1, {}]}});
        let answer = client.post("/api/v1/redemptions", &body);
        assert_eq!(answer.status, 201);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("idempotent-replayed"), None);
        let redemption = answer.json();
        for (name, value) in [
            ("campaign_id", campaign["id"].clone()),
            ("user_id", json!("zoë \"z\"")),
            ("status", json!("redeemed")),
            ("reward", json!({"sku": "A", "n": 1.5})),
            ("metadata", json!({"order": [1, {}]})),
            ("uses_left", json!(0)),
        ] {
            assert_eq!(redemption[name], value, "{name}");
        }
        assert!(id(&redemption).starts_with("red_"));
        assert_eq!(redemption["code_hint"].as_str().unwrap().len(), 8);
        assert!(redemption["redeemed_at"].as_str().unwrap().ends_with('Z'));
        let read = client.get(&format!("/api/v1/redemptions/{}", id(&redemption)));
        assert_eq!((read.status, read.text()), (200, answer.text()), "at once, and the same");
        redeem(&mut client, code, "ada").is_problem(409, "already_redeemed");
    }
}

#[test]
fn a_redemption_is_found_at_once_however_busy_the_ledger_is() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 1_600);
    std::thread::scope(|scope| {
        for codes in codes.chunks(100) {
            let mut client = server.client();
            scope.spawn(move || {
                for code in codes {
                    let redeemed = redeem(&mut client, code, "ada");
                    let path = format!("/api/v1/redemptions/{}", id(&redeemed.json()));
                    assert_eq!(client.get(&path).text(), redeemed.text());
                }
            });
        }
    });
}

#[test]
fn uses_are_counted_down() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({"uses_per_code": 3}), 1);
    for left in [2, 1, 0] {
        assert_eq!(redeem(&mut client, &codes[0], "ada").json()["uses_left"], left);
    }
    redeem(&mut client, &codes[0], "ada").is_problem(409, "already_redeemed");
}

#[test]
fn a_code_is_read_as_people_type_it() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 4);
    let spellings = [
        codes[0].to_lowercase(),
        codes[1].replace('-', ""),
        format!(" {} ", codes[2].replace('-', " ")),
        codes[3].replace('0', "O").replace('1', "l"),
    ];
    for (code, spelling) in codes.iter().zip(&spellings) {
        assert_eq!(redeem(&mut client, spelling, "ada").status, 201, "{spelling}");
        redeem(&mut client, code, "ada").is_problem(409, "already_redeemed");
    }
}

#[test]
fn mistyped_forged_and_unknown_codes_are_alike() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let code = &codes[0];
    let swapped = if code.starts_with('A') { 'B' } else { 'A' };
    let mut answers = Vec::new();
    for wrong in [
        format!("{swapped}{}", &code[1..]),
        code[..29].to_owned(),
        format!("{code}0"),
        "000000000000-00000000-00000000".to_owned(),
        "0".repeat(28),
        "SUMMER-2026".to_owned(),
        "ünïcödé".to_owned(),
    ] {
        let answer = redeem(&mut client, &wrong, "ada");
        answer.is_problem(404, "invalid_code");
        let mut document = answer.json();
        document["instance"] = Value::Null;
        answers.push(document);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "no oracle");
    assert_eq!(redeem(&mut client, code, "ada").status, 201);
}

#[test]
fn only_redemptions_that_happened_are_found() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 1);
    let known = id(&redeem(&mut client, &codes[0], "ada").json());
    let last = if known.ends_with('0') { "1" } else { "0" };
    let other_number = format!("{}{last}", &known[..25]);
    let other_time = known.replacen("red_0", "red_1", 1);
    let far = format!("{}zzzzzzzzzz", &known[..16]);
    for unknown in ["x", "red_", &known.to_uppercase(), &other_number, &other_time, &far] {
        let missing = client.get(&format!("/api/v1/redemptions/{unknown}"));
        missing.is_problem(404, "not_found");
        assert_eq!(missing.json()["detail"], "There is no redemption with this identifier.");
    }
}

#[test]
fn a_client_that_hangs_up_leaves_nothing_in_doubt() {
    use std::io::Write as _;
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 50);
    for (place, code) in codes.iter().enumerate() {
        let body = json!({"code": code, "user_id": "ada"}).to_string();
        let mut stream = std::net::TcpStream::connect(server.address).unwrap();
        let request = format!(
            "POST /api/v1/redemptions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Idempotency-Key: {place}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            crate::support::ADMIN_KEY,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
    }
    for (place, code) in codes.iter().enumerate() {
        let request = Request::new("POST", "/api/v1/redemptions")
            .header("Idempotency-Key", &place.to_string())
            .json(&json!({"code": code, "user_id": "ada"}));
        assert_eq!(
            client.send(request).status,
            201,
            "the same request, whether it was done or not"
        );
        redeem(&mut client, code, "bob").is_problem(409, "already_redeemed");
    }
}

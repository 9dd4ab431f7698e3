//! `/campaigns`: limits for each user and for all, balances, hours of the week.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::{
    Answer, Client, Folder, Request, campaign, campaign_with_codes, id, issue, redeem,
};

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The weekday in UTC so many days from now.
fn weekday(days: u64) -> &'static str {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // The first of January 1970 was a Thursday.
    WEEKDAYS[usize::try_from((seconds / 86_400 + days + 3) % 7).unwrap()]
}

/// All hours of three days around now: open in every zone, however long a test takes.
fn open() -> Value {
    json!([
        {"weekdays": [weekday(6), weekday(0)], "from": "00:00", "to": "24:00", "time_zone": "Europe/Berlin"},
        {"weekdays": [weekday(1)], "from": "12:00", "to": "12:00", "time_zone": "UTC"},
        {"weekdays": [weekday(1)], "from": "00:00", "to": "12:00", "time_zone": "Europe/Berlin"},
    ])
}

/// The night after the day that is three days away: closed in every zone.
fn closed() -> Value {
    json!([{"weekdays": [weekday(3)], "from": "20:00", "to": "06:00", "time_zone": "Pacific/Auckland"}])
}

fn path(campaign: &Value) -> String {
    format!("/api/v1/campaigns/{}", id(campaign))
}

fn patch(client: &mut Client, campaign: &Value, body: &Value) -> Answer {
    client.send(Request::new("PATCH", &path(campaign)).json(body))
}

fn validate(client: &mut Client, code: &str) -> Value {
    client.post("/api/v1/validations", &json!({ "code": code })).json()
}

#[test]
fn rules_are_shown_as_they_were_given() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let everything = json!({
        "uses_per_user": {"limit": 2, "per": "week", "time_zone": "Australia/Lord_Howe"},
        "total_uses": 1_u64 << 40,
        "balance": {"currency": "EUR", "minor_units": 9_007_199_254_740_991_u64},
        "windows": [
            {"weekdays": ["mon", "tue"], "from": "09:00", "to": "17:30", "time_zone": "Europe/Berlin"},
            {"weekdays": ["sat", "sun"], "from": "22:00", "to": "02:00", "time_zone": "UTC"},
            {"weekdays": ["fri"], "from": "00:00", "to": "24:00", "time_zone": "Australia/Lord_Howe"},
        ],
    });
    let made = campaign(&mut client, everything.clone());
    for (name, value) in everything.as_object().unwrap() {
        assert_eq!(made[name], *value, "{name}");
    }
    assert_eq!(made["uses_per_code"], Value::Null, "codes with money are spent until it is gone");
    let plain = campaign(&mut client, json!({"uses_per_user": 3}));
    assert_eq!((&plain["uses_per_user"], &plain["uses_per_code"]), (&json!(3), &json!(1)));
    for name in ["total_uses", "balance", "windows"] {
        assert_eq!(plain[name], Value::Null, "{name}");
    }
    let once = json!({"balance": everything["balance"], "uses_per_code": 1});
    assert_eq!(campaign(&mut client, once)["uses_per_code"], 1);
    // Issuing keeps them, and a kill does.
    issue(&mut client, &made, 3);
    let before = client.get(&path(&made));
    server.kill();
    let server = folder.start();
    let after = server.client().get(&path(&made));
    assert_eq!(after.text(), before.text());
    assert_eq!(after.header("etag"), before.header("etag"));
    assert_eq!(after.json()["windows"], everything["windows"]);
}

#[test]
fn rules_are_changed_one_by_one_and_cleared_by_null() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let balance = json!({"currency": "JPY", "minor_units": 1});
    let made = campaign(&mut client, json!({"balance": balance, "windows": open()}));
    let changes = json!({"uses_per_user": 2, "total_uses": 5, "uses_per_code": 7, "name": "Other"});
    let changed = patch(&mut client, &made, &changes);
    assert_eq!(changed.status, 200, "{changed:?}");
    let tag = changed.header("etag").unwrap().to_owned();
    let changed = changed.json();
    for (name, value) in changes.as_object().unwrap() {
        assert_eq!(changed[name], *value, "{name}");
    }
    assert_eq!((&changed["windows"], &changed["balance"]), (&open(), &balance));

    let again = patch(&mut client, &made, &changes);
    assert_eq!(again.header("etag"), Some(tag.as_str()), "nothing is otherwise");
    let daily = json!({"limit": 1, "per": "day", "time_zone": "Asia/Kathmandu"});
    let request = Request::new("PATCH", &path(&made)).header("If-Match", &tag);
    let daily_change = request.json(&json!({"uses_per_user": daily, "windows": null}));
    let changed = client.send(daily_change.clone());
    assert_eq!((changed.status, &changed.json()["uses_per_user"]), (200, &daily));
    assert_eq!(
        (&changed.json()["windows"], &changed.json()["total_uses"]),
        (&json!(null), &json!(5))
    );
    client.send(daily_change).is_problem(412, "precondition_failed");

    let none = json!({"uses_per_user": null, "total_uses": null, "uses_per_code": null});
    let cleared = patch(&mut client, &made, &none).json();
    for name in ["uses_per_user", "total_uses", "uses_per_code", "windows"] {
        assert_eq!(cleared[name], Value::Null, "{name}");
    }
    for other in [json!(null), balance.clone(), json!({"currency": "JPY", "minor_units": 2})] {
        let body = json!({"balance": other, "name": "never"});
        patch(&mut client, &made, &body).is_invalid_at("/balance");
    }
    let read = client.get(&path(&made)).json();
    assert_eq!((&read["balance"], &read["name"]), (&balance, &json!("Other")));
}

#[test]
fn a_code_is_not_valid_outside_of_its_hours() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (made, codes) = campaign_with_codes(&mut client, json!({"windows": open()}), 3);
    assert_eq!(validate(&mut client, &codes[0])["valid"], true);
    assert_eq!(redeem(&mut client, &codes[0], "ada").status, 201);

    patch(&mut client, &made, &json!({"windows": closed()}));
    let not_yet = json!({"valid": false, "code": "not_yet_valid"});
    assert_eq!(validate(&mut client, &codes[1]), not_yet);
    redeem(&mut client, &codes[1], "ada").is_problem(422, "not_yet_valid");
    let items = json!({"redemptions": [{"code": codes[1], "user_id": "ada"}]});
    let batch = client.post("/api/v1/redemptions/batch", &items).json();
    assert_eq!(batch["results"][0]["problem"]["code"], "not_yet_valid");

    server.kill();
    let server = folder.start();
    let mut client = server.client();
    assert_eq!(validate(&mut client, &codes[1]), not_yet, "also after a kill");
    // One open window is enough.
    let both = [closed().as_array().unwrap().as_slice(), open().as_array().unwrap()].concat();
    patch(&mut client, &made, &json!({"windows": both}));
    assert_eq!(redeem(&mut client, &codes[1], "ada").status, 201);
    patch(&mut client, &made, &json!({"windows": closed()}));
    patch(&mut client, &made, &json!({"windows": null}));
    assert_eq!(redeem(&mut client, &codes[2], "ada").status, 201);
    let (_, codes) = campaign_with_codes(&mut client, json!({"windows": closed()}), 1);
    redeem(&mut client, &codes[0], "ada").is_problem(422, "not_yet_valid");
}

#[test]
fn a_repeated_request_gets_the_first_answer_and_another_body_is_noticed() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let make = |client: &mut Client, zone: &str| {
        let limit = json!({"limit": 1, "per": "day", "time_zone": zone});
        let body = json!({"name": "n", "codes": {"kind": "sealed"}, "uses_per_user": limit});
        let request = Request::new("POST", "/api/v1/campaigns").header("Idempotency-Key", "k");
        client.send(request.json(&body))
    };
    let first = make(&mut client, "Europe/Berlin");
    assert_eq!(first.status, 201);
    let again = make(&mut client, "Europe/Berlin");
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    // Vienna's clocks are those of Berlin: the name is what was said.
    make(&mut client, "Europe/Vienna").is_problem(422, "idempotency_key_reused");
}

#[test]
fn rules_that_cannot_be_are_refused_where_they_stand() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let made = campaign(&mut client, json!({}));
    let before = client.get(&path(&made));
    let window = |name: &str, value: Value| {
        let mut window =
            json!({"weekdays": ["mon"], "from": "09:00", "to": "17:00", "time_zone": "UTC"});
        window[name] = value;
        json!({"windows": [window]})
    };
    let limit = |name: &str, value: Value| {
        let mut limit = json!({"limit": 1, "per": "day", "time_zone": "UTC"});
        limit[name] = value;
        json!({ "uses_per_user": limit })
    };
    let without = |what: &str, name: &str| {
        let mut body = if what == "windows" {
            window("from", json!("00:00"))
        } else {
            limit("limit", json!(1))
        };
        let object = if what == "windows" { &mut body[what][0] } else { &mut body[what] };
        object.as_object_mut().unwrap().remove(name);
        body
    };
    let many: Vec<_> = (0..33).map(|_| open()[0].clone()).collect();
    let table = [
        (json!({"uses_per_user": 0}), "/uses_per_user"),
        (json!({"uses_per_user": 1_000_001}), "/uses_per_user"),
        (json!({"uses_per_user": "2"}), "/uses_per_user"),
        (json!({"uses_per_user": [2]}), "/uses_per_user"),
        (json!({"uses_per_user": {}}), "/uses_per_user/limit"),
        (limit("limit", json!(0)), "/uses_per_user/limit"),
        (limit("limit", json!(1_000_001)), "/uses_per_user/limit"),
        (limit("limit", json!(null)), "/uses_per_user/limit"),
        (limit("per", json!("year")), "/uses_per_user/per"),
        (limit("per", json!("ever")), "/uses_per_user/per"),
        (limit("per", json!(1)), "/uses_per_user/per"),
        (limit("time_zone", json!("Europe/Bonn")), "/uses_per_user/time_zone"),
        (limit("time_zone", json!("europe/berlin")), "/uses_per_user/time_zone"),
        (limit("time_zone", json!("")), "/uses_per_user/time_zone"),
        (limit("time_zone", json!(1)), "/uses_per_user/time_zone"),
        (limit("timezone", json!("UTC")), "/uses_per_user/timezone"),
        (without("uses_per_user", "time_zone"), "/uses_per_user/time_zone"),
        (json!({"total_uses": 0}), "/total_uses"),
        (json!({"total_uses": (1_u64 << 40) + 1}), "/total_uses"),
        (json!({"total_uses": {"limit": 1}}), "/total_uses"),
        (json!({"windows": []}), "/windows"),
        (json!({"windows": many}), "/windows"),
        (json!({"windows": {}}), "/windows"),
        (json!({"windows": ["mon"]}), "/windows/0"),
        (window("weekdays", json!([])), "/windows/0/weekdays"),
        (window("weekdays", json!("mon")), "/windows/0/weekdays"),
        (window("weekdays", json!(["mon", "mon"])), "/windows/0/weekdays"),
        (window("weekdays", json!(["monday"])), "/windows/0/weekdays"),
        (window("from", json!("24:00")), "/windows/0/from"),
        (window("from", json!("9:00")), "/windows/0/from"),
        (window("from", json!("09:60")), "/windows/0/from"),
        (window("from", json!("+9:00")), "/windows/0/from"),
        (window("from", json!(900)), "/windows/0/from"),
        (window("to", json!("00:00")), "/windows/0/to"),
        (window("to", json!("24:01")), "/windows/0/to"),
        (window("to", json!("17")), "/windows/0/to"),
        (window("time_zone", json!("Mars/Olympus")), "/windows/0/time_zone"),
        (window("zone", json!("UTC")), "/windows/0/zone"),
        (without("windows", "to"), "/windows/0/to"),
    ];
    for (body, pointer) in table {
        patch(&mut client, &made, &body).is_invalid_at(pointer);
        let mut draft = json!({"name": "n", "codes": {"kind": "sealed"}});
        draft.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        client.post("/api/v1/campaigns", &draft).is_invalid_at(pointer);
    }
    let balance =
        |currency: &str, units: Value| json!({"currency": currency, "minor_units": units});
    for (balance, pointer) in [
        (json!(5000), "/balance"),
        (json!({}), "/balance/currency"),
        (balance("eur", json!(1)), "/balance/currency"),
        (balance("EURO", json!(1)), "/balance/currency"),
        (balance("EUR", json!(0)), "/balance/minor_units"),
        (balance("EUR", json!(1.5)), "/balance/minor_units"),
        (balance("EUR", json!(1_u64 << 53)), "/balance/minor_units"),
    ] {
        let draft = json!({"name": "n", "codes": {"kind": "sealed"}, "balance": balance});
        client.post("/api/v1/campaigns", &draft).is_invalid_at(pointer);
    }
    let all = json!({
        "uses_per_user": {"limit": 0, "per": "hour", "time_zone": "X"}, "total_uses": 0,
        "windows": [closed()[0], {"weekdays": ["mon"], "from": "9", "to": "9", "time_zone": ""}, 7],
    });
    let refused = patch(&mut client, &made, &all);
    for pointer in [
        "/uses_per_user/limit",
        "/uses_per_user/per",
        "/uses_per_user/time_zone",
        "/total_uses",
        "/windows/1/from",
        "/windows/1/to",
        "/windows/1/time_zone",
        "/windows/2",
    ] {
        refused.is_invalid_at(pointer);
    }
    let after = client.get(&path(&made));
    assert_eq!((after.text(), after.header("etag")), (before.text(), before.header("etag")));
    assert_eq!(client.get("/api/v1/campaigns").json()["data"].as_array().unwrap().len(), 1);
}

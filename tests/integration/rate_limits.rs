//! How often a public API key may be used from one address.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::reload::{SUCCEEDED, reload, start};
use crate::support::{
    Answer, Client, Folder, Request, Server, api_key, campaign_with_codes, metric, redeem,
    wait_until,
};

const VALIDATIONS: &str = "/api/v1/validations";

/// Another address of this machine than the one that clients have by themselves.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn validate(client: &mut Client) -> Answer {
    client.post(VALIDATIONS, &json!({ "code": "NO-SUCH-CODE" }))
}

fn validate_for(client: &mut Client, forwarded_for: &str) -> Answer {
    let request = Request::new("POST", VALIDATIONS).header("X-Forwarded-For", forwarded_for);
    client.send(request.json(&json!({ "code": "NO-SUCH-CODE" })))
}

/// What an answer says of the limit; `None` where it says nothing.
fn standing(answer: &Answer) -> Option<[u64; 3]> {
    let headers = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];
    let said = headers.map(|name| answer.header(name).map(|value| value.parse().unwrap()));
    assert_eq!(said[0].is_some(), said[1].is_some() && said[2].is_some(), "{answer:?}");
    said[0].map(|_| said.map(Option::unwrap))
}

/// Asks until it is too often. A slow machine takes longer for it, since time goes by.
fn exhaust(ask: impl Fn(&mut Client) -> Answer, client: &mut Client) -> Answer {
    let mut last = None;
    wait_until("there were too many requests", || {
        let answer = ask(client);
        let is_refused = answer.status == 429;
        last = Some(answer);
        is_refused
    });
    last.unwrap()
}

/// Public keys may ask so often at once, and then once a second.
fn folder(burst: &str) -> Folder {
    let folder = Folder::new().set("limits.public_requests_per_second", "1");
    folder.set("limits.public_burst", burst)
}

fn public_client(server: &Server) -> Client {
    Client::new(server.address, Some(&api_key(&mut server.client(), "public")))
}

#[test]
fn a_public_key_may_ask_so_often_from_one_address() {
    let folder = folder("20");
    let server = folder.start();
    let mut admin = server.client();
    let (_, codes) = campaign_with_codes(&mut admin, json!({}), 1);
    let key = api_key(&mut admin, "public");
    let mut client = Client::new(server.address, Some(&key));

    // Good answers and refusals of every kind say how the client stands.
    let bad = json!({ "code": 7 });
    let answers = [
        (201, redeem(&mut client, &codes[0], "ann")),
        (409, redeem(&mut client, &codes[0], "bob")),
        (404, redeem(&mut client, "NO-SUCH-CODE", "bob")),
        (400, client.post(VALIDATIONS, &bad)),
        (415, client.send(Request::new("POST", VALIDATIONS).body("x"))),
        (200, validate(&mut client)),
    ];
    for (count, (status, answer)) in (1..).zip(&answers) {
        assert_eq!(answer.status, *status, "{answer:?}");
        let [limit, remaining, reset] = standing(answer).unwrap();
        assert_eq!(limit, 20);
        // A slow machine gains some while the test goes on.
        assert!((20 - count..20).contains(&remaining), "{count}: {answer:?}");
        assert_eq!(reset, 20 - remaining, "one a second: {answer:?}");
    }

    let refused = exhaust(validate, &mut client);
    refused.is_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(standing(&refused), Some([20, 0, 20]));
    assert!(metric(&mut admin, "redeemd_rate_limited_total") >= 1.0);

    // Neither another address nor another key is touched.
    let mut elsewhere = Client::new(server.address, Some(&key)).at(ELSEWHERE);
    assert_eq!(standing(&validate(&mut elsewhere)).unwrap()[0], 20);
    let mut other = public_client(&server);
    assert_eq!(validate(&mut other).status, 200);
    assert_eq!(metric(&mut admin, "redeemd_rate_limit_clients"), 3.0);
}

#[test]
fn nobody_else_is_counted() {
    let folder = folder("1");
    let server = folder.start();
    let mut admin = server.client();
    let redeemer = api_key(&mut admin, "redeemer");
    let stranger = "rk_nobody-has-this-key-0123456789abcdefghijkl";
    let mut clients =
        [Some(redeemer.as_str()), Some(stranger), None].map(|key| Client::new(server.address, key));
    for _ in 0..5 {
        for client in clients.iter_mut().chain([&mut admin]) {
            let answer = validate(client);
            assert_ne!(answer.status, 429);
            assert_eq!(standing(&answer), None, "{answer:?}");
        }
    }
    // What a public key may not do costs it nothing either.
    let answer = public_client(&server).get("/api/v1/campaigns");
    answer.is_problem(403, "forbidden");
    assert_eq!(standing(&answer), None);
    assert_eq!(metric(&mut admin, "redeemd_rate_limit_clients"), 0.0);
    assert_eq!(metric(&mut admin, "redeemd_rate_limited_total"), 0.0);
}

#[test]
fn a_refused_request_keeps_its_connection_and_is_not_carried_out() {
    let folder = folder("1");
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 1);
    let mut client = public_client(&server);
    let accepted = "redeemd_http_connections_accepted_total";
    exhaust(validate, &mut client);
    let before = metric(&mut server.client(), accepted);
    // Once a second another one may go on, so the code may be redeemed at the end, but not twice.
    let mut redeemed = 0;
    for _ in 0..20 {
        match redeem(&mut client, &codes[0], "ann") {
            answer if answer.status == 429 => assert_eq!(answer.header("connection"), None),
            answer if answer.status == 201 => redeemed += 1,
            answer => _ = answer.is_problem(409, "already_redeemed"),
        }
    }
    assert!(redeemed <= 1);
    assert_eq!(metric(&mut server.client(), accepted), before + 1.0, "one for the metrics");
}

#[test]
fn limits_can_be_changed_while_the_server_runs() {
    let folder = Folder::new();
    let (server, file) = start(&folder);
    let mut admin = server.client();
    let mut client = public_client(&server);
    let mut set = |limits: &str| {
        std::fs::write(&file, format!("[limits]\n{limits}\n")).unwrap();
        reload(&server, &mut admin, SUCCEEDED);
    };
    assert_eq!(standing(&validate(&mut client)), Some([20, 19, 1]), "the defaults");
    set("public_requests_per_second = 1\npublic_burst = 2");
    assert_eq!(standing(&exhaust(validate, &mut client)), Some([2, 0, 2]));
    set("public_requests_per_second = 1\npublic_burst = 1000");
    let answer = validate(&mut client);
    assert_eq!((answer.status, standing(&answer).unwrap()[0]), (200, 1000));
    set("enabled = false\npublic_burst = 1");
    for _ in 0..10 {
        let answer = validate(&mut client);
        assert_eq!((answer.status, standing(&answer)), (200, None));
    }
}

#[test]
fn a_proxy_is_believed_and_nobody_else() {
    let folder = folder("2").set("http.trusted_proxies", "127.0.0.1/32, 198.51.100.0/24");
    let server = folder.start();
    let key = api_key(&mut server.client(), "public");
    let mut proxy = Client::new(server.address, Some(&key));
    let status = |answer: Answer| Value::from(answer.status);

    exhaust(|client| validate_for(client, "192.0.2.1"), &mut proxy);
    // The rest of the chain is for anybody to write; only the address before the proxies counts.
    exhaust(|client| validate_for(client, "203.0.113.5, 192.0.2.1, 198.51.100.7"), &mut proxy);
    assert_eq!(status(validate_for(&mut proxy, "192.0.2.2")), 200);
    exhaust(|client| validate_for(client, "2001:db8::1"), &mut proxy);
    exhaust(|client| validate_for(client, "2001:db8::2"), &mut proxy);
    assert_eq!(status(validate_for(&mut proxy, "2001:db8:0:1::1")), 200);
    let clients = metric(&mut server.client(), "redeemd_rate_limit_clients");
    assert_eq!(clients, 4.0);

    // Whoever is no proxy cannot be somebody else.
    let mut elsewhere = Client::new(server.address, Some(&key)).at(ELSEWHERE);
    let mut number = 0;
    wait_until("inventing addresses is of no use", || {
        number += 1;
        validate_for(&mut elsewhere, &format!("192.0.2.{}", 100 + number % 100)).status == 429
    });
}

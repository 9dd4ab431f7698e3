//! `/clock/believe`. What a leap does is tried where the clock is given from outside
//! (`actors/tests/node`, `src/service/tests.rs`), and with a whole server in `postgres/clock.rs`.

use serde_json::json;

use crate::command_line;
use crate::support::{Client, Folder, Request, api_key};

const BELIEVE: &str = "/api/v1/clock/believe";

#[test]
fn a_clock_that_has_not_leapt_is_left_alone() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    for request in [Request::new("POST", BELIEVE), Request::new("POST", BELIEVE).json(&json!({}))] {
        let answer = client.send(request);
        assert_eq!((answer.status, &answer.json()["leapt"]), (200, &json!(false)), "{answer:?}");
        assert!(answer.json()["time"].as_str().unwrap().ends_with('Z'));
    }
    client.post(BELIEVE, &json!({ "time": "2026-01-01T00:00:00Z" })).is_invalid_at("/time");
    assert!(!std::fs::read_to_string(folder.log()).unwrap().contains("is believed"));

    for role in ["issuer", "redeemer", "auditor", "public"] {
        let key = api_key(&mut client, role);
        let mut other = Client::new(server.address, Some(&key));
        other.send(Request::new("POST", BELIEVE)).is_problem(403, "forbidden");
    }
    let ran = command_line::run(server.address, &["clock", "believe"]);
    assert!(ran.done().starts_with("the clock had not leapt: 20"), "{ran:?}");
    let ran = command_line::run(server.address, &["clock", "believe", "--json"]);
    assert!(ran.done().starts_with("{\"leapt\":false,\"time\":\"20"), "{ran:?}");
}

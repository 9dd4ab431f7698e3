//! `/campaigns/{id}/codes`

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{
    Answer, Client, Folder, Request, campaign, campaign_with_codes, id, issue, redeem,
};

fn ask(client: &mut Client, campaign: &Value, count: u64, accept: Option<&str>) -> Answer {
    let mut request = Request::new("POST", &format!("/api/v1/campaigns/{}/codes", id(campaign)));
    if let Some(accept) = accept {
        request = request.header("Accept", accept);
    }
    client.send(request.json(&json!({ "count": count })))
}

fn export(client: &mut Client, campaign: &Value, query: &str, accept: &str) -> Answer {
    let path = format!("/api/v1/campaigns/{}/codes{query}", id(campaign));
    client.send(Request::new("GET", &path).header("Accept", accept))
}

fn codes_of(answer: &Answer) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match answer.header("content-type").unwrap() {
        "application/json" => answer.json()["codes"].as_array().unwrap().iter().map(text).collect(),
        "text/csv" => {
            let mut lines = answer.text().lines().map(str::to_owned);
            assert_eq!(lines.next().as_deref(), Some("code"));
            lines.collect()
        }
        "application/x-ndjson" => {
            let lines = answer.text().lines();
            lines.map(|line| text(&serde_json::from_str::<Value>(line).unwrap()["code"])).collect()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn codes_come_in_every_form_and_come_again() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let campaign = campaign(&mut client, json!({}));
    let mut issued: Vec<String> = Vec::new();
    for (count, accept, form) in [
        (1, None, "application/json"),
        (3, Some("application/json"), "application/json"),
        (5, Some("text/csv"), "text/csv"),
        (7, Some("application/x-ndjson"), "application/x-ndjson"),
        (10_000, Some("*/*"), "application/json"),
        (10_001, None, "text/csv"),
        (
            10_001,
            Some("application/json;q=0.9, application/x-ndjson;q=0.1"),
            "application/x-ndjson",
        ),
    ] {
        let answer = ask(&mut client, &campaign, count, accept);
        assert_eq!((answer.status, answer.header("content-type")), (201, Some(form)));
        assert_eq!(answer.header("redeemd-first-index"), Some(&*issued.len().to_string()));
        assert_eq!(answer.header("redeemd-count"), Some(&*count.to_string()));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let codes = codes_of(&answer);
        assert_eq!(codes.len() as u64, count);
        issued.extend(codes);
    }
    assert_eq!(issued.iter().collect::<HashSet<_>>().len(), issued.len(), "no code twice");

    let again = export(&mut client, &campaign, "", "text/csv");
    assert_eq!((again.status, codes_of(&again)), (200, issued.clone()));
    assert_eq!(again.header("cache-control"), Some("no-store"));
    let slice = export(&mut client, &campaign, "?first_index=4&count=9", "application/json");
    assert_eq!(codes_of(&slice), issued[4..13]);
    assert_eq!(slice.header("redeemd-first-index"), Some("4"));
    let none = export(&mut client, &campaign, &format!("?first_index={}", issued.len()), "*/*");
    assert_eq!(none.json(), json!({"codes": []}));
    for query in ["?first_index=99999999", "?first_index=1&count=99999999", "?count=-1", "?from=1"]
    {
        export(&mut client, &campaign, query, "*/*").is_problem(400, "validation_failed");
    }
}

#[test]
fn the_states_of_codes_come_with_them() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({}), 3_000);
    for code in codes.iter().step_by(7) {
        assert_eq!(redeem(&mut client, code, "ada").status, 201);
    }
    let answer = export(&mut client, &campaign, "", "application/x-ndjson");
    for (place, line) in answer.text().lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        let state = if place % 7 == 0 { "redeemed" } else { "issued" };
        let uses = u64::from(place % 7 == 0);
        assert_eq!(line, json!({"code": codes[place], "state": state, "uses": uses}));
    }
    assert_eq!(answer.text().lines().count(), codes.len());
}

#[test]
fn what_cannot_be_issued_is_refused_and_nothing_is_issued() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let campaign = campaign(&mut client, json!({}));
    for count in [json!(0), json!(10_000_001), json!(-1), json!(1.5), json!("1"), json!(null)] {
        let path = format!("/api/v1/campaigns/{}/codes", id(&campaign));
        client.post(&path, &json!({ "count": count })).is_invalid_at("/count");
    }
    ask(&mut client, &campaign, 1, Some("text/html")).is_problem(406, "not_acceptable");
    ask(&mut client, &campaign, 10_001, Some("application/json")).is_problem(406, "not_acceptable");
    let read = client.get(&format!("/api/v1/campaigns/{}", id(&campaign))).json();
    assert_eq!(read["counts"]["issued"], 0);
}

#[test]
fn codes_of_several_campaigns_are_apart() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (one, first) = campaign_with_codes(&mut client, json!({"reward": {"n": 1}}), 10);
    let (two, second) = campaign_with_codes(&mut client, json!({"reward": {"n": 2}}), 10);
    for (campaign, code, reward) in [(&one, &first[3], 1), (&two, &second[3], 2)] {
        let redeemed = redeem(&mut client, code, "ada").json();
        assert_eq!(
            (&redeemed["campaign_id"], &redeemed["reward"]["n"]),
            (&campaign["id"], &json!(reward))
        );
    }
}

#[test]
fn a_million_codes_take_no_memory() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let campaign = campaign(&mut client, json!({}));
    issue(&mut client, &campaign, 10_000);
    let resident_kib = || -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().to_owned();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let before = resident_kib();
    let codes = issue(&mut client, &campaign, 1_000_000);
    let grown = resident_kib() - before;
    assert!(grown < 12 * 1024, "31 MB were sent, and the server grew by {grown} KiB");
    assert_eq!(redeem(&mut client, &codes[999_999], "ada").status, 201);
}

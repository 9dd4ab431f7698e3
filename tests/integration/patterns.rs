//! Campaigns whose codes are drawn by a pattern.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::command_line::run;
use crate::support::{Answer, Client, Folder, Request, campaign, id, issue, redeem};

/// A thousand possible codes.
const SMALL: &str = "V-###";

fn pattern(client: &mut Client, pattern: &str, more: Value) -> Value {
    let mut codes = json!({"kind": "pattern", "pattern": pattern});
    for (name, value) in more.as_object().unwrap() {
        codes[name] = value.clone();
    }
    campaign(client, json!({ "codes": codes }))
}

fn small(client: &mut Client) -> Value {
    pattern(client, SMALL, json!({"alphabet": "0123456789", "allow_guessable": true}))
}

fn codes_path(campaign: &Value) -> String {
    format!("/api/v1/campaigns/{}/codes", id(campaign))
}

fn ask(client: &mut Client, campaign: &Value, count: u64, key: Option<&str>) -> Answer {
    let mut request = Request::new("POST", &codes_path(campaign)).header("Accept", "text/csv");
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    client.send(request.json(&json!({ "count": count })))
}

fn export(client: &mut Client, campaign: &Value, query: &str, accept: &str) -> Answer {
    let path = format!("{}{query}", codes_path(campaign));
    client.send(Request::new("GET", &path).header("Accept", accept))
}

fn lines(answer: &Answer) -> Vec<String> {
    answer.text().lines().skip(1).map(str::to_owned).collect()
}

fn counts(client: &mut Client, campaign: &Value) -> Value {
    client.get(&format!("/api/v1/campaigns/{}", id(campaign))).json()["counts"].clone()
}

#[test]
fn codes_of_a_pattern_are_issued_redeemed_and_seen_again() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let made = pattern(&mut client, "Summer-####-####", json!({}));
    let alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let shown = json!({"kind": "pattern", "pattern": "Summer-####-####", "alphabet": alphabet,
        "allow_guessable": false});
    assert_eq!(made["codes"], shown);

    let mut all = issue(&mut client, &made, 3_000);
    all.extend(issue(&mut client, &made, 5));
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 3_005, "no code twice");
    let fits = |code: &String| {
        let (begin, end) = code.split_at(7);
        let symbols = end.replace('-', "");
        begin == "Summer-"
            && end.len() == 9
            && symbols.chars().all(|symbol| alphabet.contains(symbol))
    };
    assert!(all.iter().all(fits));

    let spelt =
        [all[0].clone(), all[1].to_lowercase(), all[2].replace('-', " "), all[3].replace('-', "")];
    for code in &spelt {
        let redeemed = redeem(&mut client, code, "ann");
        assert_eq!((redeemed.status, &redeemed.json()["campaign_id"]), (201, &made["id"]));
    }
    redeem(&mut client, &all[0], "bob").is_problem(409, "already_redeemed");
    redeem(&mut client, "SUMMER-2222-2222", "bob").is_problem(404, "invalid_code");
    let counted = counts(&mut client, &made);
    assert_eq!((&counted["issued"], &counted["redeemed"]), (&json!(3_005), &json!(4)));

    let again = export(&mut client, &made, "", "text/csv");
    assert_eq!((again.status, lines(&again)), (200, all.clone()));
    assert_eq!(again.header("redeemd-count"), Some("3005"));
    let part = export(&mut client, &made, "?first_index=2&count=3", "application/json");
    assert_eq!(part.json()["codes"], json!(all[2..5]));
    let states = export(&mut client, &made, "?count=6", "application/x-ndjson");
    let states: Vec<Value> =
        states.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (place, state) in states.iter().enumerate() {
        let name = if place < 4 { "redeemed" } else { "issued" };
        let uses = u64::from(place < 4);
        assert_eq!(*state, json!({"code": all[place], "state": name, "uses": uses}));
    }

    server.kill();
    let server = folder.start();
    let mut client = server.client();
    assert_eq!(lines(&export(&mut client, &made, "", "text/csv")), all, "the same codes");
    assert_eq!(redeem(&mut client, &all[3_004], "ann").status, 201);
    let further = issue(&mut client, &made, 10);
    assert!(further.iter().all(|code| !all.contains(code)));
    let other = pattern(&mut client, "Summer-####-####", json!({}));
    assert_eq!(issue(&mut client, &other, 100).iter().filter(|code| all.contains(code)).count(), 0);
}

#[test]
fn a_pattern_that_could_be_guessed_is_refused_with_the_numbers() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let make = |client: &mut Client, codes: Value| {
        client.post("/api/v1/campaigns", &json!({"name": "n", "codes": codes}))
    };
    let few = json!({"kind": "pattern", "pattern": SMALL, "alphabet": "0123456789"});
    let refused = make(&mut client, few);
    refused.is_problem(422, "pattern_too_small");
    assert!(refused.text().contains("1000 possible codes"), "{refused:?}");

    // 16,777,216 possible codes, of which sixteen may be issued.
    let ten = pattern(&mut client, "T########", json!({"alphabet": "01234567"}));
    let most = 16_777_216 / 1_000_000;
    ask(&mut client, &ten, most + 1, None).is_problem(422, "pattern_too_small");
    let issued = issue(&mut client, &ten, 15);
    let refused = ask(&mut client, &ten, 2, None);
    refused.is_problem(422, "pattern_too_small");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    for number in ["16777216", "At most 16", "15 are", "1 more"] {
        assert!(detail.contains(number), "{number}: {detail}");
    }
    assert_eq!(issue(&mut client, &ten, 1).len() + issued.len(), 16);
    ask(&mut client, &ten, 1, None).is_problem(422, "pattern_too_small");
    assert_eq!(counts(&mut client, &ten)["issued"], 16);

    for (codes, pointer) in [
        (json!({"kind": "pattern"}), "/codes/pattern"),
        (json!({"kind": "pattern", "pattern": "SUMMER"}), "/codes/pattern"),
        (json!({"kind": "pattern", "pattern": "A,########"}), "/codes/pattern"),
        (json!({"kind": "pattern", "pattern": "#".repeat(65)}), "/codes/pattern"),
        (json!({"kind": "pattern", "pattern": "#".repeat(28)}), "/codes/pattern"),
        (json!({"kind": "pattern", "pattern": "########", "alphabet": "aA"}), "/codes/alphabet"),
        (json!({"kind": "pattern", "pattern": "########", "alphabet": "A"}), "/codes/alphabet"),
        (
            json!({"kind": "pattern", "pattern": "########", "allow_guessable": 1}),
            "/codes/allow_guessable",
        ),
        (json!({"kind": "sealed", "pattern": "########"}), "/codes/pattern"),
        (json!({"kind": "patterns"}), "/codes/kind"),
    ] {
        make(&mut client, codes).is_invalid_at(pointer);
    }
}

#[test]
fn codes_that_exist_elsewhere_are_skipped_and_a_small_pattern_is_used_up() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    // Nine tenths of all possible codes belong to somebody else.
    let theirs: Vec<String> = (0..1_000)
        .filter(|number| number % 10 != 7)
        .map(|number| format!("v {number:03}"))
        .collect();
    let imported = campaign(&mut client, json!({"codes": {"kind": "imported"}}));
    let request = Request::new("POST", &format!("{}/import", codes_path(&imported)));
    let request = request.header("Content-Type", "text/csv").body(theirs.join("\n"));
    assert_eq!(client.send(request).json()["imported"], 900);

    let small = small(&mut client);
    // A hundred codes are found and listed before it shows that there is none more; they are those
    // that are issued afterwards, as they would be after a crash.
    ask(&mut client, &small, 101, None).is_problem(422, "pattern_too_small");
    assert_eq!(counts(&mut client, &small)["issued"], 0);
    let first = ask(&mut client, &small, 60, Some("k"));
    let mut all = lines(&first);
    assert_eq!((first.header("redeemd-first-index"), all.len()), (Some("0"), 60));
    all.extend(issue(&mut client, &small, 40));
    let wanted: HashSet<String> = (0..1_000)
        .filter(|number| number % 10 == 7)
        .map(|number| format!("V-{number:03}"))
        .collect();
    assert_eq!(all.iter().cloned().collect::<HashSet<_>>(), wanted);
    ask(&mut client, &small, 1, None).is_problem(422, "pattern_too_small");
    assert_eq!(counts(&mut client, &small)["issued"], 100);
    assert_eq!(counts(&mut client, &imported)["issued"], 900);

    let again = ask(&mut client, &small, 60, Some("k"));
    assert_eq!((again.status, again.text()), (201, first.text()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    ask(&mut client, &small, 61, Some("k")).is_problem(422, "idempotency_key_reused");
    let exported = export(&mut client, &small, "", "text/csv");
    assert_eq!(lines(&exported), all, "what was skipped is left out");
    let begin = all.len() - 9;
    let index = first_index_of_last(&mut client, &small, 9);
    let part = export(&mut client, &small, &format!("?first_index={index}"), "text/csv");
    assert_eq!(lines(&part), all[begin..]);

    // Whoever follows the server through the gaps gets every code once.
    let mut pieces = Vec::new();
    let mut next = 0;
    for count in [7, 30, 1, 0, 62] {
        let query = format!("?first_index={next}&count={count}");
        let piece = export(&mut client, &small, &query, "text/csv");
        pieces.extend(lines(&piece));
        next = piece.header("redeemd-next-index").unwrap().parse().unwrap();
    }
    assert_eq!(pieces, all);
    let rest = export(&mut client, &small, &format!("?first_index={next}"), "text/csv");
    assert_eq!((lines(&rest).len(), rest.header("redeemd-count")), (0, Some("0")));
    let rest = ["--first-index", &index.to_string(), "--output", "-"];
    let rest = run(server.address, &[&["codes", "export", &id(&small)][..], &rest].concat());
    assert_eq!(rest.done().lines().skip(1).collect::<Vec<_>>(), all[begin..]);

    let redeemed = redeem(&mut client, &all[0], "ann").json();
    assert_eq!(redeemed["campaign_id"], small["id"]);
    let redeemed = redeem(&mut client, &theirs[0], "ann").json();
    assert_eq!(redeemed["campaign_id"], imported["id"]);
}

/// The highest index from which on so many codes are left.
fn first_index_of_last(client: &mut Client, campaign: &Value, count: u64) -> u64 {
    let left = |client: &mut Client, index: u64| {
        let answer = export(client, campaign, &format!("?first_index={index}"), "text/csv");
        match answer.status {
            200 => answer.header("redeemd-count").unwrap().parse::<u64>().unwrap(),
            _ => 0,
        }
    };
    let (mut low, mut high) = (0, 1_000);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if left(client, middle) >= count { low = middle } else { high = middle }
    }
    low
}

#[test]
fn many_who_issue_at_once_get_different_codes() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let made = pattern(&mut client, "C########", json!({}));
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let send = |number: usize| {
            let (mut client, made) = (server.client(), &made);
            // Every key comes twice.
            let key = format!("k{}", number / 2);
            scope.spawn(move || ask(&mut client, made, 50, Some(&key)))
        };
        let sent: Vec<_> = (0..12).map(send).collect();
        sent.into_iter().map(|sent| sent.join().unwrap()).collect()
    });
    let mut all = Vec::new();
    for pair in answers.chunks(2) {
        assert_eq!(pair[0].status, 201, "{:?}", pair[0]);
        assert_eq!(pair[0].text(), pair[1].text(), "a key has one answer");
        all.extend(lines(&pair[0]));
    }
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 300);
    assert_eq!(counts(&mut client, &made)["issued"], 300);
    let exported: HashSet<String> =
        lines(&export(&mut client, &made, "", "text/csv")).into_iter().collect();
    assert_eq!(exported, all.into_iter().collect());
}

#[test]
fn a_replay_of_issuing_outlives_the_process_and_the_campaign() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let made = pattern(&mut client, "R-####-####", json!({}));
    let first = ask(&mut client, &made, 25, Some("k"));
    assert_eq!(first.status, 201);
    client.send(Request::new("POST", &format!("/api/v1/campaigns/{}/archive", id(&made))));
    server.kill();
    let server = folder.start();
    let mut client = server.client();
    let again = ask(&mut client, &made, 25, Some("k"));
    assert_eq!((again.status, again.text()), (201, first.text()));
    ask(&mut client, &made, 25, Some("l")).is_problem(409, "campaign_archived");
    assert_eq!(counts(&mut client, &made)["issued"], 25);
}

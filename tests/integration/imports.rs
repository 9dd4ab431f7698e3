//! `/campaigns/{id}/codes/import`

mod files;

use serde_json::{Value, json};

use crate::support::{ADMIN_KEY, Answer, Client, Folder, Request, campaign, id, raw, redeem};

const CSV: &str = "text/csv";
const LINES: &str = "application/x-ndjson";

fn imported(client: &mut Client) -> Value {
    campaign(client, json!({"codes": {"kind": "imported"}}))
}

fn path(campaign: &Value) -> String {
    format!("/api/v1/campaigns/{}/codes/import", id(campaign))
}

fn request(campaign: &Value, kind: &str, file: impl Into<Vec<u8>>) -> Request {
    Request::new("POST", &path(campaign)).header("Content-Type", kind).body(file)
}

fn import(client: &mut Client, campaign: &Value, kind: &str, file: impl Into<Vec<u8>>) -> Answer {
    client.send(request(campaign, kind, file))
}

/// The answer of an import without faults, none of whose codes stands out.
fn counts(imported: u64, duplicates: u64) -> Value {
    result(imported, duplicates, 0, json!([]))
}

/// The answer of an import of so many short codes and these rejected rows.
fn result(imported: u64, duplicates: u64, short: u64, rejected: Value) -> Value {
    json!({
        "imported": imported,
        "duplicates": duplicates,
        "elsewhere": 0,
        "elsewhere_lines": [],
        "short": short,
        "rejected_count": rejected.as_array().unwrap().len(),
        "rejected": rejected,
    })
}

fn issued(client: &mut Client, campaign: &Value) -> Value {
    client.get(&format!("/api/v1/campaigns/{}", id(campaign))).json()["counts"]["issued"].clone()
}

/// Codes that differ from all others of these tests.
fn codes(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number:06}")).collect()
}

#[test]
fn a_code_belongs_to_the_campaign_that_had_it_first() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let [one, two] = [imported(&mut client), imported(&mut client)];
    let first = codes("A", 20_000);
    assert_eq!(import(&mut client, &one, CSV, first.join("\n")).json(), counts(20_000, 0));
    let mut second = codes("B", 10_000);
    second.extend_from_slice(&first[..5_000]);
    second.push("b 000001".to_owned());
    let lines: Vec<u64> = (10_001..=10_100).collect();
    let mut wanted = counts(10_000, 5_001);
    wanted["elsewhere"] = json!(5_000);
    wanted["elsewhere_lines"] = json!(lines);
    assert_eq!(import(&mut client, &two, CSV, second.join("\r\n")).json(), wanted);
    assert_eq!(import(&mut client, &one, CSV, first.join("\n")).json(), counts(0, 20_000));
    assert_eq!(issued(&mut client, &one), 20_000);
    assert_eq!(issued(&mut client, &two), 10_000);
    for (code, campaign) in [(&first[0], &one), (&first[4_999], &one), (&second[9_999], &two)] {
        let redeemed = redeem(&mut client, code, "ann").json();
        assert_eq!(redeemed["campaign_id"], campaign["id"], "{code}");
    }
}

#[test]
fn what_is_no_import_is_refused() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let codes = imported(&mut client);
    for kind in
        ["application/json", "text/plain", "text/csv; charset=latin1", "multipart/form-data"]
    {
        import(&mut client, &codes, kind, "A\n").is_problem(415, "unsupported_media_type");
    }
    let bare = Request::new("POST", &path(&codes)).body("A\n");
    client.send(bare).is_problem(415, "unsupported_media_type");
    let packed = request(&codes, CSV, "A\n").header("Content-Encoding", "gzip");
    client.send(packed).is_problem(415, "unsupported_media_type");
    let other = request(&codes, CSV, "A\n").header("Accept", "text/csv");
    client.send(other).is_problem(406, "not_acceptable");
    client.get(&path(&codes)).is_problem(405, "method_not_allowed");
    let nowhere = json!({"id": "camp_0000000000000000000000"});
    import(&mut client, &nowhere, CSV, "A\n").is_problem(404, "not_found");
    Client::new(server.address, None)
        .send(request(&codes, CSV, "A\n"))
        .is_problem(401, "unauthenticated");

    for kind in [json!({"kind": "sealed"}), json!({"kind": "pattern", "pattern": "A-########"})] {
        let made_here = campaign(&mut client, json!({ "codes": kind }));
        import(&mut client, &made_here, CSV, "A\n").is_problem(400, "validation_failed");
    }
    let issue = format!("/api/v1/campaigns/{}/codes", id(&codes));
    client.post(&issue, &json!({"count": 1})).is_problem(400, "validation_failed");
    client.get(&issue).is_problem(400, "validation_failed");

    let status = |status: &str| format!("/api/v1/campaigns/{}/{status}", id(&codes));
    client.send(Request::new("POST", &status("pause")));
    assert_eq!(
        import(&mut client, &codes, CSV, "AAAAAA\n").json(),
        counts(1, 0),
        "a pause is no end"
    );
    client.send(Request::new("POST", &status("archive")));
    import(&mut client, &codes, CSV, "B\n").is_problem(409, "campaign_archived");
    assert_eq!(issued(&mut client, &codes), 1);
}

#[test]
fn a_repeated_request_gets_its_first_answer() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let campaign = imported(&mut client);
    let keyed = |client: &mut Client, kind: &str, file: &str, key: &str| {
        client.send(request(&campaign, kind, file).header("Idempotency-Key", key))
    };
    let file = "one\ntwo\none\n-\n";
    let first = keyed(&mut client, CSV, file, "k1");
    assert_eq!((first.status, first.header("idempotent-replayed")), (200, None));
    assert_eq!((&first.json()["imported"], &first.json()["duplicates"]), (&json!(2), &json!(1)));

    let is_replay = |again: &Answer| {
        assert_eq!((again.status, again.text()), (200, first.text()));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    };
    is_replay(&keyed(&mut client, CSV, file, "k1"));
    let other = keyed(&mut client, CSV, "one\ntwo\none\nthree\n", "k1");
    other.is_problem(422, "idempotency_key_reused");
    keyed(&mut client, LINES, file, "k1").is_problem(422, "idempotency_key_reused");
    redeem(&mut client, "three", "ann").is_problem(404, "invalid_code");
    assert_eq!(keyed(&mut client, CSV, file, "k2").json()["duplicates"], 3, "another key");

    // A replay precedes every refusal, and outlives the process.
    client.send(Request::new("POST", &format!("/api/v1/campaigns/{}/archive", id(&campaign))));
    is_replay(&keyed(&mut client, CSV, file, "k1"));
    server.kill();
    let server = folder.start();
    let mut client = server.client();
    is_replay(&keyed(&mut client, CSV, file, "k1"));
    keyed(&mut client, CSV, "x\n", "k1").is_problem(422, "idempotency_key_reused");
}

#[test]
fn a_file_that_was_cut_off_is_sent_again() {
    let folder = Folder::new();
    let mut impatient = folder.command();
    impatient.arg("--set").arg("http.request_timeout_ms=400");
    let server = folder.start_with(impatient);
    let mut client = server.client();
    let campaign = imported(&mut client);
    let all = codes("C", 30_000);
    let file = all.join("\n");
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_KEY}\r\nContent-Type: {CSV}\r\n\
         Idempotency-Key: k\r\nContent-Length: {}\r\n\r\n",
        path(&campaign),
        file.len()
    );
    // In the middle of a code: what looks like a whole one must not be taken for it.
    let half = file.len() / 2 - file.len() / 2 % 9 + 4;
    let cut = raw(server.address, format!("{head}{}", &file[..half]).as_bytes()).unwrap();
    cut.is_problem(408, "request_timeout");
    let before = issued(&mut client, &campaign).as_u64().unwrap();
    assert!(before <= (half / 9) as u64, "{before}");
    let part = &file[file[..half].rfind('\n').unwrap() + 1..half];
    redeem(&mut client, part, "ann").is_problem(404, "invalid_code");

    server.kill();
    let server = folder.start();
    let mut client = server.client();
    let again = request(&campaign, CSV, file.as_str()).header("Idempotency-Key", "k");
    let answer = client.send(again.clone());
    assert_eq!(answer.json(), counts(30_000 - before, before));
    assert_eq!(client.send(again).text(), answer.text());
    assert_eq!(issued(&mut client, &campaign), 30_000);
    server.kill();
    let server = folder.start();
    let mut client = server.client();
    assert_eq!(issued(&mut client, &campaign), 30_000, "all of it is durable");
    assert_eq!(redeem(&mut client, &all[29_999], "ann").status, 201);
}

#[test]
fn many_files_at_once_import_every_code_once() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let campaign = imported(&mut client);
    let all = codes("D", 12_000);
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let send = |part: usize| {
            let (mut client, campaign) = (server.client(), &campaign);
            let file = all[part * 2_000..part * 2_000 + 8_000].join("\n");
            scope.spawn(move || import(&mut client, campaign, CSV, file).json())
        };
        let sent: Vec<_> = (0..3).map(send).collect();
        sent.into_iter().map(|sent| sent.join().unwrap()).collect()
    });
    let sum = |name: &str| answers.iter().map(|answer| answer[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("imported"), sum("duplicates")), (12_000, 12_000), "{answers:?}");
    assert_eq!(issued(&mut client, &campaign), 12_000);
}

//! `/campaigns/{id}/codes/import`

use serde_json::{Value, json};

use crate::support::{
    ADMIN_KEY, Answer, Client, Folder, Request, campaign, campaign_with_codes, id, raw, redeem,
};

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
fn files_as_programs_write_them_are_read() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let campaign = imported(&mut client);
    assert_eq!(campaign["codes"], json!({"kind": "imported"}));

    let file =
        "\u{feff}Code,Value\r\n\"summer-1\",5\r\nSUMMER 2,5\r\n\r\nSummer 2,5\r\n,7\r\nA\tB,1";
    let answer = import(&mut client, &campaign, "text/csv; charset=utf-8; header=present", file);
    assert_eq!(answer.status, 200, "{answer:?}");
    let rejected =
        json!([{"line": 6, "reason": "empty"}, {"line": 7, "reason": "control_character"}]);
    assert_eq!(answer.json(), result(2, 1, 0, rejected));

    let file = "{\"code\":\"caf\\u00e9\"}\n\n{\"code\":\"cafe\u{301}\"}\n{\"cod\":\"x\"}\nplain\n";
    let answer = import(&mut client, &campaign, LINES, file);
    let rejected = json!([{"line": 4, "reason": "malformed"}, {"line": 5, "reason": "malformed"}]);
    assert_eq!(answer.json(), result(1, 1, 2, rejected));
    assert_eq!(issued(&mut client, &campaign), 3);

    for (code, user) in [("SUMMER1", "a"), ("sum\u{2013}mer 2", "b"), ("CAF\u{e9}", "c")] {
        let redeemed = redeem(&mut client, code, user);
        assert_eq!((redeemed.status, &redeemed.json()["campaign_id"]), (201, &campaign["id"]));
    }
    redeem(&mut client, "summer-1", "d").is_problem(409, "already_redeemed");
    for code in ["SUMMER3", "AB", "CODE"] {
        redeem(&mut client, code, "d").is_problem(404, "invalid_code");
    }
    assert_eq!(import(&mut client, &campaign, CSV, "").json(), counts(0, 0));
}

#[test]
fn bad_rows_are_told_and_the_others_are_imported() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, sealed) = campaign_with_codes(&mut client, json!({}), 1);
    let campaign = imported(&mut client);
    let long = "x".repeat(65);
    let file = format!("good\n-\n{long}\n{}\n\"two\nlines\"\nlast", sealed[0].to_lowercase());
    let mut file = file.into_bytes();
    file.extend_from_slice(b"\n\xff\xfe\n");
    let answer = import(&mut client, &campaign, CSV, file);
    let row = |line: u64, reason: &str| json!({"line": line, "reason": reason});
    let rejected = json!([
        row(2, "empty"),
        row(3, "too_long"),
        row(4, "reserved_text"),
        row(5, "control_character"),
        row(8, "malformed"),
    ]);
    assert_eq!(answer.json()["rejected"], rejected);
    assert_eq!((&answer.json()["imported"], answer.status), (&json!(2), 200));
    assert!(!answer.text().contains("two") && !answer.text().contains("xxx"), "{answer:?}");
    assert_eq!(redeem(&mut client, &sealed[0], "ann").status, 201, "it is still a sealed code");

    let file: String = (0..1_500).map(|_| "-\n").collect();
    let answer = import(&mut client, &campaign, CSV, file).json();
    assert_eq!(answer["rejected_count"], 1_500);
    assert_eq!(answer["rejected"].as_array().unwrap().len(), 1_000);

    let endless = format!("before\n{}", "x".repeat(70_000));
    let answer = import(&mut client, &campaign, CSV, endless);
    answer.is_invalid_at("");
    assert!(answer.text().contains("line 2") && !answer.text().contains("xxx"), "{answer:?}");
    assert_eq!(import(&mut client, &campaign, CSV, "afterwards\n").json(), counts(1, 0));
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

#[test]
fn files_as_spreadsheets_write_them_are_read_or_refused_with_a_reason() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let campaign = imported(&mut client);
    let to = |column: &str| format!("{}?column={column}", path(&campaign));
    let send = |client: &mut Client, address: &str, kind: &str, file: &str| {
        client.send(Request::new("POST", address).header("Content-Type", kind).body(file))
    };

    for file in ["voucher,name\nHEAD-0001,x\n", "voucher;name\nHEAD-0001;x\n", "HEAD-0001\tx\n"] {
        let refused = import(&mut client, &campaign, CSV, file);
        refused.is_invalid_at("");
        for said in ["called `code`", "the parameter `column`", "Nothing was imported"] {
            assert!(refused.text().contains(said), "{said}: {refused:?}");
        }
    }
    let unclear = import(&mut client, &campaign, CSV, "Voucher\nHEAD-0001\n");
    unclear.is_invalid_at("");
    assert!(unclear.text().contains("put a line with `code` above it"), "{unclear:?}");
    send(&mut client, &to("code"), CSV, "voucher;name\nHEAD-0001;x\n")
        .is_problem(400, "validation_failed");
    for (column, kind) in [("", CSV), ("%20", CSV), (&"x".repeat(101), CSV), ("code", LINES)] {
        let refused = send(&mut client, &to(column), kind, "code\nHEAD-0001\n");
        refused.is_problem(400, "validation_failed");
        assert!(refused.text().contains("\"parameter\":\"column\""), "{refused:?}");
    }
    assert_eq!(issued(&mut client, &campaign), 0);
    for code in ["voucher", "HEAD-0001", "voucher;name"] {
        redeem(&mut client, code, "ann").is_problem(404, "invalid_code");
    }

    let file = "name;Code\r\nx;SEMI-0001\r\ny;SEMI-0002\r\n";
    assert_eq!(import(&mut client, &campaign, CSV, file).json(), counts(2, 0));
    assert_eq!(import(&mut client, &campaign, CSV, "code\tx\nTABS-01\t1\n").json(), counts(1, 0));
    let file = "id;Gutschein Nr.\n1;NAME-01\n";
    let named = send(&mut client, &to("gutschein+nr."), CSV, file);
    assert_eq!(named.json(), counts(1, 0));
    let voucher = import(&mut client, &campaign, CSV, "code\nvoucher\n");
    assert_eq!(voucher.json(), counts(1, 0), "whoever says that it is a code may have it");
    let file = "Our vouchers\n\ncode;name\nLATE-01;x\n";
    let row = |line: u64| json!({"line": line, "reason": "malformed"});
    let titled = import(&mut client, &campaign, CSV, file).json();
    assert_eq!(titled, result(1, 0, 0, json!([row(3), row(4)])), "a title is one column");
    for code in ["SEMI-0001", "TABS-01", "NAME-01", "voucher"] {
        assert_eq!(redeem(&mut client, code, "ann").status, 201, "{code}");
    }
    redeem(&mut client, "LATE-01", "ann").is_problem(404, "invalid_code");

    // The column is a part of what the request says.
    let keyed = |client: &mut Client, column: &str| {
        let request = Request::new("POST", &to(column)).header("Content-Type", CSV);
        client.send(request.header("Idempotency-Key", "k").body("one,two\nAAAAAA,BBBBBB\n"))
    };
    let first = keyed(&mut client, "one");
    assert_eq!(first.json(), counts(1, 0));
    assert_eq!(keyed(&mut client, "one").text(), first.text());
    keyed(&mut client, "two").is_problem(422, "idempotency_key_reused");
}

#[test]
fn short_codes_are_imported_and_told() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let campaign = imported(&mut client);
    let file = "1\nAB\nA-B C-D E\nABCDEF\n\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\nab\n";
    let answer = import(&mut client, &campaign, CSV, file);
    assert_eq!(answer.json(), result(5, 1, 5, json!([])));
    assert_eq!(redeem(&mut client, "1", "ann").status, 201);
}

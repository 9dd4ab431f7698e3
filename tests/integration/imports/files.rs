//! What files hold: formats, faults in rows, and what stands out.

use serde_json::json;

use super::{CSV, LINES, counts, import, imported, issued, path, request, result};
use crate::support::{Client, Folder, Request, campaign_with_codes, redeem};

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

/// As Excel saves "Unicode text"; a workbook itself is no text.
#[test]
fn files_in_utf_16_are_read_and_what_is_no_text_is_refused_as_a_whole() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let campaign = imported(&mut client);
    let text = "\u{feff}Name\tCode\r\nAnn\tUNI-0001\r\nBob\tB\u{f6}ll-\u{1f381}2\r\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let keyed = |file: &[u8]| request(&campaign, CSV, file).header("Idempotency-Key", "k");
    let first = client.send(keyed(&little));
    assert_eq!((first.status, first.json()), (200, counts(2, 0)));
    assert_eq!(client.send(keyed(&little)).text(), first.text());
    client.send(keyed(&big)).is_problem(422, "idempotency_key_reused");
    assert_eq!(import(&mut client, &campaign, CSV, big).json(), counts(0, 2));
    for code in ["uni-0001", "b\u{f6}ll\u{1f381} 2"] {
        assert_eq!(redeem(&mut client, code, "ann").status, 201, "{code}");
    }
    let unmarked = &little[2..];
    for file in [unmarked, b"PK\x03\x04\x14\0\x06\0\x08\0".as_slice()] {
        let refused = import(&mut client, &campaign, CSV, file);
        refused.is_invalid_at("");
        for said in ["CSV UTF-8", "Nothing was imported"] {
            assert!(refused.text().contains(said), "{said}: {refused:?}");
        }
    }
    for file in ["{\"code\":\"JSON-0001\"}\n", "[\"JSON-0001\"]"] {
        let refused = import(&mut client, &campaign, CSV, file);
        refused.is_invalid_at("");
        assert!(refused.text().contains("application/x-ndjson"), "{refused:?}");
    }
    assert_eq!(import(&mut client, &campaign, CSV, "code\n[BRACKETS]\n").json(), counts(1, 0));
    assert_eq!(issued(&mut client, &campaign), 3);
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

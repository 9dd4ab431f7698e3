//! `redeemd codes import`: what it sends, what it makes of the answer, and what becomes of it on a
//! server.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};

use serde_json::json;

use super::proxy::cutting_once;
use super::{finish, redeemd, run};
use crate::support::{Folder, id, redeem};

/// What an import sent.
struct Sent {
    head: String,
    body: String,
}

impl Sent {
    fn header(&self, name: &str) -> Option<&str> {
        let begin = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&begin))
    }
}

/// A server that hangs up on the first imports without an answer, and answers the last one.
fn server(hang_up: usize, answer: serde_json::Value) -> (SocketAddr, JoinHandle<Vec<Sent>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let connections = listener.incoming().take(hang_up + 1).enumerate();
        let sent = connections.map(|(place, stream)| {
            let mut stream = BufReader::new(stream.unwrap());
            let sent = receive(&mut stream);
            if place == hang_up {
                let body = answer.to_string();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.get_mut().write_all((head + &body).as_bytes()).unwrap();
            }
            sent
        });
        sent.collect()
    });
    (address, server)
}

fn receive(stream: &mut BufReader<std::net::TcpStream>) -> Sent {
    let mut sent = Sent { head: String::new(), body: String::new() };
    while !sent.head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut sent.head).unwrap() > 0);
    }
    if let Some(length) = sent.header("Content-Length").map(|length| length.parse().unwrap()) {
        stream.by_ref().take(length).read_to_string(&mut sent.body).unwrap();
        return sent;
    }
    loop {
        let mut size = String::new();
        stream.read_line(&mut size).unwrap();
        let size = u64::from_str_radix(size.trim(), 16).unwrap();
        stream.by_ref().take(size).read_to_string(&mut sent.body).unwrap();
        stream.read_line(&mut String::new()).unwrap();
        if size == 0 {
            return sent;
        }
    }
}

#[test]
fn a_file_is_streamed_and_sent_again_under_the_same_key() {
    let folder = Folder::new();
    let file = folder.path().join("codes.jsonl");
    let text: String = (0..20_000).map(|code| format!("{{\"code\":\"C-{code}\"}}\n")).collect();
    fs::write(&file, &text).unwrap();
    let counts = json!({ "imported": 19_998, "duplicates": 2, "rejected": [] });
    let (address, server) = server(1, counts.clone());
    let ran = run(address, &["codes", "import", "camp_1", file.to_str().unwrap(), "--json"]);
    assert_eq!((ran.json(), ran.err.as_str()), (counts, ""), "programs read no chatter");
    let sent = server.join().unwrap();
    assert!(sent.iter().all(|sent| sent.body == text), "all of it, each time");
    assert!(sent[0].head.starts_with("POST /api/v1/campaigns/camp_1/codes/import HTTP/1.1\r\n"));
    assert_eq!(sent[0].header("Content-Type"), Some("application/x-ndjson"));
    assert!(sent[0].header("Idempotency-Key").is_some_and(|key| key.len() > 30));
    assert_eq!(sent[0].header("Idempotency-Key"), sent[1].header("Idempotency-Key"));
}

#[test]
fn standard_input_is_streamed_and_cannot_be_read_again() {
    let counts = json!({ "imported": 2, "duplicates": 0, "rejected": [] });
    let import = ["codes", "import", "camp_1", "-"];
    let (address, answering) = server(0, counts.clone());
    let ran = finish(redeemd(address, &import), "A\nB\n");
    let said: Vec<_> = ran.done().split_whitespace().collect();
    assert_eq!(said, ["imported", "2", "duplicates", "0", "rejected", "0"]);
    let sent = answering.join().unwrap();
    assert_eq!(
        (sent[0].body.as_str(), sent[0].header("Content-Type")),
        ("A\nB\n", Some("text/csv"))
    );

    let (address, silent) = server(1, counts);
    finish(redeemd(address, &import), "A\n").failed(1, "nothing is imported twice");
    // The one that it still waits for.
    drop(std::net::TcpStream::connect(address));
    assert!(silent.join().is_err(), "nobody asked again");
}

#[test]
fn rejected_lines_are_a_warning_unless_they_must_not_be() {
    let folder = Folder::new();
    let file = folder.path().join("codes.csv");
    fs::write(&file, "code\nA\n\u{1}\n").unwrap();
    let rows: Vec<_> =
        (0..30).map(|line| json!({ "line": line, "reason": "control_character" })).collect();
    let counts = json!({ "imported": 1, "duplicates": 0, "rejected": rows, "rejected_count": 40 });
    for (flags, code) in [(&[][..], 0), (&["--strict"], 1)] {
        let (address, server) = server(0, counts.clone());
        let import = ["codes", "import", "camp_1", file.to_str().unwrap()];
        let ran = run(address, &[&import[..], flags].concat());
        assert_eq!((ran.code, ran.err.as_str()), (code, "redeemd: 40 lines were rejected\n"));
        assert!(ran.out.contains("  line 3: control_character\n"), "{ran:?}");
        assert!(ran.out.contains("  and 20 more"), "{ran:?}");
        server.join().unwrap();
    }
    let nowhere = "127.0.0.1:1".parse().unwrap();
    run(nowhere, &["codes", "import", "camp_1", "/not/there"]).failed(1, "cannot read /not/there");
}

#[test]
fn codes_of_ones_own_are_imported_once_and_can_be_redeemed() {
    let folder = Folder::new();
    let server = folder.start();
    let run = |arguments: &[&str]| run(server.address, arguments);
    let create = ["campaign", "create", "--name", "Partners", "--codes", "imported", "--json"];
    let campaign = id(&run(&create).json());
    let import = |file: &str, more: &[&str]| {
        let flags = ["codes", "import", &campaign, file, "--json"];
        run(&[&flags[..], more].concat())
    };
    let file = folder.path().join("mine.csv");
    let path = file.to_str().unwrap();
    fs::write(&file, "shop,code\r\n1,ANNA-1\r\n2,\"Böll 2\"\r\n3,anna1\r\n4,x\u{7}\r\n").unwrap();

    let ran = import(path, &[]);
    let rejected = json!([{ "line": 5, "reason": "control_character" }]);
    let counts = |imported: u64, duplicates: u64| {
        json!({
            "imported": imported, "duplicates": duplicates,
            "elsewhere": 0, "elsewhere_lines": [], "short": 3,
            "rejected_count": 1, "rejected": rejected,
        })
    };
    assert_eq!(ran.json(), counts(2, 1));
    let again = import(path, &["--strict"]);
    assert_eq!(again.code, 1, "a line is rejected: {again:?}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&again.out).unwrap(), counts(0, 3));
    let from_input = ["codes", "import", &campaign, "-", "--format", "ndjson"];
    let from_input = finish(redeemd(server.address, &from_input), "{\"code\":\"ANNA-2\"}\n");
    assert!(from_input.done().starts_with("imported               1\n"), "{from_input:?}");

    let mut client = server.client();
    for (code, user, status) in [
        ("anna 1", "ann", 201),
        ("böll-2", "ben", 201),
        ("ANNA-2", "cat", 201),
        ("ANNA-1", "d", 409),
    ] {
        assert_eq!(redeem(&mut client, code, user).status, status, "{code}");
    }
    run(&["codes", "import", "camp_none", path]).failed(1, "not_found: ");
    let sealed = id(&run(&["campaign", "create", "--name", "Own", "--json"]).json());
    run(&["codes", "import", &sealed, path]).failed(1, "validation_failed: ");
}

#[test]
fn an_import_whose_answer_is_lost_is_told_again() {
    let folder = Folder::new();
    let server = folder.start();
    let create = ["campaign", "create", "--name", "Many", "--codes", "imported", "--json"];
    let campaign = id(&run(server.address, &create).json());
    let file = folder.path().join("many.csv");
    let text: String = (0..50_000).map(|number| format!("MANY-{number}\n")).collect();
    fs::write(&file, text).unwrap();
    let address = server.address;
    // The answer's first bytes, which come when everything is imported.
    let proxy = cutting_once(address, 20, Box::new(move || address));
    let ran = run(proxy, &["codes", "import", &campaign, file.to_str().unwrap(), "--json"]);
    let counts = json!({
        "imported": 50_000, "duplicates": 0, "elsewhere": 0, "elsewhere_lines": [], "short": 10,
        "rejected_count": 0, "rejected": [],
    });
    assert_eq!(ran.json(), counts);
    let shown = run(address, &["campaign", "show", &campaign, "--json"]).json();
    assert_eq!(shown["counts"]["issued"], 50_000);
}

#[test]
fn a_column_is_named_and_what_stands_out_is_told() {
    let folder = Folder::new();
    let server = folder.start();
    let file = folder.path().join("from-excel.csv");
    fs::write(&file, "Voucher Nr.;Value\r\nEXCEL-01;5\r\nAB;5\r\n").unwrap();
    let made = |name: &str| {
        let kind = ["campaign", "create", "--name", name, "--codes", "imported", "--json"];
        run(server.address, &kind).json()["id"].as_str().unwrap().to_owned()
    };
    let (one, two) = (made("one"), made("two"));
    let import = |campaign: &str, more: &[&str]| {
        let begin = ["codes", "import", campaign, file.to_str().unwrap()];
        run(server.address, &[&begin[..], more].concat())
    };
    import(&one, &[]).failed(1, "none of them is called `code`");
    let first = import(&one, &["--column", "voucher nr."]);
    let short = "redeemd: 1 code has fewer than 6 characters and is easily guessed\n";
    assert_eq!((first.code, first.err.as_str()), (0, short));
    for (flags, code) in [(&[][..], 0), (&["--strict"], 1)] {
        let other = import(&two, &[&["--column", "voucher nr."], flags].concat());
        assert_eq!(other.code, code);
        let elsewhere = "2 codes belong to other campaigns and stay there: lines 2, 3\n";
        assert!(other.err.contains(elsewhere), "{other:?}");
    }
}

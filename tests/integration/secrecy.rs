//! No plain code and no key is in anything that is written or logged.

use std::path::Path;

use serde_json::json;

use crate::support::{
    ADMIN_KEY, Client, Folder, Request, campaign, campaign_with_codes, id, redeem, redeem_keyed,
};

fn files(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

/// Whether `needle` stands in `haystack`, in either case.
fn contains(haystack: &[u8], needle: &str) -> bool {
    let needle = needle.as_bytes();
    let first = [needle[0].to_ascii_lowercase(), needle[0].to_ascii_uppercase()];
    let begins = |place: &usize| first.contains(&haystack[*place]);
    (0..haystack.len().saturating_sub(needle.len() - 1))
        .filter(begins)
        .any(|place| haystack[place..place + needle.len()].eq_ignore_ascii_case(needle))
}

#[test]
fn no_code_is_written_or_logged() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let mut command = folder.command();
    command.env("REDEEMD_LOG", "trace");
    let server = folder.start_with(command);
    let mut client = server.client();
    let (_, mut codes) = campaign_with_codes(&mut client, json!({}), 50);
    let pattern = json!({"codes": {"kind": "pattern", "pattern": "############-#-###"}});
    codes.extend(campaign_with_codes(&mut client, pattern, 5).1);
    let brought: Vec<String> = (0..5).map(|number| format!("QUOKKAS-{number:05}IN")).collect();
    let imported = campaign(&mut client, json!({"codes": {"kind": "imported"}}));
    let file = format!("{}\n{}\nQUOKKAS-BAD-ROW\t\n", brought.join("\n"), codes[0]);
    let path = format!("/api/v1/campaigns/{}/codes/import", id(&imported));
    let request = Request::new("POST", &path).header("Content-Type", "text/csv").body(file);
    assert_eq!(client.send(request).json()["imported"], 5);
    codes.extend(brought);
    for (place, code) in codes.iter().enumerate() {
        client.post("/api/v1/validations", &json!({"code": code}));
        redeem_keyed(&mut client, code, &format!("user {place}"), &format!("key {place}"));
        redeem(&mut client, &code.to_lowercase(), "somebody else");
        // A code in the wrong place: as a user's field of another type, and in a broken body.
        client.post("/api/v1/redemptions", &json!({"code": [code], "user_id": {"x": code}}));
        client.post("/api/v1/codes/lookup", &json!({ "code": code }));
        client.post("/api/v1/codes/revoke", &json!({"code": code, "reason": "lost"}));
        client.post("/api/v1/codes/restore", &json!({"code": code, "reason": {"x": code}}));
    }
    let item = |code: &String| json!({"code": code, "user_id": {"x": code}, "metadata": null});
    let items: Vec<_> = codes.iter().map(item).collect();
    client.post("/api/v1/redemptions/batch", &json!({ "redemptions": items }));
    let api_keys = ["made", "derived"].map(|name| {
        let request = Request::new("POST", "/api/v1/api-keys");
        let request = match name {
            "derived" => request.header("Idempotency-Key", "k"),
            _ => request,
        };
        let answer = client.send(request.json(&json!({"name": name, "role": "public"})));
        let key = answer.json()["key"].as_str().unwrap().to_owned();
        let mut other = Client::new(server.address, Some(&key));
        other.post("/api/v1/validations", &json!({"code": codes[0]}));
        key
    });
    assert!(server.terminate().success());
    let backup = folder.path().join("backup.tar");
    folder.run(&["backup", "--output", backup.to_str().unwrap()]).done();
    let dump = folder.run(&["journal", "dump", "--with-users"]).done().to_owned();
    std::fs::write(folder.path().join("dump.ndjson"), dump).unwrap();
    let mut written = Vec::new();
    files(folder.path(), &mut written);
    assert!(written.iter().any(|(path, bytes)| path.ends_with("log") && bytes.len() > 1000));
    assert!(written.iter().any(|(_, bytes)| contains(bytes, "user 49")), "the search finds things");
    // The longest group of a code is enough to tell it.
    let mut texts: Vec<String> = codes.iter().map(|code| code[..12].to_owned()).collect();
    texts.push("QUOKKAS".to_owned());
    for (path, bytes) in &written {
        let keys = api_keys.iter().map(String::as_str);
        for text in texts.iter().map(String::as_str).chain([ADMIN_KEY]).chain(keys) {
            assert!(!contains(bytes, text), "{path} has a code or a key");
        }
    }
}

//! The queries of `docs/POSTGRES.md`, asked of a database that a server has filled.

use serde_json::json;

use super::agreement::agree;
use super::arrival::{folder, redeem_many};
use crate::support::{campaign_with_codes, id, redeem, shared_postgres};

/// The blocks of SQL in the document.
fn queries() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/POSTGRES.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```sql\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn example_queries_have_the_answers_that_the_document_says() {
    let database = shared_postgres().database();
    let folder = folder(&database.url());
    let server = folder.start();
    let mut client = server.client();
    let (campaign, codes) = campaign_with_codes(&mut client, json!({}), 20);
    redeem_many(&mut client, &codes[..15], "ada");
    let hint = redeem(&mut client, &codes[15], "bob").json()["code_hint"].clone();
    let body = json!({ "code": codes[16], "reason": "stolen" });
    client.post("/api/v1/codes/revoke", &body);
    agree(&mut client, &database);

    let queries = queries();
    assert!(queries.len() >= 8, "{}", queries.len());
    for query in queries {
        let query = query
            .replace("camp_…", &id(&campaign))
            .replace("'a user'", "'ada'")
            .replace("'a hint'", &format!("'{}'", hint.as_str().unwrap()));
        let answer = database.ask(&query);
        let is_none = query.contains("-- none");
        assert_eq!(answer.is_empty(), is_none, "{query}\n{answer}");
    }
}

//! `GET /redemptions`

use serde_json::{Value, json};

use crate::support::{
    Answer, Client, Folder, api_key, campaign_with_codes, id, redeem, redeem_keyed,
};

fn list(client: &mut Client, query: &str) -> Answer {
    client.get(&format!("/api/v1/redemptions?{query}"))
}

/// Every redemption of a list, page by page.
fn pages(client: &mut Client, query: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = list(client, &format!("{query}&limit={limit}{cursor}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= limit);
        all.extend(data.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// What was redeemed, the newest first.
fn newest_first(redeemed: &[Value], chosen: impl Fn(&Value) -> bool) -> Vec<Value> {
    redeemed.iter().rev().filter(|redemption| chosen(redemption)).cloned().collect()
}

fn time_of(redemption: &Value) -> &str {
    redemption["redeemed_at"].as_str().unwrap()
}

/// Whether two lists have the same in the same order of time.
fn assert_same(found: &[Value], expected: &[Value], what: &str) {
    let times = |list: &[Value]| list.iter().map(|one| time_of(one).to_owned()).collect::<Vec<_>>();
    assert_eq!(times(found), times(expected), "{what}");
    let mut sorted = [found.to_vec(), expected.to_vec()];
    sorted.iter_mut().for_each(|list| list.sort_by_key(id));
    assert_eq!(sorted[0], sorted[1], "{what}");
}

#[test]
fn redemptions_are_listed_by_user_campaign_and_time() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (one, mut codes) = campaign_with_codes(&mut client, json!({"reward": {"n": 1}}), 30);
    let (_, others) = campaign_with_codes(&mut client, json!({"uses_per_code": 2}), 30);
    codes.extend(others);
    let users = ["ada", "zoë & \"z\"", "bob+1"];
    let mut redeemed = Vec::new();
    for (place, code) in codes.iter().enumerate() {
        redeemed.push(redeem(&mut client, code, users[place % 3]).json());
        // What is no redemption stands in between, and is not listed.
        client.post("/api/v1/codes/revoke", &json!({"code": code, "reason": "x"}));
    }
    let of_user = |user: &'static str| move |one: &Value| one["user_id"] == user;
    let campaign = id(&one);
    let of_campaign = |one: &Value| one["campaign_id"] == campaign.as_str();
    let (from, to) = (time_of(&redeemed[13]).to_owned(), time_of(&redeemed[41]).to_owned());
    let within = |one: &Value| time_of(one) >= from.as_str() && time_of(one) < to.as_str();
    let by_campaign = format!("campaign_id={campaign}");
    let span = format!("from={}&to={}", from.replace(':', "%3A"), to.replace('Z', "+00:00"));
    for limit in [1, 7, 1000] {
        let mut check = |query: &str, expected: Vec<Value>| {
            let what = format!("{query}, {limit} at a time");
            assert_same(&pages(&mut client, query, limit), &expected, &what);
        };
        check("", newest_first(&redeemed, |_| true));
        check("user_id=ada", newest_first(&redeemed, of_user("ada")));
        check("user_id=zo%C3%AB+%26%20%22z%22", newest_first(&redeemed, of_user(users[1])));
        check("user_id=bob%2B1", newest_first(&redeemed, of_user("bob+1")));
        check("user_id=nobody", Vec::new());
        check(&by_campaign, newest_first(&redeemed, of_campaign));
        check(&span, newest_first(&redeemed, within));
        check("from=2999-01-01T00:00:00Z", Vec::new());
        check("to=1999-01-01T00:00:00Z", Vec::new());
        let all = format!("user_id=ada&{by_campaign}&{span}");
        let ada = of_user("ada");
        check(&all, newest_first(&redeemed, |one| ada(one) && of_campaign(one) && within(one)));
    }
    let usual = list(&mut client, "").json();
    assert_eq!(
        (usual["data"].as_array().unwrap().len(), &usual["next_cursor"]),
        (60, &Value::Null)
    );
    assert_eq!(usual["data"][0], redeemed[59], "as it was answered");
}

#[test]
fn pages_go_on_where_they_ended_while_more_is_redeemed_and_after_a_restart() {
    let folder = Folder::new().set("ledger.commit_interval_ms", "10");
    let mut server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 120);
    let (early, late) = codes.split_at(80);
    let redeemed: Vec<_> =
        early.iter().map(|code| redeem_keyed(&mut client, code, "ada", "k").json()).collect();
    for query in ["", "user_id=ada"] {
        let first = list(&mut client, &format!("{query}&limit=30")).json();
        let mut found = first["data"].as_array().unwrap().clone();
        let cursor = format!("cursor={}", first["next_cursor"].as_str().unwrap());
        let half = if query.is_empty() { &late[..20] } else { &late[20..] };
        half.iter().for_each(|code| assert_eq!(redeem(&mut client, code, "bob").status, 201));
        server.kill();
        server = folder.start();
        client = server.client();
        found.extend(pages(&mut client, &format!("{query}&{cursor}"), 50));
        assert_same(&found, &newest_first(&redeemed, |_| true), query);
    }
}

#[test]
fn what_was_answered_is_listed_at_once() {
    let folder = Folder::new();
    let server = folder.start();
    let (_, codes) = campaign_with_codes(&mut server.client(), json!({}), 200);
    std::thread::scope(|scope| {
        for (user, codes) in codes.chunks(50).enumerate() {
            let mut client = server.client();
            scope.spawn(move || {
                for code in codes {
                    let redeemed = redeem(&mut client, code, &format!("u{user}")).json();
                    let page = list(&mut client, &format!("user_id=u{user}&limit=1")).json();
                    assert_eq!(page["data"], json!([redeemed]));
                    let all = list(&mut client, "limit=1000").json();
                    assert!(all["data"].as_array().unwrap().contains(&redeemed));
                }
            });
        }
    });
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let folder = Folder::new();
    let server = folder.start();
    let mut client = server.client();
    let (_, codes) = campaign_with_codes(&mut client, json!({}), 3);
    codes.iter().for_each(|code| assert_eq!(redeem(&mut client, code, "ada").status, 201));
    let cursor = |client: &mut Client, query: &str| {
        let page = list(client, &format!("{query}&limit=1")).json();
        page["next_cursor"].as_str().unwrap().to_owned()
    };
    let (timed, appended) = (cursor(&mut client, ""), cursor(&mut client, "user_id=ada"));
    let forged = format!("{}0", &timed[..timed.len() - 1]);
    let forged = if forged == timed { format!("{}1", &timed[..timed.len() - 1]) } else { forged };
    for (query, parameter) in [
        ("user=ada", "query"),
        ("user_id=", "user_id"),
        ("user_id=%FF", "user_id"),
        ("user_id=a%00b", "user_id"),
        (&*format!("user_id={}", "x".repeat(129)), "user_id"),
        ("user_id=a&user_id=b", "user_id"),
        ("campaign_id=x", "campaign_id"),
        ("campaign_id=camp_0000000000000000", "campaign_id"),
        ("from=yesterday", "from"),
        ("to=2026-11-21", "to"),
        ("from=2026-11-21T00:00:00Z&to=2026-11-21T00:00:00Z", "to"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=", "cursor"),
        ("cursor=nonsense", "cursor"),
        (&*format!("cursor={forged}"), "cursor"),
        (&*format!("cursor={appended}"), "cursor"),
        (&*format!("user_id=ada&cursor={timed}"), "cursor"),
        (&*format!("user_id=bob&cursor={appended}"), "cursor"),
        (&*format!("from=2026-01-01T00:00:00Z&cursor={timed}"), "cursor"),
    ] {
        let answer = list(&mut client, query);
        answer.is_problem(400, "validation_failed");
        assert_eq!(answer.json()["errors"][0]["parameter"], parameter, "{query}");
    }
    assert_eq!(list(&mut client, &format!("cursor={timed}&limit=7")).status, 200);
    for (role, status) in [("issuer", 200), ("redeemer", 200), ("auditor", 200), ("public", 403)] {
        let key = api_key(&mut client, role);
        let mut other = Client::new(server.address, Some(&key));
        assert_eq!(list(&mut other, "").status, status, "{role}");
    }
}

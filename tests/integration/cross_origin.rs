//! Pages of other origins, as browsers speak for them.

use serde_json::json;

use crate::reload::{SUCCEEDED, reload, start};
use crate::support::{Answer, Client, Folder, Request, api_key, campaign_with_codes};

const SHOP: &str = "https://shop.example.com";

/// What a browser asks before it sends a page's POST with an API key.
fn preflight(client: &mut Client, path: &str, origin: &str) -> Answer {
    let request = Request::new("OPTIONS", path).header("Origin", origin);
    let request = request.header("Access-Control-Request-Method", "POST");
    client.send(request.header("Access-Control-Request-Headers", "authorization,content-type"))
}

fn redeem_from(client: &mut Client, origin: &str, code: &str) -> Answer {
    let request = Request::new("POST", "/api/v1/redemptions").header("Origin", origin);
    client.send(request.json(&json!({"code": code, "user_id": "ann"})))
}

/// Which origin an answer may be read by.
fn readable_by(answer: &Answer) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

#[test]
fn pages_of_allowed_origins_redeem_and_no_others() {
    let folder = Folder::new();
    let (server, settings) = start(&folder);
    let mut admin = server.client();
    let (_, codes) = campaign_with_codes(&mut admin, json!({}), 2);
    let key = api_key(&mut admin, "public");
    // Answers to preflights are the browser's, and not described.
    let mut page = Client::undescribed(server.address, Some(&key));
    let redemptions = "/api/v1/redemptions";

    preflight(&mut page, redemptions, SHOP).is_problem(405, "method_not_allowed");
    assert_eq!(readable_by(&redeem_from(&mut page, SHOP, "NO-SUCH-CODE")), None);

    let allow = |text: &str| {
        std::fs::write(&settings, format!("[http]\nallowed_origins = [{text}]\n")).unwrap();
        reload(&server, &mut server.client(), SUCCEEDED);
    };
    allow("\"https://Shop.example.com:443\", \"http://localhost:3000\"");
    // Nobody has said yet who it is.
    let mut browser = Client::undescribed(server.address, None);
    for path in [redemptions, "/api/v1/validations"] {
        let asked = preflight(&mut browser, path, SHOP);
        assert_eq!((asked.status, readable_by(&asked)), (204, Some(SHOP)), "{asked:?}");
        assert_eq!(asked.header("access-control-allow-methods"), Some("POST"));
        let sent = asked.header("access-control-allow-headers").unwrap();
        assert!(sent.contains("authorization") && sent.contains("idempotency-key"), "{sent}");
    }
    let redeemed = redeem_from(&mut page, SHOP, &codes[0]);
    assert_eq!((redeemed.status, readable_by(&redeemed)), (201, Some(SHOP)));
    assert_eq!(redeemed.header("vary"), Some("origin"));
    let refused = redeem_from(&mut page, SHOP, "NO-SUCH-CODE");
    assert_eq!((refused.status, readable_by(&refused)), (404, Some(SHOP)), "pages read errors");
    assert!(refused.header("access-control-expose-headers").unwrap().contains("retry-after"));
    let strange = browser.send(Request::new("POST", redemptions).header("Origin", SHOP));
    assert_eq!((strange.status, readable_by(&strange)), (401, Some(SHOP)));

    for origin in ["https://evil.example.com", "http://shop.example.com", "null", ""] {
        preflight(&mut page, redemptions, origin).is_problem(405, "method_not_allowed");
        assert_eq!(readable_by(&redeem_from(&mut page, origin, "NO-SUCH-CODE")), None);
    }
    for path in ["/api/v1/campaigns", "/api/v1/redemptions/batch", "/metrics"] {
        preflight(&mut browser, path, SHOP).is_problem(405, "method_not_allowed");
    }
    let plain = browser.send(Request::new("OPTIONS", redemptions).header("Origin", SHOP));
    plain.is_problem(405, "method_not_allowed");

    allow("\"*\"");
    let anywhere = redeem_from(&mut page, "https://evil.example.com", &codes[1]);
    assert_eq!(readable_by(&anywhere), Some("https://evil.example.com"));
}

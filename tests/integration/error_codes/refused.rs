//! What a server that is well refuses.

use serde_json::json;

use crate::support::{
    ADMIN_KEY, Answer, Client, Request, Server, api_key, campaign, campaign_with_codes, id, redeem,
    redeem_keyed,
};

/// What is refused: status and code; method and address; body; a header. Names in
/// angle brackets stand for what [`stage`] made.
pub(super) const REFUSED: [(u16, &str, &str, &str, &str); 27] = [
    (400, "validation_failed", "POST /api/v1/redemptions", r#"{"code": "<fresh>"}"#, ""),
    (400, "malformed_json", "POST /api/v1/redemptions", r#"{"code": "<fresh>", "#, ""),
    (401, "unauthenticated", "POST /api/v1/redemptions", WISH, "Authorization: Bearer rk_other"),
    (403, "forbidden", "GET /api/v1/campaigns", "", "Authorization: Bearer <public>"),
    (404, "invalid_code", "POST /api/v1/redemptions", r#"{"code": "NO", "user_id": "ann"}"#, ""),
    (404, "not_found", "GET /api/v1/campaigns/camp_0000000000000000", "", ""),
    (405, "method_not_allowed", "DELETE /api/v1/redemptions", "", ""),
    (406, "not_acceptable", "POST /api/v1/redemptions", WISH, "Accept: text/html"),
    (
        409,
        "already_redeemed",
        "POST /api/v1/redemptions",
        r#"{"code": "<used>", "user_id": "ben"}"#,
        "",
    ),
    (
        409,
        "user_limit_reached",
        "POST /api/v1/redemptions",
        r#"{"code": "<second>", "user_id": "ann"}"#,
        "",
    ),
    (
        409,
        "campaign_limit_reached",
        "POST /api/v1/redemptions",
        r#"{"code": "<second>", "user_id": "ben"}"#,
        "",
    ),
    (409, "code_held", "POST /api/v1/redemptions", r#"{"code": "<held>", "user_id": "ben"}"#, ""),
    (
        409,
        "insufficient_balance",
        "POST /api/v1/redemptions",
        r#"{"code": "<gift>", "user_id": "ann", "amount": {"minor_units": 6}}"#,
        "",
    ),
    (
        409,
        "already_rolled_back",
        "POST /api/v1/redemptions/<undone>/rollback",
        r#"{"reason": "returned"}"#,
        "",
    ),
    (409, "hold_ended", "POST /api/v1/holds/<ended>/confirm", "{}", ""),
    (
        409,
        "campaign_archived",
        "POST /api/v1/redemptions",
        r#"{"code": "<archived>", "user_id": "ann"}"#,
        "",
    ),
    (409, "campaign_archived", "POST /api/v1/campaigns/<archived-campaign>/pause", "", ""),
    (
        409,
        "campaign_paused",
        "POST /api/v1/redemptions",
        r#"{"code": "<paused>", "user_id": "ann"}"#,
        "",
    ),
    (410, "expired", "POST /api/v1/redemptions", r#"{"code": "<expired>", "user_id": "ann"}"#, ""),
    (410, "revoked", "POST /api/v1/redemptions", r#"{"code": "<revoked>", "user_id": "ann"}"#, ""),
    (
        412,
        "precondition_failed",
        "PATCH /api/v1/campaigns/<campaign>",
        r#"{"name": "n"}"#,
        "If-Match: \"9\"",
    ),
    (413, "body_too_large", "POST /api/v1/redemptions", "<huge>", ""),
    (415, "unsupported_media_type", "POST /api/v1/redemptions", WISH, "Content-Type: text/plain"),
    (
        422,
        "idempotency_key_reused",
        "POST /api/v1/redemptions",
        r#"{"code": "<used>", "user_id": "ben"}"#,
        "Idempotency-Key: order-1",
    ),
    (
        422,
        "not_yet_valid",
        "POST /api/v1/redemptions",
        r#"{"code": "<early>", "user_id": "ann"}"#,
        "",
    ),
    (
        422,
        "pattern_too_small",
        "POST /api/v1/campaigns/<tiny-campaign>/codes",
        r#"{"count": 17}"#,
        "",
    ),
    (
        429,
        "rate_limited",
        "POST /api/v1/validations",
        r#"{"code": "<fresh>"}"#,
        "Authorization: Bearer <public>",
    ),
];

/// A wish to redeem that nothing is wrong with.
const WISH: &str = r#"{"code": "<fresh>", "user_id": "ann"}"#;

/// Makes what [`REFUSED`] is about, and gives everything by its name.
pub(super) fn stage(client: &mut Client) -> Vec<(&'static str, String)> {
    let mut names = Vec::new();
    for (code_name, campaign_name, rules) in [
        ("<fresh>", "<campaign>", json!({})),
        ("<used>", "", json!({})),
        ("<revoked>", "", json!({})),
        ("<held>", "", json!({})),
        ("<gift>", "", json!({ "balance": { "currency": "EUR", "minor_units": 5 } })),
        ("<paused>", "<paused-campaign>", json!({})),
        ("<archived>", "<archived-campaign>", json!({})),
        ("<expired>", "", json!({ "expires_at": "2001-01-01T00:00:00Z" })),
        ("<early>", "", json!({ "starts_at": "2099-01-01T00:00:00Z" })),
    ] {
        let (campaign, codes) = campaign_with_codes(client, rules, 1);
        let act = |client: &mut Client, action: &str| {
            let path = format!("/api/v1/campaigns/{}/{action}", id(&campaign));
            assert_eq!(client.send(Request::new("POST", &path)).status, 200);
        };
        match code_name {
            "<used>" => assert_eq!(redeem_keyed(client, &codes[0], "ann", "order-1").status, 201),
            "<revoked>" => {
                let wish = json!({ "code": codes[0], "reason": "lost" });
                assert_eq!(client.post("/api/v1/codes/revoke", &wish).status, 200);
            }
            "<held>" => assert_eq!(hold(client, &codes[0]).status, 201),
            "<paused>" => act(client, "pause"),
            "<archived>" => act(client, "archive"),
            _ => {}
        }
        names.push((code_name, codes[0].clone()));
        names.push((campaign_name, id(&campaign)));
    }
    let (_, codes) = campaign_with_codes(client, json!({}), 2);
    let undone = id(&redeem(client, &codes[0], "ann").json());
    assert_eq!(roll_back(client, &undone).status, 200);
    let ended = id(&hold(client, &codes[1]).json());
    assert_eq!(redeem(client, &codes[1], "ann").status, 201);
    names.extend([("<undone>", undone), ("<ended>", ended)]);
    let limits = json!({ "uses_per_user": 1, "total_uses": 1 });
    let (_, codes) = campaign_with_codes(client, limits, 2);
    assert_eq!(redeem(client, &codes[0], "ann").status, 201);
    names.push(("<second>", codes[1].clone()));
    // 16,777,216 possible codes, one for each million of which may be issued.
    let pattern = json!({ "kind": "pattern", "pattern": "T########", "alphabet": "01234567" });
    names.push(("<tiny-campaign>", id(&campaign(client, json!({ "codes": pattern })))));
    names.push(("<public>", api_key(client, "public")));
    names.push(("<huge>", " ".repeat(4_096)));
    names.retain(|(name, _)| !name.is_empty());
    names
}

fn hold(client: &mut Client, code: &str) -> Answer {
    client.post("/api/v1/holds", &json!({ "code": code, "user_id": "ann" }))
}

pub(super) fn roll_back(client: &mut Client, redemption: &str) -> Answer {
    let path = format!("/api/v1/redemptions/{redemption}/rollback");
    client.post(&path, &json!({ "reason": "returned" }))
}

/// Asks with a line of the table.
pub(super) fn ask(server: &Server, line: &str, body: &str, header: &str) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::new(method, path);
    let has = |name: &str| header.starts_with(name);
    if let Some((name, value)) = header.split_once(": ") {
        request = request.header(name, value);
    }
    if !body.is_empty() {
        if !has("Content-Type") {
            request = request.header("Content-Type", "application/json");
        }
        request = request.body(body);
    }
    let key = (!has("Authorization")).then_some(ADMIN_KEY);
    Client::new(server.address, key).send(request)
}

//! Everything that the description's examples are about, made on a real server: the examples' codes
//! and identifiers are replaced by those of things that exist.

use serde_json::{Value, json};

use crate::support::{Answer, Client, Request, campaign, id, issue, redeem};

/// The code that the examples are about.
const CODE: &str = "7GXV7MPJZF10-Q2780B6N-ZZ4Z2NMW";

/// What one operation is tried with.
pub(super) struct Stage {
    path: String,
    code: String,
    campaign: String,
}

impl Stage {
    /// Makes what an operation needs. Everything is new, so that no try is in the way of another.
    pub(super) fn set(client: &mut Client, operation: &str, path: &str) -> Self {
        let kind = if operation == "importCodes" { "imported" } else { "sealed" };
        let mut rules = json!({"codes": {"kind": kind}, "reward": {"percent_off": 20}});
        if ["lookUpCode", "rollBackRedemption", "topUpCode", "validateCode"].contains(&operation) {
            rules["balance"] = json!({"currency": "EUR", "minor_units": 5000});
        }
        let campaign = campaign(client, rules);
        let mut stage =
            Self { path: path.to_owned(), code: String::new(), campaign: id(&campaign) };
        if kind == "sealed" {
            stage.code = issue(client, &campaign, 3)[0].clone();
        }
        match operation {
            "lookUpCode" | "rollBackRedemption" => {
                let amount = json!({"minor_units": 1200});
                let wish = json!({"code": stage.code, "user_id": "user-1042", "amount": amount});
                stage.name(&id(&client.post("/api/v1/redemptions", &wish).json()));
                stage.hold(client, "user-7");
            }
            "getHold" | "releaseHold" | "confirmHold" => {
                let hold = stage.hold(client, "user-1042");
                stage.name(&hold);
                if operation == "getHold" {
                    assert_eq!(redeem(client, &stage.code, "user-1042").status, 201);
                }
            }
            "getRedemption" | "listRedemptions" | "followEvents" => {
                let redemption = redeem(client, &stage.code, "user-1042");
                stage.name(&id(&redemption.json()));
            }
            "restoreCode" => {
                let wish = json!({"code": stage.code, "reason": "posted in a forum"});
                assert_eq!(client.post("/api/v1/codes/revoke", &wish).status, 200);
            }
            "resumeCampaign" => {
                let pause = format!("/api/v1/campaigns/{}/pause", stage.campaign);
                assert_eq!(client.send(Request::new("POST", &pause)).status, 200);
            }
            "listApiKeys" | "revokeApiKey" => {
                let wish = json!({"name": "Tills", "role": "redeemer"});
                stage.name(&id(&client.post("/api/v1/api-keys", &wish).json()));
            }
            _ => {}
        }
        let campaign = stage.campaign.clone();
        stage.name(&campaign);
        stage
    }

    /// Holds the code for a user.
    fn hold(&self, client: &mut Client, user: &str) -> String {
        let wish = json!({"code": self.code, "user_id": user});
        id(&client.post("/api/v1/holds", &wish).json())
    }

    /// The first thing that is named here is the one that the path is about.
    fn name(&mut self, id: &str) {
        self.path = self.path.replace("{id}", id);
    }

    /// The address to ask.
    pub(super) fn address(&self, query: &[(&str, &str)]) -> String {
        let pairs = query.iter().map(|(name, value)| match *name {
            "campaign_id" => format!("{name}={}", self.campaign),
            _ => format!("{name}={value}"),
        });
        let pairs: Vec<_> = pairs.collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", self.path, pairs.join("&"))
    }

    /// An example's body, about things that exist.
    pub(super) fn body(&self, example: &Value) -> Vec<u8> {
        match example {
            Value::String(text) => text.clone().into_bytes(),
            value => value.to_string().replace(CODE, &self.code).into_bytes(),
        }
    }
}

/// The names of all fields in a value, as pointers. Items of a list are alike, so the first one
/// stands for all; what is the client's own is not looked into.
pub(super) fn names(value: &Value) -> Vec<String> {
    let mut names = Vec::new();
    collect(value, "", &mut names);
    names.sort();
    names
}

fn collect(value: &Value, pointer: &str, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let pointer = format!("{pointer}/{name}");
                if !["reward", "metadata"].contains(&&**name) {
                    collect(value, &pointer, names);
                }
                names.push(pointer);
            }
        }
        Value::Array(items) => {
            if let Some(item) = items.first() {
                collect(item, &format!("{pointer}/0"), names);
            }
        }
        _ => {}
    }
}

/// The names of all fields in an answer that is JSON.
pub(super) fn names_of_answer(answer: &Answer) -> Vec<String> {
    names(&answer.json())
}

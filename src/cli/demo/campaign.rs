//! The campaign of the demonstration.

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::client::{Client, Request};

/// A campaign, by its id.
pub(super) struct Campaign {
    path: String,
}

impl Campaign {
    /// Makes a campaign of sealed codes, each good for one redemption.
    pub(super) fn make(client: &mut Client) -> anyhow::Result<Self> {
        let body = r#"{"name":"Demonstration","codes":{"kind":"sealed"},"reward":{"gift":"tea"}}"#;
        let request = Request::post("/api/v1/campaigns", body);
        let answer = client.send(&request).context("making a campaign")?;
        ensure!(answer.status() == 201, "making a campaign was answered {}", answer.summary());
        let campaign = answer.json()?;
        let id = campaign.get("id").and_then(Value::as_str).context("the campaign has no id")?;
        Ok(Self { path: format!("/api/v1/campaigns/{id}") })
    }

    /// Where it is read.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Where its codes are.
    pub(super) fn codes_path(&self) -> String {
        format!("{}/codes", self.path)
    }
}

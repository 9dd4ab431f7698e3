//! Commands of the control sequence.

use redeemd_domain::control::{Asked, Changes, Command, DraftCodes};
use serde_json::{Value, json};

use super::{Detail, api_key, asked, window};
use crate::cli::journal::line::{imported, imported_with, name, object, without_nulls};
use crate::cli::journal::rules_text;

/// A command of the control sequence: its name and what it says.
pub(in crate::cli::journal) fn control_command(
    command: &Command,
    detail: Detail,
) -> (&'static str, Value) {
    let (name, details) = wish(command, detail);
    match command.asked() {
        Some(Asked { api_key, request }) => (name, asked(details, api_key, &request)),
        None => (name, details),
    }
}

fn wish(command: &Command, detail: Detail) -> (&'static str, Value) {
    use Command as C;
    match command {
        C::Advance => ("advance", json!({})),
        C::AddSecret(secret) => (
            "add_secret",
            json!({ "purpose": name(secret.name.purpose), "secret": secret.name.number }),
        ),
        C::AddApiKey(key) => ("add_api_key", json!({ "role": key.role.name(), "name": key.name })),
        C::RevokeApiKey(number) => ("revoke_api_key", json!({ "key": api_key(*number) })),
        C::MakeCampaign { draft, .. } => (
            "make_campaign",
            json!({
                "name": draft.name,
                "codes": codes(&draft.codes),
                "pattern": pattern(&draft.codes),
                "window": window(draft.window),
                "uses_per_code": draft.uses_per_code,
                "rules": draft.rules.as_deref().map(rules_text::rules),
                "reward": object(draft.reward.as_deref()),
                "metadata": detail.personal(object(draft.metadata.as_deref())),
            }),
        ),
        C::ChangeCampaign { campaign, edition, changes, .. } => {
            let details = json!({
                "campaign": campaign.0,
                "edition": edition.map(|edition| edition.0),
                "changes": changed(changes, detail),
            });
            ("change_campaign", details)
        }
        C::ChangeRules { campaign, edition, changes, rules, .. } => {
            let details = json!({
                "campaign": campaign.0,
                "edition": edition.map(|edition| edition.0),
                "changes": changed(changes, detail),
                "rules": rules_text::rule_changes(rules),
            });
            ("change_rules", details)
        }
        C::SetStatus { campaign, status, .. } => (
            "set_status",
            json!({
                "campaign": campaign.0,
                "status": name(status),
            }),
        ),
        C::LetIn { key, .. } => (
            "let_in",
            json!({
                "role": key.role.name(),
                "name": key.name,
            }),
        ),
        C::ShutOut { api_key: key, .. } => (
            "shut_out",
            json!({
                "key": api_key(*key),
            }),
        ),
        C::Issue { campaign, count, .. } => (
            "issue",
            json!({
                "campaign": campaign.0,
                "count": count,
            }),
        ),
        C::RecordImport { campaign, import, .. } => ("record_import", imported(*campaign, import)),
        C::OpenShares { campaign, since, bases } => {
            ("open_shares", json!({ "campaign": campaign.0, "since": since.0, "bases": bases }))
        }
        C::GrantShare { campaign, since, shard, granted } => (
            "grant_share",
            json!({
                "campaign": campaign.0, "since": since.0, "shard": shard, "granted": granted,
            }),
        ),
        C::RecordReturned { campaign, since, shard, returned } => (
            "record_returned",
            json!({
                "campaign": campaign.0, "since": since.0, "shard": shard, "returned": returned,
            }),
        ),
        C::KeepImport { campaign, import, remarks, .. } => {
            ("keep_import", imported_with(*campaign, import, remarks))
        }
        C::IssuePattern { campaign, first, span, skipped, .. } => (
            "issue_pattern",
            json!({
                "campaign": campaign.0,
                "first": first,
                "span": span,
                "skipped": skipped.len(),
            }),
        ),
    }
}

fn changed(changes: &Changes, detail: Detail) -> Value {
    let mut changes = serde_json::to_value(changes).unwrap_or_default();
    if let (Detail::Plain, Some(changes)) = (detail, changes.as_object_mut()) {
        changes.remove("metadata");
    }
    without_nulls(changes)
}

/// Where a new campaign's codes come from, in a word.
fn codes(codes: &DraftCodes) -> &'static str {
    match codes {
        DraftCodes::Sealed => "sealed",
        DraftCodes::Imported => "imported",
        DraftCodes::Pattern { .. } => "pattern",
    }
}

fn pattern(codes: &DraftCodes) -> Option<&str> {
    match codes {
        DraftCodes::Pattern { pattern, .. } => Some(pattern.text()),
        DraftCodes::Sealed | DraftCodes::Imported => None,
    }
}

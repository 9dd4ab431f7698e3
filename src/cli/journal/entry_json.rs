//! Entries as JSON, for people who look into a journal.
//!
//! What is secret is never shown: enciphered keys, digests of API keys, the digests that name
//! requests. What is personal is shown only where it was asked for.

use redeemd_domain::campaign::Window;
use redeemd_domain::control::DraftCodes;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::timestamp::Timestamp;
use redeemd_domain::{control, shard};
use serde::Serialize;
use serde_json::{Value, json};

use super::line::{code, name, object, without_nulls};
use super::rules_text;
use super::step_json::step;
use crate::http::TimeText;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Nothing personal.
    Plain,
    /// Users, metadata and reasons, too.
    WithUsers,
}

impl Detail {
    fn personal(self, value: impl Serialize) -> Value {
        match self {
            Self::Plain => Value::Null,
            Self::WithUsers => serde_json::to_value(value).unwrap_or_default(),
        }
    }
}

/// A command of a shard: its name and what it says.
pub(super) fn shard_command(command: &shard::Command, detail: Detail) -> (&'static str, Value) {
    use shard::Command as C;
    match command {
        C::Advance => ("advance", json!({})),
        C::PutCampaign(view) => (
            "put_campaign",
            json!({
                "campaign": view.number.0,
                "revision": view.revision.0,
                "status": name(view.status),
                "window": window(view.window),
                "uses_per_code": view.uses_per_code,
                "issued": view.issued,
            }),
        ),
        C::Redeem(redeem) => (
            "redeem",
            json!({
                "code": code(&redeem.code),
                "user": detail.personal(&redeem.user),
                "metadata": detail.personal(object(redeem.metadata.as_deref())),
                "api_key": api_key(redeem.api_key),
                "idempotent": redeem.request.is_some(),
            }),
        ),
        C::PutRules { view, rules } => (
            "put_rules",
            json!({
                "campaign": view.number.0,
                "revision": view.revision.0,
                "status": name(view.status),
                "window": window(view.window),
                "uses_per_code": view.uses_per_code,
                "issued": view.issued,
                "rules": rules_text::rules(rules),
            }),
        ),
        C::Spend(shard::Spend { redeem, claim, amount }) => (
            "spend",
            json!({
                "code": code(&redeem.code),
                "user": detail.personal(&redeem.user),
                "metadata": detail.personal(object(redeem.metadata.as_deref())),
                "claim": claim.map(|claim| json!({ "shard": claim.shard, "number": claim.number })),
                "amount": amount,
                "api_key": api_key(redeem.api_key),
                "idempotent": redeem.request.is_some(),
            }),
        ),
        C::RollBack(roll_back) => (
            "roll_back",
            json!({
                "redemption": roll_back.redemption.to_string(),
                "code": code(&roll_back.code),
                "user": detail.personal(&roll_back.user),
                "amount": roll_back.amount,
                "reason": detail.personal(&roll_back.reason),
                "api_key": api_key(roll_back.api_key),
                "idempotent": roll_back.request.is_some(),
            }),
        ),
        C::PlaceHold(place) => (
            "place_hold",
            json!({
                "code": code(&place.code),
                "user": detail.personal(&place.user),
                "ttl_ms": place.ttl_ms,
                "api_key": api_key(place.api_key),
                "idempotent": place.request.is_some(),
            }),
        ),
        C::Confirm(confirm) => (
            "confirm",
            json!({
                "hold": confirm.hold.to_string(),
                "code": code(&confirm.spend.redeem.code),
                "user": detail.personal(&confirm.spend.redeem.user),
                "amount": confirm.spend.amount,
                "otherwise": name(confirm.otherwise),
                "api_key": api_key(confirm.spend.redeem.api_key),
                "idempotent": confirm.spend.redeem.request.is_some(),
            }),
        ),
        C::Release(release) => (
            "release",
            json!({
                "hold": release.hold.to_string(),
                "code": code(&release.code),
                "api_key": api_key(release.api_key),
            }),
        ),
        C::Expire { at_most } => ("expire", json!({ "at_most": at_most })),
        C::TopUp(top_up) => (
            "top_up",
            json!({
                "code": code(&top_up.code),
                "amount": top_up.amount,
                "reason": detail.personal(&top_up.reason),
                "api_key": api_key(top_up.api_key),
                "idempotent": top_up.request.is_some(),
            }),
        ),
        C::ClaimUse(_)
        | C::Settle(_)
        | C::Forbid(_)
        | C::GiveBack(_)
        | C::Delivered { .. }
        | C::TakeShare { .. }
        | C::ReturnShare { .. } => step(command),
        C::Revoke(change) => ("revoke", changed(change, detail)),
        C::Restore(change) => ("restore", changed(change, detail)),
        C::List(list) => (
            "list",
            json!({
                "campaign": list.campaign.0,
                "codes": list.digests.len(),
                "api_key": api_key(list.api_key),
            }),
        ),
    }
}

/// A command of the control sequence: its name and what it says.
pub(super) fn control_command(command: &control::Command, detail: Detail) -> (&'static str, Value) {
    use control::Command as C;
    match command {
        C::Advance => ("advance", json!({})),
        C::AddSecret(secret) => (
            "add_secret",
            json!({ "purpose": name(secret.name.purpose), "secret": secret.name.number }),
        ),
        C::AddApiKey(key) => ("add_api_key", json!({ "role": key.role.name(), "name": key.name })),
        C::RevokeApiKey(number) => ("revoke_api_key", json!({ "key": api_key(*number) })),
        C::MakeCampaign { draft, asked } => (
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
                "api_key": api_key(asked.api_key),
                "idempotent": asked.request.is_some(),
            }),
        ),
        C::ChangeCampaign { campaign, edition, changes, asked } => {
            let mut changes = serde_json::to_value(changes).unwrap_or_default();
            if let (Detail::Plain, Some(changes)) = (detail, changes.as_object_mut()) {
                changes.remove("metadata");
            }
            let details = json!({
                "campaign": campaign.0,
                "edition": edition.map(|edition| edition.0),
                "changes": without_nulls(changes),
                "api_key": api_key(asked.api_key),
                "idempotent": asked.request.is_some(),
            });
            ("change_campaign", details)
        }
        C::ChangeRules { campaign, edition, changes, rules, asked } => {
            let mut changes = serde_json::to_value(changes).unwrap_or_default();
            if let (Detail::Plain, Some(changes)) = (detail, changes.as_object_mut()) {
                changes.remove("metadata");
            }
            let details = json!({
                "campaign": campaign.0,
                "edition": edition.map(|edition| edition.0),
                "changes": without_nulls(changes),
                "rules": rules_text::rule_changes(rules),
                "api_key": api_key(asked.api_key),
                "idempotent": asked.request.is_some(),
            });
            ("change_rules", details)
        }
        C::SetStatus { campaign, status, asked } => (
            "set_status",
            json!({
                "campaign": campaign.0,
                "status": name(status),
                "api_key": api_key(asked.api_key),
                "idempotent": asked.request.is_some(),
            }),
        ),
        C::LetIn { key, asked } => (
            "let_in",
            json!({
                "role": key.role.name(),
                "name": key.name,
                "api_key": api_key(asked.api_key),
                "idempotent": asked.request.is_some(),
            }),
        ),
        C::ShutOut { api_key: key, asked } => (
            "shut_out",
            json!({
                "key": api_key(*key),
                "api_key": api_key(asked.api_key),
                "idempotent": asked.request.is_some(),
            }),
        ),
        C::Issue { campaign, count, asked } => (
            "issue",
            json!({
                "campaign": campaign.0,
                "count": count,
                "api_key": api_key(asked.api_key),
                "idempotent": asked.request.is_some(),
            }),
        ),
        C::RecordImport { campaign, import, asked } => (
            "record_import",
            json!({
                "campaign": campaign.0,
                "imported": import.imported,
                "duplicates": import.duplicates,
                "rejected_count": import.rejected_count,
                "api_key": api_key(asked.api_key),
                "idempotent": asked.request.is_some(),
            }),
        ),
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
        C::KeepImport { campaign, import, remarks, asked } => (
            "keep_import",
            json!({
                "campaign": campaign.0,
                "imported": import.imported,
                "duplicates": import.duplicates,
                "elsewhere": remarks.elsewhere,
                "short": remarks.short,
                "rejected_count": import.rejected_count,
                "api_key": api_key(asked.api_key),
                "idempotent": asked.request.is_some(),
            }),
        ),
        C::IssuePattern { campaign, first, span, skipped, asked } => (
            "issue_pattern",
            json!({
                "campaign": campaign.0,
                "first": first,
                "span": span,
                "skipped": skipped.len(),
                "api_key": api_key(asked.api_key),
                "idempotent": asked.request.is_some(),
            }),
        ),
    }
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

fn changed(change: &shard::Change, detail: Detail) -> Value {
    json!({
        "code": code(&change.code),
        "reason": detail.personal(&change.reason),
        "api_key": api_key(change.api_key),
        "idempotent": change.request.is_some(),
    })
}

/// The number of the API key that asked; the server itself has none.
fn api_key(number: ApiKeyNumber) -> Option<u32> {
    Some(number.0).filter(|&number| number > 0)
}

fn window(window: Window) -> Value {
    let text = |time: Option<Timestamp>| time.map(|time| TimeText(time).to_string());
    without_nulls(json!({
        "starts_at": text(window.starts_at),
        "expires_at": text(window.expires_at),
    }))
}

#[cfg(test)]
mod tests {
    use redeemd_domain::codes::{CodeKey, Digest};
    use redeemd_domain::control::{NewApiKey, Purpose, Role, Secret, SecretName};
    use redeemd_domain::shard::Redeem;

    use super::*;

    #[test]
    fn nothing_secret_is_shown_and_nothing_personal_unasked() {
        let redeem = shard::Command::Redeem(Redeem {
            code: CodeKey::Listed(Digest::from_bytes([0xAB; 16])),
            user: "ann@example.org".into(),
            metadata: Some(r#"{"order":7}"#.into()),
            api_key: ApiKeyNumber(3),
            request: None,
        });
        let show = |detail| shard_command(&redeem, detail).1.to_string();
        let plain = show(Detail::Plain);
        assert!(!plain.contains("ann") && !plain.contains("order"), "{plain}");
        assert!(plain.contains("\"abababab\"") && !plain.contains("ababababab"), "{plain}");
        let all = show(Detail::WithUsers);
        assert!(all.contains("ann@example.org") && all.contains("{\"order\":7}"), "{all}");

        let key = SecretName { purpose: Purpose::SealingKey, number: 1 };
        let secret = Secret { name: key, enciphered: vec![0xCD; 41].into() };
        let key = NewApiKey { digest: [0xEF; 32], role: Role::Admin, name: "admin".into() };
        for command in [control::Command::AddSecret(secret), control::Command::AddApiKey(key)] {
            let shown = control_command(&command, Detail::WithUsers).1.to_string();
            assert!(!shown.contains("205") && !shown.contains("239"), "{shown}");
            assert!(!shown.contains("cdcd") && !shown.contains("efef"), "{shown}");
        }
        assert_eq!(
            (name(Purpose::SealingKey).as_str(), &*name(Role::Admin)),
            ("sealing_key", "admin")
        );
    }
}

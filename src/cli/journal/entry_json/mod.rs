//! Entries as JSON, for people who look into a journal.
//!
//! What is secret is never shown: enciphered keys, digests of API keys, the digests that name
//! requests. What is personal is shown only where it was asked for.

mod control;
mod shard;

use redeemd_domain::campaign::Window;
use redeemd_domain::identifier::ApiKeyNumber;
use redeemd_domain::request::Request;
use redeemd_domain::timestamp::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::line::without_nulls;
use crate::http::TimeText;
pub(super) use control::control_command;
pub(super) use shard::shard_command;

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

/// The number of the API key that asked; the server itself has none.
fn api_key(number: ApiKeyNumber) -> Option<u32> {
    Some(number.0).filter(|&number| number > 0)
}

/// The details of a command with who asked for it.
fn asked(mut details: Value, by: ApiKeyNumber, request: &Option<Request>) -> Value {
    details["api_key"] = json!(api_key(by));
    details["idempotent"] = json!(request.is_some());
    details
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
    use redeemd_domain::control::{Command, NewApiKey, Purpose, Role, Secret, SecretName};
    use redeemd_domain::shard::{self, Redeem};

    use super::*;
    use crate::cli::journal::line::name;

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
        for command in [Command::AddSecret(secret), Command::AddApiKey(key)] {
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

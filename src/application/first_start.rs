//! What a first start makes: the keys of codes, and an admin key. Each step is an entry of the
//! control sequence, so a first start that was interrupted is completed by the next.

use std::time::Duration;

use redeemd_actors::core::{Answer, Rejection};
use redeemd_actors::node::Node;
use redeemd_actors::port::Port;
use redeemd_domain::control::{Command, Control, NewApiKey, Role};
use redeemd_domain::machine::Outcome;

use super::{Error, say};
use crate::secrets::{ApiKeyText, Keys, Wrapper, digest_of_api_key};

/// The shortest admin key that may be given instead of one that is made.
const SHORTEST_ADMIN_KEY: usize = 32;

/// Whether the server's secret opens the keys that the directory has.
pub(super) fn check_secret(wrapper: &Wrapper, control: &Control) -> Result<(), Error> {
    for secret in control.secrets() {
        wrapper.unwrap(secret)?;
    }
    Ok(())
}

/// Makes what is missing, once the shards know every campaign.
pub(super) async fn complete(
    node: &Node,
    wrapper: &Wrapper,
    admin_key: Option<&str>,
) -> Result<(), Error> {
    while !node.is_ready() {
        if let Some(reason) = node.status.fatal() {
            return Err(Error::Fatal(reason));
        }
        actix_web::rt::time::sleep(Duration::from_millis(1)).await;
    }
    let port = Port::open(&node.control_ports, &node.control, 16);
    for name in Keys::FIRST {
        let control = node.view.current();
        if control.secrets().all(|secret| secret.name != name) {
            perform(&port, Command::AddSecret(wrapper.make(name)?)).await?;
        }
    }
    if node.view.current().api_keys().next().is_some() {
        return Ok(());
    }
    let digest = match admin_key {
        Some(key) if key.len() < SHORTEST_ADMIN_KEY => {
            return Err(Error::Settings(format!(
                "REDEEMD_BOOTSTRAP_ADMIN_KEY has {} characters; it needs at least \
                 {SHORTEST_ADMIN_KEY}",
                key.len()
            )));
        }
        Some(key) => digest_of_api_key(key.as_bytes()),
        None => {
            let key = ApiKeyText::make()?;
            // Said before it is let in: a key that was let in and never said would be lost.
            say(format_args!("admin-key {}", key.as_str()))?;
            digest_of_api_key(key.as_str().as_bytes())
        }
    };
    let key = NewApiKey { digest, role: Role::Admin, name: "admin".into() };
    perform(&port, Command::AddApiKey(key)).await
}

async fn perform(port: &Port<Control>, command: Command) -> Result<(), Error> {
    let failed = |reason: &str| Err(Error::FirstStart(reason.to_owned()));
    match port.perform(0, command).await {
        Answer::Outcome(Outcome::Done(_) | Outcome::Unchanged) => Ok(()),
        Answer::Outcome(outcome) => failed(&format!("{outcome:?}")),
        Answer::Rejected(Rejection::ReadOnly(reason)) => failed(match reason {
            redeemd_actors::core::ReadOnly::DiskFull => {
                "the disk is full, or cannot be used; make room and start again"
            }
            redeemd_actors::core::ReadOnly::ClockLeap => "the clock leapt; start again",
            redeemd_actors::core::ReadOnly::BacklogFull => "too much waits to be copied elsewhere",
        }),
        Answer::Rejected(_) => failed("the journal takes nothing"),
        Answer::Unknown(_) => failed("the journal failed"),
        Answer::Reply(never) => match *never {},
    }
}

//! `redeemd health`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use super::Arguments;
use super::arguments::Health;
use super::progress::say;
use crate::client::{Client, Request};

/// How long a healthy server may take to say so.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn run(arguments: &Arguments, health: &Health) -> anyhow::Result<ExitCode> {
    super::with_json_errors(health.json, || ask(arguments, health))
}

fn ask(arguments: &Arguments, health: &Health) -> anyhow::Result<ExitCode> {
    let target = match &health.server {
        Some(server) => server.clone(),
        None => own_address(arguments)?.into(),
    };
    let mut client = Client::new(target).with_patience(PATIENCE);
    let ready = client.send(&Request::get("/health/ready"))?;
    if health.json {
        let parts = client.send(&Request::get("/health"))?;
        say(format_args!("{}", String::from_utf8_lossy(parts.body())))?;
    } else {
        say(format_args!("{}", String::from_utf8_lossy(ready.body())))?;
    }
    Ok(if ready.status() == 200 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where a server with these settings serves health, as seen from the same machine.
fn own_address(arguments: &Arguments) -> anyhow::Result<SocketAddr> {
    let http = arguments.settings()?.http;
    let mut address = http.operations_listen.unwrap_or(http.listen);
    anyhow::ensure!(address.port() != 0, "the settings leave the port open; name it with --server");
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(address)
}

//! `redeemd bench`: a load on a running server, with a live display and a report.

mod arguments;
mod codes;
mod display;
mod report;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

pub(in crate::cli) use arguments::Bench;
use codes::Codes;
use display::Display;
use report::Report;

use super::session::{Session, fresh_key};
use crate::cli::progress::say;
use crate::load::{Load, Pace, Redemptions, Shape};

pub(in crate::cli) fn run(bench: &Bench) -> anyhow::Result<ExitCode> {
    super::with_server(&bench.connection, |session| {
        let load = load(bench, session);
        let codes = Codes::prepare(bench, session)?;
        let shape = Shape {
            batch: bench.batch.map(usize::from),
            validate_share: bench.validate_share,
            idempotency_prefix: bench.idempotency_keys.then(fresh_key).transpose()?,
            ..Shape::new()
        };
        let (target, key) = (&bench.connection.server, bench.connection.key()?);
        let source = Arc::new(Redemptions::new(shape, target, &key, codes.supply()));
        let display = Display::begin(load.duration);
        let outcome = load.run(&source, |moment| display.show(moment));
        display.end();
        // What was measured is told first: a server that went away takes nothing of it along.
        let told = outcome.map_err(anyhow::Error::from).and_then(|outcome| {
            let report = Report { load: &load, batch: bench.batch, outcome: &outcome };
            match session.json {
                true => say(format_args!("{}", report.json()))?,
                false => say(format_args!("{report}"))?,
            }
            Ok(report.is_any_success())
        });
        let put_away = codes.put_away(session);
        let is_any_success = told?;
        put_away?;
        Ok(if is_any_success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

fn load(bench: &Bench, session: &Session) -> Load {
    let connections = usize::from(bench.connections);
    let pace = match bench.rate {
        None => Pace::Closed,
        Some(rate) => {
            // A second's worth: a stall of that length is still seen in full.
            let backlog = bench.backlog.unwrap_or((rate.ceil() as u64).max(connections as u64));
            Pace::Open { rate, backlog }
        }
    };
    Load {
        target: bench.connection.server.clone(),
        connections,
        threads: usize::from(bench.threads),
        pace,
        duration: Duration::from_secs(bench.duration),
        patience: session.manner.patience,
    }
}

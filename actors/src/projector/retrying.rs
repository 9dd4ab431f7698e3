//! What an outcome that was set aside leaves in the database now: its rows, with everything that
//! later outcomes changed of them while they were not there.

use redeemd_domain::sequence::SequenceId;
use redeemd_persistence::ledger::{Key, KeyKind, LedgerReader, Record};
use redeemd_persistence::postgres::{Renderer, Rows};

use super::reading::{Decoded, Error, decoded, render};
use super::step::Retry;

/// How many records of the control sequence are read at once.
const PAGE: usize = 1_000;

/// The rows.
///
/// # Errors
/// When the ledger does not read, or has no such outcome.
pub fn rows(ledger: &LedgerReader, renderer: &Renderer, retry: &Retry) -> Result<Rows, Error> {
    let position = retry.position;
    let record = ledger.read(position)?.ok_or_else(|| {
        Error::Foreign(format!("the ledger has no outcome at {position}; nobody set it aside"))
    })?;
    let mut rows = Rows::default();
    render(renderer, &record, &mut rows)?;
    if !rows.may_change() {
        return Ok(rows);
    }
    let mut change = |later: &Record| -> Result<(), Error> {
        let mut changes = Rows::default();
        render(renderer, later, &mut changes)?;
        rows.change_by(changes);
        Ok(())
    };
    let is_later = |number: u64| number > position.number && number <= retry.from.through;
    match decoded(&record)? {
        Decoded::Shard(record) => {
            let mut codes = Vec::new();
            record.codes(&mut |code| codes.push(code));
            for code in codes {
                let key = code.canonical();
                // The newest first.
                for found in ledger.find(Key { kind: KeyKind::CODE, bytes: &key }) {
                    let found = found?.record;
                    if found.position.sequence != position.sequence {
                        continue;
                    }
                    if found.position.number <= position.number {
                        break;
                    }
                    if is_later(found.position.number) {
                        change(&found)?;
                    }
                }
            }
        }
        Decoded::Control(_) => {
            let mut after = position.number;
            while after < retry.from.through {
                let page = ledger.scan(SequenceId::CONTROL, after, PAGE)?;
                for found in page.records.iter().filter(|it| is_later(it.position.number)) {
                    change(found)?;
                }
                if page.through == after {
                    break;
                }
                after = page.through;
            }
        }
    }
    Ok(rows)
}

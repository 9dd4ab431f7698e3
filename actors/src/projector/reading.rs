//! What the projector reads from the ledger: batches, and proof that the database's past is this
//! ledger's.

use redeemd_domain::control::Control;
use redeemd_domain::sequence::{Position, SequenceId};
use redeemd_domain::timestamp::Timestamp;
use redeemd_persistence::ledger::{self, LedgerReader, Record};
use redeemd_persistence::postgres::{Batch, Checkpoint, Renderer, Rows, SetAside};

use super::step::Order;
use crate::ledger_record::{self, decode_control, decode_shard};

/// What a batch may have of the ledger's bytes, whatever the number of its outcomes.
const BATCH_BYTES: usize = 16 << 20;

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger does not read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A record does not.
    #[error("{0}: {1}")]
    Record(Position, ledger_record::Error),
    /// The control state does not know what a record of it withholds.
    #[error("{0}: what it is about is not in the control state")]
    Withheld(Position),
    /// The database has seen more than the ledger has, or something else.
    #[error("{0}")]
    Foreign(String),
}

/// A batch, and how many outcomes it has.
#[derive(Debug)]
pub struct Read {
    /// The batch.
    pub batch: Batch,
    /// How many outcomes.
    pub outcomes: usize,
}

impl Read {
    /// How large it is to the database. One outcome may leave thousands of rows, and another none.
    pub fn size(&self) -> usize {
        self.outcomes.max(self.batch.rows.count())
    }

    /// Adds an outcome, as rows or, for a reason, set aside.
    fn add(
        &mut self,
        (renderer, control): (&Renderer, &Control),
        record: Record,
        set_aside: Option<&String>,
    ) -> Result<(), Error> {
        let mut no_rows = Rows::default();
        let rows = if set_aside.is_none() { &mut self.batch.rows } else { &mut no_rows };
        let decoded = render(renderer, &record, rows)?;
        let at = decoded.at();
        let Record { position, bytes } = record;
        self.batch.to.chain = self.batch.to.chain.followed_by(position.number, &bytes);
        self.outcomes += 1;
        // Whatever becomes of its rows: these are what a lost directory is rebuilt from.
        if let Decoded::Control(record) = &decoded
            && record.event.withholds()
        {
            let withheld = control.withheld(&record.event).ok_or(Error::Withheld(position))?;
            self.batch.rows.keep_withheld(position.number, &withheld);
        }
        if let Some(reason) = set_aside.cloned() {
            let record = bytes.clone();
            self.batch.set_aside = Some(SetAside { position, at, reason, record });
        }
        self.batch.rows.keep(position, bytes);
        Ok(())
    }
}

/// Reads what an order asks for. The control state is one that has seen all that is to be read.
///
/// # Errors
/// When the ledger does not read.
pub fn read(
    ledger: &LedgerReader,
    (renderer, control): (&Renderer, &Control),
    order: &Order,
) -> Result<Read, Error> {
    let Order { sequence, from, through, limit, set_aside } = order;
    let rows = Rows::default();
    let batch = Batch { sequence: *sequence, from: *from, to: *from, rows, set_aside: None };
    let (mut read, mut bytes) = (Read { batch, outcomes: 0 }, 0);
    while read.batch.to.through < *through && read.size() < *limit && bytes < BATCH_BYTES {
        let page = ledger.scan(*sequence, read.batch.to.through, limit - read.outcomes)?;
        if page.through == read.batch.to.through {
            break;
        }
        // The ledger's end may not be durable yet, and must not be elsewhere before it is here.
        let mut end = page.through.min(*through);
        for record in page.records {
            let number = record.position.number;
            if number > end {
                break;
            }
            if read.outcomes > 0 && read.size() >= *limit {
                end = number - 1;
                break;
            }
            bytes += record.bytes.len();
            read.add((renderer, control), record, set_aside.as_ref())?;
        }
        read.batch.to.through = end;
    }
    Ok(read)
}

/// When the first outcome after a number happened, if there is one.
///
/// # Errors
/// When the ledger does not read.
pub fn first_after(
    ledger: &LedgerReader,
    sequence: SequenceId,
    number: u64,
) -> Result<Option<Timestamp>, Error> {
    let page = ledger.scan(sequence, number, 1)?;
    page.records.first().map(|record| decoded(record).map(|it| it.at())).transpose()
}

/// Insists that the database's past is the ledger's: computes the digest over everything up to where
/// the database is, beginning where both are known to agree.
///
/// # Errors
/// When it is not, or the ledger does not read.
pub fn verify(
    ledger: &LedgerReader,
    sequence: SequenceId,
    known: Checkpoint,
    genesis: Checkpoint,
    found: Checkpoint,
) -> Result<(), Error> {
    if known == found {
        return Ok(());
    }
    let durable = ledger.durable(sequence);
    if found.through > durable {
        return Err(Error::Foreign(format!(
            "the database has seen entry {} of {sequence}, and this data directory ends at \
             {durable}; it is not the directory that wrote there",
            found.through
        )));
    }
    // A database that was itself restored is behind what is known of it.
    let mut at = if known.through <= found.through { known } else { genesis };
    while at.through < found.through {
        let page = ledger.scan(sequence, at.through, 10_000)?;
        for record in page.records.iter().filter(|it| it.position.number <= found.through) {
            at.chain = at.chain.followed_by(record.position.number, &record.bytes);
        }
        at.through = page.through.min(found.through);
    }
    if at.chain == found.chain {
        return Ok(());
    }
    Err(Error::Foreign(format!(
        "what the database has of {sequence} up to entry {} is not what this data directory has",
        found.through
    )))
}

/// A record of either kind of sequence.
pub(super) enum Decoded {
    /// Of the control sequence.
    Control(redeemd_domain::control::Record),
    /// Of a shard.
    Shard(redeemd_domain::shard::Record),
}

impl Decoded {
    fn at(&self) -> Timestamp {
        match self {
            Self::Control(record) => record.at,
            Self::Shard(record) => record.at,
        }
    }
}

pub(super) fn decoded(record: &Record) -> Result<Decoded, Error> {
    let decoded = match record.position.sequence {
        SequenceId::CONTROL => decode_control(&record.bytes).map(Decoded::Control),
        _ => decode_shard(&record.bytes).map(Decoded::Shard),
    };
    decoded.map_err(|error| Error::Record(record.position, error))
}

/// Adds a record's rows, and gives the record.
pub(super) fn render(
    renderer: &Renderer,
    record: &Record,
    rows: &mut Rows,
) -> Result<Decoded, Error> {
    let decoded = decoded(record)?;
    match &decoded {
        Decoded::Control(record) => renderer.control(record, rows),
        Decoded::Shard(shard) => renderer.shard(record.position.sequence, shard, rows),
    }
    Ok(decoded)
}

//! Looks at a copy of a damaged database: sled writes when it opens, so never at the original.

use std::path::Path;

use super::super::block::Builder;
use super::super::error::Error;
use super::super::open::TornTail;
use super::super::verifier::Verifier;
use super::database::Database;
use super::key::Kind;
use super::recovery::{self, Note, newest_anchor, refuse_headless};

/// Reads everything as recovery does, and tells `note` of every block; the anchor comes first.
pub(crate) fn inspect(
    folder: &Path,
    cache_bytes: u64,
    verifier: &mut Verifier<'_, '_>,
    note: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<Option<TornTail>, Error> {
    let database = Database::open(folder, cache_bytes)?;
    let Some(first) = newest_anchor(&database, verifier)? else {
        return refuse_headless(&database, verifier).map(|()| None);
    };
    let mut builder = Builder::default();
    note(builder.anchor(verifier.chains(), first).bytes())?;
    let mut note: Box<Note<'_>> = Box::new(|_, bytes, _| note(bytes));
    recovery::read(&database, verifier, first..u64::MAX, &mut *note)
}

/// Gives `visit` the bytes of every whole value from block `first` on, in order.
pub(crate) fn later_blocks(
    folder: &Path,
    cache_bytes: u64,
    first: u64,
    visit: &mut dyn FnMut(&[u8]),
) -> Result<(), Error> {
    let database = Database::open(folder, cache_bytes)?;
    database.scan(Kind::Block, first..u64::MAX, &mut |_, bytes| {
        visit(bytes.unwrap_or_default());
        Ok(true)
    })
}

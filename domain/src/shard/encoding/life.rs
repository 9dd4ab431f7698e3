//! The encoding of what few codes of a slot have beyond their state: sections directly after the
//! slot's, one for each kind of thing that there is.

use serde::Serialize;

use super::put_postcard;
use crate::shard::balances::Balances;
use crate::shard::holds::Holds;
use crate::shard::life::Life;
use crate::shard::undone::Undone;

/// The holds of a slot that has some, directly after the slot's section.
pub(super) const SLOT_HOLDS: u8 = 5;
/// What is left of those of a slot's codes that were spent from or topped up.
pub(super) const SLOT_BALANCES: u8 = 6;
/// What was rolled back of codes of a slot, beyond what their generations say.
pub(super) const SLOT_UNDONE: u8 = 7;

/// A section for each of the things that some of a slot's codes have.
pub(super) fn encode_life<E>(
    life: &Life,
    write: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let Life { holds, balances, undone } = life;
    write_some(SLOT_HOLDS, &holds.iter().collect::<Vec<_>>(), write)?;
    write_some(SLOT_BALANCES, &balances.iter().collect::<Vec<_>>(), write)?;
    write_some(SLOT_UNDONE, &undone.iter().collect::<Vec<_>>(), write)
}

fn write_some<T: Serialize, E>(
    tag: u8,
    things: &[T],
    write: &mut impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    if things.is_empty() {
        return Ok(());
    }
    let mut section = vec![tag];
    put_postcard(&mut section, &things);
    write(&section)
}

/// Takes a section of these kinds; `None` where it is not one that was written.
pub(super) fn read_life(life: &mut Life, tag: u8, bytes: &[u8]) -> Option<()> {
    let Life { holds, balances, undone } = life;
    match tag {
        SLOT_HOLDS if holds.is_empty() => {
            *holds = Holds::restore(crate::decode(bytes)?).filter(|read| !read.is_empty())?;
        }
        SLOT_BALANCES if balances.is_empty() => {
            *balances = Balances::restore(crate::decode(bytes)?).filter(|read| !read.is_empty())?;
        }
        SLOT_UNDONE if undone.is_empty() => {
            *undone = Undone::restore(crate::decode(bytes)?).filter(|read| !read.is_empty())?;
        }
        _ => return None,
    }
    Some(())
}

//! The body of an answer, passed on as it comes in.

use std::io::{BufRead, Write};

use super::error::Error;
use super::head::{Framing, line};

/// Passes a body on to `output` and leaves the reader behind its end.
pub(super) fn copy(
    reader: &mut impl BufRead,
    framing: Framing,
    output: &mut dyn Write,
) -> Result<(), Error> {
    match framing {
        Framing::Length(length) => copy_bytes(reader, length, output),
        Framing::Chunked => copy_chunks(reader, output),
        Framing::UntilClose => copy_rest(reader, output),
    }
}

fn copy_chunks(reader: &mut impl BufRead, output: &mut dyn Write) -> Result<(), Error> {
    loop {
        let head = line(reader)?;
        let size = head.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16)
            .map_err(|_| Error::Malformed("a chunk's size is no number"))?;
        if size == 0 {
            // What may stand behind the last chunk is of no use here.
            while !line(reader)?.is_empty() {}
            return Ok(());
        }
        copy_bytes(reader, size, output)?;
        if !line(reader)?.is_empty() {
            return Err(Error::Malformed("a chunk is longer than its size"));
        }
    }
}

fn copy_bytes(reader: &mut impl BufRead, length: u64, output: &mut dyn Write) -> Result<(), Error> {
    let mut left = length;
    while left > 0 {
        let taken = copy_some(reader, left, output)?;
        if taken == 0 {
            return Err(Error::CutOff(Error::early_end()));
        }
        left -= taken;
    }
    Ok(())
}

fn copy_rest(reader: &mut impl BufRead, output: &mut dyn Write) -> Result<(), Error> {
    while copy_some(reader, u64::MAX, output)? > 0 {}
    Ok(())
}

/// Passes on what is there already, or what comes next, and says how much that was.
fn copy_some(reader: &mut impl BufRead, most: u64, output: &mut dyn Write) -> Result<u64, Error> {
    let available = reader.fill_buf().map_err(Error::CutOff)?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let (taken, _) = available.split_at(available.len().min(most));
    output.write_all(taken).map_err(Error::Output)?;
    let taken = taken.len();
    reader.consume(taken);
    Ok(taken as u64)
}

//! The body of a request, sent as it is read, so that a file of any size costs no memory.

use std::io::{self, Read, Write};

use super::error::Error;

/// How much is read and sent at a time, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// A body that is read while it is sent.
pub struct Upload<'a> {
    input: &'a mut dyn Read,
    length: Option<u64>,
}

impl<'a> Upload<'a> {
    /// A body of so many bytes; of any number, where that is not known beforehand.
    pub fn new(input: &'a mut dyn Read, length: Option<u64>) -> Self {
        Self { input, length }
    }

    /// The header that says how the body ends.
    pub(super) fn framing(&self) -> (&'static str, String) {
        match self.length {
            Some(length) => ("Content-Length", length.to_string()),
            None => ("Transfer-Encoding", "chunked".to_owned()),
        }
    }

    /// Sends all of it.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be read, or is shorter than was said; [`Error::Lost`] where
    /// the server takes no more, which it may do because it has answered.
    pub(super) fn send(&mut self, stream: &mut impl Write) -> Result<(), Error> {
        let mut piece = vec![0; PIECE_BYTES];
        match self.length {
            Some(length) => self.send_bytes(stream, length, &mut piece),
            None => self.send_chunks(stream, &mut piece),
        }
    }

    fn send_bytes(
        &mut self,
        stream: &mut impl Write,
        length: u64,
        piece: &mut [u8],
    ) -> Result<(), Error> {
        let mut left = length;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            let (room, _) = piece.split_at_mut(most);
            let count = read(self.input, room)?;
            if count == 0 {
                let reason = "it became shorter while it was read";
                return Err(Error::Input(io::Error::new(io::ErrorKind::UnexpectedEof, reason)));
            }
            let (bytes, _) = room.split_at(count);
            stream.write_all(bytes).map_err(Error::Lost)?;
            left -= count as u64;
        }
        Ok(())
    }

    fn send_chunks(&mut self, stream: &mut impl Write, piece: &mut [u8]) -> Result<(), Error> {
        loop {
            let count = read(self.input, piece)?;
            let (bytes, _) = piece.split_at(count);
            let chunk = [format!("{count:x}\r\n").as_bytes(), bytes, b"\r\n"].concat();
            stream.write_all(&chunk).map_err(Error::Lost)?;
            // A chunk of no bytes is the last one.
            if count == 0 {
                return Ok(());
            }
        }
    }
}

fn read(input: &mut dyn Read, room: &mut [u8]) -> Result<usize, Error> {
    loop {
        match input.read(room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read.map_err(Error::Input),
        }
    }
}

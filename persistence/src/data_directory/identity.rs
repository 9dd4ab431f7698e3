//! Who a data directory is: a few lines of text with a checksum.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::{Error, io_error};
use crate::disk::private;
use crate::journal::DirectoryId;

/// The version of a data directory's layout that is made.
pub const FORMAT_VERSION: u16 = 1;

pub(super) const IDENTITY: &str = "identity";

/// What a data directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Tells it from every other directory; everything in it carries this.
    pub id: DirectoryId,
    /// Into how many shards its slots are divided.
    pub shards: u16,
    /// The name of the engine that keeps its journal.
    pub engine: String,
    /// Which of its lives this is.
    pub epoch: Epoch,
}

/// Tells the lives of a data directory apart. What is restored from a backup, or cut short by a
/// salvage, has the same identifier as before and goes on otherwise, so whatever follows a directory
/// from outside must not take the one for the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch {
    /// How often it was restored or salvaged.
    pub number: u32,
    /// Random bytes, drawn at that time: a backup can be restored twice. Zeros at first.
    pub mark: [u8; 8],
}

impl Epoch {
    /// The epoch that follows, with random bytes for its mark.
    #[must_use]
    pub fn next(self, mark: [u8; 8]) -> Self {
        Self { number: self.number.saturating_add(1), mark }
    }
}

impl Identity {
    /// The identity of a new directory.
    pub fn new(id: DirectoryId, shards: u16, engine: &str) -> Self {
        Self { id, shards, engine: engine.to_owned(), epoch: Epoch::default() }
    }

    /// The lines that the file has.
    pub(crate) fn text(&self) -> String {
        let Self { id, shards, engine, epoch } = self;
        let id = hex(&id.0);
        let mut text =
            format!("format {FORMAT_VERSION}\nid {id}\nshards {shards}\nengine {engine}\n");
        // A directory in its first life has the lines that it always had.
        if *epoch != Epoch::default() {
            text = format!("{text}epoch {} {}\n", epoch.number, hex(&epoch.mark));
        }
        format!("{text}checksum {:08x}\n", crc32c::crc32c(text.as_bytes()))
    }
}

/// Writes the identity, durably and as a whole.
pub(crate) fn write_identity(path: &Path, identity: &Identity) -> Result<(), Error> {
    let text = identity.text();
    let partial = path.join(format!("{IDENTITY}.partial"));
    let written = || -> io::Result<()> {
        let mut file = private::create_file(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, path.join(IDENTITY))?;
        fs::File::open(path)?.sync_all()?;
        // The directory's own name, too.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    };
    written().map_err(|source| io_error("write", &partial, source))
}

pub(super) fn read_identity(directory: &Path, path: &Path) -> Result<Identity, Error> {
    let text = fs::read_to_string(path).map_err(|source| io_error("read", path, source))?;
    parse_identity(&text, directory, path)
}

/// Reads the text of an identity. `directory` and `path` are named in errors.
pub(crate) fn parse_identity(text: &str, directory: &Path, path: &Path) -> Result<Identity, Error> {
    let damaged = |what| Error::Damaged { path: path.to_owned(), what };
    let field = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    };
    let format = field("format").and_then(|format| format.parse().ok());
    let found: u16 = format.ok_or_else(|| damaged("it names no format"))?;
    if found > FORMAT_VERSION {
        return Err(Error::Newer { path: directory.to_owned(), found });
    }
    let (covered, _) = text.split_once("checksum ").ok_or_else(|| damaged("it is cut off"))?;
    let checksum = format!("{:08x}", crc32c::crc32c(covered.as_bytes()));
    if field("checksum") != Some(checksum.as_str()) {
        return Err(damaged("its checksum is wrong"));
    }
    let identity = || {
        let epoch = match field("epoch") {
            None => Epoch::default(),
            Some(epoch) => {
                let (number, mark) = epoch.split_once(' ')?;
                Epoch { number: number.parse().ok()?, mark: parse_hex(mark)? }
            }
        };
        Some(Identity {
            id: DirectoryId(parse_hex(field("id")?)?),
            shards: field("shards")?.parse().ok()?,
            engine: field("engine")?.to_owned(),
            epoch,
        })
    };
    identity().ok_or_else(|| damaged("a field is missing"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_hex<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    if text.len() != 2 * LENGTH {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

//! The server's own secret: 32 bytes, from a file that only its owner may read, or from the
//! environment.
//!
//! It must never know what is enciphered under it, nor reach a log, an error or another file.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::{Zeroize as _, Zeroizing};

use super::wrapping::SECRET_BYTES;

/// The secret under which keys and peppers are enciphered. Overwritten when dropped.
pub struct ServerSecret(Zeroizing<[u8; SECRET_BYTES]>);

/// Whether a secret may be made where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstStart {
    /// Nothing is enciphered yet, so a new secret harms nothing.
    Yes,
    /// Something is enciphered under a secret, so a new one would open nothing.
    No,
}

/// Why there is no secret. Carries no part of one.
#[derive(Debug, thiserror::Error)]
pub enum ServerSecretError {
    /// There is none, and it is needed.
    #[error(
        "the secret file {path} is missing, and the data directory was made with one; put that \
         file back, or name it with secret_file"
    )]
    Missing {
        /// Where it was expected.
        path: PathBuf,
    },
    /// Others than the owner may read or write it.
    #[error(
        "the secret file {path} has mode {mode:04o}, so that others than its owner may use it; run \
         chmod 600 on it"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not 64 hexadecimal digits.
    #[error("{origin} does not hold a secret: 64 hexadecimal digits are expected")]
    Malformed {
        /// The file, or the variable of the environment.
        origin: String,
    },
    /// The operating system refused.
    #[error("cannot {operation} the secret file {path}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// With what.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system has no randomness to give.
    #[error("cannot draw a secret: the operating system has no randomness to give")]
    NoRandomness,
}

impl ServerSecret {
    /// The secret from the environment's `REDEEMD_SECRET` when that is given, otherwise from the
    /// file; at a first start the file is made, with mode 0600, if it is missing.
    ///
    /// # Errors
    /// [`ServerSecretError`], with nothing overwritten.
    pub fn open(
        path: &Path,
        environment: Option<&str>,
        first_start: FirstStart,
    ) -> Result<Self, ServerSecretError> {
        if let Some(text) = environment {
            let origin = || "the environment variable REDEEMD_SECRET".to_owned();
            return Self::parse(text)
                .ok_or_else(|| ServerSecretError::Malformed { origin: origin() });
        }
        match File::open(path) {
            Ok(file) => Self::read(file, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match first_start {
                FirstStart::Yes => Self::make(path),
                FirstStart::No => Err(ServerSecretError::Missing { path: path.to_owned() }),
            },
            Err(source) => Err(failed("open", path, source)),
        }
    }

    /// The secret with these bytes.
    pub fn from_bytes(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn as_bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    fn read(file: File, path: &Path) -> Result<Self, ServerSecretError> {
        let about = file.metadata().map_err(|source| failed("read", path, source))?;
        let mode = about.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(ServerSecretError::Exposed { path: path.to_owned(), mode });
        }
        // A line of its own is longer than that by its end; anything much longer is no secret.
        let mut text = Zeroizing::new(String::with_capacity(256));
        let malformed = || ServerSecretError::Malformed {
            origin: format!("the secret file {}", path.display()),
        };
        match file.take(256).read_to_string(&mut text) {
            Ok(_) => Self::parse(&text).ok_or_else(malformed),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(malformed()),
            Err(source) => Err(failed("read", path, source)),
        }
    }

    /// Makes the file complete under another name first: a start that is interrupted leaves no
    /// half of a secret. A link, unlike a rename, never replaces a file that came in between.
    fn make(path: &Path) -> Result<Self, ServerSecretError> {
        let mut secret = Self::from_bytes([0; SECRET_BYTES]);
        getrandom::fill(secret.0.as_mut()).map_err(|_| ServerSecretError::NoRandomness)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let partial = path.with_file_name(name);
        match fs::remove_file(&partial) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove what is left of", &partial, source));
            }
            _ => {}
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&partial);
        let mut file = file.map_err(|source| failed("make", path, source))?;
        let written = file.write_all(secret.to_text().as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|source| failed("write", path, source))?;
        fs::hard_link(&partial, path).map_err(|source| failed("make", path, source))?;
        fs::remove_file(&partial).map_err(|source| failed("make", &partial, source))?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = File::open(parent.unwrap_or(Path::new(".")));
        let synced = parent.and_then(|parent| parent.sync_all());
        synced.map_err(|source| failed("make durable", path, source))?;
        Ok(secret)
    }

    fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(2 * SECRET_BYTES + 1));
        for byte in self.0.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        text.push('\n');
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        if text.len() != 2 * SECRET_BYTES || !text.is_ascii() {
            return None;
        }
        let mut secret = Self::from_bytes([0; SECRET_BYTES]);
        let mut digits = text.chars().map(|digit| digit.to_digit(16));
        for byte in secret.0.iter_mut() {
            let mut value = (digits.next()?? << 4 | digits.next()??) as u8;
            *byte = value;
            value.zeroize();
        }
        Some(secret)
    }
}

impl fmt::Debug for ServerSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ServerSecret(redacted)")
    }
}

fn failed(operation: &'static str, path: &Path, source: io::Error) -> ServerSecretError {
    ServerSecretError::Io { operation, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn the_first_start_makes_a_file_that_later_starts_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.secret");
        let made = ServerSecret::open(&path, None, FirstStart::Yes).unwrap();
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left");
        for first_start in [FirstStart::Yes, FirstStart::No] {
            let read = ServerSecret::open(&path, None, first_start).unwrap();
            assert_eq!(read.as_bytes(), made.as_bytes());
        }
        assert_eq!(format!("{made:?}"), "ServerSecret(redacted)");
    }

    #[test]
    fn the_environment_comes_first() {
        let text = "0123456789abcdefABCDEF".repeat(3);
        let environment =
            ServerSecret::open(Path::new("/nowhere"), Some(&text[..64]), FirstStart::No);
        assert_eq!(environment.unwrap().as_bytes()[..4], [0x01, 0x23, 0x45, 0x67]);
        let refused = ServerSecret::open(Path::new("/nowhere"), Some("hunter2"), FirstStart::Yes);
        let reason = refused.unwrap_err().to_string();
        assert!(reason.contains("REDEEMD_SECRET") && !reason.contains("hunter2"), "{reason}");
    }

    #[test]
    fn what_is_missing_exposed_or_malformed_is_refused_and_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.secret");
        let open = || ServerSecret::open(&path, None, FirstStart::No).unwrap_err();
        assert!(matches!(open(), ServerSecretError::Missing { .. }));
        let good = "ab".repeat(32);
        for (mode, text, word) in [
            (0o644, good.as_str(), "chmod 600"),
            (0o620, good.as_str(), "chmod 600"),
            (0o600, "", "64 hexadecimal digits"),
            (0o600, &good[..63], "64 hexadecimal digits"),
            (0o600, &good.replace('a', "x"), "64 hexadecimal digits"),
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let reason = open().to_string();
            assert!(reason.contains(word) && !reason.contains('\n'), "{reason}");
            assert!(text.is_empty() || !reason.contains(text));
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}

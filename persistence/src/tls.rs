//! What connections with TLS have in common: who may vouch for a server, and by what it knows us.

use std::path::{Path, PathBuf};

/// Why connections with TLS cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file holds nothing of what it is for.
    #[error("there is no {what} in {} (PEM)", path.display())]
    Empty {
        /// What was looked for.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
}

/// What stands in the files that the settings name, in PEM.
#[derive(Clone, Default)]
pub struct Tls {
    /// The certificates of who may vouch for a server; without them those of the system.
    pub roots: Option<Vec<u8>>,
    /// The certificate by which a server knows us, and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, or holds nothing of the kind.
    pub fn read(
        ca_file: Option<&Path>,
        certificate_file: Option<&Path>,
        key_file: Option<&Path>,
    ) -> Result<Self, Error> {
        let roots =
            ca_file.map(|path| read(path, "certificate", "CERTIFICATE-----")).transpose()?;
        let identity = match (certificate_file, key_file) {
            (Some(certificate), Some(key)) => Some((
                read(certificate, "certificate", "CERTIFICATE-----")?,
                read(key, "private key", "PRIVATE KEY-----")?,
            )),
            _ => None,
        };
        Ok(Self { roots, identity })
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Says once which code the process has for ciphers; several parts may say so.
pub fn prepare() {
    // Whoever was first is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn read(path: &Path, what: &'static str, mark: &str) -> Result<Vec<u8>, Error> {
    let bytes = std::fs::read(path)
        .map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    let has_it = bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
    has_it.then_some(bytes).ok_or_else(|| Error::Empty { what, path: path.to_owned() })
}

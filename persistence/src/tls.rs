//! What connections with TLS have in common: who may vouch for a server, and by what it knows us.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

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
    /// What a file holds cannot be used.
    #[error("cannot use the {what}: {reason}")]
    Unusable {
        /// What cannot be used.
        what: &'static str,
        /// Why. Never what is in the file.
        reason: String,
    },
    /// There is nobody who may vouch for a server.
    #[error("the system names nobody who may vouch for a server; name a file as ca_file")]
    NoRoots,
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

    /// How connections are made with rustls: with TLS 1.2 or 1.3, and only to a server for which
    /// somebody vouches under the name that was asked for.
    ///
    /// # Errors
    /// When something in the files cannot be used, or nobody is there who may vouch.
    pub(crate) fn client_config(&self) -> Result<ClientConfig, Error> {
        let unusable =
            |what| move |error: rustls::Error| Error::Unusable { what, reason: error.to_string() };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable("ciphers"))?
            .with_root_certificates(self.root_store()?);
        let Some((certificate, key)) = &self.identity else {
            return Ok(builder.with_no_client_auth());
        };
        let chain = certificates(certificate, "certificate of our own")?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| no_pem("private key"))?;
        let config = builder.with_client_auth_cert(chain, key);
        config.map_err(unusable("certificate of our own with its key"))
    }

    fn root_store(&self) -> Result<RootCertStore, Error> {
        const WHAT: &str = "certificates of who may vouch for the server";
        let mut store = RootCertStore::empty();
        match &self.roots {
            Some(pem) => {
                for certificate in certificates(pem, WHAT)? {
                    store.add(certificate).map_err(|error| Error::Unusable {
                        what: WHAT,
                        reason: error.to_string(),
                    })?;
                }
            }
            // Some of a system's may be older than what rustls reads.
            None => {
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if store.is_empty() { Err(Error::NoRoots) } else { Ok(store) }
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
    let _ = ring::default_provider().install_default();
}

fn read(path: &Path, what: &'static str, mark: &str) -> Result<Vec<u8>, Error> {
    let bytes = std::fs::read(path)
        .map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    let has_it = bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
    has_it.then_some(bytes).ok_or_else(|| Error::Empty { what, path: path.to_owned() })
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>();
    certificates.map_err(|_| no_pem(what))
}

/// What a parser says of a file may have a line of it.
fn no_pem(what: &'static str) -> Error {
    Error::Unusable { what, reason: "it does not read (PEM)".to_owned() }
}

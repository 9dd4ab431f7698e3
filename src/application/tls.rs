//! Connections with TLS, as the settings ask for them.

use redeemd_config::TlsFiles;
use redeemd_persistence::tls::Tls;

use super::Error;

/// Reads the files that a section of the settings names.
///
/// # Errors
/// When one cannot be read, or holds nothing of the kind.
pub(super) fn read(files: &TlsFiles, section: &str) -> Result<Tls, Error> {
    let TlsFiles { ca_file, certificate_file, key_file } = files;
    Tls::read(ca_file.as_deref(), certificate_file.as_deref(), key_file.as_deref())
        .map_err(|error| Error::Settings(format!("the settings of [{section}]: {error}")))
}

//! The files of a section whose connections can be made with TLS.

use std::path::PathBuf;

use crate::reader::Reader;

/// Files of connections with TLS, all in PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificates of who may vouch for the server; without it those of the system.
    pub ca_file: Option<PathBuf>,
    /// The certificate by which the server knows us, if it asks for one.
    pub certificate_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
}

impl TlsFiles {
    /// Reads those of a section.
    pub(crate) fn read(reader: &mut Reader, section: &str) -> Self {
        let mut path = |name: &str| reader.optional_path(&format!("{section}.{name}"));
        Self {
            ca_file: path("ca_file"),
            certificate_file: path("certificate_file"),
            key_file: path("key_file"),
        }
    }

    /// Whether they go together, and with the section's URL; `encrypted_url` says what the URL would
    /// have to be like to ask for TLS.
    pub(crate) fn judge(
        &self,
        reader: &mut Reader,
        section: &str,
        is_encrypted: bool,
        encrypted_url: &str,
    ) {
        let files = [
            ("ca_file", &self.ca_file),
            ("certificate_file", &self.certificate_file),
            ("key_file", &self.key_file),
        ];
        for (name, file) in files {
            if file.is_some() && !is_encrypted {
                let accepted = format!("nothing, or a {section}.url {encrypted_url}");
                reader.refuse(&format!("{section}.{name}"), &accepted);
            }
        }
        if self.certificate_file.is_some() != self.key_file.is_some() {
            let accepted = format!("a {section}.key_file beside it, or neither");
            reader.refuse(&format!("{section}.certificate_file"), &accepted);
        }
    }
}

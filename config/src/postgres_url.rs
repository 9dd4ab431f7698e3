//! Where PostgreSQL is, as a URL says it, and whether connections are made with TLS.
//!
//! Only what the URL says of TLS is read here. Everything else is the driver's, and judged by who has
//! one.

use percent_encoding::percent_decode_str;

use crate::secret_text::SecretText;

/// A URL that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresUrl {
    /// Whether connections are made with TLS, and the server's certificate and its name verified:
    /// `sslmode=require` and `sslmode=verify-full` alike.
    pub is_encrypted: bool,
    /// The URL without its `sslmode`. It may hold a password.
    pub text: SecretText,
}

/// Why a URL is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WrongPostgresUrl {
    /// It is no URL of PostgreSQL.
    Scheme,
    /// It asks for TLS that verifies nothing, or not everything, or for something unknown.
    Mode,
    /// It names files, which settings of their own do here.
    Files,
}

impl WrongPostgresUrl {
    /// What would be accepted.
    pub(crate) fn accepted(self) -> &'static str {
        match self {
            Self::Scheme => {
                "the URL of a database, such as postgres://user:password@host:5432/database, or \
                 nothing"
            }
            Self::Mode => {
                "sslmode=require or sslmode=verify-full, which mean the same here (with TLS, and the \
                 server's certificate and its name are verified), or without TLS sslmode=disable or \
                 no sslmode; prefer, allow and verify-ca leave unverified whom one talks to"
            }
            Self::Files => {
                "a URL without sslrootcert, sslcert and sslkey: postgres.ca_file, \
                 postgres.certificate_file and postgres.key_file name these files"
            }
        }
    }
}

impl PostgresUrl {
    /// Reads a URL.
    pub(crate) fn parse(text: &str) -> Result<Self, WrongPostgresUrl> {
        let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        if !is_url {
            return Err(WrongPostgresUrl::Scheme);
        }
        // As the driver reads it: a password may have a question mark in it.
        let credentials = text.find('@').map_or(0, |place| place + 1);
        let (_, rest) = text.split_at(credentials);
        let Some((place, parameters)) = rest.split_once('?') else {
            return Ok(Self { is_encrypted: false, text: SecretText::new(text.to_owned()) });
        };
        let mut is_encrypted = false;
        let mut others = Vec::new();
        for parameter in parameters.split('&') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match percent_decode_str(name).decode_utf8_lossy().as_ref() {
                // The last one counts, as everywhere.
                "sslmode" => is_encrypted = read_mode(value)?,
                "sslrootcert" | "sslcert" | "sslkey" => return Err(WrongPostgresUrl::Files),
                _ => others.push(parameter),
            }
        }
        let (before, _) = text.split_at(credentials + place.len());
        let text = match others.is_empty() {
            true => before.to_owned(),
            false => format!("{before}?{}", others.join("&")),
        };
        Ok(Self { is_encrypted, text: SecretText::new(text) })
    }
}

fn read_mode(value: &str) -> Result<bool, WrongPostgresUrl> {
    match value {
        "disable" => Ok(false),
        "require" | "verify-full" => Ok(true),
        _ => Err(WrongPostgresUrl::Mode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_says_of_tls_is_taken_out_of_it() {
        let table = [
            ("postgres://h/d", false, "postgres://h/d"),
            ("postgresql://h", false, "postgresql://h"),
            ("postgres://h/d?sslmode=disable", false, "postgres://h/d"),
            ("postgres://h/d?sslmode=require", true, "postgres://h/d"),
            ("postgres://h?sslmode=verify-full", true, "postgres://h"),
            ("postgres://h/d?a=b&sslmode=require&c=d", true, "postgres://h/d?a=b&c=d"),
            ("postgres://h/d?%73slmode=require&a=b", true, "postgres://h/d?a=b"),
            ("postgres://h/d?sslmode=require&sslmode=disable", false, "postgres://h/d"),
            // A password may look like anything.
            ("postgres://u:?sslmode=x&@h/d?a=b", false, "postgres://u:?sslmode=x&@h/d?a=b"),
            ("postgres://u:?@h/d?sslmode=require", true, "postgres://u:?@h/d"),
        ];
        for (given, is_encrypted, text) in table {
            let url = PostgresUrl::parse(given).unwrap();
            assert_eq!((url.is_encrypted, url.text.expose()), (is_encrypted, text), "{given}");
        }
    }

    #[test]
    fn what_would_be_trusted_unseen_is_refused() {
        for mode in ["prefer", "allow", "verify-ca", "", "REQUIRE", "on"] {
            let url = format!("postgres://h/d?sslmode={mode}");
            assert_eq!(PostgresUrl::parse(&url), Err(WrongPostgresUrl::Mode), "{mode}");
        }
        for name in ["sslrootcert", "sslcert", "sslkey"] {
            let url = format!("postgres://h/d?sslmode=require&{name}=x.pem");
            assert_eq!(PostgresUrl::parse(&url), Err(WrongPostgresUrl::Files), "{name}");
        }
        for text in ["", "h/d", "mysql://h/d"] {
            assert_eq!(PostgresUrl::parse(text), Err(WrongPostgresUrl::Scheme), "{text}");
        }
    }
}

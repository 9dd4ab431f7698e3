//! Where a server is, as people write it.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// On the network, at `host:port`. A name is looked up whenever a connection is made.
    Network(String),
    /// At a Unix socket of this machine.
    Socket(PathBuf),
}

/// Why a text names no server that this client can talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It asks for TLS.
    #[error(
        "https is not spoken here: use http on the server's own machine or network, for example \
         through an SSH tunnel"
    )]
    Encrypted,
    /// It is nothing of the kind.
    #[error("expected http://host:port or unix:/path/of/the.socket")]
    Malformed,
}

/// The port of http where none is named.
const USUAL_PORT: u16 = 80;

impl Target {
    /// What the header `Host` says.
    pub(crate) fn host(&self) -> &str {
        match self {
            Self::Network(address) => address,
            Self::Socket(_) => "localhost",
        }
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self::Network(address.to_string())
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err(TargetError::Malformed),
                path => Ok(Self::Socket(path.into())),
            };
        }
        if text.starts_with("https://") {
            return Err(TargetError::Encrypted);
        }
        let address = text.strip_prefix("http://").ok_or(TargetError::Malformed)?;
        let address = address.strip_suffix('/').unwrap_or(address);
        let is_plain =
            |character: char| character.is_ascii_alphanumeric() || "-._:[]%".contains(character);
        if !address.chars().all(is_plain) {
            return Err(TargetError::Malformed);
        }
        let (host, port) = match address.rsplit_once(':') {
            // The colons of an IPv6 address without a port stand in brackets.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| TargetError::Malformed)?)
            }
            _ => (address, USUAL_PORT),
        };
        match host.is_empty() {
            true => Err(TargetError::Malformed),
            false => Ok(Self::Network(format!("{host}:{port}"))),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => write!(formatter, "http://{address}"),
            Self::Socket(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_shown() {
        for (text, shown) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("http://redeem.internal", "http://redeem.internal:80"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://[::1]", "http://[::1]:80"),
            ("unix:/run/redeemd.sock", "unix:/run/redeemd.sock"),
            ("unix:///run/redeemd.sock", "unix:/run/redeemd.sock"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), shown);
        }
        let malformed = [
            "",
            "localhost:8080",
            "http://",
            "http://:80",
            "http://a:port",
            "http://a:1/api",
            "http://user@a:1",
            "http://a b:1",
            "http://a\r\nX: y:1",
            "unix:",
            "ftp://a",
        ];
        for text in malformed {
            assert_eq!(text.parse::<Target>(), Err(TargetError::Malformed), "{text:?}");
        }
        assert_eq!("https://a".parse::<Target>(), Err(TargetError::Encrypted));
    }
}

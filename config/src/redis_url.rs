//! Where Redis is, as a URL says it: `redis://user:password@host:6379,host:6379/0`.
//!
//! More than one host may stand in it, as in the URLs of PostgreSQL, so that a cluster or its
//! sentinels are named in one place and their password stands there once.

use std::fmt;
use std::num::NonZeroU16;

use percent_encoding::percent_decode_str;

use crate::secret_text::SecretText;

/// The port of a host that names none.
const PORT: u16 = 6_379;

/// The most hosts that a URL may name.
const MOST_HOSTS: usize = 32;

/// The most databases that a server has by default.
const LAST_DATABASE: u16 = 15;

/// A URL that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisUrl {
    /// Whether connections are made with TLS: `rediss://`.
    pub is_encrypted: bool,
    /// Who logs in; empty: the default user.
    pub user: String,
    /// The password; empty: none.
    pub password: SecretText,
    /// The hosts and their ports, 1 to 32 of them.
    pub hosts: Vec<(String, u16)>,
    /// The number of the database, 0 to 15.
    pub database: u16,
}

impl RedisUrl {
    /// Reads a URL; `None` where it is none, or says something besides.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_encrypted = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return None,
        };
        let (rest, database) = match rest.split_once('/') {
            None | Some((_, "")) => (rest.trim_end_matches('/'), 0),
            Some((rest, database)) => (rest, read_database(database)?),
        };
        let (credentials, hosts) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let hosts: Option<Vec<_>> = hosts.split(',').map(read_host).collect();
        let hosts = hosts.filter(|hosts| hosts.len() <= MOST_HOSTS)?;
        let password = SecretText::new(decode(password)?);
        Some(Self { is_encrypted, user: decode(user)?, password, hosts, database })
    }
}

fn read_database(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|number| is_plain && *number <= LAST_DATABASE)
}

/// A name or an address, an IPv6 one in brackets, with or without a port.
fn read_host(text: &str) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (address, port.strip_prefix(':').or_else(|| port.is_empty().then_some(""))?)
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    let port = match port {
        "" => PORT,
        port => port.parse::<NonZeroU16>().ok()?.get(),
    };
    let is_sound = !host.is_empty() && host.len() <= 253 && host.bytes().all(is_name);
    is_sound.then(|| (host.to_owned(), port))
}

/// What stands in a URL for other characters (RFC 3986, section 2.1).
fn decode(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    (!text.contains('\0')).then(|| text.into_owned())
}

impl fmt::Display for RedisUrl {
    /// The hosts alone, for people: nothing of it is secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (host, port)) in self.hosts.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            match host.contains(':') {
                true => write!(formatter, "{comma}[{host}]:{port}")?,
                false => write!(formatter, "{comma}{host}:{port}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (bool, String, String, String, u16) {
        let url = RedisUrl::parse(text).unwrap();
        let hosts = url.to_string();
        (url.is_encrypted, url.user, url.password.expose().to_owned(), hosts, url.database)
    }

    fn told(
        is_encrypted: bool,
        user: &str,
        password: &str,
        hosts: &str,
        database: u16,
    ) -> (bool, String, String, String, u16) {
        (is_encrypted, user.to_owned(), password.to_owned(), hosts.to_owned(), database)
    }

    #[test]
    fn urls_are_read() {
        assert_eq!(read("redis://localhost"), told(false, "", "", "localhost:6379", 0));
        assert_eq!(read("redis://localhost/"), told(false, "", "", "localhost:6379", 0));
        assert_eq!(read("rediss://:p%40ss@10.0.0.1:1/7"), told(true, "", "p@ss", "10.0.0.1:1", 7));
        assert_eq!(
            read("redis://ann:a:b@one:1,two,[2001:db8::1]:3"),
            told(false, "ann", "a:b", "one:1, two:6379, [2001:db8::1]:3", 0)
        );
        assert_eq!(read("redis://[::1]"), told(false, "", "", "[::1]:6379", 0));
    }

    #[test]
    fn what_is_no_url_is_refused() {
        let many = format!("redis://{}", vec!["host"; 33].join(","));
        for text in [
            "",
            "localhost:6379",
            "http://localhost",
            "redis://",
            "redis://:secret@",
            "redis://one,,two",
            "redis://one:0",
            "redis://one:65536",
            "redis://one:x",
            "redis://one/16",
            "redis://one/+1",
            "redis://one/0?protocol=resp3",
            "redis://one two",
            "redis://[one]:1",
            "redis://[::1]x",
            "redis://%00@one",
            "redis://a:%ff@one",
            &many,
        ] {
            assert_eq!(RedisUrl::parse(text), None, "{text}");
        }
    }
}

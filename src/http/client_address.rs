//! From which address a client asks, where proxies may speak for it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::X_FORWARDED_FOR;

use crate::operation::Live;

/// The address of the client: that of the connection, or where that is a proxy of ours
/// (`http.trusted_proxies`) the one that it speaks for.
///
/// Only `X-Forwarded-For` is read. Every proxy writes it; one that also let `Forwarded` through as
/// the client sent it would let the client say what it likes.
pub(super) fn of_request(request: &HttpRequest, live: &Live) -> IpAddr {
    // A connection has an address, unless it is gone already.
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    if !request.headers().contains_key(X_FORWARDED_FOR) {
        return peer;
    }
    let settings = live.settings();
    let is_proxy = |address: &IpAddr| {
        settings.http.trusted_proxies.iter().any(|network| network.contains(address))
    };
    let said = request.headers().get_all(X_FORWARDED_FOR);
    let said: Vec<&str> = said.map(|value| value.to_str().unwrap_or_default()).collect();
    behind(peer, &said, is_proxy)
}

/// Who is behind the proxies. Each appended whom it heard from, so the last address is from the one
/// that we hear from; what stands before the first address that is no proxy of ours, anybody may
/// have written.
fn behind(peer: IpAddr, said: &[&str], is_proxy: impl Fn(&IpAddr) -> bool) -> IpAddr {
    let mut client = peer;
    for entry in said.iter().rev().flat_map(|line| line.rsplit(',')) {
        if !is_proxy(&client) {
            break;
        }
        let Some(address) = read(entry.trim()) else { break };
        client = address;
    }
    client
}

/// An address, with or without a port.
fn read(entry: &str) -> Option<IpAddr> {
    let address = entry.parse().ok();
    let address = address.or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip()));
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    Some(address.or_else(bracketed)?.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_proxies_say_is_believed() {
        let is_proxy = |address: &IpAddr| match address {
            IpAddr::V4(address) => address.octets()[0] == 10,
            IpAddr::V6(address) => address.is_loopback(),
        };
        let table: [(&str, &[&str], &str); 14] = [
            ("192.0.2.9", &["192.0.2.1"], "192.0.2.9"),
            ("10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("::1", &["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["203.0.113.7, 192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["192.0.2.1", "10.0.0.2 , 10.0.0.3"], "192.0.2.1"),
            ("10.0.0.1", &["203.0.113.7, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            ("10.0.0.1", &["10.0.0.3"], "10.0.0.3"),
            ("10.0.0.1", &["192.0.2.1:443"], "192.0.2.1"),
            ("10.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1"),
            // What cannot be read ends it, and the last proxy stands for whoever it was.
            ("10.0.0.1", &["192.0.2.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
        ];
        for (peer, said, expected) in table {
            let found = behind(peer.parse().unwrap(), said, is_proxy);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {said:?}");
        }
    }
}

//! Telling the service manager how far the server is, by systemd's protocol (sd_notify(3)): lines in
//! a datagram to the socket that `NOTIFY_SOCKET` names. Without that variable nothing is said.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Says things to the service manager.
#[derive(Debug, Default)]
pub struct Notifier(Option<(UnixDatagram, SocketAddr)>);

impl Notifier {
    /// To the socket with this name, if there is one. One that cannot be used is told the log: a
    /// service manager that hears nothing does not keep the server from serving.
    pub fn new(name: Option<&OsStr>) -> Self {
        let open = |name: &OsStr| -> io::Result<(UnixDatagram, SocketAddr)> {
            let address = match name.as_bytes() {
                [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
                _ => SocketAddr::from_pathname(name)?,
            };
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            Ok((socket, address))
        };
        Self(name.and_then(|name| {
            open(name)
                .inspect_err(|error| tracing::warn!(%error, "NOTIFY_SOCKET cannot be used"))
                .ok()
        }))
    }

    /// The server is ready, and this is what it does.
    pub fn ready(&self, status: &str) {
        self.say(&format!("READY=1\nSTATUS={status}"));
    }

    /// The server is on its way to being ready, or still serving, and this is what it does.
    pub fn status(&self, status: &str) {
        self.say(&format!("STATUS={status}"));
    }

    /// The server ends.
    pub fn stopping(&self) {
        self.say("STOPPING=1\nSTATUS=Ending");
    }

    fn say(&self, lines: &str) {
        let Some((socket, address)) = &self.0 else { return };
        if let Err(error) = socket.send_to_addr(lines.as_bytes(), address) {
            tracing::debug!(%error, "the service manager was not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_hears_what_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier::new(Some(path.as_os_str()));
        notifier.ready("Serving");
        notifier.stopping();
        let hear = || {
            let mut buffer = [0; 256];
            let length = manager.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        };
        assert_eq!(hear(), "READY=1\nSTATUS=Serving");
        assert!(hear().starts_with("STOPPING=1"));
        Notifier::new(None).ready("nobody listens");
        Notifier::new(Some(OsStr::new("/nowhere/at/all"))).ready("nobody listens");
    }
}

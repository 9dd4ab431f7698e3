//! Something between a client and a server that breaks a connection half-way.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What happens when an answer is cut off; gives where the server is afterwards.
type Cut = Box<dyn FnOnce() -> SocketAddr + Send>;

/// Listens, and passes everything on, but the first time only so many bytes of the server's.
pub(super) fn cutting_once(server: SocketAddr, after: usize, cut: Cut) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(Mutex::new((server, Some(cut))));
    thread::spawn(move || {
        // One connection at a time is all that a command has. It ends with the test's process.
        for client in listener.incoming().map_while(Result::ok) {
            let server = state.lock().unwrap().0;
            // A server that is gone hangs up.
            let Ok(server) = TcpStream::connect(server) else { continue };
            pass_on(&client, &server, after, &state);
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
    });
    address
}

fn pass_on(
    client: &TcpStream,
    server: &TcpStream,
    after: usize,
    state: &Mutex<(SocketAddr, Option<Cut>)>,
) {
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let (mut buffer, mut passed) = (vec![0; 4096], 0);
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer) else { return };
        passed += count;
        let cut = if passed > after { state.lock().unwrap().1.take() } else { None };
        if let Some(cut) = cut {
            // In the middle of a line, too.
            let _ = to.write_all(&buffer[..count / 2]);
            let server = cut();
            state.lock().unwrap().0 = server;
            return;
        }
        if to.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

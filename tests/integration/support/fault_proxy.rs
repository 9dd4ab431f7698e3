//! A network that fails on purpose: stands between a server and PostgreSQL, and cuts connections,
//! holds them up, or delays each statement.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// From where to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToDatabase,
    FromDatabase,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// After so many bytes on a way the connection is cut, and so is every other one.
    Cut { way: Way, after: u64 },
    /// After so many bytes on a way nothing passes any more, either way, until all is well again;
    /// then what was under way arrives late.
    Hang { way: Way, after: u64 },
    /// Every statement arrives so much later.
    Delay(Duration),
}

/// The network.
pub(crate) struct FaultProxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    /// Bytes that passed on each way since the fault was set.
    passed: [u64; 2],
    has_happened: bool,
    connections: Vec<TcpStream>,
    /// How many connections were made, and how many of the first of them are lost.
    made: u64,
    lost: u64,
}

impl FaultProxy {
    /// One in front of a port of this machine, with which all is well.
    pub(crate) fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        // Ends with the process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Nobody there: the client sees its connection closed.
                let Ok(database) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                let ends = [client.try_clone().unwrap(), database.try_clone().unwrap()];
                let number = {
                    let mut state = accepting.state.lock().unwrap();
                    state.connections.extend(ends);
                    state.made += 1;
                    state.made
                };
                let ways = [
                    (Way::ToDatabase, client.try_clone().unwrap(), database.try_clone().unwrap()),
                    (Way::FromDatabase, database, client),
                ];
                for (way, from, to) in ways {
                    let shared = Arc::clone(&accepting);
                    thread::spawn(move || shared.carry(number, way, from, to));
                }
            }
        });
        Self { port, shared }
    }

    /// The URL of a database through it.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// From now on this happens.
    pub(crate) fn set(&self, fault: Fault) {
        self.change(Some(fault));
    }

    /// From now on all is well.
    pub(crate) fn heal(&self) {
        self.change(None);
    }

    /// From now on all is well for new connections, and nobody ever hears of the former ones again,
    /// as when a machine on the way was replaced.
    pub(crate) fn lose_all(&self) {
        {
            let mut state = self.shared.state.lock().unwrap();
            state.lost = state.made;
        }
        self.heal();
    }

    /// Cuts every connection at once, wherever it is. All is well for new ones.
    pub(crate) fn cut_all(&self) {
        for connection in self.shared.state.lock().unwrap().connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        self.heal();
    }

    /// Whether what was set has happened.
    pub(crate) fn has_happened(&self) -> bool {
        self.shared.state.lock().unwrap().has_happened
    }

    fn change(&self, fault: Option<Fault>) {
        let mut state = self.shared.state.lock().unwrap();
        state.fault = fault;
        state.passed = [0; 2];
        state.has_happened = false;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn carry(&self, number: u64, way: Way, mut from: TcpStream, mut to: TcpStream) {
        let mut statements = Statements::default();
        let mut buffer = vec![0; 8 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..count];
            let ended = if way == Way::ToDatabase { statements.count(bytes) } else { 0 };
            let fault = self.state.lock().unwrap().fault;
            if let Some(Fault::Delay(delay)) = fault {
                thread::sleep(delay * ended);
            }
            let now = self.let_pass(number, way, count);
            if to.write_all(&bytes[..now]).is_err() {
                break;
            }
            if now < count {
                // Held up in the middle, or cut off.
                self.wait_while_held_up(number);
                if to.write_all(&bytes[now..]).is_err() {
                    break;
                }
            }
        }
        // Whichever way ends takes the other one with it.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }

    /// How many of so many bytes pass now.
    fn let_pass(&self, number: u64, way: Way, count: usize) -> usize {
        let mut state = self.state.lock().unwrap();
        if number <= state.lost {
            return 0;
        }
        let before = state.passed[way as usize];
        let (its, after, cuts) = match state.fault {
            None | Some(Fault::Delay(_)) => return count,
            Some(Fault::Cut { way, after }) => (way, after, true),
            Some(Fault::Hang { way, after }) => (way, after, false),
        };
        if state.has_happened {
            return 0;
        }
        state.passed[way as usize] += count as u64;
        if way != its || state.passed[way as usize] < after {
            return count;
        }
        state.has_happened = true;
        if cuts {
            for connection in state.connections.drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
        }
        usize::try_from(after.saturating_sub(before)).unwrap().min(count)
    }

    /// For ever, where the connection is lost.
    fn wait_while_held_up(&self, number: u64) {
        let is_held_up = |state: &mut State| {
            let hangs = matches!(state.fault, Some(Fault::Hang { .. }));
            number <= state.lost || (state.has_happened && hangs)
        };
        drop(self.changed.wait_while(self.state.lock().unwrap(), is_held_up).unwrap());
    }
}

/// Counts the statements in what a client sends: after its first message each has a letter and a
/// length. Whatever the server answers at once ends with `Q` (a simple statement) or `S` (what was
/// sent up to here).
#[derive(Default)]
struct Statements {
    header: Vec<u8>,
    has_begun: bool,
    body_left: usize,
}

impl Statements {
    /// How many end in these bytes.
    fn count(&mut self, mut bytes: &[u8]) -> u32 {
        let mut ended = 0;
        while !bytes.is_empty() {
            let skipped = self.body_left.min(bytes.len());
            self.body_left -= skipped;
            bytes = &bytes[skipped..];
            let Some((&first, rest)) = bytes.split_first() else { break };
            bytes = rest;
            self.header.push(first);
            let letter = usize::from(self.has_begun);
            if self.header.len() < letter + 4 {
                continue;
            }
            let length = u32::from_be_bytes(self.header[letter..].try_into().unwrap());
            self.body_left = length as usize - 4;
            ended += u32::from(self.has_begun && matches!(self.header[0], b'Q' | b'S'));
            self.has_begun = true;
            self.header.clear();
        }
        ended
    }
}

//! Other programs that a test runs, which end with it however it ends.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;

type Start = Box<dyn FnOnce() + Send>;

/// The beginning of a command that the kernel sends a signal, such as `KILL`, when whoever started it
/// ends: options of `setpriv`, `--` and the program are to follow.
pub(crate) fn bound_to_its_starter(signal: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal]);
    command
}

/// Starts a command that was [bound](bound_to_its_starter). The kernel looks at the thread that
/// starts it, so that is one that lives as long as the process. What it says goes to the end of a
/// file, if one is named.
pub(crate) fn spawn_guarded(mut command: Command, log: Option<&Path>) -> Child {
    static STARTER: OnceLock<mpsc::Sender<Start>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<Start>();
        thread::spawn(move || receiver.into_iter().for_each(|start| start()));
        sender
    });
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(log) = log {
        let log = File::options().create(true).append(true).open(log).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
    }
    let (sender, receiver) = mpsc::channel();
    let start = move || {
        let _ = sender.send(command.spawn());
    };
    starter.send(Box::new(start)).unwrap();
    receiver.recv().unwrap().unwrap()
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

//! Other programs that a test runs, which end with it however it ends.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;

type Start = Box<dyn FnOnce() + Send>;

/// Starts a program that the kernel kills when this process ends. It looks at the thread that did
/// it, so that has to be one that lives as long as the process.
pub(crate) fn spawn_guarded(program: &str, arguments: Vec<String>) -> Child {
    static STARTER: OnceLock<mpsc::Sender<Start>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<Start>();
        thread::spawn(move || receiver.into_iter().for_each(|start| start()));
        sender
    });
    let (sender, receiver) = mpsc::channel();
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
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

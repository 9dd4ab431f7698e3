//! No answer leaves before the sync that covers it, as the operating system saw it.
//!
//! The server runs under strace. Of every `201` that was sent, the trace must show, in this order:
//! the request read from the same connection, a write to the journal begun after that, a sync of a
//! file of the journal begun after that write and ended before the answer was sent.

use std::collections::HashMap;
use std::fs;
use std::thread;

use redeemd::client::Request;

use super::site::{Site, admin, issue, make_campaign, redemption};

/// How many redemptions one client makes after another.
const ALONE: usize = 60;

/// How many clients redeem at once, and how often each.
const TOGETHER: (usize, usize) = (16, 15);

#[test]
fn no_answer_leaves_before_the_sync_that_covers_it() {
    for engine in ["segment", "sled"] {
        let trace = traced_run(engine);
        let Findings { answers, syncs, early } = examine(&trace);
        println!("{engine}: {answers} answers of 201 after {syncs} syncs of the journal");
        let first: Vec<_> = early.iter().take(5).collect();
        assert!(early.is_empty(), "{engine}: {} answers without a sync: {first:#?}", early.len());
        // The campaign and its codes are answered with 201, too.
        assert_eq!(answers, ALONE + TOGETHER.0 * TOGETHER.1 + 2, "{engine}");
        assert!(syncs >= ALONE, "{engine}: {syncs} syncs");
    }
}

/// Redeems under strace, with one client and with many, and gives the trace.
fn traced_run(engine: &str) -> String {
    let mut site = Site::new(engine);
    let file = site.folder().join("trace");
    let calls = "trace=read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,\
                 fdatasync,fsync,sync_file_range,msync";
    let words = ["strace", "-f", "-y", "-s", "64", "-e", calls, "-o"].map(Into::into);
    site.launch.wrapper = words.into_iter().chain([file.clone().into_os_string()]).collect();
    let mut server = site.launch.start().expect("strace is there; scripts/test installs it");
    let mut client = admin(server.address);
    let campaign = make_campaign(&mut client, 1);
    let codes = issue(&mut client, &campaign, (ALONE + TOGETHER.0 * TOGETHER.1) as u64);
    let (alone, together) = codes.split_at(ALONE);
    redeem(server.address, alone);
    thread::scope(|scope| {
        for share in together.chunks(TOGETHER.1) {
            scope.spawn(|| redeem(server.address, share));
        }
    });
    assert!(server.finish().unwrap().success());
    fs::read_to_string(file).unwrap()
}

fn redeem(address: std::net::SocketAddr, codes: &[String]) {
    let mut client = admin(address);
    for (place, code) in codes.iter().enumerate() {
        let body = redemption(code, "somebody");
        let key = format!("key-{place}");
        let key = place.is_multiple_of(2).then_some(key.as_str());
        let request = Request::post("/api/v1/redemptions", &body).idempotency_key(key);
        let answer = client.send(&request).unwrap();
        assert_eq!(answer.status(), 201, "{}", answer.summary());
    }
}

/// What a trace shows.
#[derive(Debug, Default)]
struct Findings {
    /// Answers of 201.
    answers: usize,
    /// Syncs of the journal.
    syncs: usize,
    /// Answers that left too early, with their lines in the trace.
    early: Vec<String>,
}

/// A system call: the lines at which it began and ended, and what it was.
struct Call<'a> {
    began: usize,
    ended: usize,
    name: &'a str,
    /// The file or connection that it is about, as strace writes it: number and path.
    target: &'a str,
    /// Everything behind the name.
    arguments: &'a str,
    succeeded: bool,
}

fn examine(trace: &str) -> Findings {
    let calls = calls(trace);
    let is_of_journal = |call: &&Call<'_>| call.target.contains("/data/journal/");
    let journal: Vec<_> = calls.iter().filter(is_of_journal).collect();
    let writes: Vec<_> = journal.iter().filter(|call| call.name.contains("write")).collect();
    let syncs: Vec<_> = journal
        .iter()
        .filter(|call| matches!(call.name, "fdatasync" | "fsync") && call.succeeded)
        .collect();
    let mut findings = Findings { syncs: syncs.len(), ..Findings::default() };
    // When the last request of each connection was read to its end.
    let mut requests: HashMap<&str, usize> = HashMap::new();
    for call in &calls {
        match call.name {
            "read" | "readv" | "recvfrom" | "recvmsg"
                if call.arguments.contains("\"POST /api/") =>
            {
                requests.insert(call.target, call.ended);
            }
            "write" | "writev" | "sendto" | "sendmsg"
                if call.arguments.contains("\"HTTP/1.1 201") =>
            {
                findings.answers += 1;
                let read = requests.remove(call.target);
                let is_covered = read.is_some_and(|read| {
                    let write = writes.iter().filter(|write| write.began > read);
                    let written = write.map(|write| write.ended).min().unwrap_or(usize::MAX);
                    syncs.iter().any(|sync| sync.began > written && sync.ended < call.began)
                });
                if !is_covered {
                    let Call { began, arguments, .. } = call;
                    findings.early.push(format!("line {began}: {arguments} (read at {read:?})"));
                }
            }
            _ => {}
        }
    }
    findings
}

/// The calls of a trace, in the order in which they ended.
fn calls(trace: &str) -> Vec<Call<'_>> {
    let mut calls = Vec::new();
    let mut unfinished: HashMap<&str, (usize, &str)> = HashMap::new();
    for (place, line) in trace.lines().enumerate() {
        let Some((thread, event)) = line.split_once(' ') else { continue };
        let event = event.trim_start();
        if let Some(begun) = event.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread, (place, begun));
            continue;
        }
        let (began, call) = match event.strip_prefix("<... ") {
            None => (place, event),
            // What a read brought stands behind its resumption, everything else before.
            Some(resumed) => match unfinished.remove(thread) {
                Some((began, call)) => {
                    let brought = resumed.split_once(" resumed>").map_or("", |(_, rest)| rest);
                    calls.extend(parse(began, place, call, brought, event));
                    continue;
                }
                None => continue,
            },
        };
        calls.extend(parse(began, place, call, call, event));
    }
    calls
}

fn parse<'a>(
    began: usize,
    ended: usize,
    call: &'a str,
    brought: &'a str,
    event: &'a str,
) -> Option<Call<'a>> {
    let (name, arguments) = call.split_once('(')?;
    let target = arguments.split_once('>').map_or(arguments, |(target, _)| target);
    let result = event.rsplit_once(" = ").map_or("", |(_, result)| result);
    let arguments = if name.starts_with("re") { brought } else { arguments };
    let succeeded = result.starts_with(|first: char| first.is_ascii_digit());
    Some(Call { began, ended, name, target, arguments, succeeded })
}

#[test]
fn a_trace_is_read_as_strace_writes_it() {
    let journal = "/x/data/journal/0000000001.segment";
    let covered = format!(
        "10 recvfrom(9<socket:[1]>,  <unfinished ...>\n\
         11 fdatasync(5<{journal}>) = 0\n\
         10 <... recvfrom resumed>\"POST /api/v1/redemptions HTTP/1.1\\r\\n\"..., 4096, 0) = 300\n\
         11 pwrite64(5<{journal}>, \"x\"..., 4096, 0) = 4096\n\
         11 fdatasync(5<{journal}> <unfinished ...>\n\
         10 recvfrom(8<socket:[2]>, 0x1, 1, 0) = -1 EAGAIN\n\
         11 <... fdatasync resumed>) = 0\n\
         10 sendto(9<socket:[1]>, \"HTTP/1.1 201 Created\\r\\n\"..., 9, 0) = 9\n"
    );
    let findings = examine(&covered);
    assert_eq!((findings.answers, findings.syncs, findings.early.len()), (1, 2, 0), "{findings:?}");
    for (line, changed) in [
        // The sync has begun, and nobody knows whether it will succeed.
        ("11 <... fdatasync resumed>) = 0\n", ""),
        ("11 <... fdatasync resumed>) = 0\n", "11 <... fdatasync resumed>) = -1 EIO\n"),
        // The sync is of something else, or what it covers was written before the request came.
        ("fdatasync(5</x/data/journal/", "fdatasync(5</x/data/ledger/"),
        ("11 pwrite64(5", "11 pread64(5"),
        // The answer is to another connection.
        ("sendto(9<socket:[1]>", "sendto(7<socket:[3]>"),
    ] {
        let broken = covered.replace(line, changed);
        assert_ne!(broken, covered);
        assert_eq!(examine(&broken).early.len(), 1, "{broken}");
    }
}

//! Holds over HTTP: how quickly 100,000 are placed, what they take while they are live, and what
//! their end costs. `cargo bench --bench holds -- [holds] [clients] [seconds to live]`
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, clippy::panic)]

mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redeemd::client::{Client, Request};
use support::resident::{megabytes, resident_bytes};
use support::{LINE, folder, is_server, issue, numbers, serve, start};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if is_server(&arguments) {
        return serve(&arguments);
    }
    let given = numbers(&arguments);
    let number = |place: usize, otherwise: u64| given.get(place).copied().unwrap_or(otherwise);
    let (holds, clients, seconds) = (number(0, 100_000), number(1, 32), number(2, 60));
    let folder = folder();
    let server = start(folder.path());
    let key = server.admin_key.clone().unwrap();
    let codes = Arc::new(issue(&server, &key, holds));
    let before = resident_bytes(server.id());

    let begun = Instant::now();
    let place = |client: u64| {
        let (codes, key, target) = (Arc::clone(&codes), key.clone(), server.address);
        std::thread::spawn(move || {
            let mut sender = Client::new(target).with_key(key);
            for hold in (client..holds).step_by(clients as usize) {
                let begin = hold as usize * LINE;
                let code = std::str::from_utf8(&codes[begin..begin + LINE - 1]).unwrap();
                let body = format!(
                    r#"{{"code":"{}","user_id":"user-{hold}","ttl_seconds":{seconds}}}"#,
                    code.trim()
                );
                let answer = sender.send(&Request::post("/api/v1/holds", &body)).unwrap();
                assert_eq!(answer.status(), 201, "{}", answer.summary());
            }
        })
    };
    let threads: Vec<_> = (0..clients).map(place).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let took = begun.elapsed();
    let mut client = Client::new(server.address).with_key(key);
    let live = live(&mut client);
    let after = resident_bytes(server.id());
    println!(
        "{holds} holds placed in {:.1} s ({:.0}/s), {live} live at once, {:.1} MB more ({:.0} bytes each)",
        took.as_secs_f64(),
        holds as f64 / took.as_secs_f64(),
        megabytes(after.saturating_sub(before)),
        after.saturating_sub(before) as f64 / holds as f64,
    );

    while self::live(&mut client) == live {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (begun, processor) = (Instant::now(), processor_ticks(server.id()));
    while self::live(&mut client) > 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let ticks = processor_ticks(server.id()) - processor;
    println!(
        "their end: {:.1} s from the first to the last, {} ms of processor time, asking included",
        begun.elapsed().as_secs_f64(),
        ticks * 10,
    );
    ExitCode::SUCCESS
}

/// How many holds there are, by the metric.
fn live(client: &mut Client) -> u64 {
    let answer = client.send(&Request::get("/metrics")).unwrap();
    let page = std::str::from_utf8(answer.body()).unwrap().to_owned();
    let lines = page.lines().filter(|line| line.starts_with("redeemd_sequence_holds{"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// Processor time of a process so far, in hundredths of a second.
fn processor_ticks(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

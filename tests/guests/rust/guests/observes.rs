//! Looks at all that Rust's standard library shows of a machine, and tells the log: what must be the same in every life.

#![expect(clippy::disallowed_methods, reason = "knocks at every door that a host must keep closed")]

use std::collections::HashMap;
use std::fmt::Debug;
use std::net::ToSocketAddrs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use orchestra_pit_sdk::{Agent, Failure, Outcome, Report, Task, agent, log};

struct Observes;

impl Agent for Observes {
    fn run(_task: Task) -> Result<Outcome, Failure> {
        tell("wall clock", SystemTime::now().duration_since(UNIX_EPOCH));
        let began = Instant::now();
        std::thread::sleep(Duration::from_millis(20));
        tell("slept", began.elapsed());

        let map: HashMap<u32, ()> = (0..20).map(|key| (key, ())).collect();
        tell("order of a map", map.keys().collect::<Vec<_>>());

        tell("environment", std::env::vars().count());
        tell("arguments", std::env::args().count());
        tell("folder", std::fs::read_dir("/").map(Iterator::count).map_err(|error| error.kind()));
        tell("file", std::fs::read("/etc/passwd").map(|bytes| bytes.len()).map_err(|error| error.kind()));
        tell("input", std::io::read_to_string(std::io::stdin()).map_err(|error| error.kind()));
        tell("thread", std::thread::Builder::new().spawn(|| ()).map(drop).map_err(|error| error.kind()));
        tell("socket", std::net::TcpStream::connect("127.0.0.1:80").map(drop).map_err(|error| error.kind()));
        tell("name", "localhost:80".to_socket_addrs().map(Iterator::count).map_err(|error| error.kind()));
        println!("on standard output");
        eprintln!("on standard error");
        Ok(Report::new("looked").into())
    }
}

fn tell(what: &str, seen: impl Debug) {
    log::info(format!("{what}: {seen:?}"));
}

agent!(Observes);

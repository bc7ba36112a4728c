//! What the walls cost: `true` plainly, inside, and inside bubblewrap with the walls that it has. Milliseconds, the middle of many.
//!
//! `cargo run --release -p orchestra-pit-sandbox --example cost`

#![expect(clippy::disallowed_methods, reason = "starts what it measures, and measures it")]

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use orchestra_pit_sandbox::{Network, Spec, main_if_asked, run, system};

const TIMES: usize = 101;

/// The walls of this crate that bubblewrap has too.
const BUBBLEWRAP: &[&str] = &[
    "--unshare-all",
    "--die-with-parent",
    "--new-session",
    "--cap-drop",
    "ALL",
    "--ro-bind",
    "/usr",
    "/usr",
    "--symlink",
    "usr/bin",
    "/bin",
    "--symlink",
    "usr/lib",
    "/lib",
    "--symlink",
    "usr/lib64",
    "/lib64",
    "--ro-bind-try",
    "/etc/alternatives",
    "/etc/alternatives",
    "--ro-bind-try",
    "/etc/ssl/certs",
    "/etc/ssl/certs",
    "--ro-bind-try",
    "/etc/ld.so.cache",
    "/etc/ld.so.cache",
    "--ro-bind-try",
    "/etc/localtime",
    "/etc/localtime",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--tmpfs",
    "/tmp",
    "--tmpfs",
    "/home/pit",
    "--remount-ro",
    "/",
    "--hostname",
    "pit",
    "true",
];

/// Something that is started and waited for.
type Case<'a> = dyn Fn() -> Result<(), String> + 'a;

fn main() -> ExitCode {
    if let Some(exit) = main_if_asked() {
        return exit;
    }
    let spec = Spec::new(system(Network::Loopback, 64 << 20), &["true"]);
    let inside =
        || run(Path::new("/proc/self/exe"), &spec, b"", |_, _| {}).map(drop).map_err(|error| error.to_string());
    let cases: [(&str, &Case<'_>); 3] = [
        ("plain", &|| started(&mut Command::new("true"))),
        ("walls", &inside),
        ("bubblewrap", &|| started(Command::new("bwrap").args(BUBBLEWRAP))),
    ];
    let mut taken = [const { Vec::new() }; 3];
    // One after the other in turn, so that what else the machine does meets all of them.
    for _ in 0..TIMES {
        for ((name, case), taken) in cases.iter().zip(&mut taken) {
            let since = Instant::now();
            match case() {
                Ok(()) => taken.push(since.elapsed()),
                Err(error) => eprintln!("{name}: {error}"),
            }
        }
    }
    for ((name, _), taken) in cases.iter().zip(&mut taken) {
        taken.sort();
        let at = |part: usize| taken.get(taken.len() * part / 10).map_or(f64::NAN, Duration::as_secs_f64) * 1000.0;
        println!("{name:<12} {:6.2} ms   (from {:.2} to {:.2})", at(5), at(1), at(9));
    }
    ExitCode::SUCCESS
}

fn started(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    output.status.success().then_some(()).ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

//! Row: what the walls around a command cost, against a plain start, and against bubblewrap with the walls that it has.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use orchestra_pit_sandbox::{Mount, Network, Spec, run, system};

use crate::row::{Pairs, Reach, Row};
use crate::{Asked, Result};

const TIMES: usize = 101;

/// The walls of the sandbox that bubblewrap has too: it has neither Landlock nor, unless it is given one, a filter of calls.
const BUBBLEWRAP: &str = "--unshare-all --die-with-parent --new-session --cap-drop ALL \
     --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
     --proc /proc --dev /dev --tmpfs /tmp --tmpfs /home/pit";

/// With the same folders and files of the system: how many there are in /etc is the machine's.
fn bubblewrap(spec: &Spec) -> Vec<String> {
    let mut args: Vec<String> = BUBBLEWRAP.split_whitespace().map(str::to_owned).collect();
    for mount in &spec.mounts {
        if let Mount::Bind { from, to, .. } = mount {
            args.extend(["--ro-bind".to_owned(), from.display().to_string(), to.display().to_string()]);
        }
    }
    args.extend(["--remount-ro", "/", "--hostname", "pit", "true"].map(str::to_owned));
    args
}

pub fn rows(_: &Asked) -> Result<Vec<Row>> {
    let spec = Spec::new(system(Network::Loopback, 64 << 20), &["true"]);
    let (mut plain, mut other) = (Pairs::default(), Pairs::default());
    // One after the other in turn, so that what else the machine does meets all of them.
    for _ in 0..TIMES {
        let inside = timed(|| Ok(run(Path::new(env!("CARGO_BIN_EXE_pit-walls")), &spec, b"", |_, _| {}).map(drop)?))?;
        plain.add(inside, timed(|| started(&mut Command::new("true")))?);
        if let Ok(bubble) = timed(|| started(Command::new("bwrap").args(bubblewrap(&spec)))) {
            other.add(inside, bubble);
        }
    }
    let more = plain.each(|inside, plain| inside - plain);
    let mut rows = vec![plain.row("a sandboxed `true`", "ms", "ms more", more, Reach::AtMost(6.0))];
    rows[0].note = "baseline: `true`, started plainly".to_owned();
    if other.ours.is_empty() {
        rows[0].note.push_str("; bubblewrap is not here to be compared with");
    } else {
        let figure = other.each(|inside, bubble| inside / bubble);
        let row = other.row("the same beside bubblewrap", "ms", "×", figure, Reach::AtMost(1.0));
        rows.push(row.note("baseline: bubblewrap with the same walls but Landlock and the filter of calls".to_owned()));
    }
    Ok(rows)
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let since = Instant::now();
    work()?;
    Ok(since.elapsed().as_secs_f64() * 1e3)
}

fn started(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

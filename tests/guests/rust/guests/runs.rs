//! Runs the commands of its task, a line each, and says what became of them. `$ x y` is an argument vector split at
//! spaces, `sh TEXT` a shell's text, `check LEVEL` has the checks run, `write PATH TEXT` writes a file, `commit` commits.
//! For the next command alone, `dir PATH`, `env NAME=VALUE`, `stdin TEXT`, `timeout MS` and `limit BYTES`; `figures`
//! has it say what the command took and which tree it left as well. `beside LEASE|STEP|STEP` starts another of its kind
//! with a lease, which is waited for at the end.

use std::mem::take;

use orchestra_pit_sdk::delegate::{self, Awaited, Order};
use orchestra_pit_sdk::exec::{self, Command, Ended};
use orchestra_pit_sdk::{Agent, Failure, Outcome, Report, Task, agent, log, vcs, workspace};

struct Runs;

impl Agent for Runs {
    fn run(task: Task) -> Result<Outcome, Failure> {
        let (mut failed, mut next, mut figures) = (0, Command::default(), false);
        let mut children = Vec::new();
        for line in task.goal.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let done = match word {
                "$" => command(rest.split(' ').map(str::to_owned).collect(), take(&mut next), take(&mut figures)),
                "sh" => command(
                    vec!["sh".to_owned(), "-c".to_owned(), rest.to_owned()],
                    take(&mut next),
                    take(&mut figures),
                ),
                "figures" => {
                    figures = true;
                    Ok(())
                }
                "dir" | "env" | "stdin" | "timeout" | "limit" => {
                    set(&mut next, word, rest);
                    Ok(())
                }
                "beside" => beside(rest).map(|child| children.push(child)),
                "check" => check(rest),
                "write" => {
                    let (path, text) = rest.split_once(' ').unwrap_or((rest, ""));
                    workspace::write_text(path, text.replace("\\n", "\n")).map(drop)
                }
                "commit" => vcs::commit("Do as told").map(drop),
                _ => return Err(Failure::new("invalid", format!("no such step: {line}"))),
            };
            if let Err(error) = done {
                failed += 1;
                let hint = error.hint.unwrap_or_default();
                log::info(format!("refused: {} {} [{hint}]", error.kind, error.message));
            }
        }
        while !children.is_empty() {
            let Awaited::Ended(ended) = delegate::wait(&children, None)? else { break };
            children.retain(|child| *child != ended.child);
        }
        Ok(Report::new(format!("{failed} refused")).into())
    }
}

fn set(next: &mut Command, word: &str, value: &str) {
    match word {
        "dir" => next.dir = value.to_owned(),
        "env" => next.env.extend(value.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))),
        "stdin" => next.stdin = value.replace("\\n", "\n").into_bytes(),
        "timeout" => next.timeout_ms = value.parse().ok(),
        _ => next.limit = value.parse().unwrap_or(0),
    }
}

fn command(argv: Vec<String>, next: Command, figures: bool) -> orchestra_pit_sdk::Result<()> {
    let for_ever = argv.iter().any(|word| word.contains("for-ever"));
    let timeout_ms = next.timeout_ms.or(Some(if for_ever { 2000 } else { 600_000 }));
    let ran = exec::run(&Command { argv, timeout_ms, ..next })?;
    let ended = match ran.ended {
        Ended::Exited(code) => format!("exit {code}"),
        Ended::Signalled(name) => name,
        Ended::TimedOut => "timed out".to_owned(),
        Ended::OverLimit(what) => format!("over {what}"),
        Ended::Other((what, _)) => what,
    };
    log::info(format!("ran: {ended} out={} err={}", ran.out.head.trim(), ran.err.head.trim()));
    if ran.out.cut > 0 {
        log::info(format!("cut: {} of out, which ends with {}", ran.out.cut, &ran.out.tail[ran.out.tail.len() - 9..]));
    }
    if !ran.changed.is_empty() {
        log::info(format!("changed: {}", ran.changed.join(" ")));
    }
    for (path, why) in ran.left_out {
        log::info(format!("left out: {path}: {why}"));
    }
    if figures {
        log::info(format!("took: {} us, {} bytes, tree {}", ran.time, ran.memory, ran.tree));
    }
    Ok(())
}

fn beside(text: &str) -> orchestra_pit_sdk::Result<String> {
    let (lease, steps) = text.split_once('|').unwrap_or((text, ""));
    let mut order = Order::new("runs", Task::new(steps.replace('|', "\n")));
    order.lease = vec![lease.to_owned()];
    delegate::start(&order)
}

fn check(level: &str) -> orchestra_pit_sdk::Result<()> {
    let verdict = exec::check(level)?;
    log::info(format!("verdict: {}", verdict.line));
    for check in &verdict.checks {
        log::info(format!(
            "check: {} {} failed={} known={} tail={}",
            check.name,
            check.result,
            check.failed.join(","),
            check.known.join(","),
            check.tail
        ));
    }
    for (test, what) in &verdict.proof {
        log::info(format!("proof: {test} {what}"));
    }
    Ok(())
}

agent!(Runs);

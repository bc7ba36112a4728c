//! Runs the commands of its task, a line each, and says what became of them. `$ x y` is an argument vector split at
//! spaces, `sh TEXT` a shell's text, `check LEVEL` has the checks run, `write PATH TEXT` writes a file, `commit` commits.

use orchestra_pit_sdk::exec::{self, Command, Ended};
use orchestra_pit_sdk::{Agent, Failure, Outcome, Report, Task, agent, log, vcs, workspace};

struct Runs;

impl Agent for Runs {
    fn run(task: Task) -> Result<Outcome, Failure> {
        let mut failed = 0;
        for line in task.goal.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let done = match word {
                "$" => command(rest.split(' ').map(str::to_owned).collect()),
                "sh" => command(vec!["sh".to_owned(), "-c".to_owned(), rest.to_owned()]),
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
        Ok(Report::new(format!("{failed} refused")).into())
    }
}

fn command(argv: Vec<String>) -> orchestra_pit_sdk::Result<()> {
    let timeout_ms = Some(if argv.iter().any(|word| word.contains("for-ever")) { 2000 } else { 120_000 });
    let ran = exec::run(&Command { argv, timeout_ms, ..Command::default() })?;
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
    Ok(())
}

fn check(level: &str) -> orchestra_pit_sdk::Result<()> {
    let verdict = exec::check(level)?;
    log::info(format!("verdict: {}", verdict.line));
    for check in &verdict.checks {
        log::info(format!(
            "check: {} {} failed={} known={}",
            check.name,
            check.result,
            check.failed.join(","),
            check.known.join(",")
        ));
    }
    for (test, what) in &verdict.proof {
        log::info(format!("proof: {test} {what}"));
    }
    Ok(())
}

agent!(Runs);

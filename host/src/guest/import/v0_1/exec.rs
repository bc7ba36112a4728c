//! `exec`: native commands, and the checks that only the host runs.

use orchestra_pit_core::call::exec::{self as core, Call};
use orchestra_pit_core::call::{self, Error, Value};
use orchestra_pit_core::check::prove::Proof;
use orchestra_pit_core::check::verdict::{CheckVerdict, Ending, Kind, Names};

use super::wit::exec::{self as wit, Host};
use super::workspace::checked;
use super::{Told, invalid};
use crate::guest::store::State;

/// Bytes of standard input, words of a command and bytes of all of them: far more than anybody needs, and no burden.
const MOST_STDIN: usize = 1 << 20;
/// See [`MOST_STDIN`].
const MOST_WORDS: usize = 4096;
/// See [`MOST_STDIN`].
const MOST_BYTES: usize = 256 << 10;
/// Milliseconds that a command may take at most.
const MOST_MS: u64 = 3_600_000;
/// Bytes of a stream that are answered at most.
const MOST_SHOWN: u32 = 256 << 10;
/// Paths and names that are answered of each list.
const SHOWN: usize = 1000;

impl Host for State {
    async fn run(&mut self, command: wit::Command) -> Told<wit::Ran> {
        self.commands("exec.run", command.try_into().map(Call::Run), |value| match value {
            core::Value::Ran(ran) => Some((*ran).into()),
            core::Value::Verdict(_) => None,
        })
        .await
    }

    async fn check(&mut self, level: String) -> Told<wit::Verdict> {
        self.commands("exec.check", Ok(Call::Check { level }), |value| match value {
            core::Value::Verdict(judged) => Some((&*judged).into()),
            core::Value::Ran(_) => None,
        })
        .await
    }
}

impl State {
    async fn commands<T>(
        &mut self,
        function: &'static str,
        call: Result<Call, Error>,
        answer: impl FnOnce(core::Value) -> Option<T>,
    ) -> Told<T> {
        self.tell(function, call.map(call::Call::Exec), |value| match value {
            Value::Exec(value) => answer(value),
            _ => None,
        })
        .await
    }
}

impl TryFrom<wit::Command> for core::Command {
    type Error = Error;

    fn try_from(command: wit::Command) -> Result<Self, Error> {
        let wit::Command { argv, dir, env, stdin, timeout_ms, limit, .. } = command;
        let nul = |text: &String| text.contains('\0');
        if argv.first().is_none_or(String::is_empty) {
            return Err(invalid("a command has at least a program"));
        }
        let bytes: usize = argv.iter().map(String::len).chain(env.iter().map(|(n, v)| n.len() + v.len())).sum();
        if argv.len() + env.len() > MOST_WORDS || bytes > MOST_BYTES {
            return Err(invalid(format!(
                "a command has at most {MOST_WORDS} words and variables, and {MOST_BYTES} bytes of them"
            )));
        }
        if argv.iter().any(nul) || env.iter().any(|(name, value)| nul(name) || nul(value)) {
            return Err(invalid("a command's words have no NUL"));
        }
        let named = |name: &str| {
            !name.is_empty()
                && !name.starts_with(|c: char| c.is_ascii_digit())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        if let Some((name, _)) = env.iter().find(|(name, _)| !named(name)) {
            return Err(invalid(format!("{:?} names no variable", name.chars().take(60).collect::<String>())));
        }
        if stdin.len() > MOST_STDIN {
            return Err(invalid(format!("standard input has at most {MOST_STDIN} bytes")));
        }
        if timeout_ms.is_some_and(|ms| ms == 0 || ms > MOST_MS) || limit > MOST_SHOWN {
            return Err(invalid(format!(
                "a command takes 1 to {MOST_MS} milliseconds and shows at most {MOST_SHOWN} bytes"
            )));
        }
        let dir = if dir.is_empty() { None } else { Some(checked(&dir)?) };
        Ok(Self { argv, dir, env, stdin: stdin.into(), timeout_ms, limit })
    }
}

impl From<core::Ran> for wit::Ran {
    fn from(ran: core::Ran) -> Self {
        let core::Ran { ended, out, err, time, memory, tree, changes, mut left_out } = ran;
        left_out.truncate(SHOWN);
        Self {
            ended: ended.into(),
            out: out.into(),
            err: err.into(),
            time,
            memory,
            tree: tree.to_string(),
            changed: changes.iter().take(SHOWN).map(|(path, _)| path.to_string()).collect(),
            left_out,
            more: vec![("changes".to_owned(), changes.len().to_string())],
        }
    }
}

impl From<core::Ended> for wit::Ended {
    fn from(ended: core::Ended) -> Self {
        match ended {
            core::Ended::Exited(code) => Self::Exited(code),
            core::Ended::Signalled(name) => Self::Signalled(name),
            core::Ended::TimedOut => Self::TimedOut,
            core::Ended::OverLimit(what) => Self::OverLimit(what),
        }
    }
}

impl From<core::Stream> for wit::Stream {
    fn from(core::Stream { head, tail, cut }: core::Stream) -> Self {
        Self { head, tail, cut }
    }
}

impl From<&core::Judged> for wit::Verdict {
    fn from(core::Judged { verdict, proof, tails }: &core::Judged) -> Self {
        let tail = |name: &str| tails.iter().find(|(check, _)| check == name).map_or("", |(_, tail)| tail.as_str());
        let kind = match verdict.kind() {
            Kind::Green => "green",
            Kind::NoWorse => "no-worse",
            Kind::Red => "red",
        };
        let why = proof.as_ref().and_then(Proof::why);
        Self {
            kind: kind.to_owned(),
            level: verdict.level().asked().to_owned(),
            tree: verdict.tree().to_string(),
            line: verdict.line(),
            checks: verdict.checks().iter().map(|check| checked_of(check, tail(check.name()))).collect(),
            proof: proof.as_ref().map(proofs).unwrap_or_default(),
            more: why.map(|why| ("unproved".to_owned(), why.to_owned())).into_iter().collect(),
        }
    }
}

fn checked_of(check: &CheckVerdict, tail: &str) -> wit::Checked {
    let names = |names: &Names| names.first().to_vec();
    let result = match (check.ending(), check.kind()) {
        (None | Some(Ending::Skipped(_)), _) => "missing",
        (Some(Ending::NotStarted(_) | Ending::Misconfigured(_)), _) => "not-started",
        (Some(Ending::TimedOut), _) => "timed-out",
        (Some(_), Kind::Green) => "passed",
        (Some(_), _) if check.fails().is_empty() && !check.flaky().is_empty() => "flaky",
        (Some(_), _) => "failed",
    };
    let flaky = check.flaky().first().iter().cloned();
    let why = check.why().map(|why| ("why".to_owned(), why.to_owned()));
    wit::Checked {
        name: check.name().to_owned(),
        result: result.to_owned(),
        failed: check.fails().first().iter().cloned().chain(flaky).collect(),
        known: names(check.as_before()),
        tail: tail.to_owned(),
        time: check.micros(),
        more: why.into_iter().collect(),
    }
}

/// Each test that the change adds or alters, and what it proves.
fn proofs(proof: &Proof) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        proof.tests().iter().map(|(name, proves)| (name.clone(), proves.word().to_owned())).collect();
    if all.is_empty() {
        all.push((String::new(), proof.whole().word().to_owned()));
    }
    all
}

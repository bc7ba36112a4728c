//! A command line that makes no sense: told to people as clap tells it, and to a program that waits for JSON as every other
//! failure.

use std::ffi::OsString;

use clap::Parser;

use super::follow::Output;
use super::out::out;
use super::{Exit, Pit};
use crate::surface::json;

/// The command line; or, when there is nothing to run, what the process ends with.
pub fn parse(args: impl Iterator<Item = OsString>) -> Result<Pit, Exit> {
    let args: Vec<OsString> = args.collect();
    Pit::try_parse_from(&args).map_err(|error| {
        // That nobody hears it changes nothing.
        let _ = error.print();
        // Help and version, when they are asked for, are a result.
        if !error.use_stderr() {
            return Exit::Done;
        }
        if wanted(args.into_iter().skip(1)) != Output::Text {
            let (what, hints) = taken_apart(&error.to_string());
            out!("{}", json::failure(Exit::Usage, &what, &hints));
        }
        Exit::Usage
    })
}

/// What standard output is to get, by a look at arguments that may make no sense otherwise.
pub fn wanted(args: impl Iterator<Item = OsString>) -> Output {
    let mut value = false;
    for arg in args {
        let arg = arg.to_string_lossy();
        let words = match arg.as_ref() {
            "--" => return Output::Text,
            "--json" => return Output::Json,
            "--output-format" => "",
            arg => match arg.strip_prefix("--output-format=").or_else(|| short(arg)) {
                Some(words) => words,
                None if value => arg,
                None => "text",
            },
        };
        match words {
            "json" => return Output::Json,
            "stream-json" => return Output::StreamJson,
            _ => value = words.is_empty(),
        }
    }
    Output::Text
}

/// What stands behind an `o` among short flags: `-ojson`, `-qo=json`; nothing, if the next argument is it.
fn short(arg: &str) -> Option<&str> {
    let flags = arg.strip_prefix('-').filter(|flags| !flags.starts_with('-'))?;
    let (before, words) = flags.split_once('o')?;
    before.bytes().all(|flag| flag.is_ascii_alphabetic()).then(|| words.trim_start_matches('='))
}

/// Clap's first paragraph, which says what is wrong, and its other lines, which help.
fn taken_apart(text: &str) -> (String, Vec<String>) {
    let (first, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let words: Vec<&str> = first.trim_start_matches("error: ").split_whitespace().collect();
    let hints = rest.lines().map(str::trim).filter(|line| !line.is_empty());
    (words.join(" "), hints.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_seen_in_whatever_is_typed() {
        for (line, expected) in [
            ("run x -o json", Output::Json),
            ("run x --bogus -ostream-json", Output::StreamJson),
            ("run x -qo=json", Output::Json),
            ("run x -po json", Output::Json),
            ("run --output-format stream-json", Output::StreamJson),
            ("run --output-format=json", Output::Json),
            ("status --json", Output::Json),
            ("run json", Output::Text),
            ("run x -o text json", Output::Text),
            ("run x -o", Output::Text),
            ("run --continue json", Output::Text),
            ("demo -- -o json", Output::Text),
        ] {
            assert_eq!(wanted(line.split(' ').map(OsString::from)), expected, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_one_sentence_and_the_rest_helps() {
        let error = Pit::try_parse_from(["pit", "answer", "3f"]).unwrap_err().to_string();
        let (what, hints) = taken_apart(&error);
        assert_eq!(what, "the following required arguments were not provided: <TEXT>");
        assert!(hints.iter().any(|hint| hint.starts_with("Usage: pit answer")), "{hints:?}");
    }
}

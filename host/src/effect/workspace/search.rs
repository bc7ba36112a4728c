//! `workspace.search`: lines that match, in the order of the paths.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use memchr::{memchr, memrchr};
use orchestra_pit_core::call::workspace::{Match, Query, Value};
use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::policy::Scope;
use orchestra_pit_core::tree::{self, Sort, Step};
use regex::bytes::{Regex, RegexBuilder};

use super::super::store::{Blob, Repo, Text, lock};
use super::glob::Glob;
use super::state::trees;
use super::{MAX_FILE, State};

/// Matches that one search answers at most.
const MAX_MATCHES: usize = 1_000;

/// Bytes of a line that are shown.
const MAX_LINE: usize = 400;

/// Bytes of a compiled expression: an agent writes it, and a few letters can ask for gigabytes.
const MAX_REGEX: usize = 4 << 20;

/// Bytes that one search looks through. Counted, not timed, so that the answer is the same on any machine.
const MAX_BYTES: u64 = 4 << 30;

/// Files that a thread takes at a time.
const CHUNK: usize = 64;

/// What was found in one file.
enum Looked {
    Lines { lines: Vec<(u32, String)>, bytes: u64 },
    Skipped,
}

/// What an earlier search had not left.
enum New {
    No,
    Bytes(Arc<[u8]>),
    Binary,
}

pub(super) fn search(repo: &Repo, state: &mut State, scope: &Scope, query: &Query) -> Result<Value, Error> {
    let finder = Finder::new(query)?;
    let globs = query.paths.iter().map(|glob| Glob::new(glob)).collect::<Result<Vec<_>, _>>()?;
    let most = match query.limit {
        0 => MAX_MATCHES,
        limit => (limit as usize).min(MAX_MATCHES),
    };
    let files = files(repo, state, scope, &globs)?;
    let (state, texts) = (&*state, repo.texts());
    // One more than is shown, to know whether there was more.
    let lines = |bytes: &[u8]| Looked::Lines { lines: finder.lines(bytes, most + 1), bytes: bytes.len() as u64 };
    let look = |(_, blob): &(String, Oid)| -> Result<(Looked, New), Error> {
        let known = texts.with(*blob, |text| match text {
            Text::Bytes(bytes) => lines(bytes),
            Text::Binary => Looked::Skipped,
        });
        if let Some(looked) = known {
            return Ok((looked, New::No));
        }
        Ok(match state.blob(repo, *blob, MAX_FILE)? {
            Blob::Bytes(bytes) if !is_binary(&bytes) => (lines(&bytes), New::Bytes(bytes)),
            Blob::Bytes(_) => (Looked::Skipped, New::Binary),
            Blob::Larger(_) => (Looked::Skipped, New::No),
        })
    };
    let (mut matches, mut cut, mut skipped, mut seen) = (Vec::new(), false, 0, 0);
    let mut packing = repo.pack_texts(&texts, files.iter().map(|(_, blob)| *blob));
    in_order(&files, &look, &mut |(path, blob), (looked, new)| {
        match (new, &mut packing) {
            (New::Bytes(bytes), Some(packing)) => packing.add(*blob, Some(&bytes)),
            (New::Binary, Some(packing)) => packing.add(*blob, None),
            _ => {}
        }
        match looked {
            Looked::Skipped => skipped += 1,
            Looked::Lines { lines, bytes } => {
                seen += bytes;
                for (line, text) in lines {
                    cut |= matches.len() == most;
                    if !cut {
                        matches.push(Match { path: path.clone(), line, text });
                    }
                }
                cut |= seen > MAX_BYTES;
            }
        }
        !cut
    })?;
    if let Some(packing) = packing {
        repo.keep_texts(packing);
    }
    Ok(Value::Matches { matches, cut, skipped })
}

/// The files to look into.
fn files(repo: &Repo, state: &mut State, scope: &Scope, globs: &[Glob]) -> Result<Vec<(String, Oid)>, Error> {
    let built = state.built(repo)?;
    let mut files = Vec::new();
    tree::walk(&trees(&built, repo), built.root, &mut |path, item| {
        // A name that is not UTF-8 cannot be asked for, so a match in it would lead nowhere.
        let Ok(path) = std::str::from_utf8(path) else { return Ok(Step::Over) };
        match item.sort() {
            Sort::Directory if globs.is_empty() || globs.iter().any(|glob| glob.enters(path)) => return Ok(Step::Into),
            Sort::File { .. }
                if (globs.is_empty() || globs.iter().any(|glob| glob.matches(path))) && scope.read.has(path) =>
            {
                files.push((path.to_owned(), item.id));
            }
            _ => {}
        }
        Ok(Step::Over)
    })?;
    Ok(files)
}

/// Where a thread leaves what came of a chunk.
type Slot<R> = Mutex<Option<Result<Vec<R>, Error>>>;

/// Does some work for each of many things, on every core, and shows the results in the order of the things until told to
/// stop: the same results, however many threads there are.
fn in_order<T: Sync, R: Send>(
    all: &[T],
    work: &(dyn Fn(&T) -> Result<R, Error> + Sync),
    show: &mut dyn FnMut(&T, R) -> bool,
) -> Result<(), Error> {
    let chunks = all.len().div_ceil(CHUNK);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8).min(chunks);
    let range = |chunk: usize| -> Range<usize> { chunk * CHUNK..all.len().min((chunk + 1) * CHUNK) };
    if threads <= 1 {
        for thing in all {
            if !show(thing, work(thing)?) {
                break;
            }
        }
        return Ok(());
    }
    // What is past `stop` is not needed any more.
    let (next, stop) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let done: Vec<Slot<R>> = (0..chunks).map(|_| Mutex::new(None)).collect();
    let (ready, wake) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let ready = ready.clone();
            let (next, stop, done, range) = (&next, &stop, &done, &range);
            scope.spawn(move || {
                loop {
                    let chunk = next.fetch_add(1, Ordering::Relaxed);
                    let Some(slot) = done.get(chunk).filter(|_| chunk < stop.load(Ordering::Relaxed)) else { return };
                    let results = all.get(range(chunk)).unwrap_or_default().iter().map(work).collect();
                    *lock(slot) = Some(results);
                    let _ = ready.send(());
                }
            });
        }
        drop(ready);
        for (chunk, slot) in done.iter().enumerate() {
            let results = loop {
                if let Some(results) = lock(slot).take() {
                    break results;
                }
                if wake.recv().is_err() {
                    // Every thread is gone, so what is not there by now never comes.
                    match lock(slot).take() {
                        Some(results) => break results,
                        None => return Err(Error::new(ErrorKind::Unavailable, "the search was broken off")),
                    }
                }
            };
            let results = results.inspect_err(|_| stop.store(0, Ordering::Relaxed))?;
            for (thing, result) in all.get(range(chunk)).unwrap_or_default().iter().zip(results) {
                if !show(thing, result) {
                    stop.store(0, Ordering::Relaxed);
                    return Ok(());
                }
            }
        }
        Ok(())
    })
}

/// Whether git would take a file for binary.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    bytes.get(..bytes.len().min(8000)).unwrap_or_default().contains(&0)
}

/// An expression that is held against lines.
struct Finder {
    /// Finds a place in the whole text, fast; a match of it may span lines, so it only says where to look.
    somewhere: Option<Regex>,
    line: Regex,
}

impl Finder {
    fn new(query: &Query) -> Result<Self, Error> {
        let pattern = if query.literal { regex::escape(&query.pattern) } else { query.pattern.clone() };
        if query.pattern.is_empty() || pattern.len() > 64 << 10 {
            return Err(Error::new(ErrorKind::Invalid, "the pattern is empty or longer than 64 KiB"));
        }
        let build = |many: bool| {
            RegexBuilder::new(&pattern)
                .case_insensitive(query.ignore_case)
                .multi_line(many)
                .crlf(true)
                .size_limit(MAX_REGEX)
                .dfa_size_limit(MAX_REGEX)
                .build()
                .map_err(|why| Error::new(ErrorKind::Invalid, format!("the pattern cannot be used: {why}")))
        };
        // These mean something else in a whole text than in a line, so then every line is tried by itself.
        let whole = pattern.contains("\\A") || pattern.contains("\\z") || turns_off(&pattern);
        Ok(Self { somewhere: (!whole).then(|| build(true)).transpose()?, line: build(false)? })
    }

    /// The first lines that match, at most so many.
    fn lines(&self, text: &[u8], most: usize) -> Vec<(u32, String)> {
        let (mut found, mut at, mut counted, mut number) = (Vec::new(), 0, 0, 1_u32);
        while at < text.len() && found.len() < most {
            let place = match &self.somewhere {
                None => at,
                Some(somewhere) => match somewhere.find_at(text, at) {
                    // After a last newline there is no line.
                    Some(place) if place.start() < text.len() || !text.ends_with(b"\n") => place.start(),
                    _ => break,
                },
            };
            let start = text.get(..place).and_then(|text| memrchr(b'\n', text)).map_or(0, |newline| newline + 1);
            let end =
                text.get(place..).and_then(|rest| memchr(b'\n', rest)).map_or(text.len(), |length| place + length);
            let line = text.get(start..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if self.line.is_match(line) {
                let between = text.get(counted..start).unwrap_or_default();
                number = number.saturating_add(between.iter().filter(|byte| **byte == b'\n').count() as u32);
                counted = start;
                found.push((number, shown(line)));
            }
            at = end + 1;
        }
        found
    }
}

/// Whether a pattern turns a flag off, as in `(?-m)`.
fn turns_off(pattern: &str) -> bool {
    pattern
        .match_indices("(?")
        .any(|(at, _)| pattern[at + 2..].trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('-'))
}

fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let end = text.floor_char_boundary(MAX_LINE.min(text.len()));
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pattern: &str, text: &str) -> Vec<u32> {
        let query = Query { pattern: pattern.into(), literal: false, ignore_case: false, paths: Vec::new(), limit: 0 };
        Finder::new(&query).unwrap().lines(text.as_bytes(), 100).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn a_match_is_within_a_line() {
        let text = "fn a\nx\r\n\nb fn\nlast";
        for (pattern, expected) in [
            ("fn", vec![1, 4]),
            ("^fn", vec![1]),
            ("fn$", vec![4]),
            ("x$", vec![2]),
            ("^$", vec![3]),
            ("a\\nx", vec![]),
            ("a\\s+x", vec![]),
            ("[^q]*b", vec![4]),
            ("\\Ax", vec![2]),
            ("t\\z", vec![5]),
            ("(?-m:^)last", vec![5]),
            ("(?i)FN", vec![1, 4]),
        ] {
            assert_eq!(lines(pattern, text), expected, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_would_take_the_machine_is_refused() {
        for pattern in ["", "(", "((a{100}){100}){100}", "\\p{L}{5000}"] {
            let query =
                Query { pattern: pattern.into(), literal: false, ignore_case: false, paths: Vec::new(), limit: 0 };
            assert_eq!(Finder::new(&query).err().map(|error| error.kind), Some(ErrorKind::Invalid), "{pattern}");
        }
    }

    #[test]
    fn results_come_in_order_and_stop() {
        let all: Vec<usize> = (0..5000).collect();
        let mut seen = Vec::new();
        in_order(&all, &|n| Ok(n * 2), &mut |n, twice| {
            assert_eq!(n * 2, twice);
            seen.push(*n);
            *n < 3000
        })
        .unwrap();
        assert_eq!(seen, (0..=3000).collect::<Vec<_>>());
        let failed = in_order(
            &all,
            &|n| if *n == 100 { Err(Error::new(ErrorKind::Unavailable, "x")) } else { Ok(()) },
            &mut |_, ()| true,
        );
        assert!(failed.is_err());
    }

    proptest::proptest! {
        #[test]
        fn finding_is_trying_every_line(
            pattern in "[ab^$.]{1,3}[*+?]?", text in "[ab\n\r]{0,40}",
        ) {
            let query = Query { pattern, literal: false, ignore_case: false, paths: Vec::new(), limit: 0 };
            if let Ok(finder) = Finder::new(&query) {
                let slow = Finder { somewhere: None, line: finder.line.clone() };
                proptest::prop_assert_eq!(finder.lines(text.as_bytes(), 100), slow.lines(text.as_bytes(), 100));
            }
        }
    }
}

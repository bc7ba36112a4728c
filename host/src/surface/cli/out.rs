//! What commands say: results on standard output, all else on standard error. Rust's own macros panic when the reader has
//! gone away, as after `pit logs | head`.

use std::fmt::Arguments;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;

use crate::surface::terminal::tty;
use crate::surface::terminal::width::hang;

/// A line of the result. When nobody reads on, there is nothing left to do: what a command changes, it says afterwards.
pub fn line(text: Arguments<'_>) {
    if writeln!(std::io::stdout().lock(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// A part of the result, as it is.
pub fn text(text: &str) {
    let mut out = std::io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// A line of the result for people: at a terminal broken at words, to its width.
pub fn shown(text: &str) {
    for part in fitted(text, std::io::stdout()) {
        line(format_args!("{part}"));
    }
}

/// The same beside the result.
pub fn told(text: &str) {
    for part in fitted(text, std::io::stderr()) {
        beside(format_args!("{part}"));
    }
}

/// A line as lines that a terminal does not break; as it is where there is none.
pub fn fitted(text: &str, stream: impl IsTerminal + AsFd) -> Vec<String> {
    if stream.is_terminal() { hang(text, tty::size(stream).columns) } else { vec![text.to_owned()] }
}

/// A line beside the result. That nobody hears it changes nothing.
pub fn beside(text: Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A question, without a line's end.
pub fn ask(text: Arguments<'_>) {
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "{text}").and_then(|()| err.flush());
}

/// A line of the result.
macro_rules! out {
    ($($text:tt)*) => { $crate::surface::cli::out::line(format_args!($($text)*)) };
}

/// A line beside the result.
macro_rules! note {
    ($($text:tt)*) => { $crate::surface::cli::out::beside(format_args!($($text)*)) };
}

pub(super) use {note, out};

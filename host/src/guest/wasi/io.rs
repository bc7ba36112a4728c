//! `wasi:io`: streams that are log lines, and polling that is one journalled wait.

use orchestra_pit_core::call::Call;
use orchestra_pit_core::call::clock::Sleep;
use orchestra_pit_core::call::log::Line;
use orchestra_pit_core::time::Time;
use wasmtime::component::Resource;

use super::bindings::wasi::io::{error, poll, streams};
use crate::guest::store::State;
use streams::{InputStream, OutputStream, StreamError};

/// Something to wait for.
#[derive(Clone, Copy)]
pub enum Pollable {
    /// A stream, which never makes anybody wait.
    Ready,
    /// A time of the run's clock.
    Timer(Time),
}

/// Standard output or standard error. The number stands for the stream in the guest's handle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Out = 1,
    Err = 2,
}

/// What the standard streams have got that is not yet a whole line.
#[derive(Default)]
pub struct Output {
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Stream {
    fn of(handle: &Resource<OutputStream>) -> Self {
        if handle.rep() == Self::Err as u32 { Self::Err } else { Self::Out }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Out => "stdout",
            Self::Err => "stderr",
        }
    }
}

/// What a stream says it takes at once: what languages use as the size of a buffer.
const PERMIT: u64 = 64 << 10;

impl State {
    fn partial(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Out => &mut self.output.out,
            Stream::Err => &mut self.output.err,
        }
    }

    /// Turns bytes into log lines. Never blocks, fails or closes: past the life's cap, nothing happens any more.
    async fn print(&mut self, stream: Stream, bytes: &[u8]) -> wasmtime::Result<()> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            for piece in piece.chunks(Line::MAX) {
                if self.lines_are_full() {
                    return Ok(());
                }
                let line = self.partial(stream);
                line.extend_from_slice(piece);
                if line.ends_with(b"\n") || line.len() >= Line::MAX {
                    self.end_line(stream).await?;
                }
            }
        }
        Ok(())
    }

    async fn end_line(&mut self, stream: Stream) -> wasmtime::Result<()> {
        let line = std::mem::take(self.partial(stream));
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        self.log(stream.word(), String::from_utf8_lossy(text).into_owned()).await
    }

    /// Writes down what has no line's end yet, when the guest has come to its own.
    pub async fn end_output(&mut self) -> wasmtime::Result<()> {
        for stream in [Stream::Out, Stream::Err] {
            if !self.partial(stream).is_empty() {
                self.end_line(stream).await?;
            }
        }
        Ok(())
    }

    /// Waits until one of the timers is over: at once if one is, with one call if none is.
    async fn wait(&mut self, pollables: &[Pollable]) -> wasmtime::Result<()> {
        let mut earliest = None;
        for pollable in pollables {
            match *pollable {
                Pollable::Timer(until) if until > self.clock.now() => {
                    earliest = Some(earliest.map_or(until, |earliest: Time| earliest.min(until)));
                }
                Pollable::Timer(_) | Pollable::Ready => return Ok(()),
            }
        }
        let Some(until) = earliest else { return Ok(()) };
        // A wait has no way to fail. Whatever is answered, the time that was waited for has come: otherwise a guest whose
        // wait was refused would wait again, for ever.
        let _told = self.pass(Call::Clock(Sleep { until })).await?;
        self.clock.settle(until);
        Ok(())
    }

    fn is_over(&self, pollable: Pollable) -> bool {
        match pollable {
            Pollable::Ready => true,
            Pollable::Timer(until) => until <= self.clock.now(),
        }
    }
}

impl poll::Host for State {
    async fn poll(&mut self, pollables: Vec<Resource<Pollable>>) -> wasmtime::Result<Vec<u32>> {
        if pollables.is_empty() {
            wasmtime::bail!("a poll of nothing");
        }
        let pollables: Vec<Pollable> =
            pollables.iter().map(|handle| self.table.get(handle).copied()).collect::<Result<_, _>>()?;
        self.wait(&pollables).await?;
        Ok((0..).zip(pollables).filter(|(_, pollable)| self.is_over(*pollable)).map(|(index, _)| index).collect())
    }
}

impl poll::HostPollable for State {
    fn ready(&mut self, handle: Resource<Pollable>) -> wasmtime::Result<bool> {
        let pollable = *self.table.get(&handle)?;
        // Asking is a look at the clock: a guest that waits by asking gets there.
        self.clock.read();
        Ok(self.is_over(pollable))
    }

    async fn block(&mut self, handle: Resource<Pollable>) -> wasmtime::Result<()> {
        let pollable = *self.table.get(&handle)?;
        self.wait(&[pollable]).await
    }

    fn drop(&mut self, handle: Resource<Pollable>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl error::Host for State {}

impl error::HostError for State {
    fn to_debug_string(&mut self, _: Resource<error::Error>) -> wasmtime::Result<String> {
        Ok(String::new())
    }

    fn drop(&mut self, _: Resource<error::Error>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl streams::Host for State {}

/// Standard input is at its end from the start.
impl streams::HostInputStream for State {
    fn read(&mut self, _: Resource<InputStream>, _: u64) -> wasmtime::Result<Result<Vec<u8>, StreamError>> {
        Ok(Err(StreamError::Closed))
    }

    fn blocking_read(&mut self, _: Resource<InputStream>, _: u64) -> wasmtime::Result<Result<Vec<u8>, StreamError>> {
        Ok(Err(StreamError::Closed))
    }

    fn skip(&mut self, _: Resource<InputStream>, _: u64) -> wasmtime::Result<Result<u64, StreamError>> {
        Ok(Err(StreamError::Closed))
    }

    fn blocking_skip(&mut self, _: Resource<InputStream>, _: u64) -> wasmtime::Result<Result<u64, StreamError>> {
        Ok(Err(StreamError::Closed))
    }

    fn subscribe(&mut self, _: Resource<InputStream>) -> wasmtime::Result<Resource<Pollable>> {
        Ok(self.table.push(Pollable::Ready)?)
    }

    fn drop(&mut self, _: Resource<InputStream>) -> wasmtime::Result<()> {
        Ok(())
    }
}

type Written = wasmtime::Result<Result<(), StreamError>>;

impl streams::HostOutputStream for State {
    fn check_write(&mut self, _: Resource<OutputStream>) -> wasmtime::Result<Result<u64, StreamError>> {
        Ok(Ok(PERMIT))
    }

    async fn write(&mut self, stream: Resource<OutputStream>, bytes: Vec<u8>) -> Written {
        self.print(Stream::of(&stream), &bytes).await.map(Ok)
    }

    async fn blocking_write_and_flush(&mut self, stream: Resource<OutputStream>, bytes: Vec<u8>) -> Written {
        self.print(Stream::of(&stream), &bytes).await.map(Ok)
    }

    fn flush(&mut self, _: Resource<OutputStream>) -> Written {
        Ok(Ok(()))
    }

    fn blocking_flush(&mut self, _: Resource<OutputStream>) -> Written {
        Ok(Ok(()))
    }

    fn subscribe(&mut self, _: Resource<OutputStream>) -> wasmtime::Result<Resource<Pollable>> {
        Ok(self.table.push(Pollable::Ready)?)
    }

    /// Zeros are nobody's log line.
    fn write_zeroes(&mut self, _: Resource<OutputStream>, _: u64) -> Written {
        Ok(Ok(()))
    }

    fn blocking_write_zeroes_and_flush(&mut self, _: Resource<OutputStream>, _: u64) -> Written {
        Ok(Ok(()))
    }

    fn splice(
        &mut self,
        _: Resource<OutputStream>,
        _: Resource<InputStream>,
        _: u64,
    ) -> wasmtime::Result<Result<u64, StreamError>> {
        Ok(Err(StreamError::Closed))
    }

    fn blocking_splice(
        &mut self,
        _: Resource<OutputStream>,
        _: Resource<InputStream>,
        _: u64,
    ) -> wasmtime::Result<Result<u64, StreamError>> {
        Ok(Err(StreamError::Closed))
    }

    fn drop(&mut self, _: Resource<OutputStream>) -> wasmtime::Result<()> {
        Ok(())
    }
}

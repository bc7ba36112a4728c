//! A connection into the sandbox's network: asked for over the control socket, answered with an open descriptor.

#![expect(clippy::disallowed_methods, reason = "connects to what listens inside")]

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};

/// Connecting on a loopback takes no time, but a full queue never answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// The host's side.
pub fn ask(control: &UnixStream, port: u16) -> io::Result<TcpStream> {
    let (mut ours, theirs) = UnixStream::pair()?;
    ours.set_read_timeout(Some(2 * PATIENCE))?;
    send(control, &port.to_le_bytes(), theirs.as_fd())?;
    drop(theirs);
    match receive(&ours)? {
        (_, Some(connection)) => Ok(TcpStream::from(connection)),
        (0, None) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
        (_, None) => {
            let mut said = String::new();
            ours.read_to_string(&mut said)?;
            Err(io::Error::new(io::ErrorKind::ConnectionRefused, said))
        }
    }
}

/// Inside: one request, or none when the host has closed its end.
pub fn answer(control: &UnixStream) -> io::Result<Option<()>> {
    let mut port = [0; 2];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let got =
        rustix::net::recvmsg(control, &mut [IoSliceMut::new(&mut port)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    if got.bytes != port.len() {
        return Ok(None);
    }
    let Some(to) = first(&mut ancillary) else { return Ok(None) };
    // Beside the watch, which must not wait for anybody. If there can be no thread, the asker sees its socket closed.
    let _ = thread::Builder::new().spawn(move || connect(UnixStream::from(to), u16::from_le_bytes(port)));
    Ok(Some(()))
}

fn connect(mut to: UnixStream, port: u16) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let sent = match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(connection) => send(&to, &[0], connection.as_fd()),
        Err(error) => to.write_all(format!(" {error}").as_bytes()),
    };
    // Whoever asked may have gone, and then nobody is to be told.
    drop(sent);
}

fn send(socket: &UnixStream, bytes: &[u8], descriptor: std::os::fd::BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn receive(socket: &UnixStream) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let got = rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    Ok((got.bytes, first(&mut ancillary)))
}

fn first(ancillary: &mut RecvAncillaryBuffer<'_>) -> Option<OwnedFd> {
    ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    })
}

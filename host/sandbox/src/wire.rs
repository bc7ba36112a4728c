//! Frames on the control socket: a length of four bytes and as many bytes, read with no buffer that could swallow the next.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A frame that is longer was not written by us. Files and standard input are in frames, so it is wide.
const MOST: u32 = 1 << 30;

pub fn write(socket: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).ok().filter(|&length| length <= MOST);
    let length = length.ok_or_else(|| io::Error::other("more than a frame can hold"))?;
    let mut frame = Vec::with_capacity(bytes.len() + 4);
    frame.extend(length.to_le_bytes());
    frame.extend(bytes);
    socket.write_all(&frame)
}

pub fn read(socket: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MOST {
        return Err(io::Error::other("a frame that is too long"));
    }
    let mut bytes = vec![0; length as usize];
    socket.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub fn put(socket: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    write(socket, &serde_json::to_vec(value)?)
}

pub fn take<T: DeserializeOwned>(socket: &mut impl Read) -> io::Result<T> {
    Ok(serde_json::from_slice(&read(socket)?)?)
}

//! Brings the loopback of an empty network up, which a server and its test need. By netlink: an ioctl would need unsafe code.

use std::io;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// An interface is changed; the answer is asked for.
const SET_LINK: u16 = 16;
const ASK: u16 = 1 | 4;
/// The first interface of every network is its loopback.
const LOOPBACK: i32 = 1;
const UP: u32 = 1;
/// A netlink header and an `ifinfomsg`.
const LENGTH: u32 = 16 + 16;

pub fn up() -> io::Result<()> {
    // No protocol is NETLINK_ROUTE.
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    let mut message = Vec::new();
    message.extend(LENGTH.to_ne_bytes());
    message.extend(SET_LINK.to_ne_bytes());
    message.extend(ASK.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([0; 4]);
    message.extend(LOOPBACK.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    rustix::net::sendto(&socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0; 256];
    let (length, _) = rustix::net::recv(&socket, &mut answer, RecvFlags::empty())?;
    // After the header an error message holds a negative errno, and zero for yes.
    match answer
        .get(16..20)
        .filter(|_| length >= 20)
        .map(|code| i32::from_ne_bytes([code[0], code[1], code[2], code[3]]))
    {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::other("an answer that is too short")),
    }
}

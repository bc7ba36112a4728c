//! Network: a loopback of one's own and nothing else, reached from outside only by who holds the sandbox.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::time::Duration;

use orchestra_pit_sandbox::{Message, Network, Spec};

use crate::common::{python, run, start};

fn connecting(to: &str) -> Spec {
    python(&format!("import socket\ns = socket.create_connection(('127.0.0.1', {to}), 5)\nprint(s.recv(9).decode())"))
}

#[test]
fn the_hosts_loopback_is_not_the_commands() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port().to_string();
    let mut spec = connecting(&port);
    assert!(run(&spec).ill().contains("refused"));
    spec.network = Network::Host;
    let serves = std::thread::spawn(move || listener.accept().expect("a guest").0.write_all(b"host"));
    assert_eq!(run(&spec).well(), "host\n");
    serves.join().expect("a server").expect("an answer");
}

#[test]
fn ones_own_loopback_works_and_is_all_there_is() {
    let both = "import socket\nl = socket.create_server(('127.0.0.1', 0))\nc = socket.create_connection(l.getsockname())\nl.accept()[0].send(b'own')\nprint(c.recv(9).decode(), socket.if_nameindex())";
    assert_eq!(run(&python(both)).well(), "own [(1, 'lo')]\n");
    let out = "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(b'x', ('192.0.2.1', 9))";
    assert!(run(&python(out)).ill().contains("unreachable"));
}

#[test]
fn abstract_sockets_of_the_host_are_not_there() {
    let name = format!("pit-walls-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let _listener = UnixListener::bind_addr(&address).expect("a socket");
    let script = format!("import socket\nsocket.socket(socket.AF_UNIX).connect('\\0{name}')");
    let outside = std::process::Command::new("python3").args(["-c", &script]).status().expect("python");
    assert!(outside.success());
    let mut spec = python(&script);
    run(&spec).ill();
    // With the host's network it is Landlock that keeps them away.
    spec.network = Network::Host;
    run(&spec).ill();
}

const SERVER: &str = "import socket\nl = socket.create_server(('127.0.0.1', 4321))\nwhile True:\n  c = l.accept()[0]\n  c.send(b'served')\n  c.close()";

#[test]
fn a_service_is_reached_from_outside_and_by_who_joins_it() {
    let mut service = python(SERVER);
    service.limits.wall_ms = None;
    let mut service = start(&service);
    assert_eq!(service.message().expect("a start"), Message::Running);
    let mut connection = (0..3000).find_map(|_| {
        let connection = service.connect(4321).ok();
        if connection.is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
        connection
    });
    let mut said = String::new();
    connection.as_mut().expect("a connection").read_to_string(&mut said).expect("an answer");
    assert_eq!(said, "served");
    assert_eq!(service.connect(4322).expect_err("nobody").kind(), std::io::ErrorKind::ConnectionRefused);
    let mut guest = connecting("4321");
    run(&guest).ill();
    guest.network = Network::Of(service.id());
    assert_eq!(run(&guest).well(), "served\n");
}

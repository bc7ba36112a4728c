//! A server whose certificate an authority of the person's own has signed: believed only if their file names that authority,
//! and only for the address it was signed for.
//!
//! The authority's key was thrown away. The server's is in the repository, and what it opens is this test: its certificate is
//! for 127.0.0.1 alone, and for a hundred years.

use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::server::{Act, hello};
use super::*;

const SERVER: &[u8] = include_bytes!("../../fixtures/tls/server.pem");

/// The file that a person would name.
fn authority() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/effect/model/fixtures/tls/ca.pem")
}

/// Says hello to whoever believes it, once for each connection, and says what was asked of it.
fn serve() -> (u16, std::sync::mpsc::Receiver<String>) {
    let certificates = CertificateDer::pem_slice_iter(SERVER).collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(SERVER).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(certificates, key).unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, requests) = std::sync::mpsc::channel();
    // It waits for a connection until the tests are over: nothing of it would be missed.
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream));
            let Some(request) = heard(&mut stream) else { continue };
            let _ = asked.send(request);
            for act in hello() {
                let Act::Send(text) = act else { continue };
                stream.get_mut().write_all(text.as_bytes()).unwrap();
            }
            stream.get_mut().conn.send_close_notify();
            let _ = stream.get_mut().flush();
        }
    });
    (port, requests)
}

/// A request to its end; none of a client that hangs up at the sight of the certificate.
fn heard(stream: &mut impl BufRead) -> Option<String> {
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let from = head.len();
        stream.read_line(&mut head).ok().filter(|read| *read > 0)?;
        length =
            head[from..].to_lowercase().strip_prefix("content-length: ").map_or(length, |n| n.trim().parse().unwrap());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(head)
}

/// Asks the server under a name, as a person would have it who knows this authority, or none.
async fn ask_at(host: &str, port: u16, ca: Option<PathBuf>) -> Told {
    let ca = ca.map(|ca| format!("ca = {:?}\n", ca.display().to_string())).unwrap_or_default();
    let settings = format!(
        "[provider.corp]\nprotocol = \"chat\"\nurl = \"https://{host}:{port}/v1\"\nkey = {{ env = \"K\" }}\nattempts = 1\n{ca}"
    );
    ask(&models(&settings, Some("corp/m"), &["K"]).unwrap(), &request("hi")).await.0
}

#[tokio::test]
async fn an_authority_of_the_persons_own_is_believed_and_for_no_other_name() {
    let (port, requests) = serve();
    let told = ask_at("127.0.0.1", port, Some(authority())).await;
    assert_eq!(said(&told.answer.unwrap()), "hello");
    assert!(requests.recv().unwrap().to_lowercase().contains(&format!("authorization: bearer {KEY}")));
    // The same server, to somebody who was told nothing of the authority, and under a name that is not in its certificate.
    for (host, ca, why) in
        [("127.0.0.1", None, "UnknownIssuer"), ("localhost", Some(authority()), "not valid for name")]
    {
        let error = ask_at(host, port, ca).await.answer.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.message.contains("cannot be reached") && error.message.contains(why), "{error}");
    }
    assert!(requests.try_recv().is_err(), "neither was sent a request, nor the key in it");
}

#[test]
fn a_file_without_an_authority_is_refused_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("ca.pem");
    std::fs::write(&empty, "no certificate\n").unwrap();
    let settings = format!("[provider.corp]\nprotocol = \"chat\"\nurl = \"https://corp/v1\"\nca = {empty:?}");
    let refused = models(&settings, Some("corp/m"), &[]).unwrap_err().to_string();
    assert!(refused.contains("without certificates in PEM"), "{refused}");
}

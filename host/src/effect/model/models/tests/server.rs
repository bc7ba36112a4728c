//! A server on this machine that says what a test tells it to, byte by byte.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a connection, once it has read the request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends bytes.
    Send(String),
    /// Sends nothing for so many milliseconds.
    Pause(u64),
    /// Breaks the connection with a reset.
    Reset,
    /// Waits until the other side is gone.
    Gone,
}

/// A running server. Dropping it stops it.
pub struct Server {
    pub port: u16,
    pub requests: Arc<Mutex<Vec<String>>>,
    pub gone: Arc<tokio::sync::Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers the n-th connection with the n-th list, and all further ones with the last.
pub async fn serve(answers: Vec<Vec<Act>>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (requests, gone) = (Arc::new(Mutex::new(Vec::new())), Arc::new(tokio::sync::Notify::new()));
    let (seen, left) = (requests.clone(), gone.clone());
    let task = tokio::spawn(async move {
        for at in 0.. {
            let Ok((stream, _)) = listener.accept().await else { return };
            let answer = answers.get(at).or(answers.last()).cloned().unwrap_or_default();
            tokio::spawn(connection(stream, answer, seen.clone(), left.clone()));
        }
    });
    Server { port, requests, gone, task }
}

async fn connection(
    mut stream: TcpStream,
    answer: Vec<Act>,
    seen: Arc<Mutex<Vec<String>>>,
    left: Arc<tokio::sync::Notify>,
) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                break;
            }
        }
        match stream.read(&mut piece).await {
            Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
            _ => return,
        }
    }
    seen.lock().unwrap().push(String::from_utf8_lossy(&request).into());
    for act in answer {
        match act {
            Act::Send(bytes) => drop(stream.write_all(bytes.as_bytes()).await),
            Act::Pause(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
            Act::Reset => return drop(stream.set_zero_linger()),
            Act::Gone => {
                while stream.read(&mut piece).await.is_ok_and(|read| read > 0) {}
                left.notify_one();
            }
        }
    }
}

/// The head of a stream of events.
pub const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n";

/// A stream with these events.
pub fn stream(events: &str) -> Vec<Act> {
    vec![Act::Send(STREAM.into()), Act::Send(events.into())]
}

/// An answer with a status and a body.
pub fn status(line: &str, headers: &str, body: &str) -> Vec<Act> {
    let length = body.len();
    vec![Act::Send(format!(
        "HTTP/1.1 {line}\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ))]
}

/// A short whole reply over chat completions.
pub fn hello() -> Vec<Act> {
    stream(concat!(
        "data: {\"model\":\"m-1\",\"choices\":[{\"delta\":{\"content\":\"hel\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2}}\n\n",
        "data: [DONE]\n\n",
    ))
}

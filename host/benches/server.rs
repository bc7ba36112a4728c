//! A model on this machine: real HTTP, replies that were written before, tokens that come at their time. It has a thread
//! of its own, and notes when it was asked and when its last token went out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

use crate::Result;

/// What the model replies: a call of a tool, or nothing for as long as it is waited for.
#[derive(Clone)]
pub enum Reply {
    Call(&'static str, &'static str),
    Hold,
}

/// Pieces that a reply comes in.
const PIECES: u32 = 20;

/// When a request was there as a whole, and when its last token was sent.
#[derive(Clone, Copy)]
pub struct Asked {
    pub at: SystemTime,
    pub answered: Option<SystemTime>,
}

/// A running server. It ends with the program.
pub struct Server {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

struct Plan {
    replies: Vec<Reply>,
    takes: Duration,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// A server whose n-th reply of a conversation is the n-th here, and whose replies take this long.
    pub fn start(replies: Vec<Reply>, takes: Duration) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let port = listener.local_addr()?.port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let plan = Arc::new(Plan { replies, takes, asked: Arc::clone(&asked) });
        std::thread::Builder::new().name("model".into()).spawn(move || {
            runtime.block_on(async {
                while let Ok((stream, _)) = listener.accept().await {
                    let plan = Arc::clone(&plan);
                    // A client that goes away in the middle is none of the server's business.
                    tokio::spawn(async move { plan.serve(stream).await.map_err(drop) });
                }
            });
        })?;
        Ok(Self { port, asked })
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what was asked.
    pub fn forget(&self) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Plan {
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        while let Some(body) = request(&mut stream).await? {
            let begin = Instant::now();
            let number = {
                let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
                asked.push(Asked { at: SystemTime::now(), answered: None });
                asked.len() - 1
            };
            // A conversation says how far it is: each reply stands in it.
            let turn = body.windows(ASSISTANT.len()).filter(|bytes| *bytes == ASSISTANT).count();
            match self.replies.get(turn) {
                Some(Reply::Call(tool, arguments)) => {
                    self.reply(&mut stream, begin, &format!("call_{turn}"), tool, arguments).await?;
                    self.answered(number);
                    stream.write_all(b"0\r\n\r\n").await?;
                }
                Some(Reply::Hold) | None => {
                    let _gone = stream.read_u8().await;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn answered(&self, number: usize) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = asked.get_mut(number) {
            asked.answered = Some(SystemTime::now());
        }
    }

    /// Sends a reply in pieces, each at its time; the last has the call's end, so that nothing can begin before it.
    async fn reply(
        &self,
        stream: &mut TcpStream,
        begin: Instant,
        id: &str,
        tool: &str,
        arguments: &str,
    ) -> std::io::Result<()> {
        stream.write_all(HEAD).await?;
        for piece in 1..PIECES {
            sleep_until(begin + self.takes * piece / PIECES).await;
            event(stream, &json!({ "model": "model", "choices": [{ "delta": { "content": "so " } }] })).await?;
        }
        sleep_until(begin + self.takes).await;
        let call = json!({ "index": 0, "id": id, "function": { "name": tool, "arguments": arguments } });
        event(stream, &json!({ "choices": [{ "delta": { "tool_calls": [call] }, "finish_reason": "tool_calls" }] }))
            .await?;
        event(stream, &json!({ "choices": [], "usage": { "prompt_tokens": 2_000, "completion_tokens": 60 } })).await?;
        chunk(stream, "data: [DONE]\n\n").await
    }
}

const ASSISTANT: &[u8] = br#""role":"assistant""#;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

async fn event(stream: &mut TcpStream, data: &serde_json::Value) -> std::io::Result<()> {
    chunk(stream, &format!("data: {data}\n\n")).await
}

async fn chunk(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await
}

/// The body of the next request; none when the client is gone.
async fn request(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut read = Vec::new();
    let body = loop {
        if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(read.get(..body).unwrap_or_default()).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    let end = body + length.unwrap_or(0);
    while read.len() < end {
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(read.split_off(body)))
}

/// What a coder does in eight turns.
pub fn eight() -> Vec<Reply> {
    let read = |lines| Reply::Call("read_file", lines);
    vec![
        Reply::Call("list_files", r#"{"pattern":"**"}"#),
        read(r#"{"path":"src/lib.rs"}"#),
        read(r#"{"path":"README.md"}"#),
        Reply::Call(
            "create_file",
            r#"{"path":"src/safe.rs","text":"pub fn more(n: u32) -> u32 {\n    n.saturating_add(1)\n}\n"}"#,
        ),
        read(r#"{"path":"src/safe.rs"}"#),
        Reply::Call("search", r#"{"pattern":"saturating"}"#),
        Reply::Call("commit", r#"{"message":"Never overflow"}"#),
        Reply::Call("finish", FINISH),
    ]
}

/// The arguments of a coder's last call.
pub const FINISH: &str = r#"{"summary":"Count no further than the largest number","criteria":[]}"#;

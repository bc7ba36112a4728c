//! Row: fifty tasks of eight model calls, ten at a time, over what the model's server alone takes for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orchestra_pit::assemble::Pit;
use orchestra_pit::run::Tree;
use orchestra_pit_core::call::delegate::End;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::repository::folder;
use crate::row::{Middle, Reach, Row};
use crate::server::{Server, eight};
use crate::{Asked, Result, host};

const TASKS: u32 = 50;
const AT_ONCE: usize = 10;
const STREAM: Duration = Duration::from_millis(200);

pub fn rows(_: &Asked) -> Result<Vec<Row>> {
    let folder = folder()?;
    let server = Server::start(eight(), STREAM)?;
    let calls = u32::try_from(eight().len())?;
    let path = STREAM * calls * TASKS.div_ceil(u32::try_from(AT_ONCE)?);
    let runtime = host::runtime()?;
    let pit = {
        let _inside = runtime.enter();
        Arc::new(host::pit(folder.path(), server.port, AT_ONCE)?)
    };
    // The first makes the machine code and the connection; every later start finds both.
    runtime.block_on(task(Arc::clone(&pit), TASKS))?;
    let bare = runtime.block_on(async {
        let begin = Instant::now();
        in_turn(|_| bare(server.port, calls)).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(begin.elapsed())
    })?;
    server.forget();
    let ours = runtime.block_on(async {
        let begin = Instant::now();
        in_turn(|n| task(Arc::clone(&pit), n)).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(begin.elapsed())
    })?;
    let asked = server.asked().len();
    if asked != (TASKS * calls) as usize {
        return Err(format!("{asked} requests came instead of {}", TASKS * calls).into());
    }
    let figure = Middle::one(ours.as_secs_f64() / path.as_secs_f64());
    let row = Row {
        what: "50 tasks of 8 model calls, 10 at a time",
        ours: ours.as_secs_f64(),
        baseline: Some(path.as_secs_f64()),
        unit: "s",
        figure,
        of: "×",
        reach: Reach::AtMost(1.05),
        note: String::new(),
    };
    Ok(vec![row.note(format!(
        "baseline: 8 × 200 ms × 5, the critical path; the same requests without pit took {:.2} s",
        bare.as_secs_f64()
    ))])
}

/// Carries out all tasks, so many at once.
async fn in_turn<F: Future<Output = Result<()>> + Send + 'static>(one: impl Fn(u32) -> F) -> Result<()> {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut all = Vec::new();
    for n in 0..TASKS {
        let (turn, one) = (Arc::clone(&turns).acquire_owned().await?, one(n));
        all.push(tokio::spawn(async move {
            let done = one.await;
            drop(turn);
            done
        }));
    }
    for one in all {
        one.await??;
    }
    Ok(())
}

async fn task(pit: Arc<Pit>, n: u32) -> Result<()> {
    let tree = Tree::start(pit.host.clone(), host::coder(&pit, n)?).await?;
    tree.finished().await;
    match tree.outcome() {
        Some(End::Done(_)) => Ok(()),
        other => Err(format!("a task ended otherwise: {other:?}").into()),
    }
}

/// The requests of one task with nothing around them.
async fn bare(port: u16, calls: u32) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    for turn in 0..calls {
        let body = r#"{"role":"assistant"}"#.repeat(turn as usize);
        let head = format!("POST /v1/chat/completions HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n0\r\n\r\n") {
            if stream.read_buf(&mut read).await? == 0 {
                return Err("the server went away".into());
            }
        }
    }
    Ok(())
}

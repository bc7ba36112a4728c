//! Compiling in a process of its own: a compiler cannot be stopped from outside, a process can.
//!
//! The child is `pit` itself with a hidden argument. It limits itself before it reads a byte, compiles what comes on its
//! standard input, and writes machine code to its standard output.

#![expect(clippy::disallowed_methods, reason = "starts the compiler's process, and is it")]

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::check::MAX_SIZE;
use super::engine::config;
use super::load::LoadError;

/// Machine code that our own compiler put out.
pub(super) struct Compiled(Vec<u8>);

impl Compiled {
    /// Only for bytes whose MAC shows that a `Compiled` was written here before.
    pub(super) fn verified(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// How the compiler is started and when it is given up.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// The program.
    pub program: PathBuf,
    /// What makes it compile.
    pub args: Vec<OsString>,
    /// Seconds of CPU. The largest language runtimes take six to ten.
    pub seconds: u64,
    /// Seconds of patience. A machine that is busy with other things gives a process a part of its time.
    pub patience: u64,
    /// Bytes of address space. Compiling 18 MB of CPython takes a tenth; the rest is room for the threads' stacks.
    pub memory: u64,
}

/// The hidden argument with which `pit` is its own compiler.
pub const COMPILE: &str = "__compile";

impl Compiler {
    /// The program that is running, as its own compiler.
    ///
    /// # Errors
    /// When the system does not say where it is.
    pub fn this_program() -> Result<Self, LoadError> {
        let program = std::env::current_exe()
            .map_err(|why| LoadError::Host(format!("cannot find pit's own program, which compiles agents: {why}")))?;
        Ok(Self::new(program, [COMPILE.into()]))
    }

    /// Another program that ends up in [`compile_child`].
    pub fn new(program: PathBuf, args: impl IntoIterator<Item = OsString>) -> Self {
        Self { program, args: args.into_iter().collect(), seconds: 60, patience: 240, memory: 8 << 30 }
    }

    /// Compiles a component that was looked over.
    pub(super) async fn compile(&self, wasm: &[u8]) -> Result<Compiled, LoadError> {
        let mut child = tokio::process::Command::new(&self.program)
            .args(&self.args)
            .env_clear()
            .env(SECONDS, self.seconds.to_string())
            .env(MEMORY, self.memory.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|why| LoadError::Host(format!("cannot start pit's compiler: {why}")))?;
        let (Some(mut input), Some(output), Some(said)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(LoadError::Host("pit's compiler has no pipes".to_owned()));
        };
        let talk = async {
            let feed = async {
                // A compiler that refuses early does not read on; what it says is read below.
                let _ = input.write_all(wasm).await;
                drop(input);
            };
            let (mut code, mut words) = (Vec::new(), Vec::new());
            let (mut output, mut said) = (output.take(MAX_OUTPUT + 1), said.take(MAX_WORDS));
            let ((), read, _) = tokio::join!(feed, output.read_to_end(&mut code), said.read_to_end(&mut words));
            read?;
            // Whatever is still to come is not wanted: the pipes are closed, so that nobody waits for us.
            drop((output, said));
            Ok::<_, std::io::Error>((code, words, child.wait().await?))
        };
        let (code, words, status) = match tokio::time::timeout(Duration::from_secs(self.patience), talk).await {
            Ok(done) => done.map_err(|why| LoadError::Compiler(why.to_string()))?,
            Err(_) => return Err(LoadError::Slow { seconds: self.patience }),
        };
        if !status.success() {
            return Err(self.failure(status, &words));
        }
        let size = code.len() as u64;
        if size > MAX_OUTPUT {
            return Err(LoadError::TooLarge { what: "bytes of machine code", size, limit: MAX_OUTPUT });
        }
        Ok(Compiled(code))
    }

    fn failure(&self, status: ExitStatus, words: &[u8]) -> LoadError {
        use std::os::unix::process::ExitStatusExt as _;
        let words = String::from_utf8_lossy(words);
        let words = words.trim();
        match (status.code(), status.signal()) {
            (Some(REFUSED), _) => LoadError::Invalid(words.to_owned()),
            (_, Some(signal)) if signal == rustix::process::Signal::XCPU.as_raw() => {
                LoadError::Slow { seconds: self.seconds }
            }
            _ if words.is_empty() => LoadError::Compiler(status.to_string()),
            _ => LoadError::Compiler(format!("{status}: {words}")),
        }
    }
}

/// Bytes of machine code: CPython's 18 MB become 60.
const MAX_OUTPUT: u64 = 512 << 20;
/// Bytes of what the compiler says about a refusal.
const MAX_WORDS: u64 = 2_000;
/// The compiler's exit code for a component that is not valid.
const REFUSED: i32 = 3;

const SECONDS: &str = "PIT_COMPILE_SECONDS";
const MEMORY: &str = "PIT_COMPILE_MEMORY";

/// The child's side. Answers the exit code.
pub fn compile_child(input: impl Read, mut output: impl Write) -> ExitCode {
    let done = limit().and_then(|()| compile(input)).and_then(|code| {
        output.write_all(&code)?;
        output.flush()?;
        Ok(())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let refused = why.downcast_ref::<std::io::Error>().is_none();
            // If nobody listens, the exit code says it.
            let _ = write!(std::io::stderr(), "{why:#}");
            if refused { ExitCode::from(REFUSED as u8) } else { ExitCode::FAILURE }
        }
    }
}

fn compile(input: impl Read) -> wasmtime::Result<Vec<u8>> {
    let mut wasm = Vec::new();
    input.take(MAX_SIZE).read_to_end(&mut wasm)?;
    wasmtime::Engine::new(&config())?.precompile_component(&wasm)
}

/// Gives up what the compiler may not use. The limits come from the parent, through the environment it set.
fn limit() -> wasmtime::Result<()> {
    let most = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let set = |resource, current: Option<u64>, maximum| {
        setrlimit(resource, Rlimit { current, maximum }).map_err(std::io::Error::from)
    };
    let (seconds, memory) = (most(SECONDS), most(MEMORY));
    set(Resource::Core, Some(0), Some(0))?;
    // A second later, because a process at both limits is killed without the signal that says why.
    set(Resource::Cpu, seconds, seconds.map(|seconds: u64| seconds.saturating_add(1)))?;
    set(Resource::As, memory, memory)?;
    Ok(())
}

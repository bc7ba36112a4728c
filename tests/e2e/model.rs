//! A real model on a real server of this machine: one prepared line, from prompt to commit. `cargo xtask test` installs
//! both and says where they are; without them the test says that it was skipped.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use orchestra_pit_tests::Stage;

/// Ends when its standard input does, so that no server outlives its test, however that ends.
struct Server {
    port: u16,
    process: Child,
}

impl Server {
    /// None without the variables.
    fn start() -> Option<Self> {
        let (server, model) =
            (std::env::var("PIT_TEST_LLAMA_SERVER").ok()?, std::env::var("PIT_TEST_LLAMA_MODEL").ok()?);
        // Free a moment ago; the server has no way to say which port it got.
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        let mut command = Command::new(server);
        command.arg(model).arg(port.to_string()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the server");
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert_eq!(process.try_wait().expect("a process"), None, "the server has ended");
            assert!(began.elapsed() < Duration::from_secs(60), "the server does not listen");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(Self { port, process })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_real_model_fixes_one_line_from_prompt_to_commit() {
    let Some(server) = Server::start() else {
        eprintln!("skipped: PIT_TEST_LLAMA_SERVER and PIT_TEST_LLAMA_MODEL are not set; `cargo xtask test` sets them");
        return;
    };
    let mut trees = Vec::new();
    for _ in 0..2 {
        let stage = Stage::with(&[("sums.py", "def add(a, b):\n    return a - b\n")]);
        let config = stage.home().join(".config/orchestra-pit");
        std::fs::create_dir_all(&config).unwrap();
        let text = format!(
            "schema = 1\n[provider.llama-server]\nprotocol = \"chat\"\nurl = \"http://127.0.0.1:{}/v1\"\n\
             [[family]]\nmatch = [\"smollm*\"]\ncontext = 2048\n",
            server.port
        );
        std::fs::write(config.join("config.toml"), text).unwrap();
        let run = ["run", "--solo", "sums.py:2: add must return a + b", "-m", "llama-server/smollm2"];
        let said = stage.pit(&run).exits(3);
        assert!(said.err.starts_with("llama-server/smollm2 at 127.0.0.1"), "{}", said.err);
        let branch = stage.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads/pit/"]);
        let change = stage.git(&["diff", "--unified=0", "main", &branch]);
        assert!(change.contains("-    return a - b") && change.contains("+    return a + b"), "{change}");
        assert_eq!(stage.git(&["log", "-1", "--format=%an", &branch]), "coder via pit");
        let status = stage.status(&stage.trees().remove(0));
        assert!(status.to_string().contains("tokens"), "what it took is counted: {status}");
        trees.push(stage.git(&["rev-parse", &format!("{branch}^{{tree}}")]));
    }
    assert_eq!(trees[0], trees[1], "a fixed seed makes the same");
}

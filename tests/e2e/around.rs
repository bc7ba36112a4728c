//! What is around native commands: set-up, the person's shell on a run's files, a copy of them, and what is left on the disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use orchestra_pit::effect::exec::tools::Home;
use orchestra_pit::effect::exec::{Exec, Machine, services};
use orchestra_pit::effect::store::Repo;
use orchestra_pit::effect::workspace::Workspaces;
use orchestra_pit_core::call::exec::{Call, Command, Ended, Ran, Value};
use orchestra_pit_core::call::{self, Error, Site};
use orchestra_pit_core::commands::{Commands, Service, Setup};
use orchestra_pit_core::id::{Hash, Oid, RunId};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::policy::Scope;
use orchestra_pit_tests::{Stage, guest, pit};

use crate::run::script;

/// A host's commands on a repository: what one process has.
struct Bench {
    workspaces: Arc<Workspaces>,
    exec: Exec,
    runtime: tokio::runtime::Runtime,
}

/// Where commands have their files; beside the program, on a disk that can hold an overlay.
fn cache() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("cache-").tempdir_in(pit().parent().expect("a folder")).expect("a folder")
}

impl Bench {
    fn new(stage: &Stage, cache: &Path) -> Self {
        let repo = Arc::new(Repo::open(&stage.repo()).expect("a repository"));
        let workspaces = Arc::new(Workspaces::new(repo));
        let home = Home { folder: stage.home(), elsewhere: Vec::new() };
        let machine = Machine { program: pit(), ..Machine::new(cache.to_owned(), Some(home)) };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        Self { exec: Exec::new(workspaces.clone(), Some(machine)), workspaces, runtime }
    }

    /// Runs a shell's text for a run of a tree, over a commit.
    fn run(&self, (tree, run): (u8, u8), base: &str, commands: &Commands, text: &str) -> Result<Ran, Error> {
        let site = site(tree, run);
        self.workspaces.open(site.run, Oid::parse(base).expect("a commit"), &site.branch).expect("a workspace");
        let argv = ["sh", "-c", text].map(str::to_owned).to_vec();
        let command =
            Command { argv, dir: None, env: Vec::new(), stdin: Vec::new().into(), timeout_ms: None, limit: 0 };
        let commands = Arc::new(commands.clone());
        let answer =
            self.runtime.block_on(self.exec.call(&site, &Call::Run(command), &Scope::all(), commands, &|_| {}));
        match answer? {
            call::Value::Exec(Value::Ran(ran)) => Ok(*ran),
            other => panic!("{other:?}"),
        }
    }

    fn says(&self, of: (u8, u8), base: &str, commands: &Commands, text: &str) -> String {
        let ran = self.run(of, base, commands, text).unwrap_or_else(|error| panic!("{error} {:?}", error.hint));
        assert_eq!(ran.ended, Ended::Exited(0), "{text}: {}{}", ran.out.head, ran.err.head);
        ran.out.head
    }
}

fn site(tree: u8, run: u8) -> Site {
    let (run, tree) = (RunId([run; 16]), RunId([tree; 16]));
    let branch = format!("refs/heads/pit/{}", run.short());
    let parent = (run != tree).then_some(tree);
    Site { run, tree, parent, agent: Hash([0; 32]), agent_name: "coder@1".into(), branch, model: None }
}

fn set_up(text: &str, network: bool) -> Commands {
    let run = ["bash", "-c", text].map(str::to_owned).to_vec();
    let inputs = ["lock", "prepare.sh"].map(|path| RepoPath::new(path).expect("a path")).to_vec();
    let setup = Setup { name: "deps".into(), run, dir: None, inputs, network, timeout: 60_000_000 };
    let warm = vec![RepoPath::new("out").expect("a path")];
    Commands { setup: vec![setup], warm, ..Commands::default() }
}

const FILES: &[(&str, &str)] =
    &[(".gitignore", "deps/\nout/\n"), ("lock", "1\n"), ("prepare.sh", "echo the person\n"), ("src", "1\n")];

const STAMP: &str = "mkdir -p deps out; cat /proc/sys/kernel/random/uuid > deps/stamp; sh prepare.sh > deps/who; \
                     echo built > out/lib; mkdir -p ~/.cache/x; echo fetched > ~/.cache/x/y; echo no > src";

fn commit(stage: &Stage, path: &str, text: &str) -> String {
    stage.write(path, text);
    stage.git(&["commit", "-qam", "Change"]);
    stage.git(&["rev-parse", "HEAD"])
}

#[test]
fn set_up_runs_in_its_folder() {
    let (stage, cache) = (Stage::with(&[(".gitignore", "deps/\n"), ("web/lock", "1\n")]), cache());
    let bench = Bench::new(&stage, cache.path());
    let mut commands = set_up("mkdir -p deps; cat lock > deps/is || echo none > deps/is", false);
    let base = stage.git(&["rev-parse", "HEAD"]);
    assert_eq!(bench.says((1, 1), &base, &commands, "cat deps/is"), "none\n", "the control: at the top");
    commands.setup[0].dir = Some(RepoPath::new("web").expect("a path"));
    assert_eq!(bench.says((2, 2), &base, &commands, "cat web/deps/is"), "1\n");
}

#[test]
fn set_up_runs_once_for_its_inputs_and_no_command_writes_to_what_it_left() {
    let (stage, cache) = (Stage::with(FILES), cache());
    let (bench, commands) = (Bench::new(&stage, cache.path()), set_up(STAMP, false));
    let base = stage.git(&["rev-parse", "HEAD"]);
    let see = "cat deps/stamp out/lib ~/.cache/x/y src";
    let first = bench.says((1, 1), &base, &commands, see);
    assert!(first.ends_with("\nbuilt\nfetched\n1\n"), "{first}: and what git does not ignore is not kept");
    let spoil = "echo evil | tee deps/stamp out/lib > ~/.cache/x/y; rm deps/who; cat deps/stamp";
    assert_eq!(bench.says((1, 1), &base, &commands, spoil), "evil\n");
    assert_eq!(bench.says((1, 1), &base, &commands, "cat deps/stamp ~/.cache/x/y"), "evil\nfetched\n");
    assert_eq!(bench.says((2, 2), &base, &commands, see), first, "nobody else sees it");
    let removed = "rm -rf out deps; ls; mkdir out; ls out";
    assert_eq!(
        bench.says((6, 6), &base, &commands, removed),
        "lock\nprepare.sh\nsrc\n",
        "it is removed like any folder"
    );
    assert_eq!(bench.says((6, 6), &base, &commands, "ls out; ls -d deps || echo gone"), "gone\n", "for this run");
    let other = Bench::new(&stage, cache.path());
    assert_eq!(other.says((3, 3), &base, &commands, see), first, "nor is it made again by another process");
    let same = commit(&stage, "src", "1\n2\n");
    assert_eq!(bench.says((4, 4), &same, &commands, "cat deps/stamp"), first.lines().next().unwrap().to_owned() + "\n");
    let locked = commit(&stage, "lock", "2\n");
    assert_ne!(bench.says((5, 5), &locked, &commands, see), first, "with another input it is made again");
}

#[test]
fn set_up_is_for_what_the_person_started_from_and_never_for_what_an_agent_committed() {
    let (stage, cache) = (Stage::with(FILES), cache());
    let (bench, commands) = (Bench::new(&stage, cache.path()), set_up(STAMP, true));
    let base = stage.git(&["rev-parse", "HEAD"]);
    let stamp = bench.says((1, 1), &base, &commands, "cat deps/stamp deps/who");
    assert!(stamp.ends_with("\nthe person\n"), "{stamp}");
    let theirs = commit(&stage, "prepare.sh", "echo an agent\n");
    assert_eq!(bench.says((1, 2), &theirs, &commands, "cat deps/stamp deps/who"), stamp);
    // The control: were it the start of a tree, it would be made of it.
    assert!(bench.says((3, 3), &theirs, &commands, "cat deps/who").contains("an agent"));
}

#[test]
fn only_set_up_with_a_network_reaches_one() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let reach = format!("exec 3<>/dev/tcp/127.0.0.1/{} && echo reached", listener.local_addr().expect("a port").port());
    let (stage, cache) = (Stage::with(FILES), cache());
    let base = stage.git(&["rev-parse", "HEAD"]);
    let bench = Bench::new(&stage, cache.path());
    let with = set_up(&format!("mkdir deps; {reach} > deps/net"), true);
    let seen = bench.says((1, 1), &base, &with, &format!("cat deps/net; bash -c '{reach}' 2>/dev/null || echo walled"));
    assert_eq!(seen, "reached\nwalled\n");
    let refused = bench.run((2, 2), &base, &set_up(&reach, false), "true").expect_err("no network");
    assert!(refused.hint.as_deref().is_some_and(|hint| hint.contains("network = true")), "{refused:?}");
}

#[test]
fn set_up_that_fails_says_which_and_its_last_lines_and_no_command_runs() {
    let (stage, cache) = (Stage::with(FILES), cache());
    let base = stage.git(&["rev-parse", "HEAD"]);
    let bench = Bench::new(&stage, cache.path());
    let commands = set_up("seq 100; sleep 0.5; echo no such package >&2; exit 3", true);
    let failed = bench.run((1, 1), &base, &commands, "touch made").expect_err("it fails");
    for part in ["set-up `deps` failed (exit 3)", "no command was run", "99\n100\nno such package"] {
        assert!(failed.message.contains(part), "{part}: {failed}");
    }
    assert!(!failed.message.contains("\n70\n"), "only the last lines: {failed}");
    assert!(failed.hint.is_some());
    let missing = bench.run((2, 2), &base, &set_up("", false).renamed("no-such-tool"), "true").expect_err("none");
    assert!(missing.message.contains("set-up `deps` could not run: `no-such-tool` is not in"), "{missing}");
}

/// A service that answers each connection with a word and a count, and ends when it is told so.
const SERVICE: &str = r"
import os, socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', int(os.environ['PIT_PORT'])))
s.listen()
while True:
    c, _ = s.accept()
    try:
        c.sendall(b'hello\n')
        word = c.makefile().readline()
        c.close()
    except OSError:
        continue
    if word == 'end\n':
        print('told to end', flush=True)
        os._exit(3)
";

const TALK: &str = "exec 3<>/dev/tcp/127.0.0.1/$PIT_PORT; read said <&3; echo $said; echo";

fn with_service(text: &str) -> Commands {
    let run = ["python3", "-c", text].map(str::to_owned).to_vec();
    Commands { services: vec![Service { name: "web".into(), run, port: 0 }], ..Commands::default() }
}

/// What a port of this machine says.
fn asked(port: u16) -> std::io::Result<String> {
    let mut said = String::new();
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    std::io::Write::write_all(&mut stream, b"more\n")?;
    std::io::Read::read_to_string(&mut stream, &mut said)?;
    Ok(said)
}

#[test]
fn a_service_lives_as_long_as_its_run_and_is_reached_from_inside_and_by_a_port_of_this_machine() {
    let (stage, cache) = (Stage::with(FILES), cache());
    let base = stage.git(&["rev-parse", "HEAD"]);
    let (bench, commands) = (Bench::new(&stage, cache.path()), with_service(SERVICE));
    let talk = |word: &str| format!("bash -c '{TALK} {word} >&3'");
    assert_eq!(bench.says((1, 1), &base, &commands, &talk("more")), "hello\n");
    let run = RunId([1; 16]);
    let state = stage.repo().join(".git/pit");
    let [(name, port)] = &services::read(&state, run)[..] else { panic!("one service") };
    assert_eq!((name.as_str(), asked(*port).expect("an answer").as_str()), ("web", "hello\n"));
    // Each run has its own.
    assert_eq!(bench.says((2, 2), &base, &commands, &talk("more")), "hello\n");
    assert_ne!(services::read(&state, RunId([2; 16]))[0].1, *port);
    // One that ends is started again, and the next command is told.
    assert_eq!(bench.says((1, 1), &base, &commands, &talk("end")), "hello\n");
    let told = (0..100).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let ran = bench.run((1, 1), &base, &commands, "true").expect("it runs");
        ran.left_out.into_iter().find(|(of, _)| of == "(services)").map(|(_, note)| note)
    });
    let told = told.expect("it is told");
    assert!(told.contains("`web` had ended (exit 3)") && told.contains("told to end"), "{told}");
    assert_eq!(bench.says((1, 1), &base, &commands, &talk("more")), "hello\n");
    bench.exec.release(run);
    let gone = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        asked(*port).is_err()
    });
    assert!(gone, "it ends with its run");
    assert!(services::read(&state, run).is_empty());
}

#[test]
fn a_service_that_does_not_come_up_is_said_with_its_last_lines() {
    let (stage, cache) = (Stage::with(FILES), cache());
    let base = stage.git(&["rev-parse", "HEAD"]);
    let bench = Bench::new(&stage, cache.path());
    let ends = with_service("import sys; sys.exit('no database here')");
    let failed = bench.run((1, 1), &base, &ends, "touch made").expect_err("no service");
    for part in ["service `web` ended (exit 1)", "the command was not run", "no database here"] {
        assert!(failed.message.contains(part), "{part}: {failed}");
    }
    assert!(failed.hint.is_some_and(|hint| hint.contains("[services]")));
}

#[test]
fn a_service_sees_what_starts_warm() {
    let (stage, cache) = (Stage::with(FILES), cache());
    let base = stage.git(&["rev-parse", "HEAD"]);
    let bench = Bench::new(&stage, cache.path());
    let reads = with_service("import sys; sys.exit(f\"it has {open('out/lib').read()}\")").services;
    let failed = bench.run((1, 1), &base, &Commands { services: reads, ..set_up(STAMP, false) }, "true");
    let failed = failed.expect_err("it ends");
    assert!(failed.message.contains("it has built"), "{failed}");
}

trait Renamed {
    fn renamed(self, program: &str) -> Self;
}

impl Renamed for Commands {
    fn renamed(mut self, program: &str) -> Self {
        self.setup[0].run = vec![program.to_owned()];
        self
    }
}

/// Files and folders below a folder.
fn entries(at: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(at).into_iter().flatten().flatten().map(|entry| entry.path());
    found
        .flat_map(|path| if path.is_dir() { [vec![path.clone()], entries(&path)].concat() } else { vec![path] })
        .collect()
}

#[test]
fn what_commands_leave_on_the_disk_does_not_grow() {
    let (stage, cache) = (Stage::with(FILES), cache());
    let base = stage.git(&["rev-parse", "HEAD"]);
    let commands = set_up(STAMP, false);
    let settled = |round: u8| {
        let bench = Bench::new(&stage, cache.path());
        let _ = bench.says((round, round), &base, &commands, "seq 1000 > out/big; seq 1000 > deps/big; seq 9 > new");
        bench.exec.release(RunId([round; 16]));
        bench.exec.forget(vec![RunId([round; 16])]);
        // It is removed where nobody waits for it; a minute is for a machine that does much else.
        for _ in 0..600 {
            if entries(&cache.path().join("runs")).is_empty() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let left = entries(&cache.path().join("runs"));
        assert!(left.is_empty(), "round {round}: {left:?}");
        entries(&cache.path().join("setup")).len()
    };
    let first = settled(1);
    assert_eq!([settled(2), settled(3)], [first, first]);
}

#[test]
fn a_person_has_a_shell_on_the_files_of_a_run_and_a_copy_of_them() {
    let stage = Stage::new();
    let model = stage.script(&script(""));
    let _ = stage.pit(&["run", "--solo", "Never overflow", "-m", &model]).exits(3);
    let id = stage.trees().remove(0);
    let said = stage.pit(&["terminal", &id, "--", "grep", "saturating_add", "src/lib.rs"]).exits(0);
    assert!(said.out.contains("n.saturating_add(1)"), "{}", said.out);
    let said = stage.pit(&["terminal", &id, "--", "sh", "-c", "echo mine > src/lib.rs; pwd; git log --format=%an -1"]);
    let said = said.exits(0).says("what is changed here is gone at the end");
    assert!(said.out.contains(&stage.repo().display().to_string()) && said.out.contains("coder"), "{}", said.out);
    let _ = stage.pit(&["terminal", &id, "--", "grep", "-c", "mine", "src/lib.rs"]).exits(1);
    let _ = stage.pit(&["terminal", &id, "--", "cat", "/etc/shadow"]).exits(1);
    let _ = stage.pit(&["terminal", &id, "--", "no-such-tool"]).exits(1).says("`no-such-tool` is not in");
    let _ = stage.pit(&["terminal", &id]).exits(2).says("-- COMMAND");

    let _ = stage.pit(&["checkout", &id]).exits(0).says("files");
    // It is beside the repository: git has nothing new to say.
    let own = stage.repo().file_name().expect("a name").to_string_lossy().into_owned();
    let copy = format!("../{own}-{id}/src/lib.rs");
    assert!(stage.read(&copy).contains("saturating_add") && stage.git(&["status", "--short"]).is_empty());
    stage.write(&copy, "mine");
    let _ = stage.pit(&["checkout", &id]).exits(1).says("is there already; nothing was written");
    assert_eq!(stage.read(&copy), "mine");
    let _ = stage.pit(&["checkout", &id, "elsewhere"]).exits(0);
    assert!(stage.read("elsewhere/README.md").contains("Tally"));
    assert!(!stage.read("src/lib.rs").contains("saturating_add"), "the person's own files are as they were");
}

#[test]
fn a_shell_of_the_persons_has_a_terminal_of_its_own() {
    let stage = Stage::new();
    let model = stage.script(&script(""));
    let _ = stage.pit(&["run", "--solo", "Never overflow", "-m", &model]).exits(3);
    let id = stage.trees().remove(0);
    let mut shell = stage.attend(&["terminal", &id]);
    shell.sees(&format!("(pit {id}) $"));
    // A key that sends a signal ends what runs in the shell, and neither the shell nor what watches it.
    shell.types("sleep 1000\r");
    shell.sees("$ sleep 1000");
    shell.types("\x03");
    shell.types("test -t 0 && test -t 1 && stty size && echo $((40 + 2)) && exit 7\r");
    shell.sees("24 80");
    shell.sees("42");
    assert_eq!(shell.ends(), 1);
    assert!(shell.is_as_before(), "the person's own terminal is theirs again");
}

#[test]
fn what_is_uncommitted_is_in_the_copy_and_clean_gives_the_disk_back() {
    let stage = Stage::new();
    let runs = guest("runs").to_string_lossy().into_owned();
    let goal = "write kept.txt one\ncommit\nsh echo two > kept.txt; echo three > new.txt";
    let _ = stage.pit(&["agent", "run", &runs, goal, "--give", "as-asked"]);
    let id = stage.trees().remove(0);
    let _ = stage.pit(&["checkout", &id, "copy"]).exits(0);
    assert_eq!([stage.read("copy/kept.txt"), stage.read("copy/new.txt")], ["two\n", "three\n"]);
    let _ = stage.pit(&["terminal", &id, "--", "cat", "kept.txt", "new.txt"]).exits(0).says("two\nthree");
    let _ = stage.pit(&["clean", "--dry-run"]).exits(0);
}

#[test]
fn what_a_command_writes_is_shown_as_it_comes_and_cleaned() {
    let stage = Stage::new();
    let runs = guest("runs").to_string_lossy().into_owned();
    let run = ["agent", "run", &runs, "sh printf 'one\\033[2Jtwo\\n'", "--give", "as-asked"];
    let said = stage.pit(&[&run[..], &["-o", "stream-json"]].concat());
    let lines = said.out.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let shown: Vec<_> = lines.filter(|line| line["type"] == "exec.output").collect();
    let text: String = shown.iter().filter_map(|line| line["text"].as_str()).collect();
    assert!(text.contains("one") && text.contains("two") && !text.contains('\u{1b}'), "{shown:?}\n{}", said.err);
    let said = stage.pit(&[&run[..], &["-v"]].concat());
    assert!(said.err.contains(" | one") && !said.err.contains('\u{1b}'), "{}", said.err);
    assert!(said.err.contains(" $ sh -c "), "after the command: {}", said.err);
    let halves = ["agent", "run", &runs, "sh printf begun; sleep 1; echo ' and ended'", "--give", "as-asked", "-v"];
    let said = stage.pit(&halves);
    assert!(said.err.contains(" | begun and ended\n"), "by whole lines: {}", said.err);
    let said = stage.pit(&run);
    assert!(!said.err.contains(" | one"), "only to those who ask for it: {}", said.err);
}

/// S9: ignored dependencies, a server for each, and eight agents that run a command at once.
#[test]
fn eight_agents_at_once_have_ports_of_their_own_and_take_turns_at_the_cores() {
    let (stage, cache) = (Stage::with(FILES), cache());
    let base = stage.git(&["rev-parse", "HEAD"]);
    let bench = Bench::new(&stage, cache.path());
    let commands = Commands { services: with_service(SERVICE).services, ..set_up(STAMP, false) };
    let text = format!(
        "date +%s%N; cat deps/stamp; bash -c '{TALK} more >&3'; seq 1000 > deps/mine; seq 9 > own; sleep 0.3; date +%s%N"
    );
    let said: Vec<String> = std::thread::scope(|scope| {
        let one = |agent: u8| bench.says((agent, agent), &base, &commands, &text);
        let all: Vec<_> = (1..=8).map(|agent| scope.spawn(move || one(agent))).collect();
        all.into_iter().map(|one| one.join().expect("it runs")).collect()
    });
    let lines: Vec<Vec<&str>> = said.iter().map(|said| said.lines().collect()).collect();
    assert!(lines.iter().all(|line| line[1] == lines[0][1] && line[2] == "hello"), "one set-up for all: {said:?}");
    let times: Vec<(u64, u64)> =
        lines.iter().map(|line| (line[0].parse().expect("a time"), line[3].parse().expect("a time"))).collect();
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    for (start, _) in &times {
        let at_once = times.iter().filter(|(from, to)| (from..=to).contains(&start)).count();
        assert!(at_once <= cores, "{at_once} at a time: {times:?}");
    }
    let state = stage.repo().join(".git/pit");
    let ports: std::collections::BTreeSet<u16> =
        (1..=8).flat_map(|agent| services::read(&state, RunId([agent; 16]))).map(|(_, port)| port).collect();
    assert_eq!(ports.len(), 8, "a port for each");
    stage.git(&["fsck", "--strict"]);
    // Its own files are all that an agent adds.
    for agent in 1..=8 {
        let own = entries(&cache.path().join("runs").join(RunId([agent; 16]).to_string()));
        let bytes: u64 =
            own.iter().filter_map(|path| path.metadata().ok()).filter(|of| of.is_file()).map(|of| of.len()).sum();
        assert!(bytes < 64 << 10, "{bytes} bytes: {own:?}");
        bench.exec.release(RunId([agent; 16]));
    }
    bench.exec.forget((1..=8).map(|agent| RunId([agent; 16])).collect());
    let gone = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        entries(&cache.path().join("runs")).is_empty()
    });
    assert!(gone, "the disk is back: {:?}", entries(&cache.path().join("runs")));
}

#[test]
fn set_up_with_a_network_is_told_of_the_proxy_and_the_certificates() {
    let text = "cp $SSL_CERT_FILE kept; echo $HTTPS_PROXY >> kept";
    let file = format!("schema = 1\n[setup]\nget = {{ run = [\"sh\", \"-c\", \"{text}\"], network = true }}\n");
    let stage = Stage::with(&[(".gitignore", "kept\n"), ("pit.toml", &file)]);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let certificates = stage.home().join("corporate.pem");
    std::fs::write(&certificates, "our own\n").expect("a file");
    let runs = guest("runs").to_string_lossy().into_owned();
    let see = "sh cat kept; echo [$SSL_CERT_FILE$HTTPS_PROXY]";
    let mut pit = stage.command(&["agent", "run", &runs, see, "--give", "as-asked", "-v"]);
    let output = pit.env("SSL_CERT_FILE", &certificates).env("HTTPS_PROXY", "http://proxy.example:3128").output();
    let said = String::from_utf8_lossy(&output.expect("pit").stderr).into_owned();
    for part in ["| our own", "| http://proxy.example:3128", "| []"] {
        assert!(said.contains(part), "no `{part}`: {said}");
    }
}

#[test]
fn a_copy_of_what_is_secret_is_gone_when_its_run_is() {
    let (stage, cache) = (Stage::with(FILES), cache());
    let base = stage.git(&["rev-parse", "HEAD"]);
    stage.write("deps/secret", "TOKEN=tok-1234567\n");
    let bench = Bench::new(&stage, cache.path());
    let commands = Commands { include: vec!["deps/secret".into()], ..Commands::default() };
    assert_eq!(bench.says((1, 1), &base, &commands, "cat deps/secret"), "TOKEN=[redacted]\n");
    let copies = || entries(cache.path()).iter().filter(|path| path.ends_with("deps/secret")).count();
    assert_eq!(copies(), 1);
    bench.exec.forget(vec![RunId([1; 16])]);
    assert_eq!(copies(), 0, "at once, for the process may end");
}

#[test]
fn programs_of_a_warm_environment_are_found_by_name() {
    let stage = Stage::with(&[(".gitignore", ".venv/\n"), ("src", "1\n")]);
    let (cache, base) = (cache(), stage.git(&["rev-parse", "HEAD"]));
    let bench = Bench::new(&stage, cache.path());
    let make = "mkdir -p .venv/bin; printf '#!/bin/sh\necho found in $VIRTUAL_ENV' > .venv/bin/own-tool; \
                chmod +x .venv/bin/own-tool";
    let warm = vec![RepoPath::new(".venv").expect("a path")];
    let commands = Commands { warm, ..set_up(make, false) };
    let at = stage.repo().canonicalize().expect("it is there");
    assert_eq!(bench.says((1, 1), &base, &commands, "own-tool"), format!("found in {}/.venv\n", at.display()));
    // The control: a folder that is not one of these brings nothing.
    let other =
        Commands { warm: vec![RepoPath::new("env").expect("a path")], ..set_up(&make.replace(".venv", "env"), false) };
    let ran = bench.run((2, 2), &base, &other, "own-tool").expect("it runs");
    assert_eq!(ran.ended, Ended::Exited(127));
}

#[test]
fn a_red_change_of_what_set_up_is_for_is_told_that_set_up_has_not_run_for_it() {
    let file = "schema = 1\n[setup]\nget = { run = [\"sh\", \"-c\", \"cp want deps\"], inputs = [\"want\"] }\n\
                [checks.full]\nsame = { run = [\"cmp\", \"want\", \"deps\"] }\n";
    let stage = Stage::with(&[(".gitignore", "deps\n"), ("want", "1\n"), ("pit.toml", file)]);
    let _ = stage.pit(&["trust", "-y"]).exits(0);
    let runs = guest("runs").to_string_lossy().into_owned();
    let said = stage.pit(&["agent", "run", &runs, "write want 2\\n\ncommit", "--give", "as-asked"]).exits(4);
    assert!(said.out.contains("[pit: want: [setup] has run for what the work starts from"), "{}", said.out);
    // The control: another file.
    let said = stage.pit(&["agent", "run", &runs, "write other 2\\n\ncommit", "--give", "as-asked"]).exits(0);
    assert!(!said.out.contains("[pit: "), "{}", said.out);
}

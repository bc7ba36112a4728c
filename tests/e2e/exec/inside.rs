//! What a command finds: its files where the repository is, git, a home, a system, and no way to anything else.

use std::net::TcpListener;

use orchestra_pit_tests::Stage;

use super::{has, has_not, told};

#[test]
fn it_has_a_home_a_name_and_what_programs_expect() {
    let stage = Stage::new();
    let said = told(
        &stage,
        &[
            "sh echo at $PWD $PIT_ROOT $PIT_WORKSPACE",
            "sh echo set $HOME $USER $TERM $TMPDIR $CI $LANG",
            "sh echo name $(getent passwd $(id -u) | cut -d: -f1,6) and $(id -un)",
            "sh echo kept > $HOME/note && echo kept > /tmp/note && echo kept > /dev/shm/note && cat $HOME/note",
            "sh cat $HOME/note /tmp/note || echo nothing is left",
            "sh date +%Z; echo zone; test -c /dev/null && head -c 4 /dev/urandom | wc -c",
            "sh touch /usr/mark; touch /etc/mark; echo tried",
            "sh ls /root /home /var/lib/dpkg; id -u; grep CapEff /proc/self/status",
        ],
    );
    let repo = stage.repo().display().to_string();
    has(&said, &format!("out=at {repo} {repo} {repo} err="));
    has(&said, "out=set /home/pit pit dumb /tmp 1 C.UTF-8 err=");
    has(&said, "out=name pit:/home/pit and pit err=");
    has(&said, "out=kept err=");
    // Each command has a new one.
    has(&said, "nothing is left");
    has(&said, "zone\n4");
    has(&said, "out=tried err=touch: cannot touch '/usr/mark': Read-only file system");
    // Nobody's rights, and nobody's files.
    has(&said, "CapEff:\t0000000000000000");
    has_not(&said, ".cargo");
}

#[test]
fn git_answers_as_in_an_ordinary_clone_and_nothing_of_it_can_be_changed() {
    let stage = Stage::new();
    stage.git(&["tag", "-a", "v1.2", "-m", "Release"]);
    stage.git(&["remote", "add", "origin", "https://example.org/secret-token/x.git"]);
    stage.git(&["config", "core.hooksPath", "/tmp/hooks"]);
    let said = told(
        &stage,
        &[
            "$ git describe",
            "sh echo status=$(git status --porcelain).",
            "sh echo remotes=$(git remote -v). hooks=$(git config core.hooksPath).",
            "$ git log --format=%s",
            "$ git fsck",
            "write src/lib.rs changed",
            "sh git status --porcelain; git diff --stat",
            "commit",
            "sh echo after=$(git status --porcelain). $(git log --format=%s | head -1)",
        ],
    );
    has(&said, "out=v1.2 err=");
    has(&said, "out=status=. err=");
    has(&said, "out=remotes=. hooks=/dev/null. err=");
    has(&said, "out=Start err=");
    has(&said, "src/lib.rs | ");
    // HEAD is where the agent is.
    has(&said, "out=after=. Do as told err=");
    has_not(&said, "fatal");
}

#[test]
fn what_an_agent_may_not_read_its_commands_do_not_find() {
    let stage = Stage::with(&[(".env", "TOKEN=hunter2\n"), ("README.md", "# Tally\n"), ("deep/id_rsa", "hunter2\n")]);
    stage.git(&["tag", "v1"]);
    let said = told(
        &stage,
        &[
            "sh cat .env deep/id_rsa",
            "sh cat README.md",
            "sh grep -r hunter2 . ; echo looked",
            "sh ls -A . deep",
            "sh echo x > .env",
            "sh echo 1 > one",
            "sh echo 2 > two; rm one",
            "sh cat .env two; ls -A",
            "sh git describe --tags; git status --porcelain; git log --format=%s",
            "sh git show HEAD:.env HEAD:deep/id_rsa 2>&1 | sed 's/^/told /'",
            "sh git cat-file --batch-all-objects --batch --buffer | grep -a Tally",
        ],
    );
    has(&said, "cat: .env: No such file");
    has(&said, "out=# Tally err=");
    has(&said, "out=looked err=");
    has_not(&said, "hunter2");
    // Nor do they after files have changed twice.
    has(&said, "out=2\n.git\nREADME.md\ndeep\ntwo err=cat: .env: No such file");
    // Git has it too, and does as if it were not checked out.
    has(&said, "out=v1\n?? two\nStart err=");
    has(&said, "out=told fatal: ");
    has(&said, "out=# Tally");
    // Nor do they put something in its place.
    has(&said, "left out: .env: the run may not write it");
}

#[test]
fn there_is_no_network_but_its_own_loopback() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let connect = |host: &str, port: u16| {
        format!(
            "sh python3 -c 'import socket; socket.create_connection((\"{host}\", {port}), 5); print(\"reached\")' 2>&1 | tail -1"
        )
    };
    let own = "sh python3 -c 'import socket; s = socket.create_server((\"127.0.0.1\", 0)); \
               socket.create_connection(s.getsockname()); print(\"own loopback\")'";
    let stage = Stage::new();
    let said = told(
        &stage,
        &[
            &connect("127.0.0.1", port),
            &connect("192.0.2.1", 80),
            own,
            "sh ls /sys/class/net; getent hosts example.org || echo no names",
        ],
    );
    has(&said, "Connection refused");
    has(&said, "Network is unreachable");
    has(&said, "out=own loopback err=");
    has(&said, "no names");
    has_not(&said, "out=reached");
    // The control: from outside it is there.
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
}

#[test]
fn what_commands_leave_ignored_stays_for_the_next_and_is_in_no_commit() {
    let stage = Stage::with(&[(".gitignore", "out/\n*.o\n"), ("src/lib.rs", "// nothing\n")]);
    let said = told(
        &stage,
        &[
            "sh mkdir -p out/deep && echo built > out/deep/result && echo object > src/lib.o && echo kept > kept.txt",
            "sh cat out/deep/result src/lib.o",
            "sh rm -r out; ls",
            "sh ls; test -e out || echo out is gone; git status --porcelain --ignored",
            "commit",
        ],
    );
    has(&said, "out=built\nobject err=");
    has(&said, "out is gone");
    has(&said, "!! src/lib.o");
    has(&said, "changed: kept.txt");
    let files = stage.git(&["ls-tree", "-r", "--name-only", &super::branch(&stage)]);
    assert_eq!(files, ".gitignore\nkept.txt\nsrc/lib.rs");
    // Nothing of it came into the person's own files.
    assert!(!stage.repo().join("out").exists() && !stage.repo().join("kept.txt").exists());
}

//! Files of every sort, and a repository of some size.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use orchestra_pit_tests::Stage;

use super::branches;

const CALL: &str = "[[conversation.reply]]\ncalls = [{ tool = \"str_replace_based_edit_tool\", arguments = ";

/// A conversation of the coder's: arguments of its editor, each with what the answer to the one before it must have.
fn conversation(steps: &[(&str, &str)]) -> String {
    let mut script = "schema = 1\n[[conversation]]\nagent = \"coder\"\n".to_owned();
    let mut expected = "";
    for (arguments, answer) in steps {
        let (head, tail) = CALL.split_once('\n').expect("two lines");
        script.push_str(&format!("{head}\n{expected}{tail}{arguments} }}]\n"));
        expected = answer;
    }
    script
        + "[[conversation.reply]]\n"
        + expected
        + "calls = [{ tool = \"finish\", arguments = { summary = \"Done\", criteria = [] } }]\n"
}

#[test]
fn odd_files_are_shown_as_what_they_are_and_left_as_they_were() {
    let stage = Stage::new();
    let repo = stage.repo();
    std::fs::write(repo.join("crlf.txt"), b"\xef\xbb\xbfone\r\ntwo\r\n").unwrap();
    std::fs::write(repo.join("binary"), b"\0\x01\x02").unwrap();
    std::fs::write(repo.join("large"), vec![b'x'; 100 << 20]).unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    stage.write("picture.bin", pointer);
    std::os::unix::fs::symlink("/etc/passwd", repo.join("link")).unwrap();
    let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xe9");
    std::fs::write(repo.join(odd), "odd\n").unwrap();
    stage.git(&["add", "-A"]);
    stage.git(&["update-index", "--add", "--cacheinfo", "160000,1111111111111111111111111111111111111111,module"]);
    stage.git(&["commit", "-qm", "Odd"]);
    stage.write(".gitattributes", "*.bin filter=lfs\n*.txt text eol=lf\n");
    stage.git(&["add", ".gitattributes"]);
    stage.git(&["commit", "-qm", "Attributes"]);

    let model = stage.script(&conversation(&[
        (r#"{ command = "view", path = "link" }"#, "expect.last_lacks = \"root:\"\nexpect.last_contains = \"link\"\n"),
        (r#"{ command = "view", path = "module" }"#, "expect.last_contains = \"module\"\n"),
        (r#"{ command = "view", path = "picture.bin" }"#, "expect.last_contains = \"git-lfs\"\n"),
        (r#"{ command = "view", path = "large" }"#, ""),
        (r#"{ command = "view", path = "binary" }"#, ""),
        (r#"{ command = "str_replace", path = "crlf.txt", old_str = "one", new_str = "1" }"#, ""),
    ]));
    let _ = stage.pit(&["run", "--solo", "Edit what there is", "-m", &model]).exits(3);
    let branch = branches(&stage).remove(0);
    assert_eq!(stage.git(&["diff", "--name-status", "main", &branch]), "M\tcrlf.txt", "everything else is as it was");
    let mut git = Command::new("git");
    git.arg("-C").arg(&repo).args(["cat-file", "blob", &format!("{branch}:crlf.txt")]);
    let bytes = git.output().expect("git").stdout;
    assert_eq!(bytes, b"\xef\xbb\xbf1\r\ntwo\r\n", "mark and line ends are kept");
    stage.git(&["fsck", "--strict", "--no-dangling"]);
}

/// The sources of a crate that this project is built from: what cargo unpacked, a thousand files of somebody else's.
fn sources(name: &str) -> PathBuf {
    let lock =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock")).expect("Cargo.lock");
    let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).expect("a package of Cargo.lock");
    let folder = format!("{name}-{}", rest.split('"').next().expect("a version"));
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))).expect("cargo's home");
    let registries = std::fs::read_dir(home.join("registry/src")).expect("what cargo unpacked");
    let mut found = registries.map(|registry| registry.expect("a registry").path().join(&folder));
    found.find(|path| path.is_dir()).unwrap_or_else(|| panic!("{folder} is not unpacked"))
}

#[test]
fn a_real_repository_of_some_size_is_worked_in_as_fast_as_a_small_one() {
    let stage = Stage::bare_of_commits();
    for name in ["cranelift-codegen", "libgit2-sys", "rustix", "tokio", "wasmtime"] {
        let copied = Command::new("cp").arg("-R").arg(sources(name)).arg(stage.repo().join(name)).status();
        assert!(copied.expect("cp").success());
    }
    stage.git(&["add", "-A", "--force"]);
    stage.git(&["commit", "-qm", "Sources"]);
    let files = stage.git(&["ls-files"]).lines().count();
    assert!(files > 1_000, "{files} files");

    let model = stage.script(&conversation(&[
        (r#"{ command = "view", path = "libgit2-sys/libgit2/README.md" }"#, "expect.last_contains = \"libgit2\"\n"),
        (r#"{ command = "create", path = "docs/note.md", file_text = "Seen.\n" }"#, ""),
    ]));
    let began = Instant::now();
    let _ = stage.pit(&["run", "--solo", "Leave a note", "-m", &model]).exits(3);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let branch = branches(&stage).remove(0);
    assert_eq!(stage.git(&["diff", "--name-status", "main", &branch]), "A\tdocs/note.md");
    stage.git(&["fsck", "--strict", "--no-dangling"]);
    let id = stage.trees().remove(0);
    let _ = stage.pit(&["accept", "--unverified", &id, "-y"]).exits(0);
    assert_eq!((stage.read("docs/note.md").as_str(), stage.git(&["status", "--porcelain"]).as_str()), ("Seen.\n", ""));
}

//! Repositories to measure on, on a real disk: in cargo's own folder for such things, since the system's may be memory.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Result;

/// A folder that is gone with its value.
pub fn folder() -> Result<tempfile::TempDir> {
    std::fs::create_dir_all(env!("CARGO_TARGET_TMPDIR"))?;
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// 60 files a folder.
pub fn name(n: usize) -> String {
    format!("src/m{}/p{}/f{n}.rs", n / 6_000, n / 60)
}

/// 1 to 3 KiB, as small sources are.
pub fn body(n: usize) -> String {
    (0..30 + n % 40)
        .map(|line| format!("    let value_{line} = compute({}, {line}); // {n}\n", n * 31 + line * 7))
        .collect()
}

/// Some file names, spread over the repository.
pub fn some(count: usize, files: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |k| k * files / count + 7)
}

/// Makes a repository with one commit of so many files; its folder has none of them checked out.
pub fn make(dir: &Path, files: usize) -> Result<()> {
    if files > 10_000 {
        eprintln!("  making a repository of {files} files");
    }
    git(dir, &["init", "-q", "-b", "main"])?;
    git(dir, &["config", "user.name", "Bench"])?;
    git(dir, &["config", "user.email", "bench@example.org"])?;
    let mut import =
        Command::new("git").current_dir(dir).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
    {
        let mut to = std::io::BufWriter::new(import.stdin.take().ok_or("no pipe")?);
        write!(to, "commit refs/heads/main\ncommitter B <b@example.org> 1700000000 +0000\ndata 1\nx\n")?;
        for n in 0..files {
            let mut text = body(n);
            if n % 5_000 == 4_321 {
                text.push_str("needle\n");
            }
            write!(to, "M 644 inline {}\ndata {}\n{text}\n", name(n), text.len())?;
        }
        writeln!(to, "done")?;
    }
    if !import.wait()?.success() {
        return Err("git fast-import failed".into());
    }
    Ok(())
}

/// Runs git, without its words.
pub fn git(dir: &Path, args: &[&str]) -> Result<()> {
    let done = Command::new("git").current_dir(dir).args(args).stdout(Stdio::null()).status()?;
    if done.success() { Ok(()) } else { Err(format!("git {args:?} failed").into()) }
}

//! What is needed beyond the Rust toolchain: installed when it is missing, and only then.

use crate::{place, stage};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target of agents in Rust, and the source of the C library for those in C.
pub const WASM: &str = "wasm32-wasip2";

/// The folder of the toolchain's targets.
pub fn rustlib() -> Result<PathBuf, String> {
    Ok(Path::new(rustc(&["--print", "sysroot"])?.trim()).join("lib/rustlib"))
}

/// The folder of the linkers that come with the toolchain.
pub fn linkers() -> Result<PathBuf, String> {
    let version = rustc(&["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    Ok(rustlib()?.join(host).join("bin"))
}

fn rustc(args: &[&str]) -> Result<String, String> {
    let output = Command::new("rustc").args(args).current_dir(place::root()).output();
    let output = output.map_err(|error| format!("rustc does not start: {error}; type: rustup default stable"))?;
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

/// The compiler's target for agents.
pub fn wasm() -> Result<(), String> {
    if rustlib()?.join(WASM).is_dir() {
        return Ok(());
    }
    let mut add = Command::new("rustup");
    add.args(["target", "add", WASM]).current_dir(place::root());
    stage::run("install the target of agents", &mut add)
}

/// A Python of our own with the tools for agents in Python and C. Answers its folder of programs.
pub fn python() -> Result<PathBuf, String> {
    let list = place::root().join("tests/guests/requirements.txt");
    let wanted = fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let home = place::own("python");
    let installed = home.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(home.join("bin"));
    }

    // Half an installation is none, and is not repaired.
    if home.exists() {
        fs::remove_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    }
    venv(&home)?;
    let mut pip = Command::new(home.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&list);
    stage::run("install componentize-py and zig", &mut pip)?;
    fs::write(&installed, wanted).map_err(|error| format!("{}: {error}", installed.display()))?;
    Ok(home.join("bin"))
}

/// A Python of our own in a folder, which is made.
pub fn venv(home: &Path) -> Result<(), String> {
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(home);
    if !venv.output().is_ok_and(|output| output.status.success()) {
        debian(&["python3", "python3-venv"])?;
        stage::run("set up Python", &mut venv)?;
    }
    Ok(())
}

/// Maven with what it needs to compile and to test without a network, as Debian has it. Where that is not to be had, the one test
/// that asks for it is left out.
pub fn maven() {
    let there = |path: &str| Path::new(path).exists();
    if there("/usr/bin/mvn") && there("/usr/share/maven-repo/org/apache/maven/plugins/maven-surefire-plugin") {
        return;
    }
    let packages = [
        "default-jdk-headless",
        "junit4",
        "libmaven-compiler-plugin-java",
        "libmaven-resources-plugin-java",
        "libsurefire-java",
        "maven",
    ];
    if let Err(why) = debian(&packages) {
        eprintln!("the test with Maven is left out: {why}");
    }
}

fn debian(packages: &[&str]) -> Result<(), String> {
    let hint = format!("install {} and try again", packages.join(" and "));
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(format!("this needs {}, and this machine has no apt-get; {hint}", packages.join(" and ")));
    }
    // The owner of this process, from the kernel: the standard library has no other way to ask.
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let apt = |args: &[&str]| {
        let mut apt = Command::new(if root { "apt-get" } else { "sudo" });
        apt.args(if root { &[][..] } else { &["-n", "apt-get"][..] })
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    stage::run("look for Debian packages", &mut apt(&["update"])).map_err(|error| format!("{error}; {hint}"))?;
    let mut install = apt(&["install", "--yes", "--no-install-recommends"]);
    stage::run("install Debian packages", install.args(packages)).map_err(|error| format!("{error}; {hint}"))
}

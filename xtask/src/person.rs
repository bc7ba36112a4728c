//! A person's home for the tests of commands: cargo by rustup, node as nvm lays it out, pytest as uv does; and beside it
//! the sources of a package of each, as its registry has them. All of it comes from registries, and is never committed.

use crate::{place, stage, tools};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is to be there. A folder that was made for another list, or in another place, is made anew: an environment of Python
/// names its own place.
const LIST: &str = "csv-core 0.1.13, inflection 0.5.1, requires-port 1.0.0; uv 0.9, pytest 8.4.2, node 22, mocha 10.8.2, assume 1.5.2\n";

pub fn run() -> Result<(), String> {
    let place = place::own("person");
    let (made, wanted) = (place.join("made.txt"), format!("{LIST}{}\n", place.display()));
    if fs::read_to_string(&made).is_ok_and(|made| made == wanted) {
        return Ok(());
    }
    if place.exists() {
        fs::remove_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    let (home, sources) = (place.join("home"), place.join("sources"));
    for folder in [&home, &sources] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    rust(&home, &sources)?;
    python(&home, &sources, &place.join("venv"))?;
    node(&home, &sources)?;
    // Whoever the tests are run as reads it.
    stage::run("let everybody read it", Command::new("chmod").args(["-R", "a+rX"]).arg(&place))?;
    fs::write(&made, wanted).map_err(|error| format!("{}: {error}", made.display()))
}

/// The toolchain that is in use, by its files, which cost no disk a second time; and a package with what it depends on.
fn rust(home: &Path, sources: &Path) -> Result<(), String> {
    let sysroot = tools::rustlib()?;
    let sysroot = sysroot.ancestors().nth(2).unwrap_or(&sysroot).to_owned();
    let name = sysroot.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let toolchains = home.join(".rustup/toolchains");
    let bin = home.join(".cargo/bin");
    for folder in [&toolchains, &bin] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    copy(&sysroot, &toolchains.join(&name))?;
    let settings = format!("version = \"12\"\ndefault_toolchain = \"{name}\"\nprofile = \"minimal\"\n");
    fs::write(home.join(".rustup/settings.toml"), settings).map_err(|error| error.to_string())?;
    let rustup = found("rustup")?;
    copy(&rustup, &bin.join("rustup"))?;
    for program in ["cargo", "rustc", "rustdoc"] {
        let link = bin.join(program);
        std::os::unix::fs::symlink("rustup", &link).map_err(|error| format!("{}: {error}", link.display()))?;
    }
    let cargo_home = home.join(".cargo");
    // Away from here, or cargo would take it for a part of this repository.
    let probe = std::env::temp_dir().join(format!("pit-person-{}", std::process::id()));
    let write = |path: &str, text: &str| {
        let path = probe.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&probe))
            .and_then(|()| fs::write(&path, text))
            .map_err(|e| e.to_string())
    };
    write(
        "Cargo.toml",
        "[package]\nname = \"probe\"\nedition = \"2021\"\n[dependencies]\ncsv-core = \"=0.1.13\"\n[workspace]\n",
    )?;
    write("src/lib.rs", "")?;
    let fetch = |folder: &Path| {
        let mut cargo = stage::cargo(&["fetch", "--quiet"]);
        cargo.current_dir(folder).env("CARGO_HOME", &cargo_home);
        stage::run("fetch csv-core and what it depends on", &mut cargo)
    };
    fetch(&probe)?;
    let unpacked = fs::read_dir(cargo_home.join("registry/src")).map_err(|error| error.to_string())?.flatten();
    let unpacked = unpacked.map(|index| index.path().join("csv-core-0.1.13")).find(|path| path.is_dir());
    let whole = probe.join("whole");
    copy(&unpacked.ok_or("cargo has not unpacked csv-core")?, &whole)?;
    let manifest = fs::read_to_string(probe.join("Cargo.toml")).map_err(|error| error.to_string())?;
    write("Cargo.toml", &manifest.replace("[workspace]", "[workspace]\nexclude = [\"whole\"]"))?;
    // What its tests depend on, and the lock file that names all of it.
    fetch(&whole)?;
    let mut out = Command::new("cp");
    stage::run("keep csv-core", out.arg("-rT").arg(&whole).arg(sources.join("csv-core")))?;
    fs::remove_dir_all(&probe).map_err(|error| error.to_string())
}

/// `uv tool install pytest`, by the uv that PyPI has.
fn python(home: &Path, sources: &Path, venv: &Path) -> Result<(), String> {
    tools::venv(venv)?;
    let pip = || {
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args(["-m", "pip", "--disable-pip-version-check", "--quiet"]);
        pip
    };
    stage::run("install uv", pip().args(["install", "uv~=0.9.0"]))?;
    let bin = home.join(".local/bin");
    fs::create_dir_all(&bin).map_err(|error| format!("{}: {error}", bin.display()))?;
    copy(&venv.join("bin/uv"), &bin.join("uv"))?;
    let mut uv = Command::new(bin.join("uv"));
    uv.args(["tool", "install", "--quiet", "--python", "/usr/bin/python3", "pytest==8.4.2"]).env("HOME", home);
    for name in ["XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_BIN_HOME", "XDG_CONFIG_HOME"] {
        uv.env_remove(name);
    }
    stage::run("install pytest by uv", &mut uv)?;
    let mut download = pip();
    download.args(["download", "--no-deps", "--no-binary", ":all:", "inflection==0.5.1", "--dest"]).arg(sources);
    stage::run("download inflection", &mut download)?;
    unpack(sources, "inflection-0.5.1.tar.gz", "inflection")
}

/// `nvm install`, by the node that npm has.
fn node(home: &Path, sources: &Path) -> Result<(), String> {
    let npm = || {
        let mut npm = Command::new("npm");
        npm.args(["--silent", "--no-audit", "--no-fund"]).current_dir(sources);
        npm
    };
    let aside = sources.join("node");
    fs::create_dir_all(&aside).map_err(|error| error.to_string())?;
    stage::run("download node", npm().args(["install", "node@22", "--prefix"]).arg(&aside))?;
    let program = aside.join("node_modules/node/bin/node");
    let version = Command::new(&program).arg("--version").output().map_err(|error| error.to_string())?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let prefix = home.join(".nvm/versions/node").join(&version);
    fs::create_dir_all(prefix.join("bin")).map_err(|error| error.to_string())?;
    copy(&program, &prefix.join("bin/node"))?;
    fs::remove_dir_all(&aside).map_err(|error| error.to_string())?;
    let mut install = npm();
    install.args(["install", "--global", "mocha@10.8.2", "assume@1.5.2", "--prefix"]).arg(&prefix);
    stage::run("install mocha", &mut install)?;
    stage::run("download requires-port", npm().args(["pack", "requires-port@1.0.0"]))?;
    unpack(sources, "requires-port-1.0.0.tgz", "requires-port")
}

fn unpack(sources: &Path, archive: &str, name: &str) -> Result<(), String> {
    let folder = sources.join(name);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(sources.join(archive)).args(["--strip-components", "1", "--no-same-owner", "-C"]).arg(&folder);
    stage::run(&format!("unpack {name}"), &mut tar)?;
    fs::remove_file(sources.join(archive)).map_err(|error| error.to_string())
}

/// Copies by further names of the same files where the disk is the same.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let copied = |args: &[&str]| {
        let mut cp = Command::new("cp");
        cp.args(args).arg(from).arg(to);
        cp
    };
    if copied(&["-aL", "--link"]).output().is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    // What was begun is in the way of what follows, if it is a folder.
    let _ = fs::remove_dir_all(to);
    stage::run(&format!("copy {}", from.display()), &mut copied(&["-aL"]))
}

/// The file of a program that is on the search path.
fn found(program: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let at = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file());
    let at = at.ok_or_else(|| format!("{program} is not on the search path; the tests need a toolchain by rustup"))?;
    fs::canonicalize(&at).map_err(|error| format!("{}: {error}", at.display()))
}

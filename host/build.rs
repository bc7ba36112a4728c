//! Builds the agents that `pit` ships and puts them, each with its manifest, into a table that `src/shipped.rs` includes;
//! and the stranger of its demo.
//!
//! A cargo of its own does it, in a folder of its own: the agents are another workspace, for another target, and the
//! outer cargo holds the lock of its own target folder while this runs.

#![expect(clippy::disallowed_methods, reason = "a build script reads the sources and starts the compiler")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

#[expect(dead_code, reason = "the build only writes manifests; the host reads them")]
#[path = "core/src/embed.rs"]
mod embed;

const TARGET: &str = "wasm32-wasip2";

/// The agent that the demo refuses: built with the others, and none of them.
const STRANGER: &str = "docs-bot";

/// How the names of variables begin that speak of the outer build: its flags, its target, its profiles, and wrappers of
/// the compiler such as clippy's. The rest is kept, above all the job server's address, so that both share the cores.
const OF_THE_OUTER_BUILD: &[&str] = &[
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_FEATURE_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CLIPPY_",
    "RUSTC",
    "RUSTFLAGS",
];

fn main() {
    if let Err(error) = build() {
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let host = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let plugins = host.join("../plugins");
    let scenarios = host.join("../tests/scenarios");
    let agents = agents(&plugins)?;
    watch(&plugins, &agents);
    println!("cargo::rerun-if-changed={}", scenarios.display());

    let target = out.join("plugins-target");
    compile(&plugins, &target)?;
    let mut table = String::from("/// The agents inside `pit`, by name.\npub static AGENTS: &[Shipped] = &[\n");
    for name in agents {
        let (manifest, file) = finish(&name, &plugins.join(&name), &target, &out)?;
        writeln!(
            table,
            "    Shipped {{ name: {name:?}, manifest: {manifest:?}, component: include_bytes!({file:?}) }},"
        )?;
    }
    table.push_str("];\n");
    let (_, file) = finish(STRANGER, &scenarios.join(STRANGER), &target, &out)?;
    writeln!(table, "/// The demo's stranger.\npub static STRANGER: &[u8] = include_bytes!({file:?});")?;
    fs::write(out.join("agents.rs"), table)?;
    Ok(())
}

/// Puts an agent's manifest into the component that was built of it: the manifest's text, and the file that has both.
fn finish(name: &str, folder: &Path, target: &Path, out: &Path) -> Result<(String, PathBuf), Box<dyn Error>> {
    let manifest = fs::read_to_string(folder.join("agent.toml"))?;
    let built = target.join(TARGET).join("release").join(format!("{}.wasm", name.replace('-', "_")));
    let component = fs::read(&built)
        .map_err(|error| format!("{error}: {}; is {name} a member in plugins/Cargo.toml?", built.display()))?;
    let component = embed::embed(&component, &manifest).map_err(|error| format!("{name}: {error}"))?;
    let file = out.join(format!("{name}.wasm"));
    fs::write(&file, component)?;
    Ok((manifest, file))
}

/// The folders with an `agent.toml`, in the order of their names.
fn agents(plugins: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(plugins)? {
        let entry = entry?;
        if entry.path().join("agent.toml").is_file() {
            names.push(entry.file_name().into_string().map_err(|name| format!("{name:?} is not UTF-8"))?);
        }
    }
    names.sort();
    Ok(names)
}

/// Not the whole of `plugins`, where a build by hand would leave a `target` that changes each time.
fn watch(plugins: &Path, agents: &[String]) {
    println!("cargo::rerun-if-env-changed=RUSTUP_TOOLCHAIN");
    for path in ["../wit", "../sdk/rust/Cargo.toml", "../sdk/rust/src", "core/src/embed.rs", "build.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    // `kit` is what several agents share; it has no manifest of its own.
    for name in ["Cargo.toml", "Cargo.lock", "kit"].into_iter().chain(agents.iter().map(String::as_str)) {
        println!("cargo::rerun-if-changed={}", plugins.join(name).display());
    }
}

fn compile(plugins: &Path, target: &Path) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(env::var("CARGO")?);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| OF_THE_OUTER_BUILD.iter().any(|prefix| name.starts_with(prefix))) {
            cargo.env_remove(name);
        }
    }
    cargo.args(["build", "--release", "--target", TARGET, "--target-dir"]).arg(target).current_dir(plugins);
    let output = cargo.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("target may not be installed") {
        return Err(format!("the compiler's target {TARGET} is missing; type: rustup target add {TARGET}").into());
    }
    Err(format!("the shipped agents do not build:\n{said}").into())
}

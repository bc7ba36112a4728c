//! `pit agent build`: an agent's component with its manifest inside, in one file that `pit` can run.

#![expect(clippy::disallowed_methods, reason = "builds what the person named, with the person's own cargo")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use orchestra_pit_core::embed::embed;
use serde::Deserialize;

use super::super::Failure;
use super::super::open::Place;
use super::super::out::{note, out};
use crate::assemble;
use crate::surface::exit::Exit;
use crate::surface::words;

/// The target of agents in Rust.
const TARGET: &str = "wasm32-wasip2";

/// `pit agent build`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder with the agent's `agent.toml`; with a `Cargo.toml` beside it, cargo makes the component.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The component, for an agent that other tools have built.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// Where the agent goes; `NAME.wasm` here if nothing is named.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Builds.
pub fn run(at: &Place, args: &Args) -> Result<Exit, Failure> {
    let folder = at.join(&args.folder);
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", path.display())))
    };
    let manifest = folder.join("agent.toml");
    let text = String::from_utf8(read(&manifest)?)
        .map_err(|_| Failure::new(Exit::Usage, format!("{} is not UTF-8 text", manifest.display())))?;
    let component = match &args.component {
        Some(component) => at.join(component),
        None if folder.join("Cargo.toml").is_file() => cargo(&folder)?,
        None => {
            let what = format!("{} has no Cargo.toml: it is not known how its component is built", folder.display());
            return Err(Failure::new(Exit::Usage, what).hint("pit agent build FOLDER --component FILE.wasm"));
        }
    };
    let wrong = |why: String| Failure::new(Exit::Usage, format!("{}: {why}", component.display()));
    let whole = embed(&read(&component)?, &text).map_err(|error| wrong(error.to_string()))?;
    let (known, manifest) = assemble::known(&whole).map_err(|error| wrong(error.to_string()))?;
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.wasm", manifest.name)));
    std::fs::write(at.join(&output), &whole)
        .map_err(|error| Failure::new(Exit::Failed, format!("{}: {error}", output.display())))?;
    words::agent(&known, &manifest).iter().for_each(|line| note!("{line}"));
    out!("{}", output.display());
    Ok(Exit::Done)
}

/// What cargo says of a file that it made; of all else it says, only this is of interest.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// The component that cargo makes in a folder.
fn cargo(folder: &Path) -> Result<PathBuf, Failure> {
    let built = Command::new("cargo")
        .args(["build", "--release", "--target", TARGET, "--message-format", "json-render-diagnostics"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| {
            Failure::new(Exit::Failed, format!("cargo does not start: {error}")).hint("Rust is had from rustup.rs")
        })?;
    if !built.status.success() {
        return Err(Failure::new(Exit::Failed, "the component does not build")
            .hint(format!("if the target is missing: rustup target add {TARGET}")));
    }
    let said = String::from_utf8_lossy(&built.stdout);
    let made = said.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let mut made = made.filter(|message| message.reason == "compiler-artifact").flat_map(|message| message.filenames);
    // The package itself comes last; what it depends on makes no such file.
    let component = made.rfind(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    component.ok_or_else(|| {
        Failure::new(Exit::Failed, "cargo made no component").hint("Cargo.toml takes: [lib] crate-type = [\"cdylib\"]")
    })
}

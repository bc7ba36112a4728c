//! `cargo xtask guests`: the agents that the tests run, each with its manifest, as `target/guests/NAME.wasm`.

use crate::{embed, place, stage, tools};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

pub fn run() -> Result<(), String> {
    tools::wasm()?;
    fs::create_dir_all(place::guests()).map_err(|error| format!("{}: {error}", place::guests().display()))?;
    rust()?;
    c()?;
    python()
}

/// All of one package: one cargo, one start of the compiler for what they share.
fn rust() -> Result<(), String> {
    let package = source("rust");
    let target = place::target().join("guests-rust");
    let mut cargo = stage::cargo(&["build", "--release", "--examples", "--target", tools::WASM, "--target-dir"]);
    stage::run("build the test guests in Rust", cargo.arg(&target).current_dir(&package))?;

    let built = target.join(tools::WASM).join("release/examples");
    for manifest in files(&package.join("guests"))?.iter().filter(|file| file.extension().is_some_and(|e| e == "toml"))
    {
        let name = manifest.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        finish(&built.join(format!("{name}.wasm")), manifest, &name)
            .map_err(|error| format!("{error}; is {name} an [[example]] in tests/guests/rust/Cargo.toml?"))?;
    }
    Ok(())
}

fn c() -> Result<(), String> {
    let sdk = place::root().join("sdk/c");
    for guest in folders("c")? {
        let name = format!("{}-c", guest.name);
        if fresh(&name, &[&guest.path, &sdk])? {
            continue;
        }
        let work = work(&name)?;
        let python = tools::python()?.join("python");
        let mut objects = Vec::new();
        let own = files(&guest.path)?.into_iter().filter(|file| file.extension().is_some_and(|e| e == "c"));
        for source in own.chain([sdk.join("agent.c")]) {
            let object = work.join(source.file_name().unwrap_or_default()).with_extension("o");
            let mut cc = Command::new(&python);
            cc.args(["-m", "ziglang", "cc", "--target=wasm32-wasi", "-std=c17", "-Os", "-Wall", "-Wextra", "-Werror"]);
            cc.arg("-I").arg(&sdk).arg("-c").arg(&source).arg("-o").arg(&object);
            stage::run(&format!("build {name}"), &mut cc)?;
            objects.push(object);
        }
        // The C library is the one that comes with the Rust target; a reactor is a component without `main`.
        let libc = tools::rustlib()?.join(tools::WASM).join("lib/self-contained");
        let linkers = tools::linkers()?;
        let component = work.join("component.wasm");
        let mut link = Command::new(linkers.join("wasm-component-ld"));
        link.arg("--wasm-ld-path").arg(linkers.join("gcc-ld/wasm-ld")).arg("-L").arg(&libc);
        link.args(["--entry", "_initialize", "--gc-sections", "--strip-all"]).arg(libc.join("crt1-reactor.o"));
        link.args(&objects).arg(sdk.join("agent_component_type.o")).arg("-lc").arg("-o").arg(&component);
        stage::run(&format!("link {name}"), &mut link)?;
        finish(&component, &guest.path.join("agent.toml"), &name)?;
    }
    Ok(())
}

fn python() -> Result<(), String> {
    let sdk = place::root().join("sdk/python");
    let wit = place::root().join("wit");
    for guest in folders("python")? {
        let name = format!("{}-python", guest.name);
        if fresh(&name, &[&guest.path, &sdk, &wit])? {
            continue;
        }
        let component = work(&name)?.join("component.wasm");
        let mut componentize = Command::new(tools::python()?.join("componentize-py"));
        componentize.arg("-q").arg("-d").arg(&wit).args(["-w", "agent", "componentize", "app", "-p"]).arg(&guest.path);
        componentize.arg("-p").arg(&sdk).arg("-o").arg(&component);
        stage::run(&format!("build {name}"), &mut componentize)?;
        finish(&component, &guest.path.join("agent.toml"), &name)?;
    }
    Ok(())
}

struct Guest {
    name: String,
    path: PathBuf,
}

fn source(language: &str) -> PathBuf {
    place::root().join("tests/guests").join(language)
}

/// A scratch folder for one guest.
fn work(name: &str) -> Result<PathBuf, String> {
    let work = place::own("guests").join(name);
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    Ok(work)
}

/// The guests of a language that has a folder for each.
fn folders(language: &str) -> Result<Vec<Guest>, String> {
    let found = files(&source(language))?.into_iter().filter(|path| path.join("agent.toml").is_file());
    Ok(found
        .map(|path| Guest { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), path })
        .collect())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// Puts the manifest into the component and the component where the tests look. One that has not changed is not
/// written again, so that what is compiled from it stays good.
fn finish(component: &Path, manifest: &Path, name: &str) -> Result<(), String> {
    let bytes = fs::read(component).map_err(|error| format!("{}: {error}", component.display()))?;
    let text = fs::read_to_string(manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
    let whole = embed::embed(&bytes, &text).map_err(|error| format!("{}: {error}", component.display()))?;
    let out = place::guests().join(format!("{name}.wasm"));
    if fs::read(&out).is_ok_and(|there| there == whole) {
        return Ok(());
    }
    fs::write(&out, whole).map_err(|error| format!("{}: {error}", out.display()))
}

/// Whether a guest is newer than all it is made of.
fn fresh(name: &str, sources: &[&Path]) -> Result<bool, String> {
    let Ok(made) = fs::metadata(place::guests().join(format!("{name}.wasm"))).and_then(|data| data.modified()) else {
        return Ok(false);
    };
    for folder in sources {
        for file in files(folder)?.iter().filter(|file| file.is_file()) {
            let changed = fs::metadata(file).and_then(|data| data.modified()).unwrap_or_else(|_| SystemTime::now());
            if changed >= made {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

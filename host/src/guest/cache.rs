//! Machine code that was compiled before, kept where only this user can write, and believed only with our MAC.
//!
//! Machine code runs without a sandbox, so a file of it is worth as much as the program itself. The folder is private;
//! each file carries an HMAC-SHA256 under a key that is kept elsewhere, over its name and its contents. What does not verify is
//! deleted and compiled anew.

#![expect(clippy::disallowed_methods, reason = "keeps compiled code in a folder of its own")]

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use orchestra_pit_core::id::Hash;
use sha2::Sha256;

use super::compile::Compiled;
use super::load::LoadError;

/// Where things are kept. Each is made if it is not there, and readable by this user alone.
#[derive(Clone, Debug)]
pub struct Places {
    /// Of the machine code: bulk that may be deleted at any time.
    pub code: PathBuf,
    /// Of the key: with the user's state, so that who can write the bulk cannot sign it.
    pub key: PathBuf,
}

/// What is in the name of every file, so that another version or another machine's code is never asked for.
const VERSION: &str = concat!("pit-", env!("CARGO_PKG_VERSION"), "-wasmtime-48");
const KEY_FILE: &str = "compiled-agents.key";
const KEY_LEN: usize = 32;
const MAC_LEN: usize = 32;

pub(super) struct Cache {
    folder: PathBuf,
    key: [u8; KEY_LEN],
    /// Of the engine's settings and this machine's features.
    configuration: u64,
}

impl Cache {
    /// Opens the folder and the key, or makes them.
    pub(super) fn open(places: &Places, configuration: u64) -> Result<Self, LoadError> {
        let cannot = |what: &str, path: &Path, why: io::Error| {
            LoadError::Host(format!("cannot keep {what} privately in {}: {why}", path.display()))
        };
        private_folder(&places.code).map_err(|why| cannot("compiled agents", &places.code, why))?;
        private_folder(&places.key).map_err(|why| cannot("their key", &places.key, why))?;
        let key = key(&places.key.join(KEY_FILE)).map_err(|why| cannot("the key", &places.key, why))?;
        Ok(Self { folder: places.code.clone(), key, configuration })
    }

    fn name(&self, agent: Hash) -> String {
        format!("{agent}-{VERSION}-{:016x}", self.configuration)
    }

    /// Covers the name too: one agent's code under another's name would run with the other's grants.
    fn mac(&self, name: &str, code: &[u8]) -> Result<Hmac<Sha256>, LoadError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key)
            .map_err(|why| LoadError::Host(format!("cannot use the key of compiled agents: {why}")))?;
        mac.update(&(name.len() as u64).to_be_bytes());
        mac.update(name.as_bytes());
        mac.update(code);
        Ok(mac)
    }

    /// The code of an agent, if it is there and ours.
    pub(super) fn get(&self, agent: Hash) -> Option<Compiled> {
        let name = self.name(agent);
        let path = self.folder.join(&name);
        let mut file = fs::OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(&path).ok()?;
        let mut code = Vec::new();
        file.read_to_end(&mut code).ok()?;
        let tag = code.split_off(code.len().saturating_sub(MAC_LEN));
        let ours = self.mac(&name, &code).is_ok_and(|mac| mac.verify_slice(&tag).is_ok());
        let verified = ours.then(|| Compiled::verified(code));
        if verified.is_none() {
            // Torn by a crash or put there by somebody else: either way it is no use. If it cannot be deleted, it is
            // written over next.
            let _ = fs::remove_file(&path);
        }
        verified
    }

    /// Keeps the code of an agent. A cache that cannot be written costs time, nothing else.
    pub(super) fn put(&self, agent: Hash, code: &Compiled) {
        let name = self.name(agent);
        let path = self.folder.join(&name);
        if fs::symlink_metadata(&path).is_ok_and(|there| there.is_file()) {
            return;
        }
        let _ = self.write(&name, &path, code.bytes());
    }

    fn write(&self, name: &str, path: &Path, code: &[u8]) -> Result<(), LoadError> {
        let tag = self.mac(name, code)?.finalize().into_bytes();
        let written = tempfile::NamedTempFile::new_in(&self.folder).and_then(|mut file| {
            file.write_all(code)?;
            file.write_all(&tag)?;
            // Not made durable: a file that a crash tears does not verify.
            file.persist(path).map_err(|why| why.error)
        });
        written.map(drop).map_err(|why| LoadError::Host(why.to_string()))
    }
}

/// The flag for `open`: what is behind a link is not ours.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

/// Makes a folder that only this user can enter, or makes sure that it is one.
fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let there = fs::metadata(path)?;
    if there.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("the folder belongs to somebody else"));
    }
    if there.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Reads the key, or draws one.
fn key(path: &Path) -> io::Result<[u8; KEY_LEN]> {
    let open = || fs::OpenOptions::new().read(true).custom_flags(NO_FOLLOW).open(path);
    let mut file = match open() {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            draw_key(path)?;
            open()?
        }
        Err(why) => return Err(why),
    };
    let there = file.metadata()?;
    if there.uid() != rustix::process::geteuid().as_raw() || there.mode() & 0o077 != 0 {
        return Err(io::Error::other(format!("others can read {KEY_FILE}; delete it and a new one is made")));
    }
    let mut key = [0; KEY_LEN];
    file.read_exact(&mut key)
        .map_err(|_| io::Error::other(format!("{KEY_FILE} is cut short; delete it and a new one is made")))?;
    Ok(key)
}

/// Puts a whole key in place at once. Of two processes that do, the first wins.
fn draw_key(path: &Path) -> io::Result<()> {
    let mut key = [0; KEY_LEN];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut key).map_err(|_| io::Error::other("the system has no randomness to give"))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&key)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(why) if why.error.kind() != io::ErrorKind::AlreadyExists => Err(why.error),
        _ => Ok(()),
    }
}

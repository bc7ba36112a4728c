//! Where a provider's key comes from: a variable, a file only its owner can read, the desktop's keyring, or a command.
//!
//! The keyring is asked through the program that every desktop has for it (`secret-tool`, `security`): the crates for it
//! bring a D-Bus of their own, for one look-up.

#![expect(clippy::disallowed_methods, reason = "a key's file and command are named by the person's own configuration")]

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use orchestra_pit_core::call::Error;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::secret::Secret;

/// A key's place, as the person's configuration says it: `key = { env = "NAME" }` and so on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// A variable of the environment pit was started in.
    Env(String),
    /// A file, mode 0600, owned by the person.
    File(PathBuf),
    /// The account of an entry of the service `orchestra-pit` in the desktop's keyring.
    Keyring(String),
    /// The first line that a command writes.
    Command(Vec<String>),
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Place;
        impl<'de> Visitor<'de> for Place {
            type Value = Source;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the place of a key, as { env = \"NAME\" }")
            }

            /// A key itself, which no error repeats.
            fn visit_str<E: de::Error>(self, _: &str) -> Result<Source, E> {
                Err(E::custom(
                    "a key does not stand in this file; say where it is, as { env = \"NAME\" } or { file = \"…\" }",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
                Written::deserialize(MapAccessDeserializer::new(map)).map(|written| match written {
                    Written::Env(name) => Source::Env(name),
                    Written::File(path) => Source::File(path),
                    Written::Keyring(account) => Source::Keyring(account),
                    Written::Command(argv) => Source::Command(argv),
                })
            }
        }
        from.deserialize_any(Place)
    }
}

/// As the file has it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Written {
    Env(String),
    File(PathBuf),
    Keyring(String),
    Command(Vec<String>),
}

/// What reads a variable of the environment.
pub type Environment = dyn Fn(&str) -> Option<String> + Send + Sync;

/// A key file is a line; what is larger is another file.
const MAX_KEY: u64 = 16 << 10;

/// Long enough to type a passphrase.
const COMMAND_TIME: Duration = Duration::from_secs(60);

fn denied(message: String) -> Error {
    Error::denied("model-key", message)
}

impl Source {
    /// Where it is, for people.
    pub fn place(&self) -> String {
        match self {
            Self::Env(name) => format!("the variable {name}"),
            Self::File(path) => format!("the file {}", path.display()),
            Self::Keyring(account) => format!("the keyring, service orchestra-pit, account {account}"),
            Self::Command(words) => format!("the command `{}`", words.join(" ")),
        }
    }

    /// Reads the key.
    pub async fn read(&self, environment: &Environment) -> Result<Secret, Error> {
        let text = match self {
            Self::Env(name) => environment(name).ok_or_else(|| {
                denied(format!("{name} is not set"))
                    .hint(format!("export {name}=…, or name another place for the key in your configuration"))
            })?,
            Self::File(path) => read_file(&expanded(path, environment))?,
            Self::Keyring(account) => run(&keyring(account)).await?,
            Self::Command(words) => run(words).await?,
        };
        Secret::new(&text).ok_or_else(|| denied(format!("{} holds no key", self.place())))
    }
}

fn expanded(path: &Path, environment: &Environment) -> PathBuf {
    match (path.strip_prefix("~"), environment("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.into(),
    }
}

fn read_file(path: &Path) -> Result<String, Error> {
    let wrong = |what: String| denied(format!("the key file {} {what}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    // Of the open file, not of the path: it cannot be exchanged in between.
    let about = file.metadata().map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if !about.is_file() {
        return Err(wrong("is no file".into()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if about.uid() != rustix::process::geteuid().as_raw() {
            return Err(wrong("belongs to somebody else".into()));
        }
        if about.mode() & 0o077 != 0 {
            let hint = format!("chmod 600 {}", path.display());
            return Err(wrong(format!("can be read by others (mode {:o})", about.mode() & 0o777)).hint(hint));
        }
    }
    let mut text = String::new();
    file.take(MAX_KEY).read_to_string(&mut text).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    Ok(text)
}

fn keyring(account: &str) -> Vec<String> {
    let words: &[&str] = if cfg!(target_os = "macos") {
        &["security", "find-generic-password", "-w", "-s", "orchestra-pit", "-a", account]
    } else {
        &["secret-tool", "lookup", "service", "orchestra-pit", "account", account]
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

async fn run(words: &[String]) -> Result<String, Error> {
    let Some((program, rest)) = words.split_first() else { return Err(denied("the key's command is empty".into())) };
    let wrong = |what: String| denied(format!("the key's command `{program}` {what}"));
    let mut command = tokio::process::Command::new(program);
    // Its messages go to the terminal: some ask there for a passphrase.
    command.args(rest).stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = tokio::time::timeout(COMMAND_TIME, command.output())
        .await
        .map_err(|_| wrong(format!("has not ended after {} seconds", COMMAND_TIME.as_secs())))?
        .map_err(|error| wrong(format!("cannot be started: {error}")))?;
    if !output.status.success() {
        return Err(wrong(format!("failed: {}", output.status)));
    }
    let first = output.stdout.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8(first.to_vec()).map_err(|_| wrong("wrote what is not text".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-0123456789";

    fn environment(name: &str) -> Option<String> {
        (name == "HERE").then(|| KEY.into())
    }

    async fn read(source: &str) -> Result<Secret, Error> {
        #[derive(Deserialize)]
        struct File {
            key: Source,
        }
        toml::from_str::<File>(&format!("key = {source}")).unwrap().key.read(&environment).await
    }

    #[tokio::test]
    async fn each_source_gives_the_key_or_says_what_is_wrong() {
        assert_eq!(read(r#"{ env = "HERE" }"#).await.unwrap().expose(), KEY);
        let missing = read(r#"{ env = "GONE" }"#).await.unwrap_err();
        assert_eq!(missing.message, "GONE is not set");
        assert!(missing.hint.unwrap().contains("export GONE"));
        assert_eq!(read(&format!(r#"{{ command = ["echo", "{KEY}"] }}"#)).await.unwrap().expose(), KEY);
        assert!(read(r#"{ command = ["false"] }"#).await.unwrap_err().message.contains("failed"));
        assert!(read(r#"{ command = ["true"] }"#).await.unwrap_err().message.contains("holds no key"));
        assert!(read(r#"{ command = ["no-such-program-anywhere"] }"#).await.unwrap_err().message.contains("started"));
        assert!(read("{ command = [] }").await.unwrap_err().message.contains("empty"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_others_can_read_is_refused_and_says_chmod() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, format!("{KEY}\n")).unwrap();
        let source = format!("{{ file = {path:?} }}");
        for (mode, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let read = read(&source).await;
            assert_eq!(read.is_ok(), fine, "{mode:o}");
            if let Err(error) = read {
                assert_eq!(error.hint, Some(format!("chmod 600 {}", path.display())));
                assert!(!error.message.contains(KEY));
            }
        }
        assert!(read(&format!("{{ file = {:?} }}", folder.path())).await.unwrap_err().message.contains("is no file"));
    }
}

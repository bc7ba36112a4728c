//! What the person has said yes to: a repository's `pit.toml` by its hash, and strangers' agents by theirs.
//!
//! It is kept with the user's state and never in the repository, by the place of the repository's git directory: what
//! comes with an archive or a pull cannot bring its own approval. Another text at the same place is asked about again,
//! with the difference.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use orchestra_pit_core::id::Hash;
use orchestra_pit_core::policy::Profile;
use orchestra_pit_core::time::Time;
use serde::{Deserialize, Serialize};

use super::{ConfigError, file};

/// The version of the store's format. A change that an older pit would misread makes it one more; what is newer is
/// refused and never written over.
const SCHEMA: u32 = 1;

/// The person's yes to one text. Only a [`Store`] makes one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trusted {
    hash: Hash,
}

/// How a repository's file stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The person said yes to just this text.
    Trusted(Trusted),
    /// Nothing of this name was ever said yes to.
    New,
    /// It was another text that the person said yes to.
    Changed {
        /// From that text to this one, as a unified diff.
        difference: String,
    },
}

/// How an agent that is not shipped stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stranger {
    /// The person gave it this.
    Known(Given),
    /// None of its name was ever given anything.
    New,
    /// Another component of this name was given something, and asked for something else.
    Changed {
        /// What that one was given.
        before: Given,
        /// From its manifest to this one's, as a unified diff; empty if only the code is another.
        difference: String,
    },
}

/// What the person gave an agent in a repository.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// The agent's name.
    pub name: String,
    /// What of the asked-for grants.
    pub profile: Profile,
    /// The manifest that was shown.
    pub manifest: String,
    /// When.
    pub at: Time,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    text: String,
    at: Time,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    schema: u32,
    repository: PathBuf,
    files: BTreeMap<String, Seen>,
    agents: BTreeMap<Hash, Given>,
}

/// What is trusted in one repository.
#[derive(Debug)]
pub struct Store {
    /// None: only this process remembers it.
    path: Option<PathBuf>,
    record: Record,
}

impl Trusted {
    /// Whether it is about this text.
    pub fn is_of(&self, text: &str) -> bool {
        self.hash == Hash::of(text.as_bytes())
    }

    /// The SHA-256 of the text.
    pub fn hash(&self) -> Hash {
        self.hash
    }
}

impl Store {
    /// Opens what is kept of a repository: `state` is the folder of [`super::dirs::Dirs`], `common` the repository's common
    /// git directory.
    ///
    /// # Errors
    /// If there is a store that cannot be read, or that a newer pit wrote.
    pub fn open(state: Option<&Path>, common: &Path) -> Result<Self, ConfigError> {
        // However one came here, it is the same repository.
        let repository = file::real(common)
            .map_err(|error| ConfigError::Unreadable { path: common.to_owned(), why: error.to_string() })?;
        let name = Hash::of(repository.as_os_str().as_encoded_bytes()).to_string();
        let path = state.map(|state| state.join("trust").join(format!("{name}.json")));
        let empty = Record { schema: SCHEMA, repository, files: BTreeMap::new(), agents: BTreeMap::new() };
        let record = match &path {
            Some(path) => load(path)?.unwrap_or(empty),
            None => empty,
        };
        Ok(Self { path, record })
    }

    /// Whether another process will know it too.
    pub fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    /// How a file of the repository stands.
    pub fn file(&self, name: &str, text: &str) -> Standing {
        match self.record.files.get(name) {
            None => Standing::New,
            Some(seen) if seen.text == text => Standing::Trusted(Trusted { hash: Hash::of(text.as_bytes()) }),
            Some(seen) => Standing::Changed { difference: difference(&seen.text, text) },
        }
    }

    /// The person says yes to a text. Whoever calls this has shown it, and heard the yes from a person.
    ///
    /// # Errors
    /// If it cannot be kept; then it does not count.
    pub fn trust_file(&mut self, name: &str, text: &str, at: Time) -> io::Result<Trusted> {
        let seen = Seen { text: text.to_owned(), at };
        self.change(|record| drop(record.files.insert(name.to_owned(), seen)))?;
        Ok(Trusted { hash: Hash::of(text.as_bytes()) })
    }

    /// How an agent stands, by the hash of its component.
    pub fn agent(&self, name: &str, component: Hash, manifest: &str) -> Stranger {
        if let Some(given) = self.record.agents.get(&component) {
            return Stranger::Known(given.clone());
        }
        let last = self.record.agents.values().filter(|given| given.name == name).max_by_key(|given| given.at);
        match last {
            None => Stranger::New,
            Some(before) => {
                Stranger::Changed { before: before.clone(), difference: difference(&before.manifest, manifest) }
            }
        }
    }

    /// The person gives an agent something, after having seen what it asks for.
    ///
    /// # Errors
    /// If it cannot be kept; then it does not count.
    pub fn give(&mut self, component: Hash, given: Given) -> io::Result<()> {
        self.change(|record| drop(record.agents.insert(component, given)))
    }

    /// What is trusted: names of files, and what agents were given.
    pub fn list(&self) -> (impl Iterator<Item = (&str, Time)>, impl Iterator<Item = (Hash, &Given)>) {
        let files = self.record.files.iter().map(|(name, seen)| (name.as_str(), seen.at));
        (files, self.record.agents.iter().map(|(hash, given)| (*hash, given)))
    }

    /// Takes back every yes in this repository.
    ///
    /// # Errors
    /// If it cannot be written; then all is as it was.
    pub fn forget(&mut self) -> io::Result<()> {
        self.change(|record| {
            record.files.clear();
            record.agents.clear();
        })
    }

    /// Changes what is kept, on top of what other processes have kept meanwhile.
    fn change(&mut self, change: impl FnOnce(&mut Record)) -> io::Result<()> {
        let mut record = self.record.clone();
        if let Some(path) = &self.path {
            if let Some(folder) = path.parent() {
                file::private_dir(folder)?;
            }
            // From the reading to the writing: another process that does the same in between would be forgotten.
            let _lock = file::locked(&path.with_extension("lock"))?;
            record = load(path).map_err(io::Error::other)?.unwrap_or(record);
            change(&mut record);
            file::replace(path, &serde_json::to_string_pretty(&record)?)?;
        } else {
            change(&mut record);
        }
        self.record = record;
        Ok(())
    }
}

fn load(path: &Path) -> Result<Option<Record>, ConfigError> {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let fail = |why: String| ConfigError::Unreadable { path: path.to_owned(), why };
    let Some(text) = file::read(path)? else { return Ok(None) };
    let damaged = |_| fail("it is damaged; remove it, and what is trusted is asked again".into());
    let Version { schema } = serde_json::from_str(&text).map_err(damaged)?;
    if schema != SCHEMA {
        return Err(fail(format!("it is of version {schema}, and this version of pit reads {SCHEMA}")));
    }
    serde_json::from_str(&text).map(Some).map_err(damaged)
}

fn difference(before: &str, now: &str) -> String {
    if before == now {
        return String::new();
    }
    similar::TextDiff::from_lines(before, now).unified_diff().context_radius(2).header("trusted", "now").to_string()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests look at what was kept")]
mod tests {
    use super::*;
    use std::fs;

    struct Fixture {
        state: tempfile::TempDir,
        git: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            Self { state: tempfile::tempdir().unwrap(), git: tempfile::tempdir().unwrap() }
        }

        #[must_use]
        fn open(&self) -> Store {
            Store::open(Some(self.state.path()), self.git.path()).unwrap()
        }

        fn kept(&self) -> PathBuf {
            let kept = fs::read_dir(self.state.path().join("trust")).unwrap().map(|entry| entry.unwrap().path());
            kept.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap()
        }
    }

    fn given(name: &str, manifest: &str, at: u64) -> Given {
        Given { name: name.into(), profile: Profile::Reader, manifest: manifest.into(), at: Time(at) }
    }

    #[test]
    fn a_yes_is_to_one_text_in_one_repository() {
        let fixture = Fixture::new();
        let mut store = fixture.open();
        assert_eq!(store.file("pit.toml", "a\nb\n"), Standing::New);
        let trusted = store.trust_file("pit.toml", "a\nb\n", Time(1)).unwrap();
        assert!(trusted.is_of("a\nb\n") && !trusted.is_of("a\n"));
        let store = fixture.open();
        assert_eq!(store.file("pit.toml", "a\nb\n"), Standing::Trusted(trusted));
        let Standing::Changed { difference } = store.file("pit.toml", "a\nc\n") else { panic!() };
        assert_eq!(difference, "--- trusted\n+++ now\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
        let other = tempfile::tempdir().unwrap();
        let elsewhere = Store::open(Some(fixture.state.path()), other.path()).unwrap();
        assert_eq!(elsewhere.file("pit.toml", "a\nb\n"), Standing::New);
    }

    #[test]
    fn nothing_is_kept_in_the_repository() {
        let fixture = Fixture::new();
        fixture.open().trust_file("pit.toml", "a", Time(1)).unwrap();
        assert_eq!(fs::read_dir(fixture.git.path()).unwrap().count(), 0);
        assert!(fixture.open().is_kept());
        let mut store = Store::open(None, fixture.git.path()).unwrap();
        assert!(!store.is_kept());
        assert!(store.trust_file("x", "a", Time(1)).is_ok());
        assert!(matches!(store.file("x", "a"), Standing::Trusted(_)));
        assert_eq!(fs::read_dir(fixture.git.path()).unwrap().count(), 0);
    }

    #[test]
    fn another_component_of_a_name_is_asked_about_again() {
        let fixture = Fixture::new();
        let (one, two) = (Hash::of(b"1"), Hash::of(b"2"));
        let mut store = fixture.open();
        assert_eq!(store.agent("bot", one, "m"), Stranger::New);
        store.give(one, given("bot", "m\n", 1)).unwrap();
        let store = fixture.open();
        assert_eq!(store.agent("bot", one, "m\n"), Stranger::Known(given("bot", "m\n", 1)));
        assert_eq!(
            store.agent("bot", two, "m\n"),
            Stranger::Changed { before: given("bot", "m\n", 1), difference: String::new() }
        );
        let Stranger::Changed { difference, .. } = store.agent("bot", two, "n\n") else { panic!() };
        assert!(difference.contains("-m\n+n\n"));
        assert_eq!(store.agent("other", two, "m\n"), Stranger::New);
    }

    #[test]
    fn what_others_kept_meanwhile_stays() {
        let fixture = Fixture::new();
        let (mut one, mut two) = (fixture.open(), fixture.open());
        one.trust_file("pit.toml", "a", Time(1)).unwrap();
        two.give(Hash::of(b"1"), given("bot", "m", 1)).unwrap();
        let mut store = fixture.open();
        assert!(matches!(store.file("pit.toml", "a"), Standing::Trusted(_)));
        let (files, agents) = store.list();
        assert_eq!((files.count(), agents.count()), (1, 1));
        store.forget().unwrap();
        assert_eq!(fixture.open().file("pit.toml", "a"), Standing::New);
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let fixture = Fixture::new();
        std::thread::scope(|scope| {
            for n in 0..8_u8 {
                let fixture = &fixture;
                scope.spawn(move || {
                    for round in 0..8_u8 {
                        let mut store = fixture.open();
                        store.give(Hash::of(&[n, round]), given("bot", "m", 1)).unwrap();
                    }
                });
            }
        });
        assert_eq!(fixture.open().list().1.count(), 64);
    }

    #[test]
    fn a_store_that_is_not_understood_is_neither_believed_nor_written_over() {
        let fixture = Fixture::new();
        let mut store = fixture.open();
        store.trust_file("pit.toml", "a", Time(1)).unwrap();
        for (text, why) in [("{\"schema\": 2}", "version 2"), ("{", "damaged"), ("{\"schema\": 1}", "damaged")] {
            fs::write(fixture.kept(), text).unwrap();
            let error = Store::open(Some(fixture.state.path()), fixture.git.path()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(store.trust_file("pit.toml", "b", Time(2)).is_err());
            assert_eq!(fs::read_to_string(fixture.kept()).unwrap(), text);
        }
        assert!(matches!(store.file("pit.toml", "b"), Standing::Changed { .. }), "not kept is not trusted");
    }
}

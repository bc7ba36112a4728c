//! Ignored folders that start warm: `target`, `node_modules`, `.venv`, as `pit.toml` names them in `[workspace] warm`.
//!
//! What set-up and checks make of a base lies beside its checkout and is a lower layer of every run over that base; each
//! run has an upper of its own that lasts as long as its [`Layer`]. So eight runs cost the disk of their differences. Only
//! the host's own runs on a base are adopted: what an agent's command wrote is never below another run. There are two at most
//! for each base, one over the other, for `fast` and `full` build different things.
//!
//! A base whose checkout was made from another one's may stand on what is warm there, if that was built before this
//! checkout was made: then every file that differs is newer than the outputs, and build tools see what to do. What was
//! built later may be newer than a file that it was not built from, so then the base starts cold.

#![expect(clippy::disallowed_methods, reason = "warm folders lie beside checkouts, which are pit's own")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use orchestra_pit_core::call::{Error, ErrorKind};
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::path::RepoPath;

use super::checkout::{Checkouts, Held, MAX_LAYERS, Stack, failed};
use super::folder::{Folder, Kind, nanoseconds, now, unique};
use super::layer::Layer;
use super::setup::SetUp;

/// First line of the file beside a warm folder.
const FORMAT: &str = "pit warm 2";

/// The end of the name of a base's second warm folder, which lies over its first.
const SECOND: &str = "%+";

/// One folder that starts warm, as an overlay's parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warm {
    /// Its path in the workspace.
    pub name: RepoPath,
    /// What is below, top first; one that is empty if it starts cold.
    pub lowers: Vec<PathBuf>,
    /// The run's own.
    pub upper: PathBuf,
    /// The overlay's, beside it.
    pub work: PathBuf,
    /// By which it is known among those of its base.
    id: String,
    /// The base whose warm folder is the topmost below, and when that was made.
    over: Option<(Oid, u128)>,
}

/// The warm folders of a run. What is below is not removed while this lives.
#[must_use = "without it what is below may be removed"]
#[derive(Debug)]
pub struct Warmed {
    /// In the order of their names in `pit.toml`.
    pub folders: Vec<Warm>,
    _held: Vec<Held>,
}

/// What is written beside a warm folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct About {
    /// The base that the first one stands on, and the last one of it that was there then.
    over: Option<(Oid, u128)>,
    made: u128,
    bytes: u64,
}

/// Layers of a warm folder.
#[derive(Debug, Default)]
struct Chain {
    /// The base whose they are, and when they were made.
    over: Option<(Oid, u128)>,
    layers: Vec<PathBuf>,
    held: Vec<Held>,
}

impl Chain {
    /// What tells it from every other.
    fn stands(&self) -> String {
        self.over.map_or_else(|| "-".to_owned(), |(base, made)| format!("{base} {made}"))
    }
}

/// What a run's own upper was written over; none if nothing was yet.
fn stands(own: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(own.join("stands")) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Checkouts {
    /// The warm folders of a run over a checkout, and over what set-up left. What was built over other set-up is never
    /// seen: the folders of each go by names of their own.
    pub fn warm(
        &self,
        stack: &Stack,
        layer: &Layer,
        names: &[RepoPath],
        setup: Option<&SetUp>,
    ) -> Result<Warmed, Error> {
        let mut warmed = Warmed { folders: Vec::new(), _held: Vec::new() };
        for name in names {
            let fail = |error: io::Error| failed(self.folder(), &error);
            let id = id_of(name, setup);
            let mut own = layer.warm(&id)?;
            let mut chain = match stands(&own).map_err(fail)? {
                // What the run has written goes with what it was written over, and with nothing that came since.
                Some(stands) => match self.same_as_then(&stands, &id).map_err(fail)? {
                    Some(chain) => chain,
                    None => {
                        layer.cool(&id)?;
                        own = layer.warm(&id)?;
                        self.nearest_warm(stack, &id).map_err(fail)?
                    }
                },
                None => self.nearest_warm(stack, &id).map_err(fail)?,
            };
            fs::write(own.join("stands"), chain.stands()).map_err(fail)?;
            chain.layers.extend(setup.map(|setup| setup.warm(name)).filter(|below| below.is_dir()));
            let at = |part: &str| own.join(part);
            let mut lowers = chain.layers;
            if lowers.is_empty() {
                lowers.push(at("empty"));
            }
            let over = chain.over;
            warmed._held.extend(chain.held);
            let (upper, work) = (at("upper"), at("work"));
            warmed.folders.push(Warm { name: name.clone(), lowers, upper, work, id, over });
        }
        Ok(warmed)
    }

    /// The same with nothing below, for set-up: what it leaves is to be whole by itself.
    pub(super) fn cold(layer: &Layer, names: &[RepoPath]) -> Result<Warmed, Error> {
        let mut warmed = Warmed { folders: Vec::new(), _held: Vec::new() };
        for name in names {
            let id = encoded(name);
            let own = layer.warm(&id)?;
            let at = |part: &str| own.join(part);
            let (lowers, upper, work) = (vec![at("empty")], at("upper"), at("work"));
            warmed.folders.push(Warm { name: name.clone(), lowers, upper, work, id, over: None });
        }
        Ok(warmed)
    }

    /// Whether a base has warm folders of its own.
    pub(super) fn is_warm(&self, base: Oid, names: &[RepoPath], setup: Option<&SetUp>) -> bool {
        let place = self.place(base);
        names.iter().all(|name| About::read(&place, &id_of(name, setup)).is_ok_and(|about| about.is_some()))
    }

    /// Makes what the host's own run on a base has written the warm folder of that base, or its second one, over the first.
    /// False if it has both already, which stay, or if there is nothing to add. Nothing of the run may live.
    pub fn adopt(&self, stack: &Stack, warm: &Warm) -> Result<bool, Error> {
        let is_second = warm.over.is_some_and(|(base, _)| base == stack.tree);
        let id = if is_second { format!("{}{SECOND}", warm.id) } else { warm.id.clone() };
        let is_empty = || fs::read_dir(&warm.upper).is_ok_and(|mut entries| entries.next().is_none());
        if is_second && (self.place(stack.tree).join("warm").join(&id).exists() || is_empty()) {
            return Ok(false);
        }
        let fail = |error: io::Error| failed(&warm.upper, &error);
        let place = self.place(stack.tree).join("warm");
        fs::create_dir_all(&place).map_err(fail)?;
        let aside = place.join(format!("making.{}", unique()));
        fs::create_dir(&aside).map_err(fail)?;
        fs::rename(&warm.upper, aside.join("files")).map_err(fail)?;
        // The run goes on over what is everybody's now.
        if let Some(own) = warm.upper.parent() {
            fs::remove_file(own.join("stands")).map_err(fail)?;
        }
        let made = Folder::open(&aside, None).and_then(|folder| {
            let over = warm.over.filter(|_| !is_second);
            let about = About { over, made: nanoseconds(now()), bytes: size(&folder.sub(b"files")?, 0)? };
            fs::write(aside.join("about"), about.text())?;
            folder.sync_all()
        });
        made.map_err(fail)?;
        match fs::rename(&aside, place.join(&id)) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => {
                let trash = Folder::open(self.folder(), None).map_err(fail)?;
                let aside = Folder::open(&place, None).and_then(|place| {
                    place.rename(aside.file_name().unwrap_or_default().as_encoded_bytes(), &trash, gone().as_bytes())
                });
                aside.map_err(fail)?;
                Ok(false)
            }
            Err(error) => Err(fail(error)),
        }
    }

    /// What is warm in the nearest base of a checkout's lineage that has something, and right for it.
    fn nearest_warm(&self, stack: &Stack, name: &str) -> io::Result<Chain> {
        for (base, before) in self.lineage(stack) {
            if About::read(&self.place(base), name)?.is_some_and(|about| about.made < before) {
                return Ok(self.chain(base, name, before.saturating_sub(1))?.unwrap_or_default());
            }
        }
        Ok(Chain::default())
    }

    /// The layers of a base's warm folders that were made until then, if all are there. Of one that would be too high, nothing
    /// is taken.
    fn chain(&self, base: Oid, name: &str, until: u128) -> io::Result<Option<Chain>> {
        let mut chain = Chain::default();
        let mut next = Some((base, until));
        while let Some((below, until)) = next {
            let Some((held, _)) = self.hold(below)? else { return Ok(None) };
            let place = self.place(below);
            let Some(first) = About::read(&place, name)? else { return Ok(None) };
            let over_it = format!("{name}{SECOND}");
            let second = About::read(&place, &over_it)?.filter(|second| second.made <= until);
            chain.layers.extend(second.map(|_| files(&place, &over_it)));
            chain.layers.push(files(&place, name));
            chain.held.push(held);
            chain.over = chain.over.or(Some((below, second.unwrap_or(first).made)));
            next = first.over;
            if chain.layers.len() >= MAX_LAYERS {
                return Ok(None);
            }
        }
        Ok(Some(chain))
    }

    /// The chain that a run's own upper was written over, if it is still the same.
    fn same_as_then(&self, stands: &str, name: &str) -> io::Result<Option<Chain>> {
        if stands == Chain::default().stands() {
            return Ok(Some(Chain::default()));
        }
        let Some((base, made)) = stood(stands) else { return Ok(None) };
        Ok(self.chain(base, name, made)?.filter(|chain| chain.stands() == stands))
    }

    /// The bases that a checkout's warm folders stand on, and how many bytes those have that it has itself.
    pub(super) fn warm_needs(&self, tree: Oid) -> (Vec<Oid>, u64) {
        let entries = fs::read_dir(self.place(tree).join("warm")).into_iter().flatten().flatten();
        let abouts = entries.filter_map(|entry| About::parse(&fs::read_to_string(entry.path().join("about")).ok()?));
        abouts.fold((Vec::new(), 0), |(mut needs, bytes), about| {
            needs.extend(about.over.map(|(base, _)| base));
            (needs, bytes + about.bytes)
        })
    }
}

impl Layer {
    /// Where a run's own upper of a warm folder is.
    fn warm(&self, name: &str) -> Result<PathBuf, Error> {
        let made = Folder::open(self.place(), self.owner()).and_then(|place| {
            let own = place.make(b"warm")?.make(name.as_bytes())?;
            ["empty", "upper", "work"].into_iter().try_for_each(|part| own.make(part.as_bytes()).map(drop))
        });
        made.map_err(|error| failed(self.place(), &error))?;
        Ok(self.place().join("warm").join(name))
    }

    /// Throws a run's own upper of a warm folder away.
    fn cool(&self, name: &str) -> Result<(), Error> {
        let cooled = Folder::open(self.place(), self.owner())
            .and_then(|place| place.sub(b"warm")?.discard(name.as_bytes(), &self.trash()?));
        cooled.map_err(|error| failed(self.place(), &error))
    }
}

impl About {
    fn text(&self) -> String {
        let over = self.over.map_or_else(|| "-".to_owned(), |(base, made)| format!("{base} {made}"));
        format!("{FORMAT}\nover {over}\nmade {}\nbytes {}\n", self.made, self.bytes)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != FORMAT {
            return None;
        }
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let over = value("over")?;
        let over = if over == "-" { None } else { Some(stood(over)?) };
        Some(Self { over, made: value("made")?.parse().ok()?, bytes: value("bytes")?.parse().ok()? })
    }

    fn read(place: &Path, name: &str) -> io::Result<Option<Self>> {
        match fs::read_to_string(place.join("warm").join(name).join("about")) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A base, and when its last warm folder was made.
fn stood(text: &str) -> Option<(Oid, u128)> {
    let (base, made) = text.split_once(' ')?;
    Some((Oid::parse(base)?, made.parse().ok()?))
}

/// By which a warm folder is known among those of its base: what was built over other set-up is another.
fn id_of(name: &RepoPath, setup: Option<&SetUp>) -> String {
    setup.map_or_else(|| encoded(name), |setup| format!("{}%@{}", encoded(name), setup.id()))
}

/// A path as one name.
pub(super) fn encoded(name: &RepoPath) -> String {
    name.replace('%', "%25").replace('/', "%2F")
}

fn files(place: &Path, name: &str) -> PathBuf {
    place.join("warm").join(name).join("files")
}

fn gone() -> String {
    format!("{}{}", super::checkout::GONE, unique())
}

/// Bytes of all files below a folder, as far down as anybody builds.
pub(super) fn size(folder: &Folder, depth: usize) -> io::Result<u64> {
    let mut all = 0;
    for name in folder.names(usize::MAX)? {
        let Some(about) = folder.about(&name)? else { continue };
        all += match about.kind {
            Kind::Folder if depth < 128 => size(&folder.sub(&name)?, depth + 1)?,
            Kind::File => about.size,
            _ => 0,
        };
    }
    Ok(all)
}

/// What `[workspace] warm` says, as paths.
pub fn paths(names: &[String]) -> Result<Vec<RepoPath>, Error> {
    let path = |name: &String| {
        RepoPath::new(name).map_err(|why| {
            Error::new(ErrorKind::Invalid, format!("`{name}` in `[workspace] warm` of pit.toml is no folder: {why}"))
        })
    };
    names.iter().map(path).collect()
}

#[cfg(test)]
mod tests;

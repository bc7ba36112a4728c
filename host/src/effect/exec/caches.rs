//! Ignored folders that start warm: `target`, `node_modules`, `.venv`, as `pit.toml` names them in `[workspace] warm`.
//!
//! What set-up and checks make of a base lies beside its checkout and is a layer below every run over that base; what a
//! run's own commands write there is kept with what git ignores, as long as its [`Layer`]. So eight runs cost the disk of
//! their differences, and a command may remove such a folder like any other. Only the host's own runs on a base are adopted:
//! what an agent's command wrote is never below another run. There are two at most for each base, one over the other, for
//! `fast` and `full` build different things.
//!
//! A base whose checkout was made from another one's may stand on what is warm there, if that was built before this
//! checkout was made: then every file that differs is newer than the outputs, and build tools see what to do. What was
//! built later may be newer than a file that it was not built from, so then the base starts cold.

#![expect(clippy::disallowed_methods, reason = "warm folders lie beside checkouts, which are pit's own")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use orchestra_pit_core::call::{self, Error, ErrorKind};
use orchestra_pit_core::id::{Hash, Oid};
use orchestra_pit_core::path::RepoPath;

use super::checkout::{Checkouts, Held, MAX_LAYERS, Stack, failed};
use super::folder::{Folder, Kind, nanoseconds, now, unique};
use super::ignored::Ignored;
use super::layer::Layer;
use super::setup::SetUp;

/// First line of the file beside a warm layer.
const FORMAT: &str = "pit warm 3";

/// The end of the name of a base's second warm layer, which lies over its first.
const SECOND: &str = "+";

/// What starts warm for a run. What is below is not removed while this lives.
#[must_use = "without it what is below may be removed"]
#[derive(Debug, Default)]
pub struct Warmed {
    /// To be below the workspace's own layers, top first. Each has the folders at their paths.
    pub layers: Vec<PathBuf>,
    /// The folders, as `pit.toml` names them.
    names: Vec<RepoPath>,
    /// By which their layer is known among those of a base.
    id: String,
    /// The base whose warm layer is the topmost, and when that was made.
    over: Option<(Oid, u128)>,
    _held: Vec<Held>,
}

/// What is written beside a warm layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct About {
    /// The base that the first one stands on, and the last one of it that was there then.
    over: Option<(Oid, u128)>,
    made: u128,
    bytes: u64,
}

/// Warm layers, one over the other.
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

impl Checkouts {
    /// What is warm for a run over a checkout, and over what set-up left. What was built over other set-up is never seen:
    /// the layers of each go by names of their own.
    pub fn warm(
        &self,
        stack: &Stack,
        layer: &Layer,
        names: &[RepoPath],
        setup: Option<&SetUp>,
    ) -> Result<Warmed, Error> {
        if names.is_empty() {
            return Ok(Warmed::default());
        }
        let fail = |error: io::Error| failed(self.folder(), &error);
        let id = id_of(names, setup);
        let stood = layer.stood()?;
        // What the run has written goes with what it was written over, and with nothing that came since.
        let same = stood.as_ref().map(|stood| self.same_as_then(stood, &id)).transpose().map_err(fail)?;
        let chain = match same.flatten() {
            Some(chain) => chain,
            None => {
                let own = Ignored::open(layer).map_err(fail)?;
                names.iter().try_for_each(|name| own.remove(name.as_bytes())).map_err(fail)?;
                self.nearest_warm(stack, &id).map_err(fail)?
            }
        };
        let stands = format!("{id} {}", chain.stands());
        if stood.as_ref() != Some(&stands) {
            layer.stand(Some(&stands))?;
        }
        let Chain { over, layers, held } = chain;
        Ok(Warmed { layers, names: names.to_vec(), id, over, _held: held })
    }

    /// Whether a base has a warm layer of its own.
    pub(super) fn is_warm(&self, base: Oid, names: &[RepoPath], setup: Option<&SetUp>) -> bool {
        names.is_empty() || About::read(&self.place(base), &id_of(names, setup)).is_ok_and(|about| about.is_some())
    }

    /// Makes what the host's own run on a base has left in its warm folders the warm layer of that base, or its second one,
    /// over the first. False if it has both already, which stay, or if there is nothing to add. Nothing of the run may live.
    pub fn adopt(&self, stack: &Stack, layer: &Layer, warm: &Warmed) -> Result<bool, Error> {
        if warm.names.is_empty() {
            return Ok(false);
        }
        let fail = |error: io::Error| failed(layer.place(), &error);
        let own = Ignored::open(layer).map_err(fail)?;
        let left =
            warm.names.iter().map(|name| own.has(name.as_bytes())).collect::<io::Result<Vec<_>>>().map_err(fail)?;
        let is_second = warm.over.is_some_and(|(base, _)| base == stack.tree);
        let id = if is_second { format!("{}{SECOND}", warm.id) } else { warm.id.clone() };
        let place = self.place(stack.tree).join("warm");
        if is_second && (place.join(&id).exists() || !left.contains(&true)) {
            return Ok(false);
        }
        fs::create_dir_all(&place).map_err(fail)?;
        let aside = place.join(format!("making.{}", unique()));
        fs::create_dir(&aside).map_err(fail)?;
        // The run goes on over what is everybody's now.
        layer.stand(None)?;
        let made = Folder::open(&aside, layer.owner()).and_then(|folder| {
            let files = Ignored::at(folder.make(b"files")?, layer)?;
            warm.names.iter().try_for_each(|name| own.hand_over(name.as_bytes(), &files))?;
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

    /// The warm layers of a base that were made until then, if all are there. Of one that would be too high, nothing
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

    /// The chain that a run's own files were written over, if it is still the same.
    fn same_as_then(&self, stood_on: &str, name: &str) -> io::Result<Option<Chain>> {
        let Some(stands) = stood_on.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')) else { return Ok(None) };
        if stands == Chain::default().stands() {
            return Ok(Some(Chain::default()));
        }
        let Some((base, made)) = stood(stands) else { return Ok(None) };
        Ok(self.chain(base, name, made)?.filter(|chain| chain.stands() == stands))
    }

    /// The bases that a checkout's warm layers stand on, and how many bytes it has in its own.
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
    /// What the run's own files in warm folders were written over; none if there are none yet.
    fn stood(&self) -> Result<Option<String>, Error> {
        match fs::read_to_string(self.place().join("stands")) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(self.place(), &error)),
        }
    }

    fn stand(&self, on: Option<&str>) -> Result<(), Error> {
        let at = self.place().join("stands");
        let done = match on {
            Some(text) => fs::write(at, text),
            None => fs::remove_file(at),
        };
        done.map_err(|error| failed(self.place(), &error))
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

/// A base, and when its last warm layer was made.
fn stood(text: &str) -> Option<(Oid, u128)> {
    let (base, made) = text.split_once(' ')?;
    Some((Oid::parse(base)?, made.parse().ok()?))
}

/// By which a warm layer is known among those of its base: other folders, or what was built over other set-up, are another.
fn id_of(names: &[RepoPath], setup: Option<&SetUp>) -> String {
    Hash::of(&call::canonical(&(names, setup.map(SetUp::id)))).to_string()[..32].to_owned()
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

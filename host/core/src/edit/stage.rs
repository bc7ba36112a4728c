//! The files while the edits are carried out: none is written, and what comes later sees what came before.

use std::collections::HashMap;
use std::sync::Arc;

use super::find::{Progress, Work};
use super::hunk::{Hunk, Op, count_changes};
use super::step::{Over, Splice, Step};
use super::text::{Page, lines_of};
use super::{Fault, FaultKind, Files, MAX_BYTES, Nearness, Outcome, Source, nearest, placeholder, splice};

/// All files that were touched so far, in that order.
pub(super) struct Stage<'a, F> {
    files: &'a F,
    slots: Vec<Slot>,
    by_path: HashMap<String, usize>,
    work: Work,
}

/// One path.
struct Slot {
    path: String,
    before: Option<Source>,
    now: Option<Source>,
    /// The slot whose first contents are the origin of `now`, if another.
    from: Option<usize>,
    places: u32,
    nearness: Nearness,
}

impl<'a, F: Files> Stage<'a, F> {
    pub(super) fn new(files: &'a F) -> Self {
        Self { files, slots: Vec::new(), by_path: HashMap::new(), work: Work::new() }
    }

    pub(super) fn carry_out(&mut self, step: Step) -> Result<(), Fault> {
        match step {
            Step::Create { path, text, executable, over } => self.create(&path, text, executable, over),
            Step::Change { path, to, splices, executable } => self.change(&path, to, &splices, executable),
            Step::Remove { path, hunks } => self.remove(&path, hunks),
        }
    }

    fn slot(&mut self, path: &str) -> Result<usize, Fault> {
        if let Some(&at) = self.by_path.get(path) {
            return Ok(at);
        }
        let before = self.files.read(path)?;
        let now = before.clone();
        self.slots.push(Slot { path: path.to_owned(), before, now, from: None, places: 0, nearness: Nearness::Exact });
        self.by_path.insert(path.to_owned(), self.slots.len() - 1);
        Ok(self.slots.len() - 1)
    }

    fn update(&mut self, at: usize, change: impl FnOnce(&mut Slot)) {
        if let Some(slot) = self.slots.get_mut(at) {
            change(slot);
        }
    }

    fn now(&self, at: usize) -> Option<Source> {
        self.slots.get(at)?.now.clone()
    }

    fn create(&mut self, path: &str, text: String, executable: bool, over: Over) -> Result<(), Fault> {
        let at = self.slot(path)?;
        let there = self.now(at);
        match (&there, over) {
            (None, _) => {}
            (Some(file), Over::EmptyFile) if file.bytes.is_empty() => {}
            (Some(_), Over::EmptyFile) => {
                return Err(Fault::conflict(format!(
                    "{path} exists, and an empty SEARCH is only for new files\nput the lines that the new ones go after into SEARCH and REPLACE"
                )));
            }
            (Some(_), Over::Nothing) => {
                return Err(Fault::conflict(format!("{path} exists already\nto change it replace some of its text")));
            }
        }
        refuse_placeholder(path, lines_of(&text).into_iter(), b"")?;
        let executable = executable || there.is_some_and(|file| file.executable);
        self.update(at, |slot| {
            slot.now = Some(Source { bytes: Arc::from(text.into_bytes()), executable });
            slot.from = None;
            slot.places = slot.places.saturating_add(1);
        });
        Ok(())
    }

    /// The text that is at a path now.
    fn text(&mut self, path: &str) -> Result<(usize, Source), Fault> {
        let at = self.slot(path)?;
        let file = self.now(at).ok_or_else(|| Fault::new(FaultKind::NotFound, format!("there is no file {path}")))?;
        if file.bytes.len() > MAX_BYTES {
            return Err(Fault::new(
                FaultKind::TooLarge,
                format!("{path} has {} bytes, and edits take up to {MAX_BYTES}", file.bytes.len()),
            ));
        }
        if memchr::memchr(0, &file.bytes).is_some() {
            return Err(nearest::binary(path));
        }
        Ok((at, file))
    }

    fn change(
        &mut self,
        path: &str,
        to: Option<String>,
        splices: &[Splice],
        executable: Option<bool>,
    ) -> Result<(), Fault> {
        if let [Splice::Lines(Hunk { lines, place, bare, .. })] = splices
            && place.from_nothing
            && to.is_none()
            && lines.iter().all(|(op, _)| *op == Op::Add)
        {
            let at = self.slot(path)?;
            if self.now(at).is_none() {
                let mut text = ended_lines(lines.iter().map(|(_, text)| text.as_str()));
                if bare.1 {
                    text.pop();
                }
                return self.create(path, text, executable.unwrap_or_default(), Over::Nothing);
            }
        }
        // A file that is only moved need not be text.
        let (at, file) = if splices.is_empty() {
            let at = self.slot(path)?;
            let file = self.now(at);
            (at, file.ok_or_else(|| Fault::new(FaultKind::NotFound, format!("there is no file {path}")))?)
        } else {
            self.text(path)?
        };
        let (bytes, places, nearness) = self.splice(path, file.bytes, splices)?;
        let source = Source { bytes, executable: executable.unwrap_or(file.executable) };
        let at = match to {
            Some(to) => self.rename(at, path, &to)?,
            None => at,
        };
        self.update(at, |slot| {
            slot.now = Some(source);
            slot.places = slot.places.saturating_add(places);
            slot.nearness = slot.nearness.max(nearness);
        });
        Ok(())
    }

    /// Carries out all changes of one file in their order.
    fn splice(
        &mut self,
        path: &str,
        mut bytes: Arc<[u8]>,
        splices: &[Splice],
    ) -> Result<(Arc<[u8]>, u32, Nearness), Fault> {
        let (mut places, mut nearness, mut progress) = (0_u32, Nearness::Exact, Progress::default());
        for (index, splice) in splices.iter().enumerate() {
            let which = nearest::name(splice, index, splices.len());
            match splice {
                Splice::Text { new, .. } => refuse_placeholder(path, lines_of(new).into_iter(), &bytes)?,
                Splice::After { text, .. } => refuse_placeholder(path, lines_of(text).into_iter(), &bytes)?,
                Splice::Lines(hunk) => refuse_placeholder(path, hunk.new_lines().into_iter(), &bytes)?,
            }
            let done = splice::carry_out(&bytes, splice, &mut progress, &mut self.work)
                .map_err(|miss| nearest::explain(miss, &bytes, path, splice, &which))?;
            if done.bytes == bytes[..] {
                return Err(Fault::invalid(format!(
                    "{which}the edit would change nothing: {path} already reads that way there"
                )));
            }
            places = places.saturating_add(done.places);
            nearness = nearness.max(done.nearness);
            bytes = Arc::from(done.bytes);
        }
        Ok((bytes, places, nearness))
    }

    /// Takes the file away from its path, and answers the slot it goes to.
    fn rename(&mut self, at: usize, path: &str, to: &str) -> Result<usize, Fault> {
        let target = self.slot(to)?;
        if self.now(target).is_some() {
            return Err(Fault::conflict(format!("{path} cannot be moved to {to}, because that exists already")));
        }
        let origin = self.slots.get(at).and_then(|slot| slot.from).unwrap_or(at);
        let origin = self.slots.get(origin).and_then(|slot| slot.before.as_ref()).map(|_| origin);
        let (places, nearness) = self.slots.get(at).map_or((0, Nearness::Exact), |slot| (slot.places, slot.nearness));
        self.update(at, |slot| {
            slot.now = None;
            (slot.from, slot.places, slot.nearness) = (None, 0, Nearness::Exact);
        });
        self.update(target, |slot| {
            slot.from = origin.filter(|&origin| origin != target);
            (slot.places, slot.nearness) = (slot.places.saturating_add(places), slot.nearness.max(nearness));
        });
        Ok(target)
    }

    fn remove(&mut self, path: &str, hunks: Vec<Hunk>) -> Result<(), Fault> {
        let at = self.slot(path)?;
        if self.now(at).is_none() {
            return Err(Fault::new(FaultKind::NotFound, format!("there is no file {path}")));
        }
        if !hunks.is_empty() {
            let (_, file) = self.text(path)?;
            let splices: Vec<_> = hunks.into_iter().map(Splice::Lines).collect();
            let (left, ..) = self.splice(path, file.bytes, &splices)?;
            let lines = Page::new(&left).len();
            if lines > 0 {
                return Err(Fault::conflict(format!(
                    "the diff removes {path}, but the diff does not show {} of it\nread the file again",
                    nearest::count_of(lines)
                )));
            }
        }
        self.update(at, |slot| {
            slot.now = None;
            slot.from = None;
            slot.places = slot.places.saturating_add(1);
        });
        Ok(())
    }

    pub(super) fn outcomes(self) -> Vec<Outcome> {
        let moved: Vec<usize> = self.slots.iter().filter_map(|slot| slot.from).collect();
        let outcome = |(at, slot): (usize, &Slot)| {
            let origin = slot.from.and_then(|from| self.slots.get(from));
            let before = origin.unwrap_or(slot).before.as_ref();
            // What moved away was not removed.
            let (added, removed) =
                if slot.now.is_none() && moved.contains(&at) { (0, 0) } else { changes(before, slot.now.as_ref()) };
            Outcome {
                path: slot.path.clone(),
                after: slot.now.as_ref().map(|file| file.bytes.to_vec()),
                executable: slot.now.as_ref().is_some_and(|file| file.executable),
                renamed_from: origin.map(|origin| origin.path.clone()),
                places: slot.places,
                nearness: slot.nearness,
                added,
                removed,
            }
        };
        self.slots.iter().enumerate().map(outcome).collect()
    }
}

fn changes(before: Option<&Source>, after: Option<&Source>) -> (u32, u32) {
    let bytes = |file: Option<&Source>| file.map(|file| Arc::clone(&file.bytes)).unwrap_or_default();
    let (before, after) = (bytes(before), bytes(after));
    if before == after {
        return (0, 0);
    }
    let lines = |bytes| <[u8]>::split_inclusive(bytes, |byte| *byte == b'\n').collect::<Vec<_>>();
    count_changes(&lines(&before), &lines(&after))
}

/// Lines, each ended.
pub(super) fn ended_lines<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn refuse_placeholder<'a>(path: &str, new: impl Iterator<Item = &'a str>, file: &[u8]) -> Result<(), Fault> {
    match placeholder::in_new(new, file) {
        None => Ok(()),
        Some(line) => Err(Fault::invalid(format!(
            "the new text for {path} has `{}`, which stands for code instead of being it\nwrite the code out, or leave it out of both the old and the new text",
            line.trim()
        ))),
    }
}

//! GitHub's workflow files: the steps of their jobs, and the folders that they run in.

use super::{Step, indent, unquoted};

/// A folder that no repository has: what runs in it is not known.
const NOWHERE: &str = "/";

/// Reads line by line.
#[derive(Default)]
struct Reader<'a> {
    /// Each with the number of its job.
    done: Vec<(usize, Step<'a>)>,
    step: Step<'a>,
    /// The indent of the steps of a job.
    steps: Option<usize>,
    /// The indent of the `run: |` whose lines these are, and whether each is a command: `>` folds them into one.
    block: Option<(usize, bool)>,
    /// The indent of the names of jobs, once `jobs:` was there.
    jobs: Option<Option<usize>>,
    /// The indent of `defaults:`, while it lasts.
    defaults: Option<usize>,
    /// The folders that defaults name: first that of the file, then those of its jobs.
    folders: Vec<Option<&'a str>>,
}

/// The steps of a file.
pub(super) fn steps(text: &str) -> Vec<Step<'_>> {
    let mut reader = Reader { folders: vec![None], ..Reader::default() };
    for (at, line) in text.lines().enumerate() {
        if !line.trim().is_empty() && !line.trim().starts_with('#') {
            reader.line(at + 1, line);
        }
    }
    reader.end_step();
    let Reader { done, folders, .. } = reader;
    let of_job = |job: usize| folders.get(job).copied().flatten().or(folders[0]);
    let done = done.into_iter().map(|(job, step)| Step { folder: step.folder.or(of_job(job)), ..step });
    done.collect()
}

impl<'a> Reader<'a> {
    fn line(&mut self, at: usize, line: &'a str) {
        let (indent, text) = (indent(line), line.trim());
        if let Some((above, each)) = self.block {
            if indent > above {
                self.step.lines.extend(each.then_some((at, text)));
                return;
            }
            self.block = None;
        }
        self.place(indent, text);
        if self.defaults.is_some() {
            return;
        }
        let begins = text.starts_with("- ") && self.steps.is_none_or(|steps| indent <= steps);
        if begins {
            self.end_step();
            self.steps = Some(indent);
        }
        let key = text.trim_start_matches("- ");
        if let Some(folder) = key.strip_prefix("working-directory:") {
            self.step.folder = Some(unquoted(folder.trim()));
        }
        match key.strip_prefix("run:").map(str::trim) {
            None | Some("") => {}
            Some(value) if value.starts_with(['|', '>']) => {
                self.block = Some((indent + if begins { 2 } else { 0 }, value.starts_with('|')));
            }
            Some(value) => self.step.lines.push((at, unquoted(value))),
        }
    }

    /// Which job, and whether it is the defaults of one or of all.
    fn place(&mut self, indent: usize, text: &'a str) {
        if self.defaults.is_some_and(|above| indent <= above) {
            self.defaults = None;
        }
        match self.jobs {
            None if indent == 0 && text == "jobs:" => self.jobs = Some(None),
            Some(names) if indent > 0 && names.is_none_or(|names| names == indent) && !text.starts_with('-') => {
                self.end_step();
                self.jobs = Some(Some(indent));
                self.folders.push(None);
            }
            _ => {}
        }
        if text == "steps:" {
            self.end_step();
            self.steps = None;
        }
        if text.starts_with("defaults:") && self.steps.is_none_or(|steps| indent <= steps) {
            self.defaults = Some(indent);
        }
        if self.defaults.is_some() && text.contains("working-directory:") {
            let folder = text.strip_prefix("working-directory:").map_or(NOWHERE, |folder| unquoted(folder.trim()));
            self.folders.iter_mut().next_back().into_iter().for_each(|last| *last = Some(folder));
        }
    }

    fn end_step(&mut self) {
        let job = self.folders.len() - 1;
        self.done.push((job, std::mem::take(&mut self.step)));
    }
}

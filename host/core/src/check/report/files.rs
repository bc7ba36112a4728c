//! Reports that a command wrote into files, as JUnit's XML: a file for each class of tests, where Maven and Gradle write them,
//! or the files that `pit.toml` names for a check.
//!
//! All files of one run make one report. It is understood if each of them is, and no test has a result in two of them.

#[cfg(test)]
mod tests;

use super::jvm::{Beside, beside};
use super::lines::plain;
use super::tally::Outcome;
use super::{Confused, Counts, How, Report, Runner, Tally, Tests, junit, named};
use crate::pattern::{Pattern, Patterns};
use crate::secret::Secrets;
use crate::text::excerpt;

/// Where Maven's plugins and Gradle write, in the top folder and in those of modules.
const PLACES: &[&str] = &[
    "**/target/surefire-reports/TEST-*.xml",
    "**/target/failsafe-reports/TEST-*.xml",
    "**/build/test-results/*/TEST-*.xml",
];

/// Characters of a path in a reason.
const MOST_PATH: usize = 120;

/// The files that are looked for after a command that said this, if any are.
///
/// Files that a person names are what counts. Those that Maven and Gradle write are looked for only where nothing else is
/// known: a runner whose output is understood has named its tests already, and a command that names a runner is that runner's.
pub fn wanted(argv: &[String], reports: &Patterns, said: &Report) -> Option<Patterns> {
    match said {
        _ if !reports.is_empty() => Some(reports.clone()),
        Report::NotUnderstood { .. } if named(argv).is_none() => {
            Some(PLACES.iter().filter_map(|place| Pattern::new(place).ok()).collect())
        }
        _ => None,
    }
}

/// What the files of a run say, one added after the other, so that no two have to be in memory.
#[derive(Debug, Default)]
pub struct Gathered {
    tally: Tally,
    said: Counts,
    files: usize,
    fault: Option<Confused>,
}

impl Gathered {
    /// Adds a file, by its path from the top of the workspace. Nothing is kept of `secrets`, whose values are taken out of
    /// output in the same way.
    pub fn add(&mut self, path: &str, bytes: &[u8], secrets: &Secrets) {
        self.files += 1;
        if self.fault.is_some() {
            return;
        }
        // As it stands there and, below, as it reads: an entity in the middle of a value would hide it.
        let text = String::from_utf8(secrets.redacted(bytes)).map_err(|_| "it is not UTF-8".to_owned());
        let added = text.and_then(|text| junit::cases(&text)).and_then(|cases| {
            let group = group(path);
            for case in cases {
                match case.outcome {
                    Outcome::Passed => self.said.passed += 1,
                    Outcome::Failed => self.said.failed += 1,
                    Outcome::Skipped => self.said.skipped += 1,
                }
                let name = without(secrets, &format!("{group}{}", case.name));
                case.without(secrets).add(&name, &mut self.tally);
            }
            self.tally.fault().map_or(Ok(()), |fault| Err(fault.to_owned()))
        });
        if let Err(why) = added {
            self.refuse(path, &why, secrets);
        }
    }

    /// There is something in the place of a report that is none, or that is not read.
    pub fn refuse(&mut self, path: &str, why: &str, secrets: &Secrets) {
        self.files += 1;
        self.fault.get_or_insert_with(|| format!("{}: {why}", excerpt(&without(secrets, path), MOST_PATH)));
    }

    /// There is so much that no more is looked for.
    pub fn give_up(&mut self, why: &str) {
        self.fault.get_or_insert_with(|| why.to_owned());
    }

    /// What the run says, by its files and its output. `reports` are the files that `pit.toml` names.
    pub fn report(self, argv: &[String], reports: &Patterns, said: Report, output: &str) -> Report {
        match self {
            Self { fault: Some(why), .. } => Report::NotUnderstood { why },
            Self { files: 0, .. } if reports.is_empty() => said,
            Self { files: 0, .. } => {
                let names: Vec<&str> = reports.iter().map(Pattern::as_str).collect();
                let names = excerpt(&names.join(", "), MOST_PATH);
                Report::NotUnderstood { why: format!("it wrote no file that its `reports` names ({names})") }
            }
            Self { tally, said: counts, .. } => match finish(tally, counts, argv, output) {
                Ok(mut tests) => {
                    // A runner that says of itself that it stopped has run no more for having written a file.
                    tests.stopped |= said.tests().is_some_and(|tests| tests.stopped);
                    Report::Understood(Box::new(tests))
                }
                Err(why) => Report::NotUnderstood { why },
            },
        }
    }
}

/// With what else failed: a report is of tests alone, and a build that has a known failure among its tests may fail for
/// another reason by now.
fn finish(mut tally: Tally, mut said: Counts, argv: &[String], output: &str) -> Result<Tests, Confused> {
    let plain = plain(output);
    let Beside { failed, stopped } = beside(argv, &plain);
    for (name, line) in failed {
        tally.add(&name, Outcome::Failed);
        tally.explain(&name, line);
        tally.how(&name, How::Error, None);
        said.failed += 1;
    }
    tally.finish(Runner::Junit, said, stopped)
}

pub(super) fn without(secrets: &Secrets, text: &str) -> String {
    String::from_utf8_lossy(&secrets.redacted(text.as_bytes())).into_owned()
}

/// What a test's name begins with: the module that its file is in, and Gradle's task where it is not `test`. A class may have
/// one name in two modules, and Android's tests run in a task for each variant. It follows from the path alone, or a test's
/// name would depend on which others there are.
fn group(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let (module, task) = match parts.as_slice() {
        [module @ .., "target", "surefire-reports" | "failsafe-reports", _] => (module, None),
        [module @ .., "build", "test-results", task, _] => (module, Some(*task).filter(|task| *task != "test")),
        _ => (&[][..], None),
    };
    module.iter().copied().chain(task).map(|part| format!("{part}/")).collect()
}

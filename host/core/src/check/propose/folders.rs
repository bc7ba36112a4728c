//! In which folders there are projects: the top, those that CI goes into, and where the top is none, those right below it.

use super::{Found, Proposal, Repository, all_failures, below, ci, guess, sort};

/// Folders besides the top. More projects than a person reads through are not proposed.
const MOST_FOLDERS: usize = 4;

/// Files by which a folder is a project.
const PROJECTS: &[&str] = &[
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "setup.py",
    "requirements.txt",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
];

/// Folders whose projects are not the repository's own work.
const OTHERS: &[&str] =
    &["docs", "doc", "examples", "example", "test", "tests", "fixtures", "vendor", "third_party", "node_modules"];

/// The folders that are looked at, the top first, which is the empty one.
pub(super) fn of(repository: &Repository<'_>, by_ci: &[Found]) -> Vec<String> {
    let mut folders = vec![String::new()];
    let mut add = |folder: &str| {
        if folders.len() <= MOST_FOLDERS && !folders.iter().any(|known| known == folder) {
            folders.push(folder.to_owned());
        }
    };
    by_ci.iter().for_each(|found| add(&found.dir));
    if !PROJECTS.iter().any(|path| repository.has(path)) {
        let projects = repository.paths.iter().filter_map(|path| path.split_once('/'));
        let own = |folder: &str| !folder.starts_with('.') && !OTHERS.contains(&folder);
        let projects = projects.filter(|(folder, path)| PROJECTS.contains(path) && own(folder));
        projects.for_each(|(folder, _)| add(folder));
    }
    folders
}

/// What one folder seems to want, by what CI runs there and by its own files.
pub(super) fn look(
    repository: &Repository<'_>,
    folder: &str,
    by_ci: Vec<Found>,
    found: &mut Vec<Found>,
    proposal: &mut Proposal,
) {
    let (mut within, mut own) = (repository.within(folder), Proposal::default());
    // A member of the top's workspace is fetched, built and tested with it.
    if !folder.is_empty() && repository.text("Cargo.toml").is_some_and(|text| text.contains("[workspace]")) {
        within.texts.remove("Cargo.toml");
    }
    let (guessed, programs) = guess::guess(&within, &by_ci, ci::pip(repository, folder), &mut own);
    for Found { part, run, dir, source } in by_ci {
        let run = all_failures(programs.within(run));
        if !found.iter().any(|other| other.run == run && other.dir == dir) {
            found.push(Found { part, run, dir, source });
        }
    }
    // A guess counts for a purpose and a language for which the CI file runs nothing, and `make test` at the top mostly goes into
    // the folders itself.
    let known = found.clone();
    let covers = |known: &Found, guess: &Found| {
        let same = sort::tool(&known.run) == sort::tool(&guess.run) || sort::is_general(&known.run);
        let by_top = known.dir.is_empty() && !folder.is_empty() && sort::is_general(&known.run);
        known.part == guess.part && (by_top || known.dir == folder && same)
    };
    let guessed =
        guessed.into_iter().map(|guess| Found { run: all_failures(guess.run), dir: folder.to_owned(), ..guess });
    found.extend(guessed.filter(|guess| !known.iter().any(|known| covers(known, guess))));
    merge(folder, own, proposal);
}

/// Set-up and folders of one folder, as they are called from the top.
fn merge(folder: &str, own: Proposal, proposal: &mut Proposal) {
    for mut setup in own.setup {
        let mut names = std::iter::once(setup.name.clone()).chain((2..100).map(|n| format!("{}-{n}", setup.name)));
        let Some(name) = names.find(|name| !proposal.setup.iter().any(|known| known.name == *name)) else { continue };
        setup.name = name;
        setup.dir = (!folder.is_empty()).then(|| folder.to_owned());
        setup.inputs.iter_mut().for_each(|path| *path = below(folder, path));
        proposal.setup.push(setup);
    }
    for mut warm in own.warm {
        warm.name = below(folder, &warm.name);
        proposal.warm.push(warm);
    }
    for tool in own.tools {
        if !proposal.tools.iter().any(|known| known.name == tool.name) {
            proposal.tools.push(tool);
        }
    }
}

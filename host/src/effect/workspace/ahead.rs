//! Reads a repository's files while a model is asked for the first time, so that an agent's first search finds them read.

use orchestra_pit_core::call::Error;
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::tree::{self, Sort, Step};

use super::MAX_FILE;
use super::search::is_binary;
use crate::effect::store::{Blob, Repo};

/// Leaves the contents of a commit's files for searches. Nothing, where too few are not left already to be worth it.
pub(super) fn read(repo: &Repo, commit: Oid) -> Result<(), Error> {
    let texts = repo.texts();
    let mut files = Vec::new();
    tree::walk(repo, repo.tree_of(commit)?, &mut |_, item| {
        match item.sort() {
            Sort::Directory => return Ok(Step::Into),
            Sort::File { .. } if !texts.has(item.id) => files.push(item.id),
            _ => {}
        }
        Ok(Step::Over)
    })?;
    let Some(mut packing) = repo.pack_texts(&texts, files.iter().copied()) else { return Ok(()) };
    for id in files {
        if packing.is_full() {
            break;
        }
        if let Blob::Bytes(bytes) = repo.blob(id, MAX_FILE)? {
            packing.add(id, (!is_binary(&bytes)).then_some(&bytes[..]));
        }
    }
    repo.keep_texts(packing);
    Ok(())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "looks into pit's own folder")]
mod tests {
    use super::*;
    use crate::effect::store::tests::Git;
    use crate::effect::store::{Text, blob_id};

    #[test]
    fn what_is_read_ahead_is_there_for_searches_and_read_once() {
        let bodies: Vec<(String, String)> =
            (0..2_100).map(|n| (format!("d{}/f{n}", n % 7), format!("{n}\n"))).collect();
        let mut files: Vec<(&str, &[u8])> =
            bodies.iter().map(|(path, body)| (path.as_str(), body.as_bytes())).collect();
        files.push(("binary", b"a\0b"));
        let git = Git::new(&files);
        let repo = git.open();
        let head = repo.head().unwrap().commit;
        let kept = || std::fs::read_dir(repo.state().join("texts")).map_or(0, Iterator::count);
        assert_eq!(kept(), 0);
        for _ in 0..2 {
            read(&repo, head).unwrap();
            assert_eq!(kept(), 1);
        }
        let texts = repo.texts();
        assert!(bodies.iter().all(|(_, body)| texts.has(blob_id(body.as_bytes()))));
        assert_eq!(texts.with(blob_id(b"a\0b"), |text| text == Text::Binary), Some(true));
    }

    #[test]
    fn few_files_are_not_worth_it() {
        let git = Git::new(&[("a", b"a")]);
        let repo = git.open();
        read(&repo, repo.head().unwrap().commit).unwrap();
        assert!(!repo.state().join("texts").exists());
    }
}

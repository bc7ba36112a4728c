//! Contents of files as they were searched once, for the next search: reading them from git's packs is most of what one costs.
//!
//! Kept in `texts/` of pit's folder in the git directory, in files that are written once and never changed. One is blocks
//! of contents in the order in which they were searched, packed by LZ4 with a checksum each, then where each content is by
//! its id, then where that begins and its checksum. All of it can be made again: what cannot be read is not there, and nothing is flushed.

#![expect(clippy::disallowed_methods, reason = "reads and writes files of pit's own")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use orchestra_pit_core::id::Oid;

use super::{Repo, lock};

/// The end of each file.
const FORMAT: &[u8; 8] = b"pittext1";
const TRAILER: usize = 28;

/// Bytes of contents in a block: a thread holds one.
const BLOCK: usize = 256 << 10;
/// A larger content is read from git each time.
const MOST: usize = BLOCK;
/// Contents that are worth a file.
const WORTH: usize = 2_000;
/// Files, and bytes of them, before all is made anew: what is in no tree any more is never looked for.
const MOST_FILES: usize = 16;
const MOST_BYTES: u64 = 2 << 30;

/// How a file ends that is being written, and how old one is that nobody is at.
const NEW: &str = "new";
const LEFT: Duration = Duration::from_secs(3600);

/// Bytes of a block and of a content in the index.
const BLOCK_ROW: usize = 20;
const TEXT_ROW: usize = 32;
/// In the place of a length: a file that git would take for binary. Its bytes are not kept.
const BINARY: u32 = u32::MAX;

/// Whether somebody packs: two at once would leave the same twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Packs(Arc<AtomicBool>);

impl Packs {
    fn begin(&self) -> Option<Turn> {
        (!self.0.swap(true, Ordering::Acquire)).then(|| Turn(self.0.clone()))
    }
}

/// The only one who packs.
struct Turn(Arc<AtomicBool>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// What is there.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    files: Vec<(File, Vec<Block>)>,
    places: HashMap<Oid, Place>,
    bytes: u64,
    /// Tells one from another in what a thread remembers.
    number: u64,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    at: u64,
    packed: u32,
    raw: u32,
    sum: u32,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    file: u32,
    block: u32,
    from: u32,
    length: u32,
}

/// One content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Text<'a> {
    Bytes(&'a [u8]),
    Binary,
}

thread_local! {
    /// The block that this thread has unpacked last: what follows in a tree follows in a block.
    static LAST: RefCell<Last> = RefCell::default();
}

#[derive(Default)]
struct Last {
    of: Option<(u64, u32, u32)>,
    packed: Vec<u8>,
    raw: Vec<u8>,
}

impl Repo {
    /// What earlier searches have left.
    pub(crate) fn texts(&self) -> Arc<Texts> {
        let mut known = lock(&self.texts);
        known.get_or_insert_with(|| Arc::new(Texts::open(&self.state.join("texts")))).clone()
    }

    /// Removes it. Answers whether there was any.
    pub fn forget_texts(&self) -> io::Result<bool> {
        *lock(&self.texts) = None;
        match fs::remove_dir_all(self.state.join("texts")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Begins with contents of which many are not there. None if it is not worth it, if there is no room for more, or if
    /// somebody else is at it.
    pub(crate) fn pack_texts(&self, known: &Texts, wanted: impl Iterator<Item = Oid>) -> Option<Packing> {
        let lacking = wanted.filter(|id| !known.has(*id)).take(WORTH).count();
        let turn = if lacking == WORTH { self.packs.begin() } else { None };
        Packing::new(&self.state.join("texts"), known, turn?).ok()
    }

    /// Keeps what was packed, for the next search of this process and of others.
    pub(crate) fn keep_texts(&self, packing: Packing) {
        // Kept to save time alone: without it the next search takes as long as this one.
        if packing.keep().is_ok_and(|kept| kept) {
            *lock(&self.texts) = None;
        }
    }
}

impl Texts {
    fn open(folder: &Path) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut texts = Self { number: NEXT.fetch_add(1, Ordering::Relaxed), ..Self::default() };
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        // What a process that was killed was writing; one at work is done in seconds.
        let left = |path: &PathBuf| {
            let age = fs::metadata(path).and_then(|about| about.modified()).ok().and_then(|then| then.elapsed().ok());
            path.extension().is_some_and(|end| end == NEW) && age.is_some_and(|age| age > LEFT)
        };
        paths.iter().filter(|path| left(path)).for_each(|path| drop(fs::remove_file(path)));
        paths.retain(|path| path.extension().is_some_and(|end| end == "lz4"));
        paths.sort();
        for path in &paths {
            // What is damaged, or of another version, is none.
            if texts.add(path).is_err() {
                let _ = fs::remove_file(path);
            }
        }
        if texts.files.len() > MOST_FILES || texts.bytes > MOST_BYTES {
            paths.iter().for_each(|path| drop(fs::remove_file(path)));
            return Self { number: texts.number, ..Self::default() };
        }
        texts
    }

    fn add(&mut self, path: &Path) -> io::Result<()> {
        let bad = || io::Error::other("damaged");
        let file = File::open(path)?;
        let size = file.metadata()?.size();
        let mut trailer = [0; TRAILER];
        let end = size.checked_sub(TRAILER as u64).ok_or_else(bad)?;
        file.read_exact_at(&mut trailer, end)?;
        let (begin, blocks, texts) = (long(&trailer), word(&trailer[8..]) as usize, word(&trailer[12..]) as usize);
        let length = blocks * BLOCK_ROW + texts * TEXT_ROW;
        if trailer[20..] != *FORMAT || begin.checked_add(length as u64) != Some(end) {
            return Err(bad());
        }
        let mut index = vec![0; length];
        file.read_exact_at(&mut index, begin)?;
        if crc32fast::hash(&index) != word(&trailer[16..]) {
            return Err(bad());
        }
        let (rows, texts) = index.split_at(blocks * BLOCK_ROW);
        let block =
            |row: &[u8]| Block { at: long(row), packed: word(&row[8..]), raw: word(&row[12..]), sum: word(&row[16..]) };
        let blocks: Vec<Block> = rows.chunks_exact(BLOCK_ROW).map(block).collect();
        if blocks.iter().any(|block| block.raw as usize > 2 * BLOCK || u64::from(block.packed) > begin) {
            return Err(bad());
        }
        let number = u32::try_from(self.files.len()).map_err(|_| bad())?;
        self.places.reserve(texts.len() / TEXT_ROW);
        for row in texts.chunks_exact(TEXT_ROW) {
            let mut id = [0; 20];
            id.copy_from_slice(&row[..20]);
            let place =
                Place { file: number, block: word(&row[20..]), from: word(&row[24..]), length: word(&row[28..]) };
            self.places.insert(Oid(id), place);
        }
        self.files.push((file, blocks));
        self.bytes += size;
        Ok(())
    }

    /// Whether a content is there.
    pub(crate) fn has(&self, id: Oid) -> bool {
        self.places.contains_key(&id)
    }

    /// Uses a content, if it is there.
    pub(crate) fn with<R>(&self, id: Oid, use_it: impl FnOnce(Text<'_>) -> R) -> Option<R> {
        let place = self.places.get(&id)?;
        if place.length == BINARY {
            return Some(use_it(Text::Binary));
        }
        LAST.with_borrow_mut(|last| {
            let wanted = Some((self.number, place.file, place.block));
            if last.of != wanted {
                last.of = None;
                self.unpack(*place, last)?;
                last.of = wanted;
            }
            let from = place.from as usize;
            last.raw.get(from..from.checked_add(place.length as usize)?).map(|bytes| use_it(Text::Bytes(bytes)))
        })
    }

    fn unpack(&self, place: Place, into: &mut Last) -> Option<()> {
        let (file, blocks) = self.files.get(place.file as usize)?;
        let block = blocks.get(place.block as usize)?;
        into.packed.resize(block.packed as usize, 0);
        file.read_exact_at(&mut into.packed, block.at).ok()?;
        if crc32fast::hash(&into.packed) != block.sum {
            return None;
        }
        into.raw.resize(block.raw as usize, 0);
        let length = lz4_flex::block::decompress_into(&into.packed, &mut into.raw).ok()?;
        (length == into.raw.len()).then_some(())
    }
}

/// A file that is being written.
pub(crate) struct Packing {
    folder: PathBuf,
    aside: PathBuf,
    file: io::BufWriter<File>,
    room: u64,
    at: u64,
    raw: Vec<u8>,
    blocks: Vec<u8>,
    texts: Vec<u8>,
    failed: bool,
    _turn: Turn,
}

impl Packing {
    fn new(folder: &Path, known: &Texts, turn: Turn) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let room = MOST_BYTES.checked_sub(known.bytes).ok_or_else(|| io::Error::other("no room"))?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let name = format!("{}.{}.{NEW}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let aside = folder.join(name);
        let file = io::BufWriter::with_capacity(BLOCK, File::create(&aside)?);
        let (blocks, texts) = (Vec::new(), Vec::new());
        let folder = folder.to_owned();
        Ok(Self {
            folder,
            aside,
            file,
            room,
            at: 0,
            raw: Vec::with_capacity(BLOCK),
            blocks,
            texts,
            failed: false,
            _turn: turn,
        })
    }

    /// Whether nothing more is taken.
    pub(crate) fn is_full(&self) -> bool {
        self.failed || self.at > self.room
    }

    /// Adds a content; none of its bytes if it is binary.
    pub(crate) fn add(&mut self, id: Oid, bytes: Option<&[u8]>) {
        let most = bytes.is_some_and(|bytes| bytes.len() > MOST);
        if most || self.is_full() {
            return;
        }
        if self.raw.len() + bytes.map_or(0, <[u8]>::len) > BLOCK {
            self.block();
        }
        let block = (self.blocks.len() / BLOCK_ROW) as u32;
        let length = bytes.map_or(BINARY, |bytes| bytes.len() as u32);
        self.texts.extend_from_slice(&id.0);
        for word in [block, self.raw.len() as u32, length] {
            self.texts.extend_from_slice(&word.to_le_bytes());
        }
        self.raw.extend_from_slice(bytes.unwrap_or_default());
    }

    fn block(&mut self) {
        let packed = lz4_flex::block::compress(&self.raw);
        self.failed |= self.file.write_all(&packed).is_err();
        self.blocks.extend_from_slice(&self.at.to_le_bytes());
        for word in [packed.len() as u32, self.raw.len() as u32, crc32fast::hash(&packed)] {
            self.blocks.extend_from_slice(&word.to_le_bytes());
        }
        self.at += packed.len() as u64;
        self.raw.clear();
    }

    /// Whether it was worth it, and is there now.
    fn keep(mut self) -> io::Result<bool> {
        if self.failed || self.texts.len() / TEXT_ROW < WORTH {
            return Ok(false);
        }
        self.block();
        let (blocks, texts) = (self.blocks.len() / BLOCK_ROW, self.texts.len() / TEXT_ROW);
        self.blocks.append(&mut self.texts);
        self.file.write_all(&self.blocks)?;
        self.file.write_all(&self.at.to_le_bytes())?;
        self.file.write_all(&(blocks as u32).to_le_bytes())?;
        self.file.write_all(&(texts as u32).to_le_bytes())?;
        self.file.write_all(&crc32fast::hash(&self.blocks).to_le_bytes())?;
        self.file.write_all(FORMAT)?;
        self.file.flush()?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        fs::rename(&self.aside, self.folder.join(format!("{}-{}.lz4", now.as_nanos(), std::process::id())))?;
        Ok(true)
    }
}

impl Drop for Packing {
    fn drop(&mut self) {
        // Kept, it has another name.
        let _ = fs::remove_file(&self.aside);
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn long(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::super::blob_id;
    use super::super::tests::Git;
    use super::*;

    fn text(n: usize) -> Vec<u8> {
        format!("line {n}\n").repeat(1 + n % 90).into_bytes()
    }

    fn packed(repo: &Repo, from: usize, to: usize) {
        let ids = (from..to).map(|n| blob_id(&text(n)));
        let Some(mut packing) = repo.pack_texts(&repo.texts(), ids) else { return };
        (from..to).for_each(|n| packing.add(blob_id(&text(n)), Some(&text(n))));
        packing.add(blob_id(b"\0"), None);
        packing.add(blob_id(b"large"), Some(&vec![7; MOST + 1]));
        repo.keep_texts(packing);
    }

    fn has(repo: &Repo, n: usize) -> bool {
        let texts = repo.texts();
        let same = |found: Text<'_>| assert_eq!(found, Text::Bytes(&text(n)));
        texts.with(blob_id(&text(n)), same).is_some()
    }

    fn files(repo: &Repo) -> Vec<PathBuf> {
        fs::read_dir(repo.state().join("texts")).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn what_was_packed_is_found_by_this_process_and_another() {
        let git = Git::new(&[("a", b"a")]);
        let repo = git.open();
        assert!(!has(&repo, 0));
        packed(&repo, 0, 3_000);
        packed(&repo, 3_000, 6_000);
        for repo in [&repo, &git.open()] {
            assert!((0..6_000).all(|n| has(repo, n)) && !has(repo, 6_000));
            assert_eq!(repo.texts().with(blob_id(b"\0"), |found| found == Text::Binary), Some(true));
            assert_eq!(repo.texts().with(blob_id(b"large"), |_| ()), None);
        }
        assert_eq!(files(&repo).len(), 2);
        assert!(repo.forget_texts().unwrap() && !has(&repo, 1) && !repo.forget_texts().unwrap());
    }

    #[test]
    fn one_packs_at_a_time() {
        let git = Git::new(&[("a", b"a")]);
        let repo = git.open();
        let begin = || repo.pack_texts(&repo.texts(), (0..WORTH).map(|n| blob_id(&text(n))));
        let first = begin();
        assert!(first.is_some() && begin().is_none());
        drop(first);
        assert!(begin().is_some());
    }

    #[test]
    fn what_is_not_worth_it_leaves_nothing() {
        let git = Git::new(&[("a", b"a")]);
        let repo = git.open();
        packed(&repo, 0, WORTH - 10);
        assert!(!has(&repo, 1) && !repo.state().join("texts").exists());
        // Begun, and broken off.
        let mut packing = repo.pack_texts(&repo.texts(), (0..WORTH).map(|n| blob_id(&text(n)))).unwrap();
        packing.add(blob_id(&text(1)), Some(&text(1)));
        drop(packing);
        assert!(!has(&repo, 1));
        assert!(files(&repo).is_empty());
        // Left by a process that was killed, long ago and just now.
        for (name, age) in [("1.0.new", 2 * LEFT), ("2.0.new", Duration::ZERO)] {
            let file = File::create(repo.state().join("texts").join(name)).unwrap();
            file.set_modified(std::time::SystemTime::now() - age).unwrap();
        }
        assert!(!has(&git.open(), 1));
        assert_eq!(files(&repo), [repo.state().join("texts/2.0.new")]);
    }

    #[test]
    fn damage_is_found_and_nothing_wrong_is_read() {
        let git = Git::new(&[("a", b"a")]);
        packed(&git.open(), 0, 3_000);
        let path = files(&git.open()).remove(0);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 97) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            fs::write(&path, damaged).unwrap();
            let repo = git.open();
            // As it is, or not at all.
            assert!((0..3_000).filter(|n| !has(&repo, *n)).count() > 0, "byte {at}");
        }
        for length in [0, 7, TRAILER, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(!has(&git.open(), 1) && !path.exists(), "{length}");
        }
    }

    #[test]
    fn too_many_files_are_made_anew() {
        let git = Git::new(&[("a", b"a")]);
        let repo = git.open();
        for n in 0..=MOST_FILES {
            packed(&repo, n * 3_000, n * 3_000 + WORTH);
        }
        assert!(!has(&git.open(), 1));
        assert!(files(&git.open()).is_empty());
    }
}

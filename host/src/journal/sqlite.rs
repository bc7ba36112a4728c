//! A store in one SQLite file, shared by all `pit` processes of a repository. docs/journal-format.md describes its tables.
#![expect(clippy::disallowed_methods, reason = "the journal is a file of the host's own, which no agent names")]

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::error::OpenError;

mod shelf;
mod store;

pub(super) use shelf::Reading;
pub(super) use store::Writing;

/// The version of the tables. It goes up with any change that an older `pit` would misread; what is inside the records has its own
/// number, [`FORMAT`](orchestra_pit_core::record::FORMAT).
const TABLES: i64 = 1;

/// Says in the file's header that it is a journal of ours: `pitj`.
const APPLICATION: i64 = 0x7069_746a;

pub(super) const SCHEMA: &str = "
    CREATE TABLE trees (
        id INTEGER PRIMARY KEY,
        tree BLOB NOT NULL UNIQUE,
        epoch INTEGER NOT NULL,
        format INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        run BLOB NOT NULL UNIQUE,
        tree INTEGER NOT NULL REFERENCES trees (id),
        next INTEGER NOT NULL,
        head BLOB NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER
    ) STRICT;
    CREATE INDEX runs_of_tree ON runs (tree);
    CREATE TABLE records (
        row INTEGER PRIMARY KEY,
        tree INTEGER NOT NULL REFERENCES trees (id),
        run INTEGER NOT NULL REFERENCES runs (id),
        number INTEGER NOT NULL,
        header TEXT NOT NULL,
        payload TEXT
    ) STRICT;
    -- One index, by tree and not by run: the records of a hundred agents are then next to each other, and a commit touches
    -- few pages.
    CREATE INDEX records_of_tree ON records (tree);
    CREATE TABLE inbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        tree BLOB NOT NULL,
        body TEXT NOT NULL,
        by TEXT NOT NULL,
        at INTEGER NOT NULL,
        taken INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX inbox_of_tree ON inbox (tree);
";

/// How long SQLite itself waits for another process's commit, which takes milliseconds.
const BUSY: Duration = Duration::from_secs(10);

/// Opens or makes the journal at a path.
pub(super) fn open(path: &Path) -> Result<(Writing, Reading), OpenError> {
    let path = place(path)?;
    let mut connection = connect(&path).map_err(|error| failed(&path, &error))?;
    check(&connection, &path)?;
    prepare(&mut connection).map_err(|error| failed(&path, &error))?;
    check(&connection, &path)?;
    Ok((Writing::new(connection), Reading::new(path)))
}

/// Makes the folder and the file where they are missing, and closes both to everybody else.
fn place(path: &Path) -> Result<PathBuf, OpenError> {
    let system = |error: std::io::Error| OpenError::System { path: path.to_owned(), why: error.to_string() };
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or(std::ffi::OsStr::new("journal.db"));
    let mut make = std::fs::DirBuilder::new();
    make.recursive(true);
    private_folder(&mut make);
    make.create(folder).map_err(system)?;
    // SQLite is told to follow no link, so the folder's own path must have none.
    let path = folder.canonicalize().map_err(system)?.join(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    private_file(&mut options);
    // Never opened when it is there: closing it would give up the locks that SQLite has on it elsewhere in this process.
    match options.open(&path) {
        // Without this a power cut could take the file's name, and with it all that was on disk.
        Ok(_) => std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(system)?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => close_to_others(&path).map_err(system)?,
        Err(error) => return Err(system(error)),
    }
    Ok(path)
}

#[cfg(unix)]
fn private_folder(make: &mut std::fs::DirBuilder) {
    std::os::unix::fs::DirBuilderExt::mode(make, 0o700);
}

#[cfg(unix)]
fn private_file(options: &mut std::fs::OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

#[cfg(unix)]
fn close_to_others(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let found = std::fs::symlink_metadata(path)?;
    if found.is_file() && found.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn private_folder(_: &mut std::fs::DirBuilder) {}

#[cfg(not(unix))]
fn private_file(_: &mut std::fs::OpenOptions) {}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Refuses what is not a journal, or one of a newer `pit`. Changes nothing.
fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    // The tables first: another process may be making the file between these looks, and it makes them all in one step. Whoever
    // sees its tables then sees its mark as well.
    let entries = connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0));
    let (entries, application, found) = entries
        .and_then(|entries| Ok((entries, pragma("application_id")?, pragma("user_version")?)))
        .map_err(|error| failed(path, &error))?;
    let path = path.to_owned();
    match (application, entries) {
        (APPLICATION, _) if found > TABLES => Err(OpenError::Newer { path, found, known: TABLES }),
        (APPLICATION, _) | (0, 0) => Ok(()),
        _ => Err(OpenError::Other { path }),
    }
}

/// Sets the connection up for writing, and makes the tables where there are none.
fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    patiently(|| connection.pragma_update(None, "journal_mode", "WAL"))?;
    // A commit is on disk when it returns: that is what every promise rests on.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is erased is overwritten.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // 16 MiB between checkpoints, each of which costs three further writes to disk: so rare that they do not count.
    connection.pragma_update(None, "wal_autocheckpoint", 4096)?;
    connection.pragma_update(None, "journal_size_limit", 32 << 20)?;
    let made =
        |connection: &Connection| connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    // Looked at before anything is locked: whoever only reads must not wait for those who write.
    if made(connection)? != 0 {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if made(&transaction)? == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", TABLES)?;
    }
    transaction.commit()
}

/// Switching to WAL asks for a lock that SQLite does not wait for: several processes may be making the file at once.
fn patiently<T>(mut attempt: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    for _ in 0..200 {
        match attempt() {
            Err(error) if busy(&error) => std::thread::sleep(Duration::from_millis(10)),
            done => return done,
        }
    }
    attempt()
}

fn busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn failed(path: &Path, error: &rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Other { path: path.to_owned() },
        _ => OpenError::System { path: path.to_owned(), why: error.to_string() },
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Names what the crate is built of, by which two programs know that they speak the same.

#![expect(clippy::disallowed_methods, reason = "a build script reads the sources")]

use std::hash::{DefaultHasher, Hasher};
use std::{fs, io};

fn main() -> io::Result<()> {
    let mut files: Vec<_> =
        fs::read_dir("src")?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.is_file());
    files.sort();
    let mut sum = DefaultHasher::new();
    for path in files {
        sum.write(path.as_os_str().as_encoded_bytes());
        sum.write(&fs::read(path)?);
    }
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rustc-env=PIT_SANDBOX_SOURCES={}-{:016x}", env!("CARGO_PKG_VERSION"), sum.finish());
    Ok(())
}

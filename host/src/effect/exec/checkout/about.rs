//! What is written beside a checkout: what it stands on, where its times are from, and how much it is.

#![expect(clippy::disallowed_methods, reason = "reads a file beside a checkout")]

use std::fs;
use std::io;
use std::path::Path;

use orchestra_pit_core::id::Oid;

/// First line. Another number is another layout, and a checkout that says so is made again.
const FORMAT: &str = "pit checkout 1";

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::effect::exec) struct About {
    /// The checkout whose layers are below, if this has only what differs.
    pub(in crate::effect::exec) over: Option<Oid>,
    /// The checkout that unchanged files have their times from.
    pub(in crate::effect::exec) from: Option<Oid>,
    /// Before its first file was written, in nanoseconds since 1970: no file that it got is older.
    pub(in crate::effect::exec) made: u128,
    /// Files and links of the whole tree.
    pub(in crate::effect::exec) files: u64,
    /// Bytes that its own layer takes.
    pub(in crate::effect::exec) bytes: u64,
}

impl About {
    pub(in crate::effect::exec) fn text(&self) -> String {
        let id = |id: Option<Oid>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let Self { over, from, made, files, bytes } = self;
        format!("{FORMAT}\nover {}\nfrom {}\nmade {made}\nfiles {files}\nbytes {bytes}\n", id(*over), id(*from))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let id = |text: &str| if text == "-" { Some(None) } else { Oid::parse(text).map(Some) };
        if lines.next()? != FORMAT {
            return None;
        }
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        Some(Self {
            over: id(value("over")?)?,
            from: id(value("from")?)?,
            made: value("made")?.parse().ok()?,
            files: value("files")?.parse().ok()?,
            bytes: value("bytes")?.parse().ok()?,
        })
    }

    /// Of the checkout in a folder; none if it is not there or of another layout.
    pub(in crate::effect::exec) fn read(place: &Path) -> io::Result<Option<Self>> {
        match fs::read_to_string(place.join("about")) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_another_layout_is_not() {
        for about in [
            About { over: None, from: None, made: 1, files: 2, bytes: 3 },
            About { over: Some(Oid([1; 20])), from: Some(Oid([2; 20])), made: u128::MAX, files: 0, bytes: u64::MAX },
        ] {
            assert_eq!(About::parse(&about.text()), Some(about));
            assert_eq!(About::parse(&about.text().replace("checkout 1", "checkout 2")), None);
            assert_eq!(About::parse(&about.text().replace("made ", "made x")), None);
        }
        assert_eq!(About::parse(""), None);
    }
}

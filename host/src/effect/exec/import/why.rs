//! Why something that a command wrote is not part of its workspace.

use std::fmt;

use super::super::folder::Kind;
use super::{MAX_CHANGES, MAX_FILE, MAX_PATHS};
use orchestra_pit_core::map::Map;

/// See the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// The run may not write this path.
    NotGranted,
    /// It is in `.git`, or takes its name.
    Git,
    /// The file was taken, and what would have let it run as somebody else was dropped.
    Bits,
    /// A device.
    Device,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
    /// Its name is not UTF-8 or has a character that no path of a workspace has.
    Name,
    /// It has so many bytes.
    Large(u64),
    /// The changed files together have too many bytes.
    Total,
    /// Too many paths were changed.
    Many,
    /// Too many folders in each other.
    Deep,
    /// It is in or at another repository's commit.
    Submodule,
    /// A file in the place of a folder that has something which has to stay.
    Below,
    /// It has a value that agents are not to see.
    Secret,
    /// It starts warm, and no `.gitignore` names it.
    Warm,
}

impl Why {
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Pipe => Self::Pipe,
            Kind::Socket => Self::Socket,
            _ => Self::Device,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted => f.write_str("the run may not write it"),
            Self::Git => f.write_str("git's own folder is not part of a workspace"),
            Self::Bits => f.write_str("taken without its set-user-id and set-group-id bits"),
            Self::Device => f.write_str("it is a device"),
            Self::Pipe => f.write_str("it is a named pipe"),
            Self::Socket => f.write_str("it is a socket"),
            Self::Name => f.write_str("its name is not UTF-8, or has a control character or a backslash"),
            Self::Large(size) => write!(f, "it has {size} bytes, and {} MiB a file are the most", MAX_FILE >> 20),
            Self::Total => write!(f, "the changed files have more than {} MiB together", MAX_CHANGES >> 20),
            Self::Many => {
                write!(f, "more than {MAX_PATHS} paths were changed; a folder that git ignores may have any number")
            }
            Self::Deep => write!(f, "it has more than {} folders in each other", Map::MAX_DEPTH),
            Self::Submodule => f.write_str("it belongs to a submodule, which is another repository's"),
            Self::Secret => {
                f.write_str("it has a value of a file that .worktreeinclude names, which agents do not see")
            }
            Self::Warm => f.write_str("[workspace] warm names it and no .gitignore does: what is new in it is for this run's commands alone, and in no commit"),
            Self::Below => f.write_str("it takes the place of a folder that has something the run may not remove"),
        }
    }
}

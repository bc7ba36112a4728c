//! Why bytes did not become an agent.

use std::fmt;

/// What bytes turned out to be, instead of a component.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Form {
    Empty,
    CoreModule,
    Text,
    Precompiled,
    Unknown,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::CoreModule => "is a core module; build it for wasm32-wasip2, or make a component of it",
            Self::Text => "is text; an agent is a binary component",
            Self::Precompiled => "is compiled already; pit compiles agents itself and takes the .wasm",
            Self::Unknown => "is not WebAssembly",
        })
    }
}

/// Why bytes did not become an agent. Nothing has run and nothing was kept.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoadError {
    /// It is something else.
    #[error("the agent's file {0}")]
    NotAComponent(Form),
    /// It is broken.
    #[error("the agent's file is not a valid component: {0}")]
    Invalid(String),
    /// It is more than the host is willing to compile.
    #[error("the agent has {size} {what}; pit takes up to {limit}")]
    TooLarge {
        /// What there is too much of, in the plural.
        what: &'static str,
        /// How much.
        size: u64,
        /// The most there may be.
        limit: u64,
    },
    /// It wants something that no agent is given.
    #[error("the agent imports {0}, which pit does not offer")]
    Import(String),
    /// It wants a contract that this host does not speak.
    #[error("the agent imports {name}; this pit offers pit:agent@{offered}")]
    Contract {
        /// What it imports.
        name: String,
        /// The newest version offered.
        offered: &'static str,
    },
    /// The names are right and the types are not.
    #[error("the agent's imports or exports have other types than pit's: {0}")]
    Types(String),
    /// It has no `run`.
    #[error("the component exports no `run`, so it is not an agent")]
    NoRun,
    /// Compiling it took too long.
    #[error("compiling the agent took more than {seconds} s and was given up")]
    Slow {
        /// The limit.
        seconds: u64,
    },
    /// The compiler gave up for another reason: out of memory, most likely.
    #[error("compiling the agent failed: {0}")]
    Compiler(String),
    /// It has more memories, tables or instances than any agent is given, or was compiled by another pit than this one.
    #[error("the agent cannot be made ready to run: {0}")]
    Unfit(String),
    /// The host could not do its part.
    #[error("{0}")]
    Host(String),
}

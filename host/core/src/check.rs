//! Checks and verdicts, apart from running anything: what a check's output says, what the host concludes from what ran,
//! whether a test proves anything, and which checks a repository seems to want.
//!
//! [`report`] reads the output of a test runner, test by test, and says so when it does not understand it.
//! [`verdict`] concludes *green*, *no worse* or *red* from what ran on a tree and on its base; nothing else makes a
//! [`verdict::Verdict`]. [`prove`] judges new tests on a tree without the change they test. [`propose`] is what
//! `pit init` writes down.
//!
//! All texts here come from strangers: repositories, and programs that agents wrote. Reading them is linear in their
//! length, keeps a bounded part, and never panics. **A report is a program's own word.** A repository's tests can print
//! anything, so a report never makes a failed check pass: it only says *which* tests failed, to tell what failed before
//! from what is new.

pub mod propose;
pub mod prove;
pub mod report;
pub mod verdict;

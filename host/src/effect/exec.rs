//! Native commands: the files they see, and what becomes of what they wrote.

pub mod caches;
pub mod checkout;
pub(crate) mod folder;
pub mod git;
pub mod import;
pub mod layer;
pub(crate) mod rules;
pub mod source;

#[cfg(test)]
pub(crate) mod tests;

//! End-to-end tests: `pit` as a person uses it, on real repositories, with real components. One binary, a file a subject.

#![expect(clippy::disallowed_methods, reason = "tests read and write files, and start programs")]

mod accept;
mod agent;
mod around;
mod bad_input;
mod checks;
mod clean;
mod coder;
mod config;
mod delegate;
mod demo;
mod docs;
mod doctor;
mod exec;
mod guests;
mod included;
mod model;
mod people;
mod resume;
mod retries;
mod run;
mod team;
mod terminal;

//! What Orchestra Pit decides with, apart from the world: no I/O, no async, no wasmtime.
//!
//! In the order of the sentence *an agent calls; the gate asks policy, takes from the budget, writes the journal*:
//! a [`call::Order`] says what is wanted, [`policy`] judges it, [`budget`] pays for it, and [`record`] is how it is
//! written down. [`path`], [`pattern`] and [`edit`] are what calls about files are made of; [`map`] is a workspace as a
//! value, over the [`tree`]s of git; [`protected`] is what no commit has without a person; [`manifest`] is what an agent
//! asks for, [`embed`] where that stands in its component. [`strict`] reads what people write; [`amount`] and [`text`]
//! are how money, time and other people's words are read and shown. [`commands`] is what files say of native commands,
//! [`argv`] which of them a grant or a rule is about, [`check`] what the host concludes from those it ran itself, and
//! [`secret`] what of their output nobody is shown.

pub mod amount;
pub mod argv;
pub mod budget;
pub mod call;
pub mod check;
pub mod commands;
pub mod edit;
pub mod embed;
pub mod id;
pub mod manifest;
pub mod map;
pub mod path;
pub mod pattern;
pub mod policy;
pub mod protected;
pub mod record;
pub mod secret;
pub mod strict;
pub mod text;
pub mod time;
pub mod tree;

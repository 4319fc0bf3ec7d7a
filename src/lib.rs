//! Moves OCI artifacts: a client of registries and OCI image layouts.
//!
//! Every verb copies a graph of content between two stores. [`oci`] has the nouns, [`content`] the traits
//! of stores, [`registry`], [`layout`] and [`files`] the stores themselves, and [`ops`] the verbs. The
//! command line is [`cli`].

pub mod cli;
pub mod content;
pub mod credentials;
pub mod files;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
pub mod layout;
pub mod oci;
pub mod ops;
pub mod progress;
pub mod registry;
mod tar;

//! What the tests stand on: a registry in this process, and the means to run the binary.
#![allow(dead_code, reason = "helpers are written for all kinds of tests, each of which uses some")]

pub(crate) mod cli;
pub(crate) mod expect;
pub(crate) mod http;
pub(crate) mod layout;
pub(crate) mod named_tests;
pub(crate) mod nginx;
pub(crate) mod pack;
pub(crate) mod pass;
pub(crate) mod proxy;
pub(crate) mod registry;
mod runtime;
pub(crate) mod server;
pub(crate) mod signer;
pub(crate) mod terminal;
pub(crate) mod tls;
pub(crate) mod tunnel;

#[allow(unused_imports, reason = "the short way to what most tests use")]
pub(crate) use {
    cli::{Outcome, Test},
    registry::{Access, Fault, Gate, TestRegistry},
    tls::{Authority, Identity, ServerTls},
};

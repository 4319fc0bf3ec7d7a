//! The commands; the path of a file is the command line.

pub(crate) mod attach;
pub(crate) mod backup;
pub(crate) mod blob;
pub(crate) mod completion;
pub(crate) mod cp;
pub(crate) mod discover;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod manifest;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod repo;
pub(crate) mod resolve;
pub(crate) mod restore;
pub(crate) mod tag;
pub(crate) mod version;

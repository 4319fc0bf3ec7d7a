//! The binary: what it prints, where, and its exit status. A file per command.

mod azure;
mod backup;
mod bars;
mod blob;
mod compatibility;
mod concurrent;
mod crashes;
mod disk;
mod examples;
mod fixture;
mod hostile;
mod killed;
mod legacy;
mod login;
mod manifest;
mod manifest_index;
mod reference;
mod repo;
mod restore;
mod signals;
mod startup;
mod transcripts;

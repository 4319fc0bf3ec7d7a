//! The binary: what it prints, where, and its exit status. A file per command.

mod transcripts;

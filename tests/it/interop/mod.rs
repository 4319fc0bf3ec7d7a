//! The binary against real registries, which the tests start. Where one is missing, a test is reported as
//! skipped; with `CI=true` it fails.

mod library;
mod quickstart;
mod servers;
mod sign_in;
mod soak;

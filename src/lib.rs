//! A client for OCI artifacts.

pub mod content;
pub mod credentials;
pub mod oci;
pub mod ops;
pub mod progress;
pub mod registry;

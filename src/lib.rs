//! A client for OCI artifacts.

pub mod content;
pub mod credentials;
pub mod files;
pub mod layout;
pub mod oci;
pub mod ops;
pub mod progress;
pub mod registry;
mod tar;

//! A client for OCI artifacts.

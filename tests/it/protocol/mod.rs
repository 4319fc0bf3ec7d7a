//! Our client against a registry in this process that can be told to misbehave.

mod auth;
mod auth_tls;

//! Our client against a registry in this process that can be told to misbehave.

mod auth;
mod auth_tls;
mod connections;
mod downloads;
mod generations;
mod hostile;
mod lists;
mod manifests;
mod parts;
mod referrers;
mod requests;
mod retries;
mod setup;
mod uploads;

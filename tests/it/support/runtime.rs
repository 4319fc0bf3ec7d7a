//! Where servers of tests run: apart from the tests' own runtimes, so that tests without one, tests that
//! block and tests that stop the clock can all talk to a server.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

/// The runtime of all servers of this process.
pub(crate) static SERVERS: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(2).thread_name("servers").enable_all().build().unwrap()
});

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

/// Where all servers run, so that they answer whatever the thread of a test does.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime =
        Builder::new_multi_thread().worker_threads(2).thread_name("hostile").enable_all().build();
    runtime.expect("a runtime for the servers of the tests")
});

pub(crate) fn runtime() -> &'static Runtime {
    &RUNTIME
}

//! Wakes a task of this process that has something to do.

use std::sync::Arc;

use tokio::sync::Notify;

/// Cheap to clone. One that comes while nothing waits for it is kept for the next wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wake(Arc<Notify>);

impl Wake {
    /// There may be something to do.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits for that.
    pub(crate) async fn woken(&self) {
        self.0.notified().await;
    }
}

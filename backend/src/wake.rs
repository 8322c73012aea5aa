//! Wakes a task of this process when there is work for it.

use std::sync::Arc;

use tokio::sync::Notify;

/// A wake-up call to a task; cheap to clone. A call while the task is not waiting is kept for its next wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wake(Arc<Notify>);

impl Wake {
    /// Says that there may be work.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits for the next call of [`Wake::wake`].
    pub(crate) async fn woken(&self) {
        self.0.notified().await;
    }
}

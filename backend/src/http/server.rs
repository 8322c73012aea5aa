//! The state of the HTTP side: the application, and what only HTTP needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRef;
use tokio::sync::Semaphore;

use super::health::{Dependencies, SignIn};
use crate::app::App;
use crate::config::{Config, ServeConfig};

/// The state that handlers and layers share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Server(Arc<Parts>);

/// The parts of a [`Server`].
pub(crate) struct Parts {
    pub(super) app: App,
    pub(super) sign_in: SignIn,
    /// How many of our own proxies are in front of the server.
    pub(super) proxies: usize,
    /// Limits how many requests are worked on at a time.
    pub(super) places: Semaphore,
    pub(super) dependencies: Dependencies,
    stopping: AtomicBool,
}

impl Server {
    pub(crate) fn new(app: App, config: &Config, serve: &ServeConfig) -> Self {
        let keys = serve.oidc_jwks_url.as_ref().unwrap_or(&serve.oidc_issuer_url);
        Self(Arc::new(Parts {
            app,
            sign_in: SignIn::of(serve),
            proxies: serve.proxies,
            places: Semaphore::new(serve.concurrent_requests_max as usize),
            dependencies: Dependencies::new(config.rabbitmq_url.clone(), keys.clone()),
            stopping: AtomicBool::new(false),
        }))
    }

    /// From now on `/health/ready` says that the server is not ready.
    pub(crate) fn begin_to_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

impl std::ops::Deref for Server {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl FromRef<Server> for App {
    fn from_ref(server: &Server) -> Self {
        server.app.clone()
    }
}

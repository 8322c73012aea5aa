//! Everything that the operations share, built once when the process starts.

use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::auth::Verifier;
use crate::bookings::store as booking_store;
use crate::clock::Clock;
use crate::config::{Config, ServeConfig};
use crate::database::lookup::Lookup;
use crate::database::pulse::Pulse;
use crate::database::{self, ServerPools};
use crate::events::seats::Maps;
use crate::limits::Limits;
use crate::links::Links;
use crate::problem::Problem;
use crate::seats::{COMMITTED_MAX, LOADS_AT_ONCE, MAIN_LANES, Parts, SIDE_LANES, Seats};
use crate::shown::Shown;
use crate::users::known::KnownUsers;
use crate::users::store as user_store;
use crate::wake::Wake;

/// An export can have 100,000 rows, which are built in memory.
const EXPORTS_AT_ONCE: usize = 2;

/// The shared parts of the serving process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

/// The parts of an [`App`].
pub(crate) struct Inner {
    /// The same as `pools.general`.
    pub(crate) pool: PgPool,
    pub(crate) pools: ServerPools,
    pub(crate) pulse: Pulse,
    pub(crate) seats: Seats,
    pub(crate) shown: Shown,
    pub(crate) relay_wake: Wake,
    /// Wakes the timers when a long change begins, which continues in portions.
    pub(crate) portions: Wake,
    pub(crate) clock: Clock,
    pub(crate) verifier: Verifier,
    pub(crate) known_users: KnownUsers,
    pub(crate) callers: Lookup<user_store::Unchanged>,
    pub(crate) bookings: Lookup<booking_store::OfCaller>,
    pub(crate) maps: Maps,
    pub(crate) links: Links,
    pub(crate) limits: Limits,
    /// Limits how many answers are built as a whole in memory at a time.
    pub(crate) exports: Semaphore,
    /// Tasks that continue when their caller goes away.
    work: TaskTracker,
}

impl std::ops::Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// A connection of the general pool.
    ///
    /// # Errors
    /// As [`database::conn`].
    pub(crate) fn conn(&self) -> impl Future<Output = sqlx::Result<PoolConnection<Postgres>>> + Send + use<> {
        database::conn(&self.pool)
    }

    /// A connection for finding out who a caller is and what they may do.
    ///
    /// # Errors
    /// As [`App::conn`].
    pub(crate) fn identity_conn(&self) -> impl Future<Output = sqlx::Result<PoolConnection<Postgres>>> + Send + use<> {
        database::conn(&self.pools.identity)
    }

    /// A connection for queries that the staff of an event make.
    ///
    /// # Errors
    /// As [`App::conn`].
    pub(crate) fn staff_conn(&self) -> impl Future<Output = sqlx::Result<PoolConnection<Postgres>>> + Send + use<> {
        database::conn(&self.pools.staff)
    }

    /// Waits for all tasks that continue without their callers. The seat writer must still run, since they may need it.
    pub(crate) async fn work_is_done(&self) {
        self.work.close();
        self.work.wait().await;
    }

    /// Runs work to its end even if its caller goes away. A process that stops waits for such work.
    ///
    /// # Errors
    /// The errors of the work; also when it panics.
    pub(crate) async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        self.work.spawn(work.in_current_span()).await.map_err(Problem::internal)?
    }

    /// Builds the parts and starts the seat writer, which `tasks` waits for after `stop`. A task checks all the while whether the
    /// database answers.
    ///
    /// # Errors
    /// When an address cannot be parsed. A service that is away is noticed later, by requests that need it; they are answered 503.
    pub(crate) fn start(
        config: &Config,
        serve: &ServeConfig,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let clock = Clock;
        let (pulse, probe) = Pulse::new(&config.database_url)?;
        let pools = ServerPools::new(&config.database_url, config.database_connections_max, &pulse)?;
        tokio::spawn(probe.run(stop.clone()));
        let relay_wake = Wake::default();
        let (watcher, committed) = mpsc::channel(COMMITTED_MAX);
        let shown = Shown::start(config.redis_url.as_str(), committed, pools.general.clone(), tasks, stop)?;
        let parts = Parts {
            pool: database::writer_pool(&config.database_url, (MAIN_LANES + SIDE_LANES) as u32, &pulse)?,
            watcher,
            relay_wake: relay_wake.clone(),
            clock,
            loads: Arc::new(Semaphore::new(LOADS_AT_ONCE)),
        };
        let seats = Seats::start(parts, pools.general.clone(), tasks, stop);
        let verifier = Verifier::new(serve, clock)?;
        Ok(Self(Arc::new(Inner {
            pool: pools.general.clone(),
            pulse,
            work: TaskTracker::new(),
            seats,
            shown,
            relay_wake,
            portions: Wake::default(),
            clock,
            verifier,
            known_users: KnownUsers::default(),
            callers: Lookup::new(pools.identity.clone()),
            bookings: Lookup::new(pools.identity.clone()),
            pools,
            maps: Maps::default(),
            links: serve.link.links(),
            limits: Limits::new(
                serve.rate_limit_per_person,
                serve.rate_limit_per_address,
                serve.invites_per_address_and_hour,
                clock,
            ),
            exports: Semaphore::new(EXPORTS_AT_ONCE),
        })))
    }
}

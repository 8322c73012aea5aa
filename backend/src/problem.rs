//! The error of an operation. It does not depend on HTTP: `http/answer.rs` maps it to statuses and bodies.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use happening_api::{ErrorCode, ErrorDetails, Outcome};

use crate::database;
use crate::limits::Standing;

/// Why something was not done, or why it is unknown whether it was: a code, a sentence for people, and details for programs.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: ErrorCode,
    pub(crate) message: Cow<'static, str>,
    pub(crate) details: Box<ErrorDetails>,
    /// The underlying error, for the log only.
    pub(crate) cause: Option<anyhow::Error>,
    /// The rate limit that refused the request.
    pub(crate) limit: Option<Standing>,
}

impl Problem {
    /// A problem with only a code and a sentence.
    pub(crate) fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), details: Box::default(), cause: None, limit: None }
    }

    /// A problem with one field of the input.
    pub(crate) fn field(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::fields(BTreeMap::from([(name.into(), reason.into())]))
    }

    /// A problem with several fields of the input.
    pub(crate) fn fields(fields: BTreeMap<String, String>) -> Self {
        let sentence = fields
            .iter()
            .map(|(name, reason)| if name.is_empty() { reason.clone() } else { format!("{name}: {reason}") })
            .collect::<Vec<_>>()
            .join("; ");
        let mut problem = Self::new(ErrorCode::Invalid, sentence);
        problem.details.fields = fields;
        problem
    }

    /// The thing does not exist, or the caller may not know that it does.
    pub(crate) fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "There is nothing here that you can see.")
    }

    /// The caller may know that the thing exists, but may not do this.
    pub(crate) fn forbidden() -> Self {
        Self::new(ErrorCode::Forbidden, "You may not do this.")
    }

    /// The caller is not signed in, or their account was deleted.
    pub(crate) fn unauthenticated() -> Self {
        Self::new(ErrorCode::Unauthenticated, "Please sign in.")
    }

    /// The Idempotency-Key was used for another request.
    pub(crate) fn key_reused() -> Self {
        Self::new(ErrorCode::KeyReused, "This Idempotency-Key was used for another request.")
    }

    /// Too many requests.
    pub(crate) fn rate_limited(limit: Standing) -> Self {
        let mut problem = Self::new(ErrorCode::RateLimited, "Too many requests. Please wait a moment.");
        problem.limit = Some(limit);
        problem
    }

    /// A dependency is away, or the server is overloaded; nothing was done.
    pub(crate) fn unavailable(cause: impl Into<anyhow::Error>) -> Self {
        let mut problem = Self::new(ErrorCode::Unavailable, "The service is busy or partly away. Please try again.");
        problem.cause = Some(cause.into());
        problem
    }

    /// A dependency failed during a write that may have happened.
    pub(crate) fn outcome_unknown(cause: impl Into<anyhow::Error>) -> Self {
        Self::unavailable(cause).of_unknown_outcome()
    }

    /// A bug of the server. The caller is told only the request's id.
    pub(crate) fn internal(cause: impl Into<anyhow::Error>) -> Self {
        let mut problem = Self::new(ErrorCode::Internal, "Something went wrong on our side.");
        problem.cause = Some(cause.into());
        problem
    }

    /// If the service is unavailable, says that the write may have happened.
    pub(crate) fn of_unknown_outcome(mut self) -> Self {
        if self.code == ErrorCode::Unavailable {
            self.details.outcome = Some(Outcome::Unknown);
        }
        self
    }

    /// Sets details.
    pub(crate) fn with(mut self, set: impl FnOnce(&mut ErrorDetails)) -> Self {
        set(&mut self.details);
        self
    }
}

impl From<Standing> for Problem {
    fn from(limit: Standing) -> Self {
        Self::rate_limited(limit)
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if database::is_away(&error) { Self::unavailable(error) } else { Self::internal(error) }
    }
}

impl From<Arc<sqlx::Error>> for Problem {
    fn from(error: Arc<sqlx::Error>) -> Self {
        if database::is_away(&error) { Self::unavailable(error) } else { Self::internal(error) }
    }
}

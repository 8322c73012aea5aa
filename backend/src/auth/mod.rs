//! Verifies access tokens. The identity of a caller comes only from the token.

mod claims;
mod keys;
mod verifier;

pub(crate) use claims::Claims;
pub(crate) use verifier::Verifier;

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error("the token is not valid here: {0}")]
    Invalid(String),
    #[error("the issuer's keys could not be read")]
    KeysUnknown,
}

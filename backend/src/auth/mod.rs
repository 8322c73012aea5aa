//! Access tokens: who calls. The identity comes from the token only.

mod claims;
mod verifier;

pub(crate) use claims::Claims;
pub(crate) use verifier::{AuthError, Verifier};

//! What the screens ask of the shell. The webview reaches the outside only through the shell's commands; [`ask`] sends
//! a call to the server through one of them.

mod bridge;

use chrono::{DateTime, Utc};
use happening_api::{
    ApiFailure, Call, Download, Endpoint, EventId, InvitePreview, OpenTarget, OrgId, Organization, Saved, ServerCheck,
    SessionView, ShellInfo, Theme,
};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use crate::connection::{self, AsOf};

pub(crate) use bridge::listen;
pub(crate) use happening_api::endpoint;

/// [`happening_api::Answered`] with the value left as JavaScript, to be converted to the answer's type later.
#[derive(Deserialize)]
pub(crate) struct Answered {
    #[serde(with = "serde_wasm_bindgen::preserve")]
    value: JsValue,
    as_of: Option<DateTime<Utc>>,
}

/// Generates a function for each command.
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(
            $(#[$doc])*
            pub(crate) async fn $name($($argument: $type),*) -> Result<$answer, ApiFailure> {
                #[derive(Serialize)]
                #[serde(rename_all = "camelCase")]
                struct Arguments { $($argument: $type),* }
                bridge::invoke(stringify!($name), &Arguments { $($argument),* }).await
            }
        )*
    };
}

happening_api::with_commands!(functions);

/// Sends a call to the server, and returns its answer.
pub(crate) async fn ask<E: Endpoint>(endpoint: E) -> Result<E::Answer, ApiFailure> {
    read(endpoint).await.0
}

/// As [`ask`], and also tells the time of the answer if the server could not be reached and the answer is a kept one.
pub(crate) async fn read<E: Endpoint>(endpoint: E) -> (Result<E::Answer, ApiFailure>, AsOf) {
    match call(endpoint.into()).await {
        Ok(answered) => {
            // noted before the answer is converted, since a failed conversion says nothing about the connection
            connection::note(answered.as_of);
            (bridge::read(answered.value), answered.as_of)
        }
        Err(failure) => (Err(failure), None),
    }
}

/// A new idempotency key for one click; a retry uses the same key.
pub(crate) fn new_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

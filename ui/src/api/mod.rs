//! What the screens ask of the shell. There is one way out of the webview: the shell's own commands, of which those that the
//! server answers are [`ask`]ed for.

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

/// As [`happening_api::Answered`], of which the value is not read yet.
#[derive(Deserialize)]
pub(crate) struct Answered {
    #[serde(with = "serde_wasm_bindgen::preserve")]
    value: JsValue,
    as_of: Option<DateTime<Utc>>,
}

/// A function for each command.
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

/// What the server answers.
pub(crate) async fn ask<E: Endpoint>(endpoint: E) -> Result<E::Answer, ApiFailure> {
    read(endpoint).await.0
}

/// What the server answers, and from when that is if it could not be reached.
pub(crate) async fn read<E: Endpoint>(endpoint: E) -> (Result<E::Answer, ApiFailure>, AsOf) {
    match call(endpoint.into()).await {
        Ok(answered) => {
            connection::note(answered.as_of); // whether or not this app understands it
            (bridge::read(answered.value), answered.as_of)
        }
        Err(failure) => (Err(failure), None),
    }
}

/// A key for one click; trying again uses the same.
pub(crate) fn new_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

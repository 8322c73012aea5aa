//! Asks the gate for seats; what it may have taken without saying so is given back.

use happening_api::EventId;

use crate::app::App;
use crate::gate::{Admission, Hold, Request, Want};
use crate::http::ApiResult;
use crate::switches;

/// Asks, in the name of `key`; answers also the name of what was taken.
///
/// # Errors
/// 503 when the gate stays silent.
pub(super) async fn reserve(app: &App, event: EventId, key: uuid::Uuid, want: Want) -> ApiResult<(Hold, Admission)> {
    let hold = Hold { key, attempt: app.clock.new_id() };
    app.touched.touch(event);
    let admission = app.gate.reserve(event, &Request { hold, want }).await;
    if admission.is_err() && !switches::on("no_release_after_silence") {
        app.releaser.release_later(event, hold);
    }
    Ok((hold, admission?))
}

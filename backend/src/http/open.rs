//! Plain https pages for links in mails, since many mail programs remove links with other schemes. Each page opens the app by its
//! deep link, and says how to get the app. The pages read no data, so they reveal nothing.

use axum::response::{Html, IntoResponse, Response};
use happening_api::{EventId, InviteToken};
use http::{HeaderName, HeaderValue, header};

use super::{Anyone, PathId};
use crate::problem::Problem;

const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
const REFERRER: (HeaderName, HeaderValue) = (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));

/// Opens an invite in the app.
#[utoipa::path(get, path = "/open/invite/{token}", tag = "open", params(("token" = String, Path)), responses(
    (status = 200, body = String, content_type = "text/html"), (status = 404, body = happening_api::ErrorBody)))]
pub(crate) async fn invite(_: Anyone, PathId(token): PathId<InviteToken>) -> Result<Response, Problem> {
    let link = format!("happening://invite/{}", token.as_str());
    Ok(answer(page("You are invited", "The invite opens in the Happening app.", &link)))
}

/// Opens an event in the app.
#[utoipa::path(get, path = "/open/event/{id}", tag = "open", params(("id" = EventId, Path)), responses(
    (status = 200, body = String, content_type = "text/html"), (status = 404, body = happening_api::ErrorBody)))]
pub(crate) async fn event(_: Anyone, PathId(id): PathId<EventId>) -> Result<Response, Problem> {
    Ok(answer(page_of_event(id)))
}

/// The page of an event, as HTML.
pub(super) fn page_of_event(id: EventId) -> String {
    page("An event", "The event opens in the Happening app.", &format!("happening://event/{id}"))
}

fn answer(html: String) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, POLICY), REFERRER], Html(html)).into_response()
}

/// Returns a page. `link` must contain no characters that are special in HTML.
fn page(title: &str, text: &str, link: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} - Happening</title>\
        <meta name=\"viewport\" content=\"width=device-width\"><style>\
        :root {{ color-scheme: light dark; font: 17px/1.5 system-ui, sans-serif }}\
        body {{ max-width: 32rem; margin: 15vh auto; padding: 0 1.5rem }}\
        a.open {{ display: inline-block; padding: .7rem 1.2rem; border-radius: .6rem; background: #0b6350; color: #fff; \
        text-decoration: none; font-weight: 600 }}</style></head><body><main><h1>{title}</h1><p>{text}</p>\
        <p><a class=\"open\" href=\"{link}\">Open Happening</a></p>\
        <p>Nothing happens? Then the app is not installed on this device. Ask the person who sent you this link where to \
        get it, and open the link again afterwards.</p></main></body></html>"
    )
}

//! The one table of routes. The OpenAPI document is built from the same definitions.

use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, middleware};
use bytes::Bytes;
use happening_api::ErrorCode;
use http::{HeaderValue, header};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use super::context::{self, Callers};
use super::server::Server;
use super::{examples, health, open};
use crate::problem::Problem;
use crate::{bookings, events, invites, notifications, organizations, users};

/// 16 kB
const BOOKINGS_BODY_BYTES_MAX: usize = 16 * 1024;
/// 64 kB
const BODY_BYTES_MAX: usize = 64 * 1024;

#[derive(OpenApi)]
#[openapi(info(title = "Happening", description = "Organizations run events with numbered seats; people book them."), modifiers(&Bearer))]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer =
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build());
        document.components.get_or_insert_default().security_schemes.insert("token".to_owned(), bearer.into());
    }
}

/// The OpenAPI document of every route.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let mut document = OpenApiRouter::with_openapi(Document::openapi())
        .merge(signed_in())
        .merge(without_token())
        .merge(plain())
        .into_openapi();
    for path in document.paths.paths.values_mut() {
        let reading = [&mut path.get, &mut path.delete].into_iter().flatten().map(|operation| (false, operation));
        let writing =
            [&mut path.put, &mut path.post, &mut path.patch].into_iter().flatten().map(|operation| (true, operation));
        for (has_body, operation) in reading.chain(writing) {
            name_uniquely(operation);
            say_what_any_route_answers(operation, has_body);
        }
    }
    examples::add(&mut document);
    document
}

/// Adds the refusals that depend only on a route's input, such as an invalid body. A call without fields accepts only `{}` as its
/// body.
fn say_what_any_route_answers(operation: &mut utoipa::openapi::path::Operation, body: bool) {
    let signed_in = operation.security.as_ref().is_some_and(|security| !security.is_empty());
    // health routes have no rate limit, for monitoring
    let counted = operation.tags.as_ref().is_none_or(|tags| !tags.iter().any(|tag| tag == "health"));
    let key =
        operation.parameters.iter().flatten().any(|one| matches!(one, RefOr::T(one) if one.name == "Idempotency-Key"));
    let refusals = [
        (body, "400", "The body is not what the call takes"),
        (body, "413", "The body is too large"),
        (body, "415", "The body is not JSON"),
        (key, "422", "The key was used for another request"),
        (counted, "429", "Too many requests"),
        (signed_in, "503", "A dependency is away, or there is too much to do"),
    ];
    for (_, status, what) in refusals.into_iter().filter(|(may, ..)| *may) {
        let answers = &mut operation.responses.responses;
        answers.entry(status.to_owned()).or_insert_with(|| {
            let body = Content::new(Some(Ref::from_schema_name("ErrorBody")));
            ResponseBuilder::new().description(what).content("application/json", body).build().into()
        });
    }
}

/// Makes operation ids unique by adding the tag, because handlers of different aggregates have the same name.
fn name_uniquely(operation: &mut utoipa::openapi::path::Operation) {
    let tag = operation.tags.as_ref().and_then(|tags| tags.first()).cloned().unwrap_or_default();
    let name = operation.operation_id.take().unwrap_or_default();
    operation.operation_id = Some(format!("{tag}_{name}"));
}

/// All routes with their layers.
pub(crate) fn router(server: Server) -> Router {
    let guarded = |routes: OpenApiRouter<Server>, callers| {
        let guard = middleware::from_fn_with_state((server.clone(), callers), context::while_the_database_answers);
        routes.layer(guard)
    };
    let router: Router<Server> =
        guarded(signed_in(), Callers::WithToken).merge(guarded(without_token(), Callers::Anyone)).merge(plain()).into();
    router
        .merge(docs())
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async {
            Problem::new(ErrorCode::MethodNotAllowed, "This address does not take that method.")
        })
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Problem::internal(anyhow::anyhow!("a handler panicked")).into_response()
        }))
        .layer(middleware::from_fn_with_state(server.app.clone(), context::layer))
        .with_state(server)
}

/// `/openapi.json`, and `/docs` to read it in a browser.
fn docs() -> Router<Server> {
    let policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
    let policy = SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    // serialized once; all answers share these bytes
    let document = Bytes::from(document().to_json().expect("the document has string keys and finite numbers"));
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    // relative, because the page can be served below a proxy's path prefix
    let page = SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("../openapi.json"));
    Router::from(page).layer(policy).route("/openapi.json", get(|| async move { (json, document) }))
}

/// Routes that need Postgres and a token.
fn signed_in() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .merge(people_and_organizations())
        .merge(events())
        .routes(routes!(notifications::http::list))
        .routes(routes!(notifications::http::read))
        .routes(routes!(notifications::http::read_all))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .merge(bookings())
}

/// Routes that need Postgres but no token.
fn without_token() -> OpenApiRouter<Server> {
    OpenApiRouter::new().routes(routes!(invites::http::preview)).routes(routes!(health::db_test))
}

fn people_and_organizations() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(users::http::upsert, users::http::find))
        .routes(routes!(users::http::me, users::http::update, users::http::delete))
        .routes(routes!(users::http::export))
        .routes(routes!(organizations::http::create, organizations::http::list))
        .routes(routes!(organizations::http::list_of_person))
        .routes(routes!(organizations::http::get, organizations::http::update, organizations::http::delete))
        .routes(routes!(organizations::http::list_members))
        .routes(routes!(organizations::http::update_member, organizations::http::remove_member))
        .routes(routes!(organizations::http::audit))
        .routes(routes!(invites::http::create, invites::http::list))
        .routes(routes!(invites::http::revoke))
        .routes(routes!(invites::http::accept))
        .routes(routes!(invites::http::resend))
}

fn events() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(events::http::create, events::http::list))
        .routes(routes!(events::http::get, events::http::update, events::http::delete))
        .routes(routes!(events::http::cancel))
        .routes(routes!(events::http::duplicate))
        .routes(routes!(events::http::bookings))
        .routes(routes!(events::http::attendees))
        .routes(routes!(events::http::calendar))
        .routes(routes!(events::http::activity))
        .routes(routes!(events::http::seats))
}

fn bookings() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(bookings::http::create))
        .routes(routes!(bookings::http::get))
        .routes(routes!(bookings::http::list_of_person))
        .routes(routes!(bookings::http::cancel))
        .routes(routes!(bookings::http::cancel_seats))
        .routes(routes!(bookings::http::claim))
        .routes(routes!(bookings::http::history))
        .routes(routes!(bookings::http::waitlist))
        .layer(DefaultBodyLimit::max(BOOKINGS_BODY_BYTES_MAX))
}

/// Routes that also answer while Postgres is away.
fn plain() -> OpenApiRouter<Server> {
    OpenApiRouter::new()
        .routes(routes!(health::about))
        .routes(routes!(open::invite))
        .routes(routes!(open::event))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
}

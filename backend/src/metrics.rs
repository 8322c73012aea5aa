//! The metrics for Prometheus: each name with its help text, and the endpoint that serves them. Names follow OpenTelemetry's
//! conventions where they exist, with units in the name as Prometheus expects.

use std::net::SocketAddr;

use anyhow::Context;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

const REQUEST_SECONDS: &str = "http_server_request_duration_seconds";
const REQUESTS_ACTIVE: &str = "http_server_active_requests";
const BATCH_ITEMS: &str = "happening_batch_items";
const BATCH_SECONDS: &str = "happening_batch_duration_seconds";
const CONNECTIONS_REFUSED: &str = "happening_connections_refused_total";
const LANES_RESTARTED: &str = "happening_seat_writer_restarts_total";
const PUBLISHED: &str = "happening_messages_published_total";
const CONSUMED: &str = "happening_messages_consumed_total";
const BOOKINGS: &str = "happening_bookings";
const WAITLIST: &str = "happening_waitlist_bookings";
const OUTBOX: &str = "happening_outbox_unpublished";
const OUTBOX_AGE: &str = "happening_outbox_oldest_seconds";
const VIOLATIONS: &str = "happening_audit_violations";

/// From 1 ms to 10 s.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const ITEMS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Serves the metrics of this process at `/metrics` on an address of its own. Without an address no metrics are collected.
///
/// # Errors
/// When the address is taken.
pub(crate) fn serve(address: Option<SocketAddr>) -> anyhow::Result<()> {
    let Some(address) = address else { return Ok(()) };
    PrometheusBuilder::new()
        .with_http_listener(address)
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Full(BATCH_ITEMS.to_owned()), &ITEMS)?
        .install()
        .with_context(|| format!("METRICS_ADDR: cannot listen on {address}"))?;
    describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "Time from the request's head to the answer's");
    describe_gauge!(REQUESTS_ACTIVE, "Requests that are worked on");
    describe_counter!(CONNECTIONS_REFUSED, "Connections that were closed at once, since their address had too many");
    describe_histogram!(BATCH_ITEMS, "Commands of one transaction of the seat writer");
    describe_histogram!(BATCH_SECONDS, Unit::Seconds, "Time of one transaction of the seat writer");
    describe_counter!(LANES_RESTARTED, "Lanes of the seat writer that ended and were started again");
    counter!(LANES_RESTARTED).increment(0); // shown from the beginning
    describe_counter!(PUBLISHED, "Messages that the broker confirmed");
    describe_counter!(CONSUMED, "Messages by what became of them: done, retry, wait (the database was away) or dead");
    describe_gauge!(BOOKINGS, "Active bookings of events that are not over, by class of event");
    describe_gauge!(WAITLIST, "Bookings that wait for seats, also those that hold some");
    describe_gauge!(OUTBOX, "Messages that wait to be published");
    describe_gauge!(OUTBOX_AGE, Unit::Seconds, "Age of the oldest of them");
    describe_gauge!(VIOLATIONS, "What the last audit found, by invariant; 0 for all is a clean one");
    Ok(())
}

/// Records an answered request. `route` is the pattern of the route, not the path.
pub(crate) fn request(method: &http::Method, route: &str, status: u16, seconds: f64) {
    let labels = [
        // a client can send any word as a method: unknown ones share a label
        ("http_request_method", if known_method(method) { method.as_str() } else { "_OTHER" }.to_owned()),
        ("http_route", route.to_owned()),
        ("http_response_status_code", status.to_string()),
    ];
    histogram!(REQUEST_SECONDS, &labels).record(seconds);
}

fn known_method(method: &http::Method) -> bool {
    use http::Method;
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS]
        .contains(method)
}

/// Counts a request as active until this is dropped, which also happens when its caller goes away.
pub(crate) struct ActiveRequest(());

impl ActiveRequest {
    pub(crate) fn begin() -> Self {
        gauge!(REQUESTS_ACTIVE).increment(1.0);
        Self(())
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        gauge!(REQUESTS_ACTIVE).decrement(1.0);
    }
}

/// Counts a connection that was closed at once because its address had too many.
pub(crate) fn connection_refused() {
    counter!(CONNECTIONS_REFUSED).increment(1);
}

/// Records a batch of the seat writer.
pub(crate) fn batch(items: usize, seconds: f64) {
    histogram!(BATCH_ITEMS).record(items as f64);
    histogram!(BATCH_SECONDS).record(seconds);
}

/// Counts a lane of the seat writer that was restarted.
pub(crate) fn lane_restarted() {
    counter!(LANES_RESTARTED).increment(1);
}

/// Counts messages that the broker confirmed.
pub(crate) fn published(count: usize) {
    counter!(PUBLISHED).increment(count as u64);
}

/// Counts a consumed message by its result.
pub(crate) fn consumed(fate: &'static str) {
    counter!(CONSUMED, "fate" => fate).increment(1);
}

/// Sets the number of active bookings of a class of events.
pub(crate) fn bookings(category: String, status: String, count: i64) {
    gauge!(BOOKINGS, "category" => category, "status" => status).set(count as f64);
}

/// Sets the number of bookings that wait for seats.
pub(crate) fn waitlist(count: i64) {
    gauge!(WAITLIST).set(count as f64);
}

/// Sets the number of messages that wait to be published, and the age of the oldest.
pub(crate) fn outbox(count: i64, oldest_s: f64) {
    gauge!(OUTBOX).set(count as f64);
    gauge!(OUTBOX_AGE).set(oldest_s);
}

/// Sets the number of violations of an invariant that the last audit found.
pub(crate) fn violations(invariant: &'static str, count: usize) {
    gauge!(VIOLATIONS, "invariant" => invariant).set(count as f64);
}

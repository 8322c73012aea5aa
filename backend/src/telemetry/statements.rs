//! Makes a span of every SQL statement, from the event that sqlx reports after it. Statements have placeholders instead of values.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context as LayerContext;

/// The target of sqlx's events.
pub(super) const TARGET: &str = "sqlx::query";

/// The layer that makes the spans. A statement outside of any span, such as a poll of the outbox, gets none.
pub(super) struct Statements(pub(super) SdkTracer);

#[derive(Default)]
struct Statement {
    summary: String,
    text: String,
    seconds: f64,
}

impl Visit for Statement {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.seconds = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.trim().clone_into(&mut self.text),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl<S: Subscriber> Layer<S> for Statements {
    #[expect(
        clippy::disallowed_methods,
        reason = "when a span began is for people who read traces, not for the product"
    )]
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        let parent = Context::current();
        if !parent.span().span_context().is_sampled() {
            return;
        }
        let mut statement = Statement::default();
        event.record(&mut statement);
        let ended = SystemTime::now();
        let lasted = Duration::try_from_secs_f64(statement.seconds).unwrap_or_default();
        // sqlx leaves the text empty when the summary is already the whole statement
        let text = if statement.text.is_empty() { statement.summary.clone() } else { statement.text };
        let attributes = vec![KeyValue::new("db.system.name", "postgresql"), KeyValue::new("db.query.text", text)];
        let builder = SpanBuilder::from_name(statement.summary)
            .with_kind(SpanKind::Client)
            .with_start_time(ended - lasted)
            .with_attributes(attributes);
        self.0.build_with_context(builder, &parent).end_with_timestamp(ended);
    }
}

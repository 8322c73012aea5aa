//! Logs, and OpenTelemetry traces when a collector is configured.
//!
//! The id of a request is also the id of its trace. So the `request_id` in an answer or a log line leads to the trace. The worker
//! reads that id in the message and continues the trace, without further data in outbox and queue. Work for many requests at once (a
//! batch, the relay) has a trace of its own, with links to the requests' traces.
//!
//! To trace more code, instrument it with a span whose target is [`SPANS`]. SQL needs no spans: [`statements`] makes one of every
//! statement that sqlx reports.

mod statements;

use std::time::Duration;

use clap::{Args, ValueEnum};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{FilterExt, dynamic_filter_fn, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};
use url::Url;
use uuid::Uuid;

/// The target of the spans that make up traces. Logs leave them out.
pub(crate) const SPANS: &str = "happening_backend::spans";

const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Settings of logs and traces, for every subcommand. The names of the variables are those of OpenTelemetry where it has one.
#[derive(Args, Clone, Debug)]
pub(crate) struct TelemetryConfig {
    /// How logs are written
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true)]
    log_format: LogFormat,

    /// What is logged, as `info` or `happening_backend=debug`
    #[arg(long, env = "LOG", default_value = "info", global = true)]
    log: String,

    /// Collector that traces are sent to by OTLP over HTTP, as http://127.0.0.1:4318; without it nothing is traced
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "OTEL_EXPORTER_OTLP_ENDPOINT", global = true)]
    otlp_endpoint: Option<Url>,

    /// How traces are encoded
    #[arg(long, env = "OTEL_EXPORTER_OTLP_PROTOCOL", value_name = "OTEL_EXPORTER_OTLP_PROTOCOL", value_enum, default_value_t = OtlpProtocol::Protobuf, global = true)]
    otlp_protocol: OtlpProtocol,

    /// Share of requests that are traced, 0 to 1
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", value_name = "OTEL_TRACES_SAMPLER_ARG", default_value = "1", global = true, value_parser = share)]
    trace_share: f64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OtlpProtocol {
    #[value(name = "http/protobuf")]
    Protobuf,
    #[value(name = "http/json")]
    Json,
}

/// Sends the remaining spans when it is dropped.
pub(crate) struct Telemetry(Option<SdkTracerProvider>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.shutdown()
        {
            eprintln!("the last traces could not be sent: {error}");
        }
    }
}

/// Starts logs and traces.
///
/// # Errors
/// When a setting cannot be used; the error names its variable.
pub(crate) fn start(config: &TelemetryConfig) -> anyhow::Result<Telemetry> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| anyhow::anyhow!("LOG: {error}"))?;
    let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let logs = match config.log_format {
        LogFormat::Text => logs.boxed(),
        LogFormat::Json => logs.json().flatten_event(true).boxed(),
    };
    let provider = config.otlp_endpoint.as_ref().map(|endpoint| provider(config, endpoint)).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        let tracer = provider.tracer("happening");
        let spans = tracing_opentelemetry::layer().with_tracer(tracer.clone()).with_location(false).with_threads(false);
        statements::Statements(tracer)
            .with_filter(filter_fn(|metadata| metadata.target() == statements::TARGET))
            .and_then(spans.with_filter(filter_fn(|metadata| metadata.target() == SPANS)))
    });
    // This filter is dynamic, so that it is asked for every event. A filter that declares its interest once is not asked again, and
    // then its last answer on that thread counts, which can be a refusal of a statement that sqlx did not report.
    let events = dynamic_filter_fn(|metadata, _| metadata.is_event());
    // directly on the registry, since the boxed layers have its type
    let logs = tracing_subscriber::registry().with(logs.with_filter(filter.and(events)));
    match traces {
        Some(traces) => logs.with(traces).init(),
        // an `Option` layer would enable every span even when it is `None`
        None => logs.init(),
    }
    Ok(Telemetry(provider))
}

fn provider(config: &TelemetryConfig, endpoint: &Url) -> anyhow::Result<SdkTracerProvider> {
    let address = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
    let protocol = match config.otlp_protocol {
        OtlpProtocol::Protobuf => Protocol::HttpBinary,
        OtlpProtocol::Json => Protocol::HttpJson,
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(address)
        .with_protocol(protocol)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| anyhow::anyhow!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}"))?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.trace_share)));
    SHARE.store((config.trace_share * f64::from(u32::MAX)) as u32, std::sync::atomic::Ordering::Relaxed);
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(Resource::builder().with_service_name("happening-backend").build())
        .build())
}

/// The share of requests that are traced, as a fraction of `u32::MAX`.
static SHARE: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

/// The trace of a request: its id is the request's id, and its parent is a span that does not exist. Every process makes the same
/// decision whether a request is traced. `None` for an id that is not a UUID.
fn trace_of(request_id: &str) -> Option<SpanContext> {
    let id = Uuid::parse_str(request_id).ok()?.as_u128();
    // the last bits of the id are random; the first ones are the time
    let sampled = (id as u32) <= SHARE.load(std::sync::atomic::Ordering::Relaxed);
    let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let (trace, span) = (TraceId::from_bytes(id.to_be_bytes()), SpanId::from_bytes((id as u64).to_be_bytes()));
    Some(SpanContext::new(trace, span, flags, true, TraceState::default()))
}

/// Makes a span part of a request's trace. Does nothing when the span is not traced.
pub(crate) fn belong_to(span: &Span, request_id: &str) {
    if !span.is_disabled()
        && let Some(trace) = trace_of(request_id)
    {
        let parent = opentelemetry::Context::new().with_remote_span_context(trace);
        drop(span.set_parent(parent)); // fails only without a collector, when there is no trace
    }
}

/// Links a span to the trace of a request. A span that works for several requests has several links.
pub(crate) fn link(span: &Span, request_id: &str) {
    if !span.is_disabled()
        && let Some(trace) = trace_of(request_id)
    {
        span.add_link(trace);
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0 to 1".to_owned()),
    }
}

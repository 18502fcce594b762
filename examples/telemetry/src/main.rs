//! Sends what the OTP client observes to an OpenTelemetry collector, by OTLP over HTTP.
//!
//! Run a collector that listens on `http://localhost:4318` (the default), or say where another is in
//! `OTEL_EXPORTER_OTLP_ENDPOINT`. Each call becomes a span named by its method and path template, with the
//! attempts as its events; the URL, which may hold an OTP, is in none of them.
//!
//! Its last sentence says how many spans the collector accepted. It fails unless it accepted all of them.

mod outcome;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otp_core::{Otp, OtpsApi, OtpsClient};
use otp_emulator::Emulator;
use otp_hyper::{HyperTransport, Roots};
use outcome::Outcome;
use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How long a collector may take for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    match run().and_then(|told| say(&told)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There may be nobody to tell.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Box<dyn Error>> {
    let outcome = Outcome::default();
    // Its thread speaks HTTP by itself, so it is made, and shut down, outside of the runtime. It reads where the
    // collector is from the environment.
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(outcome.observe_client(http_client()?))
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| {
            format!("nothing was exported: {error}; an endpoint looks like http://localhost:4318")
        })?;
    let provider = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("otp-example").build())
        .with_batch_exporter(outcome.observe_exporter(exporter))
        .build();
    // The stack below observes itself as well, down to the bytes on the wire, and not for a collector.
    let client_only = Targets::new().with_target("otp_core", Level::DEBUG);
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("otp-example"));
    tracing_subscriber::registry().with(layer.with_filter(client_only)).init();

    let called =
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(calls());

    // Time for the last request that may still be sent within the exporter's own limit, and its answer.
    let finished = provider.shutdown_with_timeout(3 * PATIENCE);
    called?;
    finished.map_err(|error| format!("it is not known what was exported: {error}"))?;
    Ok(outcome.tell()?)
}

/// What carries the spans: HTTP, or HTTPS to a collector that the system's certificates vouch for.
///
/// An exporter left to itself makes a client whose TLS depends on the features of every other crate of the
/// program that has reqwest, and on a default of the process.
fn http_client() -> Result<Client, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    // A machine without certificates can still export in the clear.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A redirect would send the spans to somebody else, or nothing at all as a `GET`.
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(PATIENCE)
        .redirect(Policy::none())
        .build()?)
}

/// A success, a refusal, and the sum of both in the traces.
async fn calls() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::start()?;
    let transport = HyperTransport::builder().roots(Roots::pem(emulator.ca_pem())?).build()?;
    let client =
        OtpsClient::builder(transport, emulator.token()).base_url(emulator.base_url()).build()?;
    client.receive_codes().await?;
    if let Err(error) = client.find_ensure_otp(&Otp::new("000000")?).await {
        say(&error.to_string())?;
    }
    Ok(())
}

fn say(line: &str) -> Result<(), Box<dyn Error>> {
    writeln!(io::stdout(), "{line}").map_err(|error| format!("cannot print: {error}").into())
}

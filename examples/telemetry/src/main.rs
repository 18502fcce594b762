//! Sends what the OTP client observes to an OpenTelemetry collector, by OTLP over HTTP.
//!
//! Run a collector that listens on `http://localhost:4318` (the default), or say where another is in
//! `OTEL_EXPORTER_OTLP_ENDPOINT`. Each call becomes a span named by its method and path template, with the
//! attempts as its events; the URL, which may hold an OTP, is in none of them.

#![allow(clippy::print_stdout, reason = "it says what it does")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otp_core::{Otp, OtpsApi, OtpsClient};
use otp_emulator::Emulator;
use otp_hyper::{HyperTransport, Roots};
use reqwest::blocking::Client;
use rustls::{ClientConfig, RootCertStore};
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT")
        .unwrap_or_else(|_| "http://localhost:4318".to_owned());
    // Its thread speaks HTTP by itself, so it is made, and shut down, outside of the runtime.
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(http_client()?)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .build()?;
    let provider = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("otp-example").build())
        .with_batch_exporter(exporter)
        .build();
    // The stack below observes itself as well, down to the bytes on the wire, and not for a collector.
    let client_only = Targets::new().with_target("otp_core", Level::DEBUG);
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("otp-example"));
    tracing_subscriber::registry().with(layer.with_filter(client_only)).init();

    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(calls())?;

    match provider.shutdown() {
        Ok(()) => println!("exported to {endpoint}"),
        Err(error) => println!("nothing exported: is a collector at {endpoint}? {error}"),
    }
    Ok(())
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
    Ok(Client::builder().tls_backend_preconfigured(tls).timeout(Duration::from_secs(10)).build()?)
}

/// A success, a refusal, and the sum of both in the traces.
async fn calls() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::start()?;
    let transport = HyperTransport::builder().roots(Roots::pem(emulator.ca_pem())?).build()?;
    let client =
        OtpsClient::builder(transport, emulator.token()).base_url(emulator.base_url()).build()?;
    client.receive_codes().await?;
    if let Err(error) = client.find_ensure_otp(&Otp::new("000000")?).await {
        println!("{error}");
    }
    Ok(())
}

//! Two providers are this program's own choice. What it installs is its own too.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

#[tokio::test]
async fn what_the_program_installs_stays_and_the_transport_needs_none_installed() {
    neighbour_both::call_over_tls().await.unwrap();
    assert!(CryptoProvider::get_default().is_none(), "a library installed a default");

    ring::default_provider().install_default().unwrap();
    neighbour_both::call_over_tls().await.unwrap();
    let installed = CryptoProvider::get_default().unwrap();
    let used = rustls::ClientConfig::builder();
    assert!(Arc::ptr_eq(installed, used.crypto_provider()));
}

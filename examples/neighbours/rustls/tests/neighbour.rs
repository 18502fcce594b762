/// This panics if rustls has two providers, or none, and nobody called `install_default`.
#[test]
fn its_own_client_config_needs_no_install_default() {
    let config = rustls::ClientConfig::builder();
    assert!(!config.crypto_provider().cipher_suites.is_empty());
}

#[tokio::test]
async fn the_transport_the_emulator_and_the_kit_use_the_provider_that_is_there() {
    neighbour_rustls::call_over_tls().await.unwrap();
}

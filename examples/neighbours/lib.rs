//! What each of these programs does: it calls the emulator and the kit's server over TLS, with otp-hyper.

use otp_conformance::hostile::{Fault, Reply, Server, Wire};
use otp_core::{AuthToken, BaseUrl, Error, OtpsApi, OtpsClient};
use otp_emulator::Emulator;
use otp_hyper::{HyperTransport, Roots};

/// One call to each, without a word about cryptography.
pub async fn call_over_tls() -> Result<(), Error> {
    let emulator = Emulator::start().unwrap();
    call(emulator.base_url(), emulator.ca_pem(), emulator.token()).await?;
    let server = Server::start(Wire::http1(), Fault::Answer(Reply::status(204)));
    call(server.base_url(), server.ca_pem(), AuthToken::new("t0ken")?).await
}

async fn call(url: BaseUrl, ca_pem: &str, token: AuthToken) -> Result<(), Error> {
    let transport = HyperTransport::builder().roots(Roots::pem(ca_pem)?).build()?;
    let client = OtpsClient::builder(transport, token).base_url(url).build()?;
    client.receive_codes().await
}

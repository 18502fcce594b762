//! Logs a person in by a second factor, then replaces the recovery codes: on one thread, without a runtime.
//!
//! It takes the base URL of the service, such as `http://localhost/metal/v1`, and where to connect to: an
//! address such as `127.0.0.1:8080`, or the path of a Unix socket.

#[path = "../../story.rs"]
mod story;

use std::net::SocketAddr;
use std::process::ExitCode;

use otp_core::BaseUrl;
use otp_core::local::OtpsClient;
use otp_example_by_hand::{ByHand, block_on};

fn main() -> ExitCode {
    story::exit_code(block_on(run()))
}

async fn run() -> story::Outcome<()> {
    let usage = "otp-example-by-hand <base URL> <address or Unix socket>";
    let [url, place] = story::arguments(usage)?;
    let transport = match place.parse::<SocketAddr>() {
        Ok(address) => ByHand::to_address(address),
        #[cfg(unix)]
        Err(_) => ByHand::to_unix_socket(place),
        #[cfg(not(unix))]
        Err(error) => return Err(error.into()),
    };
    let client =
        OtpsClient::builder(transport, story::token()?).base_url(BaseUrl::new(url)?).build()?;
    story::replace_codes(&client, story::ask).await
}

//! Logs a person in by a second factor, then replaces the recovery codes. It takes the base URL of the service and the
//! file of the CA to trust.

#[path = "../../story.rs"]
mod story;

use std::process::ExitCode;

use otp_core::local::FromSend;
use otp_core::{BaseUrl, OtpsClient};
use otp_example_reqwest::ReqwestTransport;

// One thread is enough: waiting for the person on it keeps nobody else waiting.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    story::exit_code(run().await)
}

async fn run() -> story::Outcome<()> {
    let [url, ca_file] = story::arguments("otp-example-reqwest <base URL> <CA file>")?;
    let transport = ReqwestTransport::trusting(&story::ca_pem(&ca_file)?)?;
    let client =
        OtpsClient::builder(transport, story::token()?).base_url(BaseUrl::new(url)?).build()?;
    story::replace_codes(&FromSend(client), story::ask).await
}

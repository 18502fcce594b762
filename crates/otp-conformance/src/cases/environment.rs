//! What only a process of its own can show: the environment, and the standard output.

use std::ffi::OsString;
use std::io;
use std::net::TcpListener;
use std::time::Duration;

use http::Uri;

use super::discreet::{excerpt, faults, limit_of, malformed, secret_reply};
use super::each::{SOON, each};
use super::limits;
use crate::child::{self, Folder, Outcome};
use crate::harness::{Harness, TOKEN_HEADER};
use crate::hostile::tls::untrusted_ca_pem;
use crate::hostile::{Certificate, Fault, Reply};
use crate::mismatch::{Check, Mismatch, expect, expect_eq};
use crate::secrets::holds;
use crate::time::wait;

/// Proxies by variable, whose names are read in upper and in lower case.
const PROXIES: [(&str, &str); 5] = [
    ("HTTP_PROXY", "http"),
    ("HTTPS_PROXY", "http"),
    ("ALL_PROXY", "socks5h"),
    ("FTP_PROXY", "http"),
    ("PROXY", "http"),
];

/// Files of CAs that somebody trusts.
const CA_FILES: [&str; 8] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "CARGO_HTTP_CAINFO",
    "NIX_SSL_CERT_FILE",
];

/// Credentials for every host.
const NETRC: &str = "machine 127.0.0.1 login guest password guest\n\
                     machine localhost login guest password guest\n\
                     default login guest password guest\n";

/// Does in the child what a case asks for there.
pub(crate) async fn in_the_child(harness: &Harness<'_>, case: &str) -> Outcome {
    let check = match case {
        "the_environment_changes_nothing" => nothing_has_changed(harness).await,
        "while_resolving" => limits::slow_names(harness).await,
        _ => everything_once(harness).await,
    };
    let secrets = &harness.secrets;
    let secrets = [&secrets.token, &secrets.otp, &secrets.session, &secrets.code];
    Outcome {
        wrong: check.err().map(|wrong| (wrong.expected, wrong.seen)),
        secrets: secrets.map(String::clone).to_vec(),
    }
}

fn unable(error: &io::Error) -> Mismatch {
    Mismatch::new("a process of its own", format!("it cannot be set up: {error}"))
}

pub(crate) async fn the_environment_changes_nothing(harness: &Harness<'_>) -> Check {
    let folder = Folder::new().map_err(|error| unable(&error))?;
    // Whoever connects here has taken a proxy from the environment.
    let proxy = TcpListener::bind("127.0.0.1:0").map_err(|error| unable(&error))?;
    let address = proxy.local_addr().map_err(|error| unable(&error))?;
    let mut variables: Vec<(String, OsString)> = Vec::new();
    for (name, scheme) in PROXIES {
        for name in [name.to_owned(), name.to_lowercase()] {
            variables.push((name, format!("{scheme}://{address}").into()));
        }
    }
    for name in ["NO_PROXY", "no_proxy"] {
        variables.push((name.to_owned(), "unrelated.test".into()));
    }
    for name in CA_FILES {
        variables.push((name.to_owned(), folder.path().join("ca.pem").into()));
    }
    variables.push(("SSL_CERT_DIR".to_owned(), folder.path().join("certs").into()));
    variables.push(("SSLKEYLOGFILE".to_owned(), folder.path().join("keys").into()));
    variables.push(("NETRC".to_owned(), folder.path().join("netrc").into()));
    // What SDKs of this API take a token from.
    for name in ["METAL_AUTH_TOKEN", "PACKET_AUTH_TOKEN", "EQUINIX_API_TOKEN"] {
        variables.push((name.to_owned(), "token-of-the-environment".into()));
    }
    let ended = harness.again("the_environment_changes_nothing", &folder, variables).await?;
    let went = connections(&proxy).map_err(|error| unable(&error))?;
    expect(went == 0, "proxy variables set: no connection to that proxy", || {
        format!("connections to the proxy of the environment: {went}")
    })?;
    let keys = std::fs::read(folder.path().join("keys")).unwrap_or_default();
    expect(keys.is_empty(), "SSLKEYLOGFILE set: no keys of TLS in that file", || {
        format!("{} bytes, with which everything sent can be read", keys.len())
    })?;
    ended.outcome.check()
}

/// How many have connected.
fn connections(listener: &TcpListener) -> io::Result<usize> {
    listener.set_nonblocking(true)?;
    let mut count = 0;
    while listener.accept().is_ok() {
        count += 1;
    }
    Ok(count)
}

/// In the child, whose environment names a proxy and a CA.
async fn nothing_has_changed(harness: &Harness<'_>) -> Check {
    let (folder, ca_pem) = (child::folder().unwrap_or_default(), untrusted_ca_pem());
    let certs = folder.join("certs");
    std::fs::create_dir_all(&certs)
        .and_then(|()| std::fs::write(folder.join("ca.pem"), ca_pem))
        .and_then(|()| std::fs::write(certs.join("ca.pem"), ca_pem))
        .and_then(|()| std::fs::write(folder.join("netrc"), NETRC))
        .map_err(|error| unable(&error))?;

    let subject = harness.subject(Fault::Answer(Reply::json(200, "{}")));
    let at = |wrong: Mismatch| wrong.when("proxy and CA variables set");
    for request in [subject.post(), subject.get()] {
        let target = request.as_http().uri().path().to_owned();
        subject.send(request.with_time_limit(SOON)).await.status(200).map_err(at)?;
        let Some(received) = subject.server.received().pop() else {
            return Err(at(Mismatch::new("a request at the server", "none was received")));
        };
        expect_eq("the path", &received.path, &target).map_err(at)?;
        let added = received.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        let credentials = |name: &String| name.starts_with("proxy") || name == "authorization";
        let added: Vec<_> = added.filter(credentials).collect();
        let expected = "no credentials, and nothing for a proxy";
        expect(added.is_empty(), expected, || format!("{added:?}")).map_err(at)?;
        let token = received.values(TOKEN_HEADER.as_str());
        let own = token == [harness.secrets.token.as_bytes()];
        expect(own, "the token of the request", || format!("{} tokens", token.len()))
            .map_err(at)?;
    }
    if harness.wire.is_tls() {
        let subject = harness.subject(Fault::Certificate(Certificate::Untrusted));
        let seen = subject.send(subject.post().with_time_limit(SOON)).await;
        let expected = "a CA that only the environment names: an error";
        expect(seen.error().is_ok() && subject.server.requests() == 0, expected, || {
            seen.describe()
        })?;
    }
    if harness.wire.is_unix() {
        return Ok(());
    }
    // Some proxies are for other hosts only. This one is nowhere (RFC 6761 §6.4), so that nothing leaves
    // the machine but through the proxy.
    let nowhere = subject.changed(subject.post(), |http| {
        let scheme = http.uri().scheme_str().unwrap_or("https").to_owned();
        let uri = Uri::builder().scheme(scheme.as_str()).authority("otp-conformance.invalid");
        let uri = uri.path_and_query(http.uri().path().to_owned());
        *http.uri_mut() = uri.build().expect("a URI of a case");
    });
    // Whatever comes of it: a transport that is bound to an address goes there.
    subject.send(nowhere.with_time_limit(Duration::from_millis(800))).await;
    Ok(())
}

pub(crate) async fn nothing_is_printed(harness: &Harness<'_>) -> Check {
    let folder = Folder::new().map_err(|error| unable(&error))?;
    let ended = harness.again("nothing_is_printed", &folder, Vec::new()).await?;
    ended.outcome.check()?;
    let output = &ended.output;
    let secret = ended.outcome.secrets.iter().find(|secret| holds(output, secret));
    let url = output.contains(PATH).then(|| PATH.to_owned());
    let Some(printed) = secret.cloned().or(url) else { return Ok(()) };
    let seen = format!("{printed} in: {}", excerpt(output, &printed));
    Err(Mismatch::new("standard output and standard error without secrets and URLs", seen))
}

/// What is in the URL of every request.
const PATH: &str = "/metal/v1/user/otp/";

/// In the child, whose output is in a file: whatever comes of them.
async fn everything_once(harness: &Harness<'_>) -> Check {
    let answers = [200, 401, 422, 500]
        .map(|status| ("an answer", Fault::Answer(secret_reply(harness, status))));
    let all = answers.into_iter().chain(faults(harness)).chain(malformed(harness));
    each(all, async |fault| {
        let limit = limit_of(&fault);
        let subject = harness.subject(fault);
        subject.send(subject.post().with_time_limit(limit).with_response_limit(1000)).await;
        Ok(())
    })
    .await?;
    // For what a thread or a task in the background prints.
    wait(Duration::from_millis(50)).await;
    Ok(())
}

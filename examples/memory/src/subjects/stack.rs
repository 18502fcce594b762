//! hyper, h2, rustls and tokio by hand, without a line of this project between a secret and the socket. Each
//! secret is in memory that is wiped, and is handed over without a copy: what stays is the stack's.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use otp_core::secrecy::zeroize::{Zeroize, Zeroizing};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Setup, Steps};

struct Owned(Zeroizing<String>);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn owned(text: Zeroizing<String>) -> Bytes {
    Bytes::from_owner(Owned(text))
}

enum Sender {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

struct Client<'a> {
    setup: &'a Setup,
    uri: Uri,
    sender: Sender,
}

impl<'a> Client<'a> {
    async fn connect(setup: &'a Setup) -> Result<Self, Box<dyn Error>> {
        let uri: Uri = setup.url.parse()?;
        let address = uri.authority().ok_or("no authority")?.as_str().to_owned();
        let tcp = TcpStream::connect(&address).await?;
        let sender = if uri.scheme_str() == Some("https") {
            let name = ServerName::try_from(uri.host().ok_or("no host")?.to_owned())?;
            let tls = TlsConnector::from(Arc::new(super::reqwest::tls(setup)?));
            handshake(tls.connect(name, tcp).await?, setup.http2).await?
        } else {
            handshake(tcp, setup.http2).await?
        };
        Ok(Self { setup, uri, sender })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        otp: &str,
        token: &str,
    ) -> Result<Request<Empty<Bytes>>, Box<dyn Error>> {
        let otp = self.setup.secret(otp);
        let mut whole = Zeroizing::new(String::with_capacity(64 + path.len() + otp.len()));
        whole.push_str(self.uri.path());
        whole.push_str(path);
        whole.push_str(&otp);
        let mut parts = hyper::http::uri::Parts::default();
        parts.path_and_query =
            Some(hyper::http::uri::PathAndQuery::from_maybe_shared(owned(whole))?);
        if self.setup.http2 {
            parts.scheme = self.uri.scheme().cloned();
            parts.authority = self.uri.authority().cloned();
        }
        let mut token = HeaderValue::from_maybe_shared(owned(self.setup.secret(token)))?;
        token.set_sensitive(true);
        let mut request = Request::new(Empty::new());
        *request.method_mut() = method;
        *request.uri_mut() = Uri::from_parts(parts)?;
        request.headers_mut().insert("x-auth-token", token);
        if !self.setup.http2 {
            let host = HeaderValue::from_str(self.uri.authority().ok_or("no authority")?.as_str())?;
            request.headers_mut().insert("host", host);
        }
        Ok(request)
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        otp: &str,
        token: &str,
    ) -> Result<Response<Incoming>, Box<dyn Error>> {
        let request = self.request(method, path, otp, token)?;
        Ok(match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        })
    }

    /// The same, and the body is read and wiped as far as it is ours alone.
    async fn read(
        &mut self,
        method: Method,
        path: &str,
        otp: &str,
        token: &str,
    ) -> Result<u16, Box<dyn Error>> {
        let response = self.send(method, path, otp, token).await?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                if let Ok(mut data) = data.try_into_mut() {
                    data.zeroize();
                }
            }
        }
        Ok(status)
    }
}

async fn handshake<S>(stream: S, is_http2: bool) -> Result<Sender, Box<dyn Error>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let stream = TokioIo::new(stream);
    Ok(if is_http2 {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
        tokio::spawn(connection);
        Sender::Http2(sender)
    } else {
        let (sender, connection) = http1::handshake(stream).await?;
        tokio::spawn(connection);
        Sender::Http1(sender)
    })
}

pub(super) async fn run(setup: &Setup, steps: &mut Steps) -> Result<(), Box<dyn Error>> {
    const SMS: &str = "/user/otp/sms/receive";
    const VERIFY: &str = "/user/otp/verify/";
    const CODES: &str = "/user/otp/recovery-codes";
    let mut client = Client::connect(setup).await?;
    steps.note("built");
    client.read(Method::POST, SMS, "none", "token").await?;
    steps.note("sms");
    drop(client.send(Method::POST, VERIFY, "otp", "token").await?);
    steps.note("verify");
    client.read(Method::GET, CODES, "none", "session-token").await?;
    steps.note("codes");
    client.read(Method::POST, CODES, "none", "session-token").await?;
    steps.note("regenerate");
    client.read(Method::POST, SMS, "none", "refused-token").await?;
    steps.note("refused-token");
    client.read(Method::POST, VERIFY, "wrong-otp", "token").await?;
    steps.note("wrong-otp");
    for otp in ["late-otp", "dropped-otp"] {
        let call = client.send(Method::POST, VERIFY, otp, "token");
        if tokio::time::timeout(Duration::from_millis(300), call).await.is_ok() {
            return Err("a call ended that should not".into());
        }
        if !setup.http2 {
            client = Client::connect(setup).await?;
        }
    }
    steps.note("answers-dropped");
    drop(client);
    Ok(())
}

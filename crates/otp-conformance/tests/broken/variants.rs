//! More ways to fail a case than one: what is easily got half right.

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, COOKIE, EXPECT, LOCATION, SET_COOKIE, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method};
use otp_conformance::Case;
use otp_core::bytes::Bytes;
use otp_core::{
    Progress, Request, Response, Transport, TransportError, TransportErrorKind as Kind, async_trait,
};
use otp_hyper::HyperTransport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::wrapper::{again, changed_target};

/// What is wrong, and the case that must see it.
pub const ALL: &[(&str, Case)] = &[
    ("redirects of a GET are followed", Case::FollowsNoRedirect),
    ("a challenge to a GET is answered", Case::AnswersNoChallenge),
    ("a second copy is sent if the answer is slow", Case::RepeatsNothingWhateverGoesWrong),
    ("what is too large is sent again", Case::RepeatsNothingWhateverGoesWrong),
    ("what was not written in full was not sent", Case::WhatWasReceivedIsUnknown),
    ("a head too large was not sent", Case::WhatWasReceivedIsUnknown),
    ("a late body loses its head", Case::ALostBodyLeavesItsHead),
    ("a failure's lost body loses its head", Case::ALostBodyLeavesItsHead),
    ("a lost body's head loses its fields", Case::ALostBodyLeavesItsHead),
    ("what it accepts is its own", Case::HeaderValuesArrive),
    ("a charset is added to the content type", Case::TheBodyArrives),
    ("a body is announced by Expect", Case::AddsNothing),
    ("percent-encoding is made upper case", Case::PercentEncodingArrives),
    ("an empty query is dropped", Case::TheQueryArrives),
    ("answers are logged", Case::LogsHoldNoSecret),
    ("URLs are logged in a span, late", Case::LogsHoldNoSecret),
    ("the origin is in errors", Case::ErrorsHoldNoSecret),
    ("what is refused for its scheme may have been sent", Case::HttpsIsNeverInTheClear),
    ("a certificate that is bad is done without", Case::ABadCertificateGetsNoRequest),
    ("a handshake that failed is done without", Case::AFailedHandshakeIsNotSent),
    ("two at once and no more", Case::OneDoesNotWaitForAnother),
    ("a sleep is two seconds at least", Case::SleepWaits),
    ("a GET asks for compression", Case::AsksForNoCompression),
    ("a challenge for a bearer is answered", Case::AnswersNoChallenge),
    ("cookies of failures are kept", Case::KeepsNoCookies),
    ("a 407 is an error", Case::AnyStatusIsAnAnswer),
    ("a value that is no ASCII is dropped", Case::ResponseHeadersArrive),
    ("cookies of an answer are dropped", Case::ResponseHeadersArrive),
    ("a type gets a charset", Case::ResponseHeadersArrive),
    ("headers of a request are kept", Case::NothingIsCarriedOver),
    ("the token of an answer is kept", Case::NothingIsCarriedOver),
    ("a host that is not found is unknown", Case::AnUnknownHostIsNotSent),
    ("the query is in errors", Case::ErrorsHoldNoSecret),
];

pub struct Variant {
    good: HyperTransport,
    what: &'static str,
    turns: Semaphore,
    cookie: Mutex<Option<HeaderValue>>,
    /// What it should not keep of requests and answers.
    kept: Mutex<HeaderMap>,
}

impl Variant {
    pub fn new(good: HyperTransport, what: &'static str) -> Self {
        Self {
            good,
            what,
            turns: Semaphore::new(2),
            cookie: Mutex::default(),
            kept: Mutex::default(),
        }
    }

    fn spoil_request(&self, http: &mut http::Request<Bytes>) {
        let get = http.method() == Method::GET;
        let headers = http.headers_mut();
        match self.what {
            "headers of a request are kept" => {
                let mut kept = self.kept.lock().unwrap();
                for (name, value) in &*kept {
                    headers.entry(name).or_insert_with(|| value.clone());
                }
                kept.clone_from(headers);
            }
            "the token of an answer is kept" => {
                headers.extend(self.kept.lock().unwrap().clone());
            }
            "a GET asks for compression" if get => {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
            }
            "cookies of failures are kept" => {
                headers.extend(self.cookie.lock().unwrap().clone().map(|cookie| (COOKIE, cookie)));
            }
            "what it accepts is its own" => {
                headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
            }
            "a charset is added to the content type" if headers.contains_key(CONTENT_TYPE) => {
                let typed = [headers[CONTENT_TYPE].as_bytes(), b"; charset=utf-8"].concat();
                headers.insert(CONTENT_TYPE, HeaderValue::from_bytes(&typed).unwrap());
            }
            "a body is announced by Expect" if !http.body().is_empty() => {
                http.headers_mut().insert(EXPECT, HeaderValue::from_static("100-continue"));
            }
            "percent-encoding is made upper case" => {
                *http.uri_mut() = changed_target(http.uri(), |target| target.replace("%2f", "%2F"));
            }
            "an empty query is dropped" => {
                *http.uri_mut() =
                    changed_target(http.uri(), |t| t.trim_end_matches('?').to_owned());
            }
            _ => {}
        }
    }

    async fn spoil_response(
        &self,
        request: &Request,
        mut response: Response,
    ) -> Result<Response, TransportError> {
        let get = request.as_http().method() == Method::GET;
        let headers = response.headers();
        match self.what {
            "the token of an answer is kept" => {
                if let Some(token) = headers.get("x-auth-token") {
                    self.kept.lock().unwrap().insert("x-auth-token", token.clone());
                }
            }
            "cookies of an answer are dropped" => {
                response.headers_mut().remove(SET_COOKIE);
            }
            "a type gets a charset" => {
                if let Some(typed) = response.headers_mut().get_mut(CONTENT_TYPE) {
                    *typed = HeaderValue::from_static("application/json; charset=utf-8");
                }
            }
            "a 407 is an error" if response.status() == 407 => {
                return Err(TransportError::unknown(Kind::Protocol));
            }
            "a challenge for a bearer is answered"
                if headers
                    .get(WWW_AUTHENTICATE)
                    .is_some_and(|v| v.as_bytes().starts_with(b"Bearer")) =>
            {
                return self.good.send(again(request, |_| {})).await;
            }
            "cookies of failures are kept" if !response.status().is_success() => {
                let cookie = headers.get(SET_COOKIE).cloned();
                *self.cookie.lock().unwrap() = cookie;
            }
            "redirects of a GET are followed" if get => {
                if let Some(location) = response.headers().get(LOCATION) {
                    let location = location.to_str().unwrap().to_owned();
                    let there = |http: &mut http::Request<Bytes>| {
                        *http.uri_mut() = match location.strip_prefix('/') {
                            Some(_) => changed_target(http.uri(), |_| location.clone()),
                            None => location.parse().unwrap(),
                        };
                    };
                    return self.good.send(again(request, there)).await;
                }
            }
            "a challenge to a GET is answered"
                if get && response.headers().contains_key(WWW_AUTHENTICATE) =>
            {
                return self.good.send(again(request, |_| {})).await;
            }
            "answers are logged" => {
                tracing::debug!("{:?} {:?}", response.headers(), response.body());
            }
            "a value that is no ASCII is dropped" => {
                response.headers_mut().remove("x-name");
            }
            _ => {}
        }
        Ok(response)
    }

    async fn spoil_error(
        &self,
        request: &Request,
        error: TransportError,
    ) -> Result<Response, TransportError> {
        let kind = error.kind();
        let received = error.progress() == Progress::Unknown;
        let large = request.as_http().body().len() > 1024 * 1024;
        let head = error.head().cloned();
        Err(match (self.what, head) {
            ("what is too large is sent again", _) if kind == Kind::ResponseTooLarge => {
                return self.good.send(again(request, |_| {})).await;
            }
            ("what was not written in full was not sent", _) if large && kind == Kind::Timeout => {
                TransportError::not_sent(kind)
            }
            ("a head too large was not sent", None) if kind == Kind::ResponseTooLarge => {
                TransportError::not_sent(kind)
            }
            ("a late body loses its head", Some(_)) if kind == Kind::Timeout => {
                TransportError::unknown(kind)
            }
            ("a failure's lost body loses its head", Some(head)) if !head.status.is_success() => {
                TransportError::unknown(kind)
            }
            ("a lost body's head loses its fields", Some(mut head)) => {
                head.headers.clear();
                TransportError::unknown(kind).with_head(head)
            }
            ("what is refused for its scheme may have been sent", _) if kind == Kind::Tls => {
                TransportError::unknown(kind)
            }
            ("a certificate that is bad is done without", _) if is_about_a_certificate(&error) => {
                send_in_the_clear(request.as_http()).await;
                error
            }
            ("a handshake that failed is done without", _)
                if kind == Kind::Tls && !is_about_a_certificate(&error) =>
            {
                send_in_the_clear(request.as_http()).await;
                error
            }
            ("a host that is not found is unknown", _)
                if request.as_http().uri().host().is_some_and(|h| h.ends_with(".invalid")) =>
            {
                TransportError::unknown(kind)
            }
            ("the query is in errors", _) if received => {
                let query = request.as_http().uri().query().unwrap_or_default().to_owned();
                error.with_source(format!("the search {query} failed"))
            }
            ("the origin is in errors", _) if received => {
                let host = request.as_http().uri().authority().unwrap().to_string();
                error.with_source(format!("https://{host} is in trouble"))
            }
            _ => error,
        })
    }
}

fn is_about_a_certificate(error: &TransportError) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let tls = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = tls.and_then(|inner| inner.downcast_ref()).or(cause.downcast_ref());
        if matches!(tls, Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        source = cause.source();
    }
    false
}

/// Whatever comes of it: nobody is told.
async fn send_in_the_clear(request: &http::Request<Bytes>) {
    let (uri, token) = (request.uri(), request.headers()["x-auth-token"].to_str().unwrap());
    let text = format!("POST {} HTTP/1.1\r\nx-auth-token: {token}\r\n\r\n", uri.path());
    if let Ok(mut stream) = TcpStream::connect(uri.authority().unwrap().as_str()).await {
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.read_u8().await;
    }
}

#[async_trait]
impl Transport for Variant {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let request = again(&request, |http| self.spoil_request(http));
        let _turn = match self.what {
            "two at once and no more" => Some(self.turns.acquire().await.unwrap()),
            _ => None,
        };
        let sending = self.good.send(again(&request, |_| {}));
        let outcome = match self.what {
            "a second copy is sent if the answer is slow" => {
                let second = async {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    self.good.send(again(&request, |_| {})).await
                };
                tokio::select! { first = sending => first, second = second => second }
            }
            "URLs are logged in a span, late" => {
                let span = tracing::debug_span!("sending", url = tracing::field::Empty);
                let outcome = sending.await;
                span.record("url", request.as_http().uri().to_string());
                outcome
            }
            _ => sending.await,
        };
        match outcome {
            Ok(response) => self.spoil_response(&request, response).await,
            Err(error) => self.spoil_error(&request, error).await,
        }
    }

    async fn sleep(&self, duration: Duration) {
        let least = match self.what {
            "a sleep is two seconds at least" => Duration::from_secs(2),
            _ => Duration::ZERO,
        };
        self.good.sleep(duration.max(least)).await;
    }

    fn now(&self) -> Duration {
        self.good.now()
    }
}

//! Around a transport that keeps every promise: one that breaks a single one, at the line that names the
//! case.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, LOCATION,
    REFERER, SET_COOKIE, TRANSFER_ENCODING, USER_AGENT, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use otp_conformance::Case;
use otp_core::bytes::Bytes;
use otp_core::{Progress, Request, Response, Transport, TransportError, TransportErrorKind};
use otp_hyper::HyperTransport;

pub struct Wrapper(Arc<Inner>);

struct Inner {
    good: HyperTransport,
    flaw: Case,
    cookie: Mutex<Option<HeaderValue>>,
    stale: Mutex<Option<Response>>,
    sends: AtomicUsize,
    in_flight: AtomicUsize,
    last_body: Mutex<Option<Bytes>>,
    turn: tokio::sync::Mutex<()>,
}

impl Wrapper {
    pub fn new(good: HyperTransport, flaw: Case) -> Self {
        Self(Arc::new(Inner {
            good,
            flaw,
            cookie: Mutex::default(),
            stale: Mutex::default(),
            sends: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            last_body: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }))
    }
}

type Outcome = Result<Response, TransportError>;

/// The same request once more, perhaps with something changed.
pub fn again(request: &Request, change: impl FnOnce(&mut http::Request<Bytes>)) -> Request {
    let mut http = request.as_http().clone();
    change(&mut http);
    Request::new(request.endpoint(), http)
        .with_time_limit(request.time_limit())
        .with_response_limit(request.response_limit())
}

pub fn changed_target(uri: &Uri, change: impl FnOnce(&str) -> String) -> Uri {
    let mut parts = uri.clone().into_parts();
    let target = parts.path_and_query.take().unwrap();
    parts.path_and_query = Some(change(target.as_str()).parse().unwrap());
    Uri::from_parts(parts).unwrap()
}

impl Inner {
    /// What goes wrong on the way there.
    fn spoil_request(&self, http: &mut http::Request<Bytes>) {
        let add = |http: &mut http::Request<Bytes>, name, value: &str| {
            http.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        };
        match self.flaw {
            Case::KeepsNoCookies => {
                if let Some(cookie) = self.cookie.lock().unwrap().clone() {
                    http.headers_mut().insert(COOKIE, cookie);
                }
            }
            Case::TheMethodArrives if http.method() == Method::DELETE => {
                *http.method_mut() = Method::POST;
            }
            Case::ThePathArrives => {
                *http.uri_mut() = changed_target(http.uri(), |target| {
                    let (path, query) = target.split_once('?').unwrap_or((target, ""));
                    let mark = if target.contains('?') { "?" } else { "" };
                    format!("{}{mark}{query}", path.replace("User", "user").replace("oTP", "otp"))
                });
            }
            Case::PercentEncodingArrives => {
                *http.uri_mut() = changed_target(http.uri(), |t| t.replace("%40", "@"));
            }
            Case::TheQueryArrives => {
                *http.uri_mut() = changed_target(http.uri(), |t| t.replace('+', "%20"));
            }
            Case::HeaderValuesArrive => {
                for value in http.headers_mut().values_mut() {
                    let words: Vec<_> = value.to_str().unwrap().split_whitespace().collect();
                    *value = HeaderValue::from_str(&words.join(" ")).unwrap();
                }
            }
            Case::TheUserAgentArrives => {
                let own = HeaderValue::from_static("wrapper/1");
                http.headers_mut().insert(USER_AGENT, own);
            }
            Case::DropsNoHeader => {
                let full = http.headers().iter().filter(|(_, value)| !value.is_empty());
                *http.headers_mut() = full.map(|(n, v)| (n.clone(), v.clone())).collect();
            }
            Case::DoublesNoHeader => add(http, ACCEPT, "application/json"),
            Case::RepeatedHeadersArrive => {
                let mut last = HeaderMap::new();
                for (name, value) in http.headers() {
                    last.insert(name.clone(), value.clone());
                }
                *http.headers_mut() = last;
            }
            Case::TheBodyArrives => {
                let text = String::from_utf8_lossy(http.body()).into_owned();
                *http.body_mut() = text.into();
            }
            Case::AnEmptyBodyStaysEmpty if http.method() == Method::POST => {
                *http.body_mut() = Bytes::from_static(b"{}");
                add(http, CONTENT_TYPE, "application/json");
            }
            Case::AddsNothing => add(http, "x-sdk-version".parse().unwrap(), "1"),
            Case::AsksForNoCompression => add(http, ACCEPT_ENCODING, "gzip"),
            Case::CopiesNoSecret if http.method() == Method::POST => {
                add(http, REFERER, &http.uri().to_string());
            }
            Case::HttpsIsNeverInTheClear => {
                *http.uri_mut() =
                    http.uri().to_string().replace("https:", "http:").parse().unwrap();
            }
            Case::LogsHoldNoSecret => tracing::debug!("{} {}", http.method(), http.uri()),
            _ => {}
        }
    }

    async fn send(&self, request: Request) -> Outcome {
        let mut request = again(&request, |http| self.spoil_request(http));
        if self.flaw == Case::ABodyOverTheLimitIsRefused {
            let limit = request.response_limit() + 1;
            request = request.with_response_limit(limit);
        }
        if let Some(stale) = self.stale.lock().unwrap().take() {
            return Ok(stale);
        }
        self.sends.fetch_add(1, Ordering::SeqCst);
        let _turn = match self.flaw {
            Case::OneDoesNotWaitForAnother => Some(self.turn.lock().await),
            _ => None,
        };
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let leave = || _ = self.in_flight.fetch_sub(1, Ordering::SeqCst);
        let ended = AtEnd::new(leave);
        let outcome = self.good.send(again(&request, |_| {})).await;
        drop(ended);
        match outcome {
            Ok(response) => self.spoil_response(&request, response).await,
            Err(error) => self.spoil_error(&request, error).await,
        }
    }

    /// What goes wrong with an answer.
    async fn spoil_response(&self, request: &Request, mut response: Response) -> Outcome {
        let status = response.status();
        let repeats = match self.flaw {
            Case::SendsOnce => status == StatusCode::NO_CONTENT,
            Case::RepeatsNothingAfterAServerError => status.is_server_error(),
            Case::RepeatsNothingAfterARateLimit => matches!(status.as_u16(), 408 | 429),
            _ => false,
        };
        if repeats {
            let _ = self.good.send(again(request, |_| {})).await;
            return Ok(response);
        }
        match self.flaw {
            Case::FollowsNoRedirect => {
                if let Some(location) = response.headers().get(LOCATION) {
                    let location = location.to_str().unwrap().to_owned();
                    let there = |http: &mut http::Request<Bytes>| {
                        *http.uri_mut() = changed_target(http.uri(), |_| location);
                    };
                    return self.good.send(again(request, there)).await;
                }
            }
            Case::AnswersNoChallenge if response.headers().contains_key(WWW_AUTHENTICATE) => {
                let credentials = HeaderValue::from_static("Basic Z3Vlc3Q6Z3Vlc3Q=");
                let with = |http: &mut http::Request<Bytes>| {
                    http.headers_mut().insert(AUTHORIZATION, credentials);
                };
                return self.good.send(again(request, with)).await;
            }
            Case::KeepsNoCookies => {
                *self.cookie.lock().unwrap() = response.headers().get(SET_COOKIE).cloned();
            }
            Case::AnyStatusIsAnAnswer if status == StatusCode::IM_A_TEAPOT => {
                return Err(TransportError::unknown(TransportErrorKind::Other));
            }
            Case::ResponseHeadersArrive => {
                let mut last = HeaderMap::new();
                for (name, value) in response.headers() {
                    last.insert(name.clone(), value.clone());
                }
                *response.headers_mut() = last;
            }
            Case::TheResponseBodyArrives if !response.headers().contains_key(CONTENT_ENCODING) => {
                let text = String::from_utf8_lossy(response.body()).into_owned();
                *response.body_mut() = text.into();
            }
            Case::AnEmptyResponseEnds if status == StatusCode::OK && response.body().is_empty() => {
                tokio::time::sleep(request.time_limit()).await;
                return Err(TransportError::unknown(TransportErrorKind::Timeout));
            }
            Case::APostIsAnswered if request.as_http().method() == Method::POST => {
                return Err(TransportError::unknown(TransportErrorKind::Protocol));
            }
            Case::ASecondSendIsAnswered if self.sends.load(Ordering::SeqCst) > 1 => {
                return Err(TransportError::unknown(TransportErrorKind::ConnectionLost));
            }
            Case::AChunkedBodyEnds if response.headers().contains_key(TRANSFER_ENCODING) => {
                tokio::time::sleep(request.time_limit()).await;
                return Err(TransportError::unknown(TransportErrorKind::Timeout));
            }
            Case::DecompressesNothing if response.headers().contains_key(CONTENT_ENCODING) => {
                response.headers_mut().remove(CONTENT_ENCODING);
                let mut plain = Vec::new();
                let mut gzip = flate2::read::GzDecoder::new(&response.body()[..]);
                io::Read::read_to_end(&mut gzip, &mut plain).unwrap();
                *response.body_mut() = plain.into();
            }
            Case::ABodyOfTheLimitIsRead if response.body().len() == request.response_limit() => {
                return Err(TransportError::unknown(TransportErrorKind::ResponseTooLarge));
            }
            Case::AnswersAreNotMixed if self.in_flight.load(Ordering::SeqCst) > 0 => {
                let mut last = self.last_body.lock().unwrap();
                let own = std::mem::take(response.body_mut());
                *response.body_mut() = last.replace(own.clone()).unwrap_or(own);
            }
            _ => {}
        }
        Ok(response)
    }

    /// What goes wrong with a failure.
    async fn spoil_error(&self, request: &Request, error: TransportError) -> Outcome {
        use TransportErrorKind::{Connect, ConnectionLost, Protocol, Timeout, Tls};
        let (kind, progress) = (error.kind(), error.progress());
        let received = progress == Progress::Unknown;
        let refused = refused(&error);
        let large = request.as_http().body().len() > 1024 * 1024;
        let kept = self.sends.load(Ordering::SeqCst) > 1;
        let head = error.head().cloned();
        let with_head = |error: TransportError| match head {
            Some(head) => error.with_head(head),
            None => error,
        };
        Err(match (self.flaw, kind) {
            (Case::RepeatsNothingAfterALostConnection, ConnectionLost) if received && !kept => {
                return self.good.send(again(request, |_| {})).await;
            }
            (Case::RepeatsNothingOnAKeptConnection, ConnectionLost) if received && kept => {
                return self.good.send(again(request, |_| {})).await;
            }
            (Case::RepeatsNothingWhateverGoesWrong, Protocol) => {
                return self.good.send(again(request, |_| {})).await;
            }
            (Case::ALostKeptConnectionIsUnknown, ConnectionLost) if kept => {
                TransportError::not_sent(ConnectionLost)
            }
            (Case::WhatWasReceivedIsUnknown, Protocol) => TransportError::not_sent(Protocol),
            (Case::ATimeoutSaysSo, Timeout) => with_head(TransportError::unknown(ConnectionLost)),
            (Case::ARefusedConnectionIsNotSent, Connect) if refused => {
                TransportError::unknown(Connect)
            }
            (Case::ABadCertificateIsATlsError, Tls) => TransportError::not_sent(Connect),
            (Case::AFailedHandshakeIsNotSent, Connect) if !refused => {
                TransportError::unknown(Connect)
            }
            (Case::ATimeoutIsUnknown, Timeout) if error.head().is_none() && !large => {
                TransportError::not_sent(Timeout)
            }
            (Case::ALostBodyLeavesItsHead, kind) if received => TransportError::unknown(kind),
            (Case::WhatHttp2RefusesIsNotSent, ConnectionLost) if !received => {
                TransportError::unknown(ConnectionLost)
            }
            (Case::ErrorsHoldNoSecret, _) => {
                error.with_source(format!("while asking {}", request.as_http().uri()))
            }
            _ => error,
        })
    }
}

fn refused(error: &TransportError) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        if io == Some(io::ErrorKind::ConnectionRefused) {
            return true;
        }
        source = cause.source();
    }
    false
}

/// Does something when it is dropped, unless it is told not to.
struct AtEnd<F: FnMut()>(Option<F>);

impl<F: FnMut()> AtEnd<F> {
    fn new(act: F) -> Self {
        Self(Some(act))
    }

    fn disarm(&mut self) {
        self.0 = None;
    }
}

impl<F: FnMut()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        if let Some(act) = &mut self.0 {
            act();
        }
    }
}

// Written out, so that something can happen before the first poll.
impl Transport for Wrapper {
    fn send<'life, 'fut>(
        &'life self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'fut>>
    where
        'life: 'fut,
        Self: 'fut,
    {
        let inner = Arc::clone(&self.0);
        match inner.flaw {
            Case::NothingIsSentUnpolled => {
                let sending = tokio::spawn(async move { inner.send(request).await });
                let abort = sending.abort_handle();
                let dropped = AtEnd::new(move || abort.abort());
                Box::pin(async move {
                    let _dropped = dropped;
                    sending.await.unwrap()
                })
            }
            Case::ASendDoesNotBlock => Box::pin(async move {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let blocked =
                    std::thread::spawn(move || runtime.unwrap().block_on(inner.send(request)));
                blocked.join().unwrap()
            }),
            Case::GivesUpWhenDropped => Box::pin(async move {
                tokio::spawn(async move { inner.send(request).await }).await.unwrap()
            }),
            Case::WhatWasDroppedIsSentOnceAtMost => Box::pin(async move {
                let (copy, resending) = (again(&request, |_| {}), Arc::clone(&inner));
                let mut dropped = AtEnd::new(move || {
                    let (inner, copy) = (Arc::clone(&resending), again(&copy, |_| {}));
                    tokio::spawn(async move {
                        let _ = inner.good.send(again(&copy, |_| {})).await;
                        inner.good.send(copy).await
                    });
                });
                let outcome = inner.send(request).await;
                dropped.disarm();
                outcome
            }),
            // What was meant for who has gone is kept for whoever comes next.
            Case::ADropDoesNotSpoilTheNext => Box::pin(async move {
                let (mut done, over) = tokio::sync::oneshot::channel();
                tokio::spawn(async move {
                    let gone = async {
                        done.closed().await;
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    };
                    let outcome = tokio::select! {
                        outcome = inner.send(request) => outcome,
                        () = gone => return,
                    };
                    if let Err(Ok(stale)) = done.send(outcome) {
                        *inner.stale.lock().unwrap() = Some(stale);
                    }
                });
                over.await.unwrap()
            }),
            _ => Box::pin(async move { inner.send(request).await }),
        }
    }

    fn sleep<'life, 'fut>(
        &'life self,
        duration: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'fut>>
    where
        'life: 'fut,
        Self: 'fut,
    {
        Box::pin(async move {
            match self.0.flaw {
                Case::SleepWaits => {}
                Case::SleepLetsOthersRun => std::thread::sleep(duration),
                _ => self.0.good.sleep(duration).await,
            }
        })
    }

    fn now(&self) -> Duration {
        match self.0.flaw {
            Case::NowGoesOn => Duration::from_secs(7),
            _ => self.0.good.now(),
        }
    }
}

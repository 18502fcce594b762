use std::time::Duration;

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use otp_core::bytes::Bytes;
use otp_core::http::{HeaderName, HeaderValue, StatusCode, response};
use otp_core::local::Transport;
use otp_core::{Request, Response, TransportError, TransportErrorKind, async_trait, clock, http};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, AbortSignal, DomException, Headers, ReadableStreamDefaultReader,
    ReferrerPolicy, RequestCache, RequestCredentials, RequestInit, RequestMode, RequestRedirect,
    ResponseType, Window,
};

/// Sends requests by the browser's `fetch`, in a page or in a worker.
///
/// It needs no state: the browser has the connections. It needs a browser of 2024 or later, with
/// `AbortSignal.any`.
///
/// # What the browser does differently
///
/// - **It may itself send a request twice, a `POST` too**: Chromium does, if a connection that it used
///   before is lost ahead of the answer, or the answer is a `408`. No page can turn that off.
/// - It never says why a `fetch` failed or how far it got. So every such failure is
///   [`Progress::Unknown`](otp_core::Progress::Unknown), even a refused connection, and nothing but the
///   reading of codes is tried again by the client.
/// - It adds headers of its own (`Origin`, `Accept-Encoding`, …), keeps a few to itself (`Host`), and
///   decompresses.
/// - It shows only those headers of a response that the service exposes (CORS).
/// - It does not show the status of a redirect, which is not followed: it is an error of the transport.
/// - In a tab that nobody looks at, its timers may be late, by up to a minute: waits and time limits too.
/// - Over plain HTTP, Chromium takes much for an answer: a head that was cut off, a status line that is
///   none.
#[derive(Clone, Copy, Debug, Default)]
pub struct FetchTransport;

#[async_trait(?Send)]
impl Transport for FetchTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let limit = request.response_limit();
        let abort = AbortOnDrop::new().map_err(refused)?;
        let signal = abort.signal_or_after(request.time_limit());
        let request = to_fetch(request.into_http(), &signal).map_err(refused)?;

        let lost = |error| lost(&error, &signal);
        let answer = JsFuture::from(global().fetch_with_request(&request)).await.map_err(lost)?;
        let answer = web_sys::Response::from(answer);
        let head = read_head(&answer)?;
        match read_body(&answer, limit, lost).await {
            Ok(body) => Ok(Response::from_parts(head, body)),
            // What the server did, its status tells, even though the body is lost.
            Err(error) => Err(error.with_head(head)),
        }
    }

    async fn sleep(&self, duration: Duration) {
        let millis = i32::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
        let mut start = |wake: Function, _| {
            let timer =
                global().set_timeout_with_callback_and_timeout_and_arguments_0(&wake, millis);
            debug_assert!(timer.is_ok(), "a page and a worker have timers");
        };
        // It is resolved and never rejected.
        let _ = JsFuture::from(Promise::new(&mut start)).await;
    }

    fn now(&self) -> Duration {
        clock::monotonic()
    }
}

/// The page or the worker. Only `fetch` and `setTimeout` are asked of it, which both have.
fn global() -> Window {
    js_sys::global().unchecked_into()
}

/// Gives the request up when the future of `send` is dropped, or has what it wanted.
struct AbortOnDrop(AbortController);

impl AbortOnDrop {
    fn new() -> Result<Self, JsValue> {
        AbortController::new().map(Self)
    }

    /// Also gives it up when the time is over, with another name: see [`lost`].
    fn signal_or_after(&self, time_limit: Duration) -> AbortSignal {
        let millis = u32::try_from(time_limit.as_millis()).unwrap_or(u32::MAX);
        let either = Array::of2(&self.0.signal(), &AbortSignal::timeout_with_u32(millis));
        AbortSignal::any(&either)
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Fails if the browser finds the request itself unacceptable.
fn to_fetch(
    request: http::Request<Bytes>,
    signal: &AbortSignal,
) -> Result<web_sys::Request, JsValue> {
    let (head, body) = request.into_parts();
    let headers = Headers::new()?;
    for (name, value) in &head.headers {
        headers.append(name.as_str(), &to_byte_string(value))?;
    }
    let init = RequestInit::new();
    init.set_method(head.method.as_str());
    init.set_headers_headers(&headers);
    if !body.is_empty() {
        init.set_body(&Uint8Array::from(&*body));
    }
    init.set_signal(Some(signal));
    init.set_mode(RequestMode::Cors);
    init.set_cache(RequestCache::NoStore);
    init.set_credentials(RequestCredentials::Omit);
    init.set_redirect(RequestRedirect::Manual);
    init.set_referrer_policy(ReferrerPolicy::NoReferrer);
    web_sys::Request::new_with_str_and_init(&head.uri.to_string(), &init)
}

/// JavaScript has the bytes of a header as characters of the same number.
fn to_byte_string(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

fn from_byte_string(value: &str) -> Option<HeaderValue> {
    let bytes: Result<Vec<u8>, _> = value.chars().map(u8::try_from).collect();
    HeaderValue::from_bytes(&bytes.ok()?).ok()
}

fn read_head(answer: &web_sys::Response) -> Result<response::Parts, TransportError> {
    if answer.type_() == ResponseType::Opaqueredirect {
        return Err(TransportError::unknown(TransportErrorKind::Other)
            .with_reason("a redirect, which is not followed and whose status the browser hides"));
    }
    let unreadable = || TransportError::unknown(TransportErrorKind::Protocol);
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = StatusCode::from_u16(answer.status()).map_err(|_| unreadable())?;
    for entry in answer.headers().entries() {
        let entry = Array::from(&entry.map_err(|_| unreadable())?);
        let (Some(name), Some(value)) = (entry.get(0).as_string(), entry.get(1).as_string()) else {
            return Err(unreadable());
        };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unreadable())?;
        head.headers.append(name, from_byte_string(&value).ok_or_else(unreadable)?);
    }
    Ok(head)
}

async fn read_body(
    answer: &web_sys::Response,
    limit: usize,
    lost: impl Fn(JsValue) -> TransportError + Copy,
) -> Result<Bytes, TransportError> {
    let Some(stream) = answer.body() else { return Ok(Bytes::new()) };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut body = Vec::new();
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(lost)?;
        // `{ value, done }`: at the end there is no value.
        let value = Reflect::get(&chunk, &"value".into()).map_err(lost)?;
        let Ok(value) = value.dyn_into::<Uint8Array>() else { return Ok(body.into()) };
        if value.length() as usize > limit - body.len() {
            return Err(TransportError::unknown(TransportErrorKind::ResponseTooLarge));
        }
        body.extend(value.to_vec());
    }
}

/// The failure before anything was asked of the network. The browser's message may hold the URL.
fn refused(_: JsValue) -> TransportError {
    TransportError::not_sent(TransportErrorKind::Other)
        .with_reason("the browser does not take this request")
}

/// Any other failure. Of the cause, the browser tells only whether it was our own limit.
fn lost(error: &JsValue, signal: &AbortSignal) -> TransportError {
    let is_timeout = |error: &JsValue| {
        error.dyn_ref::<DomException>().is_some_and(|error| error.name() == "TimeoutError")
    };
    // While the body is read, Chromium 148 has another error for the same reason.
    if is_timeout(error) || is_timeout(&signal.reason()) {
        return TransportError::unknown(TransportErrorKind::Timeout);
    }
    TransportError::unknown(TransportErrorKind::ConnectionLost)
        .with_reason("the browser does not tell whether it was the network, TLS or CORS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_header_value_survives_javascript() {
        let bytes: Vec<u8> = (0x20..=0xff).filter(|byte| *byte != 0x7f).collect();
        let value = HeaderValue::from_bytes(&bytes).unwrap();
        let in_javascript = to_byte_string(&value);
        assert_eq!(in_javascript.chars().last(), Some('ÿ'));
        assert_eq!(from_byte_string(&in_javascript), Some(value));
        assert_eq!(from_byte_string("Ā"), None);
    }
}

//! Connecting: a stream, through a proxy if need be, then TLS, then HTTP.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::Full;
use hyper::Uri;
use hyper::client::conn::http1;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::Connection as _;
use hyper_util::rt::TokioIo;
use otp_core::bytes::Bytes;
use otp_core::http::Extensions;
use otp_core::http::uri::Scheme;
use otp_core::{TransportError, TransportErrorKind};
use tower_service::Service;

use crate::connector::{Connector, Target};
use crate::error::{ProxyFailed, Unreached};
use crate::proxy::{self, Route};
use crate::stream::{Allowance, Transported};
use crate::tls::Tls;
use crate::versions::HttpVersions;
use crate::watched::Watched;
use crate::{error, http2};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A fresh connection, whose task is running.
pub(crate) enum Connection {
    Http1 { sender: http1::SendRequest<Full<Bytes>>, allowance: Arc<Allowance> },
    Http2(http2::Connection),
}

/// Makes connections.
pub(crate) struct Connect {
    tls: Arc<Tls>,
    direct: Direct,
    route: Arc<Route>,
    versions: HttpVersions,
    http1: http1::Builder,
    max_header_bytes: usize,
}

impl Connect {
    pub(crate) fn new(
        tls: Arc<Tls>,
        connector: Arc<dyn Connector>,
        route: Route,
        versions: HttpVersions,
        max_header_bytes: usize,
    ) -> Self {
        let mut http1 = http1::Builder::new();
        http1.max_buf_size(max_header_bytes).max_header_size(max_header_bytes);
        let (direct, route) = (Direct(connector), Arc::new(route));
        Self { tls, direct, route, versions, http1, max_header_bytes }
    }

    /// Opens a connection to this origin and starts its task. For `changed`, see
    /// [`http2::Connection::start`].
    pub(crate) async fn connect(
        &self,
        origin: Uri,
        changed: impl Fn() + Send + Sync + 'static,
    ) -> Result<Connection, TransportError> {
        let is_tls = origin.scheme() == Some(&Scheme::HTTPS);
        let mut https = self.https();
        let stream = https.call(origin).await.map_err(|error| error::of_connecting(&*error))?;
        let connected = stream.connected();
        let http2 = match self.versions {
            HttpVersions::Http1 => false,
            HttpVersions::Negotiated => connected.is_negotiated_h2(),
            HttpVersions::Http2 if is_tls && !connected.is_negotiated_h2() => {
                return Err(error::no_http2());
            }
            HttpVersions::Http2 => true,
        };
        let mut extras = Extensions::new();
        connected.get_extras(&mut extras);
        let allowance: Arc<Allowance> = extras.remove().ok_or_else(|| {
            TransportError::not_sent(TransportErrorKind::Other).with_reason("no stream of ours")
        })?;
        let stream = Watched::new(stream, Arc::clone(&allowance));
        if http2 {
            let connection =
                http2::Connection::start(stream, allowance, self.max_header_bytes, changed)
                    .await
                    .map_err(|error| error::of_starting_http2(&error))?;
            return Ok(Connection::Http2(connection));
        }
        let (sender, connection) =
            self.http1.handshake(stream).await.map_err(|error| error::of_connecting(&error))?;
        tokio::spawn(connection);
        Ok(Connection::Http1 { sender, allowance })
    }

    /// With the roots and the identity of now.
    fn https(&self) -> HttpsConnector<Dial> {
        let tls = self.tls.current();
        let to_proxy = HttpsConnector::from((self.direct.clone(), Arc::clone(&tls.to_proxy)));
        let dial = Dial { direct: self.direct.clone(), to_proxy, route: Arc::clone(&self.route) };
        HttpsConnector::from((dial, Arc::clone(&tls.to_server)))
    }
}

type Connecting = Pin<Box<dyn Future<Output = Result<Transported, BoxError>> + Send>>;

/// The caller's connector, as a service.
#[derive(Clone)]
struct Direct(Arc<dyn Connector>);

impl Service<Uri> for Direct {
    type Response = Transported;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = Arc::clone(&self.0);
        Box::pin(async move {
            let stream = connector.connect(&Target::of(&uri)).await.map_err(Unreached)?;
            Ok(if uri.scheme() == Some(&Scheme::HTTP) {
                Transported::in_the_clear(stream)
            } else {
                Transported::new(stream)
            })
        })
    }
}

/// Directly, or by a tunnel through a proxy.
#[derive(Clone)]
struct Dial {
    direct: Direct,
    to_proxy: HttpsConnector<Direct>,
    route: Arc<Route>,
}

impl Service<Uri> for Dial {
    type Response = Transported;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let proxy = match self.route.proxy_for(&uri) {
            Ok(Some(proxy)) => proxy.clone(),
            Ok(None) => return self.direct.call(uri),
            Err(unusable) => return Box::pin(async move { Err(unusable.into()) }),
        };
        let connecting = self.to_proxy.clone().call(proxy.uri);
        Box::pin(async move {
            let mut stream = TokioIo::new(connecting.await.map_err(ProxyFailed)?);
            let tunnel = proxy::open(&mut stream, &Target::of(&uri), proxy.auth.as_ref()).await;
            tunnel.map_err(|error| ProxyFailed(error.into()))?;
            Ok(Transported::new(Box::new(stream)))
        })
    }
}

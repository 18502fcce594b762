/// The versions of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1 (RFC 9112).
    Http1,
    /// HTTP/2 (RFC 9113).
    Http2,
}

/// How a [`Server`](super::Server) is reached: by default over TLS, on a free port of `127.0.0.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wire {
    pub(crate) protocol: Protocol,
    pub(crate) tls: bool,
    pub(crate) mutual: bool,
    pub(crate) unix: bool,
    pub(crate) cors: bool,
}

impl Wire {
    /// HTTP/1.1 over TLS.
    pub fn http1() -> Self {
        Self { protocol: Protocol::Http1, tls: true, mutual: false, unix: false, cors: false }
    }

    /// HTTP/2 over TLS, by ALPN.
    pub fn http2() -> Self {
        Self { protocol: Protocol::Http2, ..Self::http1() }
    }

    /// Without TLS. HTTP/2 is then by prior knowledge (RFC 9113 §3.3).
    #[must_use]
    pub fn in_the_clear(self) -> Self {
        Self { tls: false, ..self }
    }

    /// On a Unix socket instead of a port, where the system has them.
    #[must_use]
    pub fn over_unix_socket(self) -> Self {
        Self { unix: true, ..self }
    }

    /// With the headers that let a web page of another origin read its answers; preflights are answered
    /// and not counted. HTTP/1.1 only.
    #[must_use]
    pub fn with_cors(self) -> Self {
        Self { cors: true, ..self }
    }

    /// For clients that show a certificate of the server's own CA, see
    /// [`client_identity`](super::tls::client_identity).
    #[must_use]
    pub fn with_client_certificates(self) -> Self {
        Self { mutual: true, ..self }
    }

    /// The version of HTTP.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether there is TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Whether a server can keep a client waiting before TCP has answered.
    pub(crate) fn hangs_in_connect(&self) -> bool {
        cfg!(target_os = "linux") && !self.unix
    }

    /// Whether it is a Unix socket.
    pub fn is_unix(&self) -> bool {
        self.unix
    }
}

impl From<Protocol> for Wire {
    /// Over TLS.
    fn from(protocol: Protocol) -> Self {
        Self { protocol, ..Self::http1() }
    }
}

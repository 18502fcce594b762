//! What a failed TLS handshake means, in words for a person.
//!
//! rustls's own texts are for its developers, and some quote host names.

use std::borrow::Cow;
use std::fmt;

use rustls::{
    AlertDescription as Alert, CertificateError, Error, InvalidMessage, PeerIncompatible,
};

/// What happened, and what to do about it.
pub(super) struct Told {
    pub(super) reason: Cow<'static, str>,
    pub(super) advice: &'static str,
}

fn told(reason: impl Into<Cow<'static, str>>, advice: &'static str) -> Told {
    Told { reason: reason.into(), advice }
}

pub(super) const HTTP_VERSIONS: &str =
    "let 'http_versions' allow what the server offers, or let the server offer what is allowed";
const CLIENT_CERTIFICATE: &str =
    "give the builder an 'identity' that the server accepts: a client certificate and its key";
const OWN_CERTIFICATE: &str = "check the client certificate ('identity') and its dates: its CA must be one that the server trusts";
const TRUST: &str =
    "add its CA to the trusted 'roots'; where a proxy or firewall inspects TLS, add that one's CA";
const NO_TLS: &str = "check the port and the scheme of the base URL, and that no proxy or firewall answers in its place";
const VERSIONS: &str = "the server must offer TLS 1.2 or 1.3 with a modern cipher suite";
const RENEW: &str = "the server needs another certificate";
const CLOCK_OR_RENEW: &str =
    "check this machine's clock; if it is right, the server needs another certificate";

pub(super) fn told_of(error: &Error) -> Told {
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(alert) => alerted(*alert),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            told("the answer to the TLS handshake is not TLS, perhaps plain HTTP", NO_TLS)
        }
        Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerMisbehaved(_)
        | Error::PeerSentOversizedRecord => told("the server breaks the rules of TLS", NO_TLS),
        Error::PeerIncompatible(error) => incompatible(error),
        Error::NoApplicationProtocol => no_protocol(),
        Error::InvalidCertRevocationList(_) => told(
            "the revocation list cannot be used that is to say whether the server's certificate was revoked",
            "check that the certificate revocation lists come from the CAs that are in use",
        ),
        Error::NoCertificatesPresented => told("the server shows no certificate", RENEW),
        Error::FailedToGetCurrentTime => {
            told("this machine has no clock to check the certificate's dates", "set the clock")
        }
        Error::DecryptError => {
            told("what the server sent cannot be decrypted", "check what stands in between")
        }
        // Others may hold texts of anybody's. The error itself is the source.
        other => told(format!("TLS failed ({})", name(other)), "see the source of this error"),
    }
}

fn certificate(error: &CertificateError) -> Told {
    use CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => {
            told("the server's certificate has expired", CLOCK_OR_RENEW)
        }
        E::NotValidYet | E::NotValidYetContext { .. } => {
            told("the server's certificate is not valid yet", CLOCK_OR_RENEW)
        }
        E::UnknownIssuer => {
            told("the server's certificate was not signed by a CA that is trusted here", TRUST)
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => told(
            "the server's certificate is for another host",
            "check the host of the base URL: it must be among the certificate's subject alternative names",
        ),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            told("the certificate that the server shows is not made for servers", RENEW)
        }
        E::Revoked => told("the server's certificate was revoked", RENEW),
        E::BadEncoding => told("the server's certificate cannot be read", RENEW),
        E::BadSignature => told(
            "the trusted CA of that name did not sign the server's certificate",
            "if that CA was made anew, as the emulator's is at each start, trust the new one",
        ),
        E::UnhandledCriticalExtension => {
            told("the server's certificate has a critical extension that is not supported", RENEW)
        }
        E::UnknownRevocationStatus
        | E::ExpiredRevocationList
        | E::ExpiredRevocationListContext { .. } => told(
            "nothing current says whether the server's certificate was revoked",
            "check the clock and the certificate revocation lists",
        ),
        // webpki's error, which rustls has no name for. Here it is known by its name only.
        E::Other(other) if name(other) == "CaUsedAsEndEntity" => told(
            "the server shows a CA's certificate as its own",
            "let the server show a certificate that this CA signed ('CA:FALSE'), and trust the CA",
        ),
        other => {
            let name = match other {
                E::Other(inner) => name(inner),
                other => name(other),
            };
            told(format!("the server's certificate is refused ({name})"), RENEW)
        }
    }
}

fn alerted(alert: Alert) -> Told {
    match alert {
        Alert::CertificateRequired | Alert::NoCertificate => {
            told("the server wants a client certificate", CLIENT_CERTIFICATE)
        }
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => told(
            format!("the server refuses this client's certificate ({})", name(&alert)),
            OWN_CERTIFICATE,
        ),
        Alert::ProtocolVersion => {
            told("the server offers no TLS version that is supported here", VERSIONS)
        }
        Alert::HandshakeFailure | Alert::InsufficientSecurity => told(
            format!(
                "server and client have no TLS version or cipher suite in common ({})",
                name(&alert)
            ),
            "the server must offer TLS 1.2 or 1.3 with a modern cipher suite, and may want a client \
             certificate ('identity')",
        ),
        Alert::UnrecognisedName => {
            told("the server does not serve this host", "check the host of the base URL")
        }
        Alert::NoApplicationProtocol => no_protocol(),
        Alert::UnexpectedMessage | Alert::DecodeError => {
            told(format!("the server did not understand the handshake ({})", name(&alert)), NO_TLS)
        }
        other => told(
            format!("the server aborted the TLS handshake ({})", name(&other)),
            "look into the server's log, or repeat it later",
        ),
    }
}

fn incompatible(error: &PeerIncompatible) -> Told {
    match error {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => alerted(Alert::ProtocolVersion),
        other => told(
            format!(
                "server and client have no TLS version or cipher suite in common ({})",
                name(other)
            ),
            VERSIONS,
        ),
    }
}

fn no_protocol() -> Told {
    told("the server offers none of the allowed versions of HTTP", HTTP_VERSIONS)
}

/// The name of a variant, without what it holds.
fn name(variant: &impl fmt::Debug) -> String {
    let name = format!("{variant:?}");
    // `Other(OtherError(Name(…)))`, and the like: wrappers say nothing.
    let name = name.strip_prefix("OtherError(").unwrap_or(&name);
    name.chars().take_while(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::OtherError;

    use super::*;

    #[test]
    fn no_text_of_another_goes_into_the_sentence() {
        #[derive(Debug)]
        struct Quoting(#[allow(dead_code, reason = "its `Debug` must not be shown")] &'static str);
        impl fmt::Display for Quoting {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
        impl std::error::Error for Quoting {}

        let other = || OtherError(Arc::new(Quoting("https://host/secret")));
        for error in [
            Error::General("https://host/secret".to_owned()),
            Error::Other(other()),
            Error::InvalidCertificate(CertificateError::Other(other())),
        ] {
            let told = told_of(&error);
            assert!(!told.reason.contains("secret"), "{}", told.reason);
        }
    }
}

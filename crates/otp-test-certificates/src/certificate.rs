use std::fmt;
use std::net::IpAddr;

use der::asn1::{Any, BitString, Ia5String, ObjectIdentifier, OctetString};
use der::oid::db::rfc4519::COMMON_NAME;
use der::oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};
use der::pem::{LineEnding, encode_string};
use der::{DateTime, Decode, Encode, Sequence, Tag};
use ring::rand::{SecureRandom, SystemRandom};
use x509_cert::Version;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages,
    SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extensions, ToExtension};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};
use zeroize::Zeroizing;

use crate::key::{Key, SIGNATURE};
use crate::{Error, revocation};

// `x509-cert` writes certificates only through its builder, which needs SHA-1.

/// RFC 5280, section 4.1.
#[derive(Sequence)]
struct Tbs {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: Version,
    serial_number: SerialNumber,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    validity: Validity,
    subject: Name,
    subject_public_key_info: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Extensions,
}

/// RFC 5280, section 4.1.
#[derive(Sequence)]
struct Certificate {
    tbs: Tbs,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

/// What a certificate may be used for: its extended key usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// A TLS server.
    Server,
    /// A TLS client.
    Client,
}

/// A certificate to issue. By default it names no host, is valid from 1975 to 4096, and a server may use it.
#[derive(Clone, Debug)]
pub struct Leaf {
    common_name: String,
    names: Vec<String>,
    years: (u16, u16),
    usage: Usage,
}

impl Leaf {
    /// With this common name. Clients do not look for the host there, but in [`names`](Self::names).
    pub fn new(common_name: &str) -> Self {
        let common_name = common_name.to_owned();
        Self { common_name, names: Vec::new(), years: (1975, 4096), usage: Usage::Server }
    }

    /// For these hosts: DNS names, or IP addresses without brackets. They replace earlier ones.
    pub fn names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Valid from the start of one year to the start of another, in UTC.
    pub fn valid(mut self, from: u16, until: u16) -> Self {
        self.years = (from, until);
        self
    }

    /// For a server or a client.
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// Issues it without a CA: it is signed with its own key.
    ///
    /// # Errors
    ///
    /// A name that no certificate can hold, or a system without random numbers.
    pub fn self_signed(&self) -> Result<Issued, Error> {
        let key = Key::generate()?;
        self.issue(&name(&self.common_name)?, &key, key.identifier()?, &key)
    }

    fn issue(
        &self,
        issuer: &Name,
        issuer_key: &Key,
        issuer_id: OctetString,
        key: &Key,
    ) -> Result<Issued, Error> {
        let subject = name(&self.common_name)?;
        let mut extensions = Extensions::new();
        if !self.names.is_empty() {
            let names = self.names.iter().map(|name| host(name)).collect::<Result<_, _>>()?;
            add(&mut extensions, &subject, &SubjectAltName(names))?;
        }
        add(&mut extensions, &subject, &ExtendedKeyUsage(vec![self.usage.identifier()]))?;
        let issuer_id =
            AuthorityKeyIdentifier { key_identifier: Some(issuer_id), ..Default::default() };
        add(&mut extensions, &subject, &issuer_id)?;
        let tbs = tbs(issuer.clone(), self.years, subject, key, extensions)?;
        let serial = tbs.serial_number.clone();
        Ok(Issued { der: sign(tbs, issuer_key)?, key: key.pkcs8.clone(), serial })
    }
}

impl Usage {
    fn identifier(self) -> ObjectIdentifier {
        match self {
            Self::Server => ID_KP_SERVER_AUTH,
            Self::Client => ID_KP_CLIENT_AUTH,
        }
    }
}

/// A CA. Its key is in memory only, and gone when this is dropped.
pub struct Authority {
    name: Name,
    key: Key,
    pem: String,
}

impl Authority {
    /// A new CA with this common name.
    ///
    /// # Errors
    ///
    /// A system without random numbers.
    pub fn new(common_name: &str) -> Result<Self, Error> {
        let (name, key) = (name(common_name)?, Key::generate()?);
        let mut extensions = Extensions::new();
        add(&mut extensions, &name, &BasicConstraints { ca: true, path_len_constraint: None })?;
        add(&mut extensions, &name, &KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))?;
        add(&mut extensions, &name, &SubjectKeyIdentifier(key.identifier()?))?;
        let years = Leaf::new(common_name).years;
        let der = sign(tbs(name.clone(), years, name.clone(), &key, extensions)?, &key)?;
        Ok(Self { name, key, pem: certificate_pem(&der)? })
    }

    /// Its certificate, to be trusted: PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Issues a certificate with a new key.
    ///
    /// # Errors
    ///
    /// A name that no certificate can hold, or a system without random numbers.
    pub fn issue(&self, leaf: &Leaf) -> Result<Issued, Error> {
        leaf.issue(&self.name, &self.key, self.key.identifier()?, &Key::generate()?)
    }

    /// Issues a certificate revocation list with these certificates: PEM. It is valid from 1975 to the start of this
    /// year, in UTC.
    ///
    /// # Errors
    ///
    /// A year that no certificate can hold.
    pub fn revocation_list<'a>(
        &self,
        revoked: impl IntoIterator<Item = &'a Issued>,
        until: u16,
    ) -> Result<String, Error> {
        let revoked = revoked.into_iter().map(|issued| issued.serial.clone()).collect();
        revocation::list(&self.name, &self.key, revoked, until)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("pem", &self.pem).finish_non_exhaustive()
    }
}

/// A certificate and its private key, which is wiped on drop.
pub struct Issued {
    der: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    serial: SerialNumber,
}

impl Issued {
    /// The certificate: DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate: PEM.
    ///
    /// # Errors
    ///
    /// None in practice: the certificate would have to be larger than memory.
    pub fn pem(&self) -> Result<String, Error> {
        certificate_pem(&self.der)
    }

    /// The private key: PKCS #8, DER.
    pub fn key_der(&self) -> &[u8] {
        &self.key
    }

    /// The private key: PKCS #8, PEM. It is wiped on drop.
    ///
    /// # Errors
    ///
    /// As [`pem`](Self::pem).
    pub fn key_pem(&self) -> Result<Zeroizing<String>, Error> {
        Ok(Zeroizing::new(
            encode_string("PRIVATE KEY", LineEnding::LF, &self.key).map_err(Error::new)?,
        ))
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").finish_non_exhaustive()
    }
}

fn certificate_pem(der: &[u8]) -> Result<String, Error> {
    encode_string("CERTIFICATE", LineEnding::LF, der).map_err(Error::new)
}

fn name(common_name: &str) -> Result<Name, Error> {
    let value = Any::new(Tag::Utf8String, common_name.as_bytes())?;
    let common_name = AttributeTypeAndValue { oid: COMMON_NAME, value };
    let mut names = RdnSequence::default();
    names.push(RelativeDistinguishedName::try_from(vec![common_name])?);
    Ok(Name::from_der(&names.to_der()?)?)
}

fn host(name: &str) -> Result<GeneralName, Error> {
    match name.parse::<IpAddr>() {
        Ok(address) => Ok(address.into()),
        Err(_) => Ok(GeneralName::DnsName(Ia5String::new(name)?)),
    }
}

pub(crate) fn add<'a, E>(
    extensions: &mut Extensions,
    subject: &Name,
    extension: &'a E,
) -> Result<(), Error>
where
    &'a E: ToExtension<Error = der::Error>,
{
    let made = extension.to_extension(subject, extensions)?;
    extensions.push(made);
    Ok(())
}

fn tbs(
    issuer: Name,
    (from, until): (u16, u16),
    subject: Name,
    key: &Key,
    extensions: Extensions,
) -> Result<Tbs, Error> {
    let start = |year| Ok::<Time, Error>(DateTime::new(year, 1, 1, 0, 0, 0)?.into());
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial)?;
    Ok(Tbs {
        version: Version::V3,
        serial_number: SerialNumber::new(&serial)?,
        signature: SIGNATURE,
        issuer,
        validity: Validity::new(start(from)?, start(until)?),
        subject,
        subject_public_key_info: key.public()?,
        extensions,
    })
}

fn sign(tbs: Tbs, key: &Key) -> Result<Vec<u8>, Error> {
    let signature = key.sign(&tbs.to_der()?)?;
    Ok(Certificate { tbs, signature_algorithm: SIGNATURE, signature }.to_der()?)
}

//! Certificate revocation lists: RFC 5280, section 5.

use der::asn1::BitString;
use der::pem::{LineEnding, encode_string};
use der::{DateTime, Encode, Sequence};
use x509_cert::Version;
use x509_cert::crl::{RevokedCert, TbsCertList};
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlNumber};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

use crate::Error;
use crate::certificate::add;
use crate::key::{Key, SIGNATURE};

/// RFC 5280, section 5.1.
#[derive(Sequence)]
struct List {
    tbs: TbsCertList,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

/// A list from 1975 to the start of this year: PEM.
pub(crate) fn list(
    issuer: &Name,
    key: &Key,
    revoked: Vec<SerialNumber>,
    until: u16,
) -> Result<String, Error> {
    let start = |year| Ok::<Time, Error>(DateTime::new(year, 1, 1, 0, 0, 0)?.into());
    let mut extensions = Extensions::new();
    let key_identifier = Some(key.identifier()?);
    let issuer_id = AuthorityKeyIdentifier { key_identifier, ..Default::default() };
    add(&mut extensions, issuer, &issuer_id)?;
    add(&mut extensions, issuer, &CrlNumber::try_from(1_u8)?)?;
    let revoked = revoked
        .into_iter()
        .map(|serial_number| {
            let revocation_date = start(1975)?;
            Ok(RevokedCert { serial_number, revocation_date, crl_entry_extensions: None })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let tbs = TbsCertList {
        version: Version::V2,
        signature: SIGNATURE,
        issuer: issuer.clone(),
        this_update: start(1975)?,
        next_update: Some(start(until)?),
        revoked_certificates: (!revoked.is_empty()).then_some(revoked),
        crl_extensions: Some(extensions),
    };
    let signature = key.sign(&tbs.to_der()?)?;
    let list = List { tbs, signature_algorithm: SIGNATURE, signature }.to_der()?;
    encode_string("X509 CRL", LineEnding::LF, &list).map_err(Error::new)
}

//! A P-256 key of `ring`, in the words of `x509-cert`.

use der::asn1::{Any, BitString, OctetString};
use der::oid::db::rfc5912::{ECDSA_WITH_SHA_256, ID_EC_PUBLIC_KEY, SECP_256_R_1};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use zeroize::Zeroizing;

use crate::Error;

/// RFC 5758, section 3.2: no parameters.
pub(crate) const SIGNATURE: AlgorithmIdentifierOwned =
    AlgorithmIdentifierOwned { oid: ECDSA_WITH_SHA_256, parameters: None };

pub(crate) struct Key {
    pair: EcdsaKeyPair,
    /// PKCS #8, DER.
    pub(crate) pkcs8: Zeroizing<Vec<u8>>,
}

impl Key {
    pub(crate) fn generate() -> Result<Self, Error> {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)?;
        let pkcs8 = Zeroizing::new(made.as_ref().to_vec());
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &random);
        Ok(Self { pair: pair.map_err(Error::new)?, pkcs8 })
    }

    /// RFC 5480, section 2.
    pub(crate) fn public(&self) -> Result<SubjectPublicKeyInfoOwned, Error> {
        Ok(SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned {
                oid: ID_EC_PUBLIC_KEY,
                parameters: Some(Any::from(SECP_256_R_1)),
            },
            subject_public_key: BitString::from_bytes(self.pair.public_key().as_ref())?,
        })
    }

    /// RFC 7093, section 2, method 1: the first 160 bits of the public key's SHA-256.
    pub(crate) fn identifier(&self) -> Result<OctetString, Error> {
        let hash = digest(&SHA256, self.pair.public_key().as_ref());
        let start = hash.as_ref().iter().copied().take(20).collect::<Vec<_>>();
        Ok(OctetString::new(start)?)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<BitString, Error> {
        let signature = self.pair.sign(&SystemRandom::new(), message)?;
        Ok(BitString::from_bytes(signature.as_ref())?)
    }
}

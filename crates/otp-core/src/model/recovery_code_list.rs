use serde::Deserialize;

use crate::RecoveryCode;
use crate::operation::{ReadError, ResponseReader};

/// The recovery codes of an account: `{"recovery_codes": [string], "href"?: string}`.
///
/// The schema calls `recovery_codes` optional. Here it is not: a `200` without it, or with `null`, does
/// not deserialize, since an empty list after a regeneration would hide that the codes are lost.
///
/// ```
/// use otp_core::RecoveryCodeList;
///
/// let list: RecoveryCodeList = serde_json::from_str(r#"{"recovery_codes": ["a", "b"]}"#)?;
/// assert_eq!(list.len(), 2);
/// assert!(serde_json::from_str::<RecoveryCodeList>("{}").is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RecoveryCodeList {
    recovery_codes: Vec<RecoveryCode>,
    #[serde(default)]
    href: Option<String>,
}

impl RecoveryCodeList {
    /// As the service answers it, without an echo of the request's secrets.
    pub(crate) fn read(response: &ResponseReader<'_>) -> Result<Self, ReadError> {
        let list: Self = response.json_object()?;
        Ok(Self { href: list.href.map(|href| response.scrub(href).into_owned()), ..list })
    }

    /// A list of these codes, in this order, without `href`.
    pub fn new(codes: impl IntoIterator<Item = RecoveryCode>) -> Self {
        Self { recovery_codes: codes.into_iter().collect(), href: None }
    }

    /// The same, with the `href` that the service gave.
    #[must_use]
    pub fn with_href(self, href: impl Into<String>) -> Self {
        Self { href: Some(href.into()), ..self }
    }

    /// The codes, in the service's order.
    pub fn codes(&self) -> &[RecoveryCode] {
        &self.recovery_codes
    }

    /// The codes by value.
    pub fn into_codes(self) -> Vec<RecoveryCode> {
        self.recovery_codes
    }

    /// Where the service says that this list lives, if it says so; without an echo of the request's
    /// secrets.
    pub fn href(&self) -> Option<&str> {
        self.href.as_deref()
    }

    /// How many codes there are.
    pub fn len(&self) -> usize {
        self.recovery_codes.len()
    }

    /// Whether the service answered an empty list: every code is used up.
    pub fn is_empty(&self) -> bool {
        self.recovery_codes.is_empty()
    }

    /// Goes through the codes.
    pub fn iter(&self) -> std::slice::Iter<'_, RecoveryCode> {
        self.recovery_codes.iter()
    }
}

impl<'a> IntoIterator for &'a RecoveryCodeList {
    type Item = &'a RecoveryCode;
    type IntoIter = std::slice::Iter<'a, RecoveryCode>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for RecoveryCodeList {
    type Item = RecoveryCode;
    type IntoIter = std::vec::IntoIter<RecoveryCode>;
    fn into_iter(self) -> Self::IntoIter {
        self.recovery_codes.into_iter()
    }
}

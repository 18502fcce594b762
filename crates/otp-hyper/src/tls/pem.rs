//! Reading PEM, so that an error names the section that cannot be read.

use rustls::pki_types::pem::{Error, PemObject};

/// Every section of this kind, in the order of the text.
///
/// # Errors
///
/// What is wrong with the first one that cannot be read, by its number in the text, counted from 1.
pub(super) fn sections<T: PemObject>(
    what: &str,
    pem: &[u8],
    check: impl Fn(&T) -> Result<(), &'static str>,
) -> Result<Vec<T>, String> {
    let mut sections = Vec::new();
    for (before, section) in T::pem_slice_iter(pem).enumerate() {
        let failed = |why| format!("{what} {} of the text cannot be read: {why}", before + 1);
        let section = section.map_err(|error| failed(why(&error)))?;
        check(&section).map_err(failed)?;
        sections.push(section);
    }
    Ok(sections)
}

/// In words that quote nothing of the text: it could hold a private key.
fn why(error: &Error) -> &'static str {
    match error {
        Error::MissingSectionEnd { .. } => "its '-----END …-----' line is missing",
        Error::IllegalSectionStart { .. } => "its '-----BEGIN …-----' line is broken",
        Error::Base64Decode(_) => "its base64 is broken",
        _ => "it is not valid PEM",
    }
}

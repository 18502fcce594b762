//! The forms in which a secret may stand in memory.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, Engine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Each form by its name, none of them twice.
pub(super) fn of(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![("raw", secret.as_bytes().to_vec())];
    forms.push(("percent", utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string().into_bytes()));
    forms.push((
        "hex",
        secret.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes(),
    ));
    forms.push((
        "hex",
        secret.bytes().map(|byte| format!("{byte:02X}")).collect::<String>().into_bytes(),
    ));
    // In a longer text, its encoding depends on where it begins there: what all of these have in common.
    for before in 0..3_usize {
        let text = format!("{}{secret}", "x".repeat(before));
        for encoded in [BASE64_STANDARD.encode(&text), BASE64_URL_SAFE.encode(&text)] {
            let start = (before * 8).div_ceil(6);
            let end = text.len() * 8 / 6;
            forms.push(("base64", encoded.as_bytes()[start..end].to_vec()));
        }
    }
    // RFC 7541 appendix B. A zero is of five bits, so that each alignment comes up.
    for before in 0..8_usize {
        let text = format!("{}{secret}", "0".repeat(before));
        let mut encoded = Vec::new();
        if httlib_huffman::encode(text.as_bytes(), &mut encoded).is_ok() {
            // Without the bits that are shared with what stands before and after.
            encoded.pop();
            forms.push(("hpack", encoded.split_off((before * 5).div_ceil(8))));
        }
    }
    forms.sort_by(|one, other| one.1.cmp(&other.1));
    forms.dedup_by(|one, other| one.1 == other.1);
    // Sorted by name, the raw form may have lost to an equal one.
    for form in &mut forms {
        if form.1 == secret.as_bytes() {
            form.0 = "raw";
        }
    }
    forms
}

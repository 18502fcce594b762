use super::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

const TOKEN: &str = "canary/t0ken-7c1f";

fn scrubbed(text: &str) -> String {
    Scrubber::new([TOKEN]).text(text).into_owned()
}

/// Nothing of the secret is left that would still be recognised, and the rest of the text is.
fn assert_found(form: &str) {
    for (before, after) in
        [("", ""), ("no ", " here"), ("user=", "&x=1"), ("\"", "\","), ("(", ")")]
    {
        let said = scrubbed(&format!("{before}{form}{after}"));
        assert_eq!(said, format!("{before}[redacted]{after}"), "{form}");
    }
}

fn percent(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn each(text: &str, write: impl Fn(u8) -> String, between: &str) -> String {
    text.bytes().map(write).collect::<Vec<_>>().join(between)
}

#[test]
fn an_echo_is_found_in_every_form_that_programs_write_by_accident() {
    for form in [
        TOKEN.to_owned(),
        TOKEN.to_ascii_uppercase(),
        percent(TOKEN),
        percent(TOKEN).to_lowercase(),
        percent(&percent(TOKEN)),
        percent(&percent(&percent(TOKEN))),
        each(TOKEN, |byte| format!("%{byte:02x}"), ""),
        TOKEN.replace('/', "\\/"),
        each(TOKEN, |byte| format!("\\u{byte:04x}"), ""),
        each(TOKEN, |byte| format!("\\x{byte:02X}"), ""),
        each(TOKEN, |byte| format!("\\u{{{byte:x}}}"), ""),
        TOKEN.replace('/', "\\\\/"),
        TOKEN.replace('/', "&#47;"),
        TOKEN.replace('/', "&#x2F;"),
        TOKEN.replace('/', "&amp;#x2F;"),
        each(TOKEN, |byte| format!("&#{byte};"), ""),
        percent(&TOKEN.replace('/', "&#47;")),
        each(TOKEN, |byte| format!("{byte:02x}"), ""),
        each(TOKEN, |byte| format!("{byte:02X}"), ":"),
        each(TOKEN, |byte| format!("{byte:02x}"), " "),
        each(TOKEN, |byte| byte.to_string(), ", "),
        each(TOKEN, |byte| byte.to_string(), ","),
        each(TOKEN, |byte| byte.to_string(), ",\n        "),
        each(TOKEN, |byte| byte.to_string(), " "),
        "canary/\u{200b}t0ken-7c1f".to_owned(),
        "c\u{ad}anary/t0ken\u{2060}-7c1f".to_owned(),
        "canary\u{202e}/t0ken\u{61c}-7c1f".to_owned(),
        "canary/t0\u{0}ken\u{1b}-7c1f".to_owned(),
        "canary/%E2%80%8Bt0ken-7c1f".to_owned(),
        "canary/\\u200Bt0ken-7c1f".to_owned(),
        each(TOKEN, |byte| char::from(byte).to_string(), "\0"),
        "canary/\r\n\tt0ken-7c1f".to_owned(),
    ] {
        assert_found(&form);
    }
    let first = each(TOKEN, |byte| format!("0x{byte:02x}"), ", ");
    assert_eq!(scrubbed(&first), "0x[redacted]");
    assert_eq!(scrubbed(&format!("{:?}", TOKEN.as_bytes())), "[[redacted]]");
    assert_eq!(scrubbed(&format!("{:02x?}", TOKEN.as_bytes())), "[[redacted]]");
    assert!(!scrubbed(&format!("{:#?}", TOKEN.as_bytes())).contains("99"));
}

#[test]
fn an_echo_is_found_in_base64_wherever_it_stands() {
    for (before, after) in
        [("", ""), ("a", "!"), ("ab", "!!"), ("abc", ""), ("user:", "\n"), ("\u{ff}x", "?>")]
    {
        let text = format!("{before}{TOKEN}{after}");
        for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            for written in [encoded.clone(), percent(&encoded), encoded.replace('/', "\\/")] {
                let said = scrubbed(&format!("Basic {written}."));
                assert!(said.contains(REDACTED), "{text}: {said}");
                // What is left of it decodes to nothing of the secret but what stands around it.
                let left = said.len() - REDACTED.len() - "Basic .".len();
                assert!(left <= (before.len() + after.len()) * 4 + 4, "{text}: {said}");
            }
            let lines: Vec<_> =
                encoded.as_bytes().chunks(8).map(|l| String::from_utf8_lossy(l)).collect();
            assert!(scrubbed(&lines.join("\r\n")).contains(REDACTED), "{text}");
        }
    }
}

#[test]
fn what_is_no_echo_stays_as_it_is() {
    for text in [
        "",
        "a token",
        "canary",
        "canary/t0ken-7c1",
        "100 % of canaries",
        "C:\\canary\\t0ken",
        "&amp; &bogus; &#999999999; &#xd800; %zz %4 \\u12 \\ud800 \\ud800\\u0041 \\x4 \\",
        "[99, 97, 110]",
        "63616e617279",
        "req-5f1c0a86-9a5e-4b39-8a52-0f0b6c0e7d11",
        "\u{200b}invisible\u{feff} stays in what is not scrubbed",
        "日本語 % \\ &",
    ] {
        assert_eq!(scrubbed(text), text);
        assert!(matches!(Scrubber::new([TOKEN]).text(text), Cow::Borrowed(_)));
    }
}

#[test]
fn several_secrets_and_overlapping_ones_leave_no_rest() {
    let scrubber = Scrubber::new(["token-1", "token-1-and-more", "more!", "", " ", "token-1"]);
    assert_eq!(scrubber.text("a token-1-and-more! b token-1 c"), "a [redacted] b [redacted] c");
    assert_eq!(Scrubber::new([""]).text("a"), "a");
    assert_eq!(Scrubber::new([" "]).text("a b"), "a b");
    // A secret of several words, as a header may have.
    let scrubber = Scrubber::new(["Bearer abcdef"]);
    assert_eq!(scrubber.text("x bearer  abcdef y bearerabcdef"), "x [redacted] y [redacted]");
}

#[test]
fn a_secret_beyond_ascii_is_found_too() {
    let scrubber = Scrubber::new(["pässwörd"]);
    for form in ["pässwörd", "p%C3%A4ssw%c3%b6rd", "p\\u00e4ssw\\u00f6rd", "p&#228;ssw&#xf6;rd"] {
        assert_eq!(scrubber.text(format!("é {form} é")), "é [redacted] é");
    }
    let scrubber = Scrubber::new(["k\u{1f600}key-long"]);
    assert_eq!(scrubber.text("é k\\ud83d\\ude00key-long"), "é [redacted]");
}

#[test]
fn a_short_secret_is_taken_out_where_it_stands_alone() {
    for token in ["t", "to", "tok"] {
        let scrubber = Scrubber::new([token]);
        for text in ["token refused", "a stoke", "94c8-1tok2", "ätokä"] {
            assert_eq!(scrubber.text(text), text);
        }
        for (before, after) in [("", ""), ("no ", "!"), ("/verify/", "?"), ("«", "»")] {
            let said = scrubber.text(format!("{before}{token}{after}")).into_owned();
            assert_eq!(said, format!("{before}[redacted]{after}"));
        }
    }
    let scrubber = Scrubber::new(["1234"]);
    assert_eq!(scrubber.text("x1234y 1234"), "x[redacted]y [redacted]");
    assert_eq!(scrubber.text("at 12 34"), "at 12 34");
    assert_eq!(Scrubber::new(["123456"]).text("OTP 123 456"), "OTP [redacted]");
}

#[test]
fn a_line_is_fit_for_a_log() {
    let scrubber = Scrubber::new([TOKEN]);
    for (text, line) in [
        (" a\nb\u{1b}[31m\u{2028}c ", "a b[31m c"),
        ("a\u{200b}b\u{202e}c\u{ad}d\u{61c}e\u{feff}", "abcde"),
        ("can\u{2060}ary/t0ken-7c1f!", "[redacted]!"),
        ("\u{0}\u{7f}\u{9f}", ""),
        ("é ü", "é ü"),
    ] {
        assert_eq!(scrubber.one_line(text, 512), line);
    }
    assert_eq!(scrubber.one_line("abcdefgh", 8), "abcde…");
    assert_eq!(scrubber.one_line("abcde", 8), "abcde");
    assert_eq!(scrubber.one_line(&"é".repeat(5000), 512).len(), 511);
}

#[test]
fn nothing_that_a_server_says_takes_long() {
    let scrubber = Scrubber::new([TOKEN, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]);
    for piece in ["a", "a ", "%61", "\\u0061", "&#97;", "97, ", "61 ", "%", "\\", "&", "YWFh", " "]
    {
        let text = piece.repeat(64 * 1024 / piece.len());
        let started = std::time::Instant::now();
        let _ = scrubber.text(text);
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{piece}");
    }
}

#[test]
fn a_source_that_holds_a_secret_anywhere_in_its_chain_is_removed() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);
    let scrubber = Scrubber::new([TOKEN]);
    let of =
        |text: String| scrubber.source(Box::new(Outer(std::io::Error::other(text)))).to_string();

    assert_eq!(of("inner".to_owned()), "outer");
    assert_eq!(of(format!("GET /{TOKEN} failed")), RemovedSource.to_string());
    assert_eq!(of(STANDARD_NO_PAD.encode(TOKEN)), RemovedSource.to_string());
    assert_eq!(of("x".repeat(1 << 20)), RemovedSource.to_string());

    // In `Debug` only, and in `Display` only.
    #[derive(Debug, thiserror::Error)]
    #[error("quiet")]
    struct InDebug(&'static [u8]);
    let leaky = InDebug(TOKEN.as_bytes());
    assert_eq!(scrubber.source(Box::new(leaky)).to_string(), RemovedSource.to_string());

    #[derive(Debug, thiserror::Error)]
    #[error("canary/t0ken-7c1f")]
    struct InDisplay;
    assert_eq!(scrubber.source(Box::new(InDisplay)).to_string(), RemovedSource.to_string());
}

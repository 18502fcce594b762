//! Any text around an echo of a secret, in any form: the echo is taken out, nothing panics, and a text without
//! one stays as it is.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use otp_core::Scrubber;

const SECRET: &str = "canary/t0ken-7c1f";

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    before: &'a str,
    after: &'a str,
    /// How each byte is written, in turn.
    escapes: Vec<Escape>,
    /// The whole once more through this escape.
    layer: Option<Escape>,
    gap: Option<Gap>,
    other: &'a str,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Escape {
    None,
    Upper,
    Percent,
    Unicode,
    Hex,
    Entity,
    HexEntity,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Gap {
    ZeroWidth,
    SoftHyphen,
    Bidi,
    Null,
    Line,
}

impl Escape {
    fn write(self, byte: u8) -> String {
        match self {
            Self::None => char::from(byte).to_string(),
            Self::Upper => char::from(byte).to_ascii_uppercase().to_string(),
            Self::Percent => format!("%{byte:02x}"),
            Self::Unicode => format!("\\u{byte:04X}"),
            Self::Hex => format!("\\x{byte:02x}"),
            Self::Entity => format!("&#{byte};"),
            Self::HexEntity => format!("&#x{byte:x};"),
        }
    }
}

impl Gap {
    fn text(self) -> &'static str {
        match self {
            Self::ZeroWidth => "\u{200b}",
            Self::SoftHyphen => "\u{ad}",
            Self::Bidi => "\u{202e}",
            Self::Null => "\0",
            Self::Line => "\r\n",
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    let escape = |i: usize| {
        input.escapes.get(i % input.escapes.len().max(1)).copied().unwrap_or(Escape::None)
    };
    let mut echo = String::new();
    for (i, byte) in SECRET.bytes().enumerate() {
        echo += &escape(i).write(byte);
        // Not within an escape.
        if i % 5 == 4 {
            echo += input.gap.map_or("", Gap::text);
        }
    }
    if let Some(layer) = input.layer {
        // What is not ASCII here is a gap, and stays.
        echo = echo
            .chars()
            .map(|c| if c.is_ascii_graphic() { layer.write(c as u8) } else { c.into() })
            .collect();
    }
    let scrubber = Scrubber::new([SECRET]);
    let text = format!("{}\u{1f600}{echo}\u{1f600}{}", input.before, input.after);
    let said = scrubber.text(&text);
    assert!(!said.contains(&echo), "{text:?}: {said:?}");
    assert!(said.contains("[redacted]"), "{text:?}: {said:?}");

    // Once is enough.
    assert_eq!(scrubber.text(&*said), said);
    let _ = Scrubber::new([input.other, SECRET]).text(&text);
    let _ = scrubber.text(input.other);
});

//! Values of options, read as the admin API reads them.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use otp_core::Otp;
use otp_core::secrecy::ExposeSecret;
use otp_emulator::ScopedFault;

/// 9999-12-31 23:59:59 UTC, in seconds since 1970: the last date that HTTP can write, where the clock stops.
const LAST_DATE: u64 = 253_402_300_799;

/// The longest name and phone, in characters.
const MAX_TEXT: usize = 256;

/// A flag in the environment.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "y" | "t" => Ok(true),
        "false" | "no" | "off" | "0" | "n" | "f" => Ok(false),
        _ => Err("it takes true, yes, on or 1, or false, no, off or 0".to_owned()),
    }
}

/// A whole number that is not negative.
pub(crate) fn number<N: FromStr + Largest>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("it takes a whole number from 0 to {}", N::LARGEST))
}

/// A whole number that is at least 1.
pub(crate) fn positive<N: FromStr + Largest + Default + PartialEq>(
    text: &str,
) -> Result<N, String> {
    let number = text.parse().ok().filter(|number| *number != N::default());
    number.ok_or_else(|| format!("it takes a whole number from 1 to {}", N::LARGEST))
}

/// A type's largest number, as it is written.
pub(crate) trait Largest {
    const LARGEST: u64;
}

impl Largest for u8 {
    const LARGEST: u64 = u8::MAX as u64;
}

impl Largest for u32 {
    const LARGEST: u64 = u32::MAX as u64;
}

impl Largest for u64 {
    const LARGEST: u64 = u64::MAX;
}

/// A name or a phone.
pub(crate) fn short_text(text: &str) -> Result<String, String> {
    match (1..=MAX_TEXT).contains(&text.chars().count()) {
        true => Ok(text.to_owned()),
        false => Err(format!("it has 1 to {MAX_TEXT} characters")),
    }
}

/// An OTP as it is typed into a program, without white space. The error does not quote it.
pub(crate) fn otp(text: &str) -> Result<Otp, String> {
    let otp = Otp::new(text).ok().filter(|otp| otp.expose_secret() == text);
    otp.ok_or_else(|| {
        "an OTP or recovery code is 1 to 64 ASCII letters, digits, '-' or '_'".to_owned()
    })
}

/// A fault that strikes at least once.
pub(crate) fn fault(text: &str) -> Result<ScopedFault, String> {
    match text.parse::<ScopedFault>() {
        Ok(fault) if fault.left() == Some(0) => {
            Err("a fault that strikes 0 times never strikes: it takes 1 or more".to_owned())
        }
        Ok(fault) => Ok(fault),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn rate(text: &str) -> Result<(u32, Duration), String> {
    let rate =
        number_in_seconds(text).filter(|(requests, window)| *requests > 0 && !window.is_zero());
    rate.ok_or_else(|| {
        "a rate limit is two numbers, such as 60/60, each of them 1 or more".to_owned()
    })
}

pub(crate) fn lockout(text: &str) -> Result<(u32, Duration), String> {
    number_in_seconds(text).filter(|(otps, _)| *otps > 0).ok_or_else(|| {
        "it takes two numbers, such as 5/900, of which the first is 1 or more".to_owned()
    })
}

fn number_in_seconds(text: &str) -> Option<(u32, Duration)> {
    let (number, seconds) = text.split_once('/')?;
    Some((number.parse().ok()?, Duration::from_secs(seconds.parse().ok()?)))
}

/// Seconds since 1970, or a date as HTTP writes it.
pub(crate) fn date(text: &str) -> Result<SystemTime, String> {
    let date = match text.parse() {
        Ok(seconds) if seconds <= LAST_DATE => {
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
        }
        Ok(_) => None,
        Err(_) => httpdate::parse_http_date(text).ok(),
    };
    date.ok_or_else(|| match with_its_weekday(text) {
        Some(date) => format!("the day of the week is wrong: that date is '{date}'"),
        None => "a date is seconds since 1970, such as 1767225600, or as HTTP writes it, such as \
                 'Thu, 01 Jan 2026 00:00:00 GMT'; the last is in the year 9999"
            .to_owned(),
    })
}

/// The same date with the right day of the week, if only that is wrong.
fn with_its_weekday(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(", ")?;
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let dates = days.map(|day| format!("{day}, {rest}"));
    let right = |date: &&String| httpdate::parse_http_date(date).is_ok();
    dates.iter().find(right).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_day_of_the_week_is_answered_with_the_right_one() {
        let refused = date("Fri, 01 Jan 2026 00:00:00 GMT").unwrap_err();
        assert!(refused.ends_with("'Thu, 01 Jan 2026 00:00:00 GMT'"), "{refused}");
        assert!(date("Fri, 01 Jan 2026").unwrap_err().contains("seconds since 1970"));
    }
}

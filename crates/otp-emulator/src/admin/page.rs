//! The status page: what the service holds and did, without its secrets.

use std::fmt::{self, Display, Write};

use otp_core::secrecy::ExposeSecret;
use otp_mock::{Event, FakeOtps, TwoFactor, UserState};

pub(super) const STYLE: &str = include_str!("style.css");

/// The entries and SMS that are shown, the latest first.
const SHOWN: usize = 50;

pub(super) fn render(fake: &FakeOtps, base_url: &str) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut page, fake, base_url);
    page
}

fn write(page: &mut String, fake: &FakeOtps, base_url: &str) -> fmt::Result {
    let date = super::clock::written(fake.date());
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"refresh\" content=\"2\">\n<title>otp-emulator</title>\n\
         <link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n\
         <header><h1>otp-emulator</h1><p>The service is at <code>{}</code>, \
         and its clock shows <time>{date}</time>.</p></header>\n<main>\n",
        Escaped(base_url)
    )?;
    faults(page, fake)?;
    outbox(page, fake)?;
    users(page, fake)?;
    journal(page, fake)?;
    page.push_str("</main>\n</body>\n</html>\n");
    Ok(())
}

fn faults(page: &mut String, fake: &FakeOtps) -> fmt::Result {
    page.push_str("<section id=\"faults\">\n<h2>Faults armed</h2>\n");
    let named = fake.armed().into_iter().map(|fault| (fault.to_string(), fault.describe()));
    let custom = fake.armed_custom().into_iter();
    let custom = custom.map(|name| (name.to_owned(), "a fault of the test's own"));
    let armed: Vec<_> = named.chain(custom).collect();
    if armed.is_empty() {
        page.push_str("<p class=\"none\">None: everything works.</p>\n");
    } else {
        page.push_str("<ul>\n");
        for (name, what) in armed {
            writeln!(page, "<li><code>{}</code> {what}</li>", Escaped(name))?;
        }
        page.push_str("</ul>\n");
    }
    page.push_str("</section>\n");
    Ok(())
}

fn users(page: &mut String, fake: &FakeOtps) -> fmt::Result {
    page.push_str(
        "<section id=\"users\">\n<h2>Users</h2>\n<div class=\"wide\"><table>\n<thead><tr>\
         <th>Name</th><th>Second factor</th><th>Recovery codes</th><th class=\"number\">Sessions</th>\
         </tr></thead>\n<tbody>\n",
    );
    for user in fake.users() {
        let factor = match &user.two_factor {
            TwoFactor::Sms { phone } => format!("SMS to {phone}"),
            TwoFactor::App => "app".to_owned(),
            _ => "off".to_owned(),
        };
        let locked =
            if user.locked_out { " <strong class=\"bad\">locked out</strong>" } else { "" };
        writeln!(
            page,
            "<tr><td>{}{locked}</td><td>{}</td><td>{}</td><td class=\"number\">{}</td></tr>",
            Escaped(&user.name),
            Escaped(factor),
            codes(&user),
            user.sessions
        )?;
    }
    page.push_str("</tbody>\n</table></div>\n</section>\n");
    Ok(())
}

/// The last two characters of each code tell a new set from an old one.
fn codes(user: &UserState) -> String {
    if user.two_factor == TwoFactor::Off {
        return "–".to_owned();
    }
    user.recovery_codes
        .iter()
        .map(|code| format!("<code>{}</code>", Masked(code.expose_secret())))
        .collect::<Vec<_>>()
        .join(" ")
}

fn outbox(page: &mut String, fake: &FakeOtps) -> fmt::Result {
    page.push_str("<section id=\"outbox\">\n<h2>SMS outbox</h2>\n");
    let sent = fake.sms_outbox();
    if sent.is_empty() {
        page.push_str("<p class=\"none\">No SMS was sent.</p>\n");
    } else {
        page.push_str("<ol reversed>\n");
        for sms in sent.iter().rev().take(SHOWN) {
            let otp = Masked(sms.otp.expose_secret());
            writeln!(page, "<li>to {}: <code>{otp}</code></li>", Escaped(&sms.to))?;
        }
        page.push_str("</ol>\n");
    }
    page.push_str("</section>\n");
    Ok(())
}

fn journal(page: &mut String, fake: &FakeOtps) -> fmt::Result {
    page.push_str("<section id=\"journal\">\n<h2>Journal</h2>\n");
    let journal = fake.journal();
    if journal.entries().len() == 0 {
        page.push_str("<p class=\"none\">Nothing happened yet.</p>\n");
    } else {
        page.push_str(
            "<div class=\"wide\"><table>\n<thead><tr><th class=\"number\">Second</th><th>User</th>\
             <th>Operation</th><th>What happened</th></tr></thead>\n<tbody>\n",
        );
        for entry in journal.entries().rev().take(SHOWN) {
            let kind = match entry.event {
                Event::Refused(_) => "refused",
                Event::Struck(_) | Event::StruckBy(_) => "struck",
                _ => "done",
            };
            writeln!(
                page,
                "<tr class=\"{kind}\"><td class=\"number\">{:.3}</td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>",
                entry.at.as_secs_f64(),
                Escaped(entry.user.as_deref().unwrap_or("–")),
                Escaped(entry.operation.unwrap_or("–")),
                Escaped(entry.event)
            )?;
        }
        page.push_str("</tbody>\n</table></div>\n");
    }
    page.push_str("</section>\n");
    Ok(())
}

/// A secret of which only the end is told.
struct Masked<'a>(&'a str);

impl Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.0.chars().count();
        let told = if len > 4 { 2 } else { 0 };
        let end: String = self.0.chars().skip(len - told).collect();
        write!(f, "••••{}", Escaped(end))
    }
}

/// A text as HTML.
struct Escaped<T>(T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.to_string().chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_and_secrets_are_masked() {
        assert_eq!(Escaped("<b a='\"'>&").to_string(), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
        assert_eq!(Masked("123456").to_string(), "••••56");
        assert_eq!(Masked("abcde-fghij").to_string(), "••••ij");
        assert_eq!(Masked("1234").to_string(), "••••");
    }
}

//! The users, each with what proves a login.

use std::fmt::{self, Write};

use otp_core::Otp;
use otp_core::secrecy::ExposeSecret;
use otp_mock::{TwoFactor, UserState};

use super::text::{Escaped, Masked, Name};
use super::{StatusPage, View, section};

impl StatusPage {
    /// What names a user in the page. A form would change a line break in the name itself.
    pub(super) fn key_of_user(&self, name: &str) -> String {
        self.key(("user", name))
    }
}

impl View<'_> {
    pub(super) fn users(&self, page: &mut String) -> fmt::Result {
        let users = self.fake.users();
        section(page, "users", "Users", Some(users.len()))?;
        if users.is_empty() {
            page.push_str("<p class=\"none\">There is no user.</p>\n");
        }
        page.push_str("<ul data-list=\"New user\">\n");
        let most = self.most_users();
        users.iter().take(most).try_for_each(|user| self.user(page, user))?;
        page.push_str("</ul>\n");
        if users.len() > most {
            writeln!(
                page,
                "<p class=\"more\">These are the first {most}. \
                 <a href=\"/?users=all#users\">Show all {}</a></p>",
                users.len()
            )?;
        }
        page.push_str("</section>\n");
        Ok(())
    }

    fn user(&self, page: &mut String, user: &UserState) -> fmt::Result {
        let key = self.page.key_of_user(&user.name);
        write!(page, "<li data-key=\"{key}\"><h3><span data-say>{}</span>", Name(&user.name))?;
        if user.locked_out {
            page.push_str(" <strong class=\"badge bad\">locked out</strong>");
        }
        page.push_str("</h3>\n<div class=\"otp\"><p>");
        match &user.two_factor {
            TwoFactor::Sms { phone } => write!(page, "SMS to {}", Name(phone))?,
            TwoFactor::App => page.push_str("authenticator app"),
            _ => page.push_str("two-factor off"),
        }
        match user.sessions {
            0 => {}
            1 => page.push_str(" · 1 session"),
            sessions => write!(page, " · {sessions} sessions")?,
        }
        page.push_str("</p>\n");
        if user.two_factor == TwoFactor::App {
            self.reveal(page, &key, "user", "code", &Name(&user.name).to_string())?;
        }
        page.push_str("</div>\n");
        if user.two_factor != TwoFactor::Off {
            let ending = match user.recovery_codes.len() {
                0 => "no recovery code".to_owned(),
                1 => "1 recovery code ends in".to_owned(),
                many => format!("{many} recovery codes end in"),
            };
            write!(page, "<p class=\"codes\">{ending}")?;
            for code in &user.recovery_codes {
                // The end of each code tells a new set from an old one.
                write!(page, " {}", Masked(code.expose_secret()))?;
            }
            page.push_str("</p>\n");
        }
        page.push_str("</li>\n");
        Ok(())
    }

    /// The button that shows an OTP, if the emulator was started so. The OTP is in the page only after it was
    /// asked for.
    pub(super) fn reveal(
        &self,
        page: &mut String,
        key: &str,
        field: &str,
        what: &str,
        whose: &str,
    ) -> fmt::Result {
        if !self.page.show_otps {
            return Ok(());
        }
        let query = self.query();
        page.push_str("<div class=\"reveal\" data-kept>");
        match self.revealed.filter(|(revealed, _)| *revealed == key) {
            Some((_, otp)) => {
                write!(
                    page,
                    "<output>{}</output><form action=\"/\">{all}\
                     <button>Hide {what}<span class=\"unseen\"> of {whose}</span></button></form>",
                    Escaped(Otp::expose_secret(otp)),
                    all = if self.all_users {
                        "<input type=\"hidden\" name=\"users\" value=\"all\">"
                    } else {
                        ""
                    },
                )?;
            }
            None => write!(
                page,
                "<form method=\"post\" action=\"/page/otp{query}\">\
                 <input type=\"hidden\" name=\"{field}\" value=\"{key}\">\
                 <button>Show {what}<span class=\"unseen\"> of {whose}</span></button></form>",
            )?,
        }
        page.push_str("</div>\n");
        Ok(())
    }
}

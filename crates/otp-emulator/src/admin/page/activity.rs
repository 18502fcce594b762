//! What the service did: the SMS that it sent, and its journal.

use std::fmt::{self, Write};

use otp_core::secrecy::ExposeSecret;
use otp_mock::{Event, JournalEntry, Sms};

use super::text::{Escaped, Masked, Name};
use super::{SHOWN, StatusPage, View, section};

impl StatusPage {
    /// What names an SMS in the page. Only SMS that are the same in everything share it.
    pub(super) fn key_of_sms(&self, sms: &Sms) -> String {
        self.key(("sms", &sms.user, sms.at, &sms.to, sms.otp.expose_secret()))
    }
}

impl View<'_> {
    pub(super) fn outbox(&self, page: &mut String) -> fmt::Result {
        let sent = self.fake.sms_outbox();
        section(page, "outbox", "SMS outbox", Some(sent.len()))?;
        if sent.is_empty() {
            page.push_str("<p class=\"none\">No SMS was sent.</p>\n</section>\n");
            return Ok(());
        }
        page.push_str(
            "<table>\n<thead><tr><th scope=\"col\">To</th><th scope=\"col\">OTP</th></tr></thead>\n\
             <tbody data-list>\n",
        );
        for sms in sent.iter().rev().take(SHOWN) {
            let key = self.page.key_of_sms(sms);
            write!(
                page,
                "<tr data-key=\"{key}\"><td class=\"name\">{} <small>{}</small></td>\
                 <td><div class=\"otp\">{}",
                Name(&sms.to),
                Name(&sms.user),
                Masked(sms.otp.expose_secret())
            )?;
            self.reveal(page, &key, "sms", "OTP", &format!("SMS to {}", Name(&sms.to)))?;
            page.push_str("</div></td></tr>\n");
        }
        page.push_str("</tbody>\n</table>\n");
        if sent.len() > SHOWN {
            writeln!(page, "<p class=\"more\">These are the latest {SHOWN}.</p>")?;
        }
        page.push_str("</section>\n");
        Ok(())
    }

    pub(super) fn journal(&self, page: &mut String) -> fmt::Result {
        let journal = self.fake.journal();
        let entries = journal.entries().len();
        section(page, "journal", "Journal", Some(entries))?;
        if entries == 0 {
            page.push_str("<p class=\"none\">Nothing happened yet.</p>\n</section>\n");
            return Ok(());
        }
        page.push_str(
            // With roles, since on a phone the rows are no boxes of a table.
            "<table role=\"table\">\n<thead role=\"rowgroup\"><tr role=\"row\">\
             <th role=\"columnheader\" scope=\"col\" class=\"number\">Second</th>\
             <th role=\"columnheader\" scope=\"col\">What happened</th>\
             <th role=\"columnheader\" scope=\"col\">User</th></tr></thead>\n\
             <tbody role=\"rowgroup\" data-list=\"Journal\">\n",
        );
        journal.entries().rev().take(SHOWN).try_for_each(|entry| row(page, entry))?;
        page.push_str("</tbody>\n</table>\n");
        if entries > SHOWN {
            writeln!(
                page,
                "<p class=\"more\">These are the latest {SHOWN}. \
                 <a href=\"/journal\">Show all as JSON</a></p>"
            )?;
        }
        page.push_str("</section>\n");
        Ok(())
    }
}

fn row(page: &mut String, entry: &JournalEntry) -> fmt::Result {
    let kind = match entry.event {
        Event::Refused(_) => "refused",
        Event::Struck(_) | Event::StruckBy(_) => "struck",
        _ => "done",
    };
    write!(
        page,
        "<tr role=\"row\" data-key=\"entry-{}\" class=\"{kind}\"><td role=\"cell\" class=\"number\">{:.3}</td>\
         <td role=\"cell\"><span data-say>{}</span>",
        entry.number,
        entry.at.as_secs_f64(),
        Name(&entry.event.to_string())
    )?;
    if let Some(operation) = entry.operation {
        write!(page, " <code>{}</code>", Escaped(operation))?;
    }
    page.push_str("</td><td role=\"cell\" class=\"name\">");
    match &entry.user {
        Some(user) => write!(page, "{}", Name(user))?,
        None => page.push('–'),
    }
    page.push_str("</td></tr>\n");
    Ok(())
}

//! What a person turns: the faults, the clock, and back to the start.

use std::fmt::{self, Write};

use otp_mock::Fault;

use super::text::{Escaped, Name};
use super::{View, section};

/// How far the clock's buttons turn it, in seconds.
const STEPS: [(u32, &str); 4] = [(30, "30 s"), (300, "5 min"), (900, "15 min"), (3600, "1 h")];

impl View<'_> {
    pub(super) fn faults(&self, page: &mut String) -> fmt::Result {
        let named =
            self.fake.armed().into_iter().map(|fault| (fault.to_string(), fault.describe()));
        let custom = self.fake.armed_custom().into_iter();
        let custom = custom.map(|name| (name.to_owned(), "a fault of the test's own"));
        let armed: Vec<_> = named.chain(custom).collect();
        section(page, "faults", "Faults armed", Some(armed.len()))?;
        if armed.is_empty() {
            page.push_str("<p class=\"none\">None: everything works.</p>\n");
        }
        page.push_str("<ul data-list=\"Armed\">\n");
        for (name, what) in &armed {
            writeln!(
                page,
                "<li><p><code data-say>{}</code> <span>{}</span></p></li>",
                Name(name),
                Escaped(what)
            )?;
        }
        page.push_str("</ul>\n");
        let query = self.query();
        page.push_str("<div class=\"row\">\n");
        if !armed.is_empty() {
            writeln!(
                page,
                "<form method=\"post\" action=\"/page/disarm{query}\" \
                 data-done=\"No fault is armed.\"><button>Disarm all</button></form>"
            )?;
        }
        page.push_str("<details id=\"arm\">\n<summary>Arm a fault</summary>\n<ul>\n");
        Fault::ALL.iter().try_for_each(|fault| self.fault(page, fault))?;
        page.push_str("</ul>\n</details>\n</div>\n</section>\n");
        Ok(())
    }

    /// A fault to choose, with its number if it has one.
    fn fault(&self, page: &mut String, fault: &Fault) -> fmt::Result {
        let query = self.query();
        let written = fault.to_string();
        let (name, number) = match written.split_once('=') {
            Some((name, number)) => (name, Some(number)),
            None => (written.as_str(), None),
        };
        write!(
            page,
            "<li><form method=\"post\" action=\"/page/faults{query}\" data-done=\"{name} is armed.\">\
             <input type=\"hidden\" name=\"fault\" value=\"{name}\">\
             <p id=\"about-{name}\"><code>{name}</code> <span>{what}</span></p>\n<div>",
            name = Escaped(name),
            what = Escaped(fault.describe()),
        )?;
        if let Some(number) = number {
            let (unit, step) = match fault {
                Fault::Unavailable { .. } => ("requests", "1"),
                Fault::Slow { .. } => ("seconds", "any"),
                _ => ("number", "any"),
            };
            write!(
                page,
                "<label><input type=\"number\" name=\"number\" value=\"{}\" min=\"0\" \
                 step=\"{step}\" required> {unit}<span class=\"unseen\"> of {}</span></label>",
                Escaped(number),
                Escaped(name)
            )?;
        }
        writeln!(
            page,
            "<button aria-describedby=\"about-{name}\">Arm<span class=\"unseen\"> {name}</span>\
             </button></div></form></li>",
            name = Escaped(name)
        )
    }

    pub(super) fn clock(&self, page: &mut String) -> fmt::Result {
        let query = self.query();
        section(page, "clock", "Clock", None)?;
        let written = super::super::clock::written(self.fake.date());
        // As HTTP writes it: `Thu, 01 Jan 2026 00:00:00 GMT`.
        match (written.get(..16), written.get(17..)) {
            (Some(date), Some(time)) if time.ends_with("GMT") => {
                writeln!(page, "<p class=\"time\"><b>{time}</b> <span>{date}</span></p>")?;
            }
            _ => writeln!(page, "<p class=\"time\"><span>{written}</span></p>")?,
        }
        write!(
            page,
            "<form method=\"post\" action=\"/page/clock{query}\" class=\"steps\" \
             data-done=\"The clock is advanced.\">"
        )?;
        for (seconds, step) in STEPS {
            write!(
                page,
                "<button name=\"seconds\" value=\"{seconds}\">\
                 <span class=\"unseen\">Advance the clock by </span>\
                 <span aria-hidden=\"true\">+</span>{step}</button>"
            )?;
        }
        writeln!(
            page,
            "</form>\n<form method=\"post\" action=\"/page/clock{query}\" \
             data-done=\"The clock is advanced.\">\
             <label>Seconds <input type=\"number\" name=\"seconds\" min=\"0\" step=\"any\" \
             required></label> <button>Advance<span class=\"unseen\"> the clock</span></button>\
             </form>\n</section>"
        )
    }

    pub(super) fn reset(&self, page: &mut String) -> fmt::Result {
        let query = self.query();
        writeln!(
            page,
            "<button popovertarget=\"confirm\" class=\"danger\">Reset…</button>\n\
             <div id=\"confirm\" popover role=\"dialog\" aria-labelledby=\"confirm-title\">\n\
             <h2 id=\"confirm-title\">Reset the emulator?</h2>\n\
             <p>Users, SMS, faults, clock and journal become as they were when it started. \
             Running tests may fail.</p>\n\
             <form method=\"post\" action=\"/page/reset{query}\" \
             data-done=\"The emulator is reset.\">\
             <button type=\"button\" popovertarget=\"confirm\" popovertargetaction=\"hide\" \
             autofocus>Keep everything</button> <button class=\"danger\">Reset</button></form>\n\
             </div>"
        )
    }
}

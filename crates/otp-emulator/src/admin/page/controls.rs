//! What a person turns: the faults, the clock, and back to the start.

use std::fmt::{self, Write};

use otp_mock::{Fault, ScopedFault};

use super::text::{Escaped, Name};
use super::{View, section};

/// How far the clock's buttons turn it, in seconds.
const STEPS: [(u32, &str); 4] = [(30, "30 s"), (300, "5 min"), (900, "15 min"), (3600, "1 h")];

impl View<'_> {
    pub(super) fn faults(&self, page: &mut String) -> fmt::Result {
        let (named, custom) = (self.fake.armed_numbered(), self.fake.armed_custom());
        let armed = named.len() + custom.len();
        section(page, "faults", "Faults armed", Some(armed))?;
        if armed == 0 {
            page.push_str("<p class=\"none\">None: everything works.</p>\n");
        }
        page.push_str("<ul data-list=\"Armed\">\n");
        named.iter().try_for_each(|(number, fault)| self.armed(page, *number, fault))?;
        custom.iter().try_for_each(|name| self.armed_custom(page, name))?;
        page.push_str("</ul>\n<div class=\"row\">\n");
        if armed > 1 {
            let query = self.query();
            writeln!(
                page,
                "<form method=\"post\" action=\"/page/disarm{query}\" \
                 data-done=\"No fault is armed.\"><button>Disarm all</button></form>"
            )?;
        }
        self.arm(page)?;
        page.push_str("</div>\n</section>\n");
        Ok(())
    }

    fn armed(&self, page: &mut String, number: u64, armed: &ScopedFault) -> fmt::Result {
        let fault = armed.fault();
        write!(
            page,
            "<li data-key=\"fault-{number}\"><p><code data-say>{fault}</code> <span>{}",
            Escaped(fault.describe())
        )?;
        if let Some(user) = armed.user() {
            write!(page, ", for {}", Name(user))?;
        }
        if let Some(operation) = armed.operation() {
            write!(page, ", for <code>{}</code>", Escaped(operation))?;
        }
        match armed.left() {
            Some(1) => page.push_str(", once"),
            Some(left) => write!(page, ", {left} more times")?,
            None => {}
        }
        page.push_str("</span></p>");
        self.disarm(page, "number", &number.to_string(), &fault.to_string())
    }

    fn armed_custom(&self, page: &mut String, name: &str) -> fmt::Result {
        write!(
            page,
            "<li><p><code data-say>{}</code> <span>a fault of the test&#39;s own</span></p>",
            Name(name)
        )?;
        self.disarm(page, "name", name, name)
    }

    fn disarm(&self, page: &mut String, field: &str, value: &str, name: &str) -> fmt::Result {
        writeln!(
            page,
            "<form method=\"post\" action=\"/page/disarm{}\" data-done=\"It is disarmed.\">\
             <input type=\"hidden\" name=\"{field}\" value=\"{}\">\
             <button>Disarm<span class=\"unseen\"> {}</span></button></form></li>",
            self.query(),
            Escaped(value),
            Name(name)
        )
    }

    /// All faults to choose from, and which requests they strike.
    fn arm(&self, page: &mut String) -> fmt::Result {
        // The Enter key would press the first button, which therefore does nothing.
        write!(
            page,
            "<details id=\"arm\">\n<summary>Arm a fault</summary>\n\
             <form method=\"post\" action=\"/page/faults{}\"><button disabled hidden></button>\n\
             <fieldset>\n<legend>Which requests</legend>\n\
             <label>User <input name=\"user\" list=\"names\" placeholder=\"everyone\" \
             autocomplete=\"off\"></label>\n<datalist id=\"names\">",
            self.query()
        )?;
        for user in self.fake.users().iter().take(self.most_users()) {
            write!(page, "<option value=\"{}\">", Escaped(&user.name))?;
        }
        page.push_str(
            "</datalist>\n<label>Operation <select name=\"operation\"><option value=\"\">all</option>",
        );
        for operation in self.fake.operations() {
            write!(page, "<option>{}</option>", Escaped(operation.name()))?;
        }
        page.push_str(
            "</select></label>\n<label>Times <input type=\"number\" name=\"times\" min=\"1\" \
             placeholder=\"usual\"></label>\n</fieldset>\n<ul>\n",
        );
        Fault::ALL.iter().try_for_each(|fault| choice(page, fault))?;
        page.push_str("</ul>\n</form>\n</details>\n");
        Ok(())
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

/// A fault to choose, with its number if it has one.
fn choice(page: &mut String, fault: &Fault) -> fmt::Result {
    let written = fault.to_string();
    let (name, number) = match written.split_once('=') {
        Some((name, number)) => (name, Some(number)),
        None => (written.as_str(), None),
    };
    let name = Escaped(name);
    write!(
        page,
        "<li><p id=\"about-{name}\"><code>{name}</code> <span>{}</span></p>\n<div>",
        Escaped(fault.describe())
    )?;
    if let Some(number) = number {
        let (unit, bounds) = match fault {
            Fault::Unavailable { .. } => ("requests", "min=\"1\""),
            Fault::Slow { .. } => ("seconds", "min=\"0\" step=\"any\""),
            Fault::Status { .. } => ("status", "min=\"200\" max=\"599\""),
            _ => ("number", "step=\"any\""),
        };
        write!(
            page,
            "<label><input type=\"number\" name=\"{name}\" value=\"{}\" {bounds}> {unit}\
             <span class=\"unseen\"> of {name}</span></label>",
            Escaped(number)
        )?;
    }
    writeln!(
        page,
        "<button name=\"fault\" value=\"{name}\" data-done=\"{name} is armed.\" \
         aria-describedby=\"about-{name}\">Arm<span class=\"unseen\"> {name}</span></button>\
         </div></li>"
    )
}

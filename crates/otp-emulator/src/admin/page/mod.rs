//! The status page: what the service holds and did, without its secrets, and forms that change it.
//!
//! It is one document. A browser without JavaScript reloads it; with JavaScript, `page.js` fetches it again and
//! patches what differs. The forms work in both ways.

mod activity;
mod controls;
mod forms;
mod text;
mod users;

use std::collections::hash_map::RandomState;
use std::fmt::{self, Write};
use std::hash::{BuildHasher, Hash};

use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use otp_core::Otp;
use otp_core::bytes::Bytes;
use otp_mock::FakeOtps;

use super::Answer;
use super::query::parameter;
use text::Escaped;

/// How many entries, SMS and users are shown.
const SHOWN: usize = 50;

/// A file of the page. There is nothing else that it loads.
fn file(path: &str) -> Option<Answer> {
    let (kind, text) = match path {
        "/style.css" => ("text/css; charset=utf-8", include_str!("style.css")),
        "/page.js" => ("text/javascript; charset=utf-8", include_str!("page.js")),
        "/icon.svg" => ("image/svg+xml", include_str!("icon.svg")),
        _ => return None,
    };
    Some(Answer::File(kind, text))
}

/// The page's settings.
pub(crate) struct StatusPage {
    /// Where the service is.
    base_url: String,
    /// Whether the page gives out an OTP if it is asked to.
    show_otps: bool,
    /// Makes the keys of rows. They cannot be computed elsewhere, so the key of an SMS does not tell its OTP.
    keys: RandomState,
}

/// A page as it is sent.
pub(super) struct Rendered {
    pub(super) html: String,
    /// Tells this page from others.
    pub(super) tag: String,
}

/// What one page shows.
struct View<'a> {
    page: &'a StatusPage,
    fake: &'a FakeOtps,
    /// Whether it shows every user.
    all_users: bool,
    /// Why the form that was sent is refused.
    refused: Option<&'a str>,
    /// The row whose OTP was asked for, by its key, and the OTP.
    revealed: Option<(&'a str, &'a Otp)>,
}

impl StatusPage {
    pub(crate) fn new(base_url: String, show_otps: bool) -> Self {
        Self { base_url, show_otps, keys: RandomState::new() }
    }

    /// What is at the page's own paths; nothing if the path is none of them.
    pub(super) fn answer(
        &self,
        fake: &FakeOtps,
        head: &Parts,
        body: &Bytes,
    ) -> Option<Result<Answer, Answer>> {
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        let reads = head.method == Method::GET || head.method == Method::HEAD;
        let refused = |methods: &str| Some(Err(Answer::NotAllowed(methods.to_owned())));
        if let Some(form) = path.strip_prefix("/page/") {
            return match head.method {
                Method::POST => self.submit(fake, form, query, body),
                _ => refused("POST"),
            };
        }
        match file(path) {
            Some(file) if reads => Some(Ok(file)),
            None if path == "/" && reads => {
                Some(Ok(Answer::Page(StatusCode::OK, self.view(fake, query).render())))
            }
            None if path != "/" => None,
            _ => refused("GET, HEAD"),
        }
    }

    /// The page of this query: `users=all` shows every user.
    fn view<'a>(&'a self, fake: &'a FakeOtps, query: &str) -> View<'a> {
        let all_users = parameter(query, "users").is_some_and(|users| users == "all");
        View { page: self, fake, all_users, refused: None, revealed: None }
    }

    fn key(&self, of: impl Hash) -> String {
        format!("{:016x}", self.keys.hash_one(of))
    }
}

impl View<'_> {
    fn render(&self) -> Rendered {
        let mut html = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut html);
        let tag = format!("\"{}\"", self.page.key(&html));
        Rendered { html, tag }
    }

    /// What each form adds to its address, so that the next page shows as much as this one.
    fn query(&self) -> &'static str {
        if self.all_users { "?users=all" } else { "" }
    }

    fn most_users(&self) -> usize {
        if self.all_users { usize::MAX } else { SHOWN }
    }

    fn write(&self, page: &mut String) -> fmt::Result {
        write!(
            page,
            "<!DOCTYPE html>\n<html lang=\"en\" data-page=\"otp-emulator {version}\">\n<head>\n\
             <meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>otp-emulator</title>\n\
             <link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">\n\
             <link rel=\"stylesheet\" href=\"/style.css\">\n\
             <script src=\"/page.js\" defer></script>\n</head>\n<body>\n\
             <header>\n<h1><img src=\"/icon.svg\" alt=\"\" width=\"28\" height=\"28\">otp-emulator</h1>\n\
             <p id=\"link\" role=\"status\" data-own></p>\n",
            version = env!("CARGO_PKG_VERSION"),
        )?;
        self.reset(page)?;
        write!(
            page,
            "<p class=\"about\">The service is at <code>{}</code></p>\n\
             <noscript><p class=\"about\">This page does not update itself without JavaScript. \
             <a href=\"/{}\">Reload it</a></p></noscript>\n\
             <nav aria-label=\"On this page\"><a href=\"#faults\">Faults</a> \
             <a href=\"#clock\">Clock</a> <a href=\"#outbox\">SMS</a> \
             <a href=\"#journal\">Journal</a> <a href=\"#users\">Users</a></nav>\n</header>\n\
             <p id=\"said\" class=\"unseen\" role=\"status\" data-own></p>\n\
             <div id=\"notice\" role=\"alert\" data-kept>",
            Escaped(&self.page.base_url),
            self.query(),
        )?;
        if let Some(why) = self.refused {
            write!(page, "<p>{}</p>", Escaped(why))?;
        }
        page.push_str("</div>\n<main>\n<div class=\"column\">\n");
        self.faults(page)?;
        self.clock(page)?;
        self.outbox(page)?;
        page.push_str("</div>\n<div class=\"column\">\n");
        self.journal(page)?;
        page.push_str("</div>\n<div class=\"column\">\n");
        self.users(page)?;
        page.push_str("</div>\n</main>\n</body>\n</html>\n");
        Ok(())
    }
}

/// The start of a section, with how many things it has.
fn section(page: &mut String, id: &str, title: &str, count: Option<usize>) -> fmt::Result {
    write!(
        page,
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n\
         <h2 id=\"{id}-title\" tabindex=\"-1\">{title}"
    )?;
    if let Some(count) = count {
        write!(page, " <span class=\"count\">{count}</span>")?;
    }
    page.push_str("</h2>\n");
    Ok(())
}

//! A service of somebody else, a tracker of tickets, in all flavours, with its mock and its fake. This is all of it.

use otp_core::http::StatusCode;
use otp_core::operation::{Exposed, ReadError, RequestDraft, ResponseReader, WriteError};
use otp_core::secrecy::{ExposeSecret, SecretString};
use otp_core::{AuthToken, Credentials, Endpoint, Error, Operation, OtpsClient, Paged, Transport};
use serde::{Deserialize, Serialize};
use serde_json::Value;

otp_core::service! {
    /// The tracker.
    pub trait Tracker as tracker {
        /// Sends an OTP to the user's phone: an operation that is there already.
        fn text(&self) -> Result<(), TrackerError> = otp_core::operation::ReceiveCodes;
        /// Lists tickets, a page at a time.
        fn list(&self, query: &List) -> Result<Page, TrackerError> = query;
        /// Reads a ticket, if there is one.
        fn find(&self, id: usize) -> Result<Option<Ticket>, TrackerError> = Find(id);
        /// Opens a ticket, and posts it to a chat by this token.
        fn open(&self, title: &str, chat: &AuthToken) -> Result<Ticket, TrackerError> =
            Open { title, chat: Exposed(chat) };
        /// Closes a ticket.
        fn close(&self, id: usize) -> Result<(), TrackerError> = Close(id);
    }
}
otp_mock::mock_service!(pub tracker);
otp_mock::fake_service!(tracker);

/// A client that reads its token from this file, and reads it again when the service refuses it.
pub fn client(over: impl Transport + 'static, token: std::path::PathBuf) -> OtpsClient {
    let read = move |_: &_| {
        let text = SecretString::from(std::fs::read_to_string(&token)?);
        Ok(AuthToken::new(text.expose_secret().trim())?)
    };
    OtpsClient::new(over, Credentials::from_fn(read))
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    pub id: usize,
    pub title: String,
}
#[derive(Debug, Deserialize)]
pub struct Page {
    pub tickets: Vec<Ticket>,
    pub last_page: usize,
}
#[derive(Debug)]
pub enum TrackerError {
    Duplicate { of: u64, error: Error },
    Other(Error),
}
impl From<Error> for TrackerError {
    fn from(error: Error) -> Self {
        match error.details::<Value>().and_then(|details| details["duplicate_of"].as_u64()) {
            Some(of) => Self::Duplicate { of, error },
            None => Self::Other(error),
        }
    }
}

#[derive(Clone)]
pub struct List {
    pub page: usize,
    pub search: Option<&'static str>,
    pub labels: &'static [&'static str],
}
impl Operation for List {
    type Output = Page;
    const ENDPOINT: &'static Endpoint = &Endpoint::get("list", "/tickets");
    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.query("page", self.page).query_if("search", self.search);
        for label in self.labels {
            request.query("label", label);
        }
        Ok(())
    }
    fn read(&self, response: &ResponseReader<'_>) -> Result<Page, ReadError> {
        response.require(StatusCode::OK)?.scrubbed_json_object()
    }
}

impl Paged for List {
    fn next_page(&self, page: &Page) -> Option<Self> {
        (self.page < page.last_page).then(|| Self { page: self.page + 1, ..self.clone() })
    }
}

pub struct Find(usize);
impl Operation for Find {
    type Output = Option<Ticket>;
    const ENDPOINT: &'static Endpoint =
        &Endpoint::get("find", "/tickets/{id}").answers(&[StatusCode::NOT_FOUND]);
    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.path_param("id", &self.0.to_string());
        Ok(())
    }
    fn read(&self, response: &ResponseReader<'_>) -> Result<Option<Ticket>, ReadError> {
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            _ => response.require(StatusCode::OK)?.scrubbed_json_object().map(Some),
        }
    }
}

#[derive(Serialize)]
pub struct Open<'a> {
    title: &'a str,
    chat: Exposed<'a>,
}
impl Operation for Open<'_> {
    type Output = Ticket;
    const ENDPOINT: &'static Endpoint = &Endpoint::post("open", "/tickets")
        .acknowledged_by(&[StatusCode::CREATED])
        .if_unknown("search for its title before you open it again");
    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.json(self);
        Ok(())
    }
    fn read(&self, response: &ResponseReader<'_>) -> Result<Ticket, ReadError> {
        response.require(StatusCode::CREATED)?.scrubbed_json_object()
    }
}

pub struct Close(usize);
impl Operation for Close {
    type Output = ();
    const ENDPOINT: &'static Endpoint = &Endpoint::delete("close", "/tickets/{id}");
    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.path_param("id", &self.0.to_string());
        Ok(())
    }
    fn read(&self, response: &ResponseReader<'_>) -> Result<(), ReadError> {
        response.require(StatusCode::NO_CONTENT).map(drop)
    }
}

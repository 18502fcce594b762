//! A service of somebody else, defined in one file with what the packages export, in every flavour.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::credentials::{ProviderError, TokenRequest};
use otp_core::http::StatusCode;
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Credentials, Effect, ErrorKind, Operation, OtpsClient};
use otp_mock::{CustomFault, Event, Expected, FakeOtps, Reply, ScriptedTransport, canned};
use serde_json::{Value, json};
use tracker::{
    Close, Find, List, MockTracker, Open, Ticket, Tracker, TrackerError, blocking, local,
};

mod tracker;

const HOUR: Duration = Duration::from_secs(3600);
const ALL: List = List { page: 1, search: None, labels: &[] };

#[test]
fn it_fits_two_screens() {
    let lines = include_str!("tracker.rs").lines().count();
    assert!(lines <= 2 * 68, "{lines} lines");
}

/// The tracker in memory: ticket 1 is the first of these, a page has two, and closing keeps a ticket.
pub fn fake(titles: &[&str]) -> FakeOtps {
    let ticket = |(at, title): (usize, &&str)| json!({ "id": at + 1, "title": title });
    let tickets: Vec<Value> = titles.iter().enumerate().map(ticket).collect();
    let (all, service) =
        (Arc::new(Mutex::new(tickets)), FakeOtps::builder().token_lifetime(HOUR).build());
    let tickets = Arc::clone(&all);
    service.route(List::ENDPOINT, move |request| {
        let (tickets, page) = (tickets.lock().unwrap(), request.query("page").unwrap_or_default());
        let page = tickets.chunks(2).nth(page.parse::<usize>().unwrap_or(1) - 1);
        Ok(Reply::json(200, json!({ "tickets": page, "last_page": tickets.len().div_ceil(2) })))
    });
    let tickets = Arc::clone(&all);
    service.route(Find::ENDPOINT, move |request| {
        let at = request.param("id").parse::<usize>().unwrap_or_default().wrapping_sub(1);
        let found = tickets.lock().unwrap().get(at).cloned();
        found.map(|ticket| Reply::json(200, ticket)).ok_or(Reply::error(404, "Not found"))
    });
    service.route(Open::ENDPOINT, move |request| {
        let (open, mut tickets) = (request.json::<Value>()?, all.lock().unwrap());
        if let Some(same) = tickets.iter().find(|ticket| ticket["title"] == open["title"]) {
            return Err(Reply::json(
                422,
                json!({ "error": "Duplicate", "duplicate_of": same["id"] }),
            ));
        }
        let ticket = json!({ "id": tickets.len() + 1, "title": open["title"] });
        tickets.push(ticket.clone());
        Ok(Reply::json(201, ticket))
    });
    service.route(Close::ENDPOINT, |_| Ok(Reply::no_content()));
    service
}

fn chat() -> AuthToken {
    AuthToken::new("canary-ch4t").unwrap()
}

/// Gives the service's user another token each time.
fn tokens(
    service: &FakeOtps,
) -> impl Fn(&TokenRequest) -> Result<AuthToken, ProviderError> + use<> {
    let service = service.clone();
    move |_| Ok(service.issue_token())
}

/// What each flavour's story comes to: the second request was refused, and sent again with a fresh token.
fn check(service: &FakeOtps, read: &[Ticket]) {
    let titles: Vec<_> = read.iter().map(|ticket| ticket.title.as_str()).collect();
    assert_eq!(titles, ["a", "b", "c"]);
    let refused = Event::Refused(StatusCode::UNAUTHORIZED);
    let acted = Event::Acted;
    assert_eq!(service.journal().events(), [Event::SmsSent, refused, acted, acted]);
}

#[tokio::test]
async fn on_a_runtime() {
    let service = fake(&["a", "b", "c"]);
    let client = OtpsClient::new(service.clone(), Credentials::from_fn(tokens(&service)));
    Tracker::text(&client).await.unwrap();
    service.advance(HOUR);
    let (mut read, mut pages) = (Vec::new(), client.call(ALL).pages());
    while let Some(page) = pages.next_page().await.unwrap() {
        read.extend(page.tickets);
    }
    check(&service, &read);
}

#[tokio::test]
async fn a_refused_token_is_read_again() {
    let service = fake(&["a"]);
    let file = std::env::temp_dir().join(format!("downstream-token-{}", std::process::id()));
    let write = |token: &AuthToken| std::fs::write(&file, token.expose_secret()).unwrap();
    write(service.token());
    let client = tracker::client(service.clone(), file.clone());
    Tracker::text(&client).await.unwrap();
    service.advance(HOUR);
    write(&service.issue_token());
    Tracker::close(&client, 1).await.unwrap();
    let refused = Event::Refused(StatusCode::UNAUTHORIZED);
    assert_eq!(service.journal().events(), [Event::SmsSent, refused, Event::Acted]);
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn on_one_thread() {
    let service = fake(&["a", "b", "c"]);
    let credentials = otp_core::local::Credentials::from_fn(tokens(&service));
    let client = otp_core::local::OtpsClient::new(service.clone(), credentials);
    local::Tracker::text(&client).await.unwrap();
    service.advance(HOUR);
    let (mut read, mut pages) = (Vec::new(), client.call(ALL).pages());
    while let Some(page) = pages.next_page().await.unwrap() {
        read.extend(page.tickets);
    }
    check(&service, &read);
}

#[test]
fn without_async() {
    let service = fake(&["a", "b", "c"]);
    let credentials = otp_core::blocking::Credentials::from_fn(tokens(&service));
    let client = otp_core::blocking::OtpsClient::new(service.clone(), credentials);
    blocking::Tracker::text(&client).unwrap();
    service.advance(HOUR);
    let (mut read, mut pages) = (Vec::new(), client.call(ALL).pages());
    while let Some(page) = pages.next_page().unwrap() {
        read.extend(page.tickets);
    }
    check(&service, &read);
}

#[tokio::test]
async fn the_service_in_memory_is_a_tracker() {
    let service = fake(&["a"]);
    let api: &dyn Tracker = &service;
    assert_eq!(api.find(1).await.unwrap().unwrap().title, "a");
    assert_eq!(api.find(7).await.unwrap(), None);
    assert_eq!(api.open("b", &chat()).await.unwrap(), Ticket { id: 2, title: "b".into() });
    match api.open("a", &chat()).await {
        Err(TrackerError::Duplicate { of: 1, error }) => {
            assert_eq!(error.effect(), Effect::NotApplied);
        }
        other => panic!("{other:?}"),
    }
    // A POST whose reply is lost is not repeated. A DELETE is.
    service.arm_custom(CustomFault::after_acting("lost", |_| Reply::lost()).times(2));
    let Err(TrackerError::Other(error)) = api.open("c", &chat()).await else { panic!() };
    assert_eq!(error.effect(), Effect::Unknown);
    assert!(error.to_string().contains("search for its title"), "{error}");
    api.close(1).await.unwrap();
    assert_eq!(service.journal().count(Event::StruckBy("lost")), 2);
}

#[tokio::test]
async fn the_mock_is_a_tracker_in_every_flavour() {
    let mut mock = MockTracker::new();
    mock.expect_close().times(3).returning(|id| match id {
        1 => Ok(()),
        _ => Err(canned::error::<Close>(ErrorKind::NotFound).build().into()),
    });
    Tracker::close(&mock, 1).await.unwrap();
    local::Tracker::close(&mock, 1).await.unwrap();
    let Err(TrackerError::Other(error)) = blocking::Tracker::close(&mock, 2) else { panic!() };
    assert_eq!((error.operation(), error.kind()), (Some("close"), ErrorKind::NotFound));
}

#[tokio::test]
async fn what_is_sent_is_what_was_asked_for_and_an_echo_is_redacted() {
    let script = ScriptedTransport::in_order()
        .answer(Expected::anything(), Reply::json(200, json!({ "tickets": [], "last_page": 1 })))
        .answer(Expected::anything(), Reply::error(400, "canary-ch4t is no chat"));
    let client = OtpsClient::new(script.clone(), AuthToken::new("k3y").unwrap());
    let query = List { page: 2, search: Some("a & b"), labels: &["bug", "ui"] };
    Tracker::list(&client, &query).await.unwrap();
    let Err(TrackerError::Other(error)) = client.open("t", &chat()).await else { panic!() };
    assert_eq!(error.messages(), ["[redacted] is no chat"]);

    let sent = script.requests();
    let line = "/metal/v1/tickets?page=2&search=a%20%26%20b&label=bug&label=ui";
    assert_eq!(sent[0].as_http().uri().path_and_query().unwrap(), line);
    assert_eq!(sent[0].endpoint().path_template(), "/tickets");
    let body: Value = serde_json::from_slice(sent[1].as_http().body()).unwrap();
    assert_eq!(body, json!({ "title": "t", "chat": "canary-ch4t" }));
    script.finish();
}

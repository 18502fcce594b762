use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use otp_core::http::HeaderValue;
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Operation};
use otp_mock::{FakeOtps, Reply, RouteRequest};
use serde_json::{Value, json};

use crate::operations::*;

/// How many API keys a user may have.
const MAX_KEYS: usize = 3;

/// What the fake holds besides the users and their codes.
#[derive(Default)]
struct State {
    keys: Vec<Key>,
    created: u64,
    /// Users whose app is on.
    apps: BTreeSet<String>,
}

struct Key {
    id: String,
    user: String,
    description: String,
    read_only: bool,
    token: AuthToken,
}

impl Key {
    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "description": self.description,
            "read_only": self.read_only,
            "token": self.token.expose_secret(),
        })
    }
}

/// Lets the service in memory answer on this SDK's endpoints too, with these projects.
///
/// It behaves as the API does: a key that was created is a token that works until the key is deleted, a user may have
/// three of them, and the app is turned on and off with the code that [it shows](FakeOtps::app_code).
pub fn add_routes<S: Into<String>>(service: &FakeOtps, projects: impl IntoIterator<Item = S>) {
    let state = Arc::new(Mutex::new(State::default()));
    let route = |endpoint, answer: fn(&RouteRequest<'_>, &mut State) -> Result<Reply, Reply>| {
        let state = Arc::clone(&state);
        service.route(endpoint, move |request| answer(request, &mut locked(&state)));
    };
    route(FindUser::ENDPOINT, |request, state| {
        let factor = state.apps.contains(request.user()).then_some("app");
        let user =
            json!({ "id": request.user(), "full_name": request.user(), "two_factor_auth": factor });
        Ok(Reply::json(200, user))
    });
    route(FindKeys::ENDPOINT, |request, state| {
        let search = request.query("search").unwrap_or_default();
        let keys = state.keys.iter().filter(|key| key.user == request.user());
        let keys: Vec<_> =
            keys.filter(|key| key.description.contains(&search)).map(Key::to_json).collect();
        Ok(Reply::json(200, json!({ "api_keys": keys })))
    });
    route(CreateKey::ENDPOINT, |request, state| {
        let wanted: Value = request.json()?;
        if state.keys.iter().filter(|key| key.user == request.user()).count() == MAX_KEYS {
            let body = json!({ "errors": ["Too many API keys"], "max_api_keys": MAX_KEYS });
            return Err(Reply::json(422, body));
        }
        state.created += 1;
        state.keys.push(Key {
            id: format!("key-{}", state.created),
            user: request.user().to_owned(),
            description: wanted["description"].as_str().unwrap_or_default().to_owned(),
            read_only: wanted["read_only"] == true,
            token: request.fake().issue_token(),
        });
        Ok(Reply::json(201, state.keys.last().map(Key::to_json).unwrap_or_default()))
    });
    route(DeleteKey::ENDPOINT, |request, state| {
        let id = request.param("id");
        let at = state.keys.iter().position(|key| key.id == id && key.user == request.user());
        let at = at.ok_or_else(|| Reply::error(404, "Not found"))?;
        request.fake().with_token(state.keys.remove(at).token).revoke_token();
        Ok(Reply::no_content())
    });
    route(EnableApp::ENDPOINT, |request, state| {
        check_code(request)?;
        state.apps.insert(request.user().to_owned());
        Ok(Reply::status(200))
    });
    route(DisableApp::ENDPOINT, |request, state| {
        check_code(request)?;
        if state.apps.remove(request.user()) {
            Ok(Reply::no_content())
        } else {
            Err(Reply::error(404, "Not found"))
        }
    });
    let projects: Vec<String> = projects.into_iter().map(Into::into).collect();
    service.route(FindProjects::ENDPOINT, move |request| {
        let number = |name| request.query(name).and_then(|text| text.parse::<usize>().ok());
        let (page, per_page) = (number("page").unwrap_or(1), number("per_page").unwrap_or(10).max(1));
        let name = request.query("name");
        let found: Vec<_> = projects.iter().filter(|project| name.as_ref().is_none_or(|name| name == *project)).collect();
        let skipped = page.saturating_sub(1).saturating_mul(per_page);
        let shown = found.iter().skip(skipped).take(per_page);
        let shown: Vec<_> = shown.map(|name| json!({ "id": format!("project-{name}"), "name": name })).collect();
        let meta = json!({ "total": found.len(), "current_page": page, "last_page": found.len().div_ceil(per_page).max(1) });
        Ok(Reply::json(200, json!({ "projects": shown, "meta": meta })))
    });
}

fn check_code(request: &RouteRequest<'_>) -> Result<(), Reply> {
    let code = request.headers().get("x-otp-token").map(HeaderValue::as_bytes);
    let shown = request.fake().app_code();
    match shown.filter(|shown| Some(shown.expose_secret().as_bytes()) == code) {
        Some(_) => Ok(()),
        None => Err(Reply::error(400, "OTP is invalid")),
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

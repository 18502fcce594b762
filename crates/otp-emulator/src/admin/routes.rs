//! The calls of the admin API, by method and path. `openapi.json` says what each takes and answers.

use std::borrow::Cow;

use hyper::Method;
use percent_encoding::percent_decode_str;

/// One call of the admin API: its method, its path and what it does.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) call: Call,
}

/// What there is to call. Each is named as its `operationId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Healthz,
    Readyz,
    CaPem,
    Openapi,
    Reset,
    Outbox,
    NextSms,
    DiscardSms,
    Users,
    AddUser,
    User,
    RemoveUser,
    AppCode,
    AppSecret,
    IssueToken,
    EndToken,
    RevokeToken,
    RecoveryCodes,
    SetRecoveryCodes,
    Choose,
    EndLockout,
    ResetRateLimit,
    EndSessions,
    Faults,
    Arm,
    Disarm,
    DisarmAll,
    Journal,
    CountJournal,
    VerifyJournal,
    ClearJournal,
    Clock,
    Advance,
}

impl Call {
    /// Whether it takes parameters in the query.
    pub(super) fn has_query(self) -> bool {
        matches!(
            self,
            Self::Reset
                | Self::Outbox
                | Self::NextSms
                | Self::DiscardSms
                | Self::EndToken
                | Self::Arm
                | Self::Journal
                | Self::CountJournal
                | Self::Advance
        )
    }

    /// Whether it takes a body.
    pub(super) fn has_body(self) -> bool {
        matches!(
            self,
            Self::AddUser
                | Self::IssueToken
                | Self::RevokeToken
                | Self::SetRecoveryCodes
                | Self::Choose
                | Self::VerifyJournal
        )
    }

    /// Whether everybody may call it: it tells no secret and changes nothing.
    pub(super) fn is_public(self) -> bool {
        matches!(self, Self::Healthz | Self::Readyz | Self::CaPem)
    }
}

const fn get(path: &'static str, call: Call) -> Route {
    Route { method: Method::GET, path, call }
}

const fn post(path: &'static str, call: Call) -> Route {
    Route { method: Method::POST, path, call }
}

const fn put(path: &'static str, call: Call) -> Route {
    Route { method: Method::PUT, path, call }
}

const fn delete(path: &'static str, call: Call) -> Route {
    Route { method: Method::DELETE, path, call }
}

/// All of them. Whatever answers GET answers HEAD.
pub(super) const ROUTES: &[Route] = &[
    get("/healthz", Call::Healthz),
    get("/readyz", Call::Readyz),
    get("/ca.pem", Call::CaPem),
    get("/openapi.json", Call::Openapi),
    post("/reset", Call::Reset),
    get("/sms", Call::Outbox),
    delete("/sms", Call::DiscardSms),
    get("/sms/next", Call::NextSms),
    get("/users", Call::Users),
    post("/users", Call::AddUser),
    get("/users/{name}", Call::User),
    delete("/users/{name}", Call::RemoveUser),
    get("/users/{name}/app-code", Call::AppCode),
    get("/users/{name}/app-secret", Call::AppSecret),
    post("/users/{name}/token", Call::IssueToken),
    delete("/users/{name}/token", Call::EndToken),
    get("/users/{name}/recovery-codes", Call::RecoveryCodes),
    put("/users/{name}/recovery-codes", Call::SetRecoveryCodes),
    post("/users/{name}/next", Call::Choose),
    delete("/users/{name}/lockout", Call::EndLockout),
    delete("/users/{name}/rate-limit", Call::ResetRateLimit),
    delete("/users/{name}/sessions", Call::EndSessions),
    post("/tokens/revoke", Call::RevokeToken),
    get("/faults", Call::Faults),
    delete("/faults", Call::DisarmAll),
    post("/faults/{fault}", Call::Arm),
    delete("/faults/{fault}", Call::Disarm),
    get("/journal", Call::Journal),
    delete("/journal", Call::ClearJournal),
    get("/journal/count", Call::CountJournal),
    post("/journal/verify", Call::VerifyJournal),
    get("/clock", Call::Clock),
    post("/clock/advance", Call::Advance),
];

/// What is at a path.
pub(super) enum Found<'p> {
    /// With the parameter of the path, decoded; empty if it has none.
    Call(Call, Cow<'p, str>),
    /// For other methods: these.
    OtherMethods(String),
    Nothing,
}

/// The call of this method and path.
pub(super) fn find<'p>(method: &Method, path: &'p str) -> Found<'p> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let at_path = || ROUTES.iter().filter_map(|route| Some((route, parameter(route.path, path)?)));
    if let Some((route, parameter)) = at_path().find(|(route, _)| route.method == method) {
        return Found::Call(route.call, percent_decode_str(parameter).decode_utf8_lossy());
    }
    let mut methods = Vec::new();
    for (route, _) in at_path() {
        if route.method == Method::GET {
            methods.extend(["GET", "HEAD"]);
        } else {
            methods.push(route.method.as_str());
        }
    }
    if methods.is_empty() { Found::Nothing } else { Found::OtherMethods(methods.join(", ")) }
}

/// The parameter of a path, if the template is its.
fn parameter<'p>(template: &str, path: &'p str) -> Option<&'p str> {
    let (mut parameter, mut segments) = ("", path.split('/'));
    for expected in template.split('/') {
        let segment = segments.next()?;
        match expected.starts_with('{') {
            true if !segment.is_empty() => parameter = segment,
            false if segment == expected => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(parameter)
}

/// What there is, for a client that asked for something else.
pub(super) fn list() -> String {
    let calls: Vec<_> =
        ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    calls.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_whole_and_its_parameter_is_decoded() {
        for (path, call, name) in [
            ("/users", Some(Call::Users), ""),
            ("/users/ann%20b", Some(Call::User), "ann b"),
            ("/users/a%2Fb/app-code", Some(Call::AppCode), "a/b"),
            ("/users/", None, ""),
            ("/users/ann/", None, ""),
            ("/users/ann/app-code/x", None, ""),
            ("//users", None, ""),
            ("users", None, ""),
            ("/sms/next", Some(Call::NextSms), ""),
        ] {
            match (find(&Method::HEAD, path), call) {
                (Found::Call(found, parameter), Some(call)) => {
                    assert_eq!((found, &*parameter), (call, name), "{path}");
                }
                (Found::Nothing, None) => {}
                _ => panic!("{path}"),
            }
        }
        let Found::OtherMethods(methods) = find(&Method::PATCH, "/faults/slow") else { panic!() };
        assert_eq!(methods, "POST, DELETE");
    }

    #[test]
    fn the_document_has_every_route_and_no_other() {
        let document: serde_json::Value =
            serde_json::from_str(include_str!("openapi.json")).unwrap();
        let mut documented = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap().replace('_', "");
                documented.push(format!("{} {path} {id}", method.to_uppercase()));
            }
        }
        let routes = ROUTES.iter().map(|Route { method, path, call }| {
            format!("{method} {path} {}", format!("{call:?}").to_lowercase())
        });
        let mut routes: Vec<_> = routes.collect();
        routes.sort();
        documented.sort();
        assert_eq!(routes, documented);
    }
}

//! Which operation or route a request is for.

use std::fmt;
use std::sync::Arc;

use otp_core::http::Method;
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{Endpoint, Operation};

use super::RouteRequest;
use crate::Reply;
use crate::request::{param, params};

const PREFIX: &str = "/metal/v1";

/// What a request asks for.
#[derive(Clone)]
pub(super) enum Action {
    FindEnsureOtp,
    FindRecoveryCodes,
    ReceiveCodes,
    RegenerateCodes,
    Route(Handler),
}

/// What answers on a route.
#[derive(Clone)]
pub(super) struct Handler(Arc<Handle>);

type Handle = dyn Fn(&RouteRequest<'_>) -> Result<Reply, Reply> + Send + Sync;

/// The four operations, and what a test added.
pub(super) struct Routes(Vec<Route>);

#[derive(Clone)]
pub(super) struct Route {
    pub(super) endpoint: &'static Endpoint,
    pub(super) action: Action,
}

/// What is at a path.
pub(super) enum Found<'p> {
    /// With its parameters, still encoded.
    Route(Route, Vec<(&'static str, &'p str)>),
    /// For other methods: these.
    OtherMethods(String),
    Nothing,
}

impl Handler {
    pub(super) fn new(
        handle: impl Fn(&RouteRequest<'_>) -> Result<Reply, Reply> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(handle))
    }

    pub(super) fn handle(&self, request: &RouteRequest<'_>) -> Result<Reply, Reply> {
        (self.0)(request)
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").finish_non_exhaustive()
    }
}

impl Default for Routes {
    fn default() -> Self {
        let operations = [
            (FindRecoveryCodes::ENDPOINT, Action::FindRecoveryCodes),
            (RegenerateCodes::ENDPOINT, Action::RegenerateCodes),
            (ReceiveCodes::ENDPOINT, Action::ReceiveCodes),
            (FindEnsureOtp::ENDPOINT, Action::FindEnsureOtp),
        ];
        Self(operations.into_iter().map(|(endpoint, action)| Route { endpoint, action }).collect())
    }
}

impl Routes {
    /// Adds a route, and gives back the one that it replaces; or says why it cannot be one.
    pub(super) fn add(
        &mut self,
        endpoint: &'static Endpoint,
        handler: Handler,
    ) -> Result<Option<Route>, String> {
        let template = endpoint.path_template();
        let is_whole = |segment: &str| match segment.matches('{').count() {
            0 => true,
            1 => param(segment).is_some(),
            _ => false,
        };
        if !template.split('/').all(is_whole) {
            return Err(format!("{template} has a parameter that is not a whole segment"));
        }
        let new = Route { endpoint, action: Action::Route(handler) };
        let same = self.0.iter_mut().find(|route| {
            route.endpoint.method() == endpoint.method()
                && is_same(route.endpoint.path_template(), template)
        });
        match same {
            None => {
                self.0.push(new);
                Ok(None)
            }
            Some(route) if matches!(route.action, Action::Route(_)) => {
                Ok(Some(std::mem::replace(route, new)))
            }
            Some(route) => Err(format!("{template} is the path of {}", route.endpoint.name())),
        }
    }

    pub(super) fn find<'p>(&self, method: &Method, path: &'p str) -> Found<'p> {
        let at_path: Vec<_> = self.at(path).collect();
        let of_method = at_path.iter().filter(|(route, _)| route.endpoint.method() == method);
        match of_method.max_by_key(|(route, _)| literals(route.endpoint.path_template())) {
            Some((route, params)) => Found::Route((*route).clone(), params.clone()),
            None if at_path.is_empty() => Found::Nothing,
            None => {
                let mut methods: Vec<&str> = Vec::new();
                for (route, _) in at_path {
                    let method = route.endpoint.method().as_str();
                    if !methods.contains(&method) {
                        methods.push(method);
                    }
                }
                Found::OtherMethods(methods.join(", "))
            }
        }
    }

    /// The most specific template of this path.
    pub(super) fn template(&self, path: &str) -> Option<&'static str> {
        self.at(path).map(|(route, _)| route.endpoint.path_template()).max_by_key(|t| literals(t))
    }

    pub(super) fn endpoints(&self) -> Vec<&'static Endpoint> {
        self.0.iter().map(|route| route.endpoint).collect()
    }

    fn at<'p>(
        &self,
        path: &'p str,
    ) -> impl Iterator<Item = (&Route, Vec<(&'static str, &'p str)>)> {
        let path = path.strip_prefix(PREFIX);
        self.0
            .iter()
            .filter_map(move |route| Some((route, params(route.endpoint.path_template(), path?)?)))
    }
}

/// Whether both describe the same paths.
fn is_same(a: &str, b: &str) -> bool {
    let shape = |segment| match param(segment) {
        Some((before, _, after)) => (before, Some(after)),
        None => (segment, None),
    };
    a.split('/').map(shape).eq(b.split('/').map(shape))
}

/// Segment by segment, whether it is literal: the greater, the more specific.
fn literals(template: &str) -> Vec<bool> {
    template.split('/').map(|segment| param(segment).is_none()).collect()
}

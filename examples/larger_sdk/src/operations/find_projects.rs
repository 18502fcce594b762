use std::num::NonZeroU32;

use otp_core::http::StatusCode;
use otp_core::operation::{ReadError, RequestDraft, ResponseReader, WriteError};
use otp_core::{Endpoint, Operation, Paged};
use serde::Deserialize;

/// Reads a page of the user's projects: `GET /projects` (`findProjects`).
#[derive(Clone, Debug, Default)]
pub struct FindProjects {
    /// Only projects with this name.
    pub name: Option<String>,
    /// Which linked objects to include, such as `members`.
    pub include: Vec<String>,
    /// Which page. The first is 1.
    pub page: Option<NonZeroU32>,
    /// How many projects a page has.
    pub per_page: Option<NonZeroU32>,
}

/// A page of projects.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ProjectList {
    /// The projects of this page.
    pub projects: Vec<Project>,
    /// Where it stands among the pages.
    pub meta: Meta,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Project {
    /// Its id, a UUID.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Where a page stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Meta {
    /// How many pages there are.
    pub last_page: u32,
    /// How many projects all pages have.
    pub total: u32,
}

impl Operation for FindProjects {
    type Output = ProjectList;
    const ENDPOINT: &'static Endpoint = &Endpoint::get("find_projects", "/projects");

    fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
        request.query_if("name", self.name.as_ref());
        if !self.include.is_empty() {
            request.query("include", self.include.join(","));
        }
        request.query_if("page", self.page).query_if("per_page", self.per_page);
        Ok(())
    }

    fn read(&self, response: &ResponseReader<'_>) -> Result<ProjectList, ReadError> {
        response.require(StatusCode::OK)?.scrubbed_json_object()
    }
}

impl Paged for FindProjects {
    fn next_page(&self, page: &ProjectList) -> Option<Self> {
        let this = self.page.unwrap_or(NonZeroU32::MIN);
        let next = this.checked_add(1).filter(|next| next.get() <= page.meta.last_page)?;
        Some(Self { page: Some(next), ..self.clone() })
    }
}

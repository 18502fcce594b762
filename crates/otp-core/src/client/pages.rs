use std::time::Duration;

use super::{Call, Flavour, drive};
use crate::{Answer, CallOptions, ClientConfig, Effect, Error, ErrorKind, Exchange, Operation};

/// An operation that reads one page of a listing.
///
/// ```
/// # mod sdk {
/// # use otp_core::operation::{ReadError, RequestDraft, ResponseReader, WriteError};
/// # use otp_core::{Endpoint, Operation};
/// # #[derive(serde::Deserialize)]
/// # pub struct Projects { pub names: Vec<String>, pub last_page: u32 }
/// pub struct FindProjects {
///     pub page: u32,
/// }
///
/// impl Operation for FindProjects {
///     type Output = Projects;
///     const ENDPOINT: &'static Endpoint = &Endpoint::get("find_projects", "/projects");
///
///     fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
///         request.query("page", self.page);
///         Ok(())
///     }
///
///     fn read(&self, response: &ResponseReader<'_>) -> Result<Projects, ReadError> {
///         response.json_object()
///     }
/// }
///
/// impl otp_core::Paged for FindProjects {
///     fn next_page(&self, page: &Projects) -> Option<Self> {
///         (self.page < page.last_page).then(|| Self { page: self.page + 1 })
///     }
/// }
/// # }
/// # use sdk::FindProjects;
///
/// async fn names(client: &otp_core::OtpsClient) -> Result<Vec<String>, otp_core::Error> {
///     let mut names = Vec::new();
///     let mut pages = client.call(FindProjects { page: 1 }).pages();
///     while let Some(page) = pages.next_page().await? {
///         names.extend(page.names);
///     }
///     Ok(names)
/// }
/// ```
pub trait Paged: Operation + Sized {
    /// The operation that reads the page after this one; none if this is the last.
    fn next_page(&self, page: &Self::Output) -> Option<Self>;
}

/// The pages of a listing, read one at a time: [`Call::pages`] starts it.
///
/// The [timeout](Call::timeout) of the call is that of all pages together, from the first `next_page` on. After an
/// error, `next_page` reads the same page again.
#[derive(Debug)]
#[must_use = "`next_page` reads a page"]
pub struct Pages<'c, C, O> {
    pub(crate) client: &'c C,
    next: Option<O>,
    options: CallOptions,
    deadline: Option<Duration>,
}

impl<'c, C, O: Paged> Call<'c, C, O> {
    /// The pages of the listing, from this one on.
    pub fn pages(self) -> Pages<'c, C, O> {
        Pages {
            client: self.client,
            next: Some(self.operation),
            options: self.options,
            deadline: None,
        }
    }
}

/// The options of one of several calls that share a deadline; none if there is no time for one.
fn within(options: &CallOptions, deadline: Duration, now: Duration) -> Option<CallOptions> {
    let left = deadline.saturating_sub(now);
    (left >= CallOptions::MIN_TIMEOUT).then(|| options.clone().with_timeout(left))
}

pub(crate) async fn next_page<F: Flavour, O: Paged>(
    flavour: &F,
    config: &ClientConfig,
    pages: &mut Pages<'_, F, O>,
) -> Result<Option<O::Output>, Error> {
    let Some(operation) = &pages.next else { return Ok(None) };
    let now = flavour.now();
    let deadline =
        *pages.deadline.get_or_insert_with(|| now.saturating_add(pages.options.timeout()));
    pages.options.validate()?;
    let options = within(&pages.options, deadline, now).ok_or_else(|| {
        Error::builder(ErrorKind::Timeout)
            .endpoint(O::ENDPOINT)
            .effect(Effect::NotApplied)
            .reason("the time for all pages was up")
            .build()
    })?;
    let page = drive(flavour, Exchange::new(config, operation, options, now)).await?.value;
    let next = operation.next_page(&page);
    pages.next = next;
    Ok(Some(page))
}

/// Makes the same call again and again until its value is as it should be.
pub(crate) async fn poll<F: Flavour, O: Operation>(
    flavour: &F,
    config: &ClientConfig,
    call: Call<'_, F, O>,
    every: Duration,
    mut is_done: impl FnMut(&O::Output) -> bool,
) -> Result<Answer<O::Output>, Error> {
    // Without a wait it would keep the server and a processor busy.
    let every = every.max(CallOptions::MIN_TIMEOUT);
    let mut now = flavour.now();
    let deadline = now.saturating_add(call.options.timeout());
    let mut options = call.options.clone();
    let mut polls = 0;
    loop {
        polls += 1;
        let exchange = Exchange::new(config, &call.operation, options, now);
        let answer = drive(flavour, exchange).await?;
        if is_done(&answer.value) {
            return Ok(answer);
        }
        let wait = every.max(answer.metadata.retry_after().unwrap_or_default());
        now = flavour.now();
        let next = within(&call.options, deadline, now.saturating_add(wait));
        options = next.ok_or_else(|| not_done::<O>(polls, call.options.timeout()))?;
        flavour.sleep(wait).await;
        now = flavour.now();
        let next = within(&options, deadline, now);
        options = next.ok_or_else(|| not_done::<O>(polls, call.options.timeout()))?;
    }
}

fn not_done<O: Operation>(polls: u32, timeout: Duration) -> Error {
    Error::builder(ErrorKind::Timeout)
        .endpoint(O::ENDPOINT)
        .reason(format!("it was not done within {timeout:?} (calls: {polls})"))
        .build()
}

//! Lends the browser's transport to a test outside: see [`otp_example_browser_page::bridge`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use futures_util::future::{AbortHandle, abortable};
use otp_core::local::Transport;
use otp_example_browser_page::FetchTransport;
use otp_example_browser_page::bridge::{Failure, Job, Message, Outcome};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{RequestInit, Response, Window};

/// The jobs under way, by their number.
type UnderWay = Rc<RefCell<HashMap<u64, AbortHandle>>>;

fn main() {
    spawn_local(async {
        let under_way = UnderWay::default();
        // It ends with the server that hands out the jobs.
        while let Ok(jobs) = ask("jobs", None).await {
            let jobs: Vec<(u64, Job)> = serde_json::from_str(&jobs).unwrap_or_default();
            for (number, job) in jobs {
                begin(&under_way, number, job);
            }
        }
    });
}

fn begin(under_way: &UnderWay, number: u64, job: Job) {
    if let Job::Drop(number) = job {
        if let Some(abort) = under_way.borrow_mut().remove(&number) {
            abort.abort();
        }
        return;
    }
    let (work, abort) = abortable(work(job));
    under_way.borrow_mut().insert(number, abort);
    let under_way = Rc::clone(under_way);
    spawn_local(async move {
        let Ok(Some(outcome)) = work.await else { return };
        under_way.borrow_mut().remove(&number);
        if let Ok(outcome) = serde_json::to_string(&(number, outcome)) {
            let _ = ask("outcome", Some(&outcome)).await;
        }
    });
}

async fn work(job: Job) -> Option<Outcome> {
    let transport = FetchTransport;
    Some(match job {
        Job::Send(message) => match transport.send(message.into_request()?).await {
            Ok(response) => Outcome::Answered(Message::of_response(&response)),
            Err(error) => Outcome::Failed(Failure::from(&error)),
        },
        Job::Sleep(duration) => {
            transport.sleep(duration).await;
            Outcome::Slept
        }
        Job::Now => Outcome::Now(transport.now()),
        Job::Drop(_) => return None,
    })
}

/// Speaks to the server that this program came from, not by the transport under test.
async fn ask(path: &str, body: Option<&str>) -> Result<String, JsValue> {
    let init = RequestInit::new();
    if let Some(body) = body {
        init.set_method("POST");
        init.set_body(&body.into());
    }
    // A page or a worker: both have `fetch`.
    let global: Window = js_sys::global().unchecked_into();
    let response = JsFuture::from(global.fetch_with_str_and_init(path, &init)).await?;
    let text = JsFuture::from(response.unchecked_into::<Response>().text()?).await?;
    text.as_string().ok_or_else(|| "no text".into())
}

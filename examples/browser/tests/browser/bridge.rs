//! A transport out here that is the browser's in there.

use std::collections::HashMap;
use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::http::header::CONTENT_TYPE;
use otp_core::http::{self, HeaderValue};
use otp_core::{Request, Response, Transport, TransportError, async_trait};
use otp_example_browser::built_site;
use otp_example_browser_page::bridge::{Job, Message, Outcome};
use tokio::sync::oneshot;

use crate::browser::Browser;
use crate::http::{listen, read, write};

const START: &str = "import init from './bridge.js'; await init();";
const PAGE: &str = "<!doctype html><script type=module src=start.js></script>";
const PAGE_WITH_WORKER: &str =
    "<!doctype html><script>new Worker('start.js', { type: 'module' });</script>";

/// Hands each send, sleep and look at the clock to a [`FetchTransport`] in a browser.
///
/// [`FetchTransport`]: otp_example_browser_page::FetchTransport
#[derive(Clone)]
pub struct Bridge {
    desk: Arc<Desk>,
    // The browser runs for as long as this lives.
    _browser: Arc<Browser>,
}

/// Where jobs wait for the browser, and outcomes for those who asked.
struct Desk {
    jobs: Sender<(u64, Job)>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    by_number: HashMap<u64, Box<dyn FnOnce(Outcome) + Send>>,
}

impl Bridge {
    /// To a transport in a page.
    pub fn to_page(browser: Browser) -> Self {
        Self::to("page", browser)
    }

    /// To a transport in a worker, which has no window.
    pub fn to_worker(browser: Browser) -> Self {
        Self::to("worker", browser)
    }

    fn to(place: &str, browser: Browser) -> Self {
        let (jobs, waiting_jobs) = channel();
        let desk = Arc::new(Desk { jobs, waiting: Mutex::default() });
        let (at_desk, waiting_jobs) = (Arc::clone(&desk), Arc::new(Mutex::new(waiting_jobs)));
        let address = listen(move |stream| serve(&stream, &at_desk, &waiting_jobs));
        browser.open(&format!("http://{address}/{place}"));
        Self { desk, _browser: Arc::new(browser) }
    }

    /// Gives the browser a job, and its outcome to whoever waits.
    fn ask(&self, job: Job, waits: impl FnOnce(Outcome) + Send + 'static) -> Asked {
        let mut waiting = self.desk.waiting.lock().unwrap();
        waiting.last += 1;
        let number = waiting.last;
        waiting.by_number.insert(number, Box::new(waits));
        self.desk.jobs.send((number, job)).unwrap();
        Asked { desk: Arc::clone(&self.desk), number }
    }

    async fn outcome(&self, job: Job) -> Outcome {
        let (done, outcome) = oneshot::channel();
        let _asked = self.ask(job, |outcome| {
            // Whoever asked may have gone.
            let _ = done.send(outcome);
        });
        outcome.await.unwrap()
    }
}

/// A job that the browser has. Dropping it drops the future there.
struct Asked {
    desk: Arc<Desk>,
    number: u64,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if self.desk.waiting.lock().unwrap().by_number.remove(&self.number).is_some() {
            self.desk.jobs.send((0, Job::Drop(self.number))).unwrap();
        }
    }
}

#[async_trait]
impl Transport for Bridge {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        match self.outcome(Job::Send(Message::of_request(request))).await {
            Outcome::Answered(message) => Ok(message.into_response().unwrap()),
            Outcome::Failed(failure) => Err(failure.into()),
            other => unreachable!("the browser answers what it was asked: {other:?}"),
        }
    }

    async fn sleep(&self, duration: Duration) {
        self.outcome(Job::Sleep(duration)).await;
    }

    fn now(&self) -> Duration {
        let (done, outcome) = channel();
        let _asked = self.ask(Job::Now, move |outcome| {
            let _ = done.send(outcome);
        });
        // The desk has threads of its own, so the browser answers meanwhile.
        match outcome.recv_timeout(Duration::from_secs(30)).unwrap() {
            Outcome::Now(now) => now,
            other => unreachable!("the browser answers what it was asked: {other:?}"),
        }
    }
}

/// The browser asks for jobs as soon as it has the last ones, and waits until there are some.
fn serve(stream: &TcpStream, desk: &Desk, jobs: &Mutex<Receiver<(u64, Job)>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let (kind, body): (_, Vec<u8>) = match request.uri().path() {
            "/page" => ("text/html", PAGE.into()),
            "/worker" => ("text/html", PAGE_WITH_WORKER.into()),
            "/start.js" => ("text/javascript", START.into()),
            "/jobs" => {
                let jobs = jobs.lock().unwrap();
                let jobs: Vec<_> = jobs.recv().ok().into_iter().chain(jobs.try_iter()).collect();
                ("application/json", serde_json::to_vec(&jobs).unwrap())
            }
            "/outcome" => {
                let (number, outcome) =
                    serde_json::from_slice::<(u64, Outcome)>(request.body()).unwrap();
                let waits = desk.waiting.lock().unwrap().by_number.remove(&number);
                if let Some(waits) = waits {
                    waits(outcome);
                }
                ("application/json", Vec::new())
            }
            "/bridge.js" => ("text/javascript", file("bridge.js")),
            "/bridge_bg.wasm" => ("application/wasm", file("bridge_bg.wasm")),
            _ => ("text/plain", Vec::new()),
        };
        let mut response = http::Response::new(Bytes::from(body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        (&*stream).write_all(&write(&response)).ok()?;
    }
    None
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(built_site().join(name)).expect("examples/browser/build-and-test built it")
}

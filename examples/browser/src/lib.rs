//! The page's own server: it hands out the files that `build-and-test` built, and what the page's form
//! begins with. It listens on loopback only.

mod files;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use otp_core::AuthToken;
use otp_core::secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use self::files::Files;

/// What the page's form begins with.
#[derive(Clone, Debug)]
pub struct Prefill {
    /// Where the service is.
    pub base_url: String,
    /// For whom the page calls it. Whoever can open the page can read it: it is for an emulator.
    pub token: AuthToken,
    /// How long one attempt may take, in milliseconds; by default as the client has it.
    pub attempt_timeout_ms: Option<u64>,
}

/// A port that the page will be served from, before it is: an emulator needs to know the origin.
#[derive(Debug)]
pub struct Site {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

impl Site {
    /// Takes this port of loopback; 0 is a free one.
    ///
    /// # Errors
    ///
    /// If it is taken.
    pub fn bind(port: u16) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The page's origin, such as `http://127.0.0.1:8080`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves the files of this folder, on a thread of its own.
    ///
    /// # Errors
    ///
    /// If the folder does not have them, or the system has no thread to give.
    pub fn serve(self, folder: PathBuf, prefill: &Prefill) -> io::Result<Server> {
        let config = json!({
            "base_url": prefill.base_url,
            "token": prefill.token.expose_secret(),
            "attempt_timeout_ms": prefill.attempt_timeout_ms,
        });
        let files = Arc::new(Files::new(&folder, self.address, config.to_string())?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(self.listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("page".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = accept(listener, files) => {}
                }
            });
        })?;
        Ok(Server { address: self.address, stop: Some(stop), thread: Some(thread) })
    }
}

/// A served page. Dropping it stops the server.
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// The page.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends by itself; a panic of its own was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Where `build-and-test` puts what it built.
pub fn built_site() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/browser"))
}

async fn accept(listener: TcpListener, files: Arc<Files>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, say: some will close.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let files = Arc::clone(&files);
        let answer = service_fn(move |request| {
            let answer = files.answer(&request);
            async move { Ok::<_, Infallible>(answer) }
        });
        // A connection that fails is the browser's affair.
        tokio::spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

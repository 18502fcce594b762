//! The service over HTTP/1.1, failing as it is told, and keeping count.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use otp_core::bytes::Bytes;
use otp_core::http::{Request, Response};
use otp_mock::FakeOtps;

/// What happens to a request.
pub enum Fault {
    /// Nothing: the service answers.
    None,
    /// These bytes come back, and the service knows nothing of it.
    Answer(String),
    /// The service acts, and after the head of its answer the connection is closed.
    LoseBody,
    /// Nothing comes back until the client hangs up.
    Silence,
    /// A success begins and goes on until the client hangs up.
    Endless,
}

/// One server, a new connection for each request.
pub struct Faulty {
    fake: FakeOtps,
    address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
    hung_up: Receiver<()>,
}

/// Decides by the number of the request, from 0; preflights are not counted.
type Rule = dyn Fn(usize) -> Fault + Send + Sync;

impl Faulty {
    pub fn start(rule: impl Fn(usize) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (hang_up, hung_up) = channel();
        let faulty = Self {
            fake: FakeOtps::new(),
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
            hung_up,
        };
        let (fake, received) = (faulty.fake.clone(), Arc::clone(&faulty.received));
        let rule: Arc<Rule> = Arc::new(rule);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (fake, received) = (fake.clone(), Arc::clone(&received));
                let (rule, hang_up) = (Arc::clone(&rule), hang_up.clone());
                // A browser opens connections that it then does not use: hence a thread for each.
                std::thread::spawn(move || serve(stream, &fake, &received, &*rule, &hang_up));
            }
        });
        faulty
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/metal/v1", self.address)
    }

    pub fn fake(&self) -> &FakeOtps {
        &self.fake
    }

    /// The requests that arrived, such as `GET /user/otp/recovery-codes`, without preflights.
    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until a client hangs up on [`Fault::Silence`] or [`Fault::Endless`].
    pub fn wait_for_hang_up(&self) {
        self.hung_up.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
    }
}

fn serve(
    stream: TcpStream,
    fake: &FakeOtps,
    received: &Mutex<Vec<String>>,
    rule: &Rule,
    hang_up: &Sender<()>,
) -> Option<()> {
    let mut reader = BufReader::new(&stream);
    let request = read(&mut reader)?;
    if request.method() == "OPTIONS" {
        return answer(&stream, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
    }
    let number = {
        let mut received = received.lock().unwrap();
        let path = request.uri().path().trim_start_matches("/metal/v1");
        received.push(format!("{} {path}", request.method()));
        received.len() - 1
    };
    match rule(number) {
        Fault::None => answer(&stream, &write(&fake.respond(&request))),
        Fault::Answer(text) => answer(&stream, &text),
        Fault::LoseBody => {
            let text = write(&fake.respond(&request));
            answer(&stream, text.split_inclusive("\r\n\r\n").next()?)
        }
        Fault::Silence => {
            // Ends when the client hangs up.
            let _ = reader.read(&mut [0]);
            hang_up.send(()).ok()
        }
        Fault::Endless => {
            answer(&stream, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")?;
            while (&stream).write_all(&[b' '; 4096]).is_ok() {}
            hang_up.send(()).ok()
        }
    }
}

/// No operation has a body, so a request ends with its head.
fn read(reader: &mut impl BufRead) -> Option<Request<Bytes>> {
    let mut lines = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let first = lines.next()?;
    let mut first = first.split(' ');
    let mut request = Request::builder().method(first.next()?).uri(first.next()?);
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        request = request.header(name, value);
    }
    request.body(Bytes::new()).ok()
}

fn write(response: &Response<Bytes>) -> String {
    let mut text =
        format!("HTTP/1.1 {}\r\nContent-Length: {}\r\n", response.status(), response.body().len());
    for (name, value) in response.headers() {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    text + "\r\n" + std::str::from_utf8(response.body()).unwrap()
}

/// Any page may read it.
fn answer(mut stream: &TcpStream, text: &str) -> Option<()> {
    let allowed = "\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\n\
        Access-Control-Expose-Headers: *\r\nConnection: close\r\n";
    stream.write_all(text.replacen("\r\n", allowed, 1).as_bytes()).ok()
}

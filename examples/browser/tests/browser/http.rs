//! The little HTTP/1.1 that the tests' own servers speak.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use otp_core::bytes::Bytes;
use otp_core::http::{Request, Response};

/// Calls this for every connection, each on a thread of its own: a browser opens some that it then does
/// not use. It ends with the test's process.
pub fn listen(serve: impl Fn(TcpStream) -> Option<()> + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// The next request; none if the client hung up.
pub fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request<Bytes>> {
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut first = first.split(' ');
    let mut request = Request::builder().method(first.next()?).uri(first.next()?);
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(": ") else { break };
        request = request.header(name, value);
    }
    let length = request.headers_ref()?.get("content-length");
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body(body.into()).ok()
}

/// A response as it goes over the wire.
pub fn write(response: &Response<Bytes>) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {}\r\n", response.status());
    for (name, value) in response.headers() {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    text += &format!("content-length: {}\r\n\r\n", response.body().len());
    [text.as_bytes(), response.body()].concat()
}

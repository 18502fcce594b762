//! HTTP/2, frame by frame where a fault needs it, and by a server that keeps all rules where none does.

use std::io;
use std::time::Duration;

use http::Response;
use otp_core::bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::frames::{self, Frame};
use super::served::Served;
use super::{Ending, Fault, Received, Reply};

/// Reads what arrives, and so can record it.
pub(super) async fn serve_politely<S>(stream: &mut S, served: &Served) -> io::Result<Ending>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(1000).initial_window_size(1 << 20);
    let mut connection = builder.handshake(stream).await.map_err(io::Error::other)?;
    // Requests without an answer: dropping one would reset its stream.
    let mut silent = Vec::new();
    let mut open = tokio::task::JoinSet::new();
    loop {
        let (request, respond) = tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok(accepted)) => accepted,
                _ => return Ok(Ending::Close),
            },
            Some(Ok(read)) = open.join_next() => {
                let (received, mut respond): (Received, h2::server::SendResponse<Bytes>) = read;
                let marker = received.header("x-marker").unwrap_or_default().to_owned();
                match served.next(Some(received)) {
                    Fault::Answer(reply) => answer(&mut respond, reply),
                    Fault::Certificate(_) => answer(&mut respond, &Reply::json(200, "{}")),
                    Fault::Echo => answer(&mut respond, &Reply::status(200).body(marker)),
                    _ => silent.push(respond),
                }
                continue;
            }
        };
        open.spawn(async move { (read(request).await, respond) });
    }
}

async fn read(request: http::Request<h2::RecvStream>) -> Received {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(Ok(data)) = stream.data().await {
        let _ = stream.flow_control().release_capacity(data.len());
        body.extend_from_slice(&data);
    }
    let headers = head.headers.iter();
    Received {
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        body,
        head: format!(
            "{} {}",
            head.uri.scheme_str().unwrap_or_default(),
            head.uri.authority().map(ToString::to_string).unwrap_or_default()
        ),
    }
}

fn answer(respond: &mut h2::server::SendResponse<Bytes>, reply: &Reply) {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let response = response.body(()).expect("a response that a test has written");
    // The client may have gone.
    if let Ok(mut body) = respond.send_response(response, reply.body.is_empty()) {
        if !reply.body.is_empty() {
            let _ = body.send_data(Bytes::from(reply.body.clone()), true);
        }
    }
}

/// Keeps no rule but the framing's.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    served: &Served,
) -> io::Result<Ending> {
    let mut reader = frames::Reader::default();
    reader.preface(stream).await?;
    write(stream, &frames::settings()).await?;
    // How many streams wait for an answer that does not come.
    let mut silent = 0;
    loop {
        let Ok(Some(frame)) = reader.next(stream).await else {
            served.abandoned(silent);
            return Ok(Ending::Close);
        };
        match frame {
            Frame { kind: frames::RST_STREAM, .. } if silent > 0 => {
                silent -= 1;
                served.abandoned(1);
            }
            Frame { kind: frames::SETTINGS, flags: 0, .. } => {
                write(stream, &frames::settings_ack()).await?;
            }
            Frame { kind: frames::HEADERS, stream: id, .. } => {
                if let Some(ending) = request(stream, id, served, &mut silent).await? {
                    stream.flush().await?;
                    return Ok(ending);
                }
            }
            _ => {}
        }
        stream.flush().await?;
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, frame: &Frame) -> io::Result<()> {
    stream.write_all(&frame.encode()).await
}

async fn write_all<S: AsyncWrite + Unpin>(stream: &mut S, frames: &[Frame]) -> io::Result<()> {
    for frame in frames {
        write(stream, frame).await?;
    }
    Ok(())
}

async fn end<S: AsyncWrite + Unpin>(
    stream: &mut S,
    ending: Ending,
    byte: &Frame,
) -> io::Result<Option<Ending>> {
    stream.flush().await?;
    if ending == Ending::Trickle {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            write(stream, byte).await?;
            stream.flush().await?;
        }
    }
    Ok(Some(ending))
}

/// A head without its end.
fn open_head(id: u32, status: u16) -> Frame {
    Frame { flags: 0, ..frames::headers(id, status, &[], false) }
}

/// Does the fault to this stream; none if the connection goes on.
async fn request<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    id: u32,
    served: &Served,
    silent: &mut usize,
) -> io::Result<Option<Ending>> {
    let fault = served.next(None);
    match fault {
        Fault::Certificate(_) => write_all(stream, &Reply::json(200, "{}").http2(id)).await?,
        Fault::Answer(reply) => write_all(stream, &reply.http2(id)).await?,
        Fault::AnswerAndClose(reply) => {
            write_all(stream, &reply.http2(id)).await?;
            return Ok(Some(Ending::Close));
        }
        // No window is ever opened, so a deaf server need do nothing more.
        Fault::Silence | Fault::Deaf => *silent += 1,
        Fault::Late(each) => {
            tokio::time::sleep(*each).await;
            write(stream, &frames::headers(id, 200, &[], false)).await?;
            stream.flush().await?;
            tokio::time::sleep(*each).await;
            write(stream, &frames::data(id, b"late", true)).await?;
        }
        Fault::Close => return Ok(Some(Ending::Close)),
        Fault::Reset => return Ok(Some(Ending::Reset)),
        Fault::CutHead(ending) => {
            write(stream, &open_head(id, 200)).await?;
            let more = frames::continuation(id, frames::field("x-cut", "a"));
            return end(stream, *ending, &more).await;
        }
        Fault::Cut(status, ending) => {
            let headers = [("content-type", "application/json"), ("content-length", "300")];
            write(stream, &frames::headers(id, *status, &headers, false)).await?;
            write(stream, &frames::data(id, b"{\"recovery", false)).await?;
            return end(stream, *ending, &frames::data(id, b" ", false)).await;
        }
        Fault::Endless { announced } => {
            let length = [("content-length", "1073741824")];
            let headers = if *announced { &length[..] } else { &[] };
            write(stream, &frames::headers(id, 200, headers, false)).await?;
            match served.flood(stream, &frames::data(id, &[b'x'; 0x1000], false).encode()).await? {}
        }
        Fault::EndlessHead => {
            write(stream, &open_head(id, 200)).await?;
            let more = frames::field("x-more", &"x".repeat(100)).repeat(40);
            match served.flood(stream, &frames::continuation(id, more).encode()).await? {}
        }
        Fault::LargeHead(bytes) => {
            write(stream, &Frame { flags: frames::END_STREAM, ..open_head(id, 401) }).await?;
            let count = bytes / 10_000;
            for i in 1..=count {
                let more = frames::field("x-more", &"x".repeat(91)).repeat(100);
                let flags = if i == count { frames::END_HEADERS } else { 0 };
                write(stream, &Frame { flags, ..frames::continuation(id, more) }).await?;
            }
        }
        Fault::Informational(count, reply) => {
            for i in 0..*count {
                write(stream, &frames::headers(id, [100, 102, 103][i % 3], &[], false)).await?;
            }
            write_all(stream, &reply.http2(id)).await?;
        }
        Fault::EndlessInformational => {
            let head = frames::headers(id, 103, &[("link", "</x>")], false);
            match served.flood(stream, &head.encode()).await? {}
        }
        Fault::Frames(frames) => write_all(stream, &frames(id)).await?,
        Fault::FramesThenClose(frames) => {
            write_all(stream, &frames(id)).await?;
            return Ok(Some(Ending::Close));
        }
        Fault::Flood(frame) => match served.flood(stream, &frame(id).encode()).await? {},
        Fault::Refused
        | Fault::HangInConnect
        | Fault::HangInHandshake
        | Fault::CloseInHandshake
        | Fault::NotTls(_) => {
            return Ok(Some(Ending::Close));
        }
        Fault::Echo
        | Fault::TricklingEcho
        | Fault::ManyFields(_)
        | Fault::Raw(_)
        | Fault::Steps(_)
        | Fault::Early(_)
        | Fault::Unasked(..)
        | Fault::UnaskedLater(..) => panic!("not for HTTP/2 with other faults: {fault:?}"),
    }
    Ok(None)
}

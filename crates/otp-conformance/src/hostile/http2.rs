//! HTTP/2, frame by frame where a fault needs it, and by a server that keeps all rules where none does.
//!
//! Frame by frame means: a [`Link`] keeps the protocol's state, one future writes, one reads, and each stream
//! has one that does the fault to it. So one stream does not wait for another.

mod link;
mod request;
mod windows;

use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use http::Response;
use otp_core::bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, WriteHalf};

use super::frames::{self, Frame};
use super::http1::DEAF;
use super::served::Served;
use super::{Act, Ending, Fault, Received, Reply, Step};
use link::{Link, Order, Orders};

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
                let fault = match served.next(Some(received)) {
                    Fault::Polite(fault) => fault,
                    fault => fault,
                };
                match fault {
                    Fault::Answer(reply) => answer(&mut respond, reply),
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

/// Keeps flow control and the framing, and no other rule than the fault does.
pub(super) async fn serve<S>(stream: &mut S, served: &Served) -> io::Result<Ending>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (mut incoming, outgoing) = tokio::io::split(stream);
    let mut reader = frames::Reader::default();
    reader.preface(&mut incoming).await?;
    if matches!(served.last(), Fault::NoSettings) {
        return Ok(Ending::Silence);
    }
    let (link, orders) = Link::new(served);
    let mut writing = pin!(write(outgoing, orders, served));
    let mut streams: Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>> = Vec::new();
    let ended = loop {
        let frame = tokio::select! {
            ended = &mut writing => break ended,
            frame = reader.next(&mut incoming) => frame,
            () = drive(&mut streams) => continue,
        };
        match frame {
            Ok(Some(frame)) => {
                if let Some((id, fault)) = link.take(frame) {
                    if matches!(fault, Fault::Deaf) {
                        tokio::time::sleep(DEAF).await;
                        break Ok(Ending::Close);
                    }
                    streams.push(Box::pin(meet(&link, id, fault)));
                }
            }
            Ok(None) => break Ok(Ending::Close),
            Err(error) => break Err(error),
        }
    };
    served.abandoned(link.silent());
    ended
}

/// Drives all of them and drops those that have ended. It never ends by itself.
async fn drive(streams: &mut Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>>) {
    std::future::poll_fn(|cx| {
        streams.retain_mut(|stream| stream.as_mut().poll(cx).is_pending());
        Poll::<()>::Pending
    })
    .await;
}

/// Writes what it is ordered to, until one of the orders ends the connection.
async fn write<S>(
    mut stream: WriteHalf<&mut S>,
    mut orders: Orders,
    served: &Served,
) -> io::Result<Ending>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut counted = 0_u32;
    loop {
        match orders.next().await {
            Order::Write(bytes) | Order::Hold(bytes) => stream.write_all(&bytes).await?,
            Order::Flood(bytes) => {
                stream.write_all(&bytes).await?;
                served.wrote(bytes.len());
                counted += 1;
                if counted % 64 == 0 {
                    // A flood all the same; but the client runs on this machine too.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            Order::End(ending) => {
                stream.flush().await?;
                return Ok(ending);
            }
        }
        stream.flush().await?;
    }
}

/// A head without its end.
fn open_head(id: u32, status: u16) -> Frame {
    Frame { flags: 0, ..frames::headers(id, status, &[], false) }
}

/// Ends a stream, or the connection, as it is told.
async fn end(link: &Link<'_>, id: u32, ending: Ending, byte: &Frame) {
    match ending {
        Ending::Silence => link.is_silent(id),
        Ending::Close | Ending::Cut | Ending::Alert | Ending::Reset => link.end(ending).await,
        Ending::Trickle => {
            link.is_silent(id);
            while link.is_open(id) {
                tokio::time::sleep(Duration::from_millis(20)).await;
                link.send(byte).await;
            }
        }
    }
}

/// Does the fault to this stream.
async fn meet(link: &Link<'_>, id: u32, fault: &Fault) {
    match fault {
        Fault::Certificate(_) => reply(link, id, &Reply::json(200, "{}")).await,
        Fault::Answer(answer) => reply(link, id, answer).await,
        Fault::AnswerAndClose(answer) => {
            reply(link, id, answer).await;
            link.end(Ending::Close).await;
        }
        Fault::Echo => echo(link, id).await,
        Fault::TricklingEcho => {
            link.send(&frames::headers(id, 200, &[], false)).await;
            for byte in link.marker(id).bytes() {
                link.data(id, &[byte], false).await;
                tokio::task::yield_now().await;
            }
            link.data(id, b"", true).await;
        }
        Fault::Silence => link.is_silent(id),
        Fault::Late(each) => {
            tokio::time::sleep(*each).await;
            link.send(&frames::headers(id, 200, &[], false)).await;
            tokio::time::sleep(*each).await;
            link.data(id, b"late", true).await;
        }
        Fault::Close => link.end(Ending::Close).await,
        Fault::Reset => link.end(Ending::Reset).await,
        Fault::CutHead(ending) => {
            link.hold(&open_head(id, 200)).await;
            end(link, id, *ending, &frames::continuation(id, frames::field("x-cut", "a"))).await;
        }
        Fault::Cut(status, ending) => {
            let headers = [("content-type", "application/json"), ("content-length", "300")];
            link.send(&frames::headers(id, *status, &headers, false)).await;
            link.data(id, b"{\"recovery", false).await;
            end(link, id, *ending, &frames::data(id, b" ", false)).await;
        }
        Fault::Endless { announced } => {
            let length = [("content-length", "1073741824")];
            let headers = if *announced { &length[..] } else { &[] };
            // A client that wants no more of it gives the stream up, as one that waits in vain does.
            link.is_silent(id);
            link.send(&frames::headers(id, 200, headers, false)).await;
            while link.flood_data(id, &[b'x'; 0x1000]).await {}
        }
        Fault::EndlessHead => {
            link.hold(&open_head(id, 200)).await;
            let more = frames::field("x-more", "x".repeat(100)).repeat(40);
            link.flood(&frames::continuation(id, more)).await;
        }
        Fault::LargeHead(bytes) => {
            let field = ("x-more", "x".repeat(91));
            let fields = vec![(field.0, field.1.as_str()); bytes / 100];
            link.send(&frames::headers(id, 401, &fields, true)).await;
        }
        Fault::ManyFields(count) => {
            let names: Vec<_> = (0..*count).map(|i| format!("x-{i}")).collect();
            let fields: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
            link.send(&frames::headers(id, 401, &fields, true)).await;
        }
        Fault::Informational(count, answer) => {
            for i in 0..*count {
                link.send(&frames::headers(id, [100, 102, 103][i % 3], &[], false)).await;
            }
            reply(link, id, answer).await;
        }
        Fault::EndlessInformational => {
            link.flood(&frames::headers(id, 103, &[("link", "</x>")], false)).await;
        }
        Fault::Frames(frames) => link.send_all(&frames(id)).await,
        Fault::FramesThenClose(frames) => {
            link.send_all(&frames(id)).await;
            link.end(Ending::Close).await;
        }
        Fault::Flood(frame) => link.flood(&frame(id)).await,
        Fault::Stream(acts) | Fault::EarlyStream(acts) => {
            for act in acts {
                take(link, id, act).await;
            }
        }
        Fault::Steps(steps) | Fault::Early(steps) => {
            for step in steps {
                match step {
                    Step::Answer(answer) => reply(link, id, answer).await,
                    Step::Echo => echo(link, id).await,
                    Step::Wait(time) => tokio::time::sleep(*time).await,
                    Step::ReadBody => {
                        link.credit(0, READ_ALL);
                        link.credit(id, READ_ALL);
                        link.until(|state| state.is_complete(id)).await;
                    }
                    Step::End(ending) => {
                        end(link, id, *ending, &frames::data(id, b" ", false)).await;
                    }
                    Step::Write(_) => panic!("not for HTTP/2: {fault:?}"),
                }
            }
            link.credit(0, READ_ALL);
            link.credit(id, READ_ALL);
        }
        Fault::With(_, fault) | Fault::Polite(fault) => Box::pin(meet(link, id, fault)).await,
        // These concern the whole connection and do not come here.
        Fault::Refused
        | Fault::HangInConnect
        | Fault::HangInHandshake
        | Fault::NoSettings
        | Fault::Deaf
        | Fault::CloseInHandshake
        | Fault::NotTls(_) => link.end(Ending::Close).await,
        Fault::Raw(_) | Fault::Unasked(..) | Fault::UnaskedLater(..) => {
            panic!("not for HTTP/2: {fault:?}")
        }
    }
}

async fn reply(link: &Link<'_>, id: u32, reply: &Reply) {
    for frame in reply.http2(id) {
        if frame.kind == frames::DATA {
            link.data(id, &frame.payload, frame.flags & frames::END_STREAM != 0).await;
        } else {
            link.send(&frame).await;
        }
    }
}

async fn echo(link: &Link<'_>, id: u32) {
    reply(link, id, &Reply::status(200).body(link.marker(id))).await;
}

/// The credit for a body that is to be read in full.
const READ_ALL: u32 = 1 << 24;

/// How long an act waits for the client.
const PATIENCE: Duration = Duration::from_secs(2);

async fn take(link: &Link<'_>, id: u32, act: &Act) {
    match act {
        Act::Frame(frame) => link.send_anyway(&frame(id)).await,
        Act::Frames(frames) => link.send_all(&frames(id)).await,
        Act::Head(status, fields) => {
            link.send(&frames::headers(id, *status, fields, false)).await;
        }
        Act::Data(bytes) => link.data(id, bytes, false).await,
        Act::Oversized => {
            let bytes = vec![b' '; link.max_frame() + 1];
            link.send_anyway(&frames::data(id, &bytes, true)).await;
        }
        Act::End => link.data(id, b"", true).await,
        Act::Reply(answer) => reply(link, id, answer).await,
        Act::Echo => echo(link, id).await,
        Act::Reset(code) => link.send_anyway(&frames::reset(id, *code)).await,
        Act::GoAway(last, code) => link.go_away(last.of(id), *code).await,
        Act::Settings(settings) => {
            let acknowledged = link.settings(settings).await;
            or_close(link, PATIENCE, link.until(acknowledged)).await;
        }
        Act::Ping => {
            let answered = link.ping().await;
            or_close(link, PATIENCE, link.until(answered)).await;
        }
        // What it waits for and does not come is the case's to find.
        Act::Complete => {
            let complete = link.until(|state| state.is_complete(id));
            let _ = tokio::time::timeout(PATIENCE, complete).await;
        }
        Act::Requests(count) => link.requests(*count, PATIENCE).await,
        Act::Wait(time) => tokio::time::sleep(*time).await,
        Act::Credit(bytes) => {
            link.credit(0, *bytes);
            link.credit(id, *bytes);
        }
        Act::CreditConnection(bytes) => link.credit(0, *bytes),
        Act::Push(body) => link.send_all(&link.push(id, body)).await,
        Act::Close => link.end(Ending::Close).await,
        Act::ResetConnection => link.end(Ending::Reset).await,
    }
}

/// Closes the connection unless this ends in time.
async fn or_close(link: &Link<'_>, time: Duration, waiting: impl Future<Output = ()>) {
    if tokio::time::timeout(time, waiting).await.is_err() {
        link.end(Ending::Close).await;
    }
}

use crate::harness::{Observed, Subject};
use crate::hostile::{Ending, Fault, Step};
use crate::mismatch::{Check, expect, expect_eq};
use crate::time::all;
use std::time::Duration;

/// How many exchanges of a table run at the same time.
const AT_ONCE: usize = 16;

/// The time limit of an exchange that must not wait for anything.
pub(crate) const SOON: Duration = Duration::from_secs(2);

/// Runs the rows of a table, some at a time, and reports the first one that failed.
pub(crate) async fn each<T>(
    rows: impl IntoIterator<Item = (impl Into<String>, T)>,
    run: impl AsyncFn(T) -> Check,
) -> Check {
    let mut rows = rows.into_iter().map(|(what, row)| (what.into(), row)).peekable();
    while rows.peek().is_some() {
        let some = rows.by_ref().take(AT_ONCE).map(|(what, row): (String, T)| {
            let run = &run;
            async move { run(row).await.map_err(|wrong| wrong.when(&what)) }
        });
        for outcome in all(some).await {
            outcome?;
        }
    }
    Ok(())
}

/// Writes these bytes as the answer. The connection stays open.
pub(crate) fn written(bytes: impl AsRef<[u8]>) -> Fault {
    Fault::Steps(vec![Step::Write(bytes.as_ref().to_vec())])
}

/// Writes these bytes as the answer, and then the connection ends like this.
pub(crate) fn written_then(ending: Ending, bytes: impl AsRef<[u8]>) -> Fault {
    Fault::Steps(vec![Step::Write(bytes.as_ref().to_vec()), Step::End(ending)])
}

/// An answer with exactly this body.
pub(crate) fn has_body(seen: &Observed, body: impl AsRef<[u8]>) -> Check {
    let (got, body) = (seen.answer()?.body(), body.as_ref());
    if body.len() <= 100 {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        return expect_eq("a body", &text(got), &text(body));
    }
    expect(got[..] == *body, format!("these {} bytes of body", body.len()), || {
        let differs = got.iter().zip(body).take_while(|(a, b)| a == b).count();
        format!("{} bytes, which differ from byte {differs} on", got.len())
    })
}

/// An error, or an answer with exactly this body.
pub(crate) fn has_body_or_fails(seen: &Observed, body: impl AsRef<[u8]>) -> Check {
    match seen.error() {
        Ok(_) => Ok(()),
        Err(_) => has_body(seen, body).map_err(|wrong| wrong.or("an error")),
    }
}

/// Another request to a server that echoes from now on is answered with its own marker.
pub(crate) async fn next_is_answered(subject: &Subject) -> Check {
    let seen = subject.send(subject.marked("the-next").with_time_limit(SOON)).await;
    has_body(&seen, "the-next").map_err(|wrong| wrong.when("the next request"))
}

/// Another request gets its own answer or an error, and the one after that its own answer.
pub(crate) async fn next_is_own(subject: &Subject) -> Check {
    let seen = subject.send(subject.marked("the-next").with_time_limit(SOON)).await;
    has_body_or_fails(&seen, "the-next").map_err(|wrong| wrong.when("the next request"))?;
    next_is_answered(subject).await
}

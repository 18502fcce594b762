//! Attempts at several addresses, of which the first to succeed is used (RFC 8305 §§4, 5).

use std::collections::HashSet;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// How long an attempt is alone before the next one is started.
const DELAY: Duration = Duration::from_millis(250);

/// How many addresses are tried, and so how many attempts can run at a time.
const MOST: usize = 16;

/// Nothing connected.
#[derive(Debug)]
pub(super) enum Failed {
    NoAddress,
    /// With the most telling error.
    All(io::Error),
}

/// Each address once, the families in turns, and not more than are tried.
pub(super) fn in_order(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut seen = HashSet::new();
    let mut first = Vec::new();
    let mut other = Vec::new();
    for address in addresses {
        let of_first =
            first.first().is_none_or(|first: &SocketAddr| first.is_ipv4() == address.is_ipv4());
        let family = if of_first { &mut first } else { &mut other };
        if family.len() < MOST && seen.insert(address) {
            family.push(address);
        }
    }
    let mut other = other.into_iter();
    let mut ordered = Vec::with_capacity(MOST);
    for address in first {
        ordered.push(address);
        ordered.extend(other.next());
    }
    ordered.extend(other);
    ordered.truncate(MOST);
    ordered
}

/// The first that `connect` makes of these addresses, which are tried in this order.
///
/// All attempts are this future's own: they end when it does.
pub(super) async fn first<T, F>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, Failed>
where
    F: Future<Output = io::Result<T>>,
{
    let mut waiting = addresses.into_iter();
    let mut running: Vec<Pin<Box<F>>> = Vec::new();
    let mut pause: Option<Pin<Box<Sleep>>> = None;
    // How many attempts failed for which no other was started yet. The first one starts at once, too.
    let mut due = 1_usize;
    let mut told: Option<io::Error> = None;
    poll_fn(|cx| {
        loop {
            let mut i = 0;
            while let Some(attempt) = running.get_mut(i) {
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(Ok(connected)) => return Poll::Ready(Ok(connected)),
                    Poll::Ready(Err(error)) => {
                        drop(running.remove(i));
                        due += 1;
                        if told.as_ref().is_none_or(|told| rank(&error) > rank(told)) {
                            told = Some(error);
                        }
                    }
                    Poll::Pending => i += 1,
                }
            }
            if waiting.len() == 0 {
                return match told.take() {
                    _ if !running.is_empty() => Poll::Pending,
                    Some(error) => Poll::Ready(Err(Failed::All(error))),
                    None => Poll::Ready(Err(Failed::NoAddress)),
                };
            }
            if let Some(pause) = &mut pause {
                if due == 0 && pause.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
            if let Some(address) = waiting.next() {
                due = due.saturating_sub(1);
                running.push(Box::pin(connect(address)));
                pause = (waiting.len() > 0).then(|| Box::pin(sleep(DELAY)));
            }
        }
    })
    .await
}

/// How much an error tells: whoever answers "refused" is there, and the machine knows what "no route" means.
fn rank(error: &io::Error) -> u8 {
    use io::ErrorKind as Kind;
    // EAFNOSUPPORT of Linux, macOS and Windows, which has no kind: the family is switched off here.
    if let Some(97 | 47 | 10047) = error.raw_os_error() {
        return 0;
    }
    match error.kind() {
        Kind::ConnectionRefused => 5,
        Kind::ConnectionReset | Kind::ConnectionAborted => 4,
        Kind::TimedOut => 3,
        Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown => 1,
        // The machine has no address of the family.
        Kind::AddrNotAvailable | Kind::Unsupported => 0,
        // Such as "too many open files".
        _ => 2,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::cell::RefCell;
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    /// What becomes of an attempt.
    #[derive(Clone, Copy)]
    enum Fate {
        Connects(u64),
        Fails(u64, io::ErrorKind),
        Silent,
    }
    use Fate::{Connects, Fails, Silent};
    use io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused as Refused, HostUnreachable, NetworkUnreachable,
        TimedOut,
    };

    fn address(n: usize) -> SocketAddr {
        format!("192.0.2.1:{}", n + 1).parse().unwrap()
    }

    /// Runs the race on tokio's clock: the winner or the error, when it ended, and when each attempt began, in
    /// milliseconds.
    async fn race(fates: &[Fate]) -> (Result<usize, Option<io::ErrorKind>>, u128, Vec<u128>) {
        let start = Instant::now();
        let starts = RefCell::new(Vec::new());
        let raced = first((0..fates.len()).map(address).collect(), |address| {
            let n = usize::from(address.port()) - 1;
            starts.borrow_mut().push(start.elapsed().as_millis());
            let fate = fates[n];
            async move {
                match fate {
                    Connects(after) => {
                        sleep(Duration::from_millis(after)).await;
                        Ok(n)
                    }
                    Fails(0, kind) => Err(kind.into()),
                    Fails(after, kind) => {
                        sleep(Duration::from_millis(after)).await;
                        Err(kind.into())
                    }
                    Silent => pending().await,
                }
            }
        });
        let outcome = raced.await.map_err(|failed| match failed {
            Failed::All(error) => Some(error.kind()),
            Failed::NoAddress => None,
        });
        (outcome, start.elapsed().as_millis(), starts.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_address_starts_after_a_delay_or_at_once_after_a_failure() {
        for (fates, outcome, took, starts) in [
            (&[Connects(10), Connects(0)][..], Ok(0), 10, &[0][..]),
            (&[Silent, Connects(10)], Ok(1), 260, &[0, 250]),
            (&[Silent, Silent, Silent, Connects(10)], Ok(3), 760, &[0, 250, 500, 750]),
            // An earlier attempt goes on and may still win.
            (&[Connects(300), Connects(100)], Ok(0), 300, &[0, 250]),
            (&[Connects(900), Silent, Silent, Silent], Ok(0), 900, &[0, 250, 500, 750]),
            (&[Fails(0, Refused), Connects(0)], Ok(1), 0, &[0, 0]),
            (&[Fails(7, Refused), Connects(0)], Ok(1), 7, &[0, 7]),
            // A failure of an earlier attempt starts the next one too, and the delay counts from that start.
            (&[Fails(260, Refused), Silent, Silent, Connects(0)], Ok(3), 510, &[0, 250, 260, 510]),
            // So do two failures at the same time.
            (
                &[Fails(500, Refused), Fails(250, Refused), Connects(9), Connects(0)],
                Ok(3),
                500,
                &[0, 250, 500, 500],
            ),
            (&[], Err(None), 0, &[]),
            (&[Fails(5, Refused)], Err(Some(Refused)), 5, &[0]),
            (&[Fails(0, Refused), Fails(0, Refused)], Err(Some(Refused)), 0, &[0, 0]),
            // The last to fail need not be the last to start.
            (
                &[Fails(400, TimedOut), Fails(0, HostUnreachable)],
                Err(Some(TimedOut)),
                400,
                &[0, 250],
            ),
        ] {
            let seen = race(fates).await;
            assert_eq!(seen, (outcome, took, starts.to_vec()), "{starts:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_most_telling_error_is_reported_whichever_comes_first() {
        let ranks = [
            AddrNotAvailable,
            NetworkUnreachable,
            io::ErrorKind::PermissionDenied,
            TimedOut,
            io::ErrorKind::ConnectionReset,
            Refused,
        ];
        for (i, less) in ranks.iter().enumerate() {
            for more in &ranks[i + 1..] {
                for pair in [[*less, *more], [*more, *less]] {
                    let (outcome, ..) = race(&pair.map(|kind| Fails(0, kind))).await;
                    assert_eq!(outcome, Err(Some(*more)), "{pair:?}");
                }
            }
        }
        let no_family = io::Error::from_raw_os_error(97);
        assert!(rank(&no_family) < rank(&NetworkUnreachable.into()));
    }

    #[test]
    fn families_take_turns_duplicates_go_and_their_number_is_bounded() {
        let order = |given: &[&str]| {
            let given = given.iter().map(|address| address.parse().unwrap());
            in_order(given).iter().map(SocketAddr::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            order(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"]),
            ["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"]
        );
        assert_eq!(
            order(&["1.1.1.1:1", "1.1.1.2:1", "[::1]:1", "[::2]:1", "[::3]:1", "[::4]:1"]),
            ["1.1.1.1:1", "[::1]:1", "1.1.1.2:1", "[::2]:1", "[::3]:1", "[::4]:1"]
        );
        assert_eq!(
            order(&["1.1.1.1:1", "1.1.1.1:1", "1.1.1.1:2", "1.1.1.1:1"]),
            ["1.1.1.1:1", "1.1.1.1:2"]
        );
        assert_eq!(order(&[]), [""; 0]);
        // A hundred of one family, then two of the other: both families are tried.
        let many =
            (0..100).map(address).chain(["[::1]:1".parse().unwrap(), "[::2]:1".parse().unwrap()]);
        let tried = in_order(many);
        assert_eq!(tried.len(), MOST);
        assert_eq!(tried.iter().filter(|address| address.is_ipv6()).count(), 2);
        assert_eq!(in_order((0..100).map(address)).len(), MOST);
    }
}

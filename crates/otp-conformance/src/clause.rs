use std::fmt;

/// A promise of [`Transport`](otp_core::Transport#what-a-transport-promises), word for word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Clause {
    /// 1. It sends its request at most once.
    OneRequest,
    /// 2. The request arrives as it is.
    Unchanged,
    /// 3. The answer is what the server sent.
    AnyStatus,
    /// 4. It keeps the time limit in every phase.
    InTime,
    /// 5. It keeps the size limit.
    InBounds,
    /// 6. It says what failed, and whether the request may have left.
    Honest,
    /// 7. It tells no secret.
    Discreet,
    /// 8. It can be dropped.
    Cancellable,
    /// 9. It can be called while it is called.
    Concurrent,
    /// 10. It can wait.
    OnTheClock,
}

impl Clause {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::OneRequest,
        Self::Unchanged,
        Self::AnyStatus,
        Self::InTime,
        Self::InBounds,
        Self::Honest,
        Self::Discreet,
        Self::Cancellable,
        Self::Concurrent,
        Self::OnTheClock,
    ];

    /// Its number in the documentation of `Transport`.
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// Its heading there.
    pub fn title(self) -> &'static str {
        self.parts().0
    }

    /// What it says there.
    pub fn text(self) -> &'static str {
        self.parts().1
    }

    fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::OneRequest => (
                "One request",
                "`send` sends its request at most once, whatever comes back: it does not retry, \
                 follow redirects, answer challenges or keep cookies. An attempt that provably did \
                 not leave may be repeated inside.",
            ),
            Self::Unchanged => (
                "Unchanged",
                "Method, path and query, header values and body arrive byte for byte. What framing \
                 needs is added (`Host`, `Content-Length`) and nothing else; in particular no \
                 `Accept-Encoding`, and no second copy of a secret.",
            ),
            Self::AnyStatus => (
                "Any status is an answer",
                "`401` and `500` are `Ok`. Status, headers and body are what the server sent: \
                 informational responses (`1xx`) are skipped, and the body is not decompressed.",
            ),
            Self::InTime => (
                "In time",
                "It ends within [`Request::time_limit`], whichever phase it is in: connecting, \
                 writing, waiting for the head, reading the body, however slowly the bytes trickle.",
            ),
            Self::InBounds => (
                "In bounds",
                "A body may be as large as [`Request::response_limit`] and not a byte larger: then it \
                 stops reading and answers [`TransportErrorKind::ResponseTooLarge`]. A head that never \
                 ends is given up too. A send that failed leaves no connection, thread or memory \
                 behind.",
            ),
            Self::Honest => (
                "Honest",
                "What is cut short, or is not HTTP, is never an answer, and the kind of the error says \
                 what failed. A failure is [`TransportError::not_sent`] only if no byte of the request \
                 can have reached the server, and [`TransportError::unknown`] in every other case. A \
                 head that arrived before the failure comes with it ([`TransportError::with_head`]). \
                 A kept connection that was closed meanwhile is replaced, and after a failure the next \
                 `send` gets its own answer.",
            ),
            Self::Discreet => (
                "Discreet",
                "Its errors, their sources, its log lines and spans hold no URL and no header value. A \
                 request goes to the origin of its URL and to no other, and what is for an `https` URL \
                 never leaves in the clear.",
            ),
            Self::Cancellable => (
                "Cancellable",
                "Nothing is sent before the future of `send` is polled. Dropping it gives the attempt \
                 up: nothing is sent again, and the next `send` gets its own answer.",
            ),
            Self::Concurrent => (
                "Concurrent",
                "Sends at the same time do not wait for one another, and each gets its own answer.",
            ),
            Self::OnTheClock => (
                "On the clock",
                "`sleep` waits as long as it is told, and `now` goes on with the time that passes.",
            ),
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.number(), self.title())
    }
}

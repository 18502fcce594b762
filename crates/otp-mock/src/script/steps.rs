//! The script: which reply for which request, and what to say when there is none.

use std::fmt::Write;

use super::{Expected, SeenRequest};
use crate::{Replies, Reply};

/// Whether the steps are taken one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Given,
    Any,
}

pub(super) struct Steps {
    order: Order,
    steps: Vec<Step>,
}

struct Step {
    expected: Expected,
    answer: Answer,
}

enum Answer {
    Once(Reply),
    Taken,
    Always(Replies),
}

/// A reply, or what makes it.
pub(super) enum Given {
    Reply(Reply),
    OneOf(Replies),
}

impl Given {
    pub(super) fn make(self) -> Reply {
        match self {
            Self::Reply(reply) => reply,
            Self::OneOf(replies) => replies.next(),
        }
    }
}

impl Steps {
    pub(super) fn new(order: Order) -> Self {
        Self { order, steps: Vec::new() }
    }

    /// Why a further step would never have its turn, if so.
    pub(super) fn closed(&self) -> Option<String> {
        let always = |step: &Step| matches!(step.answer, Answer::Always(_));
        let (number, step) = self.numbered().find(|(_, step)| always(step))?;
        (self.order == Order::Given).then(|| {
            format!(
                "step {number}, {}, answers always, so no step after it has its turn: a script of \
                 `ScriptedTransport::in_any_order` looks for the first that fits",
                step.expected
            )
        })
    }

    pub(super) fn once(&mut self, expected: Expected, reply: Reply) {
        self.steps.push(Step { expected, answer: Answer::Once(reply) });
    }

    pub(super) fn always(&mut self, expected: Expected, replies: Replies) {
        self.steps.push(Step { expected, answer: Answer::Always(replies) });
    }

    /// The reply to this request, or why there is none.
    pub(super) fn take(&mut self, request: &SeenRequest) -> Result<Given, String> {
        let mut open = self.steps.iter_mut().filter(|step| step.is_open());
        let step = match self.order {
            Order::Given => open.next().filter(|step| step.takes(request)),
            Order::Any => open.find(|step| step.takes(request)),
        };
        match step.map(|step| &mut step.answer) {
            Some(Answer::Always(replies)) => Ok(Given::OneOf(replies.clone())),
            Some(answer) => match std::mem::replace(answer, Answer::Taken) {
                Answer::Once(reply) => Ok(Given::Reply(reply)),
                Answer::Taken | Answer::Always(_) => Err(self.mismatch(request)),
            },
            None => Err(self.mismatch(request)),
        }
    }

    /// The steps that nobody asked for; empty if there is none.
    pub(super) fn left(&self) -> String {
        listed(self.numbered().filter(|(_, step)| matches!(step.answer, Answer::Once(_))))
    }

    fn numbered(&self) -> impl DoubleEndedIterator<Item = (usize, &Step)> {
        self.steps.iter().enumerate().map(|(at, step)| (at + 1, step))
    }

    /// Why no step answers this request: the step that it should be, with the difference, or else the
    /// steps that are open.
    fn mismatch(&self, request: &SeenRequest) -> String {
        let mut told = format!(
            "no step of the script answers {} ({} {})",
            request.operation(),
            request.endpoint().method(),
            request.endpoint().path_template()
        );
        let open: Vec<_> = self.numbered().filter(|(_, step)| step.is_open()).collect();
        let compared = match self.order {
            Order::Given => open.first().map(|step| ("the next", step)),
            Order::Any => {
                let same = open.iter().find(|(_, step)| step.expected.is_of(request));
                same.map(|step| ("the first open one of this operation", step))
            }
        };
        // Writing to a string does not fail.
        let _ = match compared {
            Some((which, (number, step))) => {
                let _ = write!(told, "; {which} is step {number} of {}, ", self.steps.len());
                let _ = write!(told, "{}:", step.expected);
                let mut looked = step.expected.look_at(request).into_iter();
                looked.try_for_each(|looked| write!(told, "\n    {looked}"))
            }
            None if self.steps.is_empty() => write!(
                told,
                "; it has no step, so no request was expected: `answer` and `answer_always` add steps"
            ),
            None if open.is_empty() => {
                write!(told, "; all {} were asked for already", self.steps.len())
            }
            None => write!(told, "; open are {}", listed(open.iter().copied())),
        };
        let mut others = self.numbered().filter(|(_, step)| step.expected.takes(request));
        let other = match self.order {
            Order::Given => others
                .find(|(_, step)| step.is_open())
                .map(|(later, _)| format!("step {later} would answer it, in its turn")),
            Order::Any => others
                .next_back()
                .map(|(taken, _)| format!("step {taken} answered it already, which it does once")),
        };
        if let Some(other) = other {
            let _ = write!(told, "\n    ({other})");
        }
        told
    }
}

/// Each with its number.
fn listed<'a>(steps: impl Iterator<Item = (usize, &'a Step)>) -> String {
    let named = steps.map(|(number, step)| format!("step {number}, {}", step.expected));
    named.collect::<Vec<_>>().join(" and ")
}

impl Step {
    fn is_open(&self) -> bool {
        !matches!(self.answer, Answer::Taken)
    }

    fn takes(&self, request: &SeenRequest) -> bool {
        self.expected.takes(request)
    }
}

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

    /// The steps that nobody asked for, one a line.
    pub(super) fn left(&self) -> Vec<String> {
        self.numbered()
            .filter(|(_, step)| matches!(step.answer, Answer::Once(_)))
            .map(|(number, step)| format!("step {number}, {}", step.expected))
            .collect()
    }

    fn numbered(&self) -> impl Iterator<Item = (usize, &Step)> {
        self.steps.iter().enumerate().map(|(at, step)| (at + 1, step))
    }

    /// The nearest step, and how the request differs from it.
    fn mismatch(&self, request: &SeenRequest) -> String {
        let mut told = format!(
            "no step of the script answers {} ({} {})",
            request.operation(),
            request.endpoint().method(),
            request.endpoint().path_template()
        );
        let open = || self.numbered().filter(|(_, step)| step.is_open());
        let likeness = |step: &Step| {
            let looked = step.expected.look_at(request);
            let same = looked.iter().filter(|looked| looked.is_as_expected()).count();
            // Of two that are as like, the one that asks for less.
            (same, usize::MAX - looked.len())
        };
        let nearest = match self.order {
            Order::Given => open().next(),
            // The first of those that are most alike.
            Order::Any => open()
                .reduce(|best, next| if likeness(next.1) > likeness(best.1) { next } else { best }),
        };
        let Some((number, step)) = nearest else {
            let _ = match self.steps.len() {
                0 => write!(
                    told,
                    "; it has no step, so no request was expected: `answer` and `answer_always` add \
                     steps"
                ),
                steps => write!(told, "; all {steps} were asked for already"),
            };
            return told;
        };
        let which = if self.order == Order::Given { "the next" } else { "the nearest" };
        let _ =
            write!(told, "; {which} is step {number} of {}, {}:", self.steps.len(), step.expected);
        for looked in step.expected.look_at(request) {
            let _ = write!(told, "\n    {looked}");
        }
        let other = match self.order {
            Order::Given => open()
                .skip(1)
                .find(|(_, step)| step.takes(request))
                .map(|(later, _)| format!("step {later} would answer it, in its turn")),
            Order::Any => self
                .numbered()
                .filter(|(_, step)| !step.is_open() && step.takes(request))
                .last()
                .map(|(taken, _)| format!("step {taken} answered it already, which it does once")),
        };
        if let Some(other) = other {
            let _ = write!(told, "\n    ({other})");
        }
        told
    }
}

impl Step {
    fn is_open(&self) -> bool {
        !matches!(self.answer, Answer::Taken)
    }

    fn takes(&self, request: &SeenRequest) -> bool {
        self.expected.takes(request)
    }
}

//! Every flaw that takes more than one call to see, or more than one server, or a while.

use otp_conformance::Case::{self, *};

use super::flaws::{everywhere, over_tls};
use crate::proof::{Broken, Flavour, Over};

/// Where a send can be dropped.
const DROPPED: &[(Over, Flavour)] = &[(Over::Tls, Flavour::Async), (Over::Clear, Flavour::Local)];

// The first flaw of each case is tried in each flavour. What follows differs in what is wrong, and not in where.

const fn in_async(what: &'static str, case: Case) -> Broken {
    Broken { what, case, on: &[(Over::Tls, Flavour::Async)] }
}

const fn in_blocking(what: &'static str, case: Case) -> Broken {
    Broken { what, case, on: &[(Over::Tls, Flavour::Blocking)] }
}

const fn in_local(what: &'static str, case: Case) -> Broken {
    Broken { what, case, on: &[(Over::Clear, Flavour::Local)] }
}

const fn dropped(what: &'static str, case: Case) -> Broken {
    Broken { what, case, on: DROPPED }
}

pub const FLAWS: &[Broken] = &[
    // Two servers.
    everywhere("the pool ignores the port", OnePortIsNotAnother),
    in_blocking("the pool ignores the origin", OnePortIsNotAnother),
    in_local("every request goes to the first server", OnePortIsNotAnother),
    in_async("two at once go where the last one goes", OnePortIsNotAnother),
    everywhere("the pool ignores the host", OneHostIsNotAnother),
    in_blocking("the host is that of the first request", OneHostIsNotAnother),
    over_tls("the pool ignores the scheme", HttpIsNotHttps),
    over_tls("the pool goes by the address", OneNameIsNotAnother),
    in_blocking("the name in the handshake is the first server's", OneNameIsNotAnother),
    everywhere("a kept connection stands in for one refused", AFailureAtOneServerStaysThere),
    in_async("what one server has closed goes to another", AFailureAtOneServerStaysThere),
    in_blocking("a misdirected request goes to another server", AFailureAtOneServerStaysThere),
    everywhere("an alternative service is used", FollowsNoHint),
    in_local("the location of a 201 is fetched", FollowsNoHint),
    in_async("the location of a 202 is polled", FollowsNoHint),
    in_blocking("a 305 names a proxy to use", FollowsNoHint),
    in_local("a refresh is followed", FollowsNoHint),
    in_async("what is linked is fetched ahead", FollowsNoHint),
    // The next call.
    everywhere("a connection is kept after any timeout", AfterATimeout),
    in_blocking("a connection is kept after a timeout before the head", AfterATimeout),
    in_local("a connection is kept after a timeout within the head", AfterATimeout),
    in_async("a connection is kept after a timeout within the body", AfterATimeout),
    in_blocking("a connection is kept after a timeout within a chunk", AfterATimeout),
    in_local("a connection is kept after a timeout while writing", AfterATimeout),
    in_async("a timeout in the handshake ends the transport", AfterATimeout),
    everywhere("a connection is kept after any answer too large", AfterAnAnswerTooLarge),
    in_blocking("a connection is kept after a length too large", AfterAnAnswerTooLarge),
    in_local("a connection is kept while a body too large comes", AfterAnAnswerTooLarge),
    in_async("a connection is kept after a chunk too large", AfterAnAnswerTooLarge),
    in_blocking("a connection is kept after a head too large", AfterAnAnswerTooLarge),
    everywhere("a connection is kept after what is not HTTP", AfterAMalformedAnswer),
    in_local("a connection is kept after lengths that disagree", AfterAMalformedAnswer),
    in_async("a connection is kept after a wrong chunk", AfterAMalformedAnswer),
    in_blocking("a 101 is an answer like any other", AfterAMalformedAnswer),
    everywhere("a lost connection is kept", AfterALostConnection),
    in_local("after a failure it waits", AfterALostConnection),
    in_async("three failures are taken for an outage", AfterALostConnection),
    in_blocking("a failure fails the next call too", AfterALostConnection),
    in_local("a body cut off is followed by the next answer", AfterALostConnection),
    everywhere("what follows a 204 is the next answer", AfterAnAnswerWithMore),
    in_async("what follows a 304 is the next answer", AfterAnAnswerWithMore),
    in_blocking("what follows a length is the next answer", AfterAnAnswerWithMore),
    in_local("what follows a last chunk is kept for the next", AfterAnAnswerWithMore),
    in_async("a connection is kept though the request is not written", AfterAnAnswerWithMore),
    everywhere("each failure takes one of six permits", AfterSeveralFailuresAtOnce),
    in_blocking("a late answer is given to the next call", AfterSeveralFailuresAtOnce),
    dropped("a drop keeps the connection", AfterADropALateAnswerIsNobodys),
    dropped("a drop within the body keeps the connection", AfterADropALateAnswerIsNobodys),
    everywhere("six connections are enough", OneDoesNotWaitForAnother),
    in_async("a hundred connections are enough", OneDoesNotWaitForAnother),
    everywhere("behind a closed connection every other is open", AClosedConnectionIsReplaced),
    everywhere("a connection is emptied after what is malformed, and kept", AfterAMalformedAnswer),
    // Repeats.
    in_local("a lost HEAD is sent again", RepeatsNothingThatWasLost),
    in_blocking("a lost OPTIONS is sent again", RepeatsNothingThatWasLost),
    in_async("a lost request with an idempotency key is sent again", RepeatsNothingThatWasLost),
    in_async("a 408 to a GET on a kept connection is sent again", RepeatsNothingForAStatus),
    in_local("a 417 is sent again", RepeatsNothingForAStatus),
    in_blocking("a 505 is sent again", RepeatsNothingForAStatus),
    everywhere("a second copy is sent after half a second", RepeatsNothingAfterSilence),
    in_local("a second copy of a GET is sent after a second", RepeatsNothingAfterSilence),
    in_async("what is late is sent again", RepeatsNothingAfterSilence),
    in_blocking("what is late on a kept connection is sent again", RepeatsNothingAfterSilence),
    everywhere("what was lost is sent again after a second", RepeatsNothingThatWasLost),
    in_local("a lost GET is sent again", RepeatsNothingThatWasLost),
    in_async("a lost PUT is sent again", RepeatsNothingThatWasLost),
    in_blocking("a lost DELETE is sent again", RepeatsNothingThatWasLost),
    in_local("a GET lost on a kept connection is sent again", RepeatsNothingThatWasLost),
    in_async("a POST lost on a kept connection is sent again", RepeatsNothingThatWasLost),
    in_blocking("a lost body is asked for again", RepeatsNothingThatWasLost),
    everywhere("a 408 that closes is sent again", RepeatsNothingForAStatus),
    in_local("a 408 to a GET is sent again", RepeatsNothingForAStatus),
    in_async("a misdirected request is sent again", RepeatsNothingForAStatus),
    in_blocking("a 425 is sent again", RepeatsNothingForAStatus),
    in_local("a 503 is sent again at once if it says so", RepeatsNothingForAStatus),
    in_async("a PUT is sent again after a second if a 503 says so", RepeatsNothingForAStatus),
    in_blocking("a 429 is sent again after a second", RepeatsNothingForAStatus),
    in_local("a 413 is sent again if it says so", RepeatsNothingForAStatus),
    everywhere("a farewell is the next answer", AnUnaskedFarewellIsNobodys),
    in_async("a farewell fails the next call", AnUnaskedFarewellIsNobodys),
    // What was received.
    over_tls("an alert proves that nothing was sent", AnAlertAfterTheRequestIsUnknown),
    in_async("an alert on a kept connection proves it", AnAlertAfterTheRequestIsUnknown),
    in_blocking("an end without a farewell proves it", AnAlertAfterTheRequestIsUnknown),
    in_async("an alert within the body proves it", AnAlertAfterTheRequestIsUnknown),
    in_blocking("what ended by an alert is sent again", AnAlertAfterTheRequestIsUnknown),
    everywhere("a write that fails has sent nothing", AWriteThatFailsIsUnknown),
    in_local("a write that fails is tried again", AWriteThatFailsIsUnknown),
    in_async("a large body that is lost has sent nothing", AWriteThatFailsIsUnknown),
    everywhere("a send goes on after its limit", ALateConnectionGetsNoRequest),
    in_blocking("a POST goes on after its limit", ALateConnectionGetsNoRequest),
    in_blocking("a handshake is waited for, and then it is sent", ALateConnectionGetsNoRequest),
    everywhere("a POST whose connection closes was not sent", WhatIsSaidToBeUnsentIsUnsent),
    // Limits and sleeps.
    over_tls("connecting has a limit of its own", OneLimitForAllPhases),
    in_async("writing has a limit of its own", OneLimitForAllPhases),
    in_blocking("each line of a head has a limit of its own", OneLimitForAllPhases),
    everywhere("0 is no limit", ATinyLimitIsALimit),
    in_local("less than a millisecond is no limit", ATinyLimitIsALimit),
    in_async("a limit is half a second at least", ATinyLimitIsALimit),
    in_blocking("a limit of nothing panics", ATinyLimitIsALimit),
    everywhere("a huge limit panics", AHugeLimitIsAwaited),
    in_local("a huge limit is over at once", AHugeLimitIsAwaited),
    in_async("a limit has 32 bits of milliseconds", AHugeLimitIsAwaited),
    in_blocking("a limit has 32 bits of microseconds", AHugeLimitIsAwaited),
    in_local("a limit has 32 bits of seconds", AHugeLimitIsAwaited),
    everywhere("a limit is rounded down to seconds", ALimitMayHaveFractions),
    in_async("a limit is rounded up to seconds", ALimitMayHaveFractions),
    everywhere("one connects at a time", OneThatConnectsHoldsNobodyUp),
    in_blocking("one connects at a time and waits its limit", OneThatConnectsHoldsNobodyUp),
    everywhere("a sleep is whole seconds", SleepsAreAsLongAsTold),
    in_local("a sleep is a second at most", SleepsAreAsLongAsTold),
    in_async("a short sleep is none", SleepsAreAsLongAsTold),
    in_blocking("sleeps take turns", SleepsAreAsLongAsTold),
    in_local("a sleep of nothing is for ever", SleepsAreAsLongAsTold),
    // What is left.
    everywhere("a connection that failed stays open", FailuresLeaveNoConnection),
    in_async("a connection that timed out stays open", FailuresLeaveNoConnection),
    in_blocking("a connection that the server closed stays open", FailuresLeaveNoConnection),
    in_local("a connection of an answer too large stays open", FailuresLeaveNoConnection),
    in_async("a handshake given up stays open", FailuresLeaveNoConnection),
    dropped("a dropped send goes on", FailuresLeaveNoConnection),
    everywhere("each timeout leaves a thread", FailuresLeaveNoThread),
    in_blocking("each refusal leaves a thread", FailuresLeaveNoThread),
    in_local("each refusal leaves a socket", FailuresLeaveNoThread),
    everywhere("a body cut off is kept", FailuresLeaveNoMemory),
    in_async("a request not sent is kept", FailuresLeaveNoMemory),
];

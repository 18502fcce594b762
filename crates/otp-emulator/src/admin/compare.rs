//! How what happened differs from what a test expects.
//!
//! Each entry counts for one expectation at most. An assignment of entries to expectations is found if there is one, as
//! a maximum flow from the expectations to the kinds of entries.

use std::collections::VecDeque;

use otp_mock::JournalEntry;

use super::expected::Expected;
use super::journal::told;

/// How many entries are shown for an expectation that does not hold.
const SHOWN: usize = 5;

/// What is not as expected.
pub(super) struct Differences<'a> {
    pub(super) of_expected: Vec<Difference<'a>>,
    /// Entries that no expectation matches.
    pub(super) unexpected: Vec<&'a JournalEntry>,
}

/// An expectation that does not hold.
pub(super) struct Difference<'a> {
    pub(super) expected: &'a Expected,
    /// How many entries count for it.
    pub(super) found: u64,
    /// Those that are too many; otherwise the closest ones that count for no expectation.
    pub(super) nearest: Vec<&'a JournalEntry>,
}

/// Entries that the same expectations match.
struct Kind<'a> {
    matched_by: Vec<usize>,
    entries: Vec<&'a JournalEntry>,
}

/// Which expectation takes how many entries of which kind: `taken[expectation][kind]`.
struct Flow {
    taken: Vec<Vec<usize>>,
}

pub(super) fn compare<'a>(
    expected: &'a [Expected],
    entries: &[&'a JournalEntry],
) -> Differences<'a> {
    let (mut of_expected, mut unexpected) = (Vec::new(), Vec::new());
    let mut kinds: Vec<Kind<'a>> = Vec::new();
    for entry in entries {
        let matching = expected.iter().enumerate().filter(|(_, expected)| expected.matches(entry));
        let matched_by: Vec<_> = matching.map(|(at, _)| at).collect();
        match kinds.iter_mut().find(|kind| kind.matched_by == matched_by) {
            _ if matched_by.is_empty() => unexpected.push(*entry),
            Some(kind) => kind.entries.push(entry),
            None => kinds.push(Kind { matched_by, entries: vec![entry] }),
        }
    }
    let flow = Flow::greatest(expected, &kinds);
    // Entries that count for no expectation, as too many for the first that matches them.
    let left = |at: usize| kinds[at].entries.len() - flow.taken_of(at);
    for (at, expectation) in expected.iter().enumerate() {
        let own = kinds.iter().enumerate().filter(|(_, kind)| kind.matched_by.contains(&at));
        let own: Vec<_> = own.collect();
        let taken: usize = flow.taken[at].iter().sum();
        let is_first = |kind: &Kind<'_>| kind.matched_by.first() == Some(&at);
        let more = own.iter().filter(|(_, kind)| is_first(kind)).map(|(kind, _)| left(*kind));
        // Of "none of these", every one is too many, whatever else expects it.
        let found = match expectation.count {
            0 => own.iter().map(|(_, kind)| kind.entries.len()).sum(),
            _ => taken + more.sum::<usize>(),
        };
        if found as u64 == expectation.count {
            continue;
        }
        let nearest = if found as u64 > expectation.count {
            let mut those: Vec<_> = own.iter().flat_map(|(_, kind)| kind.entries.clone()).collect();
            those.sort_by_key(|entry| entry.number);
            those.truncate(SHOWN);
            those
        } else {
            let mut unused = unexpected.clone();
            let kinds = kinds.iter().enumerate();
            unused.extend(kinds.flat_map(|(at, kind)| kind.entries.iter().rev().take(left(at))));
            nearest(expectation, unused)
        };
        of_expected.push(Difference { expected: expectation, found: found as u64, nearest });
    }
    Differences { of_expected, unexpected }
}

/// Those of these entries that differ least, oldest first.
fn nearest<'a>(expected: &Expected, mut entries: Vec<&'a JournalEntry>) -> Vec<&'a JournalEntry> {
    entries.sort_by_key(|entry| entry.number);
    let least = entries.iter().map(|entry| expected.distance(entry)).min();
    entries.retain(|entry| Some(expected.distance(entry)) == least);
    entries.truncate(SHOWN);
    entries
}

impl Flow {
    fn greatest(expected: &[Expected], kinds: &[Kind<'_>]) -> Self {
        let mut flow = Self { taken: vec![vec![0; kinds.len()]; expected.len()] };
        for (at, expectation) in expected.iter().enumerate() {
            let all = kinds.iter().map(|kind| kind.entries.len()).sum();
            let mut wanted = usize::try_from(expectation.count).unwrap_or(usize::MAX).min(all);
            while wanted > 0 {
                match flow.more_for(at, wanted, kinds) {
                    0 => break,
                    more => wanted -= more,
                }
            }
        }
        flow
    }

    fn taken_of(&self, kind: usize) -> usize {
        self.taken.iter().map(|of| of[kind]).sum()
    }

    /// Lets an expectation take up to so many entries more. Others may have to take other ones for that. Gives how
    /// many it took.
    fn more_for(&mut self, at: usize, wanted: usize, kinds: &[Kind<'_>]) -> usize {
        // By which kind each expectation is reached, and by which expectation each kind.
        let (mut to_expectation, mut to_kind) =
            (vec![None; self.taken.len()], vec![None; kinds.len()]);
        let mut reached = VecDeque::from([at]);
        while let Some(from) = reached.pop_front() {
            for (number, kind) in kinds.iter().enumerate() {
                if to_kind[number].is_some() || !kind.matched_by.contains(&from) {
                    continue;
                }
                to_kind[number] = Some(from);
                let free = kind.entries.len() - self.taken_of(number);
                if free > 0 {
                    return self.pass(at, number, wanted.min(free), &to_expectation, &to_kind);
                }
                for (other, by) in to_expectation.iter_mut().enumerate() {
                    if other != at && by.is_none() && self.taken[other][number] > 0 {
                        *by = Some(number);
                        reached.push_back(other);
                    }
                }
            }
        }
        0
    }

    /// Takes entries of this kind, on the way back to the expectation that wants them.
    fn pass(
        &mut self,
        at: usize,
        last: usize,
        wanted: usize,
        to_expectation: &[Option<usize>],
        to_kind: &[Option<usize>],
    ) -> usize {
        let mut way = Vec::new();
        let mut kind = last;
        while let Some(taker) = to_kind[kind] {
            way.push((taker, kind));
            match to_expectation[taker].filter(|_| taker != at) {
                Some(given) => kind = given,
                None => break,
            }
        }
        // Every taker but the one that wants more gives up as many of the kind before.
        let given =
            |taker: usize| to_expectation[taker].map_or(usize::MAX, |kind| self.taken[taker][kind]);
        let givers = way.iter().filter(|(taker, _)| *taker != at);
        let amount = givers.map(|(taker, _)| given(*taker)).min().unwrap_or(wanted).min(wanted);
        for (taker, kind) in way {
            self.taken[taker][kind] += amount;
            if let Some(given) = to_expectation[taker].filter(|_| taker != at) {
                self.taken[taker][given] -= amount;
            }
        }
        amount
    }
}

impl Difference<'_> {
    pub(super) fn sentence(&self) -> String {
        let expected = self.expected.written();
        let nearest: Vec<_> = self.nearest.iter().map(|entry| told(entry)).collect();
        let nearest = match (nearest.is_empty(), self.found > self.expected.count) {
            (true, _) => "no other entry is left".to_owned(),
            (false, true) => format!("they are {}", nearest.join(", ")),
            (false, false) => format!("nearest: {}", nearest.join(", ")),
        };
        format!("expected {expected}, found {}; {nearest}", self.found)
    }
}

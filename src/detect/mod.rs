//! Bytes in, matches out. No IO, no async, no image types, no clock but the one it is given.
//!
//! ```text
//! haystack --prefilter--> candidates --rule's pattern in a window--> token matches ---+
//!     |------------------> name = value assignments --assigned rules, generic model---+--> quiet --> overlap --> Match
//!     |------------------> structured detectors (by hint) --> fields ------------------+
//!     +------------------> encoded runs --decode, once more from the top---------------+
//! ```

mod around;
mod assign;
mod calls;
pub mod checks;
mod claim;
mod classify;
mod common;
#[cfg(test)]
mod cost_test;
pub mod decode;
pub(crate) mod encoded;
mod guessing;
mod index;
mod matcher;
mod model;
mod names;
mod nearby;
mod overlap;
pub mod pattern;
#[cfg(test)]
mod places_test;
mod prefilter;
pub mod public;
mod quiet;
pub mod rule;
#[cfg(test)]
mod rules_test;
#[doc(hidden)]
pub mod samples;
mod schema;
mod search;
pub mod structured;
mod surroundings;
mod token;
mod url;
pub(crate) mod wrapped;

use std::{
    ops::Range,
    sync::Arc,
    time::{Instant, SystemTime},
};

pub use classify::{guessable, looks_generated};
pub use guessing::bits_to_guess;
pub use rule::{Rule, RuleError, Shape};

use crate::{
    finding::{Confidence, LocationKind, Severity},
    secret::Secret,
};

/// What is known about a haystack besides its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Hint<'a> {
    /// What kind of place it is.
    pub kind: LocationKind,
    /// Path of the innermost file behind that of the outermost (`app/x.jar/BOOT-INF/x.yml`), or empty.
    pub path: &'a str,
    /// The variable or key whose value the haystack is, where it is one (`Env`, labels).
    pub name: Option<&'a str>,
    /// Whether the haystack is not text (a program, an object file, a database page): only a value's own format counts,
    /// guesses from `name = value` are noise there.
    pub binary: bool,
}

/// One credential in one haystack. Holds the value, so it has no `Debug`.
pub struct Match {
    /// The rule that names it.
    pub rule: Arc<Rule>,
    /// Where the value stands in the haystack, in bytes (of the encoded run, where it was decoded).
    pub span: Range<usize>,
    /// The credential, decoded.
    pub secret: Secret,
    /// Leading bytes of the value that the provider's format fixes.
    pub visible: usize,
    /// Whether someone could guess the value: neither a provider's format nor about 64 bits of entropy.
    pub guessable: bool,
    /// The variable or key that it is assigned to.
    pub name: Option<String>,
    /// The rule's severity, after evidence.
    pub severity: Severity,
    /// The rule's confidence, after evidence.
    pub confidence: Confidence,
    /// Why we believe it. Never a part of the value.
    pub evidence: Vec<String>,
    /// Encodings that were undone, outermost first: `base64`, `hex`, `url`.
    pub inner: Vec<String>,
    /// `Some(reason)` where an offline check proves that it is no credential: counted, shown only on request.
    pub refuted: Option<String>,
}

/// The generic model's features of `name = value` in a file, for its training; `None` where the model is not asked.
#[doc(hidden)]
pub fn model_features(path: &str, name: &str, value: &str, quoted: bool) -> Option<Vec<(&'static str, f32)>> {
    let surroundings = surroundings::Surroundings::of(&Hint { kind: LocationKind::File, path, name: None, binary: false });
    let form = assign::Form::Operator;
    classify::explain(&classify::Named { name: name.as_bytes(), value: value.as_bytes(), quoted, form, surroundings })
}

/// The compiled rules. Shared by all threads; immutable.
pub struct Engine {
    rules: Vec<Arc<Rule>>,
    index: index::Index,
    clock: checks::Clock,
}

/// Buffers that a thread reuses from haystack to haystack.
#[derive(Default)]
pub struct Scratch {
    words: classify::Buffer,
    meaningless: names::Meaningless,
    candidates: Vec<overlap::Candidate>,
    gaps: Vec<&'static str>,
    gave_up: bool,
    /// Steps that texts took of what all of them may take beyond their own, see [`search`].
    overdrawn: usize,
    deadline: Option<Instant>,
    certificates: Vec<public::Certificate>,
    containers: Vec<usize>,
    folders: surroundings::Folders,
}

impl Scratch {
    /// From when on searches give up, which is a gap of theirs; `None` lets each take the time that it needs. An answer that must
    /// come in time is decided by whoever asked, instead of by nobody.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
        self.gave_up = false;
        self.begin();
    }

    /// Forgets how much work the texts before were. To be called where a unit of work begins whose report must not depend on what the
    /// same thread searched before.
    pub fn begin(&mut self) {
        self.overdrawn = 0;
    }

    /// Which limits the last search ran into, as reasons for people; nothing, nearly always.
    pub fn gaps(&self) -> &[&'static str] {
        &self.gaps
    }

    /// Whether a search since [`Self::set_deadline`] gave up on a text that was made to keep it busy: what is behind was not judged.
    pub fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Where base64 of a container may start in the text that was searched last, in order: see [`encoded::CONTAINERS`].
    pub(crate) fn containers(&mut self) -> Vec<usize> {
        self.containers.sort_unstable();
        std::mem::take(&mut self.containers)
    }

    /// The certificates that the last search came by: no findings, but they tell whom a private key speaks for.
    pub fn certificates(&mut self) -> impl Iterator<Item = public::Certificate> + '_ {
        self.certificates.drain(..)
    }
}

impl Engine {
    /// With the built-in rules and the user's. Expiries are judged by the system's clock.
    pub fn new(extra: Vec<Arc<Rule>>) -> Self {
        let mut rules = rule::built_in();
        rules.extend(extra);
        Self::with_rules(rules)
    }

    /// With exactly these rules.
    pub fn with_rules(rules: Vec<Arc<Rule>>) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok());
        Self { index: index::Index::new(&rules), rules, clock: checks::Clock::new(now) }
    }

    /// The same with another clock, in seconds since the epoch; `None` judges no expiry. For reports that must not depend on the day.
    #[must_use]
    pub fn with_clock(self, now: Option<i64>) -> Self {
        Self { clock: checks::Clock::new(now), ..self }
    }

    /// The clock by which expiries are judged.
    pub fn clock(&self) -> &checks::Clock {
        &self.clock
    }

    /// The rules in use.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// Finds the credentials of one haystack. Overlaps are resolved and placeholders left out; matches come in the order
    /// of their spans. What a limit kept from being searched is in [`Scratch::gaps`] afterwards.
    pub fn find(&self, haystack: &[u8], hint: &Hint<'_>, scratch: &mut Scratch, emit: &mut dyn FnMut(Match)) {
        scratch.candidates.clear();
        scratch.gaps.clear();
        scratch.certificates.clear();
        scratch.containers.clear();
        scratch.meaningless.belong_to(self.index.number);
        search::Search::new(self, scratch).run(haystack, hint);
        overlap::resolve(&mut scratch.candidates);
        for candidate in scratch.candidates.drain(..) {
            emit(candidate.matched);
        }
    }
}

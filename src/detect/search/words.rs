//! Words of names: what is assigned to them.

use std::ops::Range;

use super::Search;
use crate::detect::{
    Hint,
    around::{documents, minified, remark, summary, typed},
    assign::{self, Assignment, Form, Lines},
    calls,
    classify::Named,
    index::{Target, Word},
    model::Shape,
    surroundings::{Kind, Surroundings},
};

impl Search<'_, '_> {
    /// A word of a name: the assignment around it, if there is one.
    pub(super) fn word(
        &mut self,
        target: &Target,
        haystack: &[u8],
        here: Range<usize>,
        hint: &Hint<'_>,
        surroundings: Surroundings,
        name_end: &mut usize,
    ) {
        let Some(word) = target.word else { return };
        if here.end <= *name_end {
            return;
        }
        // Some words are short, so they are looked for together with what joins them to a value: `pass=`.
        let here = assign::within(haystack, here);
        if word == Word::Ending {
            // `apiKey` and `API_KEY`, not `key`, `keys` and `keyboard`.
            let before = here.start.checked_sub(1).and_then(|at| haystack.get(at));
            let longer = before.is_some_and(|b| {
                b.is_ascii_alphanumeric()
                    || matches!(b, b'_' | b'-' | b'.')
                    || (*b == b' ' && assign::owner(haystack, here.start).is_some())
            });
            if !longer && assign::variable(haystack, &here) {
                return self.bare(haystack, here, hint, surroundings);
            }
            if !longer || haystack.get(here.end).is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_uppercase()) {
                return;
            }
        }
        let lines = match surroundings.kind {
            Kind::Config => Lines::Whole,
            _ => Lines::Tokens,
        };
        // To find where a value ends takes time, too.
        if !self.spend(0) {
            return;
        }
        let Some(Assignment { name, value, quoted, form }) = assign::parse(haystack, here, lines) else { return };
        *name_end = name.end;
        let name_start = name.start;
        let verdict = haystack.get(name.clone()) == Some(b"PASS");
        if verdict && summary(haystack, &name) {
            return;
        }
        let (Some(name), Some(text)) = (haystack.get(name), haystack.get(value.clone())) else { return };
        // `PASS: suite/file.exp: what was tried`, between other lines of a test's log.
        if verdict && !quoted && text.contains(&b'/') {
            return;
        }
        // A parameter of a URL's query stands in the literal that the URL is.
        let query = form == Form::Operator && matches!(name_start.checked_sub(1).and_then(|at| haystack.get(at)), Some(b'?' | b'&'));
        // `status.svg?token=value`: a badge shows what is public.
        if query && haystack.get(..name_start - 1).is_some_and(|before| before.ends_with(b".svg")) {
            return;
        }
        let quoted = quoted || (query && text.len() >= 16);
        let surroundings = if surroundings.kind == Kind::Source && minified(haystack, value.start) {
            Surroundings { kind: Kind::Generated, ..surroundings }
        } else if surroundings.kind == Kind::Source && documents(haystack, name_start) {
            Surroundings { kind: Kind::Docs, published: true, ..surroundings }
        } else if surroundings.kind == Kind::Source
            && !quoted
            && assign::telling(text)
            && (remark(haystack, name_start) || assign::alone(haystack, name_start, &value))
        {
            // No code, or settings in a long literal, so it need not stand in quotes.
            Surroundings { kind: Kind::Other, ..surroundings }
        } else if surroundings.kind == Kind::Docs && assign::telling(text) && typed(haystack, name_start) {
            Surroundings { kind: Kind::Shell, ..surroundings }
        } else {
            surroundings
        };
        self.named(Named { name, value: text, quoted, form, surroundings }, value, haystack, hint);
    }

    /// `key = "value"`, a variable of its own: what looks random and is no checksum.
    fn bare(&mut self, haystack: &[u8], here: Range<usize>, hint: &Hint<'_>, surroundings: Surroundings) {
        if !self.spend(0) || surroundings.kind != Kind::Source || self.quiet_place() {
            return;
        }
        let Some(Assignment { value, quoted: true, .. }) = assign::parse(haystack, here, Lines::Tokens) else { return };
        let key = haystack.get(value.clone()).is_some_and(|text| calls::is_key(text) && !Shape::of(text).is_hex);
        if key && !minified(haystack, value.start) {
            self.passed(calls::Passed::Key, value, haystack, hint, surroundings);
        }
    }

    /// A word of a name in what is not text: only an environment variable is assigned there, in a dump of a process's memory or of its
    /// environment, or in a log that zeros precede.
    pub(super) fn environment(
        &mut self,
        haystack: &[u8],
        word: Range<usize>,
        hint: &Hint<'_>,
        surroundings: Surroundings,
        name_end: &mut usize,
    ) {
        if word.end <= *name_end || !self.spend(0) {
            return;
        }
        let Some((name, value)) = assign::environment(haystack, word) else { return };
        *name_end = name.end;
        let (Some(name), Some(text)) = (haystack.get(name), haystack.get(value.clone())) else { return };
        let surroundings = Surroundings { kind: Kind::Other, ..surroundings };
        self.named(Named { name, value: text, quoted: false, form: Form::Operator, surroundings }, value, haystack, hint);
    }
}

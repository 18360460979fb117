//! One haystack's search, stage by stage.

mod fields;
mod words;

use std::{ops::Range, time::Instant};

use super::{
    Engine, Hint, Scratch,
    around::{around, digits_by_chance, documents, is_digest, minified, published_client, within_base64, words_run_together},
    assign::Form,
    calls,
    claim::{self, Claim},
    classify::{self, Named},
    decode, encoded,
    index::Target,
    model::entropy,
    names::{Name, Use},
    nearby,
    overlap::Rank,
    public, quiet, rule,
    surroundings::{Kind, Surroundings},
    token, url, wrapped,
};
use crate::{
    finding::{Confidence, LocationKind},
    vaults,
};

/// Encodings within encodings.
const DEPTH: u8 = 3;
/// Candidates of one haystack, against hostile input: what is beyond is noise.
const MOST: usize = 20_000;
/// Decoded bytes of one haystack.
const DECODED: usize = 8 << 20;
/// Certificates of one haystack that are looked at: they are no findings.
const CERTIFICATES: usize = 2_000;

/// Steps of all patterns and named values that haystacks may take beyond [`STEPS_A_BYTE`] for each of their bytes; what one of them
/// leaves of its own is paid back. Beginnings of credentials that go on for long and come to nothing, one in the other, are hostile;
/// all others take a step for some bytes.
const STEPS: usize = 1 << 20;
const STEPS_A_BYTE: usize = 32;
/// Steps of judging a byte of a named value.
const STEPS_A_VALUE_BYTE: usize = 2;

/// The search of one haystack.
pub(super) struct Search<'e, 's> {
    engine: &'e Engine,
    scratch: &'s mut Scratch,
    depth: u8,
    /// Numbers the decoded runs.
    runs: u32,
    budget: usize,
    /// Steps that are left.
    steps: usize,
    /// Of the prefilter, for the clock.
    literals_seen: u32,
    late: bool,
    /// Where the haystack stands.
    place: Surroundings,
    /// What structured detectors say about places, for whichever rule wins there.
    facts: Vec<(Range<usize>, Vec<String>)>,
    /// What the structured detector says about all of the haystack.
    note: Option<&'static str>,
}

impl<'e, 's> Search<'e, 's> {
    pub(super) fn new(engine: &'e Engine, scratch: &'s mut Scratch) -> Self {
        let place = Surroundings { kind: Kind::Other, test: false, package: false, published: false, translation: false };
        Self {
            engine,
            scratch,
            depth: 0,
            runs: 0,
            budget: DECODED,
            steps: STEPS,
            literals_seen: 0,
            late: false,
            place,
            facts: Vec::new(),
            note: None,
        }
    }

    /// Whether libraries, tests and manuals live here.
    fn quiet_place(&self) -> bool {
        self.place.test || self.place.package || matches!(self.place.kind, Kind::Docs | Kind::Generated)
    }

    /// All stages.
    pub(super) fn run(&mut self, haystack: &[u8], hint: &Hint<'_>) {
        if haystack.is_empty() {
            return;
        }
        let surroundings = Surroundings::within(hint, &mut self.scratch.folders);
        self.place = surroundings;
        self.steps = STEPS.saturating_sub(self.scratch.overdrawn).saturating_add(haystack.len().saturating_mul(STEPS_A_BYTE));
        if let Some((text, big)) = decode::utf16(haystack) {
            let label = if big { "utf-16be" } else { "utf-16le" };
            self.nested(&text, &(0..haystack.len()), label, hint);
        }
        self.fields(haystack, hint, surroundings);
        if let Some(name) = hint.name {
            let named = Named { name: name.as_bytes(), value: haystack, quoted: true, form: Form::Operator, surroundings };
            self.named(named, 0..haystack.len(), haystack, hint);
        }
        self.literals(haystack, hint, surroundings);
        self.scratch.overdrawn = STEPS.saturating_sub(self.steps);
        self.attach_facts();
        let quiet = self.quiet_place();
        claim::doubt_entries(&mut self.scratch.candidates, quiet);
    }

    /// Literals of the prefilter, and what they lead to.
    fn literals(&mut self, haystack: &[u8], hint: &Hint<'_>, surroundings: Surroundings) {
        let engine = self.engine;
        // A name has several words, a run several literals: each is looked at once.
        let (mut name_end, mut run_end) = (0, 0);
        engine.index.prefilter.scan(haystack, hint.binary, &mut |literal, start| {
            if self.is_late() {
                return;
            }
            let Some(target) = engine.index.targets.get(literal as usize) else { return };
            let length = engine.index.prefilter.length(literal);
            let here = start..start + length;
            for rule in &target.tokens {
                self.token(*rule, haystack, here.clone(), hint);
            }
            if target.certificate {
                self.certificate(haystack.get(here.end..).unwrap_or_default());
            }
            if hint.binary {
                if target.word.is_some() {
                    self.environment(haystack, here.clone(), hint, surroundings, &mut name_end);
                }
            } else {
                self.word(target, haystack, here.clone(), hint, surroundings, &mut name_end);
                if target.provider || target.asks {
                    self.nearby(target, haystack, &here, hint, surroundings);
                }
                if target.url {
                    self.url(haystack, start, hint, surroundings);
                }
                // What a library's files import is made with what is public.
                if let Some(passed) = target.call.filter(|passed| *passed != calls::Passed::Imported || !self.place.package)
                    && let Some(span) = calls::argument(haystack, &here, passed)
                {
                    self.passed(passed, span, haystack, hint, surroundings);
                }
                if let Some(rule) = target.sealed {
                    self.sealed(rule, haystack, start, hint);
                }
                if target.command {
                    self.command(haystack, here.clone(), surroundings);
                }
                if target.container && self.depth == 0 && encoded::begins_container(haystack, start) {
                    self.scratch.containers.push(start);
                }
            }
            if let Some(form) = target.encoded.as_ref().filter(|_| start >= run_end)
                && let Some(run) = encoded::run(haystack, start, form, &mut run_end)
            {
                // Lines of a file are decoded together where its containers are.
                let file = self.depth == 0 && hint.kind == LocationKind::File && !hint.binary;
                match file.then(|| wrapped::around(haystack, &run.span)).flatten() {
                    Some(lines) => run_end = lines.span.end,
                    None => self.nested(&run.bytes, &run.span, run.label, hint),
                }
            }
        });
    }

    /// A certificate whose header ends where `text` starts.
    fn certificate(&mut self, text: &[u8]) {
        if self.scratch.certificates.len() < CERTIFICATES {
            self.scratch.certificates.extend(public::certificate_after(text));
        }
    }

    /// A word of a provider's name, or one that asks for a credential: a value of the provider's format may stand nearby.
    fn nearby(&mut self, target: &Target, haystack: &[u8], here: &Range<usize>, hint: &Hint<'_>, surroundings: Surroundings) {
        // What a library's files name is public, and a guess.
        if self.place.package || surroundings.kind == Kind::Generated {
            return;
        }
        let mut words = std::mem::take(&mut self.scratch.words);
        let (index, rules) = (&self.engine.index, &self.engine.rules);
        let mut near = target.provider.then(|| nearby::below(index, rules, haystack, here, &mut words)).flatten();
        if near.is_none() && target.asks {
            near = nearby::above(index, rules, haystack, here, &mut words);
        }
        if near.is_none() && target.provider {
            near = nearby::before(index, rules, haystack, here, &mut words);
        }
        let made = (near.is_none() && target.provider).then(|| calls::imports::named(haystack, here)).flatten();
        // The literal may be a part of the provider's name only.
        let made = made.filter(|[call, _]| {
            index.words.in_name(&Name::new(haystack.get(call.clone()).unwrap_or_default()), Use::Near, &mut words);
            !words.is_empty()
        });
        self.scratch.words = words;
        if let Some([_, span]) = made {
            return self.passed(calls::Passed::Key, span, haystack, hint, surroundings);
        }
        let Some(near) = near.filter(|near| !minified(haystack, near.span.start)) else { return };
        let Some(value) = haystack.get(near.span.clone()) else { return };
        // Manuals show keys, too, but seldom one that is random and in its provider's format.
        let quiet = self.place.test || self.place.published || self.place.kind == Kind::Generated;
        let confidence = if quiet { Confidence::Low } else { Confidence::Medium };
        self.claim(Claim {
            rule: near.rule,
            span: near.span.clone(),
            value,
            name: hint.name.map(str::as_bytes),
            confidence,
            rank: Rank::Assigned,
            visible: 0,
            evidence: vec!["near the provider's name".to_owned()],
            around: around(haystack, &near.span),
            whole: 0,
        });
    }

    /// What is passed to a call.
    fn passed(&mut self, passed: calls::Passed, span: Range<usize>, haystack: &[u8], hint: &Hint<'_>, place: Surroundings) {
        let Some(value) = haystack.get(span.clone()) else { return };
        let shown = place.kind == Kind::Source && documents(haystack, span.start);
        let surroundings = if shown { Surroundings { kind: Kind::Docs, published: true, ..place } } else { place };
        self.named(Named { name: passed.name(), value, quoted: true, form: Form::Operator, surroundings }, span, haystack, hint);
    }

    /// A named value from anywhere: judged by name, then decoded.
    fn named(&mut self, named: Named<'_>, span: Range<usize>, haystack: &[u8], hint: &Hint<'_>) {
        let (name, value) = (named.name, named.value);
        // One name in the value of the other, again and again: each value is as long as the rest of the text.
        if !self.spend(value.len().saturating_mul(STEPS_A_VALUE_BYTE)) {
            return;
        }
        let lead = value.len() - value.trim_ascii_start().len();
        let mut trimmed = value.trim_ascii();
        let mut lead = lead;
        if let [open @ (b'"' | b'\''), inner @ .., close] = trimmed
            && open == close
            && !inner.is_empty()
        {
            trimmed = inner;
            lead += 1;
        }
        let named = Named { value: trimmed, ..named };
        let mut words = std::mem::take(&mut self.scratch.words);
        let judged = classify::judge(&self.engine.index, &self.engine.rules, &named, &mut words, &mut self.scratch.meaningless);
        self.scratch.words = words;
        if let Some(judged) = judged {
            let start = span.start + lead + judged.start;
            // A field's value may be longer than where it stands (escapes undone): then the whole place counts.
            let place = if span.len() == value.len() { start..start + judged.length } else { span.clone() };
            let bytes = trimmed.get(judged.start..judged.start + judged.length).unwrap_or_default();
            let rule = self.engine.rules.get(judged.rule as usize).filter(|_| judged.assigned);
            if rule.is_some_and(|rule| nearby::is_other(rule, haystack, name, &place, bytes)) {
                return;
            }
            let rank = if judged.assigned { Rank::Assigned } else { Rank::Generic };
            let secret = judged.decoded.as_deref().unwrap_or(bytes);
            let claim = Claim {
                rule: judged.rule,
                span: place,
                value: secret,
                name: Some(name),
                confidence: judged.confidence,
                rank,
                visible: 0,
                evidence: Vec::new(),
                around: around(haystack, &span),
                whole: 0,
            };
            self.claim(claim);
        }
        if let Some((bytes, label)) = encoded::value(trimmed) {
            self.nested(&bytes, &span, label, &Hint { name: Some(hint.name.unwrap_or("")), ..*hint });
        }
    }

    /// Tries a token rule around one of its anchors.
    fn token(&mut self, id: u32, haystack: &[u8], anchor: Range<usize>, hint: &Hint<'_>) {
        let engine = self.engine;
        let Some(rule) = engine.rules.get(id as usize) else { return };
        let rule::Shape::Token { pattern, context, .. } = &rule.shape else { return };
        if !self.spend(0) {
            return;
        }
        let mut spent = 0;
        let found = token::find(pattern, haystack, anchor.clone(), &mut spent);
        self.spend(spent);
        let Some(mut found) = found else { return };
        if hint.binary {
            // What follows the text is no part of it: the tag of a dump's next record.
            let text = |b: &&u8| b.is_ascii_graphic() || b.is_ascii_whitespace();
            let length = haystack.get(found.secret.clone()).unwrap_or_default().iter().take_while(text).count();
            found.secret.end = found.secret.start + length;
        }
        let Some(value) = haystack.get(found.secret.clone()).filter(|value| !value.is_empty()) else { return };
        if (rule.entropy > 0.0 && entropy(value) < rule.entropy)
            || quiet::is_placeholder(value, true)
            || quiet::is_reference(value)
            // `Authorization: Bearer API_KEY` names a variable.
            || (found.secret != found.whole && quiet::is_constant(value))
            || (value.len() < 24 && quiet::is_placeholder(value, false))
            || (hint.binary && words_run_together(haystack, &found.secret, anchor.end))
            || (found.secret == found.whole && digits_by_chance(pattern.source(), value))
            || within_base64(haystack, &found.whole)
        {
            return;
        }
        let nearby = around(haystack, &found.whole);
        let named = |word: &str| {
            hint.name.is_some_and(|name| quiet::holds(name.as_bytes(), word.as_bytes()))
                || quiet::holds(hint.path.as_bytes(), word.as_bytes())
        };
        if !context.is_empty() && !context.iter().any(|word| quiet::holds(nearby, word.as_bytes()) || named(word)) {
            return;
        }
        let visible = if found.secret.start == anchor.start { anchor.len() } else { 0 };
        let basic = classify::basic_password(haystack.get(..found.secret.start).unwrap_or_default(), value);
        let value = basic.as_deref().unwrap_or(value);
        let mut confidence = rule.confidence;
        if rule.checks.iter().any(|check| check == "url-credentials") {
            // A password that only its place in a URL tells: manuals are full of them.
            match url::judge(haystack, &found.secret, value, self.place) {
                None => return,
                Some(Confidence::Low) => confidence = Confidence::Low,
                Some(_) if self.place.package => confidence = Confidence::Low,
                // Of a format that manuals show too.
                Some(_) if !url::strong(value) => confidence = confidence.min(Confidence::Medium),
                Some(_) => {}
            }
        } else if found.secret != found.whole && (self.place.published || (value.len() < 20 && !url::strong(value) && self.quiet_place())) {
            confidence = Confidence::Low;
        }
        // An answer of the service, in a comment about what asks for it.
        if rule.provider.as_ref() == "jwt" && self.place.kind == Kind::Source && documents(haystack, found.whole.start) {
            confidence = Confidence::Low;
        }
        self.claim(Claim {
            rule: id,
            span: found.secret,
            value,
            name: hint.name.map(str::as_bytes),
            confidence,
            rank: Rank::Token,
            visible,
            evidence: Vec::new(),
            around: nearby,
            whole: found.whole.len(),
        });
    }

    /// `scheme://user:password@host`.
    fn url(&mut self, haystack: &[u8], at: usize, hint: &Hint<'_>, surroundings: Surroundings) {
        let Some(span) = url::password(haystack, at) else { return };
        let Some(value) = haystack.get(span.clone()) else { return };
        let Some(mut confidence) = url::judge(haystack, &span, value, surroundings) else { return };
        // A guess like any other: what a library's files hold is public, and comments show how it is done.
        if self.place.package || (surroundings.kind == Kind::Source && documents(haystack, at)) {
            confidence = Confidence::Low;
        }
        let Some(rule) = self.engine.index.rule("generic-url-password") else { return };
        self.claim(Claim {
            rule,
            span: span.clone(),
            value,
            name: hint.name.map(str::as_bytes),
            confidence,
            rank: Rank::Structural,
            visible: 0,
            evidence: Vec::new(),
            around: around(haystack, &span),
            whole: 0,
        });
    }

    /// What is encrypted with a key that another file of the same image may hold.
    fn sealed(&mut self, rule: &str, haystack: &[u8], at: usize, hint: &Hint<'_>) {
        let (Some(rule), Some((span, value))) = (self.engine.index.rule(rule), vaults::sealed(haystack, at)) else { return };
        if !self.spend(span.len()) {
            return;
        }
        self.claim(Claim {
            rule,
            span: span.clone(),
            value: &value,
            name: hint.name.map(str::as_bytes),
            confidence: Confidence::High,
            // Its form is checked to the last byte, so whatever else fits it is wrong.
            rank: Rank::Proven,
            visible: 0,
            evidence: Vec::new(),
            around: &[],
            whole: 0,
        });
    }

    /// `curl -u user:password`, `sshpass -p password`.
    fn command(&mut self, haystack: &[u8], here: Range<usize>, surroundings: Surroundings) {
        let Some(span) = url::argument(haystack, here) else { return };
        let Some(value) = haystack.get(span.clone()) else { return };
        if value.len() < 4 || quiet::is_reference(value) || quiet::is_placeholder(value, false) {
            return;
        }
        let Some(rule) = self.engine.index.rule("generic-password") else { return };
        let typed = match surroundings.kind {
            Kind::Generated => false,
            // What is typed there may be shown only, but not with a password that a generator made.
            Kind::Docs | Kind::Source | Kind::Other => {
                let shown = self.place.test || self.place.package || self.place.published;
                !shown && classify::is_random(value)
            }
            _ => true,
        };
        let confidence = if typed { Confidence::Medium } else { Confidence::Low };
        self.claim(Claim {
            rule,
            span,
            value,
            name: None,
            confidence,
            rank: Rank::Generic,
            visible: 0,
            evidence: vec!["argument of a command".to_owned()],
            around: &[],
            whole: 0,
        });
    }

    /// Runs the rule's checks and keeps the result.
    fn claim(&mut self, claim: Claim<'_>) {
        if self.scratch.candidates.len() >= MOST {
            return self.gap("holds more than 20,000 possible credentials; the others were not judged");
        }
        let Some(rule) = self.engine.rules.get(claim.rule as usize) else { return };
        let by_name = matches!(claim.rank, Rank::Generic | Rank::Assigned);
        if by_name && (is_digest(claim.around, claim.span.start, claim.name, claim.value) || published_client(claim.around, claim.name)) {
            return;
        }
        self.scratch.candidates.push(claim.checked(rule, self.place, &self.engine.clock));
    }

    /// Whether the deadline has passed. The clock is read for one literal in 64.
    fn is_late(&mut self) -> bool {
        let Some(deadline) = self.scratch.deadline else { return false };
        self.literals_seen = self.literals_seen.wrapping_add(1);
        if !self.late && self.literals_seen % 64 == 1 && Instant::now() >= deadline {
            self.late = true;
            self.gap("the time for searching it ran out");
        }
        self.late
    }

    /// Takes steps from those that are left; `false`, and a gap, where there are none.
    fn spend(&mut self, steps: usize) -> bool {
        if self.steps == 0 {
            self.scratch.gave_up = true;
            self.gap("has too many beginnings of credentials; not all were followed to their end");
            return false;
        }
        self.steps = self.steps.saturating_sub(steps);
        true
    }

    /// Something was not searched: said, never silent.
    fn gap(&mut self, reason: &'static str) {
        if !self.scratch.gaps.contains(&reason) {
            self.scratch.gaps.push(reason);
        }
    }

    /// Searches decoded bytes; their matches stand where the encoded run stands.
    fn nested(&mut self, bytes: &[u8], span: &Range<usize>, label: &str, hint: &Hint<'_>) {
        self.deeper(bytes, span, Some(label), hint);
    }

    /// Searches a field's unescaped value.
    fn unescaped(&mut self, bytes: &[u8], span: &Range<usize>, hint: &Hint<'_>) {
        self.deeper(bytes, span, None, &Hint { path: "", ..*hint });
    }

    fn deeper(&mut self, bytes: &[u8], span: &Range<usize>, label: Option<&str>, hint: &Hint<'_>) {
        if self.depth >= DEPTH {
            return self.gap("is encoded more than three times over");
        }
        if bytes.len() > self.budget {
            return self.gap("holds encoded values of more than 8 MiB; the others were not decoded");
        }
        self.budget -= bytes.len();
        self.depth += 1;
        self.runs += 1;
        let run = self.runs;
        let from = self.scratch.candidates.len();
        let surroundings = Surroundings { test: self.place.test, package: self.place.package, ..Surroundings::of(hint) };
        if label.is_some_and(|label| label.starts_with("utf-16")) {
            self.fields(bytes, hint, surroundings);
        }
        // The value's own name was judged with the value; what it decodes to is a text.
        self.literals(bytes, &Hint { binary: hint.binary && label.is_none(), ..*hint }, surroundings);
        if label.is_some()
            && let Some((inner, label)) = encoded::value(bytes.trim_ascii())
        {
            self.nested(&inner, &(0..bytes.len()), label, hint);
        }
        self.depth -= 1;
        // Overlaps inside the run are resolved by the run's own offsets, then all of them move to the run.
        let mut inner = self.scratch.candidates.split_off(from);
        super::overlap::resolve(&mut inner);
        for mut candidate in inner {
            candidate.matched.span = span.clone();
            candidate.run = run;
            if let Some(label) = label {
                candidate.matched.inner.insert(0, label.to_owned());
            }
            self.scratch.candidates.push(candidate);
        }
    }
}

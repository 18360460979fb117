//! Structured files: every named value, unescaped.

use super::{Search, Surroundings};
use crate::{
    detect::{
        Hint,
        around::around,
        assign::Form,
        claim::Claim,
        classify::{self, Named},
        overlap::Rank,
        quiet,
        structured::{self, Field, Meaning},
        surroundings::Kind,
    },
    finding::Confidence,
};

impl Search<'_, '_> {
    /// The fields of a file whose format is known.
    pub(super) fn fields(&mut self, haystack: &[u8], hint: &Hint<'_>, surroundings: Surroundings) {
        if self.depth > 0 && hint.name.is_none() && hint.path.is_empty() {
            return;
        }
        let Some(detector) = structured::detector_for(hint, haystack) else { return };
        self.note = self.note.or_else(|| detector.note());
        detector.find(haystack, hint, &mut |field| self.field(field, haystack, hint, surroundings));
        if structured::was_cut() {
            self.gap("has more than 200,000 named values; the others were searched as text only");
        }
    }

    fn field(&mut self, field: Field<'_>, haystack: &[u8], hint: &Hint<'_>, surroundings: Surroundings) {
        let name = field.name.as_bytes();
        match field.meaning {
            Meaning::Credential { rule } => {
                let bare = field.value.trim_ascii();
                let Some(rule) = self.engine.index.rule(rule) else { return };
                if bare.is_empty() || quiet::is_reference(bare) || quiet::is_placeholder(bare, false) {
                    return;
                }
                let sure = self.engine.rules.get(rule as usize).map_or(Confidence::Low, |rule| rule.confidence);
                // `color: blue` in a Secret: only where it stands says that it is one.
                let plain = sure == Confidence::High && classify::guessable(bare) && classify::names_nothing(name);
                let confidence = if plain { Confidence::Medium } else { sure };
                self.claim(Claim {
                    rule,
                    span: field.span.clone(),
                    value: bare,
                    name: Some(name),
                    confidence,
                    rank: Rank::Structural,
                    visible: 0,
                    evidence: field.evidence.clone(),
                    around: around(haystack, &field.span),
                    whole: 0,
                });
            }
            Meaning::Value => {
                let kind = if surroundings.kind == Kind::Docs { Kind::Docs } else { Kind::Config };
                let surroundings = Surroundings { kind, ..surroundings };
                let named = Named { name, value: &field.value, quoted: true, form: Form::Operator, surroundings };
                self.named(named, field.span.clone(), haystack, hint);
            }
            Meaning::Cell => {
                // People keep their own keys in such tables; what came with a library or a distribution is shown.
                let kind = if self.place.package || self.place.published || self.place.test { Kind::Docs } else { Kind::Other };
                let surroundings = Surroundings { kind, ..surroundings };
                let named = Named { name, value: &field.value, quoted: true, form: Form::Pair, surroundings };
                self.named(named, field.span.clone(), haystack, hint);
            }
        }
        // Unescaped: other than what the raw search sees.
        let same = |there: &[u8]| std::ptr::eq(there, field.value.as_ref()) || there == field.value.as_ref();
        if !haystack.get(field.span.clone()).is_some_and(same) {
            self.unescaped(&field.value, &field.span, hint);
        }
        if !field.evidence.is_empty() && self.depth == 0 {
            self.facts.push((field.span, field.evidence));
        }
    }

    /// Gives the facts of structured fields to every match inside a field.
    pub(super) fn attach_facts(&mut self) {
        let mut facts = std::mem::take(&mut self.facts);
        facts.sort_by_key(|(span, _)| (span.start, span.end));
        for candidate in &mut self.scratch.candidates {
            let matched = &mut candidate.matched;
            let after = facts.partition_point(|(span, _)| span.start <= matched.span.start);
            // Fields do not nest deeper than a script in a string and a query in a URL.
            for (span, evidence) in facts.iter().take(after).rev().take(4) {
                if matched.span.end <= span.end {
                    let new: Vec<String> = evidence.iter().filter(|fact| !matched.evidence.contains(fact)).cloned().collect();
                    matched.evidence.extend(new);
                }
            }
            matched.evidence.extend(self.note.map(str::to_owned));
        }
    }
}

//! Fills the forms with every rule's samples and counts which values are found at confidence medium and above.

use std::collections::BTreeMap;

use imgscan::{
    detect::{Engine, Hint, Rule, Scratch, Shape, samples},
    finding::{Confidence, LocationKind},
};

use crate::forms::{FORMS, Form};

/// Found and tried.
#[derive(Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) found: usize,
    pub(crate) tried: usize,
}

impl Count {
    pub(crate) fn add(&mut self, other: Self) {
        self.found += other.found;
        self.tried += other.tried;
    }

    /// Of a hundred.
    pub(crate) fn percent(self) -> f64 {
        if self.tried == 0 { 100.0 } else { self.found as f64 * 100.0 / self.tried as f64 }
    }
}

/// What a rule recognises a credential by, and what the text calls the provider.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The value's own format.
    Token,
    /// A name; the text uses the rule's first word.
    Word,
    /// A name; the text uses the provider's name for people.
    Title,
}

/// Counts by kind, and by position of the form in [`FORMS`].
pub(crate) type Counts = BTreeMap<(Kind, usize), Count>;

/// One rule in all forms.
pub(crate) fn rule(engine: &Engine, rule: &Rule, counts: &mut Counts) -> Count {
    let mut total = Count::default();
    let kinds: &[Kind] = match &rule.shape {
        Shape::Token { .. } => &[Kind::Token],
        Shape::Assigned { .. } => &[Kind::Word, Kind::Title],
        Shape::Structural => &[],
    };
    for kind in kinds {
        let words = match (kind, &rule.shape) {
            (Kind::Word, Shape::Assigned { names, .. }) => words(names.first().map_or("", |name| name)),
            _ => words(&rule.provider_name),
        };
        for (seed, sample) in (0u64..).zip(&rule.samples) {
            let value = samples::fill(sample, seed);
            // A sample with its surroundings is a form of its own.
            if value.contains(['\n', ' ', '"', '\'', '<', '&']) || value.len() > 600 || words.is_empty() {
                continue;
            }
            for (at, form) in FORMS.iter().enumerate() {
                let found = Count { found: usize::from(found(engine, form, &words, &value)), tried: 1 };
                counts.entry((*kind, at)).or_default().add(found);
                total.add(found);
            }
        }
    }
    total
}

/// Lower-case words of a name, without those that say `credential` rather than who issued it.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> =
        name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).collect();
    while words.len() > 1 && matches!(words.last().map_or("", String::as_str), "api" | "key" | "token" | "secret" | "auth" | "access") {
        words.pop();
    }
    words
}

fn found(engine: &Engine, form: &Form, words: &[String], value: &str) -> bool {
    let other = samples::fill("{lalnum:20}", 7);
    let (text, places) = fill(form.text, words, value, &other);
    let hint = Hint { kind: LocationKind::File, path: form.path, name: None, binary: false };
    let mut hits = vec![false; places.len()];
    engine.find(text.as_bytes(), &hint, &mut Scratch::default(), &mut |matched| {
        if matched.confidence >= Confidence::Medium {
            for (hit, place) in hits.iter_mut().zip(&places) {
                *hit |= matched.span.start < place.1 && place.0 < matched.span.end;
            }
        }
    });
    hits.iter().all(|hit| *hit)
}

/// The text, and where the value stands in it.
fn fill(template: &str, words: &[String], value: &str, other: &str) -> (String, Vec<(usize, usize)>) {
    let hump = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    let pascal: String = words.iter().map(|word| hump(word)).collect();
    let camel = format!("{}{}", words.first().map_or("", |word| word), words.iter().skip(1).map(|word| hump(word)).collect::<String>());
    let title = words.iter().map(|word| hump(word)).collect::<Vec<_>>().join(" ");
    let names = [
        ("<up>", words.join("_").to_ascii_uppercase()),
        ("<low>", words.join("_")),
        ("<dash>", words.join("-")),
        ("<dot>", words.join(".")),
        ("<flat>", words.concat()),
        ("<camel>", camel),
        ("<pascal>", pascal),
        ("<title>", title),
        ("<o>", other.to_owned()),
    ];
    let mut filled = template.to_owned();
    for (place, name) in names {
        filled = filled.replace(place, &name);
    }
    let (mut text, mut places) = (String::new(), Vec::new());
    for (at, part) in filled.split("<v>").enumerate() {
        if at > 0 {
            places.push((text.len(), text.len() + value.len()));
            text.push_str(value);
        }
        text.push_str(part);
    }
    (text, places)
}

//! Takes the secrets of a report out of its own texts: a `created_by` line that holds a build argument, a file that is named
//! after its token, a variable's name that carries the value. The last guard before any output.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use zeroize::Zeroizing;

use super::ImageReport;
use crate::finding::{Finding, LayerId};

/// Shorter values occur in ordinary paths and words by chance; replacing those would tell more than it hides.
const LONG: usize = 12;
/// Shorter values than this are not looked for at all.
const SHORTEST: usize = 4;
/// What stands in the place of a value.
const MASK: &str = "****";

/// Replaces every secret of the image's findings in the texts of the image's report.
pub fn scrub(image: &mut ImageReport) {
    let secrets = Secrets::of(&image.findings);
    if secrets.0.is_empty() {
        return;
    }
    let mut layers: HashMap<Arc<LayerId>, Arc<LayerId>> = HashMap::new();
    for finding in &mut image.findings {
        for text in &mut finding.evidence {
            secrets.mask(text, LONG);
        }
        for place in &mut finding.places {
            let location = &mut place.location;
            for text in location.path.iter_mut().chain(&mut location.name).chain(&mut location.inner) {
                secrets.mask(text, LONG);
            }
            if let Some(layer) = &mut place.layer {
                let known = layers.entry(Arc::clone(layer)).or_insert_with(|| {
                    let mut clean = LayerId::clone(layer);
                    if let Some(created_by) = &mut clean.created_by {
                        secrets.mask(created_by, SHORTEST);
                    }
                    Arc::new(clean)
                });
                *layer = Arc::clone(known);
            }
        }
    }
    for skip in &mut image.coverage.skipped {
        for text in skip.path.iter_mut().chain([&mut skip.reason]) {
            secrets.mask(text, LONG);
        }
    }
    secrets.mask(&mut image.reference, LONG);
}

/// The values that are text, longest first, so that a part never leaves the rest of a whole standing. Copies, since the
/// findings themselves are changed meanwhile; wiped when dropped.
struct Secrets(Vec<Zeroizing<String>>);

impl Secrets {
    fn of(findings: &[Finding]) -> Self {
        let mut values: Vec<Zeroizing<String>> = findings
            .iter()
            .filter_map(|finding| std::str::from_utf8(finding.secret.expose()).ok())
            .map(str::trim)
            .filter(|value| value.len() >= SHORTEST)
            .map(|value| Zeroizing::new(value.to_owned()))
            .collect();
        values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Self(values)
    }

    fn mask(&self, text: &mut String, shortest: usize) {
        for secret in self.0.iter().filter(|secret| secret.len() >= shortest) {
            if let Cow::Owned(masked) = replace(text, secret) {
                *text = masked;
            }
        }
    }
}

/// Short values only where no letter or digit touches them.
fn replace<'a>(text: &'a str, secret: &str) -> Cow<'a, str> {
    let mut result = String::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(at) = rest.get(from..).and_then(|tail| tail.find(secret)).map(|at| at + from) {
        let end = at + secret.len();
        let touches = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let before = rest.get(..at).and_then(|head| head.chars().next_back());
        let after = rest.get(end..).and_then(|tail| tail.chars().next());
        if secret.len() < LONG && (touches(before) || touches(after)) {
            from = end;
            continue;
        }
        result.push_str(rest.get(..at).unwrap_or_default());
        result.push_str(MASK);
        rest = rest.get(end..).unwrap_or_default();
        from = 0;
    }
    if result.is_empty() {
        return Cow::Borrowed(text);
    }
    result.push_str(rest);
    Cow::Owned(result)
}

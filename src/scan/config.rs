//! The image's config, annotations and attestations: each is a list of names and values, with the name as evidence.

use super::outcome::{Outcome, Seen};
use crate::{
    content::{Found, Scanner, Sink, Uncovered},
    detect::Hint,
    finding::{Location, LocationKind},
    image::Image,
    layer::Gap,
};

/// Scans everything of an image that is not in a layer.
pub(super) fn scan(image: &Image, scanner: &mut Scanner) -> Outcome {
    scanner.begin();
    let mut outcome = Outcome::default();
    let mut texts = Texts { scanner, outcome: &mut outcome, history: None };
    if let Some(config) = &image.config {
        for (index, entry) in config.env.iter().enumerate() {
            let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
            texts.named(LocationKind::Env, name, value, &format!("Env[{index}]"));
        }
        for (key, value) in &config.labels {
            texts.named(LocationKind::Label, key, value, key);
        }
        // An argument and its value stand next to each other, so a command is scanned as one text.
        texts.text(LocationKind::Cmd, &config.cmd.join(" "), None);
        texts.text(LocationKind::Entrypoint, &config.entrypoint.join(" "), None);
        texts.text(LocationKind::Healthcheck, &config.healthcheck.join(" "), None);
        for (index, instruction) in config.onbuild.iter().enumerate() {
            texts.text(LocationKind::Onbuild, instruction, Some(format!("OnBuild[{index}]")));
        }
        for (pointer, value) in &config.other {
            texts.text(LocationKind::Label, value, Some(pointer.clone()));
        }
        for (index, history) in config.history.iter().enumerate() {
            texts.history = Some(index);
            let (args, instruction) = build_args(&history.created_by);
            for (name, value) in args {
                texts.named(LocationKind::Arg, name, value, &format!("history[{index}]"));
            }
            match variables(instruction) {
                Some((kind, pairs)) => {
                    for (name, value) in pairs {
                        texts.named(kind, name, value, &format!("history[{index}]"));
                    }
                }
                None => texts.text(LocationKind::History, instruction, Some(format!("history[{index}].created_by"))),
            }
            texts.text(LocationKind::History, &history.comment, Some(format!("history[{index}].comment")));
            texts.text(LocationKind::History, &history.author, Some(format!("history[{index}].author")));
        }
    }
    texts.history = None;
    texts.keys(LocationKind::Label, image.config.iter().flat_map(|config| &config.labels).map(|(key, _)| key.as_str()));
    texts.keys(LocationKind::Annotation, image.annotations.iter().map(|annotation| annotation.key.as_str()));
    for annotation in &image.annotations {
        texts.named(LocationKind::Annotation, &annotation.key, &annotation.value, &annotation.owner);
    }
    for attestation in &image.attestations {
        texts.attestation(&attestation.predicate_type, &attestation.json);
    }
    outcome.complete = true;
    outcome.close();
    outcome
}

/// The variables of an `ENV` or `ARG` line, as BuildKit or as the classic builder writes it; `None` for other instructions.
fn variables(created_by: &str) -> Option<(LocationKind, Vec<(&str, &str)>)> {
    let instruction = created_by.trim_start();
    let instruction = instruction.strip_prefix("/bin/sh -c #(nop)").unwrap_or(instruction).trim_start();
    let (word, rest) = instruction.split_once(' ')?;
    let kind = match word {
        "ENV" => LocationKind::History,
        "ARG" => LocationKind::Arg,
        _ => return None,
    };
    let mut rest = rest.trim().trim_end_matches(" # buildkit");
    let mut pairs = Vec::new();
    while let Some((name, after)) = rest.split_once('=').filter(|(name, _)| is_name(name)) {
        let end = next_name(after).unwrap_or(after.len());
        let (value, next) = after.split_at(end);
        pairs.push((name, value));
        rest = next.trim_start();
    }
    (!pairs.is_empty() && rest.is_empty()).then_some((kind, pairs))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Where the blank before the next ` NAME=` stands.
fn next_name(text: &str) -> Option<usize> {
    text.match_indices(' ')
        .map(|(at, _)| at)
        .find(|at| text.get(at + 1..).and_then(|word| word.split_once('=')).is_some_and(|(name, _)| is_name(name)))
}

/// Splits `|2 TOKEN=abc NAME=x /bin/sh -c make` into the build arguments that the classic builder and BuildKit put before a
/// `RUN` instruction, and the rest. Values may hold spaces, so an argument ends where the next `NAME=` or the shell begins.
pub(super) fn build_args(created_by: &str) -> (Vec<(&str, &str)>, &str) {
    let Some((count, rest)) = created_by
        .trim_start()
        .strip_prefix("RUN ")
        .unwrap_or(created_by.trim_start())
        .strip_prefix('|')
        .and_then(|rest| rest.split_once(' '))
    else {
        return (Vec::new(), created_by);
    };
    let Ok(count) = count.parse::<usize>() else { return (Vec::new(), created_by) };
    // The shell form's start; an exec form has none, and then the last value ends at the next space.
    let shell = rest.find(" /bin/sh -c ").or_else(|| rest.find(" /bin/bash ")).or_else(|| rest.find(" cmd /S /C "));
    let (mut args, command) = match shell {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let mut found = Vec::new();
    for index in 0..count.min(10_000) {
        args = args.trim_start();
        let Some((name, after)) = args.split_once('=') else { break };
        let last = index + 1 == count;
        let end = if last && shell.is_some() { after.len() } else { next_argument(after, last) };
        let (value, next) = after.split_at(end);
        found.push((name, value));
        args = next;
    }
    let command = if command.is_empty() { args } else { command };
    (found, command.trim_start())
}

/// Where a value ends: before the next ` NAME=`, or else at the next space.
fn next_argument(text: &str, last: bool) -> usize {
    let first_space = text.find(' ').unwrap_or(text.len());
    if last {
        return first_space;
    }
    next_name(text).unwrap_or(first_space)
}

struct Texts<'s> {
    scanner: &'s mut Scanner,
    outcome: &'s mut Outcome,
    /// The line of the history that the texts are of.
    history: Option<usize>,
}

impl Texts<'_> {
    /// A value with its name.
    fn named(&mut self, kind: LocationKind, name: &str, value: &str, place: &str) {
        let location = Location { name: Some(name.to_owned()), ..Location::new(kind) };
        let hint = Hint { kind, path: "", name: Some(name), binary: false };
        let mut sink = TextSink { outcome: self.outcome, location, place, history: self.history };
        self.scanner.scan_text(value.as_bytes(), &hint, &mut sink);
    }

    /// Names by themselves, in which only a value's own format counts.
    fn keys<'k>(&mut self, kind: LocationKind, keys: impl Iterator<Item = &'k str>) {
        let text = keys.collect::<Vec<_>>().join("\n");
        let hint = Hint { kind, path: "", name: None, binary: true };
        let place = format!("names of {}s", kind.as_str());
        self.scanner.scan_text(
            text.as_bytes(),
            &hint,
            &mut TextSink { outcome: self.outcome, location: Location::new(kind), place: &place, history: self.history },
        );
    }

    /// A text in which names and values may stand.
    fn text(&mut self, kind: LocationKind, text: &str, name: Option<String>) {
        let place = name.clone().unwrap_or_else(|| kind.as_str().to_owned());
        let location = Location { name, ..Location::new(kind) };
        let hint = Hint { kind, path: "", name: None, binary: false };
        let mut sink = TextSink { outcome: self.outcome, location, place: &place, history: self.history };
        self.scanner.scan_text(text.as_bytes(), &hint, &mut sink);
    }

    /// A statement, as the JSON file that it is.
    fn attestation(&mut self, predicate_type: &str, json: &[u8]) {
        let location = Location { name: Some(predicate_type.to_owned()), ..Location::new(LocationKind::Attestation) };
        let hint = Hint { kind: LocationKind::Attestation, path: "attestation.json", name: None, binary: false };
        let mut sink = TextSink { outcome: self.outcome, location, place: predicate_type, history: self.history };
        self.scanner.scan_text(json, &hint, &mut sink);
    }
}

struct TextSink<'s> {
    outcome: &'s mut Outcome,
    location: Location,
    place: &'s str,
    history: Option<usize>,
}

impl Sink for TextSink<'_> {
    fn found(&mut self, mut found: Found) {
        let mut location = self.location.clone();
        // In a text, the match's own name (`--token`) says more than the place's.
        if let Some(name) = found.matched.name.take() {
            location.name = Some(name);
        }
        found.line = None;
        found.column = None;
        self.outcome.push(Seen { found, location, position: 0, path: None, hashes: None, history: self.history });
    }

    fn uncovered(&mut self, gap: Uncovered) {
        self.outcome.gap(Gap { path: Some(format!("config > {}", self.place)), reason: gap.reason, bytes: gap.bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::{build_args, variables};
    use crate::finding::LocationKind;

    #[test]
    fn variables_of_instructions_are_names_and_values() {
        assert_eq!(variables("ENV A=b c D=e=f # buildkit"), Some((LocationKind::History, vec![("A", "b c"), ("D", "e=f")])));
        assert_eq!(variables("/bin/sh -c #(nop)  ARG TOKEN=x"), Some((LocationKind::Arg, vec![("TOKEN", "x")])));
        assert_eq!(variables("ARG TOKEN"), None);
        assert_eq!(variables("RUN /bin/sh -c A=b make"), None);
    }

    #[test]
    fn build_arguments_are_names_and_values() {
        assert_eq!(
            build_args("|2 TOKEN=a b MODE=x /bin/sh -c make all # buildkit"),
            (vec![("TOKEN", "a b"), ("MODE", "x")], "/bin/sh -c make all # buildkit")
        );
        assert_eq!(build_args("RUN |1 A=x=y /bin/sh -c true"), (vec![("A", "x=y")], "/bin/sh -c true"));
        assert_eq!(build_args("|1 A=x true"), (vec![("A", "x")], "true"));
        assert_eq!(build_args("|9 A=x"), (vec![("A", "x")], ""));
        assert_eq!(build_args("/bin/sh -c echo |1 A=x"), (vec![], "/bin/sh -c echo |1 A=x"));
    }
}

//! Manifests to objects: multi-document YAML, JSON, and `List`s, with the line and column of every scalar.
//!
//! Hostile files are the normal case: depth, nodes and the bytes that aliases expand to are bounded, and a document that
//! cannot be read is reported, not skipped.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Number, Value};

use super::workload::{MAX_DEPTH, push_key};

/// Values that all aliases of one file may add up to.
const MAX_ALIASED: usize = 1_000_000;
/// Bytes of the JSON pointers whose positions are kept.
const MAX_POINTERS: usize = 64 << 20;

/// A place in a file, both 1-based; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// One object of a file.
pub struct Document {
    /// The object.
    pub object: Value,
    /// Where it starts.
    pub start: Position,
    /// JSON pointer to position, of every value.
    positions: HashMap<String, Position>,
    /// Pointer of the object in the document: `/items/3` in a `List`.
    prefix: String,
}

impl Document {
    /// The position of a value, or of the nearest one above it that the file spells out (a pointer may lead into a text,
    /// such as the copy of the object in an annotation).
    pub fn position(&self, pointer: &str) -> Position {
        let full = format!("{}{pointer}", self.prefix);
        let mut rest = full.as_str();
        loop {
            if let Some(position) = self.positions.get(rest) {
                return *position;
            }
            match rest.rsplit_once('/') {
                Some((parent, _)) => rest = parent,
                None => return self.start,
            }
        }
    }
}

/// The objects of a file, and what could not be read.
#[derive(Default)]
pub struct Documents {
    /// The objects, `List`s taken apart.
    pub objects: Vec<Document>,
    /// Why reading ended early, for people; holds no part of the file.
    pub problem: Option<String>,
}

impl Documents {
    /// Reads a file.
    pub fn parse(text: &str) -> Self {
        let mut documents = Self::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader =
            Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), aliased: 0, pointers: 0, positions: HashMap::new() };
        if let Err(problem) = reader.stream(&mut documents) {
            documents.problem = Some(problem);
        }
        documents
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, (Value, usize)>,
    aliased: usize,
    /// Bytes of the pointers in `positions`, of all documents.
    pointers: usize,
    positions: HashMap<String, Position>,
}

fn position(span: &Span) -> Position {
    let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
    let column = u32::try_from(span.start.col()).unwrap_or(u32::MAX).saturating_add(1);
    Position { line, column }
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), String> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(format!("no YAML from line {} on", error.marker().line())),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn stream(&mut self, documents: &mut Documents) -> Result<(), String> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(_), _) => {
                    self.anchors.clear();
                    self.positions = HashMap::new();
                    let (event, span) = self.next()?;
                    let start = position(&span);
                    let mut pointer = String::new();
                    let (value, _) = self.node(event, span, &mut pointer, 0)?;
                    let positions = std::mem::take(&mut self.positions);
                    keep(value, start, positions, documents);
                }
                _ => {}
            }
        }
    }

    /// One node and its number of values.
    fn node(&mut self, event: Event<'a>, span: Span, pointer: &mut String, depth: usize) -> Result<(Value, usize), String> {
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels at line {}", span.start.line()));
        }
        // A long key stands in the pointers of all that is below it: beyond the bound, places have no line.
        self.pointers = self.pointers.saturating_add(pointer.len());
        if self.pointers <= MAX_POINTERS {
            self.positions.insert(pointer.clone(), position(&span));
        }
        let length = pointer.len();
        let (value, size, anchor) = match event {
            // A long text counts for its bytes, since an alias copies them.
            Event::Scalar(text, style, anchor, tag) => (scalar(&text, style, tag.as_deref()), 1 + text.len() / 16, anchor),
            Event::Alias(anchor) => {
                let (value, size) =
                    self.anchors.get(&anchor).ok_or_else(|| format!("an alias without anchor at line {}", span.start.line()))?;
                self.aliased = self.aliased.saturating_add(*size);
                if self.aliased > MAX_ALIASED {
                    return Err("aliases expand to more than a million values".to_owned());
                }
                return Ok((value.clone(), *size));
            }
            Event::SequenceStart(anchor, _) => {
                let (mut list, mut size) = (Vec::new(), 1usize);
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        break;
                    }
                    pointer.push('/');
                    pointer.push_str(&list.len().to_string());
                    let (child, of_child) = self.node(event, span, pointer, depth + 1)?;
                    pointer.truncate(length);
                    size = size.saturating_add(of_child);
                    list.push(child);
                }
                (Value::Array(list), size, anchor)
            }
            Event::MappingStart(anchor, _) => {
                let (mut map, mut size) = (Map::new(), 1usize);
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::MappingEnd {
                        break;
                    }
                    let (key, of_key) = self.node(event, span, &mut "\u{0}".to_owned(), depth + 1)?;
                    let key = match key {
                        Value::String(text) => text,
                        other => other.to_string(),
                    };
                    push_key(pointer, &key);
                    let (event, span) = self.next()?;
                    let (child, of_child) = self.node(event, span, pointer, depth + 1)?;
                    pointer.truncate(length);
                    size = size.saturating_add(of_key).saturating_add(of_child);
                    match (key.as_str(), child) {
                        // `<<: *defaults`: what the mapping itself says goes first.
                        ("<<", Value::Object(merged)) => merged.into_iter().for_each(|(key, value)| {
                            map.entry(key).or_insert(value);
                        }),
                        (_, child) => {
                            map.insert(key, child);
                        }
                    }
                }
                (Value::Object(map), size, anchor)
            }
            _ => return Err(format!("no YAML from line {} on", span.start.line())),
        };
        if anchor > 0 {
            self.aliased = self.aliased.saturating_add(size);
            if self.aliased > MAX_ALIASED {
                return Err("anchors hold more than a million values".to_owned());
            }
            self.anchors.insert(anchor, (value.clone(), size));
        }
        Ok((value, size))
    }
}

/// YAML 1.2 core schema. Quoted scalars and `!!str` are text.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let is_text = tag.is_some_and(|tag| tag.suffix == "str" || tag.suffix == "binary");
    if style != ScalarStyle::Plain || is_text {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        // Numbers keep their spelling where it is the canonical one; any other is text, which loses nothing.
        _ => match text.parse::<i64>().map(Number::from).ok().or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64)) {
            Some(number) if number.to_string() == text => Value::Number(number),
            _ => Value::String(text.to_owned()),
        },
    }
}

/// Lists within lists.
const MAX_LISTS: usize = 8;

/// Keeps an object, or the items of a `List`, or of a list within it.
fn keep(value: Value, start: Position, positions: HashMap<String, Position>, documents: &mut Documents) {
    let whole = Document { object: value, start, positions, prefix: String::new() };
    take_apart(whole, 0, documents);
}

fn take_apart(document: Document, depth: usize, documents: &mut Documents) {
    let Document { object, start, positions, prefix } = document;
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let is_list = kind.ends_with("List") && object.get("items").is_some_and(Value::is_array) && depth < MAX_LISTS;
    if !is_list {
        if object.is_object() {
            documents.objects.push(Document { object, start, positions, prefix });
        }
        return;
    }
    // Items of a typed list (`PodList`) carry neither: both follow from the list's.
    let of_items = kind.strip_suffix("List").filter(|kind| !kind.is_empty()).map(str::to_owned);
    let Value::Object(mut list) = object else { return };
    let version = list.get("apiVersion").cloned();
    let Some(Value::Array(items)) = list.remove("items") else { return };
    // Each item gets the positions below it, so that a long list is not copied for every item.
    let mut by_item: HashMap<usize, HashMap<String, Position>> = HashMap::new();
    let front = format!("{prefix}/items/");
    for (pointer, position) in positions {
        let index = pointer.strip_prefix(&front).and_then(|rest| rest.split('/').next()).and_then(|index| index.parse().ok());
        if let Some(index) = index {
            by_item.entry(index).or_default().insert(pointer, position);
        }
    }
    for (index, mut item) in items.into_iter().enumerate().filter(|(_, item)| item.is_object()) {
        if let (Some(kind), Some(item)) = (&of_items, item.as_object_mut()) {
            item.entry("kind").or_insert_with(|| Value::String(kind.clone()));
            if let Some(version) = &version {
                item.entry("apiVersion").or_insert_with(|| version.clone());
            }
        }
        let prefix = format!("{front}{index}");
        let positions = by_item.remove(&index).unwrap_or_default();
        let start = positions.get(&prefix).copied().unwrap_or(start);
        take_apart(Document { object: item, start, positions, prefix }, depth + 1, documents);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_and_keys_are_not_multiplied() {
        let long = "x".repeat(1 << 20);
        let copies = format!("a: &a {long}\nb: [{}]\n", "*a, ".repeat(1_000));
        assert!(Documents::parse(&copies).problem.is_some_and(|problem| problem.contains("aliases")));
        let keys = format!("kind: ConfigMap\nmetadata: {{name: a}}\n? {long}\n: [{}]\n", "1, ".repeat(100_000));
        assert!(Documents::parse(&keys).problem.is_none(), "it would take 100 GB");
    }

    #[test]
    fn documents_and_lists_keep_their_positions() {
        let text =
            "a: 1\n---\nkind: List\nitems:\n- kind: Pod\n  spec: {x: \"1\"}\n- kind: Pod\n  y: |\n    text\n---\n{\"kind\": \"X\"}\n";
        let documents = Documents::parse(text);
        assert_eq!(documents.problem, None);
        let kinds: Vec<_> = documents.objects.iter().map(|d| (d.object["kind"].as_str(), d.start.line)).collect();
        assert_eq!(kinds, [(None, 1), (Some("Pod"), 5), (Some("Pod"), 7), (Some("X"), 11)]);
        assert_eq!(documents.objects[1].position("/spec/x"), Position { line: 6, column: 13 });
        assert_eq!(documents.objects[1].position("/spec/x/into/a/text").line, 6, "the nearest above");
        assert_eq!(documents.objects[1].object["spec"]["x"], "1");
    }

    #[test]
    fn anchors_merge_keys_and_scalars() {
        let text = "d: &d {a: 1, b: yes}\ne:\n  <<: *d\n  a: 007\nf: *d\ng: !!str 5\n";
        let object = Documents::parse(text).objects.remove(0).object;
        assert_eq!(object["e"], serde_json::json!({"a": "007", "b": "yes"}), "007 is no canonical number");
        assert_eq!(object["f"]["a"], 1);
        assert_eq!(object["g"], "5");
    }

    #[test]
    fn hostile_files_end_in_a_problem() {
        let bomb: String = (1..20).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
            let m = n - 1;
            text + &format!("a{n}: &a{n} [*a{m},*a{m},*a{m},*a{m},*a{m},*a{m},*a{m},*a{m},*a{m}]\n")
        });
        for text in [bomb.as_str(), &"[".repeat(5000), &"a:\n".repeat(3), "a: *b", "{{ if .x }}\nkind: Pod\n", "a: [1", "\t- x"] {
            let documents = Documents::parse(text);
            assert!(documents.problem.is_some() || documents.objects.len() <= 1, "{}", text.len());
        }
        assert!(Documents::parse(&bomb).problem.is_some());
        assert!(Documents::parse(&"[".repeat(5000)).problem.is_some());
    }
}

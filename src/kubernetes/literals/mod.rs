//! Every string of an object, with its place and the name that it is assigned to.
//!
//! Deliberately absent: a list of fields to look at. All of them are; [`words`] only says what is *not* a literal
//! (references, ciphertext, bookkeeping of the API server) and which keys are the API's own words, so that they say
//! nothing about the value (`secretName: db` assigns no secret).

mod argv;
mod words;

use std::ops::Range;

use serde_json::{Map, Value};

use super::workload::{MAX_DEPTH, Subject, push_key};
use words::{Context, Kind, assigned_name, container_name, enter, file_name, is_file, is_object_meta, is_object_name};

/// `kubectl apply` keeps a whole copy of the object here.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What kind of field a literal stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// `env[].value`.
    Env,
    /// `args`.
    Args,
    /// `command`.
    Command,
    /// A probe or a lifecycle hook: exec, URL, headers.
    Probe,
    /// An annotation, of the object or of its template.
    Annotation,
    /// A label.
    Label,
    /// `data` or `binaryData` of a ConfigMap.
    Data,
    /// A volume's attributes.
    Volume,
    /// Anything else, in custom resources for the most part.
    Other,
}

/// One step of a JSON pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// One string of an object. It may hold a credential, so it has no `Debug`.
pub struct Literal<'a, 'p> {
    path: &'p [Step<'a>],
    /// Of a command line: where its words stand in `value`, in the order of the array.
    words: &'p [Range<usize>],
    /// The word that is meant.
    word: Option<usize>,
    /// Name of the container that it belongs to.
    pub container: Option<&'a str>,
    /// What kind of field.
    pub field: Field,
    /// The variable, header, flag or key that the value is assigned to.
    pub name: Option<&'a str>,
    /// Name of the file that the value is the content of, or empty.
    pub file: &'a str,
    /// The string's bytes; decoded for `binaryData`.
    pub value: &'a [u8],
}

impl<'a, 'p> Literal<'a, 'p> {
    /// The literal that the bytes `span` of the value belong to: of a command line, which is looked at as a whole, the one
    /// word. `None` for words that another array holds (`args` are read behind their `command`).
    pub fn at(&self, span: &Range<usize>) -> Option<Literal<'a, 'p>> {
        let mut found = Literal { ..*self };
        if !self.words.is_empty() {
            let before = self.words.partition_point(|word| word.start <= span.start);
            let word = before.checked_sub(1)?;
            self.words.get(word).filter(|word| span.start < word.end)?;
            found.words = &[];
            found.word = Some(word);
        }
        Some(found)
    }

    /// JSON pointer (RFC 6901) in the object.
    pub fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in self.path {
            match step {
                Step::Key(key) => push_key(&mut pointer, key),
                Step::Index(index) => push_index(&mut pointer, *index),
            }
        }
        if let Some(word) = self.word {
            push_index(&mut pointer, word);
        }
        pointer
    }

    /// The field for people: `env DB_PASSWORD`, `args[2]`, `livenessProbe.httpGet.path`. The same in a Deployment and in
    /// its pods. Holds keys and names, never values.
    pub fn label(&self) -> String {
        let key = |from_end: usize| self.path.iter().rev().filter_map(|s| if let Step::Key(k) = s { Some(*k) } else { None }).nth(from_end);
        let last = || self.path.iter().rev().find_map(|s| if let Step::Index(i) = s { Some(*i) } else { None });
        let index = || self.word.or_else(last).unwrap_or_default();
        let text = match self.field {
            Field::Env => format!("env {}", self.name.unwrap_or("?")),
            Field::Args | Field::Command => format!("{}[{}]", if self.field == Field::Args { "args" } else { "command" }, index()),
            Field::Annotation => format!("annotation {}", self.after("annotations").unwrap_or("?")),
            Field::Label => format!("label {}", key(0).unwrap_or("?")),
            Field::Data => format!("data {}", key(0).unwrap_or("?")),
            Field::Probe | Field::Volume | Field::Other => self.tail(),
        };
        clean(&text, 120)
    }

    /// The key below the last step of that name.
    fn after(&self, parent: &str) -> Option<&str> {
        let at = self.path.iter().rposition(|step| *step == Step::Key(parent))?;
        match self.path.get(at + 1) {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// The last four steps, dotted; what stands above names the container, which is said apart.
    fn tail(&self) -> String {
        let mut text = String::new();
        for step in self.path.get(self.path.len().saturating_sub(5)..).unwrap_or_default() {
            match step {
                Step::Key(key) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(key);
                }
                Step::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        if let Some(word) = self.word {
            text.push_str(&format!("[{word}]"));
        }
        text
    }
}

fn push_index(pointer: &mut String, index: usize) {
    pointer.push('/');
    pointer.push_str(&index.to_string());
}

/// Text that came from a user as it may stand in a message: printable, one line, cut to `max` characters.
pub(super) fn clean(text: &str, max: usize) -> String {
    let mut out: String = text.chars().take(max).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().nth(max).is_some() {
        out.push('…');
    }
    out
}

/// Calls `emit` for every literal of the object, in document order, until it says `false`. Returns the places that were
/// not read, which the depth limit alone can cause.
pub fn walk(object: &Value, emit: &mut dyn FnMut(&Literal<'_, '_>) -> bool) -> Vec<String> {
    let subject = Subject::of(object);
    let mut gaps = Vec::new();
    let kind = Kind::of(&subject);
    let mut walker = Walker { path: Vec::new(), kind, gaps: &mut gaps, emit };
    if let Some(map) = object.as_object() {
        walker.top(map, 0);
    }
    gaps
}

struct Walker<'a, 'w> {
    path: Vec<Step<'a>>,
    kind: Kind,
    gaps: &'w mut Vec<String>,
    emit: &'w mut dyn FnMut(&Literal<'_, '_>) -> bool,
}

impl<'a> Walker<'a, '_> {
    /// The object itself. `depth` is above zero for a copy within an annotation.
    fn top(&mut self, object: &'a Map<String, Value>, depth: usize) -> bool {
        let context = Context { container: None, field: Field::Other, reference: self.kind.refers };
        for (key, value) in object {
            let goes_on = match key.as_str() {
                "apiVersion" | "kind" | "status" => true,
                "data" | "stringData" if self.kind.secret => true,
                "data" if self.kind.config_map => self.config_map(key, value, false),
                "binaryData" if self.kind.config_map => self.config_map(key, value, true),
                _ => self.member(object, key, value, context, depth + 1),
            };
            if !goes_on {
                return false;
            }
        }
        true
    }

    fn config_map(&mut self, section: &'a str, data: &'a Value, binary: bool) -> bool {
        let Some(map) = data.as_object() else { return true };
        self.path.push(Step::Key(section));
        let mut goes_on = true;
        for (key, value) in map {
            let Some(text) = value.as_str() else { continue };
            self.path.push(Step::Key(key));
            if binary {
                let decoded = data_encoding::BASE64.decode(text.as_bytes()).map(zeroize::Zeroizing::new);
                let bytes = decoded.as_ref().map_or(text.as_bytes(), |decoded| decoded.as_slice());
                goes_on = self.say(Field::Data, None, None, key, bytes);
            } else if is_file(key, text) {
                goes_on = self.say(Field::Data, None, None, key, text.as_bytes());
            } else {
                goes_on = self.say(Field::Data, None, Some(key), "", text.as_bytes());
            }
            self.path.pop();
            if !goes_on {
                break;
            }
        }
        self.path.pop();
        goes_on
    }

    /// One member of an object.
    fn member(&mut self, object: &'a Map<String, Value>, key: &'a str, value: &'a Value, context: Context<'a>, depth: usize) -> bool {
        if self.kind.hides(key) {
            return true;
        }
        if depth > MAX_DEPTH {
            self.gaps.push("nested deeper than 128 levels".to_owned());
            return true;
        }
        self.path.push(Step::Key(key));
        let goes_on = match (key, value) {
            ("metadata", Value::Object(metadata)) => self.metadata(metadata, context, depth),
            _ => {
                let context = enter(context, key);
                let name = assigned_name(object, key, value).filter(|_| !context.reference);
                match (key, value) {
                    ("command" | "args", Value::Array(list)) => {
                        let before = object.get("command").filter(|_| key == "args");
                        self.words(list, context, name, key, depth) && self.line(before, list, context)
                    }
                    _ => self.value(value, context, name, key, depth),
                }
            }
        };
        self.path.pop();
        goes_on
    }

    /// Labels and annotations are literals; the rest of an `ObjectMeta` is identity. What is none (a custom resource's own
    /// `metadata`) is read like any other field.
    fn metadata(&mut self, metadata: &'a Map<String, Value>, context: Context<'a>, depth: usize) -> bool {
        for (key, value) in metadata {
            let (field, map) = match (key.as_str(), value) {
                ("annotations", Value::Object(map)) => (Field::Annotation, map),
                ("labels", Value::Object(map)) => (Field::Label, map),
                (key, _) if is_object_meta(key) => continue,
                _ => {
                    if !self.member(metadata, key, value, context, depth + 1) {
                        return false;
                    }
                    continue;
                }
            };
            self.path.push(Step::Key(key));
            for (key, value) in map {
                let Some(text) = value.as_str() else { continue };
                self.path.push(Step::Key(key));
                let goes_on = if key == LAST_APPLIED || (field == Field::Annotation && text.starts_with('{')) {
                    self.copy(key, text, context, depth)
                } else {
                    self.say(field, context.container, Some(key), "", text.as_bytes())
                };
                self.path.pop();
                if !goes_on {
                    self.path.pop();
                    return false;
                }
            }
            self.path.pop();
        }
        true
    }

    /// The words of a command line, one by one.
    fn words(&mut self, list: &'a [Value], context: Context<'a>, name: Option<&'a str>, key: &'a str, depth: usize) -> bool {
        let mut flag: Option<&'a str> = None;
        for (index, child) in list.iter().enumerate() {
            self.path.push(Step::Index(index));
            let goes_on = match child {
                Value::String(text) => {
                    // `["--token", "x"]`: the flag names the word that follows.
                    let named = flag.filter(|_| !argv::is_script(text));
                    let file = if named.is_none() && argv::is_script(text) { argv::FILE } else { "" };
                    flag = argv::flag(text);
                    self.say(context.field, context.container, named, file, text.as_bytes())
                }
                other => {
                    flag = None;
                    self.value(other, context, name, key, depth + 1)
                }
            };
            self.path.pop();
            if !goes_on {
                return false;
            }
        }
        true
    }

    /// The same words read together.
    fn line(&mut self, before: Option<&Value>, list: &[Value], context: Context<'a>) -> bool {
        let Some((text, words)) = argv::line(before, list) else { return true };
        (self.emit)(&Literal {
            path: &self.path,
            words: &words,
            word: None,
            container: context.container,
            field: context.field,
            name: None,
            file: argv::FILE,
            value: text.as_bytes(),
        })
    }

    /// Whole objects in annotations, by `kubectl apply` and other tools: a copy is walked as the object that it is, once; a copy
    /// within the copy is only a text. A Secret's copy of itself says no more than the Secret.
    fn copy(&mut self, key: &'a str, text: &'a str, context: Context<'a>, depth: usize) -> bool {
        let object = |value: &Value| value.get("kind").is_some_and(Value::is_string) || key == LAST_APPLIED;
        let nested: Value = match serde_json::from_str(text) {
            Ok(value) if depth <= 4 && object(&value) => value,
            _ if key == LAST_APPLIED && self.kind.secret => return true,
            _ => return self.say(Field::Annotation, context.container, Some(key), "", text.as_bytes()),
        };
        let Some(map) = nested.as_object() else { return true };
        let mut walker = Walker { path: self.path.clone(), kind: self.kind, gaps: &mut *self.gaps, emit: &mut *self.emit };
        walker.top(map, depth + 4)
    }

    fn value(&mut self, value: &'a Value, context: Context<'a>, name: Option<&'a str>, key: &'a str, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            self.gaps.push("nested deeper than 128 levels".to_owned());
            return true;
        }
        match value {
            Value::String(text) => {
                let file = if argv::is_line(key, text) { argv::FILE } else { file_name(key, text) };
                let name = name.filter(|_| file.is_empty() || context.field == Field::Env);
                self.say(context.field, context.container, name, file, text.as_bytes())
            }
            // `value: 12345678` in a manifest: the API server refuses it, a reader of files meets it.
            Value::Number(number) if name.is_some() => self.say(context.field, context.container, name, "", number.to_string().as_bytes()),
            Value::Array(list) => {
                let mut flag: Option<&'a str> = None;
                for (index, child) in list.iter().enumerate() {
                    self.path.push(Step::Index(index));
                    let text = child.as_str();
                    // `tokens: [...]`, but not `secrets: [name-of-one]`.
                    let listed = name.filter(|_| text.is_none_or(|text| !is_object_name(text)));
                    let assigned = text.and(flag).or(listed);
                    let goes_on = self.value(child, context, assigned, key, depth + 1);
                    flag = text.and_then(argv::flag);
                    self.path.pop();
                    if !goes_on {
                        return false;
                    }
                }
                true
            }
            Value::Object(map) => {
                let context = Context { container: container_name(map, key).or(context.container), ..context };
                map.iter().all(|(key, child)| self.member(map, key, child, context, depth + 1))
            }
            _ => true,
        }
    }

    fn say(&mut self, field: Field, container: Option<&str>, name: Option<&str>, file: &str, value: &[u8]) -> bool {
        if value.is_empty() {
            return true;
        }
        (self.emit)(&Literal { path: &self.path, words: &[], word: None, container, field, name, file, value })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn all(object: &Value) -> Vec<(String, Option<String>, Option<String>, String)> {
        let mut out = Vec::new();
        walk(object, &mut |l| {
            let value = String::from_utf8_lossy(l.value).into_owned();
            out.push((l.label(), l.container.map(str::to_owned), l.name.map(str::to_owned), value));
            true
        });
        out
    }

    #[test]
    fn every_string_of_a_container_is_a_literal_with_its_name() {
        let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": {"a/b": "c"}}, "spec": {"containers": [{
            "name": "web", "image": "i",
            "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
            "args": ["--token", "t", "--x=y"],
            "livenessProbe": {"httpGet": {"path": "/h", "httpHeaders": [{"name": "Authorization", "value": "v"}]}},
        }]}});
        let literals = all(&object);
        let find = |value: &str| literals.iter().find(|l| l.3 == value).cloned().expect(value);
        let web = Some("web".to_owned());
        assert_eq!(find("1"), ("env A".into(), web.clone(), Some("A".into()), "1".into()));
        assert_eq!(find("t"), ("args[1]".into(), web.clone(), Some("token".into()), "t".into()));
        assert_eq!(find("v").2.as_deref(), Some("Authorization"));
        assert_eq!(find("k").2, None, "a reference assigns nothing");
        assert_eq!(find("c"), ("annotation a/b".into(), None, Some("a/b".into()), "c".into()));
    }

    #[test]
    fn last_applied_is_walked_as_the_object_that_it_is() {
        let inner = json!({"kind": "Pod", "spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "x"}]}]}}).to_string();
        let object = json!({"kind": "Pod", "metadata": {"annotations": {LAST_APPLIED: inner}}});
        let mut pointers = Vec::new();
        walk(&object, &mut |l| {
            pointers.push(l.pointer());
            true
        });
        let expected = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration/spec/containers/0/env/0/value";
        assert!(pointers.iter().any(|pointer| pointer == expected), "{}", pointers.join(" "));
    }

    #[test]
    fn config_map_entries_are_values_or_files() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"db.password": "x", ".env": "A=1\nB=2\n"}, "binaryData": {"b": "aGVsbG8="}});
        let literals = all(&object);
        assert_eq!(literals[0].2, None, "a file: {}", literals[0].0);
        assert!(literals.iter().any(|l| l.2.as_deref() == Some("db.password")));
        assert!(literals.iter().any(|l| l.3 == "hello"));
    }

    #[test]
    fn secrets_ciphertext_and_bookkeeping_are_no_literals() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}, "metadata": {"annotations": {LAST_APPLIED: "{\"data\":{\"a\":\"eA==\"}}"}}});
        assert!(all(&secret).is_empty());
        let copy = json!({"kind": "Secret", "data": {"a": "eA=="}}).to_string();
        let by_kapp = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"annotations": {"kapp.k14s.io/original": copy}}});
        assert!(all(&by_kapp).is_empty(), "a copy of a Secret in the Secret");
        let elsewhere = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"annotations": {"kapp.k14s.io/original": copy}}});
        assert_eq!(all(&elsewhere).len(), 1, "but not in a pod");
        let sealed =
            json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "spec": {"encryptedData": {"password": "AgBy3i4OJSWK"}}});
        assert!(all(&sealed).is_empty());
    }

    #[test]
    fn a_walk_stops_when_told() {
        let object = json!({"kind": "X", "a": "1", "b": "2"});
        let mut seen = 0;
        walk(&object, &mut |_| {
            seen += 1;
            false
        });
        assert_eq!(seen, 1);
    }
}

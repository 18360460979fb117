//! The image config: what of it is read, from JSON that somebody else wrote.
//!
//! Formats: [OCI image config](https://github.com/opencontainers/image-spec/blob/main/config.md) and Docker's, which is the same
//! with more fields. Keys are compared without case, because Go, in which every runtime is written, reads them so.

use serde_json::{Map, Value};

use super::{History, ImageConfig, limits, manifest::without_values};
use crate::{finding::Skip, image::digest::Digest};

impl ImageConfig {
    /// Reads a config. Values of a type that the format does not foresee land in `other`, so that every text is looked at.
    ///
    /// # Errors
    /// When the bytes are no JSON object.
    pub(crate) fn parse(bytes: &[u8]) -> Result<(Self, Option<Skip>), String> {
        let root: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|error| format!("the config is not valid: {}", without_values(&error)))?;
        let mut config = Self::default();
        let mut rest = Rest::default();
        let mut platform = super::platform::Platform::default();
        for (key, value) in root {
            let pointer = format!("/{}", escaped(&key));
            match (key.to_ascii_lowercase().as_str(), value) {
                ("config", Value::Object(inner)) => config.container(inner, &pointer, &mut rest),
                ("history", Value::Array(entries)) => config.histories(entries, &pointer, &mut rest),
                ("rootfs", Value::Object(rootfs)) => config.rootfs(rootfs, &pointer, &mut rest),
                ("os", Value::String(os)) => platform.os = os,
                ("architecture", Value::String(architecture)) => platform.architecture = architecture,
                ("variant", Value::String(variant)) => platform.variant = variant,
                (_, value) => rest.take(value, &pointer),
            }
        }
        if platform.is_known() {
            config.platform = Some(platform.to_string());
        }
        // What is no platform may be anything.
        for (name, text) in [("os", platform.os), ("architecture", platform.architecture), ("variant", platform.variant)] {
            if text.len() > 16 {
                rest.push(&format!("/{name}"), text);
            }
        }
        config.labels.sort_unstable();
        config.other = rest.strings;
        let skip = (rest.dropped > 0).then(|| Skip {
            layer: None,
            path: Some("config".to_owned()),
            reason: format!("the config has {} more texts than the {} that are read", rest.dropped, limits::CONFIG_STRINGS),
            bytes: None,
        });
        Ok((config, skip))
    }

    fn container(&mut self, fields: Map<String, Value>, pointer: &str, rest: &mut Rest) {
        for (key, value) in fields {
            let pointer = format!("{pointer}/{}", escaped(&key));
            match key.to_ascii_lowercase().as_str() {
                "env" => rest.list(value, &pointer, &mut self.env),
                "cmd" => rest.list(value, &pointer, &mut self.cmd),
                "entrypoint" => rest.list(value, &pointer, &mut self.entrypoint),
                "onbuild" => rest.list(value, &pointer, &mut self.onbuild),
                "labels" => match value {
                    Value::Object(labels) => {
                        for (name, value) in labels {
                            match value {
                                Value::String(text) => self.labels.push((name, text)),
                                other => rest.take(other, &format!("{pointer}/{}", escaped(&name))),
                            }
                        }
                    }
                    other => rest.take(other, &pointer),
                },
                "healthcheck" => match value {
                    Value::Object(fields) => {
                        for (key, value) in fields {
                            let pointer = format!("{pointer}/{}", escaped(&key));
                            if key.eq_ignore_ascii_case("test") {
                                rest.list(value, &pointer, &mut self.healthcheck);
                            } else {
                                rest.take(value, &pointer);
                            }
                        }
                    }
                    other => rest.take(other, &pointer),
                },
                _ => rest.take(value, &pointer),
            }
        }
    }

    fn histories(&mut self, entries: Vec<Value>, pointer: &str, rest: &mut Rest) {
        for (at, entry) in entries.into_iter().enumerate() {
            let pointer = format!("{pointer}/{at}");
            let mut history = History::default();
            match entry {
                Value::Object(fields) => {
                    for (key, value) in fields {
                        match (key.to_ascii_lowercase().as_str(), value) {
                            ("created_by", Value::String(text)) => history.created_by = text,
                            ("comment", Value::String(text)) => history.comment = text,
                            ("author", Value::String(text)) => history.author = text,
                            ("empty_layer", Value::Bool(empty)) => history.empty_layer = empty,
                            ("created", Value::String(time)) if is_time(&time) => {}
                            (_, value) => rest.take(value, &format!("{pointer}/{}", escaped(&key))),
                        }
                    }
                }
                other => rest.take(other, &pointer),
            }
            self.history.push(history);
        }
    }

    fn rootfs(&mut self, fields: Map<String, Value>, pointer: &str, rest: &mut Rest) {
        for (key, value) in fields {
            let pointer = format!("{pointer}/{}", escaped(&key));
            match (key.to_ascii_lowercase().as_str(), value) {
                ("diff_ids", Value::Array(ids)) => {
                    for (at, id) in ids.into_iter().enumerate() {
                        match id {
                            // A place is kept for one that is wrong, so that the others keep theirs.
                            Value::String(id) if Digest::parse(&id).is_ok() => self.diff_ids.push(id),
                            other => {
                                self.diff_ids.push(String::new());
                                rest.take(other, &format!("{pointer}/{at}"));
                            }
                        }
                    }
                }
                (_, value) => rest.take(value, &pointer),
            }
        }
    }
}

/// Texts without a place of their own.
#[derive(Default)]
struct Rest {
    strings: Vec<(String, String)>,
    dropped: u64,
}

impl Rest {
    /// An array of strings, or a single one; whatever else there is goes to the rest.
    fn list(&mut self, value: Value, pointer: &str, into: &mut Vec<String>) {
        match value {
            Value::String(text) => into.push(text),
            Value::Array(items) => {
                for (at, item) in items.into_iter().enumerate() {
                    match item {
                        Value::String(text) => into.push(text),
                        other => self.take(other, &format!("{pointer}/{at}")),
                    }
                }
            }
            other => self.take(other, pointer),
        }
    }

    /// Every string below `value`, and every key that is no plain word of a schema. The parser bounded the depth.
    fn take(&mut self, value: Value, pointer: &str) {
        match value {
            Value::String(text) => self.push(pointer, text),
            Value::Array(items) => {
                for (at, item) in items.into_iter().enumerate() {
                    self.take(item, &format!("{pointer}/{at}"));
                }
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    let inner = format!("{pointer}/{}", escaped(&key));
                    let empty = matches!(&value, Value::Null) || matches!(&value, Value::Object(fields) if fields.is_empty());
                    self.take(value, &inner);
                    // `Volumes` and `ExposedPorts` keep their data in keys.
                    if empty || key.len() > 16 {
                        self.push(pointer, key);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn push(&mut self, pointer: &str, text: String) {
        if text.is_empty() {
            return;
        }
        if self.strings.len() >= limits::CONFIG_STRINGS {
            self.dropped += 1;
            return;
        }
        // Long keys would make long pointers; they are texts of their own.
        let pointer = pointer.char_indices().nth(256).map_or(pointer, |(end, _)| pointer.get(..end).unwrap_or(pointer));
        self.strings.push((pointer.to_owned(), text));
    }
}

/// A key as a component of a JSON pointer (RFC 6901).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// An RFC 3339 time, judged by its shape.
fn is_time(text: &str) -> bool {
    text.len() <= 40 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'.' | b'+' | b'T' | b'Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> ImageConfig {
        ImageConfig::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}")).0
    }

    #[test]
    fn every_text_of_a_config_has_a_place() {
        let config = parse(
            r#"{"os":"linux","architecture":"arm64","variant":"v8","author":"me","created":"2024-01-01T00:00:00Z",
                "config":{"Env":["A=1",7],"Cmd":["run"],"Entrypoint":"sh","Labels":{"b":"2","a":"1","n":3},"User":"root",
                          "Healthcheck":{"Test":["CMD","true"],"Interval":1},"OnBuild":["RUN x"],"Volumes":{"/data":{}},"X":{"deep":["y"]}},
                "rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","lie"]},
                "history":[{"created":"2024-01-01T00:00:00Z","created_by":"ADD x","comment":"c"},{"created_by":"ENV A=1","empty_layer":true}]}"#,
        );
        assert_eq!(config.platform.as_deref(), Some("linux/arm64/v8"));
        assert_eq!(config.env, ["A=1"]);
        assert_eq!(config.entrypoint, ["sh"]);
        assert_eq!(config.labels, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        assert_eq!(config.healthcheck, ["CMD", "true"]);
        assert_eq!(config.onbuild, ["RUN x"]);
        assert_eq!(config.diff_ids.len(), 2, "a wrong diffID keeps its place");
        assert_eq!(config.history.len(), 2);
        let other: Vec<_> = config.other.iter().map(|(pointer, value)| format!("{pointer}={value}")).collect();
        for expected in ["/author=me", "/config/User=root", "/config/Volumes=/data", "/config/X/deep/0=y", "/rootfs/diff_ids/1=lie"] {
            assert!(other.iter().any(|text| text == expected), "{expected} in {other:?}");
        }
    }

    #[test]
    fn keys_are_read_as_go_reads_them() {
        assert_eq!(parse(r#"{"CONFIG":{"env":["A=1"],"Env":["B=2"]}}"#).env.len(), 2);
    }

    #[test]
    fn hostile_configs_are_bounded() {
        let many = format!("{{\"x\":[{}\"a\"]}}", "\"a\",".repeat(limits::CONFIG_STRINGS + 4));
        let (config, skip) = ImageConfig::parse(many.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.other.len(), limits::CONFIG_STRINGS);
        assert!(skip.is_some_and(|skip| skip.reason.contains("5 more texts")));
        let deep = format!("{{\"x\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
        assert!(ImageConfig::parse(deep.as_bytes()).is_err());
        assert!(ImageConfig::parse(b"[]").is_err());
    }
}

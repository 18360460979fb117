//! Command lines: what `["mysqldump", "-pPASSWORD"]` and `["redis-cli", "-a", "PASSWORD"]` give away is seen only when the
//! words are read together.

use std::ops::Range;

use serde_json::Value;

/// The name that makes the engine read a text as a shell does.
pub(super) const FILE: &str = "command.sh";

/// A line that a shell would read as those words, and where the words of `array` stand in it. `before` are the words of
/// the `command` that `array` are the arguments of. `None` where there is no line.
pub(super) fn line(before: Option<&Value>, array: &[Value]) -> Option<(zeroize::Zeroizing<String>, Vec<Range<usize>>)> {
    let before = before.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if before.len() + array.len() < 2 || array.is_empty() {
        return None;
    }
    let length: usize = before.iter().chain(array).filter_map(Value::as_str).map(|word| word.len() + 3).sum();
    let mut text = zeroize::Zeroizing::new(String::with_capacity(length));
    let mut words = Vec::with_capacity(array.len());
    // A script in the command is a line of its own and is read there; behind it, arguments are its `$0`, `$1`.
    for word in before {
        push(&mut text, word.as_str()?);
    }
    for word in array {
        let start = text.len();
        // What is no text cannot be a word; its place is kept, so that the others count right.
        push(&mut text, word.as_str().unwrap_or_default());
        words.push(start..text.len());
    }
    Some((text, words))
}

fn push(text: &mut String, word: &str) {
    let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&b));
    if plain {
        text.push_str(word);
    } else {
        text.push('\'');
        for (index, part) in word.split('\'').enumerate() {
            if index > 0 {
                text.push_str("'\\''");
            }
            text.push_str(part);
        }
        text.push('\'');
    }
    text.push(' ');
}

/// The name that a word gives to the next one: `--token` and `-password`. `-c` names nothing.
pub(super) fn flag(word: &str) -> Option<&str> {
    let name = word.strip_prefix('-')?.trim_start_matches('-');
    let plain = name.len() > 1 && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    (plain && name.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(name)
}

/// Whether a word is a script for a shell: `sh -c "…"`.
pub(super) fn is_script(word: &str) -> bool {
    word.trim().contains(char::is_whitespace)
}

/// Whether a field of a custom resource is a command line in one text.
pub(super) fn is_line(key: &str, text: &str) -> bool {
    matches!(key, "command" | "args" | "cmd" | "run") && is_script(text)
}

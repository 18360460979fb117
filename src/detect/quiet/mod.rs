//! What is no credential although it stands where one could: references, placeholders, public values.

mod placeholders;
mod public;
mod references;

pub(super) use placeholders::is_placeholder;
pub(super) use public::{is_drawing, is_public, is_uuid};
pub(super) use references::{is_constant, is_expression, is_reference};

/// Whether `text` holds `word` (lower case), ignoring ASCII case.
pub(super) fn holds(text: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.first() else { return false };
    // Dozens of words are looked for in each value: most of their first letters do not stand in it.
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), text).any(|at| starts(text.get(at..).unwrap_or_default(), word))
}

/// Whether `text` starts with `word` (lower case), ignoring ASCII case.
pub(super) fn starts(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word))
}

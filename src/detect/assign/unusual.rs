//! Names and values that are joined otherwise than by `name op value`: the value stands first, words stand between, or the
//! value is compared.

use std::ops::Range;

use super::{Form, Operator, is_name, skip_blanks};
use crate::detect::quiet;

/// Bytes of the shortest value that counts where hardly more than its look says that it is one.
const TELLING: usize = 16;
/// Bytes before a name in which its value is looked for.
const BEFORE: usize = 600;

/// Words that belong to the credential's word though a blank stands between: `Api Key`, `client secret`.
const OWNERS: &[&[u8]] = &[
    b"api",
    b"secret",
    b"access",
    b"auth",
    b"client",
    b"private",
    b"account",
    b"app",
    b"application",
    b"consumer",
    b"signing",
    b"encryption",
    b"master",
    b"subscription",
    b"service",
    b"integration",
    b"webhook",
    b"bearer",
    b"bot",
    b"oauth",
];

/// Where the name starts with the word before it, if the two are one: `Api Key`. No line break is between.
pub(in crate::detect) fn owner(text: &[u8], start: usize) -> Option<usize> {
    let end = start.checked_sub(1).filter(|at| text.get(*at) == Some(&b' '))?;
    let before = text.get(end.saturating_sub(12)..end)?;
    let word = before.get(before.len() - before.iter().rev().take_while(|b| b.is_ascii_alphabetic()).count()..)?;
    OWNERS.iter().any(|known| word.eq_ignore_ascii_case(known)).then(|| end - word.len())
}

/// Whether the value looks like no word of a text: one run of the characters that tokens are made of, digits among them.
pub(in crate::detect) fn telling(value: &[u8]) -> bool {
    value.len() >= TELLING
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
        && value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b':' | b'~'))
}

/// `Api key is X`, `token for Acme: X`: what only a telling value may follow.
pub(super) fn said(text: &[u8], at: usize) -> Option<Operator> {
    let rest = text.get(at..text.len().min(at + 60))?;
    let unquoted = |end: usize| Some(Operator { end: at + end, quotes: false, form: Form::Said });
    if quiet::starts(rest, b"is ") {
        return unquoted(3);
    }
    if quiet::starts(rest, b"is: ") {
        return unquoted(4);
    }
    let whose = rest.strip_prefix(b"for ").or_else(|| rest.strip_prefix(b"of "))?;
    let words = whose.iter().take_while(|b| is_name(**b) || **b == b' ').count();
    (words > 0 && matches!(whose.get(words), Some(b':' | b'='))).then(|| unquoted(rest.len() - whose.len() + words + 1)).flatten()
}

/// `name == "value"`: whoever reads it knows what is let in.
pub(super) fn compared(text: &[u8], at: usize) -> Option<Operator> {
    let end = at + 2 + usize::from(text.get(at + 2) == Some(&b'='));
    Some(Operator { end, quotes: true, form: Form::Said })
}

/// `$ENV{NAME} = "value"`, `$config{password} = "value"`; not `${NAME} =`.
pub(super) fn subscript(text: &[u8], name: &Range<usize>, at: usize) -> Option<Operator> {
    let open = name.start.checked_sub(1).filter(|open| text.get(*open) == Some(&b'{'))?;
    let owner = open.checked_sub(1).and_then(|before| text.get(before)).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let equals = skip_blanks(text, at + 1);
    let assigned = text.get(equals) == Some(&b'=') && !matches!(text.get(equals + 1), Some(b'=' | b'~' | b'>'));
    (owner && assigned).then_some(Operator { end: equals + 1, quotes: true, form: Form::Operator })
}

/// `name { get; set; } = "value"` of C#, `name{"value"}` of C++.
pub(super) fn braces(text: &[u8], at: usize) -> Option<Operator> {
    let rest = text.get(at..text.len().min(at + 60))?;
    let literal = |end: usize| Some(Operator { end: at + end, quotes: true, form: Form::Operator });
    if rest.get(1) == Some(&b'"') {
        return literal(1);
    }
    let inner = rest.get(1..)?.trim_ascii_start();
    if !inner.starts_with(b"get") {
        return None;
    }
    let close = rest.iter().position(|b| *b == b'}')?;
    let equals = close + 1 + rest.get(close + 1..)?.iter().position(|b| *b != b' ')?;
    (rest.get(equals) == Some(&b'=') && rest.get(equals + 1) != Some(&b'>')).then(|| literal(equals + 1)).flatten()
}

/// The value that stands before its name: `setValue("value", forHTTPHeaderField: "name")`,
/// `SET value = 'value' WHERE name = 'name'`. `quote` is where the name's quote opens.
pub(super) fn reversed(text: &[u8], quote: usize) -> Option<Range<usize>> {
    let before = text.get(quote.saturating_sub(BEFORE)..quote)?;
    let base = quote - before.len();
    let before = before.trim_ascii_end();
    let lead = match before.last()? {
        b':' => before.strip_suffix(b"forHTTPHeaderField:")?.trim_ascii_end().strip_suffix(b",")?,
        b'=' => {
            let column = before.strip_suffix(b"=")?.trim_ascii_end();
            let column = column.get(..column.iter().rposition(u8::is_ascii_whitespace)?)?.trim_ascii_end();
            column.strip_suffix(b"WHERE").or_else(|| column.strip_suffix(b"where"))?
        }
        _ => return None,
    };
    let lead = lead.trim_ascii_end();
    let (close, inner) = lead.split_last().filter(|(close, _)| matches!(close, b'"' | b'\''))?;
    let open = inner.iter().rposition(|b| b == close)?;
    Some(base + open + 1..base + inner.len())
}

/// Whether the name stands behind `key=value ` or `key=value;` in a literal: libpq's connection strings
/// (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING>) and those of .NET.
pub(super) fn listed_in_literal(text: &[u8], name: usize) -> bool {
    let before = text.get(name.saturating_sub(200)..name).unwrap_or_default();
    let Some((separator @ (b' ' | b';'), before)) = before.split_last() else { return false };
    let Some(line) = before.rsplit(|b| *b == b'\n').next() else { return false };
    let line = line.strip_suffix(b";").unwrap_or(line);
    let last = line.rsplit(|b| b == separator || *b == b';').next().unwrap_or_default();
    let last = last.iter().position(|b| matches!(b, b'"' | b'\'')).and_then(|at| last.get(at + 1..)).unwrap_or(last);
    let pair = last
        .iter()
        .position(|b| *b == b'=')
        .is_some_and(|at| at > 0 && last.get(..at).is_some_and(|key| key.iter().all(|b| is_name(*b) || *b == b' ')));
    let quotes = |quote: u8| line.iter().filter(|b| **b == quote).count() % 2 == 1;
    pair && (quotes(b'"') || quotes(b'\''))
}

/// `'X-Api-Key: value'`, a header in one literal: where the value starts and ends.
pub(super) fn header(text: &[u8], name: &Range<usize>, quote: u8) -> Option<Range<usize>> {
    let header = text.get(name.clone())?;
    // Any name, but where no blank follows: `token:value` is no header.
    let blank = !name.is_empty() && text.get(name.end + 1) == Some(&b' ');
    if !(blank || header.contains(&b'-') || header.eq_ignore_ascii_case(b"authorization")) {
        return None;
    }
    let start = skip_blanks(text, name.end + 1);
    let rest = text.get(start..text.len().min(start + BEFORE))?;
    let end = rest.iter().position(|b| *b == quote || *b == b'\n')?;
    let value = rest.get(..end)?;
    let last = value.rsplit(|b| *b == b' ').next()?;
    (rest.get(end) == Some(&quote) && telling(last) && value.len() - last.len() <= 20).then_some(start..start + end)
}

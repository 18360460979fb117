//! `name op value` around a word, in any language or configuration format: one parser, no allocation, bounded.
//!
//! A word like `password` occurs thousands of times per megabyte of code; nearly all are told apart by the first byte after
//! the name. So nothing here looks further than it must.

mod unusual;
mod value;

use std::ops::Range;

use super::quiet;
pub(super) use unusual::{owner, telling};
pub(super) use value::{SCHEMES, next_variable};

/// Bytes of a name that are looked at on either side of the word.
const NAME: usize = 100;

/// One assignment, in byte offsets of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The name without quotes and dashes.
    pub(super) name: Range<usize>,
    /// The value without quotes.
    pub(super) value: Range<usize>,
    /// Whether the value stood in quotes.
    pub(super) quoted: bool,
    /// How it is written.
    pub(super) form: Form,
}

/// How an assignment is written, as far as it tells how far to trust it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `name = value` and the like.
    Operator,
    /// `name("value")`, `set("name", "value")`.
    Call,
    /// `--name value`, `ENV name value`.
    Spaced,
    /// `name: X, value: Y` of two keys.
    Pair,
    /// `<name>value</name>`.
    Element,
    /// Words stand between, or the value is compared: only how it looks tells that it is one.
    Said,
}

/// Whether unquoted values end with the line or at the next blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// A file of lines `name = value`: passwords may hold blanks and punctuation.
    Whole,
    /// Code, command lines, prose.
    Tokens,
}

/// What stands between a name and its value.
struct Operator {
    /// Where the value may start, blanks not yet skipped.
    end: usize,
    /// Only a quoted value counts.
    quotes: bool,
    form: Form,
}

/// Bytes of an environment variable's value that are looked at.
const VARIABLE: usize = 1024;

/// The assignment to the name that the word is part of, if it is one.
pub(super) fn parse(text: &[u8], word: Range<usize>, lines: Lines) -> Option<Assignment> {
    if !may_follow(text, word.end) {
        return None;
    }
    let name = name_around(text, word);
    let mut quote = quote_before(text, name.start);
    let mut at = name.end + colour(text, name.end);
    // `Environment="NAME=value"`, `putenv('NAME=value')`: the literal holds the whole assignment.
    let within =
        quote.is_some() && text.get(at) == Some(&b'=') && text.get(at + 1).is_some_and(|b| !matches!(b, b'=' | b' ' | b'"' | b'\''));
    if within {
        quote = None;
    }
    // `"host=db user=ops password=value"`
    let within = within || (quote.is_none() && text.get(at) == Some(&b'=') && unusual::listed_in_literal(text, name.start));
    // `${name:value}`, `${NAME:-value}`: the default of a variable. `${NAME:?message}` and `${NAME:+value}` have none.
    let default = text.get(name.start.wrapping_sub(2)..name.start) == Some(b"${") && text.get(at) == Some(&b':');
    if default && matches!(text.get(at + 1), Some(b'?' | b'+')) || in_resource_name(text, name.start) {
        return None;
    }
    if let Some(quote) = quote {
        if text.get(at) == Some(&b':')
            && let Some(value) = unusual::header(text, &name, quote)
        {
            return Some(Assignment { name, value, quoted: true, form: Form::Call });
        }
        if text.get(at) == Some(&b'\\') {
            at += 1;
        }
        if text.get(at) != Some(&quote) {
            return None;
        }
        at += 1;
        if text.get(at) == Some(&b']') {
            at += 1;
        }
    } else if text.get(at) == Some(&b'[') {
        // `char password[32]`
        let close = text.get(at..)?.iter().take(12).position(|b| *b == b']')?;
        if !text.get(at + 1..at + close)?.iter().all(u8::is_ascii_digit) {
            return None;
        }
        at += close + 1;
    }
    let Some(mut operator) = operator(text, &name, at, quote.is_some(), lines) else {
        // `"name")` and `'name';`: the value may stand before.
        let first = quote.and_then(|_| unusual::reversed(text, name.start - 1))?;
        return Some(Assignment { name, value: first, quoted: true, form: Form::Call });
    };
    if default && text.get(operator.end) == Some(&b'-') {
        operator.end += 1;
    }
    let start = skip_blanks(text, operator.end + colour(text, operator.end));
    let start = start + colour(text, start);
    let whole = lines == Lines::Whole && starts_line(text, name.start);
    let found = match operator.form {
        Form::Element => value::element(text, start)?,
        _ => value::read(text, start, &name, whole, operator.quotes)?,
    };
    let form = operator.form;
    let found = (within_escapes(text, found.0), found.1);
    if form == Form::Said && !text.get(found.0.clone()).is_some_and(unusual::telling) {
        return None;
    }
    let start = if form == Form::Call { bearer(text, &name) } else { unusual::owner(text, name.start) };
    let name = start.unwrap_or(name.start)..name.end;
    Some(Assignment { name, value: found.0, quoted: found.1 || within || default, form })
}

/// Whether `name=value` is a line of its own, without blanks.
pub(super) fn alone(text: &[u8], name: usize, value: &Range<usize>) -> bool {
    starts_line(text, name)
        && value.start.checked_sub(2).and_then(|at| text.get(at..value.start)).is_some_and(|two| two[0] != b' ' && two[1] == b'=')
        && matches!(text.get(value.end), None | Some(b'\n' | b'\r'))
}

/// Whether the word is all of a variable's name where that is assigned: `key =`, `var key =`, `$key =`.
pub(super) fn variable(text: &[u8], word: &Range<usize>) -> bool {
    let before = text.get(word.start.saturating_sub(NAME)..word.start).unwrap_or_default();
    let line = before.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"$").unwrap_or(line).trim_ascii();
    let declared = matches!(line, b"" | b"const" | b"let" | b"var" | b"String" | b"private String" | b"my" | b"val");
    let at = skip_blanks(text, word.end);
    let assigned = match text.get(at..at + 2) {
        Some(b":=") => true,
        Some([b'=', next]) => !matches!(next, b'=' | b'>' | b'~'),
        _ => false,
    };
    declared && assigned
}

/// Length of what changes a terminal's colour: `\x1b[0m` (ECMA-48, SGR).
fn colour(text: &[u8], at: usize) -> usize {
    if text.get(at) != Some(&0x1b) || text.get(at + 1) != Some(&b'[') {
        return 0;
    }
    let codes = text.get(at + 2..text.len().min(at + 16)).unwrap_or_default();
    let length = codes.iter().take_while(|b| b.is_ascii_digit() || **b == b';').count();
    if codes.get(length) == Some(&b'm') { 2 + length + 1 } else { 0 }
}

/// The environment variable with the word in its name, and its value, between bytes that are not text.
pub(super) fn environment(text: &[u8], word: Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
    let of_name = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
    // Most words of a program are none of a variable.
    if !text.get(word.clone())?.iter().all(|b| of_name(b) || *b == b'=') {
        return None;
    }
    let before = text.get(word.start.saturating_sub(NAME)..word.start)?.iter().rev().take_while(|b| of_name(b)).count();
    let start = word.start - before;
    let name = start..start + text.get(start..text.len().min(start + 2 * NAME))?.iter().take_while(|b| of_name(b)).count();
    let alone = start.checked_sub(1).and_then(|at| text.get(at)).is_none_or(|b| !b.is_ascii_graphic());
    let value = name.end + 1;
    let length = text.get(value..text.len().min(value + VARIABLE))?.iter().take_while(|b| b.is_ascii_graphic()).count();
    (alone && text.get(name.end) == Some(&b'=') && length >= 6).then_some((name, value..value + length))
}

/// `"\"value\""`, a literal of a program that is written into another: the value without the inner quotes.
fn within_escapes(text: &[u8], value: Range<usize>) -> Range<usize> {
    let inner = value.start + 2..value.end.saturating_sub(2);
    let bytes = text.get(value.clone()).unwrap_or_default();
    if inner.start < inner.end && bytes.starts_with(b"\\\"") && bytes.ends_with(b"\\\"") { inner } else { value }
}

/// `AuthenticationHeaderValue("Bearer", "value")`: where the call's own name starts, which says what the value is for.
fn bearer(text: &[u8], name: &Range<usize>) -> Option<usize> {
    let call = text.get(name.clone()).filter(|name| name.eq_ignore_ascii_case(b"bearer")).and(name.start.checked_sub(2))?;
    let before = text.get(call.saturating_sub(NAME)..call).filter(|_| text.get(call) == Some(&b'('))?;
    let callee = before.iter().rev().take_while(|b| is_name(**b)).count();
    (callee > 0).then_some(call - callee)
}

/// A literal that was found, without quotes, blanks and operators at its ends: what is part of a name.
pub(super) fn within(text: &[u8], literal: Range<usize>) -> Range<usize> {
    let bytes = text.get(literal.clone()).unwrap_or_default();
    let (before, behind) = (bytes.iter().take_while(|b| !is_name(**b)).count(), bytes.iter().rev().take_while(|b| !is_name(**b)).count());
    if before + behind < bytes.len() { literal.start + before..literal.end - behind } else { literal }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Whether the first byte behind the name can start an operator: rules out most words at the price of a few bytes.
fn may_follow(text: &[u8], word_end: usize) -> bool {
    let after = text.get(word_end..text.len().min(word_end + NAME)).unwrap_or_default();
    after.iter().find(|b| !is_name(**b)).is_some_and(|b| {
        matches!(
            b,
            b'=' | b':'
                | b'?'
                | b'|'
                | b','
                | b'+'
                | b'"'
                | b'\''
                | b'`'
                | b'<'
                | b'>'
                | b'('
                | b'['
                | b'{'
                | b'}'
                | b'*'
                | b'\\'
                | b'\n'
                | b'\r'
                | b' '
                | b'\t'
                | 0x1b
        )
    })
}

fn name_around(text: &[u8], word: Range<usize>) -> Range<usize> {
    let floor = word.start.saturating_sub(NAME);
    let before = text.get(floor..word.start).unwrap_or_default();
    let mut start = word.start - before.iter().rev().take_while(|b| is_name(**b)).count();
    let after = text.get(word.end..text.len().min(word.end + NAME)).unwrap_or_default();
    let mut end = word.end + after.iter().take_while(|b| is_name(**b)).count();
    // A line break spelled out: `\nPASSWORD=`.
    if start > 0 && start < word.start && text.get(start - 1) == Some(&b'\\') && matches!(text.get(start), Some(b'n' | b't' | b'r')) {
        start += 1;
    }
    // An ampersand spelled out: `\u0026token=`.
    let escape = text.get(start.wrapping_sub(1)..start + 5);
    if start + 5 <= word.start
        && escape.is_some_and(|escape| escape.eq_ignore_ascii_case(b"\\u0026") || escape.eq_ignore_ascii_case(b"\\u003d"))
    {
        start += 5;
    }
    while start < word.start && matches!(text.get(start), Some(b'-' | b'.')) {
        start += 1;
    }
    while end > word.end && matches!(text.get(end - 1), Some(b'-' | b'.')) {
        end -= 1;
    }
    start..end
}

/// Whether the name is a field of `arn:partition:service:region:account:secret:name`
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>).
fn in_resource_name(text: &[u8], name: usize) -> bool {
    let before = text.get(name.saturating_sub(NAME)..name).unwrap_or_default();
    if before.last() != Some(&b':') {
        return false;
    }
    let field = before.len() - before.iter().rev().take_while(|b| is_name(**b) || **b == b':').count();
    before.get(field..).is_some_and(|run| run.windows(5).any(|part| part == b"arn:a"))
}

fn quote_before(text: &[u8], start: usize) -> Option<u8> {
    let mut byte = *text.get(start.checked_sub(1)?)?;
    // `add_argument("--name", default="value")`
    if byte == b'-' && text.get(start.wrapping_sub(2)) == Some(&b'-') {
        byte = *text.get(start.checked_sub(3)?)?;
    }
    matches!(byte, b'"' | b'\'' | b'`').then_some(byte)
}

fn skip_blanks(text: &[u8], at: usize) -> usize {
    at + text.get(at..).unwrap_or_default().iter().take(64).take_while(|b| matches!(b, b' ' | b'\t')).count()
}

fn operator(text: &[u8], name: &Range<usize>, after: usize, quoted: bool, lines: Lines) -> Option<Operator> {
    let at = skip_blanks(text, after);
    let next = |ahead: usize| text.get(at + ahead).copied().unwrap_or(0);
    let plain = |length: usize| Some(Operator { end: at + length, quotes: false, form: Form::Operator });
    let literal = |length: usize, form: Form| Some(Operator { end: at + length, quotes: true, form });
    match next(0) {
        b'=' => match next(1) {
            b'=' => unusual::compared(text, at),
            b'~' => None,
            b'>' => plain(2),
            _ => plain(1),
        },
        b':' => match (next(1), next(2)) {
            (b':', b'=') => plain(3),
            (b':', b':') if next(3) == b'=' => plain(4),
            (b':', _) | (b'/', b'/') => None,
            (b'=', _) => plain(2),
            _ => plain(1),
        },
        b'?' => match next(1) {
            b'=' => plain(2),
            b':' | b'?' => literal(2 + usize::from(next(2) == b'='), Form::Operator),
            _ => None,
        },
        b'|' if next(1) == b'|' => literal(2 + usize::from(next(2) == b'='), Form::Operator),
        b'+' | b'.' if next(1) == b'=' => literal(2, Form::Operator),
        b'-' if next(1) == b'>' => literal(2, Form::Operator),
        // `token - 'value'`
        b'-' if at > after && next(1) == b' ' && matches!(next(2), b'"' | b'\'') => literal(2, Form::Said),
        b'*' if next(1) == b'*' && next(2) == b':' && text.get(name.start.wrapping_sub(1)) == Some(&b'*') => plain(3),
        b'}' if at == after => unusual::subscript(text, name, at),
        b'{' => unusual::braces(text, at),
        b'i' | b'f' | b'o' | b'I'
            if at > after
                && !quoted
                && let Some(said) = unusual::said(text, at) =>
        {
            Some(said)
        }
        b',' if quoted && lists(text, name, at) => None,
        b',' if quoted && (!listed(text, name.start) || field(text, name.start)) => pair(text, at).or_else(|| literal(1, Form::Call)),
        b',' if !quoted => row(text, name, at, lines),
        b'|' => (line_opens(text, name.start) == Some(b'|')).then_some(Operator { end: at + 1, quotes: false, form: Form::Pair }),
        b')' if quoted => {
            // `getenv("NAME") || "value"`
            let then = skip_blanks(text, at + 1);
            let rest = text.get(then..then + 2)?;
            matches!(rest, b"||" | b"??" | b"or" | b"?:" | b"{ ").then_some(Operator { end: then + 2, quotes: true, form: Form::Operator })
        }
        b'(' if !quoted => literal(1, Form::Call),
        b'>' => element(text, name, at, quoted),
        b'<' if next(1) == b'-' => literal(2, Form::Operator),
        b'<' => plist(text, at),
        b'\n' | b'\r' | b'v' | b'V' | b'c' | b'a' | b's' if quoted || starts_pair(text, name.start) => pair(text, at),
        b'\n' | b'\r' => pair_unquoted(text, name, at),
        _ if at > after => spaced(text, name, at),
        _ => None,
    }
}

/// `name,value` on a line of its own, `{name, "value"}`.
fn row(text: &[u8], name: &Range<usize>, at: usize, lines: Lines) -> Option<Operator> {
    let before = text.get(name.start.saturating_sub(2)..name.start)?;
    if matches!(before, [.., b'{'] | [b'{', b' ' | b':']) {
        let then = skip_blanks(text, at + 1);
        let binary = text.get(then..then + 2) == Some(b"<<");
        return Some(Operator { end: if binary { then + 2 } else { then }, quotes: true, form: Form::Operator });
    }
    let alone = lines == Lines::Whole && matches!(before, [] | [.., b'\n']) && text.get(at + 1).is_some_and(|b| !b.is_ascii_whitespace());
    alone.then_some(Operator { end: at + 1, quotes: false, form: Form::Operator })
}

/// The first byte of the line that is no blank.
fn line_opens(text: &[u8], at: usize) -> Option<u8> {
    text.get(line_start(text, at)..at)?.iter().copied().find(|b| !matches!(b, b' ' | b'\t'))
}

/// `<name>value` or `<string name="name">value`.
fn element(text: &[u8], name: &Range<usize>, at: usize, quoted: bool) -> Option<Operator> {
    let opens = quoted || text.get(name.start.checked_sub(1)?) == Some(&b'<') || text.get(name.start - 1) == Some(&b':');
    opens.then_some(Operator { end: at + 1, quotes: false, form: Form::Element })
}

/// `<key>NAME</key><string>value</string>`, `<name>NAME</name><value>value</value>`.
fn plist(text: &[u8], at: usize) -> Option<Operator> {
    let rest = text.get(at..text.len().min(at + 120))?;
    let closes: [&[u8]; 6] = [b"</key>", b"</name>", b"</Name>", b"</td>", b"</th>", b"</dt>"];
    if !closes.iter().any(|close| rest.starts_with(close)) {
        return None;
    }
    let open = rest.iter().skip(2).position(|b| *b == b'<')? + 2;
    let tag = rest.get(open..)?;
    let opens: [&[u8]; 5] = [b"<string>", b"<value>", b"<Value>", b"<td", b"<dd"];
    if !opens.iter().any(|open| tag.starts_with(open)) {
        return None;
    }
    let mut close = tag.iter().position(|b| *b == b'>')?;
    if let Some(inner) = tag.get(close + 1..).filter(|inner| inner.starts_with(b"<code>")) {
        close += tag.len() - close - inner.len() + 5;
    }
    Some(Operator { end: at + open + close + 1, quotes: false, form: Form::Element })
}

/// `"NAME", "value": "..."` and `key="NAME" value="..."`: the name is itself a value, its value follows under `value`.
fn pair(text: &[u8], at: usize) -> Option<Operator> {
    let rest = text.get(at..text.len().min(at + 120))?;
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'"' | b'\'' | b'\\');
    let mut start = rest.iter().take_while(|b| blank(b)).count();
    // Android's manifests; settings of .NET, `name="NAME" serializeAs="String"><value>value`.
    if rest.get(start..)?.starts_with(b"android:") {
        start += 8;
    }
    let word = rest.get(start..)?;
    if word.starts_with(b"serializeAs=") {
        let open = word.windows(8).position(|part| part == b"><value>")?;
        return Some(Operator { end: at + start + open + 8, quotes: false, form: Form::Element });
    }
    // The second is HTML's `meta`, the third an option's.
    let length = [&b"value"[..], b"content", b"default"].iter().find(|key| quiet::starts(word, key))?.len();
    let then = start + length + rest.get(start + length..)?.iter().take_while(|b| matches!(b, b'"' | b'\'' | b' ' | b'\\')).count();
    matches!(rest.get(then), Some(b':' | b'=')).then_some(Operator { end: at + then + 1, quotes: false, form: Form::Pair })
}

/// YAML's `- name: NAME` and `value: ...` on the next line.
fn pair_unquoted(text: &[u8], name: &Range<usize>, at: usize) -> Option<Operator> {
    starts_pair(text, name.start).then(|| pair(text, at)).flatten()
}

/// Whether `name:` or `key=` stands before.
fn starts_pair(text: &[u8], start: usize) -> bool {
    let before = text.get(start.saturating_sub(10)..start).unwrap_or_default().trim_ascii_end();
    let Some(key) = before.strip_suffix(b":").or_else(|| before.strip_suffix(b"=")) else { return false };
    let key = key.trim_ascii_end();
    key.get(key.len().saturating_sub(4)..).is_some_and(|key| key.eq_ignore_ascii_case(b"name"))
        || key.get(key.len().saturating_sub(3)..).is_some_and(|key| key.eq_ignore_ascii_case(b"key"))
}

/// `--name value`, `ENV NAME value`, `var name string = "value"`, `name value` alone on its line.
fn spaced(text: &[u8], name: &Range<usize>, at: usize) -> Option<Operator> {
    let unquoted = Operator { end: at, quotes: false, form: Form::Spaced };
    let before = text.get(name.start.saturating_sub(40)..name.start)?;
    if before.ends_with(b"-") {
        return (text.get(at) != Some(&b'-')).then_some(unquoted);
    }
    let blanks = before.iter().rev().take_while(|b| matches!(b, b' ' | b'\t' | b'*')).count();
    let before = before.get(..before.len() - blanks)?;
    let first = matches!(before.last(), None | Some(b'\n' | b'\r'));
    let word = before.rsplit(|b| !b.is_ascii_alphanumeric()).next().unwrap_or_default();
    // `gh secret set NAME --body value`
    if word == b"set" && text.get(at..).is_some_and(|rest| rest.starts_with(b"--body ")) {
        return Some(Operator { end: at + 7, ..unquoted });
    }
    // Not `ARG A B` and `export A B`: those name two variables.
    if [&b"ENV"[..], b"setenv", b"set", b"SET", b"setx", b"env", b"SetEnv", b"define"].contains(&word)
        || before.ends_with(b"fastcgi_param")
        || before.ends_with(b"uwsgi_param")
        || before.ends_with(b"_set_header")
        || before.ends_with(b"set-header")
    {
        return (text.get(at) != Some(&b'-')).then_some(unquoted);
    }
    // `CREATE ROLE x LOGIN PASSWORD 'value'`; HAProxy's `user x insecure-password value`.
    match text.get(name.clone()) {
        Some(b"PASSWORD") if text.get(at) == Some(&b'\'') => return Some(Operator { quotes: true, ..unquoted }),
        Some(b"insecure-password") => return Some(unquoted),
        _ => {}
    }
    // `proxy_set_header X-Api-Key "value"`, `ALTER USER x WITH PASSWORD 'value'`, `(setq api-key "value")`, `{:api-key "value"}`,
    // `set(NAME "value")`, `@name "value"`, `Set-Item Env:NAME "value"`.
    let leads = [&b"header"[..], b"WITH", b"with", b"setq", b"setf", b"defvar", b"defconst", b"defparameter", b"def"].contains(&word)
        || before == b"@"
        || [&b"{:"[..], b" :", b"set(", b"env:", b"Env:", b"\n@", b" @"].iter().any(|lead| before.ends_with(lead));
    if leads && matches!(text.get(at), Some(b'"' | b'\'')) {
        return Some(Operator { quotes: true, ..unquoted });
    }
    let rest = text.get(at..text.len().min(at + 60))?;
    if first || [&b"var"[..], b"const", b"let", b"val", b"param", b"Dim", b"Const", b"Private", b"Public"].contains(&word) {
        // A type between name and operator; in Basic `As String`.
        let at = if rest.starts_with(b"As ") { at + 3 } else { at };
        let rest = text.get(at..text.len().min(at + 60))?;
        let kind = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'*' | b'_' | b'&' | b'[' | b']')).count();
        let then = skip_blanks(text, at + kind);
        if kind > 0 && then > at + kind {
            match text.get(then..then + 2)? {
                b":=" => return Some(Operator { end: then + 2, quotes: true, form: Form::Operator }),
                [b'=', next] if *next != b'=' => return Some(Operator { end: then + 1, quotes: true, form: Form::Operator }),
                _ => {}
            }
        }
    }
    if !first {
        return None;
    }
    if matches!(rest.first(), Some(b'"' | b'\'')) {
        // `password "value"` of configuration languages.
        return Some(Operator { quotes: true, ..unquoted });
    }
    // `requirepass value`, nothing else on the line.
    let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
    let token = rest.get(..end)?.trim_ascii_end();
    (token.len() >= 6 && !token.iter().any(u8::is_ascii_whitespace) && token.iter().any(u8::is_ascii_digit)).then_some(unquoted)
}

/// `buildConfigField "String", "NAME", "\"value\""` of Gradle: a list of which the second is a name.
fn field(text: &[u8], name: usize) -> bool {
    let line = text.get(line_start(text, name)..name).unwrap_or_default().trim_ascii_start();
    line.starts_with(b"buildConfigField") || line.starts_with(b"resValue")
}

/// Whether another literal and a comma stand before: `'user', 'password', 'port'` is a list.
fn listed(text: &[u8], name: usize) -> bool {
    let before = text.get(name.saturating_sub(64)..name.saturating_sub(1)).unwrap_or_default().trim_ascii_end();
    before.strip_suffix(b",").is_some_and(|before| matches!(before.trim_ascii_end().last(), Some(b'"' | b'\'')))
}

/// `["NAME", "b", "c"]`: the first of several in brackets. `["--name", "value", "--other"]` is a command line.
fn lists(text: &[u8], name: &Range<usize>, comma: usize) -> bool {
    let before = text.get(name.start.saturating_sub(64)..name.start).unwrap_or_default();
    let Some((b'"' | b'\'' | b'`', before)) = before.split_last() else { return false };
    if before.trim_ascii_end().last() != Some(&b'[') {
        return false;
    }
    let rest = text.get(comma + 1..text.len().min(comma + 200)).unwrap_or_default().trim_ascii_start();
    let Some((quote @ (b'"' | b'\'' | b'`'), rest)) = rest.split_first() else { return false };
    let Some(end) = rest.iter().position(|b| b == quote) else { return false };
    rest.get(end + 1..).unwrap_or_default().trim_ascii_start().first() == Some(&b',')
}

fn line_start(text: &[u8], at: usize) -> usize {
    let floor = at.saturating_sub(200);
    let before = text.get(floor..at).unwrap_or_default();
    at - before.iter().rev().take_while(|b| !matches!(b, b'\n' | b'\r')).count()
}

/// Whether only what may stand before a key stands before it on its line.
fn starts_line(text: &[u8], name: usize) -> bool {
    let start = line_start(text, name);
    let before = text.get(start..name).unwrap_or_default().trim_ascii();
    let before = before.strip_prefix(b"-").unwrap_or(before).trim_ascii();
    let known: [&[u8]; 9] = [b"", b"export", b"set", b"SET", b"ENV", b"ARG", b"\"", b"'", b"#"];
    known.contains(&before)
}

#[cfg(test)]
mod tests;

//! The value of an assignment: where it starts and ends.

use std::ops::Range;

use super::{skip_blanks, telling};

/// Longer values are cut; formats that are longer have rules of their own.
const VALUE: usize = 8 << 10;

/// The value that starts at `at` and whether it is quoted. `whole`: an unquoted value ends with its line.
pub(super) fn read(text: &[u8], at: usize, name: &Range<usize>, whole: bool, quotes: bool) -> Option<(Range<usize>, bool)> {
    let mut at = at;
    if let Some(found) = literal(text, at) {
        return found;
    }
    if let Some(found) = declared_type(text, at).and_then(|then| literal(text, then)) {
        return found;
    }
    if let Some(start) = wrapped(text, at) {
        return literal(text, start)?;
    }
    if let Some(found) = parenthesised(text, at) {
        return Some(found);
    }
    if quotes {
        return None;
    }
    // `NAME=$VALUE` and `NAME=` are judged by their bytes; an opening bracket is no value.
    if matches!(text.get(at), None | Some(b'\n' | b'\r' | b'(' | b'[' | b',' | b')' | b']')) {
        return None;
    }
    while text.get(at) == Some(&b'=') {
        at += 1;
    }
    let rest = text.get(at..text.len().min(at + VALUE))?;
    let before = name.start.checked_sub(1).and_then(|before| text.get(before)).copied();
    let skipped = if whole { node_properties(rest) } else { 0 };
    let (at, rest) = (at + skipped, rest.get(skipped..)?);
    let mut end = if whole { whole_line(rest, before) } else { token(rest, before) };
    // `Authorization: Bearer value`, `Authorization: GenieKey value`
    if !whole && rest.get(end) == Some(&b' ') {
        let next = end + 1 + token(rest.get(end + 1..)?, before);
        let own = || text.get(name.clone()).is_some_and(|name| name.eq_ignore_ascii_case(b"authorization"));
        if rest.get(..end).is_some_and(is_scheme) || (own() && rest.get(end + 1..next).is_some_and(telling)) {
            end = next;
        }
    }
    (end > 0).then_some((at..at + end, false))
}

/// What stands before a token in an `Authorization` header. Schemes of one provider's own are told by what follows, too.
pub(in crate::detect) const SCHEMES: [&[u8]; 16] = [
    b"bearer",
    b"token",
    b"basic",
    b"apikey",
    b"api-key",
    b"api-token",
    b"key",
    b"bot",
    b"oauth",
    b"sso-key",
    b"geniekey",
    b"klaviyo-api-key",
    b"deepl-auth-key",
    b"zoho-oauthtoken",
    b"apikey-v1",
    b"splunk",
];

fn is_scheme(word: &[u8]) -> bool {
    SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// `(` and a literal alone, on lines of its own too.
fn parenthesised(text: &[u8], at: usize) -> Option<(Range<usize>, bool)> {
    let blank = |at: usize| {
        let rest = text.get(at..text.len().min(at + 64)).unwrap_or_default();
        at + rest.iter().take_while(|b| b.is_ascii_whitespace()).count()
    };
    let open = Some(at).filter(|at| text.get(*at) == Some(&b'('))?;
    let (span, quoted) = literal(text, blank(open + 1))??;
    (text.get(blank(span.end + 1)) == Some(&b')')).then_some((span, quoted))
}

/// A string literal at `at`, with its prefix (`b"`, `@"`, `f'`). `Some(None)` where one is opened and not closed.
fn literal(text: &[u8], at: usize) -> Option<Option<(Range<usize>, bool)>> {
    let prefix = text
        .get(at..)?
        .iter()
        .take(2)
        .take_while(|b| matches!(b, b'b' | b'r' | b'u' | b'f' | b'L' | b'N' | b'B' | b'R' | b'U' | b'F' | b'@' | b'$'))
        .count();
    let mut start = at + prefix;
    let escaped = text.get(start) == Some(&b'\\');
    start += usize::from(escaped);
    let quote = *text.get(start).filter(|b| matches!(b, b'"' | b'\'' | b'`'))?;
    start += 1;
    let triple = !escaped && text.get(start) == Some(&quote) && text.get(start + 1) == Some(&quote);
    if triple {
        start += 2;
    }
    let rest = text.get(start..text.len().min(start + VALUE))?;
    // One that is opened in a line ends there.
    let line = if triple || quote == b'`' { None } else { memchr::memchr2(b'\n', b'\r', rest) };
    let Some(length) = closing(rest.get(..line.unwrap_or(rest.len()))?, quote, escaped) else { return Some(None) };
    let end = start + length - usize::from(escaped);
    Some((end > start).then_some((start..end, true)))
}

/// Where the first quote stands that is escaped, or is not.
fn closing(text: &[u8], quote: u8, escaped: bool) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(quote, b'\\', text.get(from..)?)?;
        let (ends, length) = match text.get(at..at + 2) {
            Some([b'\\', next]) => (escaped && *next == quote, 2),
            _ => (!escaped && text.get(at) == Some(&quote), 1),
        };
        if ends {
            return Some(at + length - 1);
        }
        from = at + length;
    }
}

/// `string = "value"` after a colon: where the literal starts.
fn declared_type(text: &[u8], at: usize) -> Option<usize> {
    let at = if text.get(at..).is_some_and(|rest| rest.starts_with(b"&'static ")) { at + 9 } else { at };
    let rest = text.get(at..text.len().min(at + 60))?;
    let kind = rest
        .iter()
        .take_while(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'&' | b'*' | b'[' | b']' | b'<' | b'>' | b'|' | b'?' | b'\'')
        })
        .count();
    let then = skip_blanks(text, at + kind);
    (kind > 1
        && text.get(then) == Some(&b'=')
        && text.get(then + 1) != Some(&b'=')
        && rest.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'&'))
    .then(|| skip_blanks(text, then + 1))
}

/// `String("value")` and other calls that only wrap a literal: where the literal starts.
fn wrapped(text: &[u8], at: usize) -> Option<usize> {
    const WRAPPERS: [&[u8]; 16] = [
        b"string",
        b"str",
        b"some",
        b"secretstr",
        b"secretstring",
        b"from",
        b"bytes",
        b"byte",
        b"b64decode",
        b"quote",
        b"secret",
        b"tostring",
        b"new",
        b"secretvalue",
        b"ref",
        b"decode",
    ];
    let rest = text.get(at..text.len().min(at + 60))?;
    let open = rest.iter().position(|b| *b == b'(')?;
    let callee = rest.get(..open)?;
    if !callee.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b' ' | b'[' | b']' | b'$')) {
        return None;
    }
    let last = callee.rsplit(|b| !(b.is_ascii_alphanumeric() || *b == b'_')).find(|part| !part.is_empty())?;
    // `Field(default="value")`
    let inner = text.get(at + open + 1..)?;
    if let Some(keyword) = [&b"default="[..], b"default_value="].iter().find(|keyword| inner.starts_with(keyword)) {
        return Some(at + open + 1 + keyword.len());
    }
    WRAPPERS.iter().any(|known| last.eq_ignore_ascii_case(known)).then(|| skip_blanks(text, at + open + 1))
}

/// Length of YAML's anchor and tag before a value: `&name value`, `!!str value`.
fn node_properties(rest: &[u8]) -> usize {
    if !matches!(rest.first(), Some(b'&' | b'!')) {
        return 0;
    }
    let word = rest.iter().skip(1).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'!')).count();
    let blanks = rest.iter().skip(1 + word).take_while(|b| **b == b' ').count();
    let behind = 1 + word + blanks;
    if word > 0 && blanks > 0 && !matches!(rest.get(behind), None | Some(b'\n' | b'\r')) { behind } else { 0 }
}

/// What follows a value and a blank in a command of a shell.
const COMMANDS: [&[u8]; 4] = [b"./", b"&& ", b"|| ", b"| "];

/// Where another variable is assigned on the same line: `A=value OTHER=1`.
pub(in crate::detect) fn next_variable(line: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b' ', line).find(|at| assigns(line.get(at + 1..).unwrap_or_default()))
}

/// Whether the text begins with a variable's assignment.
fn assigns(text: &[u8]) -> bool {
    let name = text.iter().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || **b == b'_').count();
    name >= 3 && text.get(name) == Some(&b'=') && text.first().is_some_and(u8::is_ascii_uppercase)
}

/// Where a command goes on behind the value: `A=value ./run`, `A=value; run`, `A=value B=value ./run`.
fn command(line: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b' ', line).find_map(|at| {
        let next = line.get(at + 1..).unwrap_or_default();
        let ended = at.checked_sub(1).filter(|before| line.get(*before) == Some(&b';'));
        ended.or_else(|| (COMMANDS.iter().any(|word| next.starts_with(word)) || assigns(next)).then_some(at))
    })
}

/// Length up to the end of the line, without trailing blanks, comment, comma or semicolon. `before`: what stands before the name, which
/// ends the value, too, where it is a quote.
fn whole_line(rest: &[u8], before: Option<u8>) -> usize {
    let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r' | 0 | 0x1b)).unwrap_or(rest.len());
    let line = rest.get(..end).unwrap_or_default();
    let closed = before.filter(|b| matches!(b, b'"' | b'\'')).and_then(|quote| memchr::memrchr(quote, line));
    let line = line.get(..closed.unwrap_or(line.len())).unwrap_or_default();
    let line = line.get(..command(line).unwrap_or(line.len())).unwrap_or_default();
    let comment = line.windows(2).position(|two| matches!(two, b" #" | b"\t#")).unwrap_or(line.len());
    let line = line.get(..comment).unwrap_or_default().trim_ascii_end();
    let line = line.strip_suffix(b",").or_else(|| line.strip_suffix(b";")).unwrap_or(line);
    line.len()
}

/// Length up to the next blank or delimiter. After `;`, `&` or `?` (connection strings, queries) these delimit too.
fn token(rest: &[u8], before: Option<u8>) -> usize {
    let listed = matches!(before, Some(b';' | b'&' | b'?'));
    let end = rest
        .iter()
        .position(|b| {
            matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0..=8 | 0x1b | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | b'|' | b';' | b'&' | b',')
                || (!listed && matches!(b, b')' | b']' | b'}'))
        })
        .unwrap_or(rest.len());
    // Laravel Sanctum's `12|token`.
    if (1..=9).contains(&end) && rest.get(end) == Some(&b'|') && rest.iter().take(end).all(u8::is_ascii_digit) {
        let run = rest.iter().skip(end + 1).take_while(|b| b.is_ascii_alphanumeric()).count();
        if (40..=48).contains(&run) {
            return end + 1 + run;
        }
    }
    // `${NAME}` and `$(command)` are kept whole, so that they are recognised as references.
    if rest.first() == Some(&b'$') && matches!(rest.get(1), Some(b'{' | b'(')) {
        return rest.iter().position(|b| matches!(b, b'}' | b')' | b'\n')).map_or(end, |at| at + 1);
    }
    end
}

/// The text of an element, up to the next tag.
pub(super) fn element(text: &[u8], at: usize) -> Option<(Range<usize>, bool)> {
    let rest = text.get(at..text.len().min(at + VALUE))?;
    let end = rest.iter().position(|b| *b == b'<')?;
    let value = rest.get(..end)?;
    let lead = value.len() - value.trim_ascii_start().len();
    let trimmed = value.trim_ascii();
    (!trimmed.is_empty() && text.get(at + end + 1) == Some(&b'/')).then_some((at + lead..at + lead + trimmed.len(), true))
}

//! A provider's name near a value of its format, however the two are joined: `# Meraki` above `key = "..."`,
//! `https://api.provider.com` above `token := "..."`, `new Provider("...")`, `provider token - '...'`.
//!
//! And before the provider's address: `key: '...', host: 'api.provider.com'`.
//!
//! The value must look random and fit the whole format. Besides, what stands between must ask for a credential or join the
//! two directly; checksums and identifiers, which stand near providers' names in lock files and logs, are told by their own
//! names and their neighbours.

mod words;

use std::{ops::Range, sync::Arc};

use self::words::{ASKS, CALLEES, CLIENTS, DOMAINS, JOINS, OTHERS, SIGNS_IN};
use super::{
    classify::Buffer,
    index::Index,
    model::{Meaning, Shape as Form, entropy},
    names::{Name, Use},
    quiet,
    rule::{Rule, Shape},
};

/// Bytes behind the provider's name in which a value may start.
const REACH: usize = 160;
/// Lines that it may stand below the name.
const LINES: usize = 3;
/// Values that are looked at for one name.
const TRIES: usize = 6;
/// Bytes of the shortest and of the longest value, and of the shortest that is not asked for.
const SIZES: std::ops::RangeInclusive<usize> = 12..=600;
const UNASKED: usize = 16;
/// Bytes behind a word that asks in which the value starts.
const ASKED: usize = 40;
/// Bytes that may follow the provider's name in that of a function.
const SUFFIX: usize = 6;
/// Bytes before a literal that may belong to the provider's name.
const BEFORE: usize = 40;

/// A value near a provider's name.
pub(super) struct Near {
    pub(super) rule: u32,
    pub(super) span: Range<usize>,
}

/// The value that belongs to the provider whose name's literal stands at `here`.
pub(super) fn below(index: &Index, rules: &[Arc<Rule>], text: &[u8], here: &Range<usize>, buffer: &mut Buffer) -> Option<Near> {
    if !at_edges(text, here) {
        return None;
    }
    let mut tokens = Tokens::new(text, here.end, REACH, LINES).take(TRIES).peekable();
    let first = tokens.peek()?.start;
    let from = line_start(text, here.start).max(here.start.saturating_sub(BEFORE));
    let behind = text.get(here.end..text.len().min(here.end + BEFORE)).unwrap_or_default();
    let to = here.end + behind.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b' ')).count();
    // The value itself is no part of the name.
    let name = Name::new(text.get(from..to.min(first).max(here.end))?);
    index.words.in_name(&name, Use::Near, buffer);
    // Nobody looks for the other values where no provider is named.
    if buffer.is_empty() {
        return None;
    }
    tokens.find_map(|token| fitting(rules, text, &token, buffer, |_, span, value| joined(text, here, span, value)))
}

/// The value behind a word that asks for a credential at `here`, where a provider's name stands before it.
pub(super) fn above(index: &Index, rules: &[Arc<Rule>], text: &[u8], here: &Range<usize>, buffer: &mut Buffer) -> Option<Near> {
    if text.get(here.end).is_some_and(u8::is_ascii_lowercase) && text.get(here.end) != Some(&b's') {
        return None;
    }
    let token = Tokens::new(text, here.end, ASKED, 0).next()?;
    let mut end = here.end;
    for _ in 0..=LINES {
        let start = line_start(text, end);
        let line = text.get(start..end)?;
        if line.len() < REACH {
            index.words.in_name(&Name::new(line), Use::Near, buffer);
            let found = fitting(rules, text, &token, buffer, |rule, span, value| {
                // `line` and `key` stand before many a checksum.
                let own = own_name(text, span);
                let sure = Meaning::of(&own).is_some_and(|meaning| !meaning.bare_key);
                let vague = index.common.get(rule as usize) == Some(&true) && !sure;
                let vague = vague && value.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-') && !owns_host(index, rule, line);
                !vague && joined(text, here, span, value)
            });
            if found.is_some() {
                return found;
            }
        }
        end = start.checked_sub(1)?;
    }
    None
}

/// The value before the address of the provider whose name's literal stands at `here`: `key: 'value', host: 'api.provider.com'`.
pub(super) fn before(index: &Index, rules: &[Arc<Rule>], text: &[u8], here: &Range<usize>, buffer: &mut Buffer) -> Option<Near> {
    let host = host(text, here).or_else(|| module(text, here))?;
    index.words.in_name(&Name::new(text.get(host.clone())?), Use::Near, buffer);
    if buffer.is_empty() {
        return None;
    }
    let mut from = host.start;
    for _ in 0..=LINES {
        from = line_start(text, from).saturating_sub(1);
    }
    let from = from.max(host.start.saturating_sub(REACH));
    let mut tokens = Tokens { text, at: from, end: host.start, lines: LINES + 1 };
    let mut found = None;
    while let Some(token) = tokens.next().filter(|token| token.end < host.start) {
        // Asked for by its own name: what stands behind tells too little.
        let near = fitting(rules, text, &token, buffer, |rule, span, value| {
            let vague = index.common.get(rule as usize) == Some(&true);
            !vague && joined(text, here, span, value)
        });
        found = near.or(found);
    }
    found
}

/// Whether the line has an address of the rule's provider: `https://api.provider.com/`, where its name may be any word.
fn owns_host(index: &Index, rule: u32, line: &[u8]) -> bool {
    memchr::memmem::find_iter(line, b"://").any(|at| {
        let rest = line.get(at + 3..).unwrap_or_default();
        let host = rest.split(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))).next().unwrap_or_default();
        let mut labels = host.rsplit(|b| *b == b'.');
        let (Some(last), Some(owner)) = (labels.next(), labels.next()) else { return false };
        let (owner, mut found) = (Name::new(owner), Buffer::new());
        index.words.in_name(&owner, Use::Near, &mut found);
        DOMAINS.contains(&last) && found.iter().any(|(id, length)| *id == rule && *length == owner.squashed().len())
    })
}

/// The name of the host that the literal is part of: `api.provider.com`, and not `github.com/owner/provider.git`.
fn host(text: &[u8], here: &Range<usize>) -> Option<Range<usize>> {
    let is_label = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    let before = text.get(here.start.saturating_sub(BEFORE)..here.start)?;
    let start = here.start - before.iter().rev().take_while(is_label).count();
    let end = here.end + text.get(here.end..text.len().min(here.end + BEFORE))?.iter().take_while(is_label).count();
    let opens = matches!(text.get(start.checked_sub(1)?), Some(b'/' | b'"' | b'\'' | b'@'));
    let last = text.get(here.end..end)?.rsplit(|b| *b == b'.').next()?;
    let known = last.len() < end - here.end && DOMAINS.contains(&last);
    (opens && known).then_some(start..end)
}

/// The module that is required where the literal stands: `require('provider')`, `from 'provider-sdk'`.
fn module(text: &[u8], here: &Range<usize>) -> Option<Range<usize>> {
    let before = text.get(here.start.saturating_sub(BEFORE)..here.start)?;
    let lead = before.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'/' | b'-')).count();
    let quoted = before.get(..before.len() - lead)?;
    let (b'"' | b'\'', required) = quoted.split_last().map(|(quote, rest)| (*quote, rest))? else { return None };
    (required.ends_with(b"require(") || required.ends_with(b"from ")).then(|| here.start - lead..here.end)
}

/// The part of a token that is in the format of one of the rules and accepted.
fn fitting(
    rules: &[Arc<Rule>],
    text: &[u8],
    token: &Range<usize>,
    found: &Buffer,
    accept: impl Fn(u32, &Range<usize>, &[u8]) -> bool,
) -> Option<Near> {
    if found.is_empty() {
        return None;
    }
    parts(text, token).find_map(|span| {
        let value = text.get(span.clone())?;
        let (rule, _) = found.iter().find(|(id, _)| {
            rules.get(*id as usize).is_some_and(|rule| {
                let Shape::Assigned { value: pattern, .. } = &rule.shape else { return false };
                !pattern.reach().loose && pattern.is_whole(value) && entropy(value) >= rule.entropy.max(2.5) && accept(*id, &span, value)
            })
        })?;
        Some(Near { rule: *rule, span })
    })
}

/// Whether the literal is no part of a longer word.
fn at_edges(text: &[u8], here: &Range<usize>) -> bool {
    let before = here.start.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(b' ');
    let (first, last) = (text.get(here.start).copied().unwrap_or(b' '), here.end.checked_sub(1).and_then(|at| text.get(at)).copied());
    let after = text.get(here.end).copied().unwrap_or(b' ');
    let starts = !before.is_ascii_alphabetic() || first.is_ascii_uppercase() && before.is_ascii_lowercase();
    let ends = !after.is_ascii_alphabetic() || after.is_ascii_uppercase() && last.is_some_and(|last| last.is_ascii_lowercase());
    // Long words may be joined to others: `theopenweathermap`.
    here.len() >= 8 || (starts && (ends || here.len() >= 6))
}

/// The bytes of runs that may be values.
static TOKEN: [bool; 256] = {
    let mut token = [false; 256];
    let mut byte = 0u8;
    loop {
        token[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b':' | b'~');
        if byte == u8::MAX {
            break token;
        }
        byte += 1;
    }
};

fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// Runs that may be values, behind a place.
struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    end: usize,
    lines: usize,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a [u8], at: usize, reach: usize, lines: usize) -> Self {
        Self { text, at, end: text.len().min(at.saturating_add(reach)), lines }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        while self.at < self.end {
            let byte = *self.text.get(self.at)?;
            if byte == b'\n' {
                self.lines = self.lines.checked_sub(1)?;
            }
            if !is_token(byte) {
                self.at += 1;
                continue;
            }
            let start = self.at;
            let rest = self.text.get(start..self.text.len().min(start + SIZES.end() + 64))?;
            let length = rest.iter().take_while(|b| is_token(**b)).count();
            self.at = start + length;
            let token = rest.get(..length)?;
            let cased = || token.iter().any(u8::is_ascii_uppercase) && token.iter().any(u8::is_ascii_lowercase);
            if length >= *SIZES.start() && (token.iter().any(u8::is_ascii_digit) || (length >= UNASKED && cased())) {
                return Some(start..start + length);
            }
        }
        None
    }
}

/// The token, and what stands behind `=` and `:` in it.
fn parts(text: &[u8], token: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.get(token.clone()).unwrap_or_default();
    let body = bytes.len() - bytes.iter().rev().take_while(|b| matches!(b, b'=' | b'.' | b':' | b'-')).count();
    let whole = token.clone();
    let trimmed = token.start..token.start + body;
    let behind = |separator: u8| {
        let at = bytes.get(..body)?.iter().rposition(|b| *b == separator)?;
        Some(token.start + at + 1..token.end)
    };
    let before = bytes.iter().position(|b| *b == b':').map(|at| token.start..token.start + at);
    [Some(whole), Some(trimmed), behind(b'='), behind(b':'), before].into_iter().flatten().filter(|span| SIZES.contains(&span.len()))
}

fn line_start(text: &[u8], at: usize) -> usize {
    let before = text.get(at.saturating_sub(200)..at).unwrap_or_default();
    at - before.iter().rev().take_while(|b| **b != b'\n').count()
}

/// What names the value itself: its own line up to it.
fn own_name(text: &[u8], span: &Range<usize>) -> Name {
    let from = line_start(text, span.start).max(span.start.saturating_sub(60));
    Name::new(text.get(from..span.start).unwrap_or_default())
}

/// Whether what stands between name and value makes the value a credential.
fn joined(text: &[u8], here: &Range<usize>, span: &Range<usize>, value: &[u8]) -> bool {
    if quiet::is_placeholder(value, false) || quiet::is_reference(value) || quiet::is_constant(value) || quiet::is_public(value) {
        return false;
    }
    // A badge shows what is public.
    let badge = text.get(..span.start).is_some_and(|before| before.ends_with(b".svg?token="));
    if badge || is_commit(text, span, value) || ends_with_checksum(value) {
        return false;
    }
    let form = Form::of(value);
    if form.is_identifier() || form.is_number || form.is_path_or_url || form.is_code || form.randomness() < 0.5 {
        return false;
    }
    let plain = form.is_hex || form.is_uuid;
    let own = own_name(text, span);
    let last = own.len().saturating_sub(3);
    let is = |list: &[&[u8]], word: &[u8]| list.contains(&word);
    let asked = Meaning::of(&own).is_some_and(|meaning| !meaning.attribute && !meaning.ephemeral && meaning.trailing <= 1)
        || (own.len().saturating_sub(2)..own.len()).any(|at| is(ASKS, own.word(at)));
    let other = (last..own.len()).rev().find_map(|at| {
        let word = own.word(at);
        // A public key is none, whatever else asks.
        let public = || at.checked_sub(1).is_some_and(|before| is(&[b"public", b"pub", b"publishable", b"site"], own.word(before)));
        (is(OTHERS, word) || is(ASKS, word)).then(|| is(OTHERS, word) || public())
    });
    if other == Some(true) {
        return false;
    }
    if asked {
        return true;
    }
    let Some(between) = text.get(here.end..span.start) else { return false };
    match handed(text, here, span) {
        // `Provider("...")`, `new provider.Client("...")`; an identifier is one where the provider's own client is made with it.
        Some(callee) if callee.start <= here.end => return true,
        Some(_) if !form.is_uuid => return !(plain && listed(text, span, value.len())),
        _ => {}
    }
    // `bash <(curl https://provider.io/bash) -t ...`, `https://api.provider.io/?api=...`
    if !between.contains(&b'\n') && [&b" -t "[..], b" -k ", b"?api=", b"&api="].iter().any(|flag| between.ends_with(flag)) {
        return true;
    }
    // Nothing but what joins.
    let callee = callee(between);
    let gap = Name::new(callee.unwrap_or(between));
    let client = || callee.is_some() && gap.len().checked_sub(1).is_some_and(|last| is(CLIENTS, gap.word(last)));
    if value.len() < UNASKED || (form.is_uuid && callee.is_none()) {
        return false;
    }
    // An identifier may stand between, and a version.
    let identifier =
        |word: &[u8]| (word.len() >= 6 && word.iter().any(u8::is_ascii_digit)) || (word.len() <= 2 && word.iter().all(u8::is_ascii_digit));
    let joins = |word: &[u8]| is(JOINS, word) || identifier(word) || (callee.is_some() && is(CALLEES, word));
    let direct = between.len() <= 100 && (client() || (0..gap.len()).all(|at| joins(gap.word(at))));
    direct && (callee.is_some() || !(plain && listed(text, span, value.len())))
}

/// `Client("account", 12, "`: what is called, where the value is a literal and so are the arguments before it, or names.
fn callee(between: &[u8]) -> Option<&[u8]> {
    let quote = |b: &u8| matches!(b, b'"' | b'\'' | b'`');
    let before = between.split_last().filter(|(last, _)| quote(last))?.1;
    let open = before.iter().rposition(|b| *b == b'(')?;
    let arguments = before.get(open + 1..)?;
    let literal = |argument: &[u8]| matches!(argument, [open, .., close] if quote(open) && open == close);
    let named = |argument: &[u8]| argument.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'));
    let mut arguments = arguments.split(|b| *b == b',').rev().map(<[u8]>::trim_ascii);
    let last = arguments.next()?.is_empty();
    (last && arguments.all(|argument| !argument.is_empty() && (literal(argument) || named(argument)))).then(|| before.get(..open)).flatten()
}

/// The name of what is called with the value, where that makes a client or signs it in: `Provider("value")`,
/// `provider.connect("value")`, `new Provider("account", "value")`.
fn handed(text: &[u8], here: &Range<usize>, span: &Range<usize>) -> Option<Range<usize>> {
    let between = text.get(here.start..span.start)?;
    let (quote, before) = between.split_last().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    if text.get(span.end) != Some(quote) {
        return None;
    }
    let callee = before.get(..opening(before)?)?;
    let length =
        callee.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'>' | b'-' | b'\\')).count();
    let start = callee.len() - length;
    let name = callee.get(start..)?;
    let last = name.rsplit(|b| !(b.is_ascii_alphanumeric() || *b == b'_')).next()?;
    let made = last.first().is_some_and(u8::is_ascii_uppercase)
        // `provider("...")`, `providersearch("...")`.
        || start == 0 && last.len() == name.len() && name.len() <= here.len() + SUFFIX
        || SIGNS_IN.iter().any(|word| last.eq_ignore_ascii_case(word));
    made.then(|| here.start + start..here.start + callee.len())
}

/// Where the bracket of the call opens whose arguments the text ends with.
fn opening(text: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in text.iter().enumerate().rev() {
        match byte {
            b'(' if depth == 0 => return Some(at),
            b'(' => depth -= 1,
            b')' => depth += 1,
            b';' | b'{' | b'}' => return None,
            _ => {}
        }
    }
    None
}

/// `uses: owner/action@commit` of GitHub's workflows, `github.com/owner/repository commit` of lists of modules.
fn is_commit(text: &[u8], span: &Range<usize>, value: &[u8]) -> bool {
    if !matches!(value.len(), 40 | 64) || !value.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let before = text.get(line_start(text, span.start)..span.start).unwrap_or_default();
    let word = before.trim_ascii_end().rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let repository =
        || word.contains(&b'/') && [&b"github.com/"[..], b"gitlab.com/", b"bitbucket.org/"].iter().any(|host| word.starts_with(host));
    before.last() == Some(&b'@') || (before.last().is_some_and(u8::is_ascii_whitespace) && repository())
}

/// `owner/repository/commit/0123...`: a path, though all of it could be base64.
fn ends_with_checksum(value: &[u8]) -> bool {
    let slash = value.iter().rposition(|b| *b == b'/');
    slash.and_then(|at| value.get(at + 1..)).is_some_and(|last| last.len() >= 32 && last.iter().all(u8::is_ascii_hexdigit))
}

/// Whether a value that only a provider's name stands for is a checksum or an identifier: by its name, or as one of a list.
pub(super) fn is_other(rule: &Rule, text: &[u8], name: &[u8], span: &Range<usize>, value: &[u8]) -> bool {
    let plain = value.len() >= UNASKED && value.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    let name = Name::new(name);
    plain
        && Meaning::of(&name).is_none()
        && !is_named(rule, &name)
        && (name.len().checked_sub(1).is_some_and(|last| OTHERS.contains(&name.word(last))) || listed(text, span, value.len()))
}

/// Whether the rule knows the name to its end: `cc_test_reporter_id`.
fn is_named(rule: &Rule, name: &Name) -> bool {
    let Shape::Assigned { names, .. } = &rule.shape else { return false };
    names.iter().any(|known| {
        let known = Name::new(known.as_bytes());
        known.len() > 1 && name.squashed().ends_with(known.squashed())
    })
}

/// Whether the lines before or after hold hexadecimal digits of the same length too: a list of checksums.
fn listed(text: &[u8], span: &Range<usize>, length: usize) -> bool {
    let near =
        |part: &[u8]| part.split(|b| !b.is_ascii_alphanumeric()).any(|run| run.len() == length && run.iter().all(u8::is_ascii_hexdigit));
    let before = text.get(span.start.saturating_sub(300)..span.start).unwrap_or_default();
    let after = text.get(span.end..text.len().min(span.end + 300)).unwrap_or_default();
    near(before) || near(after)
}

#[cfg(test)]
mod tests {
    use crate::detect::{Engine, Hint, Scratch, samples};
    use crate::finding::{Confidence, LocationKind};

    fn found(engine: &Engine, path: &str, text: &str) -> bool {
        let hint = Hint { kind: LocationKind::File, path, name: None, binary: false };
        let mut hit = false;
        engine.find(text.as_bytes(), &hint, &mut Scratch::default(), &mut |matched| hit |= matched.confidence >= Confidence::Medium);
        hit
    }

    #[test]
    fn a_name_nearby_makes_a_random_value_a_credential() {
        let engine = Engine::new(Vec::new());
        let (hex, uuid) = (samples::fill("{hex:40}", 3), samples::fill("{uuid}", 3));
        for text in [
            format!("meraki: {hex}\n"),
            format!("# Meraki\nkey = \"{hex}\"\n"),
            format!("url: https://api.meraki.com/v1\ntoken: {hex}\n"),
            format!("meraki token - '{hex}'\n"),
            format!("zenserp\nkey: {uuid}\n"),
            format!("const zenserp = new ZenserpClient('{uuid}')\n"),
            format!("Meraki::Importer.new('acme', '{hex}')\n"),
            format!("new \\Vonage\\Client\\Credentials\\Basic(\"acme\", \"{}\")\n", samples::fill("{alnum:16}", 3)),
            format!("require('zenserp')('{uuid}')\n"),
            format!("zenserp.init('acme', '{uuid}')\n"),
            format!("fetch(\"https://api.iterable.com/x?format=json&key={}\")\n", samples::fill("{hex:32}", 3)),
            format!("meraki.setup('acme', \"{hex}\")\n"),
            format!("geoip2.webservice.Client(42122, '{}')\n", samples::fill("{alnum:16}", 3)),
            format!("Mailin(\"https://api.sendinblue.com/v2.0\", \"{}\")\n", samples::fill("{alnum:16}", 3)),
            format!("{{ user: 'ops', key: '{uuid}', hostname: 'ondemand.saucelabs.com' }}\n"),
            format!("key := \"{hex}\"\nget(\"https://api.meraki.com/v1\")\n"),
            format!("get(\"https://api.openweathermap.org\", {{ 'appid': '{}' }})\n", samples::fill("{hex:32}", 3)),
            format!("dashboard = meraki.DashboardAPI('{hex}')\n"),
            format!("import Meraki from 'meraki';\nconst api = new Dashboard('{hex}');\n"),
            format!("let m = meraki.connect(\"acme\", \"{hex}\");\n"),
            format!("const z = new Zenserp('{uuid}')\n"),
            format!("c = Meraki(\"{hex}\", \"{}\")\n", samples::fill("{hex:40}", 4)),
            format!("curl https://api.meraki.com/?api={hex}\n"),
            format!("$c = \\Meraki\\Api\\Client::create('acme', '{hex}');\n"),
            format!("s = new MerakiServer(new URI(\"https://a.net\"), \"ops\", \"{hex}\");\n"),
            format!("c := meraki.NewClient(nil, nil, \"{hex}\")\n"),
            format!("const key = '{hex}';\nconst base = 'https://api.meraki.com/v1';\n"),
            format!("const key = '{hex}';\nconst Meraki = require('meraki');\n"),
            format!("bash <(curl -s https://zenserp.com/bash) -t {uuid}\n"),
        ] {
            assert!(found(&engine, "notes.txt", &text), "{text}");
        }
    }

    #[test]
    fn manuals_hold_keys_and_their_tests_examples() {
        let engine = Engine::new(Vec::new());
        let hex = samples::fill("{hex:40}", 3);
        assert!(found(&engine, "README.md", &format!("    curl https://api.meraki.com/v1?api_key={hex}\n")));
        assert!(found(&engine, "README.md", &format!("    const api = new Meraki('{hex}')\n")));
        assert!(found(&engine, "README.md", &format!("    curl -u {hex}:x https://a.net\n")));
        assert!(!found(&engine, "README.md", "    curl -u admin:secret https://a.net\n"));
        assert!(!found(&engine, "tests/README.md", &format!("    curl https://api.meraki.com/v1?api_key={hex}\n")));
    }

    #[test]
    fn checksums_and_identifiers_near_a_name_are_none() {
        let engine = Engine::new(Vec::new());
        let (hex, next, uuid) = (samples::fill("{hex:40}", 3), samples::fill("{hex:40}", 4), samples::fill("{uuid}", 3));
        for text in [
            format!("meraki commit {hex}\n"),
            format!("uses: owner/meraki-token@{hex}\n"),
            format!("github.com/owner/meraki-token {hex} https://github.com/\n"),
            format!("\"path\": \"github.com/meraki/meraki\",\n\"revision\": \"{hex}\"\n"),
            format!("Meraki: {hex}\nOther: {next}\n"),
            format!("https://api.meraki.com/networks/{hex}\n"),
            format!("the meraki dashboard serves\n{hex}  ./file\n"),
            format!("seen at zenserp, {uuid}\n"),
            format!("meraki sha1: {hex}\n"),
            format!("https://github.com/tickettailor/tickettailor-python/commit/{hex}\n"),
            format!("commit: {hex}\nurl: \"https://api.meraki.com/v1\"\n"),
            format!("key: {hex}\nuse \"./meraki.js\"\n"),
            format!("key: {hex}\ngit clone https://github.com/owner/meraki\n"),
            format!("zenserp.find('{uuid}')\n"),
            format!("zenserp.get('acme', '{uuid}')\n"),
            format!("https://api.iterablefoods.com/x?format=json&key={}\n", samples::fill("{hex:32}", 3)),
            format!("meraki.pin('owner/repository', '{hex}')\n"),
            format!("meraki.getNetwork('{hex}')\n"),
            format!("const network = '{hex}';\nconst base = 'https://api.meraki.com/v1';\n"),
            format!("const cache_key_id = '{hex}';\nconst base = 'https://api.meraki.com/v1';\n"),
            format!("meraki.networks.get_by_digest('{hex}')\n"),
            format!("import meraki\nload('{hex}')\n"),
            format!("Meraki(x); y['{hex}']\n"),
            format!("import zenserp\nc = Account('{uuid}')\n"),
            format!("[![Meraki](https://meraki.com/status.svg?token={hex})](https://meraki.com)\n"),
            format!("<div class=\"meraki\" data-sitekey=\"{hex}\"></div>\n"),
        ] {
            assert!(!found(&engine, "notes.txt", &text), "{text}");
        }
    }
}

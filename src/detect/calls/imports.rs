//! The client of a library that is imported: `import Acme from 'acme-sdk'` and, further on, `new Acme("key")`.
//!
//! A library's main thing is called as the library is; what it is made with, and looks random, is its key. Nothing else tells it
//! where nobody knows the provider.

use std::ops::Range;

use super::{CALLEE, key};

/// Bytes of an import's line, and behind it in which the client is made.
const LINE: usize = 200;
const AHEAD: usize = 4 << 10;
/// Words of a line, letters of the shortest name, and those in which names of the same thing begin.
const WORDS: usize = 16;
const SHORTEST: usize = 3;
const ALIKE: usize = 5;
/// Places of a name that are looked at.
const PLACES: usize = 12;
/// Bytes that may follow a provider's name in that of its client: `Api`, `Client`.
const SUFFIX: usize = 12;

/// Ends of the names of things that are made of what looks random and is no key, lower case.
#[rustfmt::skip]
const OTHERS: &[&[u8]] = &[
    b"id", b"ids", b"number", b"int", b"integer", b"buffer", b"bytes", b"hash", b"sha1", b"sha256", b"md5", b"digest", b"address",
    b"date", b"time", b"moment", b"dayjs", b"color", b"url", b"uri", b"version", b"assert", b"expect", b"test", b"hex", b"base64",
    b"base58", b"decimal", b"big", b"signature", b"point", b"name", b"file", b"path", b"event", b"error", b"message", b"query",
    b"nock", b"debug", b"request", b"axios", b"fetch", b"jquery",
];

/// Ends of the names of functions that make a client or hand it its key, lower case.
#[rustfmt::skip]
const MAKERS: &[&[u8]] = &[
    b"client", b"init", b"initialize", b"configure", b"connect", b"login", b"auth", b"authenticate", b"setapikey", b"set_api_key",
    b"new", b"create", b"api", b"sdk", b"setup",
];

/// What a function's name begins with that makes a client, lower case.
const MAKES: &[&[u8]] = &[b"create", b"create_", b"new", b"make", b"init"];

/// Whether a name may be that of a client's class.
pub(super) fn may_be_client(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_uppercase) && !is_other(name)
}

/// The key that the thing is made with whose import `here` is part of.
pub(super) fn made(text: &[u8], here: &Range<usize>) -> Option<Range<usize>> {
    let before = text.get(here.start.saturating_sub(LINE)..here.start)?;
    let start = here.start - before.iter().rev().take_while(|b| **b != b'\n').count();
    let rest = text.get(start..text.len().min(start + LINE))?;
    let end = start + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let line = text.get(start..end)?;
    // Own code: `./module`, `from .module`.
    if [&b"'."[..], b"\".", b"from ."].iter().any(|own| memchr::memmem::find(line, own).is_some()) {
        return None;
    }
    // `require('acme')('key')`
    if let Some(module) = super::literal(text, here.end)
        && text.get(module.end + 1..module.end + 3) == Some(b")(")
        && !text.get(module.clone()).is_some_and(is_other)
    {
        return key(text, module.end + 3);
    }
    // A line is looked at once.
    let lead = text.get(start..here.start)?;
    if memchr::memmem::find(lead, b"import ").is_some() || memchr::memmem::find(lead, b"require(").is_some() {
        return None;
    }
    let mut words = [(&b""[..], Letters([0; 16], 0)); WORDS];
    let mut count = 0;
    for word in line.split(|b| !is_name(*b)).filter(|word| word.len() >= SHORTEST && !is_keyword(word)) {
        *words.get_mut(count)? = (word, Letters::of(word));
        count += 1;
    }
    let words = words.get(..count)?;
    let python = || line.starts_with(b"import ") && !line.iter().any(|b| matches!(b, b'\'' | b'"' | b';'));
    let twice = |at: usize, letters: &Letters| words.iter().enumerate().any(|(other, (_, known))| other != at && letters.alike(known));
    let candidate = |at: usize, letters: &Letters| twice(at, letters) || (count == 1 && python());
    let names = words.iter().enumerate().filter(|(at, (name, letters))| candidate(*at, letters) && !is_other(name));
    let ahead = text.get(end..text.len().min(end + AHEAD))?;
    names.map(|(_, (name, _))| *name).find_map(|name| {
        memchr::memmem::find_iter(ahead, name).take(PLACES).find_map(|at| {
            let whole = !ahead.get(at.wrapping_sub(1)).is_some_and(|b| is_name(*b));
            whole.then(|| called(text, end + at..end + at + name.len(), 0)).flatten().and_then(|open| key(text, open))
        })
    })
}

/// The call that makes the client whose provider's name stands at `here`, and its key: `new AcmeApi("key")`, `acme.init("key")`.
pub(in crate::detect) fn named(text: &[u8], here: &Range<usize>) -> Option<[Range<usize>; 2]> {
    let before = text.get(here.start.saturating_sub(CALLEE)..here.start)?;
    // `createAcme(`, `acme.NewAcme(`; `getAcme(` gets something.
    let joined = before.iter().rev().take_while(|b| is_name(**b)).count();
    let makes = joined == 0 || MAKES.iter().any(|word| word.len() == joined && ends(before, word));
    // `acme.webhooks.create(` is no client of Webhooks, `initializeCurve(` none of Initial's.
    let member = joined == 0 && before.last() == Some(&b'.') && text.get(here.start).is_some_and(u8::is_ascii_lowercase);
    let runs_on = text.get(here.end).is_some_and(u8::is_ascii_lowercase);
    if !makes || member || runs_on {
        return None;
    }
    let open = called(text, here.clone(), SUFFIX)?;
    Some([here.start..open - 1, key(text, open)?])
}

/// Where the arguments start of the call of the name, or of a member that makes a client. As many bytes may follow the name.
fn called(text: &[u8], name: Range<usize>, suffix: usize) -> Option<usize> {
    let rest = text.get(name.end..text.len().min(name.end + CALLEE))?;
    let tail = rest.iter().take_while(|b| is_name(**b)).count();
    if tail > suffix {
        return None;
    }
    let whole = text.get(name.start..name.end + tail)?;
    let mut at = tail;
    // `acme.Acme(`, `acme.rest.createClient(`, `Acme::Client.new(`
    let (mut last, mut before) = (whole, whole);
    for _ in 0..3 {
        let join = match rest.get(at..)? {
            [b'(', ..] => break,
            [b':', b':', ..] | [b'-', b'>', ..] => 2,
            [b'.' | b'\\', ..] => 1,
            _ => return None,
        };
        let member = rest.get(at + join..)?;
        before = last;
        last = member.get(..member.iter().take_while(|b| is_name(**b)).count())?;
        at += join + last.len();
    }
    if rest.get(at) != Some(&b'(') {
        return None;
    }
    // `getThing`, `track`: of what a client does nothing is known.
    let makes = last.len() == whole.len() && at == tail && made_of(text, name.start, whole)
        // `acme.things.create(` makes a thing.
        || (before.len() == whole.len() || is_maker(before)) && is_maker(last)
        || alike(last, whole) && at > tail;
    (makes && !is_other(last)).then_some(name.end + at + 1)
}

/// Whether the call makes a thing: of a name with a capital, or behind `=`.
fn made_of(text: &[u8], start: usize, name: &[u8]) -> bool {
    let before = text.get(start.saturating_sub(40)..start).unwrap_or_default().trim_ascii_end();
    name.first().is_some_and(u8::is_ascii_uppercase)
        || matches!(before.last(), None | Some(b'=' | b';' | b'}' | b')'))
        || text.get(start.wrapping_sub(1)) == Some(&b'\n')
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_maker(name: &[u8]) -> bool {
    MAKERS.iter().any(|word| ends(name, word))
}

fn is_keyword(word: &[u8]) -> bool {
    [&b"import"[..], b"from", b"require", b"const", b"var", b"let", b"default", b"type", b"static", b"com", b"org", b"new"].contains(&word)
}

fn is_other(name: &[u8]) -> bool {
    OTHERS.iter().any(|word| ends(name, word))
}

fn ends(name: &[u8], word: &[u8]) -> bool {
    name.len().checked_sub(word.len()).and_then(|at| name.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// Whether two names begin alike, but for case and `_`; short ones must be the same.
fn alike(one: &[u8], other: &[u8]) -> bool {
    Letters::of(one).alike(&Letters::of(other))
}

/// The first letters of a name, lower case, without `_` and `create`, and how many there are.
#[derive(Clone, Copy)]
struct Letters([u8; 16], usize);

impl Letters {
    fn of(name: &[u8]) -> Self {
        let begins = |word: &&&[u8]| name.len() > word.len() + SHORTEST && name.get(..word.len()).is_some_and(|lead| ends(lead, word));
        let made = MAKES.iter().find(begins).map_or(0, |word| word.len());
        let mut letters = Self([0; 16], 0);
        let own = name.get(made..).unwrap_or_default().iter().filter(|b| **b != b'_');
        for (slot, byte) in letters.0.iter_mut().zip(own) {
            *slot = byte.to_ascii_lowercase();
            letters.1 += 1;
        }
        letters
    }

    fn alike(&self, other: &Self) -> bool {
        if self.0[0] != other.0[0] {
            return false;
        }
        let same = self.0.iter().zip(&other.0).take_while(|(a, b)| a == b && **a != 0).count();
        same >= ALIKE || (same >= SHORTEST && same == self.1 && same == other.1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::of;
    use crate::detect::samples::fill;

    #[test]
    fn what_is_made_of_an_import_and_a_key() {
        let key = fill("{alnum:32}", 3);
        for text in [
            format!("import Acmeo from 'acmeo-sdk';\n\nconst a = new Acmeo('{key}');"),
            format!("import {{ Acmeo, Other }} from \"@acmeo/node\";\nconst a = new Acmeo(\"{key}\", 30)"),
            format!("const Acmeo = require('acmeo')\nvar a = new Acmeo('https://a.net', '{key}');"),
            format!("const lob = require('lob')\nlob('8.8.8.8', '{key}', (e) => 1)"),
            format!("const a = require('acmeo')('{key}');"),
            format!("const a = require('acmeo-sdk')({{key: '{key}', secret: 1}});"),
            format!("from acmeo_python.aio import AcmeoAsync\n\nasync with AcmeoAsync(\"{key}\") as a:"),
            format!("import acmeo_python\n\nwith acmeo_python.Acmeo(\"{key}\") as a:"),
            format!("import net.acmeo.Acmeo;\n\n  Acmeo a = new Acmeo(\"{key}\");"),
            format!("import acmeo\nacmeo.init('{key}')"),
            format!("import {{ createAcmeo }} from 'acmeo-sdk'\nconst {{ acmeo }} = createAcmeo('{key}')"),
            format!("ts = TimeSeries(key='{key}', retries=3)"),
            format!("import Acmeo from 'acmeo'\nnew Acmeo({{ key: '{key}' }})"),
        ] {
            assert_eq!(of(&text), Some(key.clone()), "{text}");
        }
    }

    #[test]
    fn what_is_no_client_and_no_key() {
        let key = fill("{hex:32}", 3);
        for text in [
            format!("import Acmeo from './acmeo';\nconst a = new Acmeo('{key}');"),
            format!("import Other from 'acmeo';\nconst a = new Other('{key}');"),
            format!("import ObjectId from 'objectid';\nconst a = new ObjectId('{key}');"),
            format!("import acmeo\nacmeo.track('{key}')"),
            format!("import acmeo\nacmeo.things.create('{key}')"),
            format!("find(key='{key}')"),
            format!("ObjectId(key='{key}')"),
            format!("import acmeo\nacmeo.Thing('{key}')"),
            format!("from acmeo import Thing\nt = Thing('{key}')"),
            "const moment = require('moment')\nmoment('2013-02-08T09:30:26.123Z')".to_owned(),
            "const acmeo = require('acmeo')\nacmeo('a-name-of-some-thing-1')".to_owned(),
            format!("import acmeo\n{}acmeo.init('{key}')", "x = 1\n".repeat(800)),
        ] {
            assert_eq!(of(&text), None, "{text}");
        }
    }
}

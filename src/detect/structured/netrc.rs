//! `.netrc`: host, user and password of ftp, curl, git and Heroku.
//!
//! <https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html>

use std::{borrow::Cow, ops::Range};

use super::{Detector, Field, Meaning, flow, format::fact, tree::slice};
use crate::detect::Hint;

/// The detector.
pub(super) struct Netrc;

const FILES: &[&str] = &[".netrc", "_netrc", "netrc", "*.netrc", ".authinfo"];

impl Detector for Netrc {
    fn id(&self) -> &'static str {
        "netrc"
    }

    fn files(&self) -> &'static [&'static str] {
        FILES
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let mut host = Cow::Borrowed(&b""[..]);
        let mut user = Cow::Borrowed(&b""[..]);
        let mut at = 0;
        while let Some((word, _, next)) = word(text, at) {
            at = next;
            match word.as_ref() {
                b"default" => {
                    host = Cow::Borrowed(b"any");
                    user = Cow::Borrowed(b"");
                }
                // A macro runs to the next empty line.
                b"macdef" => at += memchr::memmem::find(slice(text, at..text.len()), b"\n\n").unwrap_or(text.len() - at),
                b"machine" | b"login" | b"user" | b"password" | b"account" => {
                    let Some((value, span, next)) = self::word(text, at) else { return };
                    at = next;
                    match word.as_ref() {
                        b"machine" => {
                            host = value;
                            user = Cow::Borrowed(b"");
                        }
                        b"password" => {
                            let mut evidence: Vec<String> = fact("host", &host, &value).into_iter().collect();
                            evidence.extend(fact("user", &user, &value));
                            let meaning = Meaning::Credential { rule: "netrc-password" };
                            emit(Field { name: Cow::Borrowed("password"), value, span, meaning, evidence });
                        }
                        b"account" => {}
                        _ => user = value,
                    }
                }
                _ => {}
            }
        }
    }
}

/// The next word at or after `at`, its place, and where to go on. Words may be quoted; a line may end in a comment.
fn word(text: &[u8], at: usize) -> Option<(Cow<'_, [u8]>, Range<usize>, usize)> {
    let mut at = at;
    loop {
        at += text.get(at..)?.iter().position(|b| !b.is_ascii_whitespace())?;
        let line_start = at == 0 || matches!(text.get(at - 1), Some(b'\n'));
        if text.get(at) == Some(&b'#') && (line_start || text.get(at + 1) == Some(&b' ')) {
            at += memchr::memchr(b'\n', text.get(at..)?)?;
            continue;
        }
        break;
    }
    if text.get(at) == Some(&b'"') {
        let quoted = flow::quoted(text, at, false);
        return Some((quoted.value, quoted.span, quoted.end));
    }
    let rest = text.get(at..)?;
    let length = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    Some((Cow::Borrowed(rest.get(..length)?), at..at + length, at + length))
}

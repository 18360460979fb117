//! Calls whose arguments are credentials by their position: `server.login("user", "password")`, `new AcmeClient("key")`.

use std::ops::Range;

use super::{assign, model::Shape, quiet};

/// Bytes behind the call's name in which the argument ends.
const REACH: usize = 600;
/// Bytes of the shortest key that is told by nothing but a client that is made with it.
const KEY: usize = 20;

/// What is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passed {
    /// A password, at this position.
    Password(u8),
    /// A key, alone or first.
    Key,
}

impl Passed {
    /// What the argument would be called.
    pub(super) fn name(self) -> &'static [u8] {
        match self {
            Self::Password(_) => b"call.password",
            Self::Key => b"client.api_key",
        }
    }
}

/// Ends of the calls in lower case, up to where the arguments start.
pub(super) const CALLS: &[(&str, Passed)] = &[
    ("login(", Passed::Password(1)),
    // Python's and Go's basic authentication, OkHttp's, reqwest's; a variable may name the user.
    ("basicauth(", Passed::Password(1)),
    ("basic_auth(", Passed::Password(1)),
    ("credentials.basic(", Passed::Password(1)),
    ("networkcredential(", Passed::Password(1)),
    ("passwordcredentials(", Passed::Password(1)),
    ("passwordauthentication(", Passed::Password(1)),
    // JDBC, PHP's PDO and mysqli, sbt.
    ("drivermanager.getconnection(", Passed::Password(2)),
    ("new pdo(", Passed::Password(2)),
    ("new mysqli(", Passed::Password(2)),
    ("mysqli_connect(", Passed::Password(2)),
    ("+= credentials(", Passed::Password(3)),
    ("client(\"", Passed::Key),
    ("client('", Passed::Key),
];

/// The credential that is passed to the call whose name ends where `here` does; a literal, or nothing.
pub(super) fn argument(text: &[u8], here: &Range<usize>, passed: Passed) -> Option<Range<usize>> {
    let name = text.get(here.clone())?;
    match passed {
        Passed::Key => {
            let span = literal(text, here.end - 1)?;
            let value = text.get(span.clone())?;
            let shape = Shape::of(value);
            let random = value.len() >= KEY && assign::telling(value) && shape.randomness() > 0.5;
            (random && !shape.is_uuid && !shape.is_path_or_url && !quiet::is_reference(value)).then_some(span)
        }
        Passed::Password(position) => {
            let method = || here.start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|b| matches!(b, b'.' | b'>' | b':'));
            // Not where it is declared: `def login(`.
            if name.eq_ignore_ascii_case(b"login(") && !method() {
                return None;
            }
            let mut at = here.end;
            for _ in 0..position {
                at = behind_argument(text, at, here.end + REACH)?;
            }
            let at = blanks(text, at);
            let at = if text.get(at..)?.starts_with(b"Some(") { at + 5 } else { at };
            let span = literal(text, at)?;
            matches!(text.get(blanks(text, span.end + 1)), None | Some(b',' | b')' | b';' | b'\n')).then_some(span)
        }
    }
}

/// Behind the comma that ends the argument at `at`: a literal, a variable, a member.
fn behind_argument(text: &[u8], at: usize, limit: usize) -> Option<usize> {
    let start = blanks(text, at);
    let end = match literal(text, start) {
        Some(span) => span.end + 1,
        None => {
            let rest = text.get(start..text.len().min(limit))?;
            let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$' | b'-' | b'>' | b'[' | b']' | b'&');
            start + rest.iter().take_while(|b| plain(b)).count()
        }
    };
    let comma = blanks(text, end);
    (end > start && comma < limit && text.get(comma) == Some(&b',')).then_some(comma + 1)
}

/// What stands in quotes at `at`.
fn literal(text: &[u8], at: usize) -> Option<Range<usize>> {
    let quote = *text.get(at).filter(|b| matches!(b, b'"' | b'\''))?;
    let rest = text.get(at + 1..text.len().min(at + REACH))?;
    let length = rest.iter().position(|b| *b == quote || *b == b'\n')?;
    (rest.get(length) == Some(&quote)).then_some(at + 1..at + 1 + length)
}

fn blanks(text: &[u8], at: usize) -> usize {
    at + text.get(at..).unwrap_or_default().iter().take(200).take_while(|b| b.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests;

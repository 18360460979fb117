//! Passwords in URLs and in arguments of well-known commands.

use std::ops::Range;

use super::{
    model::{Shape, entropy},
    quiet,
    surroundings::{Kind, Surroundings},
};
use crate::finding::Confidence;

/// Bytes of an authority that are looked at.
const AUTHORITY: usize = 400;

/// What clients are told to send where a service wants a key as the user and no password: its documentation says any of these.
const NO_PASSWORDS: &[&str] =
    &["x", "xx", "xxx", "any", "anything", "api_token", "apitoken", "ignored", "unused", "none", "null", "nopass", "x-oauth-basic", "test"];

/// Whether the password says that the user is the credential, which is long and random.
pub(super) fn is_no_password(user: &[u8], password: &[u8]) -> bool {
    let said = password.is_empty() || NO_PASSWORDS.iter().any(|known| password.eq_ignore_ascii_case(known.as_bytes()));
    // `js_render=true` and other options of proxies.
    let options =
        || password.contains(&b'=') && password.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'=' | b'&' | b'-'));
    let long = if said && !password.is_empty() { 10 } else { 20 };
    (said || options()) && user.len() >= long && user.iter().any(u8::is_ascii_digit) && Shape::of(user).randomness() > 0.5
}

/// The password of a URL whose `://` stands at `at`; a user name without password that is long and random counts too.
pub(super) fn password(text: &[u8], at: usize) -> Option<Range<usize>> {
    let scheme = text
        .get(at.saturating_sub(20)..at)?
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        .count();
    if scheme == 0 {
        return None;
    }
    let start = at + 3;
    let rest = text.get(start..text.len().min(start + AUTHORITY))?;
    let end = rest
        .iter()
        .position(|b| matches!(b, b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | 0..=b' ' | 0x7f..))
        .unwrap_or(rest.len());
    let mut authority = rest.get(..end)?;
    let mut host = authority.iter().rposition(|b| *b == b'@');
    if host.is_none() && rest.get(end).is_some_and(|b| matches!(b, b'/' | b'?' | b'#')) {
        // Passwords are not always encoded as they should: look on to the next blank or quote.
        let longer =
            rest.iter().position(|b| matches!(b, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | 0..=b' ' | 0x7f..)).unwrap_or(rest.len());
        let whole = rest.get(..longer)?;
        let last = whole.iter().rposition(|b| *b == b'@')?;
        let colon = authority.iter().position(|b| *b == b':')?;
        // `host:8080/path@x` is a port.
        if authority.get(colon + 1..).is_some_and(|port| port.iter().all(u8::is_ascii_digit)) {
            return None;
        }
        let tail = whole.get(last + 1..)?;
        if !tail.first().is_some_and(u8::is_ascii_alphanumeric) || last < colon {
            return None;
        }
        authority = whole;
        host = Some(last);
    }
    let host = host?;
    // `http://localhost:1337@8675309`, a node and the block to fork from; an Ethereum node's public key (EIP-1459); a key of
    // dotenv's vault has 64 digits.
    let word = text.get(at - scheme..at)?;
    let user_info = authority.get(..host)?;
    if user_info.starts_with(b"localhost:")
        || [&b"enr"[..], b"enrtree", b"enode"].contains(&word)
        || (word == b"dotenv" && user_info.len() < 32)
    {
        return None;
    }
    if authority.get(host + 1..)?.is_empty() {
        return None;
    }
    match user_info.iter().position(|b| *b == b':') {
        Some(colon) if user_info.get(colon + 1..).is_some_and(|password| is_no_password(&user_info[..colon], password)) => {
            Some(start..start + colon)
        }
        Some(colon) if colon + 1 < user_info.len() => Some(start + colon + 1..start + host),
        Some(_) => None,
        None if user_info.len() >= 20 && Shape::of(user_info).randomness() > 0.5 => Some(start..start + host),
        None => None,
    }
}

/// How sure it is that the password of a URL is one.
pub(super) fn judge(text: &[u8], span: &Range<usize>, value: &[u8], surroundings: Surroundings) -> Option<Confidence> {
    let templated =
        value.iter().any(|b| matches!(b, b'{' | b'}' | b'<' | b'>' | b'(' | b')' | b'$' | b'[' | b']')) && quiet::is_reference(value);
    let starred = value.iter().all(|b| matches!(b, b'*' | b'x' | b'X' | b'.' | b'-'));
    if value.len() < 2
        || templated
        || starred
        || quiet::is_reference(value)
        || value.contains(&b'{')
        // A pattern for URLs in an editor's syntax file.
        || value.windows(2).any(|two| matches!(two, b"\\+" | b"\\(" | b"\\)" | b"\\=" | b"\\*"))
        || value.contains(&b',') && value.contains(&b':')
    {
        return None;
    }
    let placeholder = quiet::is_placeholder(value, false);
    let host = text.get(span.end + 1..text.len().min(span.end + 100)).unwrap_or_default();
    let host = host
        .get(..host.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))).unwrap_or(host.len()))
        .unwrap_or_default();
    let example = [&b"example"[..], b"host", b"hostname", b"server", b"yourhost", b"domain", b"foo", b"bar", b"site", b"test"]
        .iter()
        .any(|known| host.split(|b| *b == b'.').any(|part| part.eq_ignore_ascii_case(known)));
    if placeholder || quiet::is_public(value) {
        return None;
    }
    let code = matches!(surroundings.kind, Kind::Source | Kind::Generated | Kind::Other);
    let library = surroundings.test || surroundings.package || matches!(surroundings.kind, Kind::Docs | Kind::Generated);
    if example && (code || library) {
        return None;
    }
    let local = [&b"localhost"[..], b"127.0.0.1", b"0.0.0.0"].iter().any(|known| host.eq_ignore_ascii_case(known));
    let weak = !strong(value);
    Some(if example || surroundings.kind == Kind::Docs || surroundings.test || (weak && (library || (code && local))) {
        Confidence::Low
    } else {
        Confidence::Medium
    })
}

/// Whether a password looks chosen with care, so that it is no manual's.
pub(super) fn strong(value: &[u8]) -> bool {
    value.len() >= 8 && entropy(value) > 2.8 && Shape::of(value).digits > 0
}

/// The password of `curl -u user:password` or `sshpass -p password`, on the command's line.
pub(super) fn argument(text: &[u8], command: Range<usize>) -> Option<Range<usize>> {
    let name = text.get(command.clone())?;
    if command.start > 0 && text.get(command.start - 1).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')) {
        return None;
    }
    let rest = text.get(command.end..text.len().min(command.end + 600))?;
    let line = rest.get(..rest.iter().position(|b| matches!(b, b'\n' | b'\r' | b'|' | b';')).unwrap_or(rest.len()))?;
    let flags: &[&[u8]] = if name.eq_ignore_ascii_case(b"curl") || name.eq_ignore_ascii_case(b"httpie") {
        &[b" -u", b" --user", b" --proxy-user", b" -a"]
    } else if name.eq_ignore_ascii_case(b"redis-cli") {
        &[b" -a"]
    } else if name.eq_ignore_ascii_case(b"sqlcmd") {
        &[b" -P"]
    } else {
        &[b" -p"]
    };
    for flag in flags {
        let Some(at) = line.windows(flag.len()).position(|part| part == *flag) else { continue };
        let mut start = at + flag.len();
        let long = flag.starts_with(b" --");
        if long && !matches!(line.get(start), Some(b' ' | b'=')) {
            continue;
        }
        while matches!(line.get(start), Some(b' ' | b'=' | b'"' | b'\'' | b'\\')) {
            start += 1;
        }
        let value = line.get(start..)?;
        let end = value.iter().position(|b| matches!(b, b' ' | b'"' | b'\'' | b'\\' | b'`')).unwrap_or(value.len());
        let value = value.get(..end)?;
        if flags.len() > 1 {
            let colon = value.iter().position(|b| *b == b':')?;
            if value.starts_with(b"http") || value.get(colon + 1..).is_some_and(|rest| rest.starts_with(b"//")) {
                return None;
            }
            let (key, password) = (value.get(..colon)?, value.get(colon + 1..)?);
            if password.is_empty() {
                // A key in the place of the user, and no password.
                let random = key.len() >= 16 && key.iter().any(u8::is_ascii_digit) && Shape::of(key).randomness() > 0.5;
                return random.then_some(command.end + start..command.end + start + colon);
            }
            if is_no_password(key, password) {
                return Some(command.end + start..command.end + start + colon);
            }
            start += colon + 1;
            return Some(command.end + start..command.end + start + value.len() - colon - 1);
        }
        // mysql's `-p` alone asks, `-P` is a port.
        let digits = value.iter().all(u8::is_ascii_digit);
        let joined = at + flag.len() == start;
        if digits || value.is_empty() || value.starts_with(b"-") || (name.eq_ignore_ascii_case(b"mysql") && !joined) {
            return None;
        }
        return Some(command.end + start..command.end + start + value.len());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<&str> {
        let at = text.find("://")?;
        password(text.as_bytes(), at).map(|span| &text[span])
    }

    #[test]
    fn passwords_of_urls() {
        assert_eq!(of("x postgres://app:s3cr@t!@db:5432/x"), Some("s3cr@t!"));
        assert_eq!(of("redis://:s3cret@cache"), Some("s3cret"));
        assert_eq!(of("amqp://u:pa/ss@host/vhost"), Some("pa/ss"));
        assert_eq!(of("https://host:8080/a@b"), None);
        assert_eq!(of("https://user@host/x"), None);
        assert_eq!(of("https://host/path?x=a:b@c"), None);
        assert_eq!(of("://u:p@h"), None);
        let key = crate::detect::samples::fill("{hex:40}", 3);
        for rest in ["", "x", "x-oauth-basic", "api_token", "js_render=true"] {
            assert_eq!(of(&format!("http://{key}:{rest}@proxy.a.net:8001")), Some(key.as_str()), "{rest}");
        }
        assert_eq!(of(&format!("http://{key}:s3cret@proxy.a.net")), Some("s3cret"));
        assert_eq!(of("http://ops:x@proxy.a.net"), Some("x"), "no key is there");
        assert_eq!(of("http://localhost:1337@8675309"), None);
    }

    #[test]
    fn arguments_of_commands() {
        let of = |text: &str, command: &str| {
            let at = text.find(command).expect("there");
            argument(text.as_bytes(), at..at + command.len()).map(|span| text[span].to_owned())
        };
        assert_eq!(of("curl -s -u admin:Tr0ub4dor https://x", "curl").as_deref(), Some("Tr0ub4dor"));
        assert_eq!(of("curl --user 'admin:Tr0ub4dor' x", "curl").as_deref(), Some("Tr0ub4dor"));
        for dummy in ["x", "X", "", "api_token"] {
            let key = format!("curl -u q8Zr2LxW0vT5mB3n:{dummy} https://x");
            assert_eq!(of(&key, "curl").as_deref(), Some("q8Zr2LxW0vT5mB3n"), "{key}");
        }
        assert_eq!(of("sshpass -p Tr0ub4dor ssh x", "sshpass").as_deref(), Some("Tr0ub4dor"));
        assert_eq!(of("mysql -u root -pTr0ub4dor db", "mysql").as_deref(), Some("Tr0ub4dor"));
        assert_eq!(of("mysql -u root -p db", "mysql"), None);
        assert_eq!(of("curl https://x", "curl"), None);
        assert_eq!(of("redis-cli -h cache -a Tr0ub4dor ping", "redis-cli").as_deref(), Some("Tr0ub4dor"));
        assert_eq!(of("sqlcmd -S db -U sa -P 'Tr0ub4dor' -Q x", "sqlcmd").as_deref(), Some("Tr0ub4dor"));
        let key = crate::detect::samples::fill("{hex:12}", 3);
        for password in ["X", "x", "any", "api_token", "ignored"] {
            assert_eq!(of(&format!("curl -u {key}:{password} https://x"), "curl").as_deref(), Some(key.as_str()), "{password}");
        }
    }
}

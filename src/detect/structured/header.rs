//! HTTP headers that carry a credential.

use std::borrow::Cow;

use super::format::{decode_base64, fact};
use crate::detect::{calls, classify::own_scheme};

/// A header's credential.
pub(super) struct Header<'a> {
    /// The credential: the token, or the password of `Basic`.
    pub(super) secret: Cow<'a, [u8]>,
    /// What stands in the text for it.
    pub(super) token: &'a [u8],
    /// Facts about it.
    pub(super) evidence: Vec<String>,
}

const SCHEMES: &[&str] = &["bearer", "basic", "token", "apikey", "api-key", "bot", "key", "jwt", "sso-key", "splunk", "genie-key"];
const WORDS: &[&str] =
    &["auth", "token", "secret", "api-key", "apikey", "api_key", "access-key", "password", "private-token", "cookie", "-key"];

/// Ends of names that say something about a credential: `X-Key-Id`.
const ABOUT: &[&str] = &[
    "-id", " id", "-name", " name", "-type", " type", "-hash", " hash", "-expires", "-url", "-version", "-seconds", "-ttl", "-sha256",
    "-md5",
];

/// Whether a header of this name carries credentials.
pub(super) fn carries_credentials(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let about = ABOUT.iter().any(|end| name.ends_with(end)) || name.contains("public");
    name.len() <= 100 && !about && WORDS.iter().any(|word| name.contains(word))
}

/// Reads the value of the header `name`, or a whole `Name: value` where `name` is none that carries credentials.
pub(super) fn parse<'a>(name: &str, value: &'a [u8]) -> Option<Header<'a>> {
    let (name, value) = if carries_credentials(name) && !starts_with_name(value) {
        (Cow::Borrowed(name), value)
    } else {
        let colon = memchr::memchr(b':', value)?;
        (String::from_utf8_lossy(value.get(..colon)?), value.get(colon + 1..)?)
    };
    if !carries_credentials(&name) {
        return None;
    }
    let value = value.trim_ascii();
    // Other cookies stand beside it; which theme somebody prefers is no credential.
    if name.to_ascii_lowercase().contains("cookie") {
        let token = value.get(calls::session(value, 0)?)?;
        let evidence = fact("header", name.trim().as_bytes(), token).into_iter().collect();
        return Some(Header { secret: Cow::Borrowed(token), token, evidence });
    }
    let (scheme, token) = match value.iter().position(u8::is_ascii_whitespace) {
        Some(space) => (value.get(..space)?, value.get(space..)?.trim_ascii()),
        None => (&b""[..], value),
    };
    let scheme = SCHEMES.iter().find(|known| scheme.eq_ignore_ascii_case(known.as_bytes()));
    let token = match scheme {
        Some(_) => token,
        None if name.trim().eq_ignore_ascii_case("authorization") => own_scheme(value).unwrap_or(value),
        None => value,
    };
    // `Authorization: deny` in a manual of a proxy.
    let word = scheme.is_none() && name.trim().eq_ignore_ascii_case("authorization") && token.len() < 10;
    if token.is_empty() || (word && token.iter().all(u8::is_ascii_lowercase)) {
        return None;
    }
    let mut evidence = Vec::new();
    evidence.extend(fact("header", name.trim().as_bytes(), token));
    if scheme == Some(&"basic")
        && let Some(plain) = decode_base64(token)
        && let Some(colon) = memchr::memchr(b':', &plain)
        && let Some(password) = plain.get(colon + 1..).filter(|password| !password.is_empty())
    {
        evidence.extend(fact("user", plain.get(..colon)?, password));
        evidence.push("base64 of user and password".to_owned());
        return Some(Header { secret: Cow::Owned(password.to_vec()), token, evidence });
    }
    Some(Header { secret: Cow::Borrowed(token), token, evidence })
}

/// `Authorization: ...` as one text.
fn starts_with_name(value: &[u8]) -> bool {
    let name = value.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
    name > 3 && value.get(name) == Some(&b':') && value.get(name + 1) == Some(&b' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::samples;

    fn check(name: &str, value: &str, expected: Option<&str>) {
        let header = parse(name, value.as_bytes());
        assert_eq!(header.map(|h| String::from_utf8_lossy(&h.secret).into_owned()).as_deref(), expected, "{name} {value}");
    }

    #[test]
    fn headers() {
        check("Authorization", "Bearer abc", Some("abc"));
        check("", "Authorization: Bearer abc", Some("abc"));
        check("", "X-Api-Key: abc", Some("abc"));
        check("x-api-key", "abc", Some("abc"));
        check("Authorization", "Basic am9lOnB3", Some("pw"));
        check("", "Content-Type: application/json", None);
        check("X-Key-Id", "abc", None);
        check("X-Public-Key", "abc", None);
        check("X-aws-ec2-metadata-token-ttl-seconds", "21600", None);
        check("Accept", "x", None);
        check("", "Authorization: deny", None);
        let key = samples::fill("{uuid}", 3);
        check("Authorization", &format!("GenieKey {key}"), Some(&key));
        check("", &format!("Authorization: Acme.Simple {key}"), Some(&key));
        check("Authorization", "Digest realm=abc", Some("Digest realm=abc"));
        check("Authorization", "Bearer ", Some("Bearer"));
        let session = samples::fill("{hex:32}", 3);
        check("", &format!("Cookie: theme=dark; session={session}; a=b"), Some(&session));
        check("Cookie", "session=none; theme=dark", None);
    }
}

//! What a registry asks for when it answers 401, and the token that its service gives.
//!
//! Specifications: [token authentication](https://distribution.github.io/distribution/spec/auth/token/),
//! [OAuth2 for refresh tokens](https://distribution.github.io/distribution/spec/auth/oauth/), RFC 9110 section 11.

use base64::Engine;
use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::credentials::Credentials;
use crate::Secret;

/// Bytes of a token service's answer.
pub(crate) const ANSWER: u64 = 1 << 20;

/// A challenge that can be answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User and password with every request.
    Basic,
    /// A token from the service at `realm`.
    Bearer {
        /// URL of the token service.
        realm: String,
        /// Name that the service knows the registry by.
        service: Option<String>,
    },
}

/// The challenge of a 401; a bearer one is preferred.
pub(crate) fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let mut found = None;
    for header in headers.get_all(WWW_AUTHENTICATE) {
        let Ok(text) = header.to_str() else { continue };
        for (scheme, parameters) in challenges(text) {
            let value = |name: &str| parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
            if scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = value("realm")
            {
                return Some(Challenge::Bearer { realm, service: value("service") });
            }
            if scheme.eq_ignore_ascii_case("basic") {
                found = Some(Challenge::Basic);
            }
        }
    }
    found
}

/// `scheme key="value", key=value, scheme ...`
fn challenges(mut text: &str) -> Vec<(&str, Vec<(&str, String)>)> {
    let mut all: Vec<(&str, Vec<(&str, String)>)> = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t', ',']);
        let end = text.find([' ', '=', ',']).unwrap_or(text.len());
        let Some((word, rest)) = text.split_at_checked(end).filter(|(word, _)| !word.is_empty()) else { return all };
        let Some(value) = rest.strip_prefix('=') else {
            all.push((word, Vec::new()));
            text = rest;
            continue;
        };
        let value = match value.strip_prefix('"') {
            Some(quoted) => {
                let mut unescaped = String::new();
                let mut chars = quoted.char_indices();
                let mut end = quoted.len();
                while let Some((at, c)) = chars.next() {
                    match c {
                        '"' => {
                            end = at + 1;
                            break;
                        }
                        '\\' => unescaped.extend(chars.next().map(|(_, c)| c)),
                        c => unescaped.push(c),
                    }
                }
                text = quoted.get(end..).unwrap_or_default();
                unescaped
            }
            None => {
                let end = value.find([' ', ',']).unwrap_or(value.len());
                let (value, rest) = value.split_at(end);
                text = rest;
                value.to_owned()
            }
        };
        if let Some((_, parameters)) = all.last_mut() {
            parameters.push((word, value));
        }
    }
}

/// An `Authorization` value, which no log shows.
pub(crate) fn basic(user: &Secret, password: &Secret) -> Option<HeaderValue> {
    let pair = Zeroizing::new([user.expose(), b":", password.expose()].concat());
    let encoded = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(&*pair));
    header(&format!("Basic {}", encoded.as_str()))
}

/// A bearer token as an `Authorization` value.
pub(crate) fn bearer(token: &[u8]) -> Option<HeaderValue> {
    header(&format!("Bearer {}", std::str::from_utf8(token).ok()?))
}

fn header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The request that changes credentials for a token.
pub(crate) fn token_request(
    client: &reqwest::Client,
    realm: reqwest::Url,
    service: Option<&str>,
    scope: &str,
    credentials: &Credentials,
) -> Option<reqwest::Request> {
    let mut parameters = vec![("scope", scope)];
    parameters.extend(service.map(|service| ("service", service)));
    let mut url = realm;
    if let Credentials::Identity(token) = credentials {
        let mut form = Zeroizing::new(form(&parameters));
        form.push_str("&grant_type=refresh_token&client_id=imgscan&refresh_token=");
        form.push_str(&Zeroizing::new(encoded(token.expose())));
        return client.post(url).header("content-type", "application/x-www-form-urlencoded").body(form.to_string()).build().ok();
    }
    url.query_pairs_mut().extend_pairs(parameters);
    let request = client.get(url);
    match credentials {
        Credentials::Basic { user, password } => request.header("authorization", basic(user, password)?).build().ok(),
        _ => request.build().ok(),
    }
}

fn form(parameters: &[(&str, &str)]) -> String {
    parameters.iter().map(|(key, value)| format!("{key}={}", encoded(value.as_bytes()))).collect::<Vec<_>>().join("&")
}

/// Percent encoding of everything that is not unreserved (RFC 3986).
fn encoded(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(*byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// The token of a service's answer.
pub(crate) fn token(answer: &[u8]) -> Option<HeaderValue> {
    #[derive(Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(answer).ok()?;
    let [token, access_token] = [answer.token, answer.access_token].map(|token| Zeroizing::new(token.unwrap_or_default()));
    let token = if token.is_empty() { access_token } else { token };
    if token.is_empty() { None } else { bearer(token.as_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().expect("a header"));
        }
        challenge(&headers)
    }

    #[test]
    fn challenges_are_parsed() {
        let bearer = |service: Option<&str>| {
            Some(Challenge::Bearer { realm: "https://a/token?x=1,2".to_owned(), service: service.map(str::to_owned) })
        };
        assert_eq!(of(&[r#"Bearer realm="https://a/token?x=1,2",service="r\"s",scope="repository:a:pull""#]), bearer(Some("r\"s")));
        assert_eq!(of(&[r#"Basic realm="x", bearer service=y, realm="https://a/token?x=1,2""#]), bearer(Some("y")));
        assert_eq!(of(&["Basic", r#"Bearer realm="https://a/token?x=1,2""#]), bearer(None));
        assert_eq!(of(&[r#"Basic realm="registry""#]), Some(Challenge::Basic));
        for nothing in [r#"Bearer service="x""#, "Negotiate", "=", "\"", r#"Bearer realm="#, ","] {
            assert!(matches!(of(&[nothing]), None | Some(Challenge::Bearer { .. })), "{nothing}");
        }
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn authorization_is_never_shown() {
        let value = basic(&Secret::new(b"user"), &Secret::new(b"pass")).expect("a header");
        assert_eq!(value.to_str().expect("ASCII"), "Basic dXNlcjpwYXNz");
        assert!(value.is_sensitive());
        assert!(bearer(b"a\nb").is_none(), "no header injection");
        assert!(token(br#"{"token":"t"}"#).is_some_and(|value| value.is_sensitive()));
        assert!(token(br#"{"access_token":"t","token":""}"#).is_some());
        assert!(token(b"{}").is_none());
    }
}

//! What a name says about its value.

use super::words::{
    ATTRIBUTES, CREDENTIALS, ENTRIES, EPHEMERAL, KEY_OWNERS, List, NEUTRAL, NO_CREDENTIALS, PUBLIC, Stands, TESTS, may_name_a_credential,
};
use crate::detect::names::Name;

/// Kinds of credentials that names tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect) enum Class {
    Password,
    Secret,
    Token,
    ApiKey,
    CryptoKey,
    Authorization,
}

impl Class {
    /// Id of the generic rule.
    pub(in crate::detect) fn rule(self) -> &'static str {
        match self {
            Self::Password => "generic-password",
            Self::Secret => "generic-secret",
            Self::Token => "generic-token",
            Self::ApiKey => "generic-api-key",
            Self::CryptoKey => "generic-private-key",
            Self::Authorization => "generic-authorization",
        }
    }
}

/// What a name says.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect) struct Meaning {
    pub(in crate::detect) class: Class,
    /// Words after the credential's own word that are not known to mean little.
    pub(in crate::detect) trailing: u8,
    /// The name is about the credential (`password_file`, `token_type`), or the value is public.
    pub(in crate::detect) attribute: bool,
    /// Tokens of a session, a page, a parser.
    pub(in crate::detect) ephemeral: bool,
    /// Just `key`.
    pub(in crate::detect) bare_key: bool,
    /// Says that it is a test's.
    pub(in crate::detect) test: bool,
}

/// Trailing digits are numbering: `password2`.
fn stem(word: &[u8]) -> &[u8] {
    let digits = word.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    word.get(..word.len() - digits).unwrap_or(word)
}

/// The class of one word, given the word before it, and whether it is just a key.
fn class(word: &[u8], before: &[u8]) -> Option<(Class, bool)> {
    let word = stem(word);
    if !may_name_a_credential(word) || NO_CREDENTIALS.has(word) {
        return None;
    }
    // `API_KEYS=first,second`
    if word == b"keys" {
        return matches!(before, b"api" | b"access" | b"auth").then_some((Class::ApiKey, false));
    }
    let stands = |how: &Stands, known: &[u8]| match how {
        Stands::Ends => word.ends_with(known),
        Stands::Whole => word == known,
        Stands::Behind => word == known && !before.is_empty(),
    };
    let (class, ..) = CREDENTIALS.iter().find(|(_, how, words)| words.iter().any(|known| stands(how, known)))?;
    if word == b"key" {
        return Some(match before {
            b"api" | b"access" | b"app" | b"application" | b"auth" | b"rest" | b"subscription" => (Class::ApiKey, false),
            b"secret" => (Class::Secret, false),
            _ if KEY_OWNERS.has(before) => (Class::CryptoKey, false),
            _ => (Class::ApiKey, true),
        });
    }
    Some((*class, false))
}

impl Meaning {
    /// The same, of the credential itself.
    pub(in crate::detect) fn plain(self) -> Self {
        Self { trailing: 0, attribute: false, ..self }
    }

    /// What the name says; `None` where it names no credential.
    pub(in crate::detect) fn of(name: &Name) -> Option<Self> {
        let before = |at: usize| at.checked_sub(1).map_or(&b""[..], |at| name.word(at));
        let (at, (class, bare_key)) = (0..name.len()).rev().find_map(|at| Some((at, class(name.word(at), before(at))?)))?;
        let (mut trailing, mut attribute) = (0u8, false);
        let after = (at + 1..name.len()).map(|at| name.word(at));
        for (word, plain) in after.map(|word| (word, stem(word))).filter(|(_, plain)| !plain.is_empty() && !NEUTRAL.has(plain)) {
            attribute |= ATTRIBUTES.has(plain) || ATTRIBUTES.has(word);
            trailing = trailing.saturating_add(1);
        }
        let earlier = |list: &List| (0..at).any(|at| list.has(name.word(at)));
        // `secret_id` of AppRole is a credential, `token_id` and `key_id` are none.
        Some(Self {
            class,
            trailing,
            attribute: attribute || earlier(&PUBLIC) || (bare_key && ENTRIES.has(before(at))),
            ephemeral: class == Class::Token && earlier(&EPHEMERAL),
            bare_key,
            test: earlier(&TESTS),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(raw: &str) -> Option<Meaning> {
        Meaning::of(&Name::new(raw.as_bytes()))
    }

    #[test]
    fn credentials_by_name() {
        for (name, class) in [
            ("DB_PASSWORD", Class::Password),
            ("dbPasswd2", Class::Password),
            ("MYSQL_PWD", Class::Password),
            ("db.mot_de_passe", Class::Password),
            ("DbKennwort", Class::Password),
            ("client_secret", Class::Secret),
            ("githubToken", Class::Token),
            ("X-API-Key", Class::ApiKey),
            ("AWS_SECRET_ACCESS_KEY", Class::ApiKey),
            ("ENCRYPTION_KEY", Class::CryptoKey),
            ("SECRET_KEY_BASE", Class::Secret),
            ("API_KEY_PROD", Class::ApiKey),
            ("Authorization", Class::Authorization),
        ] {
            let meaning = of(name).expect(name);
            assert_eq!((meaning.class, meaning.attribute, meaning.ephemeral), (class, false, false), "{name}");
        }
    }

    #[test]
    fn names_about_credentials() {
        for name in [
            "PASSWORD_FILE",
            "token_type",
            "secret_name",
            "passwordMinLength",
            "public_key",
            "TOKEN_URL",
            "API_KEY_ID",
            "keyAlias_password_policy",
        ] {
            assert!(of(name).is_none_or(|meaning| meaning.attribute || meaning.bare_key), "{name}");
        }
        for name in ["max_tokens", "tokenizer", "keyboard", "secretary", "passenger", "compass"] {
            assert!(of(name).is_none_or(|meaning| meaning.ephemeral), "{name}");
        }
        assert!(of("next_page_token").expect("a token").ephemeral);
    }
}

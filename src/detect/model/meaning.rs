//! What a name says about its value.

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

/// Words behind the credential's word that say nothing about it.
const NEUTRAL: &[&[u8]] = &[
    b"prod",
    b"production",
    b"dev",
    b"development",
    b"test",
    b"testing",
    b"staging",
    b"stage",
    b"qa",
    b"uat",
    b"live",
    b"sandbox",
    b"local",
    b"value",
    b"val",
    b"string",
    b"str",
    b"text",
    b"plain",
    b"plaintext",
    b"raw",
    b"base64",
    b"b64",
    b"encoded",
    b"default",
    b"current",
    b"new",
    b"old",
    b"previous",
    b"primary",
    b"secondary",
    b"master",
    b"main",
    b"backup",
    b"admin",
    b"root",
    b"user",
    b"db",
    b"database",
    b"app",
    b"web",
    b"server",
    b"client",
    b"service",
    b"api",
    b"us",
    b"eu",
    b"v1",
    b"v2",
    b"v3",
    b"base",
    b"hex",
    b"my",
    b"a",
    b"b",
    b"c",
    b"x",
    b"readonly",
    b"rw",
    b"ro",
    b"read",
    b"write",
    b"full",
    b"internal",
    b"external",
    b"global",
    b"shared",
    b"common",
    b"s",
    b"uk",
    b"private",
    b"github",
    b"gitlab",
    b"aws",
    b"azure",
    b"gcp",
    b"google",
    b"stripe",
    b"slack",
    b"npm",
    b"pypi",
    b"docker",
    b"mysql",
    b"postgres",
    b"redis",
    b"mongo",
    b"mongodb",
    b"smtp",
    b"mail",
    b"ldap",
    b"ftp",
    b"ssh",
    b"openai",
    b"anthropic",
    b"twilio",
    b"sendgrid",
    b"content",
    b"data",
    b"inline",
    b"literal",
];

/// Words behind it that make the name one of something about the credential.
const ATTRIBUTES: &[&[u8]] = &[
    b"public",
    b"pub",
    b"modulus",
    b"file",
    b"files",
    b"filename",
    b"path",
    b"paths",
    b"dir",
    b"directory",
    b"folder",
    b"url",
    b"uri",
    b"urls",
    b"endpoint",
    b"host",
    b"hostname",
    b"domain",
    b"port",
    b"name",
    b"names",
    b"id",
    b"ids",
    b"arn",
    b"version",
    b"type",
    b"types",
    b"length",
    b"len",
    b"size",
    b"min",
    b"max",
    b"count",
    b"limit",
    b"limits",
    b"ttl",
    b"expiry",
    b"expires",
    b"expiration",
    b"expire",
    b"expired",
    b"timeout",
    b"age",
    b"lifetime",
    b"duration",
    b"interval",
    b"period",
    b"policy",
    b"field",
    b"fields",
    b"label",
    b"labels",
    b"title",
    b"placeholder",
    b"hint",
    b"message",
    b"msg",
    b"error",
    b"errors",
    b"prompt",
    b"regex",
    b"pattern",
    b"format",
    b"header",
    b"headers",
    b"param",
    b"params",
    b"parameter",
    b"prefix",
    b"suffix",
    b"ref",
    b"reference",
    b"alias",
    b"enabled",
    b"enable",
    b"disable",
    b"disabled",
    b"required",
    b"require",
    b"valid",
    b"validator",
    b"validation",
    b"strength",
    b"hash",
    b"hashed",
    b"hashes",
    b"digest",
    b"algorithm",
    b"alg",
    b"algo",
    b"provider",
    b"store",
    b"manager",
    b"handler",
    b"form",
    b"input",
    b"page",
    b"link",
    b"reset",
    b"change",
    b"confirm",
    b"confirmation",
    b"encoder",
    b"index",
    b"idx",
    b"position",
    b"pos",
    b"color",
    b"icon",
    b"scope",
    b"scopes",
    b"kind",
    b"list",
    b"array",
    b"map",
    b"set",
    b"rotation",
    b"env",
    b"var",
    b"variable",
    b"column",
    b"attribute",
    b"attr",
    b"property",
    b"function",
    b"func",
    b"fn",
    b"callback",
    b"method",
    b"mode",
    b"flag",
    b"status",
    b"state",
    b"date",
    b"time",
    b"created",
    b"updated",
    b"usage",
    b"script",
    b"command",
    b"cmd",
    b"template",
    b"mask",
    b"char",
    b"chars",
    b"separator",
    b"delimiter",
    b"source",
    b"bucket",
    b"address",
    b"uid",
    b"issuer",
    b"audience",
    b"lookup",
    b"cache",
    b"generator",
    b"parser",
    b"stream",
    b"email",
    b"username",
    b"login",
    b"description",
    b"desc",
    b"doc",
    b"docs",
    b"help",
    b"info",
    b"example",
    b"class",
    b"object",
    b"obj",
    b"model",
    b"schema",
    b"table",
    b"query",
    b"request",
    b"response",
    b"result",
    b"exists",
    b"present",
    b"missing",
    b"present",
    b"key",
    b"keys",
    b"tag",
    b"owner",
    b"region",
    b"location",
    b"mount",
    b"volume",
    b"rule",
    b"rules",
    b"group",
    b"role",
    b"roles",
    b"encryption",
    b"encrypted",
    b"cipher",
    b"salt",
    b"nonce",
    b"iv",
    b"iterations",
    b"rounds",
    b"cost",
    b"bits",
    b"strategy",
    b"backend",
    b"engine",
    b"plugin",
    b"module",
    b"package",
    b"library",
    b"lib",
    b"support",
    b"option",
    b"options",
    b"config",
    b"auth",
    b"authenticator",
    b"authentication",
    b"grant",
    b"flow",
    b"extractor",
    b"resolver",
    b"factory",
    b"builder",
    b"helper",
    b"util",
    b"utils",
    b"spec",
    b"visibility",
    b"visible",
    b"hidden",
    b"autocomplete",
    b"event",
    b"action",
    b"button",
    b"screen",
    b"view",
    b"dialog",
    b"modal",
    b"checksum",
    b"fingerprint",
    b"recovery",
    b"history",
    b"quality",
    b"style",
    b"css",
    b"usages",
    b"server",
    b"signature",
    b"used",
    b"allowed",
    b"auto",
    b"ok",
    b"sha256",
    b"sha1",
    b"md5",
    b"hint",
    b"ui",
    b"widget",
    b"reader",
    b"writer",
    b"buffer",
    b"offset",
    b"start",
    b"end",
    b"next",
    b"prev",
    b"text",
];

/// Words before it that make the value public or short-lived.
const EPHEMERAL: &[&[u8]] = &[
    b"csrf",
    b"xsrf",
    b"page",
    b"pagination",
    b"continuation",
    b"cancellation",
    b"cancel",
    b"sync",
    b"cursor",
    b"syntax",
    b"lexer",
    b"parser",
    b"grammar",
    b"pad",
    b"eos",
    b"bos",
    b"unk",
    b"sep",
    b"cls",
    b"mask",
    b"special",
    b"max",
    b"min",
    b"num",
    b"total",
    b"prompt",
    b"completion",
    b"design",
    b"crumb",
    b"antiforgery",
    b"verification",
    b"idempotency",
    b"resume",
    b"request",
    b"nonce",
    b"stop",
    b"end",
    b"first",
    b"last",
    b"current",
    b"begin",
    b"open",
    b"close",
    b"left",
    b"right",
    b"operator",
    b"keyword",
    b"separator",
    b"comma",
    b"string",
    b"next",
    b"previous",
    b"unexpected",
    b"expected",
    b"unknown",
    b"lifecycle",
    b"idempotent",
    b"confirmation",
    b"upload",
    b"scroll",
    b"authenticity",
    b"starting",
    b"ending",
];

const PUBLIC: &[&[u8]] = &[
    b"public",
    b"gpg",
    b"pgp",
    b"sha",
    b"hash",
    b"checksum",
    b"digest",
    b"fingerprint",
    b"to",
    b"publishable",
    b"pub",
    b"no",
    b"without",
    b"is",
    b"has",
    b"use",
    b"enable",
    b"disable",
    b"allow",
    b"require",
    b"forgot",
    b"forgotten",
    b"invalid",
    b"wrong",
    b"show",
    b"hide",
    b"reset",
    b"change",
    b"ask",
    b"validate",
    b"verify",
    b"check",
    b"missing",
    b"incorrect",
    b"needs",
    b"get",
    b"delete",
    b"remove",
];

/// Words before `key` that make it a secret one.
const KEY_OWNERS: &[&[u8]] = &[
    b"api",
    b"access",
    b"secret",
    b"private",
    b"encryption",
    b"encrypt",
    b"decryption",
    b"signing",
    b"sign",
    b"signature",
    b"master",
    b"account",
    b"storage",
    b"shared",
    b"auth",
    b"app",
    b"application",
    b"consumer",
    b"client",
    b"service",
    b"deploy",
    b"license",
    b"licence",
    b"session",
    b"jwt",
    b"hmac",
    b"aes",
    b"des",
    b"rsa",
    b"ssh",
    b"ssl",
    b"tls",
    b"webhook",
    b"integration",
    b"ingest",
    b"ingestion",
    b"write",
    b"admin",
    b"server",
    b"subscription",
    b"security",
    b"cookie",
    b"crypto",
    b"crypt",
    b"unseal",
    b"recovery",
    b"root",
    b"host",
    b"function",
    b"functions",
    b"instrumentation",
    b"user",
    b"developer",
    b"dev",
    b"live",
    b"rest",
    b"cipher",
    b"wallet",
    b"backup",
    b"symmetric",
    b"kms",
];

fn is(list: &[&[u8]], word: &[u8]) -> bool {
    list.contains(&word)
}

/// Trailing digits are numbering: `password2`.
fn stem(word: &[u8]) -> &[u8] {
    let digits = word.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    word.get(..word.len() - digits).unwrap_or(word)
}

/// The class of one word, given the word before it.
fn class(word: &[u8], before: &[u8]) -> Option<(Class, bool)> {
    let word = stem(word);
    // The last two letters of all words below, so that most words cost nothing. Who adds a word adds its end here.
    if !matches!(
        word,
        [.., b'r', b'd' | b't']
            | [.., b'w', b'd' | b't']
            | [.., b's', b'e' | b's' | b'w']
            | [.., b'd', b'e' | b's']
            | [.., b'e', b't' | b'd' | b'y' | b'n' | b'r']
            | [.., b'p', b'w']
            | [.., b't', b'h' | b's']
            | [.., b'a', b't' | b'l']
            | [.., b'l', b's']
            | [.., b'o', b'n']
    ) {
        return None;
    }
    let ends = |end: &[u8]| word.ends_with(end);
    let sure = |class| Some((class, false));
    if ends(b"password")
        || ends(b"passwd")
        || ends(b"passphrase")
        || ends(b"passcode")
        || (ends(b"pwd") && word != b"cwd" && word != b"oldpwd" && !(word == b"pwd" && before.is_empty()))
        || is(
            &[
                b"pass",
                b"passw",
                b"psw",
                b"pswd",
                b"pw",
                b"dbpass",
                b"userpass",
                b"requirepass",
                b"masterauth",
                b"rootpass",
                b"adminpass",
                b"mypass",
                b"ftppass",
                b"passwort",
                b"passwords",
            ],
            word,
        )
    {
        return sure(Class::Password);
    }
    if word == b"pwd" {
        return sure(Class::Password);
    }
    if ends(b"apikey") || ends(b"accesskey") || ends(b"appkey") || ends(b"authkey") || ends(b"apisecret") || ends(b"api_key") {
        return sure(Class::ApiKey);
    }
    if ends(b"secretkey")
        || ends(b"clientsecret")
        || ends(b"secret")
        || is(&[b"secrets", b"credential", b"credentials", b"creds", b"cred"], word)
    {
        return sure(Class::Secret);
    }
    if ends(b"privatekey")
        || ends(b"encryptionkey")
        || ends(b"signingkey")
        || ends(b"masterkey")
        || ends(b"sharedkey")
        || ends(b"accountkey")
        || ends(b"storagekey")
    {
        return sure(Class::CryptoKey);
    }
    if ends(b"token") || is(&[b"jwt", b"bearer", b"pat"], word) && !before.is_empty() {
        return sure(Class::Token);
    }
    if word == b"key" {
        return match before {
            b"api" | b"access" | b"app" | b"application" | b"auth" | b"rest" | b"subscription" => sure(Class::ApiKey),
            b"secret" => sure(Class::Secret),
            _ if is(KEY_OWNERS, before) => sure(Class::CryptoKey),
            b"" => Some((Class::ApiKey, true)),
            _ => Some((Class::ApiKey, true)),
        };
    }
    if is(&[b"authorization", b"auth", b"authtoken", b"basicauth"], word) {
        return sure(if ends(b"token") { Class::Token } else { Class::Authorization });
    }
    None
}

impl Meaning {
    /// What the name says; `None` where it names no credential.
    pub(in crate::detect) fn of(name: &Name) -> Option<Self> {
        let before = |at: usize| at.checked_sub(1).map_or(&b""[..], |at| name.word(at));
        let (at, (class, bare_key)) = (0..name.len()).rev().find_map(|at| Some((at, class(name.word(at), before(at))?)))?;
        let (mut trailing, mut attribute) = (0u8, false);
        for plain in (at + 1..name.len()).map(|at| stem(name.word(at))).filter(|plain| !plain.is_empty() && !is(NEUTRAL, plain)) {
            attribute |= is(ATTRIBUTES, plain);
            trailing = trailing.saturating_add(1);
        }
        let earlier = |list: &[&[u8]]| (0..at).any(|at| is(list, name.word(at)));
        // `secret_id` of AppRole is a credential, `token_id` and `key_id` are none.
        Some(Self {
            class,
            trailing,
            attribute: attribute || earlier(PUBLIC),
            ephemeral: class == Class::Token && earlier(EPHEMERAL),
            bare_key,
            test: earlier(&[b"test", b"fake", b"mock", b"dummy", b"example", b"sample"]),
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

//! Words of names, by what they say about the value. Lower case, without trailing digits.

use super::meaning::Class;

/// A list of words, and which of them there are by first letter, last letter and length: nearly every word that is asked for is
/// none of a list's.
pub(in crate::detect) struct List {
    words: &'static [&'static [u8]],
    bits: [u64; 32],
}

impl List {
    pub(in crate::detect) const fn new(words: &'static [&'static [u8]]) -> Self {
        let mut bits = [0; 32];
        let mut at = 0;
        while at < words.len() {
            if let Some((row, bit)) = Self::place(words[at]) {
                bits[row] |= 1 << bit;
            }
            at += 1;
        }
        Self { words, bits }
    }

    const fn place(word: &[u8]) -> Option<(usize, u32)> {
        match word {
            [] => None,
            [first, .., last] => Some(((*first & 31) as usize, (word.len() as u32 * 11 + *last as u32) & 63)),
            [only] => Some(((*only & 31) as usize, 0)),
        }
    }

    /// Whether the word is of the list.
    pub(in crate::detect) fn has(&self, word: &[u8]) -> bool {
        Self::place(word).is_some_and(|(row, bit)| self.bits[row] >> bit & 1 != 0) && self.words.contains(&word)
    }
}

/// How a credential's word stands in a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// It ends a word of the name: `dbpassword`.
    Ends,
    /// It is a word of the name.
    Whole,
    /// It is one, and another stands before: `GITHUB_PAT`.
    Behind,
}

/// `password` in other languages: words that end a longer one, and words that are one.
#[rustfmt::skip]
pub(in crate::detect) const PASSWORDS_ABROAD: [&[&[u8]]; 2] = [
    &[b"passwort", b"kennwort", b"zugangswort", b"wachtwoord", b"motdepasse", b"contrasena", b"losenord", b"adgangskode", b"salasana"],
    &[b"senha", b"haslo", b"heslo", b"parola", b"sifre"],
];

/// Words that name a credential, the surest first.
#[rustfmt::skip]
pub(super) const CREDENTIALS: &[(Class, Stands, &[&[u8]])] = &[
    (Class::Password, Stands::Ends, &[b"password", b"passwd", b"passphrase", b"passcode", b"pwd"]),
    (Class::Password, Stands::Whole, &[
        b"pass", b"passw", b"psw", b"pswd", b"pw", b"dbpass", b"userpass", b"sshpass", b"requirepass", b"masterauth", b"rootpass", b"adminpass",
        b"mypass", b"ftppass", b"passwords",
    ]),
    (Class::Password, Stands::Ends, PASSWORDS_ABROAD[0]),
    (Class::Password, Stands::Whole, PASSWORDS_ABROAD[1]),
    // `mot_de_passe`
    (Class::Password, Stands::Behind, &[b"passe"]),
    (Class::ApiKey, Stands::Ends, &[b"apikey", b"accesskey", b"appkey", b"authkey", b"apisecret", b"writekey"]),
    (Class::Secret, Stands::Ends, &[b"secretkey", b"secret"]),
    (Class::Secret, Stands::Whole, &[b"secrets", b"credential", b"credentials", b"creds", b"cred"]),
    (Class::CryptoKey, Stands::Ends, &[
        b"privatekey", b"encryptionkey", b"signingkey", b"masterkey", b"sharedkey", b"accountkey", b"storagekey",
    ]),
    (Class::Token, Stands::Ends, &[b"token"]),
    (Class::Token, Stands::Behind, &[b"jwt", b"bearer", b"pat", b"tokens"]),
    // What it opens is said by the word before.
    (Class::ApiKey, Stands::Whole, &[b"key"]),
    (Class::Authorization, Stands::Whole, &[b"authorization", b"auth", b"basicauth"]),
];

/// Passwords only by their ending.
pub(super) static NO_CREDENTIALS: List = List::new(&[b"oldpwd"]);

/// One bit for each pair of letters that ends one of [`CREDENTIALS`], so that most words of names cost nothing.
const LAST_TWO: [u32; 32] = {
    let mut bits = [0; 32];
    // `keys`
    bits[(b'y' & 31) as usize] |= 1 << (b's' & 31);
    let mut row = 0;
    while row < CREDENTIALS.len() {
        let words = CREDENTIALS[row].2;
        let mut at = 0;
        while at < words.len() {
            if let [.., a, b] = words[at] {
                bits[(*a & 31) as usize] |= 1 << (*b & 31);
            }
            at += 1;
        }
        row += 1;
    }
    bits
};

/// Whether the word ends as a credential's word does.
pub(super) fn may_name_a_credential(word: &[u8]) -> bool {
    matches!(word, [.., a, b] if LAST_TWO[usize::from(a & 31)] >> (b & 31) & 1 != 0)
}

/// Words behind the credential's word that say nothing about it.
#[rustfmt::skip]
pub(super) static NEUTRAL: List = List::new(&[
    b"prod", b"production", b"dev", b"development", b"test", b"testing", b"staging", b"stage", b"qa", b"uat", b"live",
    b"sandbox", b"local", b"value", b"val", b"string", b"str", b"text", b"plain", b"plaintext", b"raw", b"base64", b"b64",
    b"encoded", b"default", b"current", b"new", b"old", b"previous", b"primary", b"secondary", b"master", b"main", b"backup",
    b"admin", b"root", b"user", b"db", b"database", b"app", b"web", b"server", b"client", b"service", b"api", b"us", b"eu",
    b"v1", b"v2", b"v3", b"base", b"hex", b"my", b"a", b"b", b"c", b"x", b"readonly", b"rw", b"ro", b"read", b"write", b"full",
    b"internal", b"external", b"global", b"shared", b"common", b"s", b"uk", b"private", b"github", b"gitlab", b"aws", b"azure",
    b"gcp", b"google", b"stripe", b"slack", b"npm", b"pypi", b"docker", b"mysql", b"postgres", b"redis", b"mongo", b"mongodb",
    b"smtp", b"mail", b"ldap", b"ftp", b"ssh", b"openai", b"anthropic", b"twilio", b"sendgrid", b"content", b"data", b"inline",
    b"literal",
]);

/// Words behind it that make the name one of something about the credential.
#[rustfmt::skip]
pub(super) static ATTRIBUTES: List = List::new(&[
    b"public", b"pub", b"modulus",
    b"file", b"files", b"filename", b"path", b"paths", b"dir", b"directory", b"folder", b"url", b"uri", b"urls", b"endpoint",
    b"host", b"hostname", b"domain", b"port", b"name", b"names", b"id", b"ids", b"arn", b"version", b"type", b"types",
    b"length", b"len", b"size", b"min", b"max", b"count", b"limit", b"limits", b"ttl", b"expiry", b"expires", b"expiration",
    b"expire", b"expired", b"timeout", b"age", b"lifetime", b"duration", b"interval", b"period", b"policy", b"field", b"fields",
    b"label", b"labels", b"title", b"placeholder", b"hint", b"message", b"msg", b"error", b"errors", b"prompt", b"regex",
    b"pattern", b"format", b"header", b"headers", b"param", b"params", b"parameter", b"prefix", b"suffix", b"ref", b"reference",
    b"alias", b"enabled", b"enable", b"disable", b"disabled", b"required", b"require", b"valid", b"validator", b"validation",
    b"strength", b"hash", b"hashed", b"hashes", b"digest", b"algorithm", b"alg", b"algo", b"provider", b"store", b"manager",
    b"handler", b"form", b"input", b"page", b"link", b"reset", b"change", b"confirm", b"confirmation", b"encoder", b"index",
    b"idx", b"position", b"pos", b"color", b"icon", b"scope", b"scopes", b"kind", b"list", b"array", b"map", b"set",
    b"rotation", b"env", b"var", b"variable", b"column", b"attribute", b"attr", b"property", b"function", b"func", b"fn",
    b"callback", b"method", b"mode", b"flag", b"status", b"state", b"date", b"time", b"created", b"updated", b"usage",
    b"script", b"command", b"cmd", b"template", b"mask", b"char", b"chars", b"separator", b"delimiter", b"source", b"bucket",
    b"address", b"uid", b"issuer", b"audience", b"lookup", b"cache", b"generator", b"parser", b"stream", b"email", b"username",
    b"login", b"description", b"desc", b"doc", b"docs", b"help", b"info", b"example", b"class", b"object", b"obj", b"model",
    b"schema", b"table", b"query", b"request", b"response", b"result", b"exists", b"present", b"missing", b"key", b"keys",
    b"tag", b"owner", b"region", b"location", b"mount", b"volume", b"rule", b"rules", b"group", b"role", b"roles",
    b"encryption", b"encrypted", b"cipher", b"salt", b"nonce", b"iv", b"iterations", b"rounds", b"cost", b"bits", b"strategy",
    b"backend", b"engine", b"plugin", b"module", b"package", b"library", b"lib", b"support", b"option", b"options", b"config",
    b"auth", b"authenticator", b"authentication", b"grant", b"flow", b"extractor", b"resolver", b"factory", b"builder",
    b"helper", b"util", b"utils", b"spec", b"visibility", b"visible", b"hidden", b"autocomplete", b"event", b"action",
    b"button", b"screen", b"view", b"dialog", b"modal", b"checksum", b"fingerprint", b"recovery", b"history", b"quality",
    b"etag", b"hasher", b"scheme", b"encoding", b"pubkey",
    b"style", b"css", b"usages", b"server", b"signature", b"used", b"allowed", b"auto", b"ok", b"sha256", b"sha1", b"md5",
    b"ui", b"redacted", b"masked", b"widget", b"reader", b"writer", b"buffer", b"offset", b"start", b"end", b"next", b"prev", b"text",
    // Of jobs in CI files: `jobs.ci-pass.needs`.
    b"needs", b"runs", b"steps",
]);

/// Words before it that make the value public or short-lived.
#[rustfmt::skip]
pub(super) static EPHEMERAL: List = List::new(&[
    b"csrf", b"xsrf", b"page", b"pagination", b"continuation", b"cancellation", b"cancel", b"sync", b"cursor", b"syntax",
    b"lexer", b"parser", b"grammar", b"pad", b"eos", b"bos", b"unk", b"sep", b"cls", b"mask", b"special", b"max", b"min",
    b"num", b"total", b"prompt", b"completion", b"design", b"crumb", b"antiforgery", b"verification", b"idempotency", b"resume",
    b"request", b"nonce", b"stop", b"end", b"first", b"last", b"current", b"begin", b"open", b"close", b"left", b"right",
    b"operator", b"keyword", b"separator", b"comma", b"string", b"next", b"previous", b"unexpected", b"expected", b"unknown",
    b"lifecycle", b"idempotent", b"confirmation", b"upload", b"scroll", b"authenticity", b"starting", b"ending",
]);

/// Words before it that make the value public, or the name a question or an action.
#[rustfmt::skip]
pub(super) static PUBLIC: List = List::new(&[
    b"public", b"gpg", b"pgp", b"sha", b"hash", b"checksum", b"digest", b"fingerprint", b"to", b"publishable", b"pub", b"no",
    b"without", b"is", b"has", b"use", b"enable", b"disable", b"allow", b"require", b"forgot", b"forgotten", b"invalid",
    b"wrong", b"show", b"hide", b"reset", b"change", b"ask", b"validate", b"verify", b"check", b"missing", b"incorrect",
    b"needs", b"get", b"delete", b"remove",
]);

/// Words before `key` that make it a secret one.
#[rustfmt::skip]
pub(super) static KEY_OWNERS: List = List::new(&[
    b"api", b"access", b"secret", b"private", b"encryption", b"encrypt", b"decryption", b"signing", b"sign", b"signature",
    b"master", b"account", b"storage", b"shared", b"auth", b"app", b"application", b"consumer", b"client", b"service",
    b"deploy", b"license", b"licence", b"session", b"jwt", b"hmac", b"aes", b"des", b"rsa", b"ssh", b"ssl", b"tls", b"webhook",
    b"integration", b"ingest", b"ingestion", b"write", b"admin", b"server", b"subscription", b"security", b"cookie", b"crypto",
    b"crypt", b"unseal", b"recovery", b"root", b"host", b"function", b"functions", b"instrumentation", b"user", b"developer",
    b"dev", b"live", b"rest", b"cipher", b"wallet", b"backup", b"symmetric", b"kms",
]);

/// Words before `key` that make it the key of an entry, and no secret.
#[rustfmt::skip]
pub(super) static ENTRIES: List = List::new(&[
    b"dedup", b"dedupe", b"deduplication", b"cache", b"sort", b"partition", b"primary", b"foreign", b"unique",
    b"composite", b"shard", b"sharding", b"idempotency", b"row", b"range", b"translation", b"i18n", b"l10n", b"locale",
    b"lookup", b"natural", b"surrogate", b"bucket", b"grouping", b"short",
]);

/// Words before it that say that it is a test's.
pub(super) static TESTS: List = List::new(&[b"test", b"fake", b"mock", b"dummy", b"example", b"sample"]);

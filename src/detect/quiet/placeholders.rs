//! Placeholders: values that are there to be replaced.

use super::{holds, starts};

/// Words in lower case, and which letters each of them has: most are told from a value without a look at its bytes.
struct Words<const COUNT: usize> {
    words: [&'static [u8]; COUNT],
    letters: [u64; COUNT],
}

/// Which letters a text has, ignoring case: a bit each, which some others share.
const fn letters(text: &[u8]) -> u64 {
    let (mut letters, mut at) = (0, 0);
    while at < text.len() {
        letters |= 1 << ((text[at] | 0x20) & 63);
        at += 1;
    }
    letters
}

impl<const COUNT: usize> Words<COUNT> {
    const fn new(words: [&'static [u8]; COUNT]) -> Self {
        let (mut all, mut at) = ([0; COUNT], 0);
        while at < COUNT {
            all[at] = letters(words[at]);
            at += 1;
        }
        Self { words, letters: all }
    }

    /// Those whose letters are all among these.
    fn of(&self, letters: u64) -> impl Iterator<Item = &'static [u8]> {
        self.words.iter().zip(self.letters).filter(move |(_, own)| own & !letters == 0).map(|(word, _)| *word)
    }
}

/// Whole values, lower case.
static WHOLE: Words<134> = Words::new([
    b"password",
    b"passwd",
    b"pass",
    b"pwd",
    b"passphrase",
    b"secret",
    b"token",
    b"key",
    b"apikey",
    b"api_key",
    b"api-key",
    b"api key",
    b"secretkey",
    b"secret_key",
    b"secret-key",
    b"mysecret",
    b"my-secret",
    b"mypassword",
    b"my-password",
    b"mytoken",
    b"my-token",
    b"null",
    b"none",
    b"nil",
    b"undefined",
    b"true",
    b"false",
    b"yes",
    b"no",
    b"on",
    b"off",
    b"empty",
    b"string",
    b"str",
    b"text",
    b"value",
    b"default",
    b"unset",
    b"n/a",
    b"na",
    b"required",
    b"optional",
    b"hidden",
    b"masked",
    b"redacted",
    b"<redacted>",
    b"removed",
    b"disabled",
    b"enabled",
    b"auto",
    b"basic",
    b"bearer",
    b"digest",
    b"user",
    b"username",
    b"login",
    b"foo",
    b"bar",
    b"baz",
    b"foobar",
    b"qux",
    b"test",
    b"testing",
    b"tests",
    b"demo",
    b"temp",
    b"tmp",
    b"abc",
    b"abc123",
    b"abcd",
    b"abcd1234",
    b"123",
    b"asdf",
    b"qwerty",
    b"int",
    b"integer",
    b"bool",
    b"boolean",
    b"object",
    b"array",
    b"bytes",
    b"any",
    b"option",
    b"void",
    b"public",
    b"private",
    b"credentials",
    b"credential",
    b"auth",
    b"authorization",
    b"access_token",
    b"refresh_token",
    b"accesstoken",
    b"client_secret",
    b"clientsecret",
    b"bearer_token",
    b"bearer token",
    b"hunter",
    b"aws_secret_access_key",
    b"generated",
    b"generate",
    b"random",
    b"prompt",
    b"ask",
    b"env",
    b"file",
    b"inherit",
    b"unknown",
    b"same",
    b"self",
    b"this",
    b"foobarbaz",
    b"s3cr3t",
    b"t0ken",
    b"blah",
    b"something",
    b"anything",
    b"whatever",
    b"nopass",
    b"nopassword",
    b"sensitive",
    b"confidential",
    b"encrypted",
    b"plain",
    b"plaintext",
    b"anonymous",
    b"guest",
    b"tiger",
    b"foobared",
    b"contrase\xc3\xb1a",
    b"mot_de_passe",
    b"senha",
    b"x-oauth-basic",
    b"x-access-token",
]);

/// Words that say what stands there instead of being it: `proxypass`, `your-secret-token`.
const SAYS: &[&[u8]] = &[
    b"password",
    b"passwd",
    b"passwort",
    b"kennwort",
    b"contrasena",
    b"motdepasse",
    b"wachtwoord",
    b"pass",
    b"pwd",
    b"secret",
    b"token",
    b"key",
    b"api",
    b"access",
    b"auth",
    b"client",
    b"user",
    b"proxy",
    b"repo",
    b"some",
    b"any",
    b"the",
    b"your",
    b"my",
    b"this",
    b"that",
    b"is",
    b"of",
    b"for",
    b"in",
    b"here",
    b"to",
    b"be",
    b"set",
    b"change",
    b"enter",
    b"new",
    b"old",
    b"value",
    b"very",
    b"super",
    b"long",
    b"a",
    b"valid",
    b"real",
    b"bearer",
    b"private",
    b"name",
    b"login",
    b"not",
    b"no",
    b"needed",
    b"required",
    b"used",
    b"unused",
    b"applicable",
    b"ignored",
    b"provided",
    b"configured",
];

/// Parts that make any value a placeholder, lower case, each of them rare in random text.
static PARTS: Words<89> = Words::new([
    b"example",
    b"sample",
    b"dummy",
    b"changeme",
    b"change-me",
    b"change_me",
    b"change_this",
    b"changethis",
    b"change-this",
    b"replaceme",
    b"replace-me",
    b"replace_me",
    b"replace-with",
    b"replace_with",
    b"replacewith",
    b"replace_this",
    b"placeholder",
    b"your-",
    b"your_",
    b"<your",
    b"yourpassword",
    b"yoursecret",
    b"yourtoken",
    b"yourkey",
    b"yourapi",
    b"yourclient",
    b"your ",
    b"your unique phrase",
    b"enter your",
    b"insert",
    b"xxxx",
    b"****",
    b"....",
    b"todo",
    b"fixme",
    b"tbd",
    b"redacted",
    b"goes-here",
    b"goes_here",
    b"-here>",
    b"_here",
    b"-here",
    b"goeshere",
    b"put-your",
    b"put_your",
    b"not-a-real",
    b"notareal",
    b"not_a_real",
    b"not-real",
    b"fake",
    b"mock",
    b"invalid",
    b"foobar",
    b"lorem",
    b"ipsum",
    b"notasecret",
    b"not-a-secret",
    b"not_a_secret",
    b"set-me",
    b"set_me",
    b"setme",
    b"fill-in",
    b"fill_in",
    b"fillme",
    b"some-secret",
    b"some_secret",
    b"some-token",
    b"some_token",
    b"somesecret",
    b"sometoken",
    b"somepassword",
    b"some-password",
    b"my-secret",
    b"my_secret",
    b"my-token",
    b"my_token",
    b"secret-key-here",
    b"abcdefgh",
    b"01234567",
    b"12345678",
    b"123456abc",
    b"abc123",
    b"87654321",
    b"deadbeef",
    b"1a2b3c4d",
    b"a1b2c3d4",
    b"qwertyui",
    b"anonymous@",
    b"mustbeatleast",
]);

/// Whether the value is there to be replaced. `token`: it has a provider's format, so that only strong signs count.
pub(in crate::detect) fn is_placeholder(value: &[u8], token: bool) -> bool {
    let value = value.trim_ascii();
    if token {
        return documented(value) || monotonous(value) || lists_codes(value);
    }
    let letters = letters(value);
    if value.len() < 3 || WHOLE.of(letters).any(|word| value.eq_ignore_ascii_case(word)) || documented(value) || monotonous(value) {
        return true;
    }
    if starts(value, b"your") && value.len() < 40
        || starts(value, b"my") && value.len() < 16 && value.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_' || *b == b'-')
    {
        return true;
    }
    if value.len() <= 40 && says(value) {
        return true;
    }
    // A word in the midst of a long random string may be chance.
    let length = value.len();
    PARTS.of(letters).any(|part| holds(value, part) && (part.len() >= 6 || length <= 24))
}

/// Whether the value is made of nothing but words of [`SAYS`] and what joins words.
fn says(value: &[u8]) -> bool {
    let mut rest = value;
    while let Some(first) = rest.first() {
        if matches!(first, b'_' | b'-' | b'.' | b' ' | b'<' | b'>' | b'[' | b']') {
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        // The longest word, so that `passwd` is not `pass` and a rest.
        let Some(length) = SAYS.iter().filter(|word| starts(rest, word)).map(|word| word.len()).max() else { return false };
        rest = rest.get(length..).unwrap_or_default();
    }
    true
}

/// Providers' documentation keys say so in upper case.
fn documented(value: &[u8]) -> bool {
    let has = |word: &[u8]| {
        let mut firsts = word.first().into_iter().flat_map(|first| memchr::memchr_iter(*first, value));
        firsts.any(|at| value.get(at..).is_some_and(|part| part.starts_with(word)))
    };
    has(b"EXAMPLE")
        || has(b"XXXXX")
        || has(b"xxxxx")
        || has(b"your_")
        || has(b"YOUR_")
        || has(b"your-")
        || has(b"-----BEGIN PUBLIC")
        || has(b"...") && !has(b"-----")
        || has(b"REDACTED")
        || has(b"redacted")
}

/// Few distinct characters for its length, or a run through the alphabet or the digits.
fn monotonous(value: &[u8]) -> bool {
    let body = value.split(|b| matches!(b, b'_' | b'-' | b'.' | b':')).max_by_key(|part| part.len()).filter(|part| part.len() >= 6);
    let body = body.unwrap_or(value);
    if body.len() < 6 || body.len() > 4096 {
        return body.windows(2).all(|two| two[0] == two[1]);
    }
    let mut seen = [false; 256];
    for byte in body {
        seen[usize::from(byte.to_ascii_lowercase())] = true;
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    if distinct <= 2 || (body.len() >= 16 && distinct <= 4) || alphabet(value) {
        return true;
    }
    let steps = |by: i16| body.windows(2).filter(|two| i16::from(two[1]) - i16::from(two[0]) == by).count();
    let pairs = body.len() - 1;
    let repeated = (1..=body.len() / 3)
        .any(|period| period >= 2 && body.len() >= 12 && body.iter().zip(body.iter().skip(period)).all(|(a, b)| a == b));
    // 0123456789 and abcdef, also backwards and over and over.
    steps(1) * 10 >= pairs * 7 || steps(-1) * 10 >= pairs * 7 || steps(0) * 10 >= pairs * 6 || repeated
}

/// `SG.SH.SI.SJ.SK`: codes of countries, in a row.
fn lists_codes(value: &[u8]) -> bool {
    let mut codes = value.split(|b| *b == b'.');
    codes.clone().count() >= 8 && codes.all(|code| code.len() <= 3)
}

/// Hardly a character twice: an alphabet in some order. Among 32 random letters and digits a quarter are repetitions.
fn alphabet(value: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in value {
        seen[usize::from(*byte)] = true;
    }
    value.len() >= 32 && seen.iter().filter(|seen| **seen).count() * 100 >= value.len() * 94
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_to_be_replaced() {
        for value in [
            "changeme",
            "CHANGE_ME_NOW",
            "<your-password>",
            "your-api-key",
            "xxxxxxxxxxxx",
            "example",
            "my-example-key",
            "password",
            "1234567890",
            "abcdefghijklmnop",
            "AKIAIOSFODNN7EXAMPLE",
            "aaaaaaaa",
            "null",
            "TODO",
            "0000000000000000",
            "********",
            "insert-token-here",
            "ab",
            "abcabcabcabcabc",
            "not-a-real-secret",
            "not-needed",
            "no-password-required",
        ] {
            assert!(is_placeholder(value.as_bytes(), false), "{value}");
        }
        for value in ["hunter2-prod", "P@ssw0rd1", "Tr0ub4dor&3", "q8Zr2LxW0vT5", "correct horse battery staple"] {
            assert!(!is_placeholder(value.as_bytes(), false), "{value}");
        }
        assert!(!is_placeholder(b"ghp_test01234567Zq", true), "a provider's format needs more than a word");
        assert!(is_placeholder(b"RW.SA.SB.SC.SD.SE.SG.SH.SI", true), "codes of countries");
    }
}

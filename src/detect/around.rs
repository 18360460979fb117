//! What the text around a place says about it.

use std::ops::Range;

use super::quiet;

/// Bytes on either side of a match in which context words count.
const NEARBY: usize = 256;

/// The text around a place, bounded.
pub(super) fn around<'a>(text: &'a [u8], span: &Range<usize>) -> &'a [u8] {
    text.get(span.start.saturating_sub(NEARBY)..text.len().min(span.end.saturating_add(NEARBY))).unwrap_or_default()
}

/// Whether the line is a comment that documents code: ` * text`, `/// text`, `//! text`.
pub(super) fn documents(haystack: &[u8], at: usize) -> bool {
    opens_with(haystack, at, &[b"* ", b"///", b"//!"])
}

/// Whether the line is a comment about code: `// text`, `# text`, `<!-- text`.
pub(super) fn remark(haystack: &[u8], at: usize) -> bool {
    opens_with(haystack, at, &[b"//", b"# ", b"-- ", b"/*", b"<!--", b";; "])
}

/// Whether the line is one that people type into a shell: `export NAME=value`, `$ command`.
pub(super) fn typed(haystack: &[u8], at: usize) -> bool {
    opens_with(haystack, at, &[b"export ", b"$ ", b"$env:", b"set ", b"setx "])
}

/// Whether the line around a place starts with one of the marks, blanks aside.
fn opens_with(haystack: &[u8], at: usize, marks: &[&[u8]]) -> bool {
    let before = haystack.get(at.saturating_sub(300)..at).unwrap_or_default();
    let line = before.rsplit(|b| *b == b'\n').next().unwrap_or_default().trim_ascii_start();
    marks.iter().any(|mark| line.starts_with(mark))
}

/// Words of names that say that a value is a digest of something, whatever of.
const DIGESTS: [&[u8]; 8] = [b"checksum", b"sha256", b"sha1", b"sha512", b"sha224", b"sha384", b"md5", b"etag"];

/// Whether the name right before the value says that it is a digest: `checksum/redis-password`, `password_sha256`.
/// `around`: the value with what [`around`] gives of its text.
pub(super) fn is_digest(around: &[u8], start: usize, name: Option<&[u8]>, value: &[u8]) -> bool {
    if !matches!(value.len(), 32 | 40 | 56 | 64 | 96 | 128) || !value.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let says = |text: &[u8]| DIGESTS.iter().any(|word| quiet::holds(text, word));
    let before = around.get(..start.min(NEARBY)).unwrap_or_default();
    let assigned = before.iter().rposition(|b| !matches!(b, b' ' | b'"' | b'\'' | b':' | b'=')).map_or(0, |last| last + 1);
    let label = before.get(..assigned).unwrap_or_default();
    let own = label.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/')).count();
    // The verifier in a server's own list of users, such as ClickHouse's `password_sha256_hex`, is looked for.
    if label.ends_with(b"_hex") || label.ends_with(b"_hex>") {
        return false;
    }
    name.is_some_and(says) || label.get(label.len() - own..).is_some_and(says)
}

/// Client ids of Google's own command line tools, whose secrets are in their sources
/// (<https://cloud.google.com/sdk/docs/authorizing>).
const PUBLISHED_CLIENTS: [&[u8]; 2] = [b"764086051850-6qr4p6gpi6hn506pt8ejuq83di341hur", b"32555940559.apps.googleusercontent.com"];

/// Whether the secret of a client that was published with its id stands there.
pub(super) fn published_client(around: &[u8], name: Option<&[u8]>) -> bool {
    name.is_some_and(|name| quiet::holds(name, b"client_secret")) && PUBLISHED_CLIENTS.iter().any(|id| quiet::holds(around, id))
}

/// Whether the match is a part of a long run of base64, in which any short format occurs by chance.
pub(super) fn within_base64(haystack: &[u8], whole: &Range<usize>) -> bool {
    const RUN: usize = 80;
    let digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let long = |run: &[u8]| {
        run.len() >= RUN
            && run.iter().any(u8::is_ascii_digit)
            && run.iter().any(u8::is_ascii_uppercase)
            && run.iter().any(u8::is_ascii_lowercase)
    };
    let before = haystack.get(whole.start.saturating_sub(RUN)..whole.start).unwrap_or_default();
    let after = haystack.get(whole.end..haystack.len().min(whole.end + RUN)).unwrap_or_default();
    let joins = |b: Option<&u8>| matches!(b, Some(b'+' | b'/'));
    (joins(before.last()) && before.iter().all(digit) && long(before)) || (joins(after.first()) && after.iter().all(digit) && long(after))
}

/// Whether a long value of a format that has all letters is hexadecimal digits: the start of a number that happens to begin
/// as the format does. Among 48 random letters and digits one is no hexadecimal digit, but for one in 10^20.
pub(super) fn digits_by_chance(pattern: &str, value: &[u8]) -> bool {
    let all_letters = pattern.contains("A-Za-z") || pattern.contains("a-zA-Z") || pattern.contains("\\w");
    all_letters && value.len() >= 48 && value.iter().all(u8::is_ascii_hexdigit)
}

/// Whether what follows the anchor is lower-case words without a space between them: a program's table of strings.
pub(super) fn words_run_together(haystack: &[u8], secret: &Range<usize>, anchor: usize) -> bool {
    let rest = haystack.get(anchor.max(secret.start)..secret.end).unwrap_or_default();
    rest.len() >= 16 && rest.iter().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'-'))
}

/// Whether the line is one of a test run's summary: `PASS: name` among `FAIL: name` and their like.
pub(super) fn summary(text: &[u8], name: &Range<usize>) -> bool {
    let verdict =
        |line: &[u8]| [&b"PASS:"[..], b"FAIL:", b"XFAIL:", b"XPASS:", b"SKIP:", b"ERROR:"].iter().any(|word| line.starts_with(word));
    let before = text.get(name.start.saturating_sub(200)..name.start).unwrap_or_default();
    let after = text.get(name.end..text.len().min(name.end + 200)).unwrap_or_default();
    let above = before.strip_suffix(b"\n").and_then(|before| before.rsplit(|b| *b == b'\n').next());
    above.is_some_and(verdict) || after.split(|b| *b == b'\n').nth(1).is_some_and(verdict)
}

/// Whether the line around is far longer than people write.
pub(super) fn minified(text: &[u8], at: usize) -> bool {
    let before = text.get(at.saturating_sub(700)..at).unwrap_or_default();
    let after = text.get(at..text.len().min(at + 300)).unwrap_or_default();
    before.len() + after.len() > 600 && !before.contains(&b'\n') && !after.contains(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_by_name() {
        let value = "0123456789abcdef".repeat(4);
        for (text, expected) in [
            ("checksum/secret: ", true),
            ("  checksum/redis-password: \"", true),
            ("PASSWORD_SHA256=", true),
            ("password: ", false),
            ("checksum: x\npassword: ", false),
            ("password_sha256_hex: ", false),
        ] {
            assert_eq!(is_digest(format!("{text}{value}").as_bytes(), text.len(), None, value.as_bytes()), expected, "{text}");
        }
        assert!(is_digest(b"", 0, Some(b"secret_sha256"), value.as_bytes()));
        assert!(!is_digest(b"checksum/secret: hunter2", 17, None, b"hunter2"), "no digest");
    }

    #[test]
    fn a_long_value_of_hexadecimal_digits_is_no_token_of_all_letters() {
        let digits = "EAA0123456789ABCDEF0".repeat(3);
        assert!(digits_by_chance("EAA[A-Za-z0-9]{50,90}", digits.as_bytes()));
        assert!(!digits_by_chance("EAA[0-9A-F]{50,90}", digits.as_bytes()));
        assert!(!digits_by_chance("EAA[A-Za-z0-9]{50,90}", format!("{digits}z").as_bytes()));
        assert!(!digits_by_chance("EAA[A-Za-z0-9]{50,90}", &digits.as_bytes()[..40]));
    }
}

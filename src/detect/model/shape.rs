//! What a value looks like.

use super::bigrams::follows;
use crate::detect::quiet;

/// Counts and verdicts about a value's bytes.
pub(in crate::detect) struct Shape {
    pub(in crate::detect) length: usize,
    pub(in crate::detect) digits: usize,
    pub(in crate::detect) letters: usize,
    pub(in crate::detect) upper: usize,
    pub(in crate::detect) lower: usize,
    pub(in crate::detect) specials: usize,
    pub(in crate::detect) underscores: usize,
    /// Above 0: letters follow each other as in words; below: as in random text. About -3 to 3.
    pub(in crate::detect) likeness: f32,
    pub(in crate::detect) is_number: bool,
    pub(in crate::detect) is_code: bool,
    pub(in crate::detect) is_prose: bool,
    pub(in crate::detect) is_path_or_url: bool,
    /// Words joined by `_`, `-`, `.` or humps.
    pub(in crate::detect) is_words: bool,
    pub(in crate::detect) is_hex: bool,
    pub(in crate::detect) is_hash: bool,
    pub(in crate::detect) is_uuid: bool,
    pub(in crate::detect) is_binary: bool,
}

/// Shannon entropy in bits per byte.
pub(in crate::detect) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let total = value.len() as f32;
    counts.iter().filter(|count| **count > 0).map(|count| *count as f32 / total).map(|share| -share * share.log2()).sum()
}

impl Shape {
    pub(in crate::detect) fn of(value: &[u8]) -> Self {
        let count = |test: fn(&u8) -> bool| value.iter().filter(|b| test(b)).count();
        let (digits, upper, lower) = (count(u8::is_ascii_digit), count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
        let letters = upper + lower;
        let blanks = count(|b| b.is_ascii_whitespace());
        let specials = value.len() - digits - letters - blanks;
        let likeness = likeness(value);
        let hex = value.iter().all(u8::is_ascii_hexdigit);
        let is_path_or_url = path_or_url(value);
        Self {
            length: value.len(),
            digits,
            letters,
            upper,
            lower,
            specials,
            underscores: count(|b| *b == b'_'),
            likeness,
            is_number: number(value),
            is_code: code(value),
            is_prose: blanks > 0 && prose(value, blanks) || foreign(value),
            is_path_or_url,
            is_words: words(value) && likeness > 0.0,
            is_hex: hex,
            is_hash: hex && matches!(value.len(), 32 | 40 | 64 | 128),
            is_uuid: quiet::is_uuid(value),
            is_binary: value.iter().any(|b| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r')) || std::str::from_utf8(value).is_err(),
        }
    }

    /// 0 to 1: how much it looks like the output of a random generator.
    pub(in crate::detect) fn randomness(&self) -> f32 {
        // Letters of one case: the more of them, the surer their order tells chance from language.
        let chance = match self.length {
            0..16 => -1.2,
            16..24 => -0.9,
            _ => -0.6,
        };
        if self.digits == 0 && (self.upper == 0 || self.lower == 0) && self.likeness > chance {
            return 0.0;
        }
        let long = ((self.length as f32 - 6.0) / 10.0).clamp(0.0, 1.0);
        (0.6 - self.likeness).clamp(0.0, 1.0) * long
    }

    /// Whether it is words joined as identifiers are, with a digit or two: `AwsEc2PlacementDetails`.
    pub(in crate::detect) fn is_identifier(&self) -> bool {
        self.is_words || (self.length >= 12 && self.specials == self.underscores && self.digits * 8 <= self.length && self.likeness > 0.1)
    }

    /// 0 to 1: how much it looks like words.
    pub(in crate::detect) fn wordness(&self) -> f32 {
        ((self.likeness - 0.2) / 1.2).clamp(0.0, 1.0)
    }
}

/// Mean over neighbouring characters; changes between letters and digits, and from lower to upper case and back, count as random.
fn likeness(value: &[u8]) -> f32 {
    let (mut sum, mut pairs) = (0.0f32, 0u32);
    for two in value.windows(2) {
        let &[a, b] = two else { continue };
        let points = match (a.is_ascii_alphabetic(), b.is_ascii_alphabetic()) {
            (true, true) if a.is_ascii_lowercase() && b.is_ascii_uppercase() => -0.3,
            (true, true) => follows(a, b).map_or(0.0, |score| (f32::from(score) - 3.9).max(-2.5) * 0.8),
            (true, false) if b.is_ascii_digit() => -1.2,
            (false, true) if a.is_ascii_digit() => -1.6,
            (false, false) if a.is_ascii_digit() && b.is_ascii_digit() => -0.3,
            _ => continue,
        };
        sum += points;
        pairs += 1;
    }
    if pairs == 0 { 0.0 } else { sum / pairs as f32 }
}

/// Numbers, versions, dates, sizes, durations, addresses, colours.
fn number(value: &[u8]) -> bool {
    let value = value.strip_suffix(b"\\x00").or_else(|| value.strip_suffix(b"\\0")).unwrap_or(value);
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let others = value.iter().filter(|b| !b.is_ascii_digit());
    let punctuated = others.clone().all(|b| {
        matches!(b, b'.' | b',' | b':' | b'-' | b'+' | b'/' | b' ' | b'_' | b'^' | b'~' | b'T' | b'Z' | b'%' | b'#' | b'*' | b'(' | b')')
    });
    let unit = digits > 0
        && others.count() <= 2
        && value.first().is_some_and(u8::is_ascii_digit)
        && value.len() <= 6
        && value.last().is_some_and(u8::is_ascii_alphabetic);
    let hex = value.starts_with(b"0x") && value.len() <= 10;
    (digits > 0 && punctuated && (value.len() < 14 || others_present(value))) || unit || hex || (digits == value.len() && value.len() < 20)
}

fn others_present(value: &[u8]) -> bool {
    value.iter().any(|b| !b.is_ascii_digit())
}

/// Calls, member access, operators.
fn code(value: &[u8]) -> bool {
    let has = |part: &[u8]| value.windows(part.len()).any(|found| found == part);
    if has(b"()")
        || has(b"->")
        || has(b"::")
        || has(b" + ")
        || has(b"=>")
        || has(b" == ")
        || has(b" || ")
        || has(b" && ")
        || has(b"();")
        || has(b"!=")
        || has(b"\\w")
        || has(b"[^")
        || has(b"(?:")
        || has(b"[0-9")
        || has(b"[a-z")
        || has(b"[A-Z")
        || has(b"\\d")
        || has(b"{1,")
        || has(b".*")
        || has(b"</")
        || has(b"/>")
    {
        return true;
    }
    let call = value.iter().position(|b| *b == b'(');
    if call.is_some_and(|at| {
        at > 2
            && value.get(..at).is_some_and(|name| name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')))
            && (value.last().is_some_and(|b| matches!(b, b')' | b';' | b'{')) || !value.contains(&b')') && likeness(value) > 0.2)
    }) {
        return true;
    }
    // `password= next=`
    if let [name @ .., b'='] = value
        && !name.is_empty()
        && name.iter().all(u8::is_ascii_alphabetic)
        && likeness(name) > 0.2
    {
        return true;
    }
    // `settings.DATABASE_PASSWORD`, `self._token`: identifiers joined by dots.
    let parts = value.split(|b| *b == b'.');
    let identifier = |part: &[u8]| {
        !part.is_empty()
            && !part[0].is_ascii_digit()
            && part.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
            && likeness(part) > 0.3
    };
    (value.contains(&b'.') && parts.clone().count() >= 2 && parts.clone().all(identifier))
        || member(value)
        || matches!(value.first(), Some(b'{' | b'[' | b'(' | b'*' | b'&'))
            && value.len() < 40
            && value.first() != value.last()
            && likeness(value) > 0.2
        || value.last() == Some(&b'(')
}

/// `kms.Key.from_key(key`, `[apigwv2.ApiKey`: names of a module and of what it has, among them one that names a credential.
fn member(value: &[u8]) -> bool {
    let value = value.strip_prefix(b"[").unwrap_or(value);
    let path = value.split(|b| *b == b'(').next().unwrap_or_default();
    let parts = path.split(|b| *b == b'.');
    let says = |part: &[u8]| [&b"key"[..], b"token", b"secret", b"password", b"credential"].iter().any(|word| quiet::holds(part, word));
    let name = |part: &[u8]| {
        let digits = part.iter().filter(|b| b.is_ascii_digit()).count();
        part.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
            && part.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
            && (likeness(part) > 0.0 || (part.len() <= 8 && digits <= 1))
            && digits <= 2
    };
    parts.clone().count() >= 2 && parts.clone().all(name) && parts.skip(1).any(|part| says(part) && likeness(part) > -0.2)
}

/// Several words that follow each other as letters do in words.
fn prose(value: &[u8], blanks: usize) -> bool {
    blanks >= 2 || likeness(value) > -0.2 || value.ends_with(b".") || value.ends_with(b":")
}

/// Mostly letters beyond ASCII, spelled out or escaped: a message in another language.
fn foreign(value: &[u8]) -> bool {
    let beyond = value.iter().filter(|b| !b.is_ascii()).count();
    let escaped = value.windows(2).filter(|two| two == b"\\u").count();
    beyond * 3 > value.len() || escaped >= 2
}

fn path_or_url(value: &[u8]) -> bool {
    let has = |part: &[u8]| value.windows(part.len()).any(|found| found == part);
    if has(b"://") {
        return true;
    }
    let slashes = value.iter().filter(|b| **b == b'/').count();
    let extension = value.iter().rposition(|b| *b == b'.').and_then(|at| value.get(at + 1..)).is_some_and(|end| {
        matches!(
            end,
            b"txt"
                | b"json"
                | b"pem"
                | b"key"
                | b"yml"
                | b"yaml"
                | b"xml"
                | b"js"
                | b"ts"
                | b"py"
                | b"html"
                | b"php"
                | b"crt"
                | b"cert"
                | b"p12"
                | b"jks"
                | b"conf"
                | b"cfg"
                | b"ini"
                | b"env"
                | b"properties"
                | b"local"
                | b"com"
                | b"org"
                | b"net"
                | b"io"
                | b"sh"
                | b"svg"
                | b"png"
                | b"css"
                | b"md"
                | b"log"
                | b"dat"
                | b"db"
                | b"pub"
                | b"csv"
                | b"gz"
                | b"jar"
                | b"class"
                | b"java"
        )
    });
    extension
        || (slashes >= 1 && likeness(value) > 0.2)
        || (slashes >= 2 && value.starts_with(b"/") && likeness(value) > -0.3)
        || mail(value)
}

/// `name@host.tld`.
fn mail(value: &[u8]) -> bool {
    let Some(at) = value.iter().position(|b| *b == b'@') else { return false };
    let host = value.get(at + 1..).unwrap_or_default();
    at > 0
        && host.contains(&b'.')
        && host.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && host.last().is_some_and(u8::is_ascii_alphabetic)
}

/// Letters only, in parts; digits at most at the end.
fn words(value: &[u8]) -> bool {
    let digits = value.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let body = value.get(..value.len() - digits.min(2)).unwrap_or_default();
    !body.is_empty() && body.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b'.' | b' ' | b':' | b'/' | b'#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_text_and_words_are_told_apart() {
        for value in ["q8Zr2LxW0vT5nKp3", "9f86d081884c7d659a2feaa0c55ad015", "xKvQzWpLrTnBsDfG", "8f14e45fceea167a5a36dedd4bea2543"] {
            assert!(Shape::of(value.as_bytes()).randomness() > 0.5, "{value} {}", Shape::of(value.as_bytes()).likeness);
        }
        for value in ["authentication_failed", "ApplicationPasswordToken", "com.example.service", "this is a sentence"] {
            let shape = Shape::of(value.as_bytes());
            assert!(shape.randomness() < 0.2 && shape.wordness() > 0.3, "{value} {}", shape.likeness);
        }
    }

    #[test]
    fn verdicts() {
        let of = |value: &str| Shape::of(value.as_bytes());
        for value in ["3600", "1.2.3", "2024-01-01T00:00:00Z", "30s", "10.0.0.1:8080", "0x10", "1.3.6.1.5.5.7.3.1\\x00"] {
            assert!(of(value).is_number, "{value}");
        }
        for value in
            ["getPassword()", "settings.DATABASE_PASSWORD", "a->b", "std::string", "kms.Key.from_cfn_key(cfn_key", "apigwv2.ApiKey"]
        {
            assert!(of(value).is_code, "{value}");
        }
        for value in ["https://host/x", "a/b/file.json", "secrets.pem", "name@host.org"] {
            assert!(of(value).is_path_or_url, "{value}");
        }
        assert!(of("Enter the password of the user").is_prose);
        assert!(!of("P@ssw0rd1").is_code && !of("hunter2-prod").is_path_or_url && !of("P@ssw0rd1").is_number);
    }
}

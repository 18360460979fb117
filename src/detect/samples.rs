//! Fills the templates of rules' samples, so that no text that looks like a credential stands in the repository.
//!
//! `ghp_{alnum:30}{crc32-base62}`: literal text and placeholders. A placeholder is a class with a length or a range of
//! lengths (`{hex:32}`, `{hex:32-40}`), `{uuid}`, `{pem:LABEL}`, `{b64of:...}`, `{b64urlof:...}`, `{hexof:...}` of a template,
//! or the name of a check, which appends what makes the text so far pass. Doubled braces around a template stand for single
//! ones; anything else in braces stands for itself.

use super::checks;

/// Alphabets by class.
const CLASSES: &[(&str, &str)] = &[
    ("digits", "0123456789"),
    ("hex", "0123456789abcdef"),
    ("HEX", "0123456789ABCDEF"),
    ("lower", "abcdefghijklmnopqrstuvwxyz"),
    ("upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("alpha", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("alnum", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("ALNUM", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("lalnum", "0123456789abcdefghijklmnopqrstuvwxyz"),
    ("b64", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
    ("b64url", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
    ("base32", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    ("lbase32", "abcdefghijklmnopqrstuvwxyz234567"),
    ("base58", "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"),
    ("bech32", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    ("word", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"),
];

/// Templates within templates.
const DEPTH: u8 = 4;
/// Characters of one placeholder.
const LONGEST: usize = 8192;

/// The template filled; the same for the same seed.
pub fn fill(template: &str, seed: u64) -> String {
    let mut random = Random(seed ^ 0x9e37_79b9_7f4a_7c15);
    fill_with(template, &mut random, 0)
}

fn fill_with(template: &str, random: &mut Random, depth: u8) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let Some(length) = closing(&rest[open..]) else {
            out.push_str(&rest[open..]);
            return out;
        };
        let inside = &rest[open + 1..open + length];
        // Doubled braces stand for single ones around a template.
        if let Some(template) = inside.strip_prefix('{').and_then(|inside| inside.strip_suffix('}')) {
            out.push('{');
            out.push_str(&if depth < DEPTH { fill_with(template, random, depth + 1) } else { template.to_owned() });
            out.push('}');
            rest = &rest[open + length + 1..];
            continue;
        }
        match placeholder(inside, &out, random, depth) {
            Some(text) => out.push_str(&text),
            None => {
                out.push('{');
                out.push_str(&if depth < DEPTH { fill_with(inside, random, depth + 1) } else { inside.to_owned() });
                out.push('}');
            }
        }
        rest = &rest[open + length + 1..];
    }
    out.push_str(rest);
    out
}

/// Offset of the brace that closes the first one.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn placeholder(inside: &str, so_far: &str, random: &mut Random, depth: u8) -> Option<String> {
    let (name, argument) = inside.split_once(':').unwrap_or((inside, ""));
    let nested = |random: &mut Random| if depth < DEPTH { fill_with(argument, random, depth + 1) } else { String::new() };
    match name {
        "uuid" => {
            let mut hex = |count: usize| random.text("0123456789abcdef", count);
            return Some(format!("{}-{}-4{}-8{}-{}", hex(8), hex(4), hex(3), hex(3), hex(12)));
        }
        "pem" => return Some(pem(argument, random)),
        "b64of" => return Some(data_encoding::BASE64.encode(nested(random).as_bytes())),
        "b64urlof" => return Some(data_encoding::BASE64URL_NOPAD.encode(nested(random).as_bytes())),
        "hexof" => return Some(data_encoding::HEXLOWER.encode(nested(random).as_bytes())),
        "nl" => return Some("\n".to_owned()),
        _ => {}
    }
    if let Some((_, alphabet)) = CLASSES.iter().find(|(class, _)| *class == name && !argument.is_empty()) {
        let (from, to) = argument.split_once('-').unwrap_or((argument, argument));
        let (from, to) = (from.parse::<usize>().ok()?, to.parse::<usize>().ok()?);
        if from > to || to > LONGEST {
            return None;
        }
        let count = from + (random.next() % (to - from + 1) as u64) as usize;
        return Some(random.text(alphabet, count));
    }
    checks::complete(name, so_far, &mut |count| random.bytes(count))
}

/// A PEM block around a DER sequence of random bytes; OpenSSH's magic where the label says so; armor for PGP.
fn pem(label: &str, random: &mut Random) -> String {
    let mut der = match label {
        "OPENSSH PRIVATE KEY" => b"openssh-key-v1\0\0\0\0\x04none".to_vec(),
        _ => vec![0x30, 0x82, 0x01, 0x20],
    };
    der.extend(random.bytes(0x120));
    let body = data_encoding::BASE64.encode(&der);
    let mut out = format!("-----BEGIN {label}-----\n");
    if label.contains("PGP") {
        out.push('\n');
    }
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = tail;
    }
    out.push_str(&format!("-----END {label}-----"));
    out
}

/// SplitMix64: small, seeded, good enough for samples.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 24) as u8).collect()
    }

    fn text(&mut self, alphabet: &str, count: usize) -> String {
        let letters = alphabet.as_bytes();
        (0..count).map(|_| char::from(letters[(self.next() % letters.len() as u64) as usize])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_the_same_way_each_time() {
        let filled = fill("ghp_{alnum:30}{crc32-base62}", 1);
        assert_eq!(filled.len(), 40);
        assert_eq!(filled, fill("ghp_{alnum:30}{crc32-base62}", 1));
        assert_ne!(filled, fill("ghp_{alnum:30}{crc32-base62}", 2));
        assert_eq!(fill("{hex:8-8}", 1).len(), 8);
        assert_eq!(fill("{uuid}", 1).len(), 36);
        assert_eq!(fill("no {such thing} {", 1), "no {such thing} {");
        assert_eq!(fill("{{ a {digits:0}}}", 1), "{ a }");
        assert_eq!(fill("{b64of:{\"a\":1}}", 1), data_encoding::BASE64.encode(b"{\"a\":1}"));
    }
}

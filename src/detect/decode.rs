//! Encodings that hide a credential: base64, hex, percent, JSON escapes, UTF-16. Each returns `None` where the bytes are
//! not of that encoding, and never more bytes than it was given.

/// Base64 of either alphabet, padded or not, also broken over lines. `None` for foreign characters or a lone last digit.
pub fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0u32);
    let mut padded = false;
    for byte in text {
        let value = match BASE64_VALUES[usize::from(*byte)] {
            PAD => {
                padded = true;
                continue;
            }
            SPACE => continue,
            FOREIGN => return None,
            _ if padded => return None,
            value => value,
        };
        bits = bits << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            let [_, a, b, c] = bits.to_be_bytes();
            out.extend_from_slice(&[a, b, c]);
            (bits, count) = (0, 0);
        }
    }
    match count {
        0 => {}
        2 => out.push((bits >> 4) as u8),
        3 => out.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]),
        _ => return None,
    }
    Some(out)
}

const FOREIGN: u8 = 0xff;
const PAD: u8 = 0xfe;
const SPACE: u8 = 0xfd;

/// Value of each byte as a base64 digit.
static BASE64_VALUES: [u8; 256] = base64_values();

const fn base64_values() -> [u8; 256] {
    let mut table = [FOREIGN; 256];
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut i = 0;
    while i < 64 {
        table[digits[i] as usize] = i as u8;
        i += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table[b'=' as usize] = PAD;
    table[b'\n' as usize] = SPACE;
    table[b'\r' as usize] = SPACE;
    table[b' ' as usize] = SPACE;
    table
}

/// Whether base64 begins like that of a text, told by its first sixteen digits without undoing the rest: most words are digits, too.
pub(super) fn begins_as_text(text: &[u8]) -> bool {
    let mut bytes = [0; 12];
    let mut length = 0;
    for (four, three) in text.as_chunks::<4>().0.iter().zip(bytes.as_chunks_mut::<3>().0) {
        let values = four.map(|digit| BASE64_VALUES[usize::from(digit)]);
        if values.contains(&FOREIGN) {
            return false;
        }
        // Padding and line breaks move what comes after them.
        if values.iter().any(|value| *value >= 64) {
            break;
        }
        let [_, decoded @ ..] = values.iter().fold(0, |bits, value| bits << 6 | u32::from(*value)).to_be_bytes();
        *three = decoded;
        length += 3;
    }
    let bytes = bytes.get(..length).unwrap_or_default();
    // The last character may be cut.
    bytes.iter().all(is_printable) && std::str::from_utf8(bytes).err().is_none_or(|error| error.error_len().is_none())
}

/// Whether a byte can stand in base64 of either alphabet, padding excluded.
pub(super) fn is_base64_digit(byte: u8) -> bool {
    BASE64_VALUES[usize::from(byte)] < 64
}

/// Pairs of hex digits. `None` for anything else or an odd number.
pub fn hex(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || text.len() % 2 == 1 {
        return None;
    }
    text.chunks_exact(2).map(|pair| Some(hex_digit(pair[0])? << 4 | hex_digit(pair[1])?)).collect()
}

pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// `%41` and `\x41`-style bytes, `\u0041`, `\n`, `\t`, `\"`, `&quot;`-style entities. `None` where there is none of them.
pub fn escapes(text: &[u8]) -> Option<(Vec<u8>, &'static str)> {
    let mut out = Vec::with_capacity(text.len());
    let mut label = None;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let rest = text.get(at + 1..).unwrap_or_default();
        let (decoded, used) = match byte {
            b'%' => (hex_bytes(rest, 2).map(|code| (code, "url")), 2),
            b'\\' => match rest.first() {
                Some(b'u') => (hex_bytes(rest.get(1..).unwrap_or_default(), 4).map(|code| (code, "json")), 5),
                Some(b'x') => (hex_bytes(rest.get(1..).unwrap_or_default(), 2).map(|code| (code, "escape")), 3),
                Some(b'/' | b'"' | b'\\') => (rest.first().map(|b| (u32::from(*b), "json")), 1),
                Some(b'n') => (Some((10, "json")), 1),
                _ => (None, 0),
            },
            _ => (None, 0),
        };
        match decoded {
            Some((code, kind)) => {
                // Only escapes of printable characters are a way to hide something.
                if (0x21..0x7f).contains(&code) && !matches!(code, 0x22 | 0x2f | 0x5c) {
                    label = Some(label.unwrap_or(kind));
                }
                match char::from_u32(code) {
                    Some(c) if byte == b'\\' => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    _ => out.push(code as u8),
                }
                at += 1 + used;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    label.map(|label| (out, label))
}

fn hex_bytes(text: &[u8], digits: usize) -> Option<u32> {
    text.get(..digits)?.iter().try_fold(0u32, |code, byte| Some(code << 4 | u32::from(hex_digit(*byte)?)))
}

/// UTF-16 of either byte order, by its mark or by zeros in every second byte: UTF-8, and whether it was big-endian.
pub fn utf16(text: &[u8]) -> Option<(Vec<u8>, bool)> {
    let (body, big) = match text {
        [0xff, 0xfe, rest @ ..] => (rest, false),
        [0xfe, 0xff, rest @ ..] => (rest, true),
        _ => {
            let head = text.get(..64.min(text.len()) & !1)?;
            let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|b| **b == 0).count();
            let pairs = head.len() / 2;
            if pairs < 4 {
                return None;
            }
            match (zeros(0), zeros(1)) {
                (even, odd) if odd * 10 >= pairs * 9 && even == 0 => (text, false),
                (even, odd) if even * 10 >= pairs * 9 && odd == 0 => (text, true),
                _ => return None,
            }
        }
    };
    let units =
        body.chunks_exact(2).map(|pair| if big { u16::from_be_bytes([pair[0], pair[1]]) } else { u16::from_le_bytes([pair[0], pair[1]]) });
    let mut out = String::with_capacity(body.len() / 2);
    out.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
    Some((out.into_bytes(), big))
}

/// Whether decoded bytes are a text that can be judged: printable ASCII or UTF-8.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(is_printable) && std::str::from_utf8(bytes).is_ok()
}

fn is_printable(byte: &u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_text_begins_as_one(text in "[\\PC\t\n]{1,40}", at in 0usize..12) {
            let coded = data_encoding::BASE64.encode(text.as_bytes());
            proptest::prop_assert!(begins_as_text(coded.as_bytes()));
            let broken: String = coded.chars().enumerate().flat_map(|(n, c)| (n == at).then_some('\n').into_iter().chain([c])).collect();
            proptest::prop_assert!(begins_as_text(broken.as_bytes()));
        }
    }

    #[test]
    fn what_begins_as_no_text() {
        for words in ["CertificateAuthority", "getElementsByTagName", "some-words-in-a-row", "no:digits"] {
            assert!(!begins_as_text(words.as_bytes()), "{words}");
        }
    }

    #[test]
    fn base64_of_either_alphabet_padded_or_not_and_broken_over_lines() {
        for text in ["aGVsbG8gd29ybGQ=", "aGVsbG8gd29ybGQ", "aGVsbG8g\nd29y\r\nbGQ="] {
            assert_eq!(base64(text.as_bytes()).as_deref(), Some(&b"hello world"[..]));
        }
        assert_eq!(base64(b"-_-_"), base64(b"+/+/"));
        for bad in ["a", "a*bc", "aGVs=bG8", "aGVsb"] {
            assert_eq!(base64(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn escapes_name_themselves_and_plain_text_has_none() {
        assert_eq!(escapes(b"pass%3Dword"), Some((b"pass=word".to_vec(), "url")));
        assert_eq!(escapes(br"\u0041KIA"), Some((b"AKIA".to_vec(), "json")));
        assert_eq!(escapes(br"plain \d text 100%"), None);
        assert_eq!(escapes(br"line\nline"), None, "line breaks hide nothing");
    }

    #[test]
    fn utf16_with_and_without_a_mark() {
        let little: Vec<u8> = "password=x".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "password=x".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(utf16(&little), Some((b"password=x".to_vec(), false)));
        assert_eq!(utf16(&big), Some((b"password=x".to_vec(), true)));
        assert_eq!(utf16(&[&[0xff, 0xfe], little.as_slice()].concat()), Some((b"password=x".to_vec(), false)));
        assert_eq!(utf16(b"password=x"), None);
    }
}

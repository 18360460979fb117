//! Bech32 (BIP-173), as in age's identities: <https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki>.

use super::{Subject, Verdict};

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

fn polymod(values: impl Iterator<Item = u8>) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.fold(1, |sum, value| {
        let top = sum >> 25;
        let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        GENERATOR.iter().enumerate().fold(next, |next, (bit, generator)| if top >> bit & 1 == 1 { next ^ generator } else { next })
    })
}

/// The human-readable part expanded, then the data's values; `None` for a foreign character or no separator.
fn values(text: &str) -> Option<Vec<u8>> {
    let text = text.to_ascii_lowercase();
    let (human, data) = text.rsplit_once('1')?;
    let mut out: Vec<u8> = human.bytes().map(|b| b >> 5).chain(std::iter::once(0)).chain(human.bytes().map(|b| b & 31)).collect();
    for byte in data.bytes() {
        out.push(u8::try_from(ALPHABET.iter().position(|known| *known == byte)?).ok()?);
    }
    Some(out)
}

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let valid = std::str::from_utf8(subject.secret).ok().and_then(values).is_some_and(|values| polymod(values.into_iter()) == 1);
    Verdict::checksum(valid)
}

/// The 6 characters of the checksum, in upper case where the text is.
pub(super) fn suffix(text: &str) -> String {
    let Some(values) = values(text) else { return String::new() };
    let sum = polymod(values.into_iter().chain([0; 6])) ^ 1;
    let coded = (0..6).map(|i| char::from(ALPHABET[(sum >> (5 * (5 - i)) & 31) as usize]));
    if text.bytes().any(|b| b.is_ascii_uppercase()) { coded.map(|c| c.to_ascii_uppercase()).collect() } else { coded.collect() }
}

//! CRC-24 of ASCII armor (RFC 4880, section 6.1).

use super::{Subject, Verdict};
use crate::detect::decode::base64;

fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x00b7_04ce, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 16, |crc, _| if crc & 0x0080_0000 == 0 { crc << 1 } else { (crc << 1) ^ 0x0186_4cfb })
            & 0x00ff_ffff
    })
}

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let Ok(text) = std::str::from_utf8(subject.secret) else { return Verdict::doubtful("armor is not ASCII") };
    let text = text.replace("\\n", "\n").replace("\\r", "");
    let mut body = String::new();
    let mut sum = None;
    for line in text.lines().map(str::trim) {
        match line.strip_prefix('=') {
            Some(coded) if coded.len() == 4 => sum = base64(coded.as_bytes()),
            _ if line.is_empty() || line.starts_with("-----") || line.contains(':') => {}
            _ => body.push_str(line),
        }
    }
    match (sum.as_deref(), base64(body.as_bytes())) {
        (Some([a, b, c]), Some(bytes)) if crc24(&bytes) == u32::from_be_bytes([0, *a, *b, *c]) => Verdict::proven("checksum valid"),
        // RFC 9580 made the checksum optional.
        (None, Some(bytes)) if bytes.len() > 64 => Verdict::fits(Vec::new()),
        _ => Verdict::doubtful("checksum mismatch"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_crc_of_nothing_is_its_start() {
        assert_eq!(super::crc24(b""), 0x00b7_04ce);
        // The check value that catalogues of CRCs give for CRC-24/OPENPGP.
        assert_eq!(super::crc24(b"123456789"), 0x0021_cf02);
    }
}

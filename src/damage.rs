//! Damage for tests: the same for the same seed, and most of a file's structure survives it.

use std::time::{Duration, Instant};

/// How long this thread has been running, and not waiting for a processor; elsewhere than on Linux, the time since `started`.
pub(crate) fn busy(started: Instant) -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = statistics.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| started.elapsed(), Duration::from_nanos)
}

/// xorshift64*
pub(crate) struct Random(u64);

impl Random {
    /// The same for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(0x9e37_79b9_7f4a_7c15).max(1))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Numbers at the borders of what fields hold.
const BORDERS: [u64; 12] = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x8000_0000, 1 << 40, u64::MAX];
/// Pieces that mean something to parsers of texts.
const PIECES: [&str; 16] =
    ["{", "}", "[[[[", "\"", "'", "\\", "\0", "<![CDATA[", "<!--", "- ? !!map", "&a *a", "%", "\u{feff}", "\r\n\t", "1e999", "-----BEGIN "];

/// Damages bytes in ways that keep most of their structure, also with pieces of `others`.
pub(crate) fn damage(bytes: &mut Vec<u8>, others: &[(String, Vec<u8>)], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let end = (at + 1 + random.below(64)).min(bytes.len());
        match random.below(10) {
            0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (at % 8)),
            1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = at as u8),
            2 | 3 => {
                let border = BORDERS[random.below(BORDERS.len())];
                let width = [1, 2, 4, 8][random.below(4)];
                let big = border.to_be_bytes();
                let field = if random.below(2) == 0 { border.to_le_bytes()[..width].to_vec() } else { big[8 - width..].to_vec() };
                bytes.iter_mut().skip(at).zip(field).for_each(|(byte, new)| *byte = new);
            }
            4 => drop(bytes.drain(at..end)),
            5 => {
                let piece = bytes.get(at..end).unwrap_or_default().repeat(1 + random.below(200));
                drop(bytes.splice(at..at, piece));
            }
            6 => bytes.truncate(at),
            7 => {
                let other = &others[random.below(others.len())].1;
                let from = random.below(other.len());
                let piece = other.iter().skip(from).take(random.below(2000)).copied();
                drop(bytes.splice(at..at, piece));
            }
            8 => {
                let piece = PIECES[random.below(PIECES.len())].repeat(1 + random.below(300));
                drop(bytes.splice(at..at, piece.bytes()));
            }
            _ => {
                // Digits of a length field, as tar, cpio and ar write them.
                bytes.iter_mut().skip(at).take(12).filter(|byte| byte.is_ascii_digit()).for_each(|byte| *byte = b'7');
            }
        }
    }
}

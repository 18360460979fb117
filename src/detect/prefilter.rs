//! Finds a few thousand literals in one pass, ignoring ASCII case, at a cost that does not grow with their number.
//!
//! Every second position is tested: three bytes, folded to lower case, hashed into a bitmap that stays in the first-level
//! cache. A literal is represented by two neighbouring trigrams, so that one of them starts at an even position wherever the
//! literal stands; they are the rarest two that it has. Only where a bit is set are the literals themselves compared.
//! A literal of three bytes has one trigram; for odd positions it is represented by every byte that can precede it.

use super::model::bigrams::follows;

/// Bitmap of 2^17 bits.
const WORDS: usize = 1 << 11;
const BUCKET_BITS: u32 = 13;
/// Bytes that one step of the loop decides about.
const STEP: usize = 16;
const LANES: usize = STEP / 2;
/// The last lane of a step reads four bytes from position 14.
const BLOCK: usize = STEP + 2;

/// A set of literals.
pub(super) struct Prefilter {
    bitmap: Box<[u64; WORDS]>,
    /// Where each bucket starts in `entries`; one more than there are buckets.
    starts: Vec<u32>,
    entries: Vec<Entry>,
    literals: Vec<Vec<u8>>,
}

/// One trigram of one literal.
struct Entry {
    gram: u32,
    literal: u32,
    /// From the literal's start to the trigram; -1 where the trigram starts one byte before.
    offset: i32,
}

#[inline(always)]
fn hash(gram: u32) -> u32 {
    // The trigram in the upper three bytes; the multiplier is the golden ratio's, odd.
    (gram << 8).wrapping_mul(0x9e37_79b1)
}

#[inline(always)]
fn bit(hash: u32) -> (usize, u32) {
    ((hash >> 21) as usize, (hash >> 15) & 63)
}

fn bucket(hash: u32) -> usize {
    (hash >> (32 - BUCKET_BITS)) as usize
}

fn gram(bytes: &[u8]) -> u32 {
    bytes.iter().take(3).enumerate().fold(0, |gram, (i, byte)| gram | u32::from(byte | 0x20) << (8 * i))
}

impl Prefilter {
    /// Literals of three bytes or more; shorter ones are never found.
    pub(super) fn new(literals: Vec<Vec<u8>>) -> Self {
        let mut entries = Vec::with_capacity(literals.len() * 2);
        for (id, literal) in (0u32..).zip(&literals) {
            match literal.len() {
                0..3 => {}
                3 => {
                    entries.push(Entry { gram: gram(literal), literal: id, offset: 0 });
                    let mut before: Vec<u8> = (0..=255u8).map(|b| b | 0x20).collect();
                    before.sort_unstable();
                    before.dedup();
                    entries.extend(before.into_iter().map(|b| Entry { gram: gram(&[b, literal[0], literal[1]]), literal: id, offset: -1 }));
                }
                length => {
                    let first = (0..=length - 4).min_by_key(|at| cost(&literal[*at..at + 3]) + cost(&literal[at + 1..at + 4])).unwrap_or(0);
                    for at in [first, first + 1] {
                        let offset = i32::try_from(at).unwrap_or(0);
                        entries.push(Entry { gram: gram(&literal[at..at + 3]), literal: id, offset });
                    }
                }
            }
        }
        entries.sort_by_key(|entry| (bucket(hash(entry.gram)), entry.gram));
        let mut bitmap = Box::new([0u64; WORDS]);
        let mut starts = vec![0u32; (1 << BUCKET_BITS) + 1];
        for entry in &entries {
            let hash = hash(entry.gram);
            let (word, shift) = bit(hash);
            bitmap[word] |= 1 << shift;
            starts[bucket(hash) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Self { bitmap, starts, entries, literals }
    }

    /// Bytes of a literal.
    pub(super) fn length(&self, literal: u32) -> usize {
        self.literals.get(literal as usize).map_or(0, Vec::len)
    }

    /// Calls `hit(literal, start)` once for each occurrence of each literal, by and large from front to back.
    #[inline]
    pub(super) fn scan(&self, haystack: &[u8], hit: &mut impl FnMut(u32, usize)) {
        let mut at = 0;
        while let Some(block) = haystack.get(at..at + BLOCK).and_then(|block| <&[u8; BLOCK]>::try_from(block).ok()) {
            let mut lanes = self.test(block);
            while lanes != 0 {
                let lane = lanes.trailing_zeros() as usize;
                lanes &= lanes - 1;
                self.compare(haystack, at + 2 * lane, hit);
            }
            at += STEP;
        }
        // The last bytes, with zeros behind them.
        while at < haystack.len() {
            self.compare(haystack, at, hit);
            at += 2;
        }
    }

    /// One bit for each even position whose trigram is in the bitmap.
    #[inline(always)]
    fn test(&self, block: &[u8; BLOCK]) -> u32 {
        let mut found = 0u32;
        for lane in 0..LANES {
            let at = 2 * lane;
            // Lane 7 reads bytes 14 to 17; the fourth byte is shifted out.
            let four = u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
            let hash = hash(four | 0x0020_2020);
            let (word, shift) = bit(hash);
            found |= ((self.bitmap[word] >> shift) as u32 & 1) << lane;
        }
        found
    }

    /// The literals that have the trigram at `at`.
    fn compare(&self, haystack: &[u8], at: usize, hit: &mut impl FnMut(u32, usize)) {
        let Some(here) = haystack.get(at..at + 3) else { return };
        let gram = gram(here);
        let hash = hash(gram);
        let from = self.starts[bucket(hash)] as usize;
        let to = self.starts[bucket(hash) + 1] as usize;
        for entry in &self.entries[from..to] {
            if entry.gram != gram {
                continue;
            }
            let Some(literal) = self.literals.get(entry.literal as usize) else { continue };
            let start = if entry.offset < 0 { Some(at + 1) } else { at.checked_sub(entry.offset as usize) };
            let Some(start) = start else { continue };
            if haystack.get(start..start + literal.len()).is_some_and(|text| text.eq_ignore_ascii_case(literal)) {
                hit(entry.literal, start);
            }
        }
    }
}

/// How common a trigram is in text and code: bigger is more common.
fn cost(gram: &[u8]) -> u32 {
    let pair = |a: u8, b: u8| match follows(a, b) {
        Some(score) => 2 + u32::from(score),
        None if a.is_ascii_digit() || b.is_ascii_digit() => 3,
        None if a == b => 9,
        None => 5,
    };
    match gram {
        [a, b, c] => (1 << pair(*a, *b).min(11)) * (1 << pair(*b, *c).min(11)) >> 4,
        _ => u32::MAX >> 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every occurrence by plain comparison.
    fn plain(literals: &[Vec<u8>], haystack: &[u8]) -> Vec<(u32, usize)> {
        let mut out = Vec::new();
        for (id, literal) in (0u32..).zip(literals) {
            for start in 0..haystack.len() {
                if haystack[start..].get(..literal.len()).is_some_and(|text| text.eq_ignore_ascii_case(literal)) {
                    out.push((id, start));
                }
            }
        }
        out.sort_unstable();
        out
    }

    fn found(prefilter: &Prefilter, haystack: &[u8]) -> Vec<(u32, usize)> {
        let mut out = Vec::new();
        prefilter.scan(haystack, &mut |literal, start| out.push((literal, start)));
        out.sort_unstable();
        out
    }

    proptest! {
        #[test]
        fn finds_what_plain_search_finds(
            literals in proptest::collection::vec("[a-cA-C_:/]{3,9}", 1..12),
            haystack in "[a-cA-C_:/ ]{0,200}",
        ) {
            let literals: Vec<Vec<u8>> = literals.into_iter().map(String::into_bytes).collect();
            let prefilter = Prefilter::new(literals.clone());
            prop_assert_eq!(found(&prefilter, haystack.as_bytes()), plain(&literals, haystack.as_bytes()));
        }

        #[test]
        fn any_bytes_do(haystack in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..300) {
            let literals: Vec<Vec<u8>> = ["pwd", "ghp_", "password", "://", "AKIA", "\u{e9}\u{e9}\u{e9}"].iter().map(|l| l.as_bytes().to_vec()).collect();
            let prefilter = Prefilter::new(literals.clone());
            let mut haystack = haystack;
            let at = at.min(haystack.len());
            for literal in &literals {
                haystack.splice(at..at, literal.iter().copied());
            }
            prop_assert_eq!(found(&prefilter, &haystack), plain(&literals, &haystack));
        }
    }

    #[test]
    fn at_every_alignment_and_at_the_very_end() {
        let literals: Vec<Vec<u8>> = ["pwd", "ghp_", "hvs.abc", "://"].iter().map(|l| l.as_bytes().to_vec()).collect();
        let prefilter = Prefilter::new(literals.clone());
        for literal in &literals {
            for before in 0..40 {
                for after in 0..3 {
                    let haystack = [&vec![b'x'; before][..], literal, &vec![b'x'; after][..]].concat();
                    assert_eq!(found(&prefilter, &haystack), plain(&literals, &haystack), "{before} {after}");
                }
            }
        }
    }
}

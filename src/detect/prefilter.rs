//! Finds ten thousand literals in one pass, ignoring ASCII case, at a cost that hardly grows with their number.
//!
//! Every second position is tested: three bytes, folded to lower case, hashed into a bitmap that stays in the first-level
//! cache. A literal is represented by four neighbouring bytes, the rarest that it has, whose two trigrams are both in the
//! bitmap: one of them starts at an even position wherever the literal stands. Where a bit is set, the four bytes at that
//! position and those one before are looked up in a second, sparser bitmap, and only then the literals are compared.
//! A literal of three bytes is represented by itself with every byte that can follow.

use super::model::bigrams::follows;

/// First bitmap, of trigrams: 2^17 bits.
const TRIGRAM_BITS: u32 = 17;
/// Second bitmap, of four bytes: 2^18 bits.
const FOUR_BITS: u32 = 18;
const BUCKET_BITS: u32 = 14;
/// Bytes that one step of the loop decides about.
const STEP: usize = 16;
const LANES: usize = STEP / 2;
/// The last lane of a step reads four bytes from position 14.
const BLOCK: usize = STEP + 2;
/// Sets the bit that tells lower case from upper case in each byte.
const FOLD: u32 = 0x2020_2020;

/// A set of literals.
pub(super) struct Prefilter {
    trigrams: Box<[u64; 1 << (TRIGRAM_BITS - 6)]>,
    fours: Box<[u64; 1 << (FOUR_BITS - 6)]>,
    /// Where each bucket starts in `entries`; one more than there are buckets.
    starts: Vec<u32>,
    entries: Vec<Entry>,
    texts: Vec<u8>,
    /// Bytes of each literal.
    lengths: Vec<u16>,
}

/// The four bytes that represent a literal, and the literal.
struct Entry {
    four: u32,
    literal: u32,
    /// Where the literal stands in `texts`.
    text: u32,
    length: u16,
    /// From the literal's start to the four bytes.
    offset: u16,
}

/// Spreads the bytes over the upper bits; the multiplier is the golden ratio's, odd.
#[inline(always)]
fn hash(bytes: u32) -> u32 {
    bytes.wrapping_mul(0x9e37_79b1)
}

/// The word and the bit in it of a bitmap of `1 << bits` bits.
#[inline(always)]
fn bit(hash: u32, bits: u32) -> (usize, u32) {
    let index = hash >> (32 - bits);
    ((index >> 6) as usize, index & 63)
}

#[inline(always)]
fn bucket(hash: u32) -> usize {
    (hash >> (32 - BUCKET_BITS)) as usize
}

/// The first three of four bytes, in the upper bytes of the number.
#[inline(always)]
fn trigram(four: u32) -> u32 {
    four << 8
}

/// Four bytes, folded; zeros stand for those that are missing.
fn folded(bytes: &[u8]) -> u32 {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)]) | FOLD
}

impl Prefilter {
    /// Literals of three bytes to 64 KiB; others are never found.
    pub(super) fn new(literals: &[Vec<u8>]) -> Self {
        let lengths: Vec<u16> = literals.iter().map(|literal| u16::try_from(literal.len()).unwrap_or(0)).collect();
        let mut built = Self {
            trigrams: Box::new([0; 1 << (TRIGRAM_BITS - 6)]),
            fours: Box::new([0; 1 << (FOUR_BITS - 6)]),
            starts: vec![0; (1 << BUCKET_BITS) + 1],
            entries: Vec::with_capacity(literals.len() + 1024),
            texts: Vec::with_capacity(literals.iter().map(Vec::len).sum()),
            lengths,
        };
        // Short ones first: they have no choice, and what is in the bitmap for them costs the others nothing more.
        let mut order: Vec<u32> = (0u32..).zip(literals).map(|(id, _)| id).collect();
        order.sort_by_key(|id| built.length(*id));
        for id in order {
            let literal = literals.get(id as usize).map_or(&[][..], |literal| literal.get(..built.length(id)).unwrap_or_default());
            let text = u32::try_from(built.texts.len()).unwrap_or(u32::MAX);
            built.texts.extend_from_slice(literal);
            match literal {
                [] | [_] | [_, _] => {}
                [a, b, c] => {
                    for next in (0..=255u8).filter(|next| next & 0x20 != 0) {
                        built.add(Entry { four: folded(&[*a, *b, *c, next]), literal: id, text, length: 3, offset: 0 });
                    }
                }
                _ => {
                    let cheapest = (0u16..).zip(literal.windows(4)).min_by_key(|(_, four)| built.cost(four));
                    let (offset, four) = cheapest.map_or((0, 0), |(offset, four)| (offset, folded(four)));
                    built.add(Entry { four, literal: id, text, length: built.lengths[id as usize], offset });
                }
            }
        }
        built.entries.sort_unstable_by_key(|entry| (bucket(hash(entry.four)), entry.four, entry.literal));
        for entry in &built.entries {
            built.starts[bucket(hash(entry.four)) + 1] += 1;
        }
        for at in 1..built.starts.len() {
            built.starts[at] += built.starts[at - 1];
        }
        built
    }

    fn add(&mut self, entry: Entry) {
        for three in [trigram(entry.four), entry.four & !0xff] {
            let (word, shift) = bit(hash(three), TRIGRAM_BITS);
            self.trigrams[word] |= 1 << shift;
        }
        let (word, shift) = bit(hash(entry.four), FOUR_BITS);
        self.fours[word] |= 1 << shift;
        self.entries.push(entry);
    }

    /// What it costs to look for four bytes: how common their trigrams are, and little where those are looked for already.
    fn cost(&self, four: &[u8]) -> u32 {
        let (first, second) = (four.get(..3).unwrap_or_default(), four.get(1..).unwrap_or_default());
        let number = folded(four);
        let known = |three: u32| {
            let (word, shift) = bit(hash(three), TRIGRAM_BITS);
            self.trigrams[word] >> shift & 1 != 0
        };
        let discount = |cost: u32, three: u32| if known(three) { cost / 16 } else { cost };
        discount(cost(first), trigram(number)) + discount(cost(second), number & !0xff)
    }

    /// Bytes of a literal.
    pub(super) fn length(&self, literal: u32) -> usize {
        self.lengths.get(literal as usize).map_or(0, |length| usize::from(*length))
    }

    /// Calls `hit(literal, start)` once for each occurrence of each literal, by and large from front to back.
    #[inline]
    pub(super) fn scan(&self, haystack: &[u8], hit: &mut impl FnMut(u32, usize)) {
        let mut at = 0;
        while let Some(block) = haystack.get(at..at + BLOCK).and_then(|block| <&[u8; BLOCK]>::try_from(block).ok()) {
            self.step(block, haystack, at, hit);
            at += STEP;
        }
        // The last bytes, with zeros behind them.
        while at < haystack.len() {
            let rest = haystack.get(at..).unwrap_or_default();
            let mut block = [0; BLOCK];
            block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.step(&block, haystack, at, hit);
            at += STEP;
        }
    }

    #[inline(always)]
    fn step(&self, block: &[u8; BLOCK], haystack: &[u8], at: usize, hit: &mut impl FnMut(u32, usize)) {
        let mut lanes = self.test(block);
        while lanes != 0 {
            let lane = lanes.trailing_zeros() as usize;
            lanes &= lanes - 1;
            self.around(haystack, at + 2 * lane, hit);
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
            let (word, shift) = bit(hash(trigram(four | FOLD)), TRIGRAM_BITS);
            found |= ((self.trigrams[word] >> shift) as u32 & 1) << lane;
        }
        found
    }

    /// The literals whose four bytes stand at `at` or one before.
    #[inline]
    fn around(&self, haystack: &[u8], at: usize, hit: &mut impl FnMut(u32, usize)) {
        if let Some(before) = at.checked_sub(1) {
            self.look(haystack, before, hit);
        }
        self.look(haystack, at, hit);
    }

    #[inline(always)]
    fn look(&self, haystack: &[u8], at: usize, hit: &mut impl FnMut(u32, usize)) {
        let four = match haystack.get(at..at + 4) {
            Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]) | FOLD,
            _ => folded(haystack.get(at..).unwrap_or_default()),
        };
        let hash = hash(four);
        let (word, shift) = bit(hash, FOUR_BITS);
        if self.fours[word] >> shift & 1 != 0 {
            self.compare(haystack, at, four, bucket(hash), hit);
        }
    }

    /// The literals that have these four bytes.
    fn compare(&self, haystack: &[u8], at: usize, four: u32, bucket: usize, hit: &mut impl FnMut(u32, usize)) {
        let (from, to) = (self.starts[bucket] as usize, self.starts[bucket + 1] as usize);
        for entry in self.entries[from..to].iter().filter(|entry| entry.four == four) {
            let (length, text) = (usize::from(entry.length), entry.text as usize);
            let Some(start) = at.checked_sub(usize::from(entry.offset)) else { continue };
            let literal = self.texts.get(text..text + length).unwrap_or_default();
            if haystack.get(start..start + length).is_some_and(|text| text.eq_ignore_ascii_case(literal)) {
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
        [a, b, c] => ((1 << pair(*a, *b).min(11)) * (1 << pair(*b, *c).min(11))) >> 4,
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
            let prefilter = Prefilter::new(&literals);
            prop_assert_eq!(found(&prefilter, haystack.as_bytes()), plain(&literals, haystack.as_bytes()));
        }

        #[test]
        fn any_bytes_do(haystack in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..300) {
            let literals: Vec<Vec<u8>> = ["pwd", "ghp_", "password", "://", "AKIA", "\u{e9}\u{e9}\u{e9}"].iter().map(|l| l.as_bytes().to_vec()).collect();
            let prefilter = Prefilter::new(&literals);
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
        let prefilter = Prefilter::new(&literals);
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

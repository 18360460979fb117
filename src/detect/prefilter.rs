//! Finds ten thousand literals in one pass, ignoring ASCII case, at a cost that hardly grows with their number.
//!
//! A literal is represented by four neighbouring bytes, the rarest that it has. Both of their trigrams are in a table, so that one
//! of them starts at an even position wherever the literal stands. The text is worked through in chunks, in four steps:
//!
//! 1. [`Prefilter::test`] looks up the trigram at every second position and keeps one bit for each. No branch depends on the
//!    text, so the processor never guesses wrong: this is what most bytes cost.
//! 2. [`Prefilter::narrow`] looks up the four bytes there and those one before in a second, sparser table. What remains is a
//!    list of places, again without a branch for each.
//! 3. [`Prefilter::confirm`] keeps those of the places where the bytes before and behind the four are those of a literal, too.
//! 4. [`Prefilter::compare`] compares the literals that have these four bytes.
//!
//! A literal of three bytes is represented by itself with every byte that can follow.

mod frequencies;

/// First table, of trigrams: a byte each, because a bit costs one more shift at every second byte of every text.
const TRIGRAM_BITS: u32 = 17;
/// Second table, of four bytes: 2^19 bits.
const FOUR_BITS: u32 = 19;
const BUCKET_BITS: u32 = 14;
/// Frequencies of fours: 2^16 bytes while the tables are built.
const COUNTED_BITS: u32 = 16;
/// A place with the four bytes of a literal takes as long as so many with one of their trigrams.
const FOUR: u32 = 5;
/// Bytes that the steps take at a time: short, so that a text of a few bytes does not pay for a long one.
const CHUNK: usize = 1024;
/// Positions that one word of bits tells about, and their bytes.
const LANES: usize = 64;
const SPAN: usize = 2 * LANES;
/// Bytes before the chunk that its first positions read: one where four bytes may start, and that one's neighbour.
const BEFORE: usize = 2;
/// Bytes behind the chunk that its last positions read.
const BEHIND: usize = 15;
/// Bytes of text in a row, at least, that are looked at in what is not text: no credential is shorter.
const RUN: usize = 11;
/// Sets the bit that tells lower case from upper case in each byte.
const FOLD: u8 = 0x20;
const FOLD_ALL: u64 = 0x2020_2020_2020_2020;
/// Odd numbers that spread bytes over the upper bits, for threes and for fours. Of 1,200 that were tried on texts that are none of the
/// bench's, those with which the fewest places pass that hold no literal: a frequent sequence shares no bit with a literal's.
const SPREAD_THREE: u32 = 0x7d27_d731;
const SPREAD: u32 = 0x3648_59cf;

/// Which spans of a chunk hold text: a bit for each.
type Texts = u8;
const _: () = assert!(CHUNK / SPAN == Texts::BITS as usize);

/// A chunk in lower case: the bytes before it, its own, and those behind it.
type Chunk = [u8; BEFORE + CHUNK + BEHIND];

/// A set of literals.
pub(super) struct Prefilter {
    trigrams: Box<[u8; 1 << TRIGRAM_BITS]>,
    fours: Box<[u32; 1 << (FOUR_BITS - 5)]>,
    neighbours: Box<[Neighbours; 1 << BUCKET_BITS]>,
    /// Where each bucket starts in `entries`; one more than there are buckets.
    starts: Vec<u32>,
    entries: Vec<Entry>,
    literals: Vec<Literal>,
    texts: Vec<u8>,
}

/// Which bytes stand before and behind the four bytes of a bucket's literals: a bit for each [`class`], all where a literal has no
/// such byte.
#[derive(Clone, Copy, Default)]
struct Neighbours {
    before: u64,
    behind: u64,
}

/// The four bytes that represent a literal, and the literal.
struct Entry {
    four: u32,
    literal: u32,
    /// From the literal's start to the four bytes.
    offset: u16,
}

struct Literal {
    /// The first eight bytes, folded.
    head: u64,
    /// Where it stands in `texts`.
    text: u32,
    length: u16,
}

#[inline(always)]
fn hash(four: u32) -> u32 {
    four.wrapping_mul(SPREAD)
}

/// Place in the first table of the first three of four bytes: the shifted factor drops the fourth.
#[inline(always)]
fn trigram(four: u32) -> usize {
    (four.wrapping_mul(SPREAD_THREE << 8) >> (32 - TRIGRAM_BITS)) as usize
}

/// Word and bit of the second table.
#[inline(always)]
fn bit(hash: u32) -> (usize, u32) {
    let index = hash >> (32 - FOUR_BITS);
    ((index >> 5) as usize, index & 31)
}

#[inline(always)]
fn bucket(hash: u32) -> usize {
    (hash >> (32 - BUCKET_BITS)) as usize
}

/// Eight bytes of the chunk.
#[inline(always)]
fn eight(chunk: &Chunk, at: usize) -> u64 {
    chunk.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// The spans of the chunk that starts here which hold a part of a run of text; those at the ends of the haystack count.
fn texts(haystack: &[u8], chunk: usize) -> Texts {
    let mut texts = 0;
    for span in (0..Texts::BITS as usize).rev() {
        let around = (chunk + span * SPAN).checked_sub(RUN - 1).and_then(|from| haystack.get(from..));
        texts = texts << 1 | Texts::from(around.and_then(|around| around.first_chunk()).is_none_or(has_run));
    }
    texts
}

/// Whether there is a run of text: then, two neighbouring fours of it are text. All bytes are worked through, so that the processor takes
/// many at a time.
#[inline(always)]
fn has_run(around: &[u8; SPAN + 2 * RUN - 2]) -> bool {
    let (fours, _) = around.as_chunks::<4>();
    let pairs = fours.iter().zip(fours.get(1..).unwrap_or_default());
    // The upper bit of each byte from the space on that is ASCII.
    let text = |four: &[u8; 4]| {
        let four = u32::from_le_bytes(*four);
        (four & 0x7f7f_7f7f).wrapping_add(0x6060_6060) & !four
    };
    pairs.fold(false, |any, (first, second)| any | (text(first) & text(second) & 0x8080_8080 == 0x8080_8080))
}

/// Six of the seven bits that tell folded bytes apart: the one that is left out is that of bytes that are no ASCII.
#[inline(always)]
fn class(byte: u8) -> u32 {
    u32::from(byte & 0x1f | byte >> 1 & 0x20)
}

/// The first four bytes, folded; zeros stand for those that are missing.
fn folded(bytes: &[u8]) -> u32 {
    head(bytes) as u32
}

/// The first eight bytes, folded; zeros stand for those that are missing.
#[inline(always)]
fn head(bytes: &[u8]) -> u64 {
    let eight = bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut eight = [0; 8];
        eight.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        eight
    });
    u64::from_le_bytes(eight) | FOLD_ALL
}

/// How often trigrams and fours occur: logarithms of their number in a megabyte, 0 for rare ones. They stand where those of the
/// tables do, so that those that share a place share its frequency.
struct Counted {
    trigrams: Vec<u8>,
    fours: Vec<u8>,
}

impl Counted {
    fn new() -> Self {
        let mut counted = Self { trigrams: vec![0; 1 << TRIGRAM_BITS], fours: vec![0; 1 << COUNTED_BITS] };
        // From rare to frequent.
        for (logarithm, sequences) in frequencies::THREES {
            sequences.as_bytes().chunks_exact(3).for_each(|three| counted.trigrams[trigram(folded(three))] = *logarithm as u8);
        }
        for (logarithm, sequences) in frequencies::FOURS {
            sequences.as_bytes().chunks_exact(4).for_each(|four| counted.fours[Self::place(folded(four))] = *logarithm as u8);
        }
        counted
    }

    fn place(four: u32) -> usize {
        (hash(four) >> (32 - COUNTED_BITS)) as usize
    }

    /// About how many there are in a megabyte.
    fn number(logarithm: u8) -> u32 {
        (3 << u32::from(logarithm.max(1))) / 2
    }
}

impl Prefilter {
    /// Literals of three bytes to 64 KiB; others are never found.
    pub(super) fn new(literals: &[Vec<u8>]) -> Self {
        let mut built = Self {
            trigrams: Box::new([0; 1 << TRIGRAM_BITS]),
            fours: Box::new([0; 1 << (FOUR_BITS - 5)]),
            neighbours: Box::new([Neighbours::default(); 1 << BUCKET_BITS]),
            starts: vec![0; (1 << BUCKET_BITS) + 1],
            entries: Vec::with_capacity(literals.len() + 1024),
            literals: Vec::with_capacity(literals.len()),
            texts: Vec::with_capacity(literals.iter().map(Vec::len).sum()),
        };
        for literal in literals {
            let length = u16::try_from(literal.len()).unwrap_or(0);
            let text = u32::try_from(built.texts.len()).unwrap_or(u32::MAX);
            built.literals.push(Literal { head: head(literal), text, length });
            built.texts.extend_from_slice(literal.get(..usize::from(length)).unwrap_or_default());
        }
        let counted = Counted::new();
        // Short ones first: they have no choice, and what is in the tables for them costs the others nothing more.
        let mut order: Vec<(u32, &Vec<u8>)> = (0u32..).zip(literals).collect();
        order.sort_by_key(|(_, literal)| literal.len());
        for (id, literal) in order {
            let literal = literal.as_slice();
            match literal {
                [] | [_] | [_, _] => {}
                [a, b, c] => {
                    for next in (0..=255u8).filter(|next| next & FOLD != 0) {
                        built.add(literal, Entry { four: folded(&[*a, *b, *c, next]), literal: id, offset: 0 });
                    }
                }
                _ => {
                    let cheapest = (0u16..).zip(literal.windows(4)).min_by_key(|(_, four)| built.cost(folded(four), &counted));
                    let (offset, four) = cheapest.map_or((0, 0), |(offset, four)| (offset, folded(four)));
                    built.add(literal, Entry { four, literal: id, offset });
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

    fn add(&mut self, literal: &[u8], entry: Entry) {
        for four in [entry.four, entry.four >> 8] {
            self.trigrams[trigram(four)] = 1;
        }
        let (word, shift) = bit(hash(entry.four));
        self.fours[word] |= 1 << shift;
        let classes = |at: Option<usize>| at.and_then(|at| literal.get(at)).map_or(u64::MAX, |byte| 1 << class(*byte | FOLD));
        let offset = usize::from(entry.offset);
        let neighbours = &mut self.neighbours[bucket(hash(entry.four))];
        neighbours.before |= classes(offset.checked_sub(1));
        neighbours.behind |= classes(Some(offset + 4));
        self.entries.push(entry);
    }

    /// What it costs to look for four bytes: how common they are, and their trigrams unless those are looked for already.
    fn cost(&self, four: u32, counted: &Counted) -> u32 {
        let trigram = |four: u32| match trigram(four) {
            known if self.trigrams[known] != 0 => 0,
            place => Counted::number(counted.trigrams[place]),
        };
        trigram(four) + trigram(four >> 8) + FOUR * Counted::number(counted.fours[Counted::place(four)])
    }

    /// Bytes of a literal.
    pub(super) fn length(&self, literal: u32) -> usize {
        self.literals.get(literal as usize).map_or(0, |literal| usize::from(literal.length))
    }

    /// Calls `hit(literal, start)` once for each occurrence of each literal, by and large from front to back. Of a `binary`, only
    /// the runs of text are looked at, as by `strings -n 11`: most of a program is none.
    #[inline]
    pub(super) fn scan(&self, haystack: &[u8], binary: bool, hit: &mut impl FnMut(u32, usize)) {
        let mut chunk: Chunk = [0; BEFORE + CHUNK + BEHIND];
        let mut bits = [0; CHUNK / SPAN];
        let mut places = [0; CHUNK];
        for at in (0..haystack.len()).step_by(CHUNK) {
            let bits = &mut bits[..(haystack.len() - at).div_ceil(SPAN).min(CHUNK / SPAN)];
            let texts = if binary { texts(haystack, at) } else { Texts::MAX };
            if texts == 0 {
                continue;
            }
            let before = at.min(BEFORE);
            let (_, bytes) = chunk.split_at_mut(BEFORE - before);
            let rest = haystack.get(at - before..).unwrap_or_default();
            let (bytes, missing) = bytes.split_at_mut(rest.len().min(bytes.len()));
            bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = *from | FOLD);
            missing.fill(FOLD);
            self.test(&chunk, texts, bits);
            let count = self.narrow(&chunk, bits, &mut places);
            let count = self.confirm(&chunk, &mut places, count);
            for place in places.get(..count).unwrap_or(&places) {
                let here = usize::from(*place);
                let Some(four) = chunk.get(here..).and_then(|bytes| bytes.first_chunk()) else { break };
                if let Some(start) = (at + here).checked_sub(BEFORE) {
                    self.compare(haystack, start, u32::from_le_bytes(*four), hit);
                }
            }
        }
    }

    /// One bit for each even position of the chunk's `texts` whose trigram is in the first table.
    #[inline(never)]
    fn test(&self, chunk: &Chunk, mut texts: Texts, bits: &mut [u64]) {
        for (word, span) in bits.iter_mut().zip(chunk[BEFORE..].windows(SPAN + 2).step_by(SPAN)) {
            let (mut found, text) = (0, texts & 1 != 0);
            texts >>= 1;
            if !text {
                *word = 0;
                continue;
            }
            // Eight at a time, which the compiler writes out one by one.
            for block in span.windows(16 + 2).step_by(16).rev() {
                let mut eight = 0u8;
                for lane in (0..8).rev() {
                    let four = block.get(2 * lane..).and_then(|bytes| bytes.first_chunk()).map_or(0, |four| u32::from_le_bytes(*four));
                    eight = eight << 1 | self.trigrams[trigram(four)];
                }
                found = found << 8 | u64::from(eight);
            }
            *word = found;
        }
    }

    /// Lists where in the chunk four bytes of the second table start: at the positions of `bits`, and one before each.
    #[inline(never)]
    fn narrow(&self, chunk: &Chunk, bits: &[u64], places: &mut [u16; CHUNK]) -> usize {
        let mut count = 0;
        for (word, bits) in bits.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let before = BEFORE - 1 + word * SPAN + 2 * bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let eight = eight(chunk, before);
                for (place, four) in [(before, eight as u32), (before + 1, (eight >> 8) as u32)] {
                    let (word, shift) = bit(hash(four));
                    if let Some(slot) = places.get_mut(count) {
                        *slot = place as u16;
                    }
                    count += (self.fours[word] >> shift & 1) as usize;
                }
            }
        }
        count
    }

    /// Of the first `count` places, keeps those with a literal's bytes before and behind the four; returns how many.
    #[inline(never)]
    fn confirm(&self, chunk: &Chunk, places: &mut [u16; CHUNK], count: usize) -> usize {
        let mut kept = 0;
        for at in 0..count.min(CHUNK) {
            let place = places[at];
            let eight = eight(chunk, usize::from(place).saturating_sub(1));
            let neighbours = &self.neighbours[bucket(hash((eight >> 8) as u32))];
            if let Some(slot) = places.get_mut(kept) {
                *slot = place;
            }
            kept += (neighbours.before >> class(eight as u8) & neighbours.behind >> class((eight >> 40) as u8) & 1) as usize;
        }
        kept
    }

    /// The literals that have these four bytes.
    fn compare(&self, haystack: &[u8], at: usize, four: u32, hit: &mut impl FnMut(u32, usize)) {
        let bucket = bucket(hash(four));
        let (from, to) = (self.starts[bucket] as usize, self.starts[bucket + 1] as usize);
        for entry in self.entries[from..to].iter().filter(|entry| entry.four == four) {
            let (Some(start), Some(literal)) = (at.checked_sub(usize::from(entry.offset)), self.literals.get(entry.literal as usize))
            else {
                continue;
            };
            let (length, text) = (usize::from(literal.length), literal.text as usize);
            let unused = 64 - 8 * length.min(8);
            // Nearly all that have the four bytes differ here.
            if (head(haystack.get(start..).unwrap_or_default()) ^ literal.head) << unused != 0 {
                continue;
            }
            let literal = self.texts.get(text..text + length).unwrap_or_default();
            if haystack.get(start..start + length).is_some_and(|text| text.eq_ignore_ascii_case(literal)) {
                hit(entry.literal, start);
            }
        }
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
        found_in(prefilter, haystack, false)
    }

    fn found_in(prefilter: &Prefilter, haystack: &[u8], binary: bool) -> Vec<(u32, usize)> {
        let mut out = Vec::new();
        prefilter.scan(haystack, binary, &mut |literal, start| out.push((literal, start)));
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

    /// Literals in runs of text of every length, between other bytes.
    #[test]
    fn of_a_binary_the_runs_of_text_are_searched() {
        let literals: Vec<Vec<u8>> = ["ghp_", "hvs.abc", "://"].iter().map(|l| l.as_bytes().to_vec()).collect();
        let prefilter = Prefilter::new(&literals);
        for literal in &literals {
            for before in (0..700).step_by(13) {
                for (left, right) in (0..RUN).flat_map(|left| [(left, 0), (left, RUN), (0, left)]) {
                    let run = [&vec![b'x'; left][..], literal, &vec![b'~'; right][..]].concat();
                    let haystack = [&vec![0x81; before][..], &run, &vec![0; 500][..]].concat();
                    let hits = found_in(&prefilter, &haystack, true);
                    if run.len() >= RUN {
                        assert_eq!(hits, plain(&literals, &haystack), "{before} {left} {right}");
                    } else if run.len() < 8 && before >= SPAN {
                        assert!(hits.is_empty(), "{before} {left} {right}");
                    }
                }
            }
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

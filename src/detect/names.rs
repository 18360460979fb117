//! Names that values are assigned to: their words, whatever the spelling (`DB_PASSWORD`, `db-password`, `dbPassword`).

/// Longer names are cut in front: what a name means stands at its end.
const LONGEST: usize = 120;
const MOST_WORDS: usize = 24;
/// Longer than any word: puts words at an edge first.
const EDGE: usize = 1 << 16;

/// A name in lower case without separators, and where its words start.
pub(super) struct Name {
    letters: [u8; LONGEST],
    length: usize,
    /// Start of each word, and the end of the last.
    starts: [u8; MOST_WORDS + 1],
    words: usize,
}

impl Name {
    /// Splits at everything that is no letter or digit, and at camel-case humps.
    pub(super) fn new(raw: &[u8]) -> Self {
        let raw = raw.get(raw.len().saturating_sub(LONGEST)..).unwrap_or_default();
        let mut name = Self { letters: [0; LONGEST], length: 0, starts: [0; MOST_WORDS + 1], words: 0 };
        let mut before = b' ';
        for (at, &byte) in raw.iter().enumerate() {
            if !byte.is_ascii_alphanumeric() {
                before = b' ';
                continue;
            }
            let next = raw.get(at + 1).copied().unwrap_or(b' ');
            let hump = byte.is_ascii_uppercase()
                && (before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_ascii_uppercase() && next.is_ascii_lowercase() && next != b's'));
            if (hump || before == b' ') && name.words < MOST_WORDS {
                name.starts[name.words] = name.length as u8;
                name.words += 1;
            }
            name.letters[name.length] = byte.to_ascii_lowercase();
            name.length += 1;
            before = byte;
        }
        name.starts[name.words] = name.length as u8;
        name
    }

    /// All letters and digits, lower case.
    pub(super) fn squashed(&self) -> &[u8] {
        self.letters.get(..self.length).unwrap_or_default()
    }

    /// Number of words.
    pub(super) fn len(&self) -> usize {
        self.words
    }

    /// A word by its position, empty beyond the last.
    pub(super) fn word(&self, at: usize) -> &[u8] {
        if at >= self.words {
            return &[];
        }
        self.letters.get(usize::from(self.starts[at])..usize::from(self.starts[at + 1])).unwrap_or_default()
    }

    /// One bit for each place of [`Self::squashed`] at which a word starts, and for its end.
    fn edges(&self) -> u128 {
        self.starts[..=self.words].iter().fold(0, |edges, start| edges | 1 << *start)
    }
}

/// What was judged before and came to nothing: names that hold no word of a rule and none of a credential, and named values.
/// Those of structured files and of generated code come again and again.
#[derive(Default)]
pub(super) struct Meaningless {
    /// Whose rules it was judged by, see [`Self::belong_to`].
    index: u64,
    /// By hash, byte for byte. Empty until there is one.
    kept: Vec<Known>,
}

/// A name, a value where it counts, and what else counts; as one, so that they are compared at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Known([u8; JUDGED]);

const KEPT_BITS: u32 = 11;
const JUDGED: usize = 64;
/// The last bytes: lengths of name and value, and what else counts.
const FACTS: usize = JUDGED - 6;

impl Known {
    /// `None` where it is too long to be kept.
    pub(super) fn new(name: &[u8], value: &[u8], facts: [u8; 4]) -> Option<Self> {
        let mut bytes = [0; JUDGED];
        let (texts, rest) = bytes.split_at_mut(FACTS);
        let (to, behind) = texts.split_at_mut_checked(name.len())?;
        to.copy_from_slice(name);
        behind.get_mut(..value.len())?.copy_from_slice(value);
        // Both are shorter than FACTS.
        let lengths = [name.len() as u8, value.len() as u8];
        rest.iter_mut().zip(lengths.into_iter().chain(facts)).for_each(|(to, from)| *to = from);
        Some(Self(bytes))
    }

    fn slot(&self) -> usize {
        let mix = |hash: u64, eight: &[u8; 8]| (hash.rotate_left(23) ^ u64::from_le_bytes(*eight)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (self.0.as_chunks::<8>().0.iter().fold(0, mix) >> (64 - KEPT_BITS)) as usize
    }
}

impl Meaningless {
    /// Forgets what was judged by other rules.
    pub(super) fn belong_to(&mut self, index: u64) {
        if self.index != index {
            self.index = index;
            self.kept.clear();
        }
    }

    /// Whether it is known.
    pub(super) fn has(&self, judged: &Known) -> bool {
        self.kept.get(judged.slot()) == Some(judged)
    }

    /// Remembers it; another may be forgotten.
    pub(super) fn add(&mut self, judged: Known) {
        if self.kept.is_empty() {
            self.kept.resize(1 << KEPT_BITS, Known([0xff; JUDGED]));
        }
        if let Some(kept) = self.kept.get_mut(judged.slot()) {
            *kept = judged;
        }
    }
}

/// The words of assigned rules, found in a name in time that does not grow with their number.
pub(super) struct Words {
    /// Words that count only where a word of the name starts: by their first two characters.
    edge: Table,
    /// Words that count anywhere, by their first four.
    anywhere: Table,
}

/// Words by their first characters.
struct Table {
    /// One bit for each key that there is, and some others: most keys end here.
    bits: Box<[u64; 1 << (BITS - 6)]>,
    /// Sorted by bucket.
    words: Vec<Word>,
    /// Where each bucket starts in `words`; one more than there are buckets.
    starts: Vec<u16>,
}

/// A word of an assigned rule.
struct Word {
    /// Its first characters, see [`key`].
    key: u32,
    /// Lower case, without separators.
    letters: Vec<u8>,
    rule: u32,
    use_for: Use,
}

/// What a word counts for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// The name of a value, and what stands near one.
    Name,
    /// Only what stands near: a provider's name for people.
    Near,
}

const BITS: u32 = 16;
const BUCKET_BITS: u32 = 12;

/// Four or two characters as a number.
fn key(characters: &[u8]) -> u32 {
    match characters {
        [a, b, c, d] => u32::from_le_bytes([*a, *b, *c, *d]),
        [a, b] => u32::from_le_bytes([*a, *b, 0, 0]),
        _ => 0,
    }
}

fn hash(key: u32) -> u32 {
    key.wrapping_mul(0x9e37_79b1)
}

fn bucket(hash: u32) -> usize {
    (hash >> (32 - BUCKET_BITS)) as usize
}

impl Table {
    fn new(mut words: Vec<Word>) -> Self {
        let mut table = Self { bits: Box::new([0; 1 << (BITS - 6)]), words: Vec::new(), starts: vec![0; (1 << BUCKET_BITS) + 1] };
        words.truncate(usize::from(u16::MAX));
        words.sort_by_key(|word| bucket(hash(word.key)));
        for word in &words {
            let index = hash(word.key) >> (32 - BITS);
            table.bits[(index >> 6) as usize] |= 1 << (index & 63);
            table.starts[bucket(hash(word.key)) + 1] += 1;
        }
        for at in 1..table.starts.len() {
            table.starts[at] += table.starts[at - 1];
        }
        table.words = words;
        table
    }

    /// The words that begin with these characters.
    fn beginning(&self, characters: &[u8]) -> impl Iterator<Item = &Word> {
        let key = key(characters);
        let index = hash(key) >> (32 - BITS);
        let known = self.bits[(index >> 6) as usize] >> (index & 63) & 1 != 0;
        let bucket = bucket(hash(key));
        let range = if known { usize::from(self.starts[bucket])..usize::from(self.starts[bucket + 1]) } else { 0..0 };
        self.words.get(range).unwrap_or_default().iter().filter(move |word| word.key == key)
    }
}

/// Longest word that counts only as a whole word of the name: `lob` is not in `blob`.
const WHOLE: usize = 4;
/// Shortest word that counts inside another one near a value.
const INSIDE: usize = 8;

impl Words {
    pub(super) fn new(words: impl Iterator<Item = (String, u32, Use)>) -> Self {
        let squash = |word: String| word.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase()).collect::<Vec<u8>>();
        let words = words.map(|(word, rule, use_for)| (squash(word), rule, use_for));
        let mut words: Vec<(Vec<u8>, u32, Use)> = words.filter(|(word, ..)| word.len() >= 2).collect();
        words.sort();
        words.dedup();
        let word = |(letters, rule, use_for): (Vec<u8>, u32, Use)| {
            let first = if letters.len() <= WHOLE { 2 } else { 4 };
            Word { key: key(letters.get(..first).unwrap_or_default()), letters, rule, use_for }
        };
        let (edge, anywhere) = words.into_iter().map(word).partition(|word| word.letters.len() <= WHOLE);
        Self { edge: Table::new(edge), anywhere: Table::new(anywhere) }
    }

    /// The rules whose word is in the name, with the word's length. Words of up to 4 letters count only as whole words
    /// (`lob` is not in `blob`), longer ones anywhere, but in a text near a value those of up to 7 where a word starts or ends;
    /// and those that start where a word of the name starts come first (`cohere_api_key` is Cohere's, not Here's).
    pub(super) fn in_name(&self, name: &Name, wanted: Use, found: &mut Vec<(u32, usize)>) {
        found.clear();
        let letters = name.squashed();
        let edges = name.edges();
        let is_edge = |at: usize| edges >> at & 1 != 0;
        // `ConfigMap` does not name Figma.
        let stands =
            |word: &Word, at: usize| wanted == Use::Name || word.letters.len() >= INSIDE || is_edge(at) || is_edge(at + word.letters.len());
        let mut add = |word: &Word, at: usize| {
            if word.use_for <= wanted && stands(word, at) {
                found.push((word.rule, word.letters.len() + if is_edge(at) { EDGE } else { 0 }));
            }
        };
        for start in name.starts.iter().take(name.words) {
            let at = usize::from(*start);
            let Some(two) = letters.get(at..at + 2) else { continue };
            for word in self.edge.beginning(two) {
                let end = at + word.letters.len();
                if is_edge(end) && letters.get(at..end) == Some(word.letters.as_slice()) {
                    add(word, at);
                }
            }
        }
        for (at, four) in letters.windows(4).enumerate() {
            for word in self.anywhere.beginning(four) {
                if letters.get(at..at + word.letters.len()) == Some(word.letters.as_slice()) {
                    add(word, at);
                }
            }
        }
        // The longest word says most; a rule counts once. What was added for an edge is taken off again.
        found.sort_by_key(|(rule, length)| (std::cmp::Reverse(*length), *rule));
        let mut seen = 0;
        while seen < found.len() {
            let rule = found[seen].0;
            let mut at = 0;
            found.retain(|(other, _)| {
                at += 1;
                at - 1 <= seen || *other != rule
            });
            seen += 1;
        }
        for (_, length) in found.iter_mut() {
            *length %= EDGE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(raw: &str) -> Vec<String> {
        let name = Name::new(raw.as_bytes());
        (0..name.len()).map(|at| String::from_utf8_lossy(name.word(at)).into_owned()).collect()
    }

    #[test]
    fn every_spelling_gives_the_same_words() {
        for raw in
            ["DB_ROOT_PASSWORD", "db-root-password", "dbRootPassword", "db.root.password", "DBRootPassword", "$db['root']['password']"]
        {
            assert_eq!(words(raw), ["db", "root", "password"], "{raw}");
        }
        assert_eq!(words("APIKey"), ["api", "key"]);
        assert_eq!(words("s3Key2"), ["s3", "key2"]);
        assert_eq!(words(&"long_".repeat(100)).len(), 24, "bounded");
        assert!(words("").is_empty());
    }

    #[test]
    fn what_came_to_nothing_is_known_again_until_the_rules_change() {
        let of = |name: &str, value: &str, fact: u8| Known::new(name.as_bytes(), value.as_bytes(), [fact, 0, 0, 0]).expect("short");
        let mut known = Meaningless::default();
        known.belong_to(1);
        assert!(!known.has(&of("token", "next", 0)) && !known.has(&of("", "", 0)));
        known.add(of("token", "next", 0));
        assert!(known.has(&of("token", "next", 0)));
        for other in
            [of("toke", "nnext", 0), of("token", "next", 1), of("token", "next\0", 0), of("token\0", "next", 0), of("token", "", 0)]
        {
            assert!(!known.has(&other));
        }
        known.belong_to(2);
        assert!(!known.has(&of("token", "next", 0)));
        assert!(Known::new(&[b'x'; FACTS], b"", [0; 4]).is_some());
        assert!(Known::new(&[b'x'; FACTS], b"y", [0; 4]).is_none() && Known::new(&[b'x'; FACTS + 1], b"", [0; 4]).is_none());
    }

    #[test]
    fn short_words_match_whole_words_only() {
        let index =
            Words::new([("lob", 1), ("dd_api", 2), ("datadog", 3)].into_iter().map(|(word, rule)| (word.to_owned(), rule, Use::Name)));
        let rules = |raw: &str| {
            let mut found = Vec::new();
            index.in_name(&Name::new(raw.as_bytes()), Use::Name, &mut found);
            found.into_iter().map(|(rule, _)| rule).collect::<Vec<_>>()
        };
        assert_eq!(rules("LOB_API_KEY"), [1]);
        assert!(rules("BLOB_API_KEY").is_empty());
        assert_eq!(rules("ddApiKey"), [2]);
        assert_eq!(rules("DD-API-KEY"), [2]);
        assert_eq!(rules("my_datadog_datadog_key"), [3]);
    }
}

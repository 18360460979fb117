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

/// The words of assigned rules, found in a name in time that does not grow with their number.
pub(super) struct Words {
    /// Sorted by the first two characters.
    words: Vec<Word>,
    /// Words that count only where a word of the name starts: by their first two characters.
    edge: Box<Bits>,
    /// Words that count anywhere, by their first four.
    anywhere: Box<Bits>,
    /// First and one past the last of `words` for each pair of leading characters.
    pairs: Vec<(u16, u16)>,
}

/// A word of an assigned rule.
struct Word {
    /// Its first characters, as in [`four`].
    four: u32,
    /// Lower case, without separators.
    letters: Vec<u8>,
    rule: u32,
}

const BITS: u32 = 16;
type Bits = [u64; 1 << (BITS - 6)];

/// Up to four characters as a number.
fn four(characters: &[u8]) -> u32 {
    match characters {
        [a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]),
        [a, b, ..] => u32::from_le_bytes([*a, *b, 0, 0]),
        _ => 0,
    }
}

/// Word and bit of a [`Bits`] for a number.
fn place(four: u32) -> (usize, u32) {
    let index = four.wrapping_mul(0x9e37_79b1) >> (32 - BITS);
    ((index >> 6) as usize, index & 63)
}

fn holds(bits: &Bits, four: u32) -> bool {
    let (word, shift) = place(four);
    bits[word] >> shift & 1 != 0
}

/// Longest word that counts only as a whole word of the name: `lob` is not in `blob`.
const WHOLE: usize = 4;

/// Five bits for each of two characters; letters that share bits are told apart by comparison.
fn pair(first: u8, second: u8) -> usize {
    usize::from(first & 31) << 6 | usize::from(second & 63)
}

impl Words {
    pub(super) fn new(words: impl Iterator<Item = (String, u32)>) -> Self {
        let squash = |word: String| word.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase()).collect::<Vec<u8>>();
        let mut words: Vec<(Vec<u8>, u32)> = words.map(|(word, rule)| (squash(word), rule)).filter(|(word, _)| word.len() >= 2).collect();
        words.sort_by(|a, b| (pair(a.0[0], a.0[1]), b.0.len(), &a.0, a.1).cmp(&(pair(b.0[0], b.0[1]), a.0.len(), &b.0, b.1)));
        words.dedup();
        let mut pairs = vec![(0u16, 0u16); 1 << 11];
        for (at, (word, _)) in (0u16..).zip(&words) {
            let slot = &mut pairs[pair(word[0], word[1])];
            if slot.1 == 0 {
                slot.0 = at;
            }
            slot.1 = at + 1;
        }
        let (mut edge, mut anywhere) = (Box::new([0u64; 1 << (BITS - 6)]), Box::new([0u64; 1 << (BITS - 6)]));
        for (word, _) in &words {
            let (bits, characters) = if word.len() <= WHOLE { (&mut edge, 2) } else { (&mut anywhere, 4) };
            let (at, shift) = place(four(&word[..characters]));
            bits[at] |= 1 << shift;
        }
        let words = words.into_iter().map(|(letters, rule)| Word { four: four(&letters), letters, rule }).collect();
        Self { words, edge, anywhere, pairs }
    }

    /// The words that begin with the same two characters, and some others.
    fn beginning(&self, characters: &[u8]) -> &[Word] {
        let [first, second, ..] = characters else { return &[] };
        let (from, to) = self.pairs[pair(*first, *second)];
        self.words.get(usize::from(from)..usize::from(to)).unwrap_or_default()
    }

    /// The rules whose word is in the name, with the word's length. Words of up to 4 letters count only as whole words
    /// (`lob` is not in `blob`), those of up to 7 where a word of the name starts or ends (`glean` is not in
    /// `googleAnalytics`), longer ones anywhere; but those that start where a word of the name starts come first
    /// (`cohere_api_key` is Cohere's, not Here's).
    pub(super) fn in_name(&self, name: &Name, found: &mut Vec<(u32, usize)>) {
        found.clear();
        let letters = name.squashed();
        let edges = name.edges();
        let is_edge = |at: usize| edges >> at & 1 != 0;
        let mut add = |rule: u32, length: usize, at: usize| found.push((rule, length + if is_edge(at) { EDGE } else { 0 }));
        // Nearly every name ends in these two loops, which is why they do so little.
        for start in name.starts.iter().take(name.words) {
            let at = usize::from(*start);
            let Some(two) = letters.get(at..at + 2).filter(|two| holds(&self.edge, four(two))) else { continue };
            for word in self.beginning(two).iter().filter(|word| word.letters.len() <= WHOLE) {
                let end = at + word.letters.len();
                if is_edge(end) && letters.get(at..end) == Some(word.letters.as_slice()) {
                    add(word.rule, word.letters.len(), at);
                }
            }
        }
        for (at, characters) in letters.windows(4).enumerate() {
            let number = four(characters);
            if !holds(&self.anywhere, number) {
                continue;
            }
            for word in self.beginning(characters).iter().filter(|word| word.four == number && word.letters.len() > WHOLE) {
                if letters.get(at..at + word.letters.len()) == Some(word.letters.as_slice()) {
                    add(word.rule, word.letters.len(), at);
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
    fn short_words_match_whole_words_only() {
        let index = Words::new([("lob", 1), ("dd_api", 2), ("datadog", 3)].into_iter().map(|(word, rule)| (word.to_owned(), rule)));
        let rules = |raw: &str| {
            let mut found = Vec::new();
            index.in_name(&Name::new(raw.as_bytes()), &mut found);
            found.into_iter().map(|(rule, _)| rule).collect::<Vec<_>>()
        };
        assert_eq!(rules("LOB_API_KEY"), [1]);
        assert!(rules("BLOB_API_KEY").is_empty());
        assert_eq!(rules("ddApiKey"), [2]);
        assert_eq!(rules("DD-API-KEY"), [2]);
        assert_eq!(rules("my_datadog_datadog_key"), [3]);
    }
}

//! Takes credentials out of everything else that a report shows: instructions, paths, member names, reasons.
//!
//! An instruction such as `ENV TOKEN=…` is itself a place where a credential was found, and a report quotes instructions.

use zeroize::Zeroizing;

use crate::{Secret, detect::looks_generated};

/// Shorter values are words; taking them out of paths would only make those unreadable.
const SHORTEST: usize = 5;

/// Up to here, a value of letters only is a word.
const WORD: usize = 16;

/// The values to take out.
#[derive(Default)]
pub(super) struct Scrub {
    words: Values,
    others: Values,
}

/// Values that are searched for all at once: a layer may hold a hundred thousand of them, and as many paths.
#[derive(Default)]
struct Values {
    /// Sorted, so that those which a text goes on with are found by halving.
    sorted: Vec<Zeroizing<Vec<u8>>>,
    /// Which first two bytes any of them has: most places of a text are ruled out by that.
    beginnings: Vec<bool>,
}

impl Values {
    fn new(mut values: Vec<Zeroizing<Vec<u8>>>) -> Self {
        values.sort_unstable_by(|a, b| a.as_slice().cmp(b.as_slice()));
        values.dedup();
        let mut beginnings = if values.is_empty() { Vec::new() } else { vec![false; 1 << 16] };
        for value in &values {
            if let Some(known) = beginning(value).and_then(|at| beginnings.get_mut(at)) {
                *known = true;
            }
        }
        Self { sorted: values, beginnings }
    }

    /// Length of the longest value that `text` begins with.
    fn longest(&self, text: &[u8]) -> Option<usize> {
        if !beginning(text).and_then(|at| self.beginnings.get(at)).is_some_and(|known| *known) {
            return None;
        }
        let mut text = text;
        loop {
            // What `text` begins with sorts before it. The last one before it shares the most bytes with it, so a value
            // that `text` begins with is no longer than those.
            let after = self.sorted.partition_point(|value| value.as_slice() <= text);
            let before = self.sorted.get(after.checked_sub(1)?)?;
            let shared = before.iter().zip(text).take_while(|(a, b)| a == b).count();
            if shared == before.len() {
                return Some(shared);
            }
            text = text.get(..shared).filter(|text| text.len() >= SHORTEST)?;
        }
    }
}

fn beginning(text: &[u8]) -> Option<usize> {
    let (first, rest) = text.split_first()?;
    Some(usize::from(*first) << 8 | usize::from(*rest.first()?))
}

impl Scrub {
    pub(super) fn new<'s>(secrets: impl Iterator<Item = &'s Secret>) -> Self {
        let (words, others) = secrets
            .filter(|secret| secret.len() >= SHORTEST && std::str::from_utf8(secret.expose()).is_ok())
            .map(|secret| Zeroizing::new(secret.expose().to_vec()))
            .partition(|value| value.len() < WORD && value.iter().all(u8::is_ascii_alphabetic));
        Self { words: Values::new(words), others: Values::new(others) }
    }

    /// The text without them.
    pub(super) fn text(&self, text: &str) -> String {
        without(text, |rest| self.words.longest(rest).max(self.others.longest(rest)))
    }

    /// A path without them. Values that are words stay: `postgres` for a password tells nothing in `lib/postgresql/x`, and
    /// without it nobody finds the file.
    pub(super) fn path(&self, text: &str) -> String {
        without(text, |rest| self.others.longest(rest))
    }

    /// The text without them and without whatever else looks like a key: of what people type nobody has told what it is.
    pub(super) fn quote(&self, text: &str) -> String {
        without_keys(&self.text(text))
    }

    pub(super) fn apply(&self, text: &mut String) {
        let scrubbed = self.text(text);
        if scrubbed != *text {
            *text = scrubbed;
        }
    }
}

/// What a digest stands behind, in instructions of builders and references to images.
const DIGESTS: [&str; 5] = ["sha256:", "sha512:", "file:", "dir:", "multi:"];

/// The text with `****` for each word that looks like a generated key.
fn without_keys(text: &str) -> String {
    let in_word = |c: char| c.is_ascii_alphanumeric() || "_-+/~".contains(c);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(in_word) {
        let (before, word) = rest.split_at(start);
        let (word, behind) = word.split_at(word.find(|c| !in_word(c)).unwrap_or(word.len()));
        out.push_str(before);
        rest = behind;
        let is_key = |word: &str| looks_generated(word.as_bytes());
        if DIGESTS.iter().any(|label| out.ends_with(label)) || !(is_key(word) || word.split('/').any(is_key)) {
            out.push_str(word);
        } else if word.split('/').any(is_key) {
            // A folder of a path.
            out.push_str(&word.split('/').map(|part| if is_key(part) { "****" } else { part }).collect::<Vec<_>>().join("/"));
        } else {
            out.push_str("****");
        }
    }
    out + rest
}

/// The text with `****` for every stretch that values cover; where they overlap, nothing of any is left.
fn without(text: &str, longest: impl Fn(&[u8]) -> Option<usize>) -> String {
    let mut out = String::new();
    let (mut kept, mut hidden) = (0, None::<(usize, usize)>);
    for at in 0..text.len() {
        let Some(length) = text.as_bytes().get(at..).and_then(&longest) else { continue };
        hidden = match hidden {
            Some((start, end)) if at < end => Some((start, end.max(at + length))),
            past => {
                if let Some((start, end)) = past {
                    out.push_str(text.get(kept..start).unwrap_or_default());
                    out.push_str("****");
                    kept = end;
                }
                Some((at, at + length))
            }
        };
    }
    if let Some((start, end)) = hidden {
        out.push_str(text.get(kept..start).unwrap_or_default());
        out.push_str("****");
        kept = end;
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_value_goes_first() {
        let secrets = [Secret::new(b"abcdef"), Secret::new(b"abcdefgh"), Secret::new(b"sh")];
        let scrub = Scrub::new(secrets.iter());
        assert_eq!(scrub.text("/bin/sh -c abcdefgh abcdef"), "/bin/sh -c **** ****");
    }

    #[test]
    fn nothing_is_left_of_values_that_overlap_or_share_a_beginning() {
        let scrub = |values: &[&str], text: &str| {
            let secrets: Vec<_> = values.iter().map(|value| Secret::new(value.as_bytes())).collect();
            Scrub::new(secrets.iter()).text(text)
        };
        assert_eq!(scrub(&["abc123", "123xyz"], "-abc123xyz-"), "-****-");
        assert_eq!(scrub(&["abc123", "abc123zz", "abc124"], "é abc123zy é"), "é ****zy é");
        assert_eq!(scrub(&["abc12é", "abc12éé"], "abc12éé"), "****");
        assert_eq!(scrub(&["abc123"], "abc123abc123"), "********");
        assert_eq!(scrub(&[], "abc"), "abc");
    }

    /// Each value was once looked for in each path.
    #[test]
    fn many_values_and_many_paths_take_no_product_of_both() {
        let secrets: Vec<_> = (0..50_000).map(|n| Secret::new(format!("AKIA{n:016}").as_bytes())).collect();
        let scrub = Scrub::new(secrets.iter());
        let start = std::time::Instant::now();
        for n in 0..20_000 {
            assert_eq!(scrub.path(&format!("srv/app/AKIA{n:016}/config.yml")), "srv/app/****/config.yml");
        }
        assert!(start.elapsed().as_secs() < 20, "a billion searches take minutes");
    }

    #[test]
    fn what_looks_like_a_key_is_not_quoted() {
        let key = &crate::detect::samples::fill("{alnum:20}", 3);
        for line in [
            "RUN cargo login {}",
            "RUN echo '{}' | sudo -S make",
            "RUN x --token={} y",
            "COPY a /opt/{}/bin",
            "RUN etcdctl --user root:{} get",
        ] {
            let quoted = Scrub::default().quote(&line.replace("{}", key));
            assert_eq!(quoted, line.replace("{}", "****"));
        }
        let digest = "4b5cd0f6b3a91e7c".repeat(4);
        for line in [
            format!("ADD file:{digest} in /"),
            format!("FROM debian@sha256:{digest}"),
            "RUN apt-get install -y libssl1.1=1.1.1n-0+deb11u5 x86_64-linux-gnu-gcc".to_owned(),
        ] {
            assert_eq!(Scrub::default().quote(&line), line);
        }
    }

    #[test]
    fn words_stay_in_paths() {
        let secrets = [Secret::new(b"postgres"), Secret::new(b"q8Zr2LxW")];
        let scrub = Scrub::new(secrets.iter());
        assert_eq!(scrub.path("usr/lib/postgresql/q8Zr2LxW/x"), "usr/lib/postgresql/****/x");
        assert_eq!(scrub.text("psql -p postgres"), "psql -p ****");
    }
}

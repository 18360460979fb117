//! Patterns of rules: what is known of their matches before anything is searched, and the search.

use std::{borrow::Cow, ops::Range, sync::OnceLock};

use regex_automata::{Anchored, Input, meta::Regex};
use regex_syntax::hir::{
    Class, Hir, HirKind,
    literal::{Extractor, Literal},
};

use super::matcher::{ByteSet, Hit, Program};

/// A pattern that is parsed on first use.
#[derive(Debug)]
pub struct Pattern {
    source: Cow<'static, str>,
    /// Literals that the pattern may start with; empty for assigned rules.
    anchors: Vec<Cow<'static, str>>,
    parsed: OnceLock<Parsed>,
    /// For what the program cannot tell.
    automaton: OnceLock<Option<Regex>>,
}

#[derive(Debug)]
struct Parsed {
    reach: Reach,
    program: Option<Program>,
}

/// How far a match can reach.
#[derive(Debug)]
pub(super) struct Reach {
    /// Bytes of the shortest match.
    shortest: usize,
    /// Bytes of the longest match, at most [`LONGEST`].
    pub(super) longest: usize,
    /// Every match starts with one of the anchors, so that nothing before it matters.
    pub(super) at_anchor: bool,
    /// The bytes with which every match begins, as far as the pattern fixes their number.
    lead: Vec<ByteSet>,
    /// The anchor in the midst of every match and what follows it, as far as the pattern fixes their number; empty where the
    /// anchor's place is not known.
    from_anchor: Vec<ByteSet>,
    /// It takes nearly any byte somewhere: the form of a password, not a format.
    pub(super) loose: bool,
    /// A set of which every match has so many bytes in a row, where they are many and the match is short.
    run: Option<(ByteSet, usize)>,
}

impl Reach {
    /// Whether a match may begin with these bytes: tells most places from a credential before the pattern is even compiled.
    pub(super) fn may_begin(&self, text: &[u8]) -> bool {
        begins(&self.lead, text)
    }

    /// Whether a match may be within this text: nearly always not, where it must hold the many digits of a key.
    pub(super) fn may_be_within(&self, text: &[u8]) -> bool {
        let Some((set, length)) = &self.run else { return true };
        let (mut start, mut end) = (0, *length);
        // Where a byte is none of the set, no run that has it in its midst is looked at.
        while let Some(run) = text.get(start..end) {
            match run.iter().rposition(|byte| !set.has(*byte)) {
                None => return true,
                Some(other) => start += other + 1,
            }
            end = start + length;
        }
        false
    }

    /// Whether a match may have its anchor where this text starts.
    pub(super) fn may_hold(&self, text: &[u8]) -> bool {
        begins(&self.from_anchor, text)
    }
}

/// Whether each of the first bytes is in its set.
fn begins(sets: &[ByteSet], text: &[u8]) -> bool {
    text.len() >= sets.len() && sets.iter().zip(text).all(|(set, byte)| set.has(*byte))
}

/// Whether a text that starts with these letters, of either case, can have each of its first bytes in its set.
fn could_begin(sets: &[ByteSet], letters: &[u8]) -> bool {
    sets.iter().zip(letters).all(|(set, letter)| set.has(letter.to_ascii_lowercase()) || set.has(letter.to_ascii_uppercase()))
}

/// Positions of [`Reach::lead`].
const LEAD: usize = 24;

/// Whether the pattern takes more bytes at some place than letters, digits and a dozen others.
fn loose(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) => false,
        HirKind::Class(Class::Bytes(class)) => {
            class.ranges().iter().map(|range| usize::from(range.end() - range.start()) + 1).sum::<usize>() > 76
        }
        HirKind::Class(Class::Unicode(_)) => true,
        HirKind::Repetition(repetition) => loose(&repetition.sub),
        HirKind::Capture(capture) => loose(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(loose),
    }
}

/// Bytes in a row that text seldom has.
const LONG_RUN: u32 = 24;

/// The longest run of bytes of one set that every match holds.
fn run(hir: &Hir) -> Option<(ByteSet, usize)> {
    match hir.kind() {
        HirKind::Repetition(repetition) if repetition.min >= LONG_RUN => match repetition.sub.kind() {
            HirKind::Class(class) => ByteSet::of(class).map(|set| (set, repetition.min as usize)),
            _ => None,
        },
        HirKind::Capture(capture) => run(&capture.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(run).max_by_key(|(_, length)| *length),
        _ => None,
    }
}

/// Adds the bytes with which every match of `hir` begins; whether what follows `hir` stands right behind them.
fn lead(hir: &Hir, sets: &mut Vec<ByteSet>) -> bool {
    if sets.len() >= LEAD {
        return false;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            sets.extend(literal.0.iter().map(|byte| ByteSet::one(*byte)));
            true
        }
        HirKind::Class(class) => ByteSet::of(class).map(|set| sets.push(set)).is_some(),
        HirKind::Capture(capture) => lead(&capture.sub, sets),
        HirKind::Concat(parts) => parts.iter().all(|part| lead(part, sets)),
        HirKind::Repetition(repetition) => {
            // Each adds a set, or all are empty: more than `LEAD` rounds change nothing.
            let rounds = (repetition.min as usize).min(LEAD);
            (0..rounds).all(|_| lead(&repetition.sub, sets)) && repetition.max == Some(repetition.min)
        }
        HirKind::Alternation(branches) => {
            let each: Vec<(Vec<ByteSet>, bool)> = branches
                .iter()
                .map(|branch| {
                    let mut own = Vec::new();
                    let ends = lead(branch, &mut own);
                    (own, ends)
                })
                .collect();
            let shortest = each.iter().map(|(own, _)| own.len()).min().unwrap_or(0);
            for at in 0..shortest {
                let mut set = ByteSet::default();
                each.iter().filter_map(|(own, _)| own.get(at)).for_each(|own| set.join(own));
                sets.push(set);
            }
            each.iter().all(|(own, ends)| *ends && own.len() == shortest)
        }
    }
}

/// Bytes of the longest match of a pattern that sets no bound: private keys in PEM.
const LONGEST: usize = 32 << 10;

/// Steps of a byte in an automaton that has outgrown its cache.
const AUTOMATON: usize = 16;

/// Bytes of the longest match of a pattern that backtracking may match.
const SHORT: usize = 512;

impl Pattern {
    pub(super) fn new(source: Cow<'static, str>, anchors: Vec<Cow<'static, str>>) -> Self {
        Self { source, anchors, parsed: OnceLock::new(), automaton: OnceLock::new() }
    }

    #[cfg(test)]
    pub(super) fn for_test(source: &'static str, anchors: &[&str]) -> Self {
        Self::new(Cow::Borrowed(source), anchors.iter().map(|anchor| Cow::Owned((*anchor).to_owned())).collect())
    }

    #[cfg(test)]
    pub(super) fn compiles(&self) -> bool {
        self.automaton().is_some()
    }

    /// As written in the rule file.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// As an automaton, which the crate `regex` would compile alike; `None` only for a built-in pattern that does not compile,
    /// which a test rules out. Large: a last resort.
    fn automaton(&self) -> Option<&Regex> {
        let whole = self.anchors.is_empty();
        let anchored = || whole || (self.reach().at_anchor && self.reach().longest <= SHORT);
        self.automaton.get_or_init(|| compile(&self.source, anchored()).ok()).as_ref()
    }

    /// The leftmost match that starts at one of `starts`. Adds the steps that it takes to `spent`.
    pub(super) fn search(&self, text: &[u8], starts: Range<usize>, spent: &mut usize) -> Option<Hit> {
        let Parsed { reach, program } = self.parsed();
        if let Some(program) = program
            && let Ok(hit) = program.search(text, starts.clone(), |rest| reach.may_begin(rest), spent)
        {
            return hit;
        }
        *spent = spent.saturating_add(text.len().saturating_sub(starts.start).saturating_mul(AUTOMATON));
        searched(self.automaton()?, text, starts)
    }

    /// Whether a value matches, for patterns of whole values.
    pub(super) fn is_whole(&self, value: &[u8]) -> bool {
        // Most values of a name that some rule knows are too short or of other letters.
        self.may_be_whole(value) && self.search(value, 0..1, &mut 0).is_some()
    }

    /// Whether a value is as long as a match is, and begins as one.
    pub(super) fn may_be_whole(&self, value: &[u8]) -> bool {
        let reach = self.reach();
        (reach.shortest..=reach.longest).contains(&value.len()) && reach.may_begin(value)
    }

    /// How far a match can reach from an anchor, and how it begins.
    pub(super) fn reach(&self) -> &Reach {
        &self.parsed().reach
    }

    fn parsed(&self) -> &Parsed {
        self.parsed.get_or_init(|| match regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&self.source) {
            Ok(hir) => Parsed { reach: self.reach_of(&hir), program: Program::new(&hir) },
            Err(_) => Parsed {
                reach: Reach {
                    shortest: 0,
                    longest: LONGEST,
                    at_anchor: false,
                    lead: Vec::new(),
                    from_anchor: Vec::new(),
                    loose: true,
                    run: None,
                },
                program: None,
            },
        })
    }

    fn reach_of(&self, hir: &Hir) -> Reach {
        let is_any = |is: &dyn Fn(&[u8], &[u8]) -> bool, prefix: &[u8]| self.anchors.iter().any(|anchor| is(prefix, anchor.as_bytes()));
        let all = |prefixes: &[Literal], is| !prefixes.is_empty() && prefixes.iter().all(|prefix| is_any(is, prefix.as_bytes()));
        let holds = |prefix: &[u8], anchor: &[u8]| prefix.get(..anchor.len()).is_some_and(|head| head.eq_ignore_ascii_case(anchor));
        // A class behind the anchor has more members than prefixes are listed for: then they are shorter than the anchor.
        let begins = |prefix: &[u8], anchor: &[u8]| {
            let common = prefix.len().min(anchor.len());
            common > 2 && prefix.get(..common).zip(anchor.get(..common)).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
        };
        // Most patterns are of whole values: nothing starts them.
        let own = if self.anchors.is_empty() { Vec::new() } else { prefixes(hir) };
        let lead = sets(hir);
        // Anchors that only go on where every match has begun (`re_` and `re_a` to `re_z`) are how matches begin, too. Not
        // `AccountKey` where matches begin with `AccountName`: of either case, few letters of a prefix are told.
        let goes_on = |anchor: &[u8]| own.iter().any(|prefix| begins(prefix.as_bytes(), anchor)) && could_begin(&lead, anchor);
        let at_anchor = all(&own, &holds) || (all(&own, &begins) && self.anchors.iter().all(|anchor| goes_on(anchor.as_bytes())));
        let parts = match hir.kind() {
            HirKind::Concat(parts) if !at_anchor && !self.anchors.is_empty() => parts.as_slice(),
            _ => &[],
        };
        let rests = (1..parts.len()).map(|from| Hir::concat(parts.get(from..).unwrap_or_default().to_vec()));
        // Each anchor must fit there: one that stands elsewhere in the pattern is no reason to reject.
        let fits = |sets: &Vec<ByteSet>| self.anchors.iter().all(|anchor| could_begin(sets, anchor.as_bytes()));
        let places = rests.filter(|rest| all(&prefixes(rest), &begins));
        let from_anchor = places.map(|rest| sets(&rest)).find(fits).unwrap_or_default();
        Reach {
            shortest: hir.properties().minimum_len().unwrap_or(0),
            longest: hir.properties().maximum_len().unwrap_or(LONGEST).min(LONGEST),
            at_anchor,
            lead,
            from_anchor,
            loose: loose(hir),
            run: run(hir).filter(|_| hir.properties().maximum_len().is_some_and(|longest| longest <= SHORT)),
        }
    }
}

/// How matches of `hir` start; empty where that is not known.
fn prefixes(hir: &Hir) -> Vec<Literal> {
    Extractor::new().extract(hir).literals().unwrap_or_default().to_vec()
}

/// The bytes with which every match of `hir` begins.
fn sets(hir: &Hir) -> Vec<ByteSet> {
    let mut sets = Vec::new();
    lead(hir, &mut sets);
    sets.truncate(LEAD);
    sets
}

/// The same search by an automaton.
fn searched(regex: &Regex, text: &[u8], starts: Range<usize>) -> Option<Hit> {
    let mut input = Input::new(text).range(starts.start.min(text.len())..);
    if starts.len() == 1 {
        input.set_anchored(Anchored::Yes);
    }
    let whole = regex.search(&input)?.range();
    let mut secret = None;
    if regex.captures_len() > 1 {
        let mut groups = regex.create_captures();
        regex.search_captures(&input.range(whole.start..), &mut groups);
        secret = groups.get_group_by_name("secret").map(|group| group.range());
    }
    starts.contains(&whole.start).then_some(Hit { whole, secret })
}

/// Bounded: a user's rule cannot take the machine down, nor can a few hundred patterns fill the memory with their caches.
///
/// `anchored`: it is searched at a given place of a short text only. Backtracking does that with one automaton in place of four.
pub(super) fn compile(source: &str, anchored: bool) -> Result<Regex, String> {
    let config = Regex::config()
        .utf8_empty(false)
        .nfa_size_limit(Some(4 << 20))
        .hybrid(!anchored)
        .onepass(!anchored)
        .hybrid_cache_capacity(192 << 10);
    let syntax = regex_automata::util::syntax::Config::new().unicode(false).utf8(false);
    let built = Regex::builder().configure(config).syntax(syntax).build(source);
    built.map_err(|error| error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{
        rule::{self, Shape},
        samples,
    };

    #[test]
    fn what_may_begin_a_match() {
        for (source, begins, never) in [
            ("sk-[a-z]{3}[0-9]", "sk-abc1", "sk-ab11"),
            ("(?:ab|cd)x", "cdx", "adz"),
            ("(?:ab|c)x", "cx", "dx"),
            ("(?i:tok)_(?P<secret>[0-9]{2,9})", "ToK_12", "tok_1a"),
            ("tok_[a-z]+x", "tok_a", "tok_1"),
        ] {
            let pattern = Pattern::for_test(source, &[]);
            assert!(pattern.reach().may_begin(begins.as_bytes()), "{source} {begins}");
            assert!(!pattern.reach().may_begin(never.as_bytes()), "{source} {never}");
        }
        assert!(!Pattern::for_test("tok_[0-9]{8}", &[]).reach().may_begin(b"tok_1"), "the text ends too early");
    }

    #[test]
    fn what_may_follow_an_anchor_in_the_midst() {
        for (source, anchor, holds, never) in [
            ("[a-z]{3}7Q~[A-Z]{4}[0-9]?", "7Q~A", "7Q~AAAA", "7Q~AAA1"),
            ("https?://[a-z]{1,9}/hooks/(?P<secret>[a-z0-9]{5})", "/hooks/", "/hooks/abcde", "/hooks/abc"),
            ("(?i)auth[a-z]{0,9}: {0,2}api-key [0-9]{4}", "API-Key ", "api-KEY 1234", "api-key for"),
        ] {
            let pattern = Pattern::for_test(source, &[anchor]);
            assert!(!pattern.reach().at_anchor, "{source}");
            assert!(pattern.reach().may_hold(holds.as_bytes()), "{source} {holds}");
            assert!(!pattern.reach().may_hold(never.as_bytes()), "{source} {never}");
        }
        let elsewhere = Pattern::for_test("(?:sk|rk)[a-z]{1,9}", &["tok_"]);
        assert!(elsewhere.reach().may_hold(b"anything"), "where nothing is known, everything may be");
    }

    /// Asks the program and the automaton the same; counts what the program gave up.
    fn compare(pattern: &Pattern, text: &[u8], weary: &mut u32) {
        let Some(program) = &pattern.parsed().program else { return };
        let automaton = pattern.automaton().expect("it compiles");
        for starts in [0..1, 0..text.len() + 1, text.len() / 2..text.len()] {
            match program.search(text, starts.clone(), |_| true, &mut 0) {
                Ok(hit) => assert_eq!(hit, searched(automaton, text, starts.clone()), "{} in {}", pattern.source(), text.escape_ascii()),
                Err(_) => *weary += 1,
            }
            // Starts that are told by the first bytes are none of a match's.
            assert_eq!(pattern.search(text, starts.clone(), &mut 0), searched(automaton, text, starts), "{}", pattern.source());
        }
    }

    #[test]
    fn programs_find_what_automata_find() {
        let texts = ["", "a", "ab", "aab", "abab", "abcabcab", "b a.b\n a", "aaaaaaaaac", "xaxbxaxb", "foo bar\nbaz", "a\nb", "aBcAbC--__"];
        for source in [
            "a*",
            "a+?b",
            "(?:ab)*",
            "(?:ab){2,3}?a",
            "(?:a|ab)(?:c|bcd)?",
            "(?:a|ab)*c",
            "(?:[ab]{2}c?){2,}",
            "\\ba",
            "a\\b",
            "a\\B",
            "(?m)^b$",
            "^(?:a|b)+$",
            "(?:x(?P<secret>[ab])){2}",
            "(?P<secret>a)|b",
            "(?:(?P<secret>a)|b)+",
            "(?:(?:ab?){1,2}c?){2}",
            "(?s).{2,5}?b",
            "[^b]{0,3}b",
            "(?:(?:a{1,2}b?)+c?)+",
            "(?i)abc(?:ab){1,2}",
            "(?:)",
            "a{0}b",
            "[a&&b]|a",
            "(?:a?)?b",
            "(?:a{2}|b){3}",
            "(?:foo|bar|baz)(?:\\s|$)",
        ] {
            let pattern = Pattern::for_test(source, &[]);
            assert!(pattern.parsed().program.is_some(), "{source}");
            texts.iter().for_each(|text| compare(&pattern, text.as_bytes(), &mut 0));
        }
        for source in ["(?:a*)*", "(?u:\\pL)", "\\b{start}a"] {
            assert!(Pattern::for_test(source, &[]).parsed().program.is_none(), "{source}");
        }
    }

    #[test]
    fn built_in_patterns_find_what_automata_find() {
        let mut random = 7u64;
        let mut below = |most: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).unwrap_or(0) % most.max(1)
        };
        let (mut programs, mut weary, mut texts) = (0, 0, 0);
        let rules = rule::built_in();
        for rule in &rules {
            let (Shape::Token { pattern, .. } | Shape::Assigned { value: pattern, .. }) = &rule.shape else { continue };
            programs += u32::from(pattern.parsed().program.is_some());
            for (seed, sample) in (0..).zip(rule.samples.iter().chain(&rule.near_misses)) {
                let text = samples::fill(sample, seed).into_bytes();
                compare(pattern, &text, &mut weary);
                for _ in 0..6 {
                    let mut changed = text.clone();
                    match (below(4), below(text.len())) {
                        (0, at) => changed.truncate(at),
                        (1, at) => changed.iter_mut().skip(at).take(1).for_each(|byte| *byte = b" \"'.-_aZ0\n"[below(10)]),
                        (2, at) => changed.insert(at, b" \"'.-_aZ0\n"[below(10)]),
                        (_, at) => changed.extend_from_within(at..),
                    }
                    compare(pattern, &changed, &mut weary);
                    texts += 1;
                }
            }
        }
        assert!(programs > 1900 && texts > 10_000, "{programs} of {} rules have a program, {texts} texts", rules.len());
        assert!(weary < texts / 100, "{weary} of {texts} were given up");
    }
}

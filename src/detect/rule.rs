//! Rules: what the data files say, checked once.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use regex_automata::meta::Regex;
use regex_syntax::hir::{Class, Hir, HirKind, literal::Extractor};

use super::schema::{RawRule, RuleFile};
use crate::{
    finding::{Confidence, Severity},
    secret::veiled,
};

/// One rule, ready to use. Its regular expression is compiled when it is first needed.
#[derive(Debug)]
pub struct Rule {
    /// Kebab-case, unique, stable: `github-pat`.
    pub id: Cow<'static, str>,
    /// Kebab-case: `github`.
    pub provider: Cow<'static, str>,
    /// For people: `GitHub`.
    pub provider_name: Cow<'static, str>,
    /// The provider's documentation, or empty.
    pub docs: Cow<'static, str>,
    /// What it is, for people.
    pub title: Cow<'static, str>,
    /// Before evidence.
    pub severity: Severity,
    /// Before evidence.
    pub confidence: Confidence,
    /// How it is recognised.
    pub shape: Shape,
    /// Bits per byte that the secret must reach; 0 asks for none.
    pub entropy: f32,
    /// Names of offline checks.
    pub checks: Vec<Cow<'static, str>>,
    /// What it opens.
    pub unlocks: Cow<'static, str>,
    /// Where to revoke it, or empty.
    pub rotate: Cow<'static, str>,
    /// Where it belongs, or empty.
    pub instead: Cow<'static, str>,
    /// Templates of positive samples.
    pub samples: Vec<Cow<'static, str>>,
    /// Templates of negative samples.
    pub near_misses: Vec<Cow<'static, str>>,
}

/// The three ways to recognise a credential.
#[derive(Debug)]
pub enum Shape {
    /// By the value itself.
    Token {
        /// Matches the credential and its fixed surroundings.
        pattern: Pattern,
        /// One of these occurs in every match, ignoring ASCII case.
        anchors: Vec<Cow<'static, str>>,
        /// One of these must stand nearby; empty asks for none.
        context: Vec<Cow<'static, str>>,
    },
    /// By the name that the value is assigned to.
    Assigned {
        /// One of these words must occur in the name.
        names: Vec<Cow<'static, str>>,
        /// The whole value must match.
        value: Pattern,
    },
    /// By a structured detector, which names the rule.
    Structural,
}

/// A regular expression that is compiled on first use.
#[derive(Debug)]
pub struct Pattern {
    source: Cow<'static, str>,
    compiled: OnceLock<Option<Regex>>,
    reach: OnceLock<Reach>,
    /// Literals that the pattern may start with; empty for assigned rules.
    anchors: Vec<Cow<'static, str>>,
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
}

impl Reach {
    /// Whether a match may begin with these bytes: tells most places from a credential before the pattern is even compiled.
    pub(super) fn may_begin(&self, text: &[u8]) -> bool {
        begins(&self.lead, text)
    }

    /// Whether a match may have its anchor where this text starts.
    pub(super) fn may_hold(&self, text: &[u8]) -> bool {
        begins(&self.from_anchor, text)
    }
}

/// A set of bytes, one bit each.
#[derive(Debug, Clone, Copy, Default)]
struct ByteSet([u64; 4]);

impl ByteSet {
    fn add(&mut self, from: u8, to: u8) {
        (from..=to).for_each(|byte| self.0[usize::from(byte >> 6)] |= 1 << (byte & 63));
    }

    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
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

/// Adds the bytes with which every match of `hir` begins; whether what follows `hir` stands right behind them.
fn lead(hir: &Hir, sets: &mut Vec<ByteSet>) -> bool {
    if sets.len() >= LEAD {
        return false;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            for byte in &literal.0 {
                let mut set = ByteSet::default();
                set.add(*byte, *byte);
                sets.push(set);
            }
            true
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut set = ByteSet::default();
            class.ranges().iter().for_each(|range| set.add(range.start(), range.end()));
            sets.push(set);
            true
        }
        HirKind::Class(Class::Unicode(_)) => false,
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
                each.iter()
                    .filter_map(|(own, _)| own.get(at))
                    .for_each(|own| set.0.iter_mut().zip(own.0).for_each(|(all, bits)| *all |= bits));
                sets.push(set);
            }
            each.iter().all(|(own, ends)| *ends && own.len() == shortest)
        }
    }
}

/// Bytes of the longest match of a pattern that sets no bound: private keys in PEM.
const LONGEST: usize = 32 << 10;

/// Bytes of the longest match of a pattern that backtracking may match.
const SHORT: usize = 512;

impl Pattern {
    fn new(source: Cow<'static, str>, anchors: Vec<Cow<'static, str>>) -> Self {
        Self { source, compiled: OnceLock::new(), reach: OnceLock::new(), anchors }
    }

    #[cfg(test)]
    pub(super) fn for_test(source: &'static str, anchors: &[&str]) -> Self {
        Self::new(Cow::Borrowed(source), anchors.iter().map(|anchor| Cow::Owned((*anchor).to_owned())).collect())
    }

    /// As written in the rule file.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The compiled expression, which the crate `regex` would compile alike; `None` only for a built-in pattern that does not compile, which a test rules out.
    pub fn regex(&self) -> Option<&Regex> {
        let whole = self.anchors.is_empty();
        let anchored = || whole || (self.reach().at_anchor && self.reach().longest <= SHORT);
        self.compiled.get_or_init(|| compile(&self.source, anchored()).ok()).as_ref()
    }

    /// Whether a value matches, for patterns of whole values.
    pub(super) fn is_whole(&self, value: &[u8]) -> bool {
        // Most values of a name that some rule knows are too short or of other letters; their patterns need not be compiled.
        self.may_be_whole(value) && self.regex().is_some_and(|regex| regex.is_match(value))
    }

    /// Whether a value is as long as a match is, and begins as one.
    pub(super) fn may_be_whole(&self, value: &[u8]) -> bool {
        let reach = self.reach();
        (reach.shortest..=reach.longest).contains(&value.len()) && reach.may_begin(value)
    }

    /// How far a match can reach from an anchor, and how it begins.
    pub(super) fn reach(&self) -> &Reach {
        self.reach.get_or_init(|| {
            let Ok(hir) = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&self.source) else {
                return Reach { shortest: 0, longest: LONGEST, at_anchor: false, lead: Vec::new(), from_anchor: Vec::new(), loose: true };
            };
            let longest = hir.properties().maximum_len().unwrap_or(LONGEST).min(LONGEST);
            let starts = |hir: &Hir, is: &dyn Fn(&[u8], &[u8]) -> bool| {
                // Most patterns are of whole values: nothing starts them.
                if self.anchors.is_empty() {
                    return false;
                }
                let anchored = |prefix: &[u8]| self.anchors.iter().any(|anchor| is(prefix, anchor.as_bytes()));
                let prefixes = Extractor::new().extract(hir);
                prefixes.literals().is_some_and(|list| !list.is_empty() && list.iter().all(|literal| anchored(literal.as_bytes())))
            };
            let at_anchor =
                starts(&hir, &|prefix, anchor| prefix.get(..anchor.len()).is_some_and(|head| head.eq_ignore_ascii_case(anchor)));
            let sets = |hir: &Hir| {
                let mut sets = Vec::new();
                lead(hir, &mut sets);
                sets.truncate(LEAD);
                sets
            };
            // A class behind the anchor has more members than prefixes are listed for: then they are shorter than the anchor.
            let begins = |prefix: &[u8], anchor: &[u8]| {
                let common = prefix.len().min(anchor.len());
                common > 2 && prefix.get(..common).zip(anchor.get(..common)).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
            };
            let parts = match hir.kind() {
                HirKind::Concat(parts) if !at_anchor && !self.anchors.is_empty() => parts.as_slice(),
                _ => &[],
            };
            let rests = (1..parts.len()).map(|from| Hir::concat(parts.get(from..).unwrap_or_default().to_vec()));
            // Each anchor must fit there: one that stands elsewhere in the pattern is no reason to reject.
            let fits = |sets: &Vec<ByteSet>| self.anchors.iter().all(|anchor| could_begin(sets, anchor.as_bytes()));
            let places = rests.filter(|rest| starts(rest, &begins));
            let from_anchor = places.map(|rest| sets(&rest)).find(fits).unwrap_or_default();
            Reach {
                shortest: hir.properties().minimum_len().unwrap_or(0),
                longest,
                at_anchor,
                lead: sets(&hir),
                from_anchor,
                loose: loose(&hir),
            }
        })
    }
}

/// Bounded: a user's rule cannot take the machine down, nor can a few hundred patterns fill the memory with their caches.
///
/// `anchored`: it is searched at a given place of a short text only. Backtracking does that with one automaton in place of four.
fn compile(source: &str, anchored: bool) -> Result<Regex, String> {
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

/// A built-in rule as the build script wrote it.
pub(super) struct StaticRule {
    pub(super) provider: &'static str,
    pub(super) provider_name: &'static str,
    pub(super) docs: &'static str,
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) severity: &'static str,
    pub(super) confidence: &'static str,
    pub(super) pattern: Option<&'static str>,
    pub(super) anchors: &'static [&'static str],
    pub(super) context: &'static [&'static str],
    pub(super) names: &'static [&'static str],
    pub(super) value: Option<&'static str>,
    pub(super) entropy: f32,
    pub(super) checks: &'static [&'static str],
    pub(super) unlocks: &'static str,
    pub(super) rotate: &'static str,
    pub(super) instead: &'static str,
    pub(super) samples: &'static [&'static str],
    pub(super) near_misses: &'static [&'static str],
}

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// A rule file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// Not TOML, or not a rule file. The message holds line and column.
    #[error("{file}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// With line, column and the offending line.
        message: String,
    },
    /// A rule that makes no sense.
    #[error("{file}: rule `{rule}`: {problem}")]
    Rule {
        /// The file.
        file: String,
        /// The rule's id.
        rule: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

/// All built-in rules, in file order.
pub fn built_in() -> Vec<Arc<Rule>> {
    BUILT_IN.iter().map(|rule| Arc::new(from_static(rule))).collect()
}

/// Reads a user's rule file.
///
/// # Errors
/// [`RuleError`], pointing at the place.
pub fn parse(file: &str, text: &str) -> Result<Vec<Arc<Rule>>, RuleError> {
    let parsed: RuleFile =
        toml::from_str(text).map_err(|error| RuleError::Syntax { file: file.to_owned(), message: veiled(&error.to_string()) })?;
    parsed
        .rule
        .iter()
        .map(|raw| {
            from_raw(&parsed, raw).map(Arc::new).map_err(|problem| RuleError::Rule { file: file.to_owned(), rule: raw.id.clone(), problem })
        })
        .collect()
}

fn borrow_all(list: &'static [&'static str]) -> Vec<Cow<'static, str>> {
    list.iter().map(|text| Cow::Borrowed(*text)).collect()
}

fn own_all(list: &[String]) -> Vec<Cow<'static, str>> {
    list.iter().map(|text| Cow::Owned(text.clone())).collect()
}

fn from_static(rule: &StaticRule) -> Rule {
    let shape = match (rule.pattern, rule.value) {
        (Some(pattern), _) => Shape::Token {
            pattern: Pattern::new(Cow::Borrowed(pattern), borrow_all(rule.anchors)),
            anchors: borrow_all(rule.anchors),
            context: borrow_all(rule.context),
        },
        (None, Some(value)) => {
            Shape::Assigned { names: borrow_all(rule.names), value: Pattern::new(Cow::Owned(format!("^(?:{value})$")), Vec::new()) }
        }
        (None, None) => Shape::Structural,
    };
    Rule {
        id: Cow::Borrowed(rule.id),
        provider: Cow::Borrowed(rule.provider),
        provider_name: Cow::Borrowed(rule.provider_name),
        docs: Cow::Borrowed(rule.docs),
        title: Cow::Borrowed(rule.title),
        severity: Severity::parse(rule.severity).unwrap_or(Severity::Medium),
        confidence: Confidence::parse(rule.confidence).unwrap_or(Confidence::Medium),
        shape,
        entropy: rule.entropy,
        checks: borrow_all(rule.checks),
        unlocks: Cow::Borrowed(rule.unlocks),
        rotate: Cow::Borrowed(rule.rotate),
        instead: Cow::Borrowed(rule.instead),
        samples: borrow_all(rule.samples),
        near_misses: borrow_all(rule.near_misses),
    }
}

/// Checks a user's rule. The built-in ones pass the same checks in a test.
fn from_raw(file: &RuleFile, raw: &RawRule) -> Result<Rule, String> {
    let kebab = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !kebab(&raw.id) {
        return Err("an id is made of lower-case letters, digits and `-`".to_owned());
    }
    let severity = Severity::parse(&raw.severity)
        .ok_or_else(|| format!("`{}` is no severity; use critical, high, medium, low or info", raw.severity))?;
    let confidence =
        Confidence::parse(&raw.confidence).ok_or_else(|| format!("`{}` is no confidence; use high, medium or low", raw.confidence))?;
    if let Some(unknown) = raw.checks.iter().find(|name| super::checks::check(name).is_none()) {
        return Err(format!(
            "`{unknown}` is no check; known are {}",
            super::checks::CHECKS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        ));
    }
    let checked = |source: &str| compile(source, false).map(drop).map_err(|error| format!("the pattern does not compile: {error}"));
    let shape = match (&raw.pattern, &raw.value) {
        (Some(_), Some(_)) => return Err("a rule has `pattern` (token) or `value` (assigned), not both".to_owned()),
        (Some(pattern), None) => {
            checked(pattern)?;
            if raw.anchors.is_empty() || raw.anchors.iter().any(|anchor| anchor.len() < 4) {
                return Err("a token rule needs `anchors`: literals of 4 bytes or more, one of which is in every match".to_owned());
            }
            Shape::Token {
                pattern: Pattern::new(Cow::Owned(pattern.clone()), own_all(&raw.anchors)),
                anchors: own_all(&raw.anchors),
                context: own_all(&raw.context),
            }
        }
        (None, Some(value)) => {
            let anchored = format!("^(?:{value})$");
            checked(&anchored)?;
            if raw.names.is_empty() {
                return Err("an assigned rule needs `names`: words, one of which is in the name that the value is assigned to".to_owned());
            }
            Shape::Assigned { names: own_all(&raw.names), value: Pattern::new(Cow::Owned(anchored), Vec::new()) }
        }
        (None, None) => Shape::Structural,
    };
    Ok(Rule {
        id: Cow::Owned(raw.id.clone()),
        provider: Cow::Owned(file.provider.clone()),
        provider_name: Cow::Owned(file.name.clone()),
        docs: Cow::Owned(file.docs.clone()),
        title: Cow::Owned(raw.title.clone()),
        severity,
        confidence,
        shape,
        entropy: raw.entropy,
        checks: own_all(&raw.checks),
        unlocks: Cow::Owned(raw.unlocks.clone()),
        rotate: Cow::Owned(raw.rotate.clone()),
        instead: Cow::Owned(raw.instead.clone()),
        samples: own_all(&raw.samples),
        near_misses: own_all(&raw.near_misses),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
}

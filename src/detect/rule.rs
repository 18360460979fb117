//! Rules: what the data files say, checked once.

use std::{borrow::Cow, sync::Arc};

use super::{
    pattern::{self, Pattern},
    schema::{RawRule, RuleFile},
};
use crate::{
    finding::{Confidence, Severity},
    secret::veiled,
};

/// One rule, ready to use. Its pattern is parsed when it is first needed.
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
    let checked =
        |source: &str| pattern::compile(source, false).map(drop).map_err(|error| format!("the pattern does not compile: {error}"));
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

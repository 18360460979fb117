//! `imgscan.toml`: parsed with places, checked once, then plain values.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    str::FromStr,
};

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;
use toml::Spanned;

use crate::{
    finding::{Confidence, Severity},
    fingerprint::Fingerprint,
    report::ignore::IgnoreEntry,
    secret::veiled,
};

/// The file's name, looked for in the working directory and upwards.
pub const FILE_NAME: &str = "imgscan.toml";

/// The threshold for exit code 1; `None` inside never fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailOn(pub Option<Severity>);

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, Severity::parse(text)) {
            ("none", _) => Ok(Self(None)),
            (_, Some(severity)) if severity > Severity::Info => Ok(Self(Some(severity))),
            _ => Err(veiled(&format!("`{text}` is no threshold; use critical, high, medium, low or none"))),
        }
    }
}

/// A checked `imgscan.toml`. Relative paths are already relative to the file's folder. `None`: the file does not say.
#[derive(Debug, Default)]
pub struct Config {
    /// `fail-on`.
    pub fail_on: Option<FailOn>,
    /// `min-confidence`.
    pub min_confidence: Option<Confidence>,
    /// `allow-incomplete`.
    pub allow_incomplete: Option<bool>,
    /// `baseline`.
    pub baseline: Option<PathBuf>,
    /// `rules`.
    pub rules: Vec<PathBuf>,
    /// `platform`.
    pub platform: Option<String>,
    /// `all-platforms`.
    pub all_platforms: Option<bool>,
    /// `ca-cert`.
    pub ca_cert: Option<PathBuf>,
    /// `jobs`.
    pub jobs: Option<usize>,
    /// `fingerprint-key`: a file; the key itself never stands here.
    pub fingerprint_key: Option<PathBuf>,
    /// `[[ignore]]`, in the file's order.
    pub ignore: Vec<IgnoreEntry>,
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The text is no configuration.
    #[error("{}:{line}:{column}: {problem}", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// 1-based.
        line: usize,
        /// 1-based, in characters.
        column: usize,
        /// What is wrong and what to do.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawConfig {
    fail_on: Option<Spanned<String>>,
    min_confidence: Option<Spanned<String>>,
    allow_incomplete: Option<bool>,
    baseline: Option<PathBuf>,
    #[serde(default)]
    rules: Vec<PathBuf>,
    platform: Option<String>,
    all_platforms: Option<bool>,
    ca_cert: Option<PathBuf>,
    jobs: Option<Spanned<usize>>,
    fingerprint_key: Option<PathBuf>,
    #[serde(default)]
    ignore: Vec<Spanned<RawIgnore>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawIgnore {
    fingerprint: Option<Spanned<String>>,
    rule: Option<String>,
    path: Option<Spanned<String>>,
    image: Option<Spanned<String>>,
    reason: Spanned<String>,
    expires: Option<Spanned<RawDate>>,
}

/// `expires = 2026-12-31` and `expires = "2026-12-31"` alike.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawDate {
    Date(toml::value::Datetime),
    Text(String),
}

/// What is wrong, and where in the text.
struct Problem(Range<usize>, String);

/// The nearest `imgscan.toml` in `folder` or above it.
pub fn find(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join(FILE_NAME)).find(|file| file.is_file())
}

/// Reads and checks a file.
///
/// # Errors
/// [`ConfigError`].
pub fn load(file: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
    parse(file, &text)
}

/// Checks a file's text; `file` is for messages and for relative paths.
///
/// # Errors
/// [`ConfigError::Invalid`], at the place.
pub fn parse(file: &Path, text: &str) -> Result<Config, ConfigError> {
    let invalid = |Problem(span, problem): Problem| {
        let (line, column) = position(text, span.start);
        ConfigError::Invalid { file: file.to_owned(), line, column, problem }
    };
    let raw: RawConfig = toml::from_str(text)
        // Only the message: the parser's own rendering quotes the line.
        .map_err(|error| invalid(Problem(error.span().unwrap_or(0..0), veiled(error.message()))))?;
    check(raw, text, file.parent().unwrap_or(Path::new(""))).map_err(invalid)
}

fn check(raw: RawConfig, text: &str, folder: &Path) -> Result<Config, Problem> {
    let fail_on = raw.fail_on.map(|word| FailOn::from_str(word.get_ref()).map_err(|problem| Problem(word.span(), problem))).transpose()?;
    let min_confidence = raw
        .min_confidence
        .map(|word| {
            Confidence::parse(word.get_ref())
                .ok_or_else(|| Problem(word.span(), veiled(&format!("`{}` is no confidence; use high, medium or low", word.get_ref()))))
        })
        .transpose()?;
    if let Some(jobs) = raw.jobs.as_ref().filter(|jobs| *jobs.get_ref() == 0) {
        return Err(Problem(jobs.span(), "`jobs` is a number of threads, 1 or more".to_owned()));
    }
    let beside = |path: PathBuf| folder.join(path);
    Ok(Config {
        fail_on,
        min_confidence,
        allow_incomplete: raw.allow_incomplete,
        baseline: raw.baseline.map(beside),
        rules: raw.rules.into_iter().map(beside).collect(),
        platform: raw.platform,
        all_platforms: raw.all_platforms,
        ca_cert: raw.ca_cert.map(beside),
        jobs: raw.jobs.map(Spanned::into_inner),
        fingerprint_key: raw.fingerprint_key.map(beside),
        ignore: raw.ignore.into_iter().map(|entry| ignore(entry, text)).collect::<Result<_, _>>()?,
    })
}

fn ignore(entry: Spanned<RawIgnore>, text: &str) -> Result<IgnoreEntry, Problem> {
    let span = entry.span();
    let raw = entry.into_inner();
    if raw.fingerprint.is_none() && raw.rule.is_none() && raw.path.is_none() {
        return Err(Problem(span, "an ignore entry needs `fingerprint`, `rule` or `path`; otherwise it would hide everything".to_owned()));
    }
    if raw.reason.get_ref().trim().is_empty() {
        return Err(Problem(raw.reason.span(), "say why: `reason` is empty".to_owned()));
    }
    let fingerprint = raw
        .fingerprint
        .map(|id| {
            Fingerprint::parse(id.get_ref()).ok_or_else(|| {
                Problem(id.span(), "a fingerprint is 32 lower-case hex digits, the `id` of a finding in the table".to_owned())
            })
        })
        .transpose()?;
    Ok(IgnoreEntry {
        fingerprint,
        rule: raw.rule,
        path: raw.path.map(|path| glob(&path, true)).transpose()?,
        image: raw.image.map(|image| glob(&image, false)).transpose()?,
        reason: raw.reason.into_inner(),
        expires: raw.expires.map(date).transpose()?,
        line: position(text, span.start).0,
    })
}

/// `*` stays within a path's component, `**` does not. In a reference `*` matches everything but `/` too.
fn glob(source: &Spanned<String>, path: bool) -> Result<GlobMatcher, Problem> {
    // Paths in a report have no leading slash; people write one.
    let pattern = if path { source.get_ref().trim_start_matches('/') } else { source.get_ref() };
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| Problem(source.span(), format!("not a glob: {}", error.kind())))
}

fn date(date: Spanned<RawDate>) -> Result<jiff::civil::Date, Problem> {
    let span = date.span();
    let text = match date.into_inner() {
        RawDate::Date(date) => date.to_string(),
        RawDate::Text(text) => text,
    };
    text.parse().map_err(|_| Problem(span, "`expires` is a date such as 2026-12-31, the last day on which the entry applies".to_owned()))
}

fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before.get(line_start..).map_or(0, |rest| rest.chars().count()) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        parse(Path::new("/p/imgscan.toml"), text).map(drop).expect_err("invalid").to_string()
    }

    #[test]
    fn everything_that_may_be_said() {
        let config = parse(
            Path::new("/p/imgscan.toml"),
            r#"
fail-on = "none"
min-confidence = "high"
allow-incomplete = true
baseline = "known.json"
rules = ["a.toml", "/b.toml"]
platform = "linux/arm64"
all-platforms = false
ca-cert = "ca.pem"
jobs = 3
fingerprint-key = "/run/secrets/key"

[[ignore]]
rule = "github-pat"
path = "/usr/share/**/*.md"
image = "registry.example.com/*"
reason = "documentation"
expires = 2026-12-31

[[ignore]]
fingerprint = "0123456789abcdef0123456789abcdef"
reason = "revoked"
expires = "2027-01-01"
"#,
        )
        .expect("valid");
        assert_eq!(config.fail_on, Some(FailOn(None)));
        assert_eq!(config.min_confidence, Some(Confidence::High));
        assert_eq!(config.rules, [PathBuf::from("/p/a.toml"), PathBuf::from("/b.toml")]);
        assert_eq!(config.baseline, Some(PathBuf::from("/p/known.json")));
        assert_eq!(config.jobs, Some(3));
        let entry = config.ignore.first().expect("two entries");
        assert_eq!(entry.line, 13);
        assert!(entry.path.as_ref().is_some_and(|path| path.is_match("usr/share/doc/x/a.md")), "leading slash or not");
        assert_eq!(entry.expires, Some(jiff::civil::date(2026, 12, 31)));
    }

    #[test]
    fn problems_name_line_and_column() {
        for (text, expected) in [
            ("fail-on = \"info\"", ":1:11: `info` is no threshold"),
            ("\nfail_on = \"low\"", ":2:1: unknown field"),
            ("[[ignore]]\nreason = \"x\"", ":1:1: an ignore entry needs"),
            ("[[ignore]]\nrule = \"x\"", "missing field `reason`"),
            ("[[ignore]]\nrule = \"x\"\nreason = \" \"", ":3:10: say why"),
            ("[[ignore]]\nfingerprint = \"abc\"\nreason = \"x\"", ":2:15: a fingerprint is 32"),
            ("[[ignore]]\npath = \"a[\"\nreason = \"x\"", ":2:8: not a glob"),
            ("[[ignore]]\nrule = \"x\"\nreason = \"x\"\nexpires = \"soon\"", ":4:11: `expires` is a date"),
            ("jobs = 0", ":1:8: `jobs`"),
            ("fail-on = ", ":1:11: "),
        ] {
            let message = problem(text);
            assert!(message.contains(expected), "{text}: {message}");
            assert!(message.starts_with("/p/imgscan.toml:"), "{message}");
        }
    }
}

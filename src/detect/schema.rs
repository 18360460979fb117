//! The rule file format: one TOML file per provider, for the built-in rules and for `--rules FILE` alike.
//!
//! The build script includes this file too, so that a broken built-in rule fails the build with its line and column.

use serde::Deserialize;

/// One provider's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    /// Kebab-case id of the provider, the file's name.
    pub provider: String,
    /// The provider's name for people.
    pub name: String,
    /// Page of the provider that documents the credentials or their format.
    #[serde(default)]
    pub docs: String,
    /// Its rules.
    #[serde(default)]
    pub rule: Vec<RawRule>,
}

/// One rule as written. Three shapes:
/// - *token*: `pattern` + `anchors`; the value is recognisable by itself.
/// - *assigned*: `names` + `value`; the value is plain, the name it is assigned to tells the provider.
/// - *structural*: neither; a structured detector reports it by id.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    /// Kebab-case, unique, stable for ever: users write it into ignore entries.
    pub id: String,
    /// What it is, for people: `GitHub personal access token (classic)`.
    pub title: String,
    /// `critical`, `high`, `medium`, `low` or `info`.
    pub severity: String,
    /// `high`, `medium` or `low`, before evidence.
    pub confidence: String,
    /// Token rules: a regular expression (crate `regex`, bytes). The group `secret`, or else the whole match, is the credential.
    /// The engine itself demands that no letter, digit or `_` touches the match on either side.
    #[serde(default)]
    pub pattern: Option<String>,
    /// Token rules: literals, one of which occurs in every match (compared ignoring ASCII case). As rare and as long as
    /// possible, 4 bytes at the least, 5 or more wherever the format allows.
    #[serde(default)]
    pub anchors: Vec<String>,
    /// Token rules: lower-case words, one of which must stand within `near` bytes of the match. Empty: no context is needed.
    #[serde(default)]
    pub context: Vec<String>,
    /// Assigned rules: lower-case words; one must occur in the name (`datadog` in `DATADOG_API_KEY`). `_`, `-` and `.` in a
    /// word match any of the three, or nothing (`dd_api` matches `DD-API`, `ddApi`).
    #[serde(default)]
    pub names: Vec<String>,
    /// Assigned rules: a regular expression that the whole value must match.
    #[serde(default)]
    pub value: Option<String>,
    /// Shannon entropy that the secret must reach, in bits per byte. 0: none is asked.
    #[serde(default)]
    pub entropy: f32,
    /// Offline checks by name, see `detect::checks`.
    #[serde(default)]
    pub checks: Vec<String>,
    /// What the credential opens: one sentence without a final stop.
    pub unlocks: String,
    /// The provider's page where it is revoked or rotated.
    #[serde(default)]
    pub rotate: String,
    /// Where it belongs instead, if the general advice (secret mount, secretKeyRef) is not the best: one sentence.
    #[serde(default)]
    pub instead: String,
    /// Positive samples: templates such as `ghp_{alnum:30}{crc32-base62}`, filled at run time. For assigned rules the value only.
    #[serde(default)]
    pub samples: Vec<String>,
    /// Negative samples: near misses that must not be reported under this rule.
    #[serde(default)]
    pub near_misses: Vec<String>,
}

//! The policy: modes, thresholds, what is compared, how a fix is proposed. What it makes of an object is in [`super::decision`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::observe::Observation;
use crate::{
    finding::{Confidence, Severity},
    secret::veiled,
};

/// Namespace label that sets the mode.
pub const MODE_LABEL: &str = "imgscan.dev/mode";

/// How much a verdict weighs, in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing is judged.
    Off,
    /// Counted and reported; the requester sees nothing.
    Audit,
    /// Admitted with a warning.
    Warn,
    /// Denied.
    Enforce,
}

impl Mode {
    /// The word in labels and policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }

    /// Reads the label.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Off, Self::Audit, Self::Warn, Self::Enforce].into_iter().find(|mode| mode.as_str() == word)
    }
}

/// What kind of violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A literal credential in a workload or custom resource.
    Literal,
    /// One in a ConfigMap's data.
    ConfigMap,
    /// The same credential in several namespaces.
    Shared,
    /// The same credential in several environments.
    CrossEnvironment,
    /// A Secret that is older than the policy allows; audit only.
    Rotation,
}

impl Class {
    /// The word in metrics, reports and audit annotations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Literal => "literal",
            Self::ConfigMap => "config-map",
            Self::Shared => "shared",
            Self::CrossEnvironment => "cross-environment",
            Self::Rotation => "rotation",
        }
    }

    /// Whether it is about who else holds a credential: [`super::decision::Verdict::index`] is a position among the shared uses.
    pub fn is_sharing(self) -> bool {
        matches!(self, Self::Shared | Self::CrossEnvironment)
    }
}

/// The policy: spec of `CredentialPolicy`, and the content of `imgscan k8s --policy FILE`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Policy {
    /// For namespaces that neither a rule below nor their own label names.
    pub mode: Mode,
    /// The most that each class of violation may weigh.
    pub classes: ClassModes,
    /// Modes of namespaces; the first that matches counts.
    pub namespaces: Vec<NamespaceRule>,
    /// What the namespace label `imgscan.dev/mode` may do.
    pub label_power: LabelPower,
    /// Who may set or change the labels `imgscan.dev/*` of namespaces: user or group names. Empty: whoever may edit namespaces.
    pub label_editors: Vec<String>,
    /// A literal weighs as its mode says from here on; below, it is a warning at the most.
    pub enforce_from: Thresholds,
    /// Below this it is not mentioned at all.
    pub report_from: Thresholds,
    /// Namespaces whose CredentialExceptions are honoured. Empty: none is.
    pub exceptions_from: Vec<String>,
    /// How denial texts propose to keep a credential.
    pub fix: Fix,
    /// What becomes of a review that cannot be judged: too large, not decodable, out of time.
    pub undecided: Undecided,
    /// Credentials that several namespaces hold.
    pub sharing: Sharing,
    /// How old a Secret may grow.
    pub rotation: Rotation,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            classes: ClassModes::default(),
            namespaces: Vec::new(),
            label_power: LabelPower::Any,
            label_editors: Vec::new(),
            enforce_from: Thresholds { severity: Severity::Medium, confidence: Confidence::Medium },
            report_from: Thresholds { severity: Severity::Low, confidence: Confidence::Low },
            exceptions_from: Vec::new(),
            fix: Fix::SecretKeyRef,
            undecided: Undecided::Deny,
            sharing: Sharing::default(),
            rotation: Rotation::default(),
        }
    }
}

/// Severity and confidence that both must be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Thresholds {
    /// `critical`, `high`, `medium`, `low` or `info`.
    #[serde(with = "words::severity")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "words::severity::schema"))]
    pub severity: Severity,
    /// `high`, `medium` or `low`.
    #[serde(with = "words::confidence")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "words::confidence::schema"))]
    pub confidence: Confidence,
}

impl Thresholds {
    pub(super) fn reached(self, observation: &Observation) -> bool {
        observation.severity >= self.severity && observation.confidence >= self.confidence
    }
}

/// The report's words as values of a policy.
mod words {
    macro_rules! word {
        ($name:ident, $type:ty, $words:expr) => {
            pub(super) mod $name {
                use serde::{Deserialize, Deserializer, Serializer, de::Error};

                pub(in super::super) fn serialize<S: Serializer>(value: &$type, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(value.as_str())
                }

                pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                    let word = String::deserialize(deserializer)?;
                    <$type>::parse(&word).ok_or_else(|| D::Error::custom(format!("expected one of {}", $words.join(", "))))
                }

                #[cfg(feature = "schema")]
                pub(in super::super) fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    schemars::json_schema!({ "type": "string", "enum": $words })
                }
            }
        };
    }
    word!(severity, crate::finding::Severity, ["critical", "high", "medium", "low", "info"]);
    word!(confidence, crate::finding::Confidence, ["high", "medium", "low"]);
}

/// The most that each class may weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ClassModes {
    /// Literals of workloads and custom resources.
    pub literal: Mode,
    /// Literals of ConfigMaps.
    pub config_map: Mode,
    /// The same credential in several namespaces.
    pub shared: Mode,
    /// The same credential in several environments.
    pub cross_environment: Mode,
}

impl Default for ClassModes {
    fn default() -> Self {
        Self { literal: Mode::Enforce, config_map: Mode::Enforce, shared: Mode::Enforce, cross_environment: Mode::Enforce }
    }
}

impl ClassModes {
    fn of(self, class: Class) -> Mode {
        match class {
            Class::Literal => self.literal,
            Class::ConfigMap => self.config_map,
            Class::Shared => self.shared,
            Class::CrossEnvironment => self.cross_environment,
            Class::Rotation => Mode::Audit,
        }
    }
}

/// A mode for some namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamespaceRule {
    /// Names; `*` stands for any text. Empty: all.
    #[serde(default)]
    pub names: Vec<String>,
    /// Labels that the namespace must have.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The mode.
    pub mode: Mode,
}

/// What the namespace label `imgscan.dev/mode` may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LabelPower {
    /// Set any mode.
    Any,
    /// Only raise the mode: for clusters whose tenants can label their namespaces.
    Raise,
    /// Nothing.
    None,
}

/// How a denial text proposes to keep a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Fix {
    /// A Secret and `valueFrom.secretKeyRef`.
    SecretKeyRef,
    /// An ExternalSecret of the External Secrets Operator.
    ExternalSecret,
    /// Annotations of the Vault agent injector.
    Vault,
    /// A SecretProviderClass of the Secrets Store CSI driver.
    Csi,
}

/// What becomes of a review that cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Undecided {
    /// Denied, with the reason; in namespaces whose mode is below `enforce`, a warning.
    Deny,
    /// Admitted with a warning and a metric.
    Warn,
}

/// Credentials that several namespaces hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Sharing {
    /// Namespaces with the same value of this label may share credentials.
    pub scope_label: String,
    /// The label that names a namespace's environment.
    pub environment_label: String,
    /// What is made of Secrets themselves.
    pub secrets: SecretsPolicy,
    /// Types of Secrets that are not compared at all.
    pub ignored_types: Vec<String>,
    /// Names of ConfigMaps and Secrets that are not compared; `*` stands for any text.
    pub ignored_names: Vec<String>,
    /// A value without a provider's format is compared from this many bits on (Shannon entropy times length). Below,
    /// comparing would let a tenant guess it.
    pub min_bits: u32,
    /// Copies by replicators are allowed where the source object offers itself.
    pub allow_offered_copies: bool,
    /// After so many different shared credentials from one user in one namespace within an hour, comparing no longer
    /// answers that user; 0 sets no limit.
    pub probes_per_hour: u32,
}

impl Default for Sharing {
    fn default() -> Self {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Self {
            scope_label: "imgscan.dev/credential-scope".to_owned(),
            environment_label: "imgscan.dev/environment".to_owned(),
            secrets: SecretsPolicy::default(),
            ignored_types: owned(&["kubernetes.io/service-account-token", "helm.sh/release.v1", "bootstrap.kubernetes.io/token"]),
            ignored_names: owned(&["kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"]),
            min_bits: 80,
            allow_offered_copies: true,
            probes_per_hour: 20,
        }
    }
}

/// What a shared credential in a Secret weighs at the most, by the Secret's use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SecretsPolicy {
    /// Creating or changing a Secret that holds a credential of another namespace.
    pub write: Mode,
    /// `kubernetes.io/dockerconfigjson` and `dockercfg`, and `imagePullSecrets`.
    pub image_pull: Mode,
    /// Private keys of `kubernetes.io/tls`: wildcard certificates are shared on purpose.
    pub tls: Mode,
}

impl Default for SecretsPolicy {
    fn default() -> Self {
        Self { write: Mode::Warn, image_pull: Mode::Warn, tls: Mode::Warn }
    }
}

/// How old a Secret's data may grow, in days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Rotation {
    /// By the value of the environment label.
    pub environments: BTreeMap<String, u32>,
    /// Everywhere else; 0 sets no limit.
    pub default_days: u32,
}

impl Default for Rotation {
    fn default() -> Self {
        let environments = [("development", 30), ("dev", 30), ("production", 90), ("prod", 90)];
        Self { environments: environments.into_iter().map(|(name, days)| (name.to_owned(), days)).collect(), default_days: 90 }
    }
}

/// A policy that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(pub String);

impl Policy {
    /// Reads a policy file: the spec alone, or a whole `CredentialPolicy` object, as YAML or JSON.
    ///
    /// # Errors
    /// [`PolicyError`] with the place.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let value: serde_json::Value =
            serde_yaml::from_str(text).map_err(|error| PolicyError(veiled(&format!("the policy is no YAML: {error}"))))?;
        let is_object = value.get("kind").and_then(serde_json::Value::as_str) == Some("CredentialPolicy");
        let spec = if is_object { value.get("spec").cloned().unwrap_or_default() } else { value };
        let policy: Self =
            serde_json::from_value(spec).map_err(|error| PolicyError(veiled(&format!("the policy is not understood: {error}"))))?;
        policy.check()?;
        Ok(policy)
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`PolicyError`], saying what to change.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.sharing.min_bits < 64 {
            return Err(PolicyError("sharing.minBits below 64 lets tenants guess each other's credentials; use 64 or more".to_owned()));
        }
        if self.sharing.scope_label.is_empty() || self.sharing.environment_label.is_empty() {
            return Err(PolicyError("sharing.scopeLabel and sharing.environmentLabel need a label's name".to_owned()));
        }
        Ok(())
    }

    /// The mode of a namespace, all classes apart.
    pub fn mode_in(&self, facts: &NamespaceFacts) -> Mode {
        let rule = self.namespaces.iter().find(|rule| rule.matches(facts)).map(|rule| rule.mode);
        let base = rule.unwrap_or(self.mode);
        // A lookup that failed must not weaken: without labels, the strictest of what could apply.
        let Some(labels) = &facts.labels else { return base.max(self.mode) };
        let label = labels.get(MODE_LABEL).and_then(|word| Mode::parse(word));
        match (self.label_power, label) {
            (LabelPower::Any, Some(mode)) => mode,
            (LabelPower::Raise, Some(mode)) => base.max(mode),
            _ => base,
        }
    }

    /// The mode for a class of violations in a namespace.
    pub fn mode_of(&self, class: Class, facts: &NamespaceFacts) -> Mode {
        self.mode_in(facts).min(self.classes.of(class))
    }
}

impl NamespaceRule {
    fn matches(&self, facts: &NamespaceFacts) -> bool {
        let named = self.names.is_empty() || self.names.iter().any(|pattern| glob(pattern, &facts.name));
        let labels = facts.labels.as_ref();
        named && self.labels.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
    }
}

/// What is known of a namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceFacts {
    /// Its name.
    pub name: String,
    /// Its labels; `None` where they could not be looked up.
    pub labels: Option<BTreeMap<String, String>>,
}

/// `*` stands for any text; everything else for itself. Linear in the text for each `*`.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return text.is_empty() };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

//! What is reported: a finding is one secret, with every place it was seen in.
//!
//! These are the internal types. The JSON report has its own frozen structs (`output::json`), converted from these.

use std::sync::Arc;

use crate::{detect::Rule, fingerprint::Fingerprint};

/// How bad it is if the credential works. A property of the rule, lowered by evidence such as an expiry in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing, no credential by itself.
    Info,
    /// Limited or expired.
    Low,
    /// A credential of unknown reach.
    Medium,
    /// Opens one service.
    High,
    /// Opens an account, an organisation or a cluster.
    Critical,
}

/// How sure we are that it is a credential at all. Independent of [`Severity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// A guess from a name and a value's shape.
    Low,
    /// A format or a context that is rarely wrong.
    Medium,
    /// A provider's format, or a proof (checksum, structure).
    High,
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// The word used in every report and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value for a report's word, or `None` where it is no such word.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words!(Severity { Critical = "critical", High = "high", Medium = "medium", Low = "low", Info = "info" });
words!(Confidence { High = "high", Medium = "medium", Low = "low" });

/// What kind of place a secret stood in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LocationKind {
    /// A file of a layer, or of a directory tree: content, name, link target or tar header.
    File,
    /// `config.Env`.
    Env,
    /// `config.Labels`.
    Label,
    /// A build argument that the history kept; one that an attestation kept is an [`LocationKind::Attestation`].
    Arg,
    /// `history[].created_by`, `comment` or `author`.
    History,
    /// `config.Cmd`.
    Cmd,
    /// `config.Entrypoint`.
    Entrypoint,
    /// `config.Healthcheck.Test`.
    Healthcheck,
    /// `config.OnBuild`.
    Onbuild,
    /// A manifest's or index's annotations.
    Annotation,
    /// An attestation manifest's statement (BuildKit provenance, SBOM).
    Attestation,
    /// A Kubernetes manifest.
    Manifest,
}

words!(LocationKind {
    File = "file",
    Env = "env",
    Label = "label",
    Arg = "arg",
    History = "history",
    Cmd = "cmd",
    Entrypoint = "entrypoint",
    Healthcheck = "healthcheck",
    Onbuild = "onbuild",
    Annotation = "annotation",
    Attestation = "attestation",
    Manifest = "manifest",
});

/// Where exactly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// What kind of place.
    pub kind: LocationKind,
    /// Path in the layer without a leading slash, or of the manifest file.
    pub path: Option<String>,
    /// 1-based line of the value in the innermost file.
    pub line: Option<u32>,
    /// 1-based column of the value, in bytes.
    pub column: Option<u32>,
    /// Variable, label, key or JSON pointer.
    pub name: Option<String>,
    /// The way in from the path: archive members, commits, encodings, outermost first.
    pub inner: Vec<String>,
    /// The instruction of the history that it stands in, as the builder wrote it.
    pub instruction: Option<Arc<str>>,
}

impl Location {
    /// A place of the given kind with everything else unknown.
    pub fn new(kind: LocationKind) -> Self {
        Self { kind, path: None, line: None, column: None, name: None, inner: Vec::new(), instruction: None }
    }
}

/// Which layer, in the manifest's order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerId {
    /// 0-based position in the manifest.
    pub index: u32,
    /// Digest of the blob as stored. Empty where the source knows none (a `docker save` archive, a directory).
    pub digest: String,
    /// Digest of the uncompressed changeset, from the config.
    pub diff_id: Option<String>,
    /// The history line that made the layer.
    pub created_by: Option<String>,
}

/// Whether a container that runs the image still sees the file. Anyone who can pull sees all three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// In the final file system, or in the config.
    Live,
    /// A later layer put another version over it.
    Overwritten {
        /// Index of that layer.
        by: u32,
    },
    /// A later layer deleted it (whiteout or opaque directory).
    Deleted {
        /// Index of that layer.
        by: u32,
    },
}

impl State {
    /// The word of the JSON report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Overwritten { .. } => "overwritten",
            Self::Deleted { .. } => "deleted",
        }
    }
}

/// One place of one secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The layer that it is in, or that its instruction made; `None` for the rest of the config and the manifest.
    pub layer: Option<Arc<LayerId>>,
    /// Where in it.
    pub location: Location,
    /// What later layers made of it.
    pub state: State,
}

impl Place {
    /// The instruction behind it: the one that it stands in, or else the one that made its layer.
    pub fn instruction(&self) -> Option<&str> {
        let made = self.layer.as_ref().and_then(|layer| layer.created_by.as_deref());
        self.location.instruction.as_deref().or(made)
    }
}

/// One secret, however often it was seen. The value itself is no part of it: reports are made without.
pub struct Finding {
    /// The rule that names it.
    pub rule: Arc<Rule>,
    /// The rule's severity, after evidence.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Stable id.
    pub fingerprint: Fingerprint,
    /// The value as people may see it ([`crate::Secret::redacted`]).
    pub redacted: String,
    /// Why we believe it. Never holds a part of the value.
    pub evidence: Vec<String>,
    /// Every place, sorted; never empty. The first is the finding's own, the others are its `also_at`.
    pub places: Vec<Place>,
}

impl Finding {
    /// The first place.
    ///
    /// # Panics
    /// Never: `places` is not empty by construction.
    pub fn primary(&self) -> &Place {
        self.places.first().expect("a finding has a place")
    }
}

/// Something that was not read, and why. Never silent: it is in the report and in the exit code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skip {
    /// Index of the layer, where it is in one.
    pub layer: Option<u32>,
    /// Path in the layer (with inner members joined by ` > `), or a name such as `config`.
    pub path: Option<String>,
    /// Why, for people: a sentence without a final stop.
    pub reason: String,
    /// How many bytes were not read, where known.
    pub bytes: Option<u64>,
}

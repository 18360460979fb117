//! Kubernetes objects to verdicts: what the admission webhook, its background audit and `imgscan k8s` share.
//!
//! Plain `serde_json` values in, a [`Decision`] out: no client, no cluster types, no clock but the one it is given.
//!
//! ```text
//! object --literals--> every string with its place --engine--> Observation --delta (what is new)--+
//!    |---sharing--> fingerprints of Secrets, ConfigMaps, literals --Index--> SharedUse ------------+--> policy --> Decision
//!                                                                            exceptions ----------+
//! ```

#[cfg(test)]
mod cases_test;
mod copies;
mod decision;
mod delta;
mod exception;
mod judge;
mod literals;
mod manifest;
mod message;
mod observe;
mod policy;
mod rotation;
mod sharing;
mod workload;

pub use decision::{Decision, Outcome, Verdict, decide, undecided};
pub use delta::Legacy;
pub use exception::{Exception, ObjectSelector, Standing};
pub use judge::judge;
pub use literals::{Field, Literal, walk};
pub use manifest::{Document, Documents, Position};
pub use message::{MAX_WARNING, MAX_WARNINGS_TOTAL};
pub use observe::{Budget, Observation, Observed, Prints, observe};
pub use policy::{
    Class, ClassModes, Fix, LabelPower, MODE_LABEL, Mode, NamespaceFacts, NamespaceRule, Policy, PolicyError, Rotation, SecretsPolicy,
    Sharing, Undecided,
};
pub use rotation::{data_written, overdue};
pub use sharing::{Credential, Index, ObjectKey, SharedUse, Source, credentials};
pub use workload::{SecretUse, Subject, controller, secret_uses};

//! Who holds the same credential: an index of keyed fingerprints. Plain data with one writer; no value, and no hash that
//! could be checked without the cluster's key, is ever in it.
//!
//! Equality across namespaces is an oracle: whoever may create a Secret could guess values of other namespaces from the
//! answers. So only values that nobody can guess are indexed at all; a guessable value has no entry, and can change no answer.

mod credentials;
mod index;

use std::sync::Arc;

pub(super) use credentials::strength;
pub use credentials::{Credential, credentials};
pub use index::Index;

use super::{policy::Mode, workload::Subject};
use crate::fingerprint::Fingerprint;

/// Where a credential is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// `data` of a Secret.
    Secret,
    /// `data` of a ConfigMap.
    ConfigMap,
    /// A literal of any other object.
    Literal,
}

/// Identity of an indexed object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// What kind of object; literals carry theirs in `name` (`Deployment.apps/web`).
    pub source: Source,
    /// Its name.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// Of an object, in the namespace given (a manifest may leave it out).
    pub fn of(subject: &Subject<'_>, namespace: &str) -> Self {
        let (source, name) = if subject.is_core("Secret") {
            (Source::Secret, subject.name.to_owned())
        } else if subject.is_core("ConfigMap") {
            (Source::ConfigMap, subject.name.to_owned())
        } else {
            // Kinds of one name abound: `Job` of batch and of Volcano, `Service` of Knative.
            let dot = if subject.group.is_empty() { "" } else { "." };
            (Source::Literal, format!("{}{dot}{}/{}", subject.kind, subject.group, subject.name))
        };
        Self { namespace: namespace.into(), source, name: name.into() }
    }
}

/// A credential that another namespace holds, too. What is in here besides `admin` may be told to the requester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedUse {
    /// JSON pointer of the literal, the reference, or the Secret's key.
    pub pointer: String,
    /// The container.
    pub container: Option<String>,
    /// The field for people: `Secret db, key password`.
    pub label: String,
    /// The id of the cluster's index: what an exception names.
    pub fingerprint: Fingerprint,
    /// Whether a holder is in another environment.
    pub crosses_environments: bool,
    /// The most that it may weigh.
    pub at_most: Mode,
    /// For reports that only administrators read: the other holders, sorted.
    pub admin: Vec<ObjectKey>,
}

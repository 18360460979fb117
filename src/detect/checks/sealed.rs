//! Values that are encrypted with a key of somebody's own.

use super::{Subject, Verdict};
use crate::vaults;

/// Refutes what nobody can use without its key. Where an image holds the key, the scan opens the value.
pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    if vaults::is_sealed(subject.secret) { Verdict::refuted("encrypted, and no key for it is known") } else { Verdict::fits(Vec::new()) }
}

//! PyPI tokens: `pypi-` and a version 2 macaroon whose location is the index: <https://github.com/rescrv/libmacaroons/blob/master/doc/format.txt>.

use super::{Outcome, Subject, Verdict};
use crate::detect::decode::base64;

pub(super) fn check(subject: &Subject<'_>) -> Verdict {
    let Some(bytes) = subject.secret.strip_prefix(b"pypi-").and_then(base64) else { return Verdict::doubtful("not a macaroon") };
    // Version 2, then packet 1 (location): tag, length, text.
    let location = match bytes.as_slice() {
        [2, 1, length, rest @ ..] => rest.get(..usize::from(*length)),
        _ => None,
    };
    match location {
        Some(b"pypi.org") => Verdict { outcome: Outcome::Proven, evidence: vec!["macaroon of pypi.org".to_owned()] },
        Some(b"test.pypi.org") => Verdict { outcome: Outcome::Proven, evidence: vec!["macaroon of test.pypi.org".to_owned()] },
        _ => Verdict::doubtful("not a macaroon of PyPI"),
    }
}

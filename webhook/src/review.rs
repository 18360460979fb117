//! `AdmissionReview` v1, in and out. Source: <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>.
//!
//! The request types have no `Debug`: they hold whole objects.

use imgscan::kubernetes::Decision;
use serde::{Deserialize, Serialize};

use crate::wipe::Wiped;

/// What the API server sends.
#[derive(Deserialize)]
pub struct Review {
    /// The request.
    pub request: Request,
}

/// `request` of a review: the fields that decide.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Echoed in the answer.
    pub uid: String,
    /// Kind of the object.
    #[serde(default)]
    pub kind: Kind,
    /// `ephemeralcontainers` and the like.
    #[serde(default)]
    pub sub_resource: Option<String>,
    /// Name of the object.
    #[serde(default)]
    pub name: String,
    /// Empty for cluster-scoped objects.
    #[serde(default)]
    pub namespace: String,
    /// What is done.
    pub operation: Operation,
    /// Who asks.
    #[serde(default)]
    pub user_info: UserInfo,
    /// The object to store.
    #[serde(default)]
    pub object: Option<Wiped>,
    /// The object as it is stored.
    #[serde(default)]
    pub old_object: Option<Wiped>,
    /// Whether nothing will be stored.
    #[serde(default)]
    pub dry_run: bool,
}

/// Group, version and kind; only the kind is needed.
#[derive(Default, Deserialize)]
pub struct Kind {
    /// API group.
    #[serde(default)]
    pub group: String,
    /// `Pod`.
    #[serde(default)]
    pub kind: String,
}

/// Who asks.
#[derive(Default, Deserialize)]
pub struct UserInfo {
    /// Name of the user or service account.
    #[serde(default)]
    pub username: String,
    /// Its groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// A new object.
    Create,
    /// A change.
    Update,
    /// A deletion.
    Delete,
    /// `exec`, `attach` and the like.
    Connect,
}

/// What the webhook answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    api_version: &'static str,
    kind: &'static str,
    response: Response,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    uid: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    audit_annotations: std::collections::BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Status {
    code: u16,
    reason: &'static str,
    message: String,
}

impl Answer {
    /// The decision as the API server reads it.
    pub fn new(uid: String, decision: Decision) -> Self {
        let status = (!decision.allowed).then_some(Status { code: 403, reason: "Forbidden", message: decision.message });
        Self {
            api_version: "admission.k8s.io/v1",
            kind: "AdmissionReview",
            response: Response { uid, allowed: decision.allowed, status, warnings: decision.warnings, audit_annotations: decision.audit },
        }
    }

    /// `allowed`, `warned` or `denied`: a label of the metric.
    pub fn word(&self) -> &'static str {
        match (self.response.allowed, self.response.warnings.is_empty()) {
            (false, _) => "denied",
            (true, false) => "warned",
            (true, true) => "allowed",
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What can be said about a review that was not decoded.
#[derive(Default, PartialEq, Eq)]
pub struct Prefix {
    /// `request.uid`, or empty.
    pub uid: String,
    /// `request.namespace`, or empty.
    pub namespace: String,
}

/// Bytes that are looked at: the API server writes `uid` and `namespace` before the object.
const PREFIX: usize = 16 << 10;

impl Prefix {
    /// Reads it from the first bytes of a review, whatever follows. Quotes in a user's text arrive escaped, so that no
    /// name can pass for a key; nothing is looked for behind the key `object`.
    pub fn of(body: &[u8]) -> Self {
        let head = String::from_utf8_lossy(body.get(..body.len().min(PREFIX)).unwrap_or_default());
        let head = head.split("\"object\":").next().unwrap_or_default();
        let head = head.split_once("\"request\":").map_or("", |(_, rest)| rest);
        let field = |key: &str| {
            let (_, rest) = head.split_once(key)?;
            let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
            let (value, _) = rest.split_once('"')?;
            let plain = value.len() <= 253 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
            plain.then(|| value.to_owned())
        };
        Self { uid: field("\"uid\"").unwrap_or_default(), namespace: field("\"namespace\"").unwrap_or_default() }
    }
}

/// Why a body cannot be decoded: a sentence for people, holding nothing of it.
pub fn decode(body: &[u8]) -> Result<Request, &'static str> {
    let size = Size::of(body);
    if size.values > MAX_VALUES || size.members > MAX_MEMBERS {
        return Err("it holds more values than a legal object can");
    }
    match serde_json::from_slice::<Review>(body) {
        Ok(review) => Ok(review.request),
        // Nothing of serde's message is repeated: it may quote the object.
        Err(error) if error.is_eof() => Err("it ends early"),
        Err(error) if error.is_syntax() => Err("it is no JSON, or nested deeper than 127 levels"),
        Err(_) => Err("it is no AdmissionReview v1"),
    }
}

/// A legal object (3 MiB at the API server's door) holds 1.5 million values at the most, `0,`; an update carries two.
const MAX_VALUES: usize = 3_300_000;
/// And half a million members, `"a":0,`.
const MAX_MEMBERS: usize = 1_200_000;
/// Bytes that a decoded value takes at the most, its text apart: itself, its key, and what allocating both costs.
const VALUE: usize = 128;

/// Bytes that decoding takes at the most, about.
pub fn weight(body: &[u8]) -> usize {
    Size::of(body).values.min(MAX_VALUES).saturating_mul(VALUE).saturating_add(body.len())
}

/// Upper bounds, counted without building anything.
struct Size {
    /// JSON values.
    values: usize,
    /// Members of objects.
    members: usize,
}

impl Size {
    fn of(body: &[u8]) -> Self {
        let (mut size, mut in_string, mut escaped) = (Self { values: 0, members: 0 }, false, false);
        for byte in body {
            match (in_string, byte) {
                (true, _) if escaped => escaped = false,
                (true, b'\\') => escaped = true,
                (_, b'"') => in_string = !in_string,
                (false, b',' | b'[' | b'{') => size.values += 1,
                (false, b':') => size.members += 1,
                _ => {}
            }
        }
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_enough_to_answer() {
        let body = br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"0c9a-1","kind":{"group":"","version":"v1","kind":"Pod"},"name":"x\"namespace\":\"evil","namespace":"team-a","operation":"CREATE","object":{"namespace":"other","#;
        let prefix = Prefix::of(body);
        assert_eq!((prefix.uid.as_str(), prefix.namespace.as_str()), ("0c9a-1", "team-a"));
        assert!(Prefix::of(b"\xff\xfe{") == Prefix::default());
        assert!(Prefix::of(br#"{"request":{"object":{"uid":"forged"}}}"#) == Prefix::default());
    }

    #[test]
    fn hostile_json_is_refused_with_a_reason() {
        let deep = format!("{{\"request\":{{\"uid\":\"1\",\"operation\":\"CREATE\",\"object\":{}}}}}", "[".repeat(100_000));
        let many = format!("{{\"request\":{{\"uid\":\"1\",\"operation\":\"CREATE\",\"object\":[{}1]}}}}", "1,".repeat(5 << 20));
        let members =
            format!("{{\"request\":{{\"uid\":\"1\",\"operation\":\"CREATE\",\"object\":{{{}\"a\":1}}}}}}", "\"a\":1,".repeat(1_300_000));
        let twice = br#"{"request":{"uid":"1","uid":"2","operation":"CREATE"}}"#;
        for body in [deep.as_bytes(), many.as_bytes(), members.as_bytes(), twice, b"{\"request\":{\"uid\":\"\xff\"}}", b"", b"[]"] {
            assert!(decode(body).is_err(), "{}", body.len());
        }
    }

    #[test]
    fn what_decoding_takes_grows_with_values_and_not_with_escapes() {
        assert_eq!(weight(br#"["a,b\",c"]"#), 11 + VALUE);
        assert_eq!(weight(br#"{"a":[1,2]}"#), 11 + 3 * VALUE);
        assert!(weight(&[b','; 9_000_000]) < 9_000_000 + MAX_VALUES * VALUE + 1);
    }
}

//! What of an object can be compared: values that nobody can guess.

use std::sync::Arc;

use serde_json::Value;

use super::super::{
    observe::Observation,
    policy::{Sharing, glob},
    workload::Subject,
};
use crate::{
    detect::{Engine, Hint, Match, Scratch, Shape, bits_to_guess},
    finding::LocationKind,
    fingerprint::{Fingerprinter, canonical},
    secret::Secret,
};

/// No policy compares values that are easier to guess.
pub(in super::super) const FLOOR: u32 = 64;

/// What a credential is for, which decides how much sharing it weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Plain,
    ImagePull,
    Tls,
}

/// One comparable credential of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Key of `data`, or the field of a literal.
    pub(super) key: Arc<str>,
    pub(super) fingerprint: u128,
    pub(super) used: Use,
}

pub(super) fn short(full: &[u8; 32]) -> u128 {
    let mut head = [0u8; 16];
    head.copy_from_slice(full.first_chunk::<16>().unwrap_or(&[0; 16]));
    u128::from_be_bytes(head)
}

/// The bits that guessing a value takes: all of them for a provider's token, told by what its format fixes at its front. A
/// password within a format (a connection string's) is as weak as a person made it.
pub(in super::super) fn strength(matched: &Match) -> u32 {
    let bits = bits_to_guess(&canonical(matched.secret.expose()));
    let token = matches!(matched.rule.shape, Shape::Token { .. }) && matched.visible > 0;
    if token && bits >= FLOOR { u32::MAX } else { bits }
}

pub(super) fn comparable(strength: u32, sharing: &Sharing) -> bool {
    strength >= sharing.min_bits.max(FLOOR)
}

/// The comparable credentials of a Secret: what the engine finds, the passwords of docker configs, and whole values of
/// enough entropy, since a Secret's data is secret by definition. Certificates, names and addresses are not.
pub fn credentials(secret: &Value, sharing: &Sharing, engine: &Engine, prints: &Fingerprinter, scratch: &mut Scratch) -> Vec<Credential> {
    let kind = secret.get("type").and_then(Value::as_str).unwrap_or_default();
    let name = Subject::of(secret).name;
    if sharing.ignored_types.iter().any(|ignored| ignored == kind) || sharing.ignored_names.iter().any(|pattern| glob(pattern, name)) {
        return Vec::new();
    }
    let used = match kind {
        "kubernetes.io/dockerconfigjson" | "kubernetes.io/dockercfg" => Use::ImagePull,
        "kubernetes.io/tls" => Use::Tls,
        _ => Use::Plain,
    };
    let mut held = Held { sharing, engine, prints, used, found: Vec::new() };
    for (key, text) in secret.get("data").and_then(Value::as_object).into_iter().flatten() {
        if let Some(decoded) = text.as_str().and_then(|text| data_encoding::BASE64.decode(text.trim().as_bytes()).ok()) {
            let decoded = zeroize::Zeroizing::new(decoded);
            held.value(key, &decoded, scratch);
        }
    }
    for (key, text) in secret.get("stringData").and_then(Value::as_object).into_iter().flatten() {
        held.value(key, text.as_str().unwrap_or_default().as_bytes(), scratch);
    }
    held.found
}

struct Held<'a> {
    sharing: &'a Sharing,
    engine: &'a Engine,
    prints: &'a Fingerprinter,
    used: Use,
    found: Vec<Credential>,
}

impl Held<'_> {
    fn value(&mut self, key: &str, bytes: &[u8], scratch: &mut Scratch) {
        if self.used == Use::Tls && key != "tls.key" {
            return;
        }
        let trimmed = bytes.trim_ascii();
        if self.used == Use::ImagePull
            && let Some(passwords) = registry_passwords(trimmed)
        {
            for password in passwords {
                if comparable(bits_to_guess(password.expose()), self.sharing) {
                    self.push(key, &password);
                }
            }
            return;
        }
        let is_file = trimmed.contains(&b'\n') || trimmed.starts_with(b"{");
        let hint = Hint { kind: LocationKind::Manifest, path: if is_file { key } else { "" }, name: Some(key), binary: false };
        let engine = self.engine;
        let mut seen = false;
        engine.find(bytes, &hint, scratch, &mut |matched| {
            seen = true;
            if matched.refuted.is_none() && comparable(strength(&matched), self.sharing) {
                self.push(key, &matched.secret);
            }
        });
        if seen {
            return;
        }
        match self.used {
            Use::Tls if trimmed.windows(11).any(|window| window == b"PRIVATE KEY") => self.push(key, &Secret::new(bytes)),
            Use::Plain if is_token(key, trimmed) && comparable(bits_to_guess(trimmed), self.sharing) => self.push(key, &Secret::new(bytes)),
            Use::Tls | Use::Plain | Use::ImagePull => {}
        }
    }

    fn push(&mut self, key: &str, secret: &Secret) {
        let fingerprint = short(&self.prints.of_cluster_value(secret));
        let credential = Credential { key: key.into(), fingerprint, used: self.used };
        if !self.found.contains(&credential) {
            self.found.push(credential);
        }
    }
}

/// What of an object's literals any policy may compare.
pub(super) fn of_observations(found: &[Observation]) -> Vec<Credential> {
    let strong = found.iter().filter(|observation| observation.strength >= FLOOR);
    strong.map(|o| Credential { key: o.label.as_str().into(), fingerprint: short(&o.cluster), used: Use::Plain }).collect()
}

/// The passwords of a docker config, by registry. `auth` is `user:password` in base64: how hard it is to guess is decided by
/// the password alone, and so is what is compared.
fn registry_passwords(bytes: &[u8]) -> Option<Vec<Secret>> {
    let config = serde_json::from_slice::<Value>(bytes).ok()?;
    let auths = config.get("auths").unwrap_or(&config).as_object()?;
    let secret = |entry: &Value| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(plain) = text("password").or_else(|| text("identitytoken")).or_else(|| text("registrytoken")) {
            return Some(Secret::new(plain.as_bytes()));
        }
        let decoded = data_encoding::BASE64.decode(text("auth")?.trim().as_bytes()).map(zeroize::Zeroizing::new).ok()?;
        let colon = decoded.iter().position(|b| *b == b':')?;
        Some(Secret::new(decoded.get(colon + 1..)?))
    };
    Some(auths.values().filter_map(secret).collect())
}

/// Whether a value that no rule knows looks like one opaque token rather than a name, an address or a certificate.
fn is_token(key: &str, value: &[u8]) -> bool {
    const NAMES: [&str; 12] = ["id", "user", "username", "host", "hostname", "email", "url", "uri", "endpoint", "crt", "pub", "name"];
    let lower = key.to_ascii_lowercase();
    let last = lower.rsplit(['.', '_', '-']).next().unwrap_or_default();
    !NAMES.contains(&last)
        && !key.ends_with("Id")
        && (16..=4096).contains(&value.len())
        && value.iter().all(|b| b.is_ascii_graphic() && !b"./:@{}<>\"".contains(b))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(kind: &str, data: &[(&str, &str)]) -> Vec<String> {
        let engine = Engine::new(Vec::new());
        let prints = Fingerprinter::with_key(&[1; 32]).expect("long enough");
        let data: serde_json::Map<String, Value> =
            data.iter().map(|(key, text)| ((*key).to_owned(), json!(data_encoding::BASE64.encode(text.as_bytes())))).collect();
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "data": data});
        let found = credentials(&secret, &Sharing::default(), &engine, &prints, &mut Scratch::default());
        found.iter().map(|c| c.key.to_string()).collect()
    }

    fn strong(seed: u64) -> String {
        crate::detect::samples::fill("{alnum:40}", seed)
    }

    #[test]
    fn low_entropy_and_public_values_are_never_comparable() {
        let found = keys(
            "Opaque",
            &[
                ("password", "Summer2024!"),
                ("passphrase", "SuperSecretPassword2024!"),
                ("token", "correct-horse-battery-staple-9"),
                ("dsn", "postgres://app:SuperSecretPassword2024!@db.internal:5432/app"),
                ("host", "database-1.cluster-c9akciq32rgt.eu-west-1.example.com"),
                ("client_id", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
                ("opaque", &strong(1)),
            ],
        );
        assert_eq!(found, ["opaque"]);
    }

    #[test]
    fn a_weak_registry_password_is_not_strong_because_it_is_encoded() {
        let config = |password: &str| {
            let auth = data_encoding::BASE64.encode(format!("deploy-robot:{password}").as_bytes());
            json!({"auths": {"registry.corp.io": {"auth": auth}}}).to_string()
        };
        let kind = "kubernetes.io/dockerconfigjson";
        assert!(keys(kind, &[(".dockerconfigjson", &config("Summer2024!"))]).is_empty());
        assert!(keys(kind, &[(".dockerconfigjson", &config("password"))]).is_empty());
        assert_eq!(keys(kind, &[(".dockerconfigjson", &config(&strong(2)))]), [".dockerconfigjson"]);
    }

    #[test]
    fn the_same_credential_has_one_fingerprint_in_every_wrapping() {
        let engine = Engine::new(Vec::new());
        let prints = Fingerprinter::with_key(&[1; 32]).expect("long enough");
        let password = strong(3);
        let auth = data_encoding::BASE64.encode(format!("robot:{password}").as_bytes());
        let mut fingerprints = Vec::new();
        for (kind, key, text) in [
            ("Opaque", "password", password.clone()),
            ("Opaque", "password", format!("  {password}\n")),
            ("Opaque", "DATABASE_URL", format!("postgres://app:{password}@db.internal:5432/app")),
            ("Opaque", ".env", format!("A=1\nDB_PASSWORD={password}\n")),
            ("Opaque", "config.json", json!({"db": {"password": password}}).to_string()),
            ("kubernetes.io/dockerconfigjson", ".dockerconfigjson", json!({"auths": {"r.corp.io": {"auth": auth}}}).to_string()),
        ] {
            let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "stringData": {key: text}});
            let found = credentials(&secret, &Sharing::default(), &engine, &prints, &mut Scratch::default());
            assert_eq!(found.len(), 1, "{key}");
            fingerprints.push(found[0].fingerprint);
        }
        fingerprints.dedup();
        assert_eq!(fingerprints.len(), 1);
    }
}

//! The certificates of an image, by the key that they certify: a private key that belongs to one speaks for its hosts,
//! whichever file and layer either of them is in.

use std::{collections::BTreeMap, sync::Arc};

use super::scrub::Scrub;
use crate::{
    Secret,
    detect::{
        checks::{Clock, day},
        public::{Certificate, KeyId, of_private},
    },
};

/// Certificates that are kept of a layer. An image has a few hundred, of public authorities for the most part.
const MOST: usize = 20_000;
/// Characters of a path that are kept.
const PATH: usize = 200;

/// For each key the certificate that is valid longest. Which ones are kept does not depend on the order in which they come.
#[derive(Default)]
pub(super) struct Certificates(BTreeMap<KeyId, (Certificate, Arc<str>)>);

/// What a private key's certificate says about it.
pub(super) struct Certified {
    /// For people; nothing secret.
    pub(super) evidence: String,
    /// Whether nobody accepts the certificate any more.
    pub(super) expired: bool,
}

impl Certificates {
    pub(super) fn add(&mut self, certificate: Certificate, path: &Arc<str>) {
        let path = if path.len() <= PATH { path.clone() } else { path.chars().take(PATH).collect::<String>().into() };
        self.insert(certificate.key, (certificate, path));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (key, entry) in &other.0 {
            self.insert(*key, entry.clone());
        }
    }

    fn insert(&mut self, key: KeyId, entry: (Certificate, Arc<str>)) {
        let better = |(certificate, path): &(Certificate, Arc<str>)| (certificate, path) < (&entry.0, &entry.1);
        if self.0.get(&key).is_none_or(better) {
            self.0.insert(key, entry);
        }
        if self.0.len() > MOST {
            self.0.pop_last();
        }
    }

    /// What belongs to a secret, where it is a private key.
    pub(super) fn of(&self, secret: &Secret, clock: &Clock, scrub: &Scrub) -> Option<Certified> {
        if self.0.is_empty() {
            return None;
        }
        let (certificate, path) = self.0.get(&of_private(secret.expose())?)?;
        let expired = clock.is_past(certificate.not_after as f64);
        let day = day(certificate.not_after).unwrap_or_else(|| "an unknown day".to_owned());
        let what = if certificate.authority { "key of the certificate authority" } else { "key of the certificate for" };
        let until = if expired { "expired on" } else { "valid until" };
        Some(Certified { evidence: format!("{what} {} ({}), {until} {day}", certificate.names, scrub.path(path)), expired })
    }
}

//! The values of an image that are encrypted, and the keys that the image holds for them, whichever file and layer either of them
//! is in: what opens is a credential like one in the open, what does not is nobody's.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use super::outcome::Seen;
use crate::{Secret, detect::guessable, vaults};

/// Keys of a kind that are tried.
const KEYS: usize = 16;
/// Vaults times passwords that are tried: each takes some milliseconds, whatever comes of it.
const ATTEMPTS: usize = 64;

/// A value that was opened.
pub(super) struct Opened {
    pub(super) secret: Secret,
    /// Whether somebody could guess it.
    pub(super) guessable: bool,
    /// The path of the file with the key.
    pub(super) key: String,
}

/// What was opened, by what it was.
#[derive(Default)]
pub(super) struct Sealed<'a> {
    opened: BTreeMap<&'a [u8], Opened>,
    /// Vaults that were not tried with every password.
    untried: u64,
}

impl<'a> Sealed<'a> {
    pub(super) fn of(seen: impl Iterator<Item = &'a Seen> + Clone) -> Self {
        let mut sealed = Self::default();
        let value = |seen: &'a Seen| seen.found.matched.secret.expose();
        // In the order of the values, so that the limits fall on the same ones every time.
        let values: BTreeSet<&[u8]> = seen.clone().map(value).filter(|value| vaults::is_sealed(value)).collect();
        if values.is_empty() {
            return sealed;
        }
        let of_rule = |rule: &'static str| seen.clone().filter(move |seen| seen.found.matched.rule.id == rule).take(4 * KEYS);
        let files = || of_rule("jenkins-master-key");
        let path = |seen: &Seen| seen.location.path.clone().or_else(|| seen.location.name.clone()).unwrap_or_default();
        let keys: Vec<(Zeroizing<Vec<u8>>, String)> = files()
            .flat_map(|master| files().map(move |stored| (master, stored)))
            .filter(|(_, stored)| value(stored).len().is_multiple_of(16))
            .filter_map(|(master, stored)| Some((vaults::jenkins_key(value(master), value(stored))?, path(master))))
            .take(KEYS)
            .collect();
        let passwords: BTreeMap<&[u8], String> = of_rule("ansible-vault-password-file")
            .chain(of_rule("ansible-vault-password"))
            .take(KEYS)
            .map(|seen| (value(seen), path(seen)))
            .collect();
        let mut attempts = 0;
        for value in values {
            let opened = if value.starts_with(vaults::ANSIBLE.as_bytes()) {
                if attempts + passwords.len() > ATTEMPTS {
                    sealed.untried += 1;
                    continue;
                }
                attempts += passwords.len();
                passwords.iter().find_map(|(password, path)| Some((vaults::open_ansible(password, value)?, path)))
            } else {
                keys.iter().find_map(|(key, path)| Some((vaults::open_jenkins(key, value)?, path)))
            };
            if let Some((plain, path)) = opened {
                let plain = plain.trim_ascii();
                let opened = Opened { secret: Secret::new(plain), guessable: guessable(plain), key: path.clone() };
                sealed.opened.insert(value, opened);
            }
        }
        sealed
    }

    /// What a match is in the open.
    pub(super) fn open(&self, secret: &Secret) -> Option<&Opened> {
        if self.opened.is_empty() { None } else { self.opened.get(secret.expose()) }
    }

    /// What was opened.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.opened.values().map(|opened| &opened.secret)
    }

    /// What was not tried, for people.
    pub(super) fn gap(&self) -> Option<String> {
        let count = self.untried;
        (count > 0).then(|| format!("more vaults and passwords for them than are tried; {count} vaults were not opened"))
    }
}

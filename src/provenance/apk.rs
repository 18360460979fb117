//! apk(8) of Alpine and Wolfi: `lib/apk/db/installed`, apk-package(5) database format: `P:` name, `Z:Q1<base64 of SHA-1>`.
//!
//! The database does not say where a package came from. Packages are signed, so the keys and repositories that the image trusts
//! up to that layer decide: if all are the distribution's, so are the packages (unless somebody said `--allow-untrusted`).

use super::{Database, Distribution, Hash, lines};

/// One layer's.
#[derive(Default)]
pub(super) struct Facts {
    files: Vec<(u32, Hash)>,
    names: Vec<String>,
    foreign: bool,
    repositories: bool,
}

impl Facts {
    /// Reads `installed`.
    pub(super) fn installed(&mut self, text: &[u8]) {
        for line in lines(text) {
            if let Some(name) = line.strip_prefix(b"P:") {
                self.names.push(String::from_utf8_lossy(name).into_owned());
            } else if let Some(hash) = line.strip_prefix(b"Z:").and_then(hash)
                && let Some(index) = self.names.len().checked_sub(1).and_then(|index| u32::try_from(index).ok())
            {
                self.files.push((index, hash));
            }
        }
    }

    /// Reads `etc/apk/repositories`: a URL a line, perhaps with a tag in front.
    pub(super) fn repositories(&mut self, text: &[u8]) {
        self.repositories = true;
        for line in lines(text) {
            let line = String::from_utf8_lossy(line.trim_ascii()).into_owned();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let url = line.split_ascii_whitespace().last().unwrap_or_default();
            let host = url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
            let known = |host: &str| ["alpinelinux.org", "wolfi.dev", "cgr.dev"].iter().any(|name| in_domain(host, name));
            self.foreign |= !host.is_some_and(known);
        }
    }

    /// A file name of `etc/apk/keys`.
    pub(super) fn key(&mut self, name: &str) {
        let known =
            name.starts_with("alpine-devel@lists.alpinelinux.org-") || matches!(name, "wolfi-signing.rsa.pub" | "chainguard.rsa.pub");
        self.foreign |= !known;
    }
}

fn in_domain(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'))
}

fn hash(text: &[u8]) -> Option<Hash> {
    let decode = |text: &[u8]| data_encoding::BASE64.decode(text).ok();
    if let Some(sha1) = text.strip_prefix(b"Q1") {
        return Some(Hash::Sha1(decode(sha1)?.try_into().ok()?));
    }
    Some(Hash::Sha256(decode(text.strip_prefix(b"Q2")?)?.try_into().ok()?))
}

/// A package is public if it was there before anything foreign was trusted.
pub(super) fn merge(layers: &[(&Facts, Option<Distribution>)], database: &mut Database) {
    let (mut foreign, mut repositories) = (false, false);
    for (facts, distribution) in layers {
        foreign |= facts.foreign;
        repositories |= facts.repositories;
        let trusted = !foreign && repositories && matches!(distribution, Some(Distribution::Alpine | Distribution::Wolfi));
        let indices: Vec<u32> = facts.names.iter().map(|name| database.add(format!("apk {name}"), trusted)).collect();
        // A later layer's database lists the lower ones' files again: those stay public by their hashes.
        for (name, hash) in &facts.files {
            let Some(index) = indices.get(*name as usize) else { continue };
            database.claim(*hash, *index);
        }
    }
}

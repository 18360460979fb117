//! dpkg(1): `status` (deb822(5) stanzas) and `info/*.md5sums` (deb-md5sums(5)).
//!
//! A company's own .deb has both, too. A package counts as Debian's or Ubuntu's if its maintainer's address is the
//! distribution's, its version has the form that the distribution gives (no local suffix), and the image says that it is that
//! distribution. A package of a Debian developer with a private address is not recognised: its findings are reported.

use std::collections::HashMap;

use super::{Database, Distribution, Hash, lines};

/// One layer's.
#[derive(Default)]
pub(super) struct Facts {
    /// Package name -> stanza facts.
    stanzas: HashMap<String, Stanza>,
    /// (package, hash) of files.
    sums: Vec<(u32, [u8; 16])>,
    /// Names that `sums` points at.
    names: Vec<String>,
}

#[derive(Default, Clone, Copy)]
struct Stanza {
    maintained_by_distribution: bool,
    version_of_distribution: bool,
    foreign_origin: bool,
}

impl Stanza {
    fn public(self) -> bool {
        self.maintained_by_distribution && self.version_of_distribution && !self.foreign_origin
    }
}

impl Facts {
    /// Reads `status`, or a stanza of `status.d`.
    pub(super) fn status(&mut self, text: &[u8]) {
        let (mut name, mut stanza, mut field) = (String::new(), Stanza::default(), &b""[..]);
        for line in lines(text).chain([&b""[..]]) {
            if line.is_empty() {
                if !name.is_empty() {
                    self.stanzas.insert(std::mem::take(&mut name), stanza);
                }
                stanza = Stanza::default();
                continue;
            }
            if line.starts_with(b" ") {
                if field == b"Conffiles" {
                    self.conffile(&name, line);
                }
                continue;
            }
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let (key, value) = line.split_at(colon);
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            field = key;
            match key {
                b"Package" => name = String::from_utf8_lossy(value).into_owned(),
                b"Maintainer" => stanza.maintained_by_distribution = is_distribution_address(value),
                b"Version" => stanza.version_of_distribution = is_distribution_version(value),
                b"Origin" => stanza.foreign_origin = !value.eq_ignore_ascii_case(b"debian") && !value.eq_ignore_ascii_case(b"ubuntu"),
                _ => {}
            }
        }
    }

    /// ` /etc/x.conf d41d8cd9... [obsolete]`
    fn conffile(&mut self, package: &str, line: &[u8]) {
        let hash = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).nth(1);
        if let Some(hash) = hash.and_then(md5) {
            let index = self.index(package);
            self.sums.push((index, hash));
        }
    }

    /// Reads `NAME[:ARCH].md5sums`: lines of hash, two blanks, path.
    pub(super) fn sums(&mut self, name: &str, text: &[u8]) {
        let index = self.index(name.split(':').next().unwrap_or(name));
        let hashes = lines(text).filter_map(|line| line.get(..32).and_then(md5));
        self.sums.extend(hashes.map(|hash| (index, hash)));
    }

    fn index(&mut self, name: &str) -> u32 {
        if self.names.last().is_none_or(|last| last != name) {
            self.names.push(name.to_owned());
        }
        u32::try_from(self.names.len() - 1).unwrap_or(u32::MAX)
    }
}

fn md5(hex: &[u8]) -> Option<[u8; 16]> {
    let mut hash = [0; 16];
    let length = data_encoding::HEXLOWER.decode_len(hex.len()).ok()?;
    let out = hash.get_mut(..length).filter(|out| out.len() == 16)?;
    data_encoding::HEXLOWER.decode_mut(hex, out).ok()?;
    Some(hash)
}

/// `Name <user@lists.debian.org>`.
fn is_distribution_address(maintainer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(maintainer).to_ascii_lowercase();
    let Some(domain) = text.rsplit_once('@').and_then(|(_, rest)| rest.strip_suffix('>')) else { return false };
    ["debian.org", "alioth-lists.debian.net", "ubuntu.com", "canonical.com"]
        .iter()
        .any(|known| domain == *known || domain.strip_suffix(known).is_some_and(|sub| sub.ends_with('.')))
}

/// Whether a version's revision (deb-version(7)) is one that Debian or Ubuntu gives: digits with `+deb12u1`, `ubuntu0.1`,
/// `build1`, `+b2`, `~bpo12+1`, `+nmu1`, `+esm1`. A company's rebuild of a public package marks it here (`-1acme1`). A native
/// package has no revision: its whole version is judged by the same words.
fn is_distribution_version(version: &[u8]) -> bool {
    let Ok(version) = std::str::from_utf8(version) else { return false };
    let revision = version.rsplit_once('-').map_or(version, |(_, revision)| revision);
    let words = revision.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let known =
        ["deb", "u", "ubuntu", "build", "b", "bpo", "nmu", "esm", "exp", "really", "dfsg", "ds", "debian", "git", "rc", "p", "a", "e"];
    revision.bytes().any(|byte| byte.is_ascii_digit()) && words.clone().all(|word| known.contains(&word))
}

/// A package is public if every layer that describes it agrees.
pub(super) fn merge(layers: &[(&Facts, Option<Distribution>)], database: &mut Database) {
    let mut public: HashMap<&str, bool> = HashMap::new();
    for (facts, distribution) in layers {
        let known = matches!(distribution, Some(Distribution::Debian | Distribution::Ubuntu));
        for (name, stanza) in &facts.stanzas {
            *public.entry(name).or_insert(true) &= known && stanza.public();
        }
    }
    for (facts, _) in layers {
        let indices: Vec<u32> = facts
            .names
            .iter()
            .map(|name| database.add(format!("dpkg {name}"), public.get(name.as_str()).copied().unwrap_or(false)))
            .collect();
        for (name, hash) in &facts.sums {
            if let Some(index) = indices.get(*name as usize) {
                database.claim(Hash::Md5(*hash), *index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_by_their_domain() {
        for (address, public) in [
            ("Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>", true),
            ("Matthias Klose <doko@debian.org>", true),
            ("Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", true),
            ("Acme Packaging <packages@acme.example>", false),
            ("Mallory <m@notdebian.org>", false),
            ("Mallory <m@debian.org.acme.example>", false),
            ("", false),
        ] {
            assert_eq!(is_distribution_address(address.as_bytes()), public, "{address}");
        }
    }

    #[test]
    fn versions_with_a_local_mark_are_not_the_distributions() {
        for (version, public) in [
            ("3.0.15-1~deb12u1", true),
            ("1.1.1f-1ubuntu2.22", true),
            ("12.4+deb12u8", true),
            ("2:1.2.13.dfsg-1+b1", true),
            ("1.0-1acme1", false),
            ("1.0-acme", false),
            ("2024.03+corp", false),
        ] {
            assert_eq!(is_distribution_version(version.as_bytes()), public, "{version}");
        }
    }
}

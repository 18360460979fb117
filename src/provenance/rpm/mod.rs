//! rpm: the database of installed packages. A package's header holds a digest of each of its files, and is itself signed.
//!
//! A package is public if its header's signature verifies with a public vendor's key. The keys come out of the image, where every
//! rpm distribution keeps them (`/etc/pki/rpm-gpg`, the database's `gpg-pubkey` packages); which of them is a vendor's is told by
//! the fingerprint that the vendor publishes ([`VENDORS`]), so nobody can pass off a key of his own. What is proven, then, is that
//! the vendor signed the digests which the files have: more than any other package database proves.
//!
//! Signatures with SHA-1 or DSA, of the time before 2014, and those of OpenPGP version 6 are not verified: their packages count as
//! of unknown origin, like unsigned ones.

mod databases;
mod header;
mod openpgp;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};

use self::{
    header::Header,
    openpgp::{PublicKey, Signature},
};
use super::{Database, Hash};
use crate::content::ContentHashes;

/// Packages of one database that are looked at; a full workstation has four thousand.
const PACKAGES: usize = 50_000;
/// Signatures of one package that are looked at.
const SIGNATURES: usize = 4;
/// Keys of one layer.
const KEYS: usize = 1_000;

/// `PGPHASHALGO_MD5` and `PGPHASHALGO_SHA256` of RFC 4880, section 9.4.
const MD5: u32 = 1;
const SHA256: u32 = 8;

/// A vendor: its name and the fingerprints of its keys, as it publishes them.
pub(super) type Vendor = (&'static str, &'static [&'static str]);

/// The vendors of public distributions.
pub(super) static VENDORS: &[Vendor] = &[
    // https://access.redhat.com/security/team/key
    (
        "Red Hat",
        &[
            "567E347AD0044ADE55BA8A5F199E2F91FD431D51",
            "6A6AA7C97C8890AEC6AEBFE2F76F66C3D4082792",
            "7E4624258C406535D56D6F135054E4A45A6340B3",
        ],
    ),
    // https://fedoraproject.org/security
    (
        "Fedora",
        &[
            "53DED2CB922D8B8D9E63FD18999F7CBF38AB71F4",
            "ACB5EE4E831C74BB7C168D27F55AD3FB5323552A",
            "6A51BBABBA3D5467B6171221809A8D7CEB10B464",
            "E8F23996F23218640CB44CBE75CF5AC418B8E74C",
            "115DF9AEF857853EE8445D0A0727707EA15B79CC",
            "466CF2D8B60BC3057AA9453ED0622462E99D6AD1",
            "B0F4950458F69E1150C6C5EDC8AC4916105EF944",
            "C6E7F081CF80E13146676E88829B606631645531",
            "36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6",
        ],
    ),
    // https://docs.fedoraproject.org/en-US/epel/
    ("EPEL", &["91E97D7C4A5E96F17F3E888F6A2FAEA2352C64E5", "94E279EB8D8F25B21810ADF121EA45AB2F86D6A1"]),
    // https://www.centos.org/keys/
    ("CentOS", &["6341AB2753D78A78A7C27BB124C6A8A7F4A80EB5", "99DB70FAE1D7CE227FB6488205B555B38483C65D"]),
    // https://rockylinux.org/resources/gpg-key-info
    (
        "Rocky Linux",
        &[
            "7051C470A929F454CEBE37B715AF5DAC6D745A60",
            "21CB256AE16FC54C6E652949702D426D350D275D",
            "FC226859C0860BF0DDB95B085B106C736FEDFC85",
        ],
    ),
    // https://almalinux.org/security/
    (
        "AlmaLinux",
        &[
            "5E9B8F5617B5066CE92057C3488FCF7C3ABB34F8",
            "BC5EDDCADF502C077F1582882AE81E8ACED7258B",
            "BF18AC2876178908D6E71267D36CB86CB86B3716",
            "EE6DB7B98F5BF5EDD9DA0DE5DEE5C11CC2A1E572",
        ],
    ),
    // https://linux.oracle.com/security/gpg/
    (
        "Oracle Linux",
        &[
            "42144123FECFC55B9086313D72F97B74EC551F03",
            "76FD3DB13AB67410B89DB10E82562EA9AD986DA3",
            "3E6D826D3FBAB389C2F38E34BC4D06A08D8B756F",
        ],
    ),
    // https://docs.aws.amazon.com/linux/al2023/ug/
    ("Amazon Linux", &["99E617FE5DB527C0D8BD5F8E11CF1F95C87F5B1A", "B21C50FA44A99720EAA72F7FE951904AD832C631"]),
    // https://www.suse.com/support/security/keys/
    ("SUSE", &["FEAB502539D846DB2C0961CA70AF9E8139DB7C82", "7F009157B127B994D5CFBE76F74F09BC3FA1D6CE"]),
    // https://en.opensuse.org/openSUSE:Signing_Key
    ("openSUSE", &["22C07BA534178CD02EFE22AAB88B2FD43DBDC284", "AD485664E901B867051AB15F35A2F86E29B700A4"]),
    // https://github.com/microsoft/azurelinux
    ("Azure Linux", &["2BC94FFF7015A5F28F1537AD0CD9FED33135CE90"]),
];

/// What kind of database a path is, where it is one: SQLite since rpm 4.16, `ndb` of SUSE, Berkeley DB before.
pub(super) fn is_database(path: &str) -> bool {
    matches!(
        path,
        "var/lib/rpm/rpmdb.sqlite"
            | "usr/lib/sysimage/rpm/rpmdb.sqlite"
            | "usr/share/rpm/rpmdb.sqlite"
            | "var/lib/rpm/Packages.db"
            | "usr/lib/sysimage/rpm/Packages.db"
            | "var/lib/rpm/Packages"
            | "usr/lib/sysimage/rpm/Packages"
            | "usr/share/rpm/Packages"
    )
}

/// Whether the files of a folder are keys that packages are signed with.
pub(super) fn is_key_folder(folder: &str) -> bool {
    matches!(folder, "etc/pki/rpm-gpg" | "usr/share/distribution-gpg-keys" | "usr/lib/rpm/gnupg/keys")
}

/// One layer's.
#[derive(Default)]
pub(super) struct Facts {
    keys: Vec<PublicKey>,
    packages: Vec<Package>,
}

struct Package {
    name: String,
    signatures: Vec<Signature>,
    files: Vec<Hash>,
}

impl Facts {
    /// Reads a database.
    pub(super) fn database(&mut self, bytes: &[u8]) {
        databases::blobs(bytes, &mut |blob| {
            if let Some(header) = Header::parse(blob).filter(|_| self.packages.len() < PACKAGES) {
                self.package(&header);
            }
        });
    }

    /// Reads public keys, armoured or not.
    pub(super) fn keys(&mut self, bytes: &[u8]) {
        let room = KEYS.saturating_sub(self.keys.len());
        self.keys.extend(openpgp::public_keys(bytes).into_iter().take(room));
    }

    fn package(&mut self, header: &Header<'_>) {
        let Some(name) = header.text(header::NAME) else { return };
        if name == b"gpg-pubkey" {
            self.keys(header.text(header::DESCRIPTION).unwrap_or_default());
            return;
        }
        let algorithm = header.number(header::FILE_DIGEST_ALGORITHM).unwrap_or(MD5);
        let files = header.texts(header::FILE_DIGESTS).filter_map(|hex| digest(algorithm, hex)).collect();
        let signatures = match header.immutable() {
            Some(signed) => header.signatures().take(SIGNATURES).filter_map(|packet| Signature::of(&packet, &signed)).collect(),
            None => Vec::new(),
        };
        self.packages.push(Package { name: String::from_utf8_lossy(name.get(..128).unwrap_or(name)).into_owned(), signatures, files });
    }
}

fn digest(algorithm: u32, hex: &[u8]) -> Option<Hash> {
    let bytes = data_encoding::HEXLOWER.decode(hex).ok()?;
    match algorithm {
        MD5 => bytes.try_into().ok().map(Hash::Md5),
        SHA256 => bytes.try_into().ok().map(Hash::Sha256),
        _ => None,
    }
}

/// Puts the layers' facts together. The keys may be in any layer.
pub(super) fn merge(layers: &[&Facts], vendors: &[Vendor], asked: &[ContentHashes], database: &mut Database) {
    let md5 = asked.iter().map(|hashes| Hash::Md5(hashes.md5));
    let asked: HashSet<Hash> = md5.chain(asked.iter().filter_map(|hashes| hashes.sha256.map(Hash::Sha256))).collect();
    let mut keys: BTreeMap<[u8; 8], (&PublicKey, &'static str)> = BTreeMap::new();
    for key in layers.iter().flat_map(|facts| &facts.keys) {
        let fingerprint = data_encoding::HEXUPPER.encode(&key.fingerprint);
        if let Some((vendor, _)) = vendors.iter().find(|(_, fingerprints)| fingerprints.contains(&fingerprint.as_str())) {
            keys.insert(key.id(), (key, vendor));
        }
    }
    // Every layer's database holds the packages of those below, too. The whole signature is the key: the same bytes over another
    // header are another claim.
    let mut known: HashMap<&Signature, Option<&'static str>> = HashMap::new();
    let packages = layers.iter().flat_map(|facts| &facts.packages);
    for package in packages.filter(|package| package.files.iter().any(|file| asked.contains(file))) {
        let signer = package.signatures.iter().find_map(|signature| {
            *known.entry(signature).or_insert_with(|| {
                let (key, vendor) = keys.get(&signature.issuer)?;
                key.verifies(signature).then_some(*vendor)
            })
        });
        let name = match signer {
            Some(vendor) => format!("rpm {}, signed by {vendor}", package.name),
            None => format!("rpm {}", package.name),
        };
        let index = database.add(name, signer.is_some());
        for file in &package.files {
            database.claim(*file, index);
        }
    }
}

//! Azure's identifiable keys and Entra's client secrets: a signature, and a Marvin32 checksum whose seed says what kind of key it
//! is. Layout and seeds: <https://github.com/microsoft/security-utilities> (`IdentifiableSecrets.cs`, `IdentifiableMetadata.cs`);
//! Marvin32: <https://github.com/microsoft/SymCrypt/blob/main/lib/marvin32.c>.

use data_encoding::{BASE64, BASE64URL};

use super::{Outcome, Subject, Verdict};
use crate::detect::decode::base64;

/// Characters that the checksum takes in base64.
const CHECKSUM: usize = 6;

/// A service: its signature, its seeds with the kinds of keys that they stand for, and whether those are all there are.
struct Service {
    signature: &'static [u8],
    kinds: &'static [(&'static [u8; 8], &'static str)],
    all: bool,
}

const fn service(signature: &'static [u8], kinds: &'static [(&'static [u8; 8], &'static str)], all: bool) -> Service {
    Service { signature, kinds, all }
}

const MESSAGING: &[(&[u8; 8], &str)] =
    &[(b"Send0000", "send key"), (b"Manage00", "manage key"), (b"Listen00", "listen key"), (b"System00", "system key")];

const SERVICES: &[Service] = &[
    service(b"+ASt", &[(b"Default0", "account key")], true),
    service(
        b"ACDb",
        &[
            (b"MastRO00", "read-only key"),
            (b"MastRW00", "read-write key"),
            (b"SysAll00", "system key"),
            (b"Resour00", "resource key"),
            (b"SystRO00", "system read-only key"),
            (b"SystRW00", "system read-write key"),
            (b"Encryp00", "encryption key"),
        ],
        true,
    ),
    service(b"+ABa", &[(b"AbAcct00", "account key")], true),
    service(b"+ACR", &[(b"ACRDflt0", "registry password")], true),
    service(b"AzFu", &[(b"Master00", "master key"), (b"System00", "system key"), (b"Functi00", "function key")], true),
    service(b"AzSe", &[(b"Query000", "query key"), (b"PAdmin00", "admin key")], false),
    service(b"AzCa", &[(b"Access00", "access key")], false),
    service(b"+ASb", MESSAGING, true),
    service(b"+AEh", MESSAGING, true),
    service(b"+ARm", MESSAGING, true),
    service(b"AIoT", &[(b"IoTHub00", "hub key"), (b"DpsKey00", "provisioning key"), (b"Device00", "device key")], false),
    service(
        b"APIM",
        &[
            (b"Tenant00", "management key"),
            (b"IoTHub00", "subscription key"),
            (b"Gatewy00", "gateway key"),
            (b"GitKey00", "repository key"),
        ],
        false,
    ),
    service(b"+AMC", &[(b"Classic0", "service key")], false),
    service(b"AZEG", &[], false),
];

/// A key whose last characters are its service's signature and the checksum of everything before it.
pub(super) fn identifiable(subject: &Subject<'_>) -> Verdict {
    let secret = subject.secret;
    let Some(bytes) = base64(secret) else { return Verdict::doubtful("not base64") };
    let end = secret.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let signature = end.checked_sub(CHECKSUM + 4).and_then(|start| secret.get(start..start + 4)).unwrap_or_default();
    let service = SERVICES.iter().find(|service| service.signature == signature);
    let (Some(service), Some((body, sum))) = (service, bytes.split_last_chunk::<4>()) else { return Verdict::fits(Vec::new()) };
    let kind = service.kinds.iter().find(|(seed, _)| marvin32(body, u64::from_be_bytes(**seed)).to_le_bytes() == *sum);
    match kind {
        Some((_, kind)) => Verdict { outcome: Outcome::Proven, evidence: vec!["checksum valid".to_owned(), (*kind).to_owned()] },
        // Of these services all seeds are published, so the key was made up; or by somebody who did not read that.
        None if service.all => Verdict::doubtful("checksum of no known kind of key"),
        None => Verdict::fits(vec!["holds its service's signature".to_owned()]),
    }
}

/// The characters that complete a key which ends with a signature so far: for samples.
pub(super) fn suffix(text: &str) -> Option<String> {
    let service = SERVICES.iter().find(|service| text.as_bytes().ends_with(service.signature))?;
    let (seed, _) = service.kinds.first()?;
    // The bits between the signature and the checksum are zero.
    let filled = format!("{text}{}", "A".repeat(text.len().wrapping_neg() % 4));
    let mut bytes = base64(filled.as_bytes())?;
    bytes.truncate((text.len() * 6).div_ceil(8));
    let sum = marvin32(&bytes, u64::from_be_bytes(**seed));
    bytes.extend(sum.to_le_bytes());
    let encoding = if service.signature == b"AzFu" { BASE64URL } else { BASE64 };
    encoding.encode(&bytes).get(text.len()..).map(str::to_owned)
}

/// Letters of Entra's passwords, in the order in which they are digits.
const LETTERS: &[u8; 66] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890.-_~";

/// `xxx8Q~` and 34 more, the last three of which are the first three digits of the checksum. `7Q~` had none.
pub(super) fn entra(subject: &Subject<'_>) -> Verdict {
    let secret = subject.secret;
    if secret.get(3..6) != Some(b"8Q~") {
        return Verdict::fits(Vec::new());
    }
    match secret.split_last_chunk::<3>() {
        Some((body, sum)) if entra_sum(body).starts_with(sum) => Verdict::proven("checksum valid"),
        _ => Verdict::doubtful("checksum mismatch"),
    }
}

/// The end of an Entra secret: for samples.
pub(super) fn entra_suffix(text: &str) -> Option<String> {
    String::from_utf8(entra_sum(text.as_bytes()).get(..3)?.to_vec()).ok()
}

/// The checksum in base 66, the most significant digit first.
fn entra_sum(body: &[u8]) -> Vec<u8> {
    let mut rest = marvin32(body, u64::from_be_bytes(*b"AadPwd00"));
    let mut digits = Vec::new();
    while rest > 0 {
        digits.extend(LETTERS.get((rest % 66) as usize));
        rest /= 66;
    }
    digits.reverse();
    digits
}

/// The 64-bit hash, its halves put together.
fn marvin32(data: &[u8], seed: u64) -> u32 {
    let hash = marvin(data, seed);
    (hash >> 32) as u32 ^ hash as u32
}

fn marvin(data: &[u8], seed: u64) -> u64 {
    let (mut low, mut high) = (seed as u32, (seed >> 32) as u32);
    let mut block = |added: u32| {
        low = low.wrapping_add(added);
        high ^= low;
        low = low.rotate_left(20).wrapping_add(high);
        high = high.rotate_left(9) ^ low;
        low = low.rotate_left(27).wrapping_add(high);
        high = high.rotate_left(19);
    };
    let (words, rest) = data.as_chunks::<4>();
    words.iter().for_each(|word| block(u32::from_le_bytes(*word)));
    let mut last = [0; 4];
    last.iter_mut().zip(rest.iter().chain([&0x80])).for_each(|(to, from)| *to = *from);
    block(u32::from_le_bytes(last));
    block(0);
    u64::from(high) << 32 | u64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_symcrypt() {
        let seed = 0x004f_b61a_001b_dbcc;
        for (data, expected) in [
            (&b""[..], 0x30ed_35c1_00cd_3c7d_u64),
            (b"\xaf", 0x48e7_3fc7_7d75_ddc1),
            (b"\xe7\x0f", 0xb5f6_e1fc_485d_bff8),
            (b"\x37\xf4\x95", 0xf0b0_7c78_9b8c_f7e8),
            (b"\x86\x42\xdc\x59", 0x7008_f2e8_7e9c_f556),
            (b"\x15\x3f\xb7\x98\x26", 0xe6c0_8c6d_a2af_a997),
        ] {
            assert_eq!(marvin(data, seed), expected, "{data:?}");
        }
    }

    #[test]
    fn kinds_of_keys() {
        let check = |key: &str| {
            let subject = Subject { secret: key.as_bytes(), around: b"", clock: &super::super::Clock::new(None) };
            (identifiable(&subject).outcome, identifiable(&subject).evidence)
        };
        for service in SERVICES.iter().filter(|service| !service.kinds.is_empty()) {
            let signature = std::str::from_utf8(service.signature).expect("ASCII");
            for length in [33, 42, 44, 76] {
                let start = format!("{}{signature}", "aB3dE".repeat(16).get(..length).expect("long enough"));
                let key = format!("{start}{}", suffix(&start).expect("complete"));
                let (outcome, evidence) = check(&key);
                assert!(outcome == Outcome::Proven && evidence.len() == 2, "{signature} {length}");
                let (outcome, _) = check(&key.replacen("aB3", "aB4", 1));
                assert!(outcome != Outcome::Proven, "{signature} {length}");
            }
        }
    }
}

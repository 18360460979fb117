//! Digests of blobs, checked when they are parsed, so that one can be used in a path or a URL.
//!
//! Format: [OCI image spec, descriptor.md, Digests](https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests).

use std::fmt;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256, Sha512};

/// The algorithms that can be verified: those that the OCI specification registers and that are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, 64 hex digits.
    Sha256,
    /// SHA-512, 128 hex digits.
    Sha512,
}

impl Algorithm {
    /// The word before the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// `sha256:` and 64 lower-case hex digits, or `sha512:` and 128.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    hex: String,
}

impl Digest {
    /// Checks algorithm, length and alphabet.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (algorithm, hex) = text.split_once(':').ok_or("the digest has no algorithm")?;
        let (algorithm, length) = match algorithm {
            "sha256" => (Algorithm::Sha256, 64),
            "sha512" => (Algorithm::Sha512, 128),
            _ => return Err("the digest is neither sha256 nor sha512".to_owned()),
        };
        if hex.len() != length || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(format!("a {} digest has {length} lower-case hex digits", algorithm.as_str()));
        }
        Ok(Self { algorithm, hex: hex.to_owned() })
    }

    /// The SHA-256 digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { algorithm: Algorithm::Sha256, hex: HEXLOWER.encode(&Sha256::digest(bytes)) }
    }

    /// Which hash.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hex digits alone.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.as_str(), self.hex)
    }
}

/// Computes a digest while bytes come.
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha512(Box<Sha512>),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Box::new(Sha512::new())),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The digest so far; starts again.
    pub(crate) fn finish(&mut self) -> Digest {
        match self {
            Self::Sha256(hash) => Digest { algorithm: Algorithm::Sha256, hex: HEXLOWER.encode(&hash.finalize_reset()) },
            Self::Sha512(hash) => Digest { algorithm: Algorithm::Sha512, hex: HEXLOWER.encode(&hash.finalize_reset()) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_checked_digests_exist() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::parse(empty).expect("a digest").to_string(), empty);
        assert_eq!(Digest::of(b"").to_string(), empty);
        for text in ["", "sha256", "sha256:", "sha256:..", "md5:d41d8cd98f00b204e9800998ecf8427e", &empty.to_uppercase(), &empty[..70]] {
            assert!(Digest::parse(text).is_err(), "`{text}`");
        }
        assert!(Digest::parse("sha256:../../../../../../../../../../../../../etc/passwd00000000000000000").is_err());
    }
}

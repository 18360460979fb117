//! Tokens of a provider's format, made when a test runs, so that none stands in the repository.

/// Letters and digits in the order in which base 62 counts them.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Random bytes that are the same for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// xorshift64*
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// Letters and digits.
    pub(crate) fn base62(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(BASE62[(self.next() % 62) as usize])).collect()
    }

    /// Bytes that do not compress.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| (self.next() >> 8) as u8).collect()
    }
}

/// A classic personal access token of GitHub: `ghp_`, 30 random characters, and their CRC-32 in six digits of base 62
/// (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>).
pub(crate) fn github_token(seed: u64) -> String {
    let random = Random::new(seed).base62(30);
    let mut checksum = crc32fast::hash(random.as_bytes());
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(checksum % 62) as usize];
        checksum /= 62;
    }
    format!("ghp{}{random}{}", "_", String::from_utf8_lossy(&digits))
}

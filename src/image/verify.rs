//! A reader that checks size and digest of a blob while somebody else reads it.

use std::io::{self, Read};

use super::{
    ImageError,
    digest::{Digest, Hasher},
};

/// Passes bytes through and fails at the end, when they were not those that the descriptor names.
pub(crate) struct Verified<R> {
    inner: R,
    what: String,
    expected: Digest,
    size: Option<u64>,
    hasher: Hasher,
    seen: u64,
    done: bool,
}

impl<R: Read> Verified<R> {
    /// `what` names the blob in errors; `size` is the descriptor's, where it has one.
    pub(crate) fn new(inner: R, what: String, expected: Digest, size: Option<u64>) -> Self {
        let hasher = Hasher::new(expected.algorithm());
        Self { inner, what, expected, size, hasher, seen: 0, done: false }
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.done {
            return Ok(());
        }
        self.done = true;
        let found = self.hasher.finish();
        if found != self.expected {
            return Err(io::Error::other(ImageError::DigestMismatch {
                what: self.what.clone(),
                expected: self.expected.to_string(),
                found: found.to_string(),
            }));
        }
        match self.size {
            Some(size) if size != self.seen => Err(self.wrong_size(size)),
            _ => Ok(()),
        }
    }

    fn wrong_size(&self, size: u64) -> io::Error {
        io::Error::other(ImageError::Unreadable(format!(
            "{} has another size than its descriptor says ({size} bytes); the blob or the manifest was altered",
            self.what
        )))
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        if count == 0 {
            self.finish()?;
            return Ok(0);
        }
        self.seen = self.seen.saturating_add(count as u64);
        if let Some(size) = self.size
            && self.seen > size
        {
            // No need to read on: an endless body would never come to its end.
            return Err(self.wrong_size(size));
        }
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// Reads a small blob into memory and checks it.
///
/// # Errors
/// When it is larger than `limit` bytes, cannot be read, or is not what `digest` and `size` say.
pub(crate) fn read_small(
    reader: impl Read,
    what: &str,
    digest: Option<&Digest>,
    size: Option<u64>,
    limit: u64,
) -> Result<Vec<u8>, ImageError> {
    if size.is_some_and(|size| size > limit) {
        return Err(too_large(what, limit));
    }
    let mut bytes = Vec::new();
    let mut limited = reader.take(limit + 1);
    match digest {
        Some(digest) => Verified::new(&mut limited, what.to_owned(), digest.clone(), size).read_to_end(&mut bytes),
        None => limited.read_to_end(&mut bytes),
    }
    .map_err(|source| ImageError::reading(what, source))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(what, limit));
    }
    Ok(bytes)
}

fn too_large(what: &str, limit: u64) -> ImageError {
    ImageError::Unreadable(format!("{what} is larger than {limit} bytes, the most that is read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], digest: &Digest, size: Option<u64>) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let mut reader = Verified::new(bytes, "blob".to_owned(), digest.clone(), size);
        reader.read_to_end(&mut out).map(|_| out).map_err(|error| error.to_string())
    }

    #[test]
    fn bytes_are_checked_at_the_end() {
        let digest = Digest::of(b"layer");
        assert_eq!(read(b"layer", &digest, Some(5)).as_deref(), Ok(b"layer".as_slice()));
        assert_eq!(read(b"layer", &digest, None).as_deref(), Ok(b"layer".as_slice()));
        assert!(read(b"laser", &digest, Some(5)).is_err_and(|e| e.starts_with("digest mismatch for blob")));
        assert!(read(b"laye", &digest, Some(5)).is_err(), "cut");
        assert!(read(b"layer!", &digest, Some(5)).is_err_and(|e| e.contains("another size")), "longer");
        assert!(read(b"layer", &digest, Some(6)).is_err_and(|e| e.contains("another size")), "a lying descriptor");
    }

    #[test]
    fn small_blobs_are_bounded() {
        let endless = io::repeat(b' ');
        assert!(read_small(endless, "manifest", None, None, 100).is_err_and(|e| e.to_string().contains("larger than 100 bytes")));
        assert_eq!(read_small(&b"{}"[..], "manifest", Some(&Digest::of(b"{}")), Some(2), 2).expect("fits"), b"{}");
    }
}

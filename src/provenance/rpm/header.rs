//! A package's header, as the database stores it: an index of tags, and the data that they point into.
//!
//! <https://rpm-software-management.github.io/rpm/manual/format_header.html>, tags of `rpmtag.h`.

use std::borrow::Cow;

use base64::Engine;

pub(super) const NAME: u32 = 1000;
pub(super) const DESCRIPTION: u32 = 1005;
pub(super) const FILE_DIGESTS: u32 = 1035;
pub(super) const FILE_DIGEST_ALGORITHM: u32 = 5011;
/// The region that a package's builder signed.
const IMMUTABLE: u32 = 63;
/// Signatures of the header: an RSA one in binary, and since rpm 4.20 any number in base64.
const RSA_HEADER: u32 = 268;
const OPENPGP: u32 = 278;

/// `RPM_HEADER_MAGIC`: not stored in the database, but signed.
const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];

const ENTRY: usize = 16;
/// Strings of one tag: the files of the largest package.
const STRINGS: u32 = 1_000_000;

pub(super) struct Header<'b> {
    index: &'b [u8],
    data: &'b [u8],
}

/// Tag, type, offset, count.
struct Entry {
    tag: u32,
    offset: usize,
    count: u32,
}

impl<'b> Header<'b> {
    pub(super) fn parse(blob: &'b [u8]) -> Option<Self> {
        let entries = usize::try_from(number(blob, 0)?).ok()?;
        let length = usize::try_from(number(blob, 4)?).ok()?;
        let (index, rest) = blob.get(8..)?.split_at_checked(entries.checked_mul(ENTRY)?)?;
        Some(Self { index, data: rest.get(..length)? })
    }

    fn entry(&self, tag: u32) -> Option<Entry> {
        self.index.chunks_exact(ENTRY).filter_map(entry).find(|entry| entry.tag == tag)
    }

    /// The first string of a tag.
    pub(super) fn text(&self, tag: u32) -> Option<&'b [u8]> {
        self.texts(tag).next()
    }

    pub(super) fn texts(&self, tag: u32) -> impl Iterator<Item = &'b [u8]> {
        let entry = self.entry(tag);
        let count = entry.as_ref().map_or(0, |entry| entry.count.min(STRINGS)) as usize;
        let data = entry.and_then(|entry| self.data.get(entry.offset..)).unwrap_or_default();
        data.split(|byte| *byte == 0).take(count)
    }

    pub(super) fn number(&self, tag: u32) -> Option<u32> {
        number(self.data, self.entry(tag)?.offset)
    }

    /// The OpenPGP packets of the header's signatures.
    pub(super) fn signatures(&self) -> impl Iterator<Item = Cow<'b, [u8]>> {
        let binary = self.entry(RSA_HEADER).and_then(|entry| self.data.get(entry.offset..)?.get(..entry.count as usize));
        let encoded = self.texts(OPENPGP).filter_map(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
        binary.map(Cow::Borrowed).into_iter().chain(encoded.map(Cow::Owned))
    }

    /// What the signatures are over: the immutable region as it was in the package, its magic and lengths in front.
    /// `headerSigVerify` of rpm's `lib/signature.c`.
    pub(super) fn immutable(&self) -> Option<Vec<u8>> {
        let first = self.index.get(..ENTRY).and_then(entry).filter(|entry| entry.tag == IMMUTABLE)?;
        let length = first.offset.checked_add(ENTRY)?;
        let data = self.data.get(..length)?;
        let trailer = data.get(first.offset..)?;
        // As a negative offset, the bytes of the region's index.
        let index = self.index.get(..usize::try_from(number(trailer, 8)?.wrapping_neg()).ok()?)?;
        let entries = u32::try_from(index.len() / ENTRY).ok()?;
        Some([MAGIC.as_slice(), &entries.to_be_bytes(), &u32::try_from(length).ok()?.to_be_bytes(), index, data].concat())
    }
}

fn entry(bytes: &[u8]) -> Option<Entry> {
    Some(Entry { tag: number(bytes, 0)?, offset: usize::try_from(number(bytes, 8)?).ok()?, count: number(bytes, 12)? })
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_be_bytes)
}

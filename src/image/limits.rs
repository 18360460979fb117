//! How much of an image is believed. Everything here is written by whoever made the image.

/// Bytes of a manifest or index. The distribution spec asks registries to take 4 MiB, and no more is portable.
pub(crate) const MANIFEST: u64 = 4 << 20;
/// Bytes of a config.
pub(crate) const CONFIG: u64 = 4 << 20;
/// Bytes of one attestation statement; SBOMs of large images reach some MiB.
pub(crate) const ATTESTATION: u64 = 16 << 20;
/// Bytes of all attestation statements of one image.
pub(crate) const ATTESTATIONS: u64 = 64 << 20;
/// Layers of one manifest; overlay file systems end at 128, and docker's own limit is 127.
pub(crate) const LAYERS: usize = 10_000;
/// Manifests below one index, nested ones included.
pub(crate) const MANIFESTS: usize = 1_000;
/// Index within index.
pub(crate) const INDEX_DEPTH: u32 = 4;
/// Entries of an image archive.
pub(crate) const ARCHIVE_ENTRIES: usize = 200_000;
/// Bytes of JSON that are kept while an archive streams by, before it is known what they are.
pub(crate) const KEPT_JSON: u64 = 96 << 20;
/// Links from one entry of an archive to the next.
pub(crate) const LINKS: usize = 16;
/// Strings of a config that are kept beside those with a meaning.
pub(crate) const CONFIG_STRINGS: usize = 20_000;
/// Window of a zstd frame, as a power of two: what the format's own tools accept without being asked (128 MiB).
pub(crate) const ZSTD_WINDOW_LOG: u32 = 27;
/// Memory of an xz decoder, in KiB: what `xz -9` asks for (64 MiB) and some.
pub(crate) const XZ_MEMORY: u32 = 66 << 10;
/// Bytes of an index's annotations that every image of it carries; more of them are read once, with the first.
pub(crate) const REPEATED_ANNOTATIONS: usize = 256 << 10;
/// Images of one archive.
pub(crate) const IMAGES: usize = 1_000;
/// Bytes of one name or link target in an archive.
pub(crate) const NAME: usize = 4096;
/// Bytes of all of them.
pub(crate) const NAMES: usize = 32 << 20;
/// Bytes of an archive that streams by, uncompressed: some kilobytes can be compressed to say any number.
pub(crate) const ARCHIVE: u64 = 1 << 39;
/// Bytes that may follow an archive's end.
pub(crate) const TRAILING: u64 = 1 << 30;

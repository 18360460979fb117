//! One layer's bytes to entries. Never writes to disk, never extracts, knows nothing of secrets.
//!
//! [`walk`] reads a changeset (OCI image spec, `layer.md`) front to back in constant memory. It is a tar reader of our own
//! over the `tar` crate's header type: a library that reads extended headers for us allocates what those headers ask for.

mod ahead;
mod block;
mod path;
mod pax;
pub mod stack;

use std::io::{self, Read};

pub use ahead::read_ahead;
pub use path::clean;

use self::{
    block::{Blocks, Header},
    pax::Extensions,
};

/// Budgets of one layer. Reaching one ends the layer with a [`Gap`].
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries. Each costs a few bytes of memory until the image is done.
    pub entries: u64,
    /// Bytes of the uncompressed changeset.
    pub bytes: u64,
    /// Bytes of one extended header (PAX records, GNU long names).
    pub extended_header: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 4_000_000, bytes: 1 << 40, extended_header: 1 << 20 }
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file, also a sparse one, and whatever type this reader does not know.
    File,
    /// A directory.
    Directory,
    /// Another name of a file in the same layer or below.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A device, a pipe.
    Special,
    /// Hides a path of the layers below: `.wh.NAME`. [`whiteout_target`] tells which.
    Whiteout,
    /// Hides all that lower layers have in the directory: `.wh..wh..opq`. [`Entry::path`] is the directory.
    OpaqueWhiteout,
}

/// One entry of a changeset.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Cleaned: relative, without `.`, `..` and empty parts.
    pub path: &'a [u8],
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of content that are stored in the archive.
    pub size: u64,
    /// Target of a link, as written.
    pub link: Option<&'a [u8]>,
    /// User name, as written.
    pub user: &'a [u8],
    /// Group name, as written.
    pub group: &'a [u8],
    /// PAX records that say something else than size, path and times: extended attributes, comments.
    pub records: &'a [(Vec<u8>, Vec<u8>)],
}

/// A part of the changeset that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The entry's path, where there is one.
    pub path: Option<String>,
    /// Why, for people.
    pub reason: String,
    /// Bytes not read, where known.
    pub bytes: Option<u64>,
}

/// What a walk came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Walked {
    /// Entries.
    pub entries: u64,
    /// Regular files.
    pub files: u64,
    /// Bytes of the changeset.
    pub bytes: u64,
}

/// Reads a changeset. `visit` gets every entry with a reader of its content (which it need not read to the end); `gap` gets
/// what cannot be read. After damage the walk goes on at the next valid header.
///
/// # Errors
/// Only those of `reader` itself (a broken connection, a damaged compressed stream, a digest that does not match) and of
/// `visit`. What was visited until then stands.
pub fn walk(
    reader: &mut dyn Read,
    limits: &Limits,
    visit: &mut dyn FnMut(&Entry<'_>, &mut dyn Read) -> io::Result<()>,
    gap: &mut dyn FnMut(Gap),
) -> io::Result<Walked> {
    let mut blocks = Blocks::new(reader, limits.bytes);
    let mut walked = Walked::default();
    let mut local = Extensions::default();
    let mut global = Extensions::default();
    let mut cleaned = Vec::new();
    loop {
        let header = match blocks.header()? {
            Header::Entry(header) => header,
            Header::End => break,
            Header::Damaged { skipped } => {
                gap(Gap { path: None, reason: "damaged tar headers".to_owned(), bytes: Some(skipped) });
                local.clear();
                continue;
            }
            Header::Cut => {
                gap(Gap { path: None, reason: "the changeset ends in the middle of a header".to_owned(), bytes: None });
                break;
            }
            Header::OverLimit => {
                let reason = format!("the layer unpacks to more than {} bytes; the rest was not read", limits.bytes);
                gap(Gap { path: None, reason, bytes: None });
                break;
            }
        };
        let declared = header.entry_size().unwrap_or(0);
        let type_byte = header.entry_type().as_byte();
        if matches!(type_byte, b'x' | b'g' | b'L' | b'K') {
            if declared > limits.extended_header {
                let reason = format!("an extended header of {declared} bytes is over the limit of {}", limits.extended_header);
                gap(Gap { path: None, reason, bytes: Some(declared) });
                blocks.skip(declared)?;
            } else {
                let content = blocks.small(declared)?;
                let limit = usize::try_from(limits.extended_header).unwrap_or(usize::MAX);
                let left_out = match type_byte {
                    b'x' => local.read_records(&content, limit),
                    b'g' => global.read_records(&content, limit),
                    b'L' => {
                        local.long_name(content);
                        0
                    }
                    _ => {
                        local.long_link(content);
                        0
                    }
                };
                if left_out > 0 {
                    let reason = format!("the extended headers of one entry are over the limit of {} bytes", limits.extended_header);
                    gap(Gap { path: None, reason, bytes: Some(left_out as u64) });
                }
            }
            continue;
        }
        walked.entries += 1;
        if walked.entries > limits.entries {
            let reason = format!("the layer has more than {} entries; the rest was not read", limits.entries);
            gap(Gap { path: None, reason, bytes: None });
            break;
        }
        local.inherit(&mut global);
        if type_byte == b'S' {
            blocks.skip_sparse_maps(&header)?;
        }
        let raw_path = local.path().map_or_else(|| header.path_bytes(), Into::into);
        clean(&raw_path, &mut cleaned);
        let (kind, path) = kind_and_path(type_byte, &raw_path, &cleaned);
        // As Go's archive/tar, which container runtimes use: links and the like have no content, whatever the header says.
        let size = if matches!(type_byte, b'1'..=b'6') { 0 } else { local.size().unwrap_or(declared) };
        let link = local.link().map(Into::into).or_else(|| header.link_name_bytes());
        let entry = Entry {
            path,
            kind,
            size,
            link: link.as_deref().filter(|_| matches!(kind, EntryKind::HardLink | EntryKind::Symlink)),
            user: local.user().or_else(|| header.username_bytes()).unwrap_or_default(),
            group: local.group().or_else(|| header.groupname_bytes()).unwrap_or_default(),
            records: local.records(),
        };
        walked.files += u64::from(kind == EntryKind::File);
        let mut content = blocks.content(size);
        visit(&entry, &mut content)?;
        if content.finish()? {
            let path = Some(String::from_utf8_lossy(path).into_owned());
            gap(Gap { path, reason: "the changeset ends in the middle of a file".to_owned(), bytes: None });
        }
        local.clear();
    }
    let trailing = blocks.drain()?;
    if trailing > 0 {
        let reason = "data after the end of the changeset".to_owned();
        gap(Gap { path: None, reason, bytes: Some(trailing) });
    }
    walked.bytes = blocks.position();
    Ok(walked)
}

/// Type and effective path: a whiteout is known by its name only.
fn kind_and_path<'a>(type_byte: u8, raw: &[u8], cleaned: &'a [u8]) -> (EntryKind, &'a [u8]) {
    let (parent, name) = match memchr::memrchr(b'/', cleaned) {
        Some(slash) => (cleaned.get(..slash).unwrap_or_default(), cleaned.get(slash + 1..).unwrap_or_default()),
        None => (&b""[..], cleaned),
    };
    if name == b".wh..wh..opq" {
        return (EntryKind::OpaqueWhiteout, parent);
    }
    // Names that start with `.wh..wh.` are aufs' own bookkeeping.
    if name.strip_prefix(b".wh.").is_some_and(|hidden| !hidden.is_empty() && !hidden.starts_with(b".wh.")) {
        return (EntryKind::Whiteout, cleaned);
    }
    let kind = match type_byte {
        b'1' => EntryKind::HardLink,
        b'2' => EntryKind::Symlink,
        b'3' | b'4' | b'6' => EntryKind::Special,
        b'5' => EntryKind::Directory,
        // Pre-POSIX archives mark directories by a final slash only.
        0 if raw.ends_with(b"/") => EntryKind::Directory,
        _ => EntryKind::File,
    };
    (kind, cleaned)
}

/// The path that a whiteout's own path hides: `etc/.wh.passwd` hides `etc/passwd`.
pub fn whiteout_target(path: &[u8]) -> Vec<u8> {
    match memchr::memrchr(b'/', path) {
        Some(slash) => {
            let (parent, name) = path.split_at(slash + 1);
            [parent, name.strip_prefix(b".wh.").unwrap_or(name)].concat()
        }
        None => path.strip_prefix(b".wh.").unwrap_or(path).to_vec(),
    }
}

#[cfg(test)]
mod tests;

//! The members of an image archive (`docker save`, OCI archive), one after the other.
//!
//! Formats: POSIX ustar and pax ([pax, section "ustar Interchange Format"](https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html)),
//! and GNU's long names. Written for archives of blobs and not for layers: it keeps names, sizes and link targets, knows where the
//! bytes stand in the file, and never holds more of an extended header than [`EXTENDED`] bytes, whatever its size field says.

use std::io::{self, Read};

use super::{ImageError, limits};

const BLOCK: u64 = 512;
/// Bytes of one extended header (pax or GNU long name).
const EXTENDED: u64 = 64 << 10;

/// What a member is, as far as an image archive cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A symbolic link, with its target as written.
    Symlink(String),
    /// A hard link, with the name of the other member.
    Hardlink(String),
    /// Folders, devices and whatever else holds no bytes.
    Other,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Cleaned: no leading `./` or `/`, no `.` components. `None` for one that leads out of the archive.
    pub(crate) name: Option<String>,
    pub(crate) kind: Kind,
    /// Bytes of a file.
    pub(crate) size: u64,
    /// Where they start in the archive.
    pub(crate) offset: u64,
}

/// Reads an archive front to back.
pub(crate) struct Members<R> {
    inner: R,
    position: u64,
    /// Bytes of the current member that were not read, without its padding.
    left: u64,
    padding: u64,
    count: usize,
    skip: fn(&mut R, u64) -> io::Result<()>,
}

impl<R: Read> Members<R> {
    /// Skips by reading.
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, position: 0, left: 0, padding: 0, count: 0, skip: skip_reading }
    }

    /// The next member, after what is left of the current one.
    pub(crate) fn next(&mut self) -> Result<Option<Member>, ImageError> {
        let mut extended = Extended::default();
        loop {
            let rest = self.left + self.padding;
            if rest > 0 {
                (self.skip)(&mut self.inner, rest).map_err(damaged)?;
                self.position += rest;
            }
            (self.left, self.padding) = (0, 0);
            let Some(header) = self.header()? else { return Ok(None) };
            self.count += 1;
            if self.count > limits::ARCHIVE_ENTRIES {
                return Err(ImageError::Unreadable(format!("the archive has more than {} entries", limits::ARCHIVE_ENTRIES)));
            }
            let size = header.get(124..136).and_then(number).ok_or_else(|| wrong("a size that is not a number"))?;
            let type_flag = header.get(156).copied().unwrap_or_default();
            let size = if matches!(type_flag, b'1'..=b'6') { 0 } else { extended.size.unwrap_or(size) };
            if size > limits::ARCHIVE || self.position > limits::ARCHIVE {
                return Err(wrong("more bytes than an image can have"));
            }
            self.left = size;
            self.padding = (BLOCK - size % BLOCK) % BLOCK;
            match type_flag {
                b'L' => extended.name = Some(text(&self.extended()?)),
                b'K' => extended.link = Some(text(&self.extended()?)),
                b'x' => extended.pax(&self.extended()?),
                b'g' => {} // applies to all that follow; archives of images put nothing there that matters here
                _ => {
                    let name = extended.name.take().unwrap_or_else(|| header_name(&header));
                    let link =
                        |extended: &mut Extended| extended.link.take().unwrap_or_else(|| text(header.get(157..257).unwrap_or_default()));
                    let kind = match type_flag {
                        b'0' | 0 | b'7' if !name.ends_with('/') => Kind::File,
                        b'1' => Kind::Hardlink(link(&mut extended)),
                        b'2' => Kind::Symlink(link(&mut extended)),
                        _ => Kind::Other,
                    };
                    return Ok(Some(Member { name: clean(&name), kind, size, offset: self.position }));
                }
            }
        }
    }

    /// The bytes of the current member.
    pub(crate) fn body(&mut self) -> Body<'_, R> {
        Body(self)
    }

    /// Reads whatever follows the archive's end; an error there no longer matters.
    pub(crate) fn drain(&mut self) {
        let _ = io::copy(&mut self.inner.by_ref().take(limits::TRAILING), &mut io::sink());
    }

    fn header(&mut self) -> Result<Option<[u8; 512]>, ImageError> {
        let mut header = [0; 512];
        let mut filled = 0;
        while let Some(rest) = header.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.inner.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(damaged(error)),
            }
        }
        self.position += filled as u64;
        // An archive may end without its two zero blocks.
        if filled == 0 || header.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if filled < header.len() {
            return Err(wrong("a header that is cut off; it is not whole"));
        }
        if header.get(148..156).and_then(octal) != Some(checksum(&header)) {
            return Err(wrong("a header with a wrong checksum; it is no tar, or it is damaged"));
        }
        Ok(Some(header))
    }

    fn extended(&mut self) -> Result<Vec<u8>, ImageError> {
        if self.left > EXTENDED {
            return Err(wrong("an extended header of more than 64 KiB"));
        }
        let mut bytes = Vec::new();
        self.body().read_to_end(&mut bytes).map_err(damaged)?;
        Ok(bytes)
    }
}

impl<R: Read + io::Seek> Members<R> {
    /// Skips by seeking: for files.
    pub(crate) fn seekable(inner: R) -> Self {
        Self { inner, position: 0, left: 0, padding: 0, count: 0, skip: skip_seeking }
    }
}

/// Reader of one member's bytes.
pub(crate) struct Body<'a, R>(&'a mut Members<R>);

impl<R: Read> Read for Body<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.0.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most).filter(|buffer| !buffer.is_empty()) else { return Ok(0) };
        let count = self.0.inner.read(buffer)?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends within an entry"));
        }
        self.0.left -= count as u64;
        self.0.position += count as u64;
        Ok(count)
    }
}

#[derive(Default)]
struct Extended {
    name: Option<String>,
    link: Option<String>,
    size: Option<u64>,
}

impl Extended {
    /// Records of a pax header: `LENGTH KEY=VALUE\n`.
    fn pax(&mut self, mut bytes: &[u8]) {
        while let Some(space) = bytes.iter().position(|byte| *byte == b' ') {
            let Some(length) = bytes.get(..space).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok()) else {
                return;
            };
            let Some(record) = bytes.get(space + 1..length.saturating_sub(1)) else { return };
            if let Some(equals) = record.iter().position(|byte| *byte == b'=') {
                let value = text(record.get(equals + 1..).unwrap_or_default());
                match record.get(..equals).unwrap_or_default() {
                    b"path" => self.name = Some(value),
                    b"linkpath" => self.link = Some(value),
                    b"size" => self.size = value.parse().ok(),
                    _ => {}
                }
            }
            let Some(rest) = bytes.get(length..) else { return };
            bytes = rest;
        }
    }
}

fn skip_reading<R: Read>(reader: &mut R, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut reader.by_ref().take(count), &mut io::sink())?;
    if skipped < count { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

fn skip_seeking<R: Read + io::Seek>(reader: &mut R, count: u64) -> io::Result<()> {
    reader.seek_relative(i64::try_from(count).map_err(io::Error::other)?)
}

/// Sum of a header's bytes, its checksum field taken as spaces.
pub(super) fn checksum(header: &[u8]) -> u64 {
    header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { u64::from(b' ') } else { u64::from(*byte) }).sum()
}

/// An octal number, possibly with spaces before it and spaces or NULs after it.
pub(super) fn octal(field: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// A size: octal, or GNU's base 256 with the top bit set.
fn number(field: &[u8]) -> Option<u64> {
    match field.split_first()? {
        (0x80, rest) => {
            let (high, low) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
            if high.iter().any(|byte| *byte != 0) {
                return None;
            }
            Some(u64::from_be_bytes(low.try_into().ok()?))
        }
        _ => octal(field),
    }
}

fn header_name(header: &[u8]) -> String {
    let name = text(header.get(..100).unwrap_or_default());
    if header.get(257..263) == Some(b"ustar\0") {
        let prefix = text(header.get(345..500).unwrap_or_default());
        if !prefix.is_empty() {
            return format!("{prefix}/{name}");
        }
    }
    name
}

/// Up to the first NUL.
fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

/// A member's name without `.` components and leading slashes; `None` where `..` leads out.
pub(crate) fn clean(name: &str) -> Option<String> {
    let mut components: Vec<&str> = Vec::new();
    for component in name.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop()?;
            }
            _ => components.push(component),
        }
    }
    Some(components.join("/"))
}

fn wrong(what: &str) -> ImageError {
    ImageError::Unreadable(format!("the archive has {what}"))
}

fn damaged(source: io::Error) -> ImageError {
    ImageError::reading("the archive", source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(bytes: &[u8]) -> Vec<(Option<String>, u64)> {
        let mut members = Members::new(bytes);
        let mut seen = Vec::new();
        while let Some(member) = members.next().expect("a whole archive") {
            let mut body = Vec::new();
            members.body().read_to_end(&mut body).expect("whole");
            assert_eq!(bytes.get(member.offset as usize..member.offset as usize + body.len()), Some(&body[..]));
            seen.push((member.name, member.size));
        }
        let mut seeking = Members::seekable(io::Cursor::new(bytes));
        let mut again = Vec::new();
        while let Some(member) = seeking.next().expect("a whole archive") {
            again.push((member.name, member.size));
        }
        assert_eq!(seen, again, "seeking sees the same");
        seen
    }

    #[test]
    fn long_names_and_links() {
        let mut tar = tar::Builder::new(Vec::new());
        let long = "d/".repeat(120) + "layer.tar";
        for (name, body) in [("./manifest.json", "{}"), (long.as_str(), "layer"), ("../out", "x")] {
            let mut header = tar::Header::new_gnu();
            header.set_size(body.len() as u64);
            header.set_mode(0o644);
            if name.starts_with("..") {
                header.as_gnu_mut().expect("gnu").name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_cksum();
                tar.append(&header, body.as_bytes()).expect("memory");
            } else {
                tar.append_data(&mut header, name, body.as_bytes()).expect("memory");
            }
        }
        let pax = [("path", "pax/name".as_bytes())];
        tar.append_pax_extensions(pax).expect("memory");
        let mut header = tar::Header::new_ustar();
        header.set_size(3);
        header.set_path("short").expect("short");
        header.set_cksum();
        tar.append(&header, &b"pax"[..]).expect("memory");
        let bytes = tar.into_inner().expect("memory");
        assert_eq!(names(&bytes), [(Some("manifest.json".to_owned()), 2), (Some(long), 5), (None, 1), (Some("pax/name".to_owned()), 3)]);
    }

    #[test]
    fn sizes_that_lie_are_errors() {
        let mut header = tar::Header::new_gnu();
        header.set_path("L").expect("short");
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(1 << 30);
        header.set_cksum();
        let mut members = Members::new(&header.as_bytes()[..]);
        assert!(members.next().is_err_and(|e| e.to_string().contains("64 KiB")), "nothing is allocated for a size");

        let mut header = tar::Header::new_gnu();
        header.set_path("file").expect("short");
        header.set_size(1 << 38);
        header.set_cksum();
        let mut members = Members::new(&header.as_bytes()[..]);
        assert!(members.next().expect("a header").is_some());
        assert!(members.next().is_err());
    }

    #[test]
    fn names_are_cleaned() {
        assert_eq!(clean("./a//b/./c").as_deref(), Some("a/b/c"));
        assert_eq!(clean("/a/../b").as_deref(), Some("b"));
        assert_eq!(clean("a/../../b"), None);
    }
}

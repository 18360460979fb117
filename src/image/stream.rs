//! An archive that is read once: standard input, compressed archives, a daemon's export.
//!
//! Entries come in any order, and what says which of them are layers may come last. So whatever looks like a layer is handed out,
//! whatever looks like a document is kept, within bounds, and the images are put together at the end.

use std::io::{self, Cursor, Read};

use super::{
    ImageError, OpenOptions, Opened, StreamedArchive, StreamedImage,
    archive::{Content, Contents, Entry, Expected, Stored},
    compression,
    digest::Digest,
    limits,
    members::{Kind, Members},
    resolve,
    verify::Verified,
};
use crate::finding::Skip;

/// An archive from any reader; its compression is told by its first bytes.
pub(crate) fn open(input: Box<dyn Read + Send>, expected: Expected, reference: &str, options: &OpenOptions) -> Opened {
    Opened::Stream(Box::new(Streamed { input, expected, reference: reference.to_owned(), options: options.clone() }))
}

struct Streamed {
    input: Box<dyn Read + Send>,
    expected: Expected,
    reference: String,
    options: OpenOptions,
}

impl StreamedArchive for Streamed {
    fn read(self: Box<Self>, blob: &mut dyn FnMut(&str, &mut (dyn Read + Send))) -> Result<Vec<StreamedImage>, ImageError> {
        let input = compression::decompress(self.input).map_err(|source| ImageError::reading(&self.reference, source))?;
        let mut members = Members::new(io::BufReader::with_capacity(64 << 10, input));
        let mut contents = Contents::default();
        let mut broken: Vec<(String, Skip)> = Vec::new();
        let mut kept = 0;
        let mut empty = true;
        while let Some(member) = members.next()? {
            empty = false;
            let entry = match member.kind {
                Kind::Symlink(target) => Entry::Symlink(target),
                Kind::Hardlink(target) => Entry::Hardlink(target),
                Kind::Other => continue,
                Kind::File => {
                    let mut body = members.body();
                    let content = match &member.name {
                        Some(name) if !contents.contains(name) => take(&mut body, name, member.size, &mut kept, blob, &mut broken)?,
                        _ => Content::Unread("the archive has two entries of this name".to_owned()),
                    };
                    Entry::Stored(Stored { size: member.size, offset: member.offset, content })
                }
            };
            contents.add(member.name, entry)?;
        }
        if empty {
            return Err(ImageError::Unreadable(format!("{} is empty: no archive came", self.reference)));
        }
        // Whatever follows the archive is read too, so that a writer at the other end of a pipe does not fail.
        members.drain();
        let images = contents.images(&self.expected, &self.reference, &self.options)?;
        Ok(images
            .into_iter()
            .map(|(mut image, keys)| {
                for (name, skip) in &broken {
                    if let Some(at) = keys.iter().position(|key| key.as_deref() == Some(name)) {
                        image.skipped.push(Skip { layer: u32::try_from(at).ok(), ..skip.clone() });
                    }
                }
                StreamedImage { image, keys }
            })
            .collect())
    }
}

/// Looks at an entry's first bytes, and hands it out or keeps it.
fn take(
    body: &mut (dyn Read + Send),
    name: &str,
    size: u64,
    kept: &mut u64,
    blob: &mut dyn FnMut(&str, &mut (dyn Read + Send)),
    broken: &mut Vec<(String, Skip)>,
) -> Result<Content, ImageError> {
    let head = compression::peek(&mut &mut *body).map_err(|source| ImageError::reading(name, source))?;
    // Before JSON: the name of a tar's first entry may start with a brace.
    if compression::sniff(&head).is_some() {
        let whole = Cursor::new(head).chain(body);
        let digest = name.strip_prefix("blobs/").and_then(|path| Digest::parse(&path.replacen('/', ":", 1)).ok());
        let mut reader: Box<dyn Read + Send + '_> = match digest {
            Some(digest) => Box::new(Verified::new(whole, name.to_owned(), digest, Some(size))),
            None => Box::new(whole),
        };
        blob(name, &mut reader);
        // The callee may have stopped at the end of the tar; only the end of the blob proves its digest.
        if let Err(error) = io::copy(&mut reader, &mut io::sink()) {
            broken.push((name.to_owned(), resolve::skip(name, &ImageError::reading(name, error).with_cause(), Some(size))));
        }
        return Ok(Content::HandedOut);
    }
    if !head.trim_ascii_start().starts_with(b"{") && !head.trim_ascii_start().starts_with(b"[") {
        return Ok(Content::Unread("its first bytes are neither of a tar nor of a compressed one".to_owned()));
    }
    if size > limits::ATTESTATION || *kept + size > limits::KEPT_JSON {
        return Ok(Content::Unread(format!("a document of {size} bytes is more than is kept while an archive streams by")));
    }
    let mut bytes = head;
    body.read_to_end(&mut bytes).map_err(|source| ImageError::reading(name, source))?;
    *kept += bytes.len() as u64;
    Ok(Content::Kept(bytes))
}

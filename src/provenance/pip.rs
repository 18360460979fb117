//! pip's `RECORD` ("Recording installed projects", packaging.python.org): `path,sha256=<urlsafe base64 without padding>,size`.
//! It proves that a file is as it was installed, not where the package came from.

use super::{Database, Hash, lines};

/// One layer's.
#[derive(Default)]
pub(super) struct Facts {
    files: Vec<(u32, [u8; 32])>,
    names: Vec<String>,
}

impl Facts {
    /// Reads `.../NAME-VERSION.dist-info/RECORD`.
    pub(super) fn record(&mut self, path: &str, text: &[u8]) {
        let Some(name) = path.rsplit('/').nth(1).and_then(|folder| folder.strip_suffix(".dist-info")) else { return };
        let Ok(index) = u32::try_from(self.names.len()) else { return };
        self.names.push(name.to_owned());
        let hash = |line: &[u8]| {
            let start = memchr::memmem::rfind(line, b",sha256=")? + 8;
            let digits = line.get(start..)?.split(|byte| *byte == b',').next()?;
            data_encoding::BASE64URL_NOPAD.decode(digits).ok()?.try_into().ok()
        };
        self.files.extend(lines(text).filter_map(hash).map(|hash| (index, hash)));
    }

    pub(super) fn merge(&self, database: &mut Database) {
        let indices: Vec<u32> = self.names.iter().map(|name| database.add(format!("pip {name}"), false)).collect();
        for (name, hash) in &self.files {
            if let Some(index) = indices.get(*name as usize) {
                database.claim(Hash::Sha256(*hash), *index);
            }
        }
    }
}

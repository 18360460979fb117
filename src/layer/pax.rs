//! Extended headers: PAX records (POSIX.1-2001, `pax`) and GNU long names.

/// What extended headers say about the next entry.
#[derive(Default)]
pub(super) struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    user: Option<Vec<u8>>,
    group: Option<Vec<u8>>,
    size: Option<u64>,
    records: Vec<(Vec<u8>, Vec<u8>)>,
    /// Bytes of `records`.
    held: usize,
}

/// User and group names that are longer are kept as records: they are copied for every entry.
const OWNER: usize = 256;

impl Extensions {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Reads records of the form `LENGTH KEY=VALUE\n`, where the length counts all of it. Damaged records end the reading.
    /// Returns how many bytes of records were left out, since any number of headers may stand before one entry.
    pub(super) fn read_records(&mut self, mut content: &[u8], limit: usize) -> usize {
        let mut left_out = 0;
        while let Some((key, value, rest)) = record(content) {
            content = rest;
            match key {
                // The real name of a sparse file is under `GNU.sparse.name`; `path` then holds an invented one and comes first.
                b"path" | b"GNU.sparse.name" => self.path = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"uname" if value.len() <= OWNER => self.user = Some(value.to_vec()),
                b"gname" if value.len() <= OWNER => self.group = Some(value.to_vec()),
                b"size" => self.size = std::str::from_utf8(value).ok().and_then(|digits| digits.trim().parse().ok()),
                b"mtime" | b"atime" | b"ctime" | b"uid" | b"gid" | b"hdrcharset" => {}
                _ if key.starts_with(b"GNU.sparse.") => {}
                _ if self.held + key.len() + value.len() > limit => left_out += key.len() + value.len(),
                _ => {
                    self.held += key.len() + value.len();
                    self.records.push((key.to_vec(), value.to_vec()));
                }
            }
        }
        left_out
    }

    pub(super) fn long_name(&mut self, content: Vec<u8>) {
        self.path = Some(until_nul(content));
    }

    pub(super) fn long_link(&mut self, content: Vec<u8>) {
        self.link = Some(until_nul(content));
    }

    /// Global records hold for every entry that does not say otherwise. A global size or path would let an archive read
    /// differently in different tools, so those are left out. Other records are told with the next entry only: repeated for
    /// each of a million entries they would be a bomb.
    pub(super) fn inherit(&mut self, global: &mut Self) {
        if self.user.is_none() {
            self.user.clone_from(&global.user);
        }
        if self.group.is_none() {
            self.group.clone_from(&global.group);
        }
        self.records.append(&mut global.records);
        global.held = 0;
    }

    pub(super) fn path(&self) -> Option<&[u8]> {
        self.path.as_deref()
    }

    pub(super) fn link(&self) -> Option<&[u8]> {
        self.link.as_deref()
    }

    pub(super) fn user(&self) -> Option<&[u8]> {
        self.user.as_deref()
    }

    pub(super) fn group(&self) -> Option<&[u8]> {
        self.group.as_deref()
    }

    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    pub(super) fn records(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.records
    }
}

fn record(content: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = memchr::memchr(b' ', content)?;
    let length: usize = std::str::from_utf8(content.get(..space)?).ok()?.parse().ok()?;
    let body = content.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', body)?;
    Some((body.get(..equals)?, body.get(equals + 1..)?, content.get(length..)?))
}

fn until_nul(mut name: Vec<u8>) -> Vec<u8> {
    if let Some(end) = memchr::memchr(0, &name) {
        name.truncate(end);
    }
    name
}

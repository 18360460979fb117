//! Files with one entry a line, its fields parted by colons: pgpass, htpasswd, shadow, s3fs, rsync, git's credential store.

use std::{borrow::Cow, ops::Range};

use super::{
    Detector, Field, Meaning,
    format::{fact, url_password},
    tree::slice,
};
use crate::detect::Hint;

/// A format of lines.
pub(super) struct Colons {
    pub(super) id: &'static str,
    pub(super) files: &'static [&'static str],
    pub(super) rule: &'static str,
    /// The secret of a line, its place, and facts.
    pub(super) read: fn(&[u8]) -> Option<Entry>,
}

/// The secret of one line.
pub(super) struct Entry {
    /// In the line.
    pub(super) span: Range<usize>,
    /// Unescaped, where it differs from what stands there.
    pub(super) value: Option<Vec<u8>>,
    pub(super) evidence: Vec<String>,
}

/// <https://www.postgresql.org/docs/current/libpq-pgpass.html>
pub(super) static PGPASS: Colons =
    Colons { id: "pgpass", files: &[".pgpass", "pgpass.conf", "pgpass", "*.pgpass"], rule: "pgpass-password", read: pgpass };
/// <https://httpd.apache.org/docs/current/misc/password_encryptions.html>
pub(super) static HTPASSWD: Colons = Colons {
    id: "htpasswd",
    files: &[".htpasswd*", "htpasswd", "*.htpasswd", "passwd.htpasswd", ".htdigest", "htdigest"],
    rule: "htpasswd-hash",
    read: hash,
};
/// FTP servers', mosquitto's and dovecot's users, written alike.
pub(super) static SERVICE_USERS: Colons = Colons {
    id: "service-users",
    files: &[
        "proftpdpasswd",
        "ftpd.passwd",
        "proftpd/*passwd",
        "pureftpd.passwd",
        "mosquitto/*passwd*",
        "pwfile",
        "dovecot/users",
        "vsftpd/*passwd*",
        "ejabberd.passwd",
    ],
    rule: "service-user-hash",
    read: hash,
};
/// <https://www.pgbouncer.org/config.html#authentication-file-format>: `"user" "password or verifier" ..`
pub(super) static PGBOUNCER: Colons = Colons {
    id: "pgbouncer-users",
    files: &["userlist.txt", "pgbouncer/*.txt", "pgbouncer/*users*"],
    rule: "pgbouncer-user-password",
    read: quoted_pair,
};
/// shadow(5).
pub(super) static SHADOW: Colons = Colons {
    id: "shadow",
    files: &["shadow", "shadow-", "gshadow", "gshadow-", "opasswd", "master.passwd"],
    rule: "shadow-hash",
    read: hash,
};
/// <https://github.com/s3fs-fuse/s3fs-fuse#examples>
pub(super) static S3FS: Colons = Colons {
    id: "s3fs-passwd",
    files: &[".passwd-s3fs", "passwd-s3fs", ".s3fs", "s3fs.passwd"],
    rule: "aws-secret-access-key",
    read: last,
};
/// `auth users` of rsyncd.conf(5), and chap-secrets' kin.
pub(super) static RSYNC: Colons =
    Colons { id: "rsync-secrets", files: &["rsyncd.secrets", "rsync.secrets"], rule: "rsync-password", read: last };
/// <https://git-scm.com/docs/git-credential-store#_storage_format>
pub(super) static GIT_CREDENTIALS: Colons = Colons {
    id: "git-credentials",
    files: &[".git-credentials", "git-credentials", "git/credentials", "*.git-credentials"],
    rule: "git-credentials-password",
    read: git_credentials,
};

impl Detector for Colons {
    fn id(&self) -> &'static str {
        self.id
    }

    fn files(&self) -> &'static [&'static str] {
        self.files
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let mut at = 0;
        for line in text.split(|b| *b == b'\n') {
            let start = at;
            at += line.len() + 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.len() > 64 << 10 || line.starts_with(b"#") {
                continue;
            }
            if let Some(entry) = (self.read)(line).filter(|entry| !entry.span.is_empty()) {
                let span = start + entry.span.start..start + entry.span.end;
                let value = entry.value.map_or_else(|| Cow::Borrowed(slice(text, span.clone())), Cow::Owned);
                let meaning = Meaning::Credential { rule: self.rule };
                emit(Field { name: Cow::Borrowed("password"), value, span, meaning, evidence: entry.evidence });
            }
        }
    }
}

/// `host:port:database:user:password`, with `\:` and `\\`.
fn pgpass(line: &[u8]) -> Option<Entry> {
    let mut fields: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        match byte {
            b'\\' => at += 1,
            b':' if fields.len() < 4 => {
                fields.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    let [host, _, database, user] = fields.as_slice() else { return None };
    let raw = line.get(start..)?;
    let secret: Vec<u8> = unescape(raw);
    let mut evidence = Vec::new();
    for (label, range) in [("host", host), ("database", database), ("user", user)] {
        evidence.extend(line.get(range.clone()).and_then(|text| fact(label, text, &secret)));
    }
    let value = (secret.as_slice() != raw).then_some(secret);
    Some(Entry { span: start..line.len(), value, evidence })
}

fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut bytes = raw.iter().copied();
    let mut out = Vec::with_capacity(raw.len());
    while let Some(byte) = bytes.next() {
        if byte == b'\\' {
            out.extend(bytes.next());
        } else {
            out.push(byte);
        }
    }
    out
}

/// `user:hash`, the second field; locked and empty accounts are none.
fn hash(line: &[u8]) -> Option<Entry> {
    let colon = memchr::memchr(b':', line)?;
    let rest = line.get(colon + 1..)?;
    let mut end = memchr::memchr(b':', rest).unwrap_or(rest.len());
    let mut start = 0;
    // htdigest: `user:realm:hash`.
    if let Some(digest) = rest.get(end + 1..).filter(|digest| digest.len() == 32 && digest.iter().all(u8::is_ascii_hexdigit)) {
        start = end + 1;
        end = start + digest.len();
    }
    let value = rest.get(start..end)?;
    let user = line.get(..colon)?;
    let plausible = user.len() <= 64 && user.iter().chain(value).all(u8::is_ascii_graphic);
    if !plausible || matches!(value.first(), None | Some(b'!' | b'*')) || matches!(value, b"x" | b"NP" | b"LK") {
        return None;
    }
    let mut evidence: Vec<String> = fact("user", line.get(..colon)?, value).into_iter().collect();
    evidence.push(scheme(value).to_owned());
    Some(Entry { span: colon + 1 + start..colon + 1 + end, value: None, evidence })
}

/// How hard a hash is to invert. crypt(5).
fn scheme(hash: &[u8]) -> &'static str {
    let starts = |prefix: &str| hash.starts_with(prefix.as_bytes());
    if starts("$y$") || starts("$gy$") || starts("$7$") {
        "yescrypt hash, strong"
    } else if starts("$2") {
        "bcrypt hash, strong"
    } else if starts("$argon2") {
        "argon2 hash, strong"
    } else if starts("$6$") {
        "SHA-512 crypt hash, guessable if the password is weak"
    } else if starts("$5$") {
        "SHA-256 crypt hash, guessable if the password is weak"
    } else if starts("$apr1$") || starts("$1$") {
        "MD5 crypt hash, weak"
    } else if starts("{SHA}") || starts("{SSHA}") {
        "SHA-1 hash, weak"
    } else if hash.len() == 32 && hash.iter().all(u8::is_ascii_hexdigit) {
        "MD5 digest, weak"
    } else if hash.len() == 13 {
        "DES crypt hash, broken"
    } else if starts("{PLAIN}") {
        "plain text"
    } else {
        "hash of unknown kind or plain text"
    }
}

/// `"user" "password"`, both in quotes that are doubled within.
fn quoted_pair(line: &[u8]) -> Option<Entry> {
    let user = doubled(line, line.len() - line.trim_ascii_start().len())?;
    let gap = line.get(user.end + 1..)?;
    let span = doubled(line, user.end + 1 + gap.iter().take_while(|b| b.is_ascii_whitespace()).count())?;
    let raw = line.get(span.clone())?;
    let value = memchr::memmem::find(raw, b"\"\"").map(|_| undoubled(raw));
    let secret = value.as_deref().unwrap_or(raw);
    let mut evidence: Vec<String> = fact("user", line.get(user)?, secret).into_iter().collect();
    if secret.starts_with(b"SCRAM-SHA-256$") {
        evidence.push("SCRAM verifier, guessable if the password is weak".to_owned());
    } else if secret.starts_with(b"md5") && secret.len() == 35 {
        evidence.push("MD5 digest, which the server accepts in the password's place".to_owned());
    }
    Some(Entry { span, value, evidence })
}

fn undoubled(raw: &[u8]) -> Vec<u8> {
    let second = |at: usize| raw.get(..at).unwrap_or_default().iter().rev().take_while(|b| **b == b'"').count() % 2 == 1;
    raw.iter().enumerate().filter(|(at, byte)| **byte != b'"' || !second(*at)).map(|(_, byte)| *byte).collect()
}

/// What stands in double quotes at `at`.
fn doubled(line: &[u8], at: usize) -> Option<Range<usize>> {
    let inner = line.get(at..)?.strip_prefix(b"\"")?;
    let mut end = 0;
    loop {
        end += memchr::memchr(b'"', inner.get(end..)?)?;
        if inner.get(end + 1) != Some(&b'"') {
            return Some(at + 1..at + 1 + end);
        }
        end += 2;
    }
}

/// The last field: `[bucket:]key:secret`, `user:password`.
pub(super) fn last(line: &[u8]) -> Option<Entry> {
    let line_end = line.trim_ascii_end().len();
    let colon = memchr::memrchr(b':', line.get(..line_end)?)?;
    let secret = line.get(colon + 1..line_end)?;
    let evidence = fact("user", line.get(..colon)?, secret).into_iter().collect();
    Some(Entry { span: colon + 1..line_end, value: None, evidence })
}

/// `https://user:password@host`.
fn git_credentials(line: &[u8]) -> Option<Entry> {
    let (user, password) = url_password(line)?;
    let start = memchr::memmem::find(line, b"://")? + 3 + user.len() + 1;
    let host = line.get(start + password.len() + 1..)?;
    let evidence = fact("host", host, password).into_iter().chain(fact("user", user, password)).collect();
    Some(Entry { span: start..start + password.len(), value: None, evidence })
}

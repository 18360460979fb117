//! Which files a detector asks for, by name.

/// Extensions that editors and people give to the copy of a file: `.env.bak` is read like `.env`, as is `.env~`.
const COPIES: &[&str] = &["bak", "backup", "old", "orig", "save", "copy", "tmp", "dpkg-old", "dpkg-dist", "rpmsave"];

/// Whether `path` is one of `patterns`, ignoring ASCII case. A pattern is one of
/// - `name`: the file's name,
/// - `*.ext`, `name*`, `a*.ext`: a name in which each `*` stands for anything,
/// - `dir/name`, `dir/*.ext`: the same right in a folder; `dir/*` is any file right in the folder,
/// - `dir/**/name`: the same anywhere below a folder.
pub(super) fn matches(path: &str, patterns: &[&str]) -> bool {
    if path.is_empty() {
        return false;
    }
    let (folder, name) = split(without_copy_suffix(path));
    patterns.iter().any(|pattern| matches_one(folder, name, pattern))
}

/// A path's folder and its file's name.
pub(super) fn split(path: &str) -> (&str, &str) {
    split_at_last(b'/', path).unwrap_or(("", path))
}

/// What stands before and behind the last of an ASCII character. Asked several times for every file of an image.
fn split_at_last(character: u8, text: &str) -> Option<(&str, &str)> {
    let at = memchr::memrchr(character, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Whether the file of this name, without a copy's suffix, in this folder is of one pattern.
pub(super) fn matches_one(folder: &str, name: &str, pattern: &str) -> bool {
    let Some((folders, last)) = split_at_last(b'/', pattern) else { return matches_name(name, pattern) };
    matches_name(name, last)
        && match folders.strip_suffix("/**") {
            Some(above) => has_folders(folder, above),
            None => ends_with_folders(folder, folders),
        }
}

fn matches_name(name: &str, pattern: &str) -> bool {
    let name = name.as_bytes();
    let Some((start, rest)) = pattern.split_once('*') else { return name.eq_ignore_ascii_case(pattern.as_bytes()) };
    let Some(head) = name.get(..start.len()).filter(|head| head.eq_ignore_ascii_case(start.as_bytes())) else { return false };
    let mut left = name.get(head.len()..).unwrap_or_default();
    let mut rest = rest;
    while let Some((part, more)) = rest.split_once('*') {
        let Some(at) = left.windows(part.len().max(1)).position(|window| window.eq_ignore_ascii_case(part.as_bytes())) else {
            return part.is_empty();
        };
        left = left.get(at + part.len()..).unwrap_or_default();
        rest = more;
    }
    left.len() >= rest.len() && left.get(left.len() - rest.len()..).is_some_and(|end| end.eq_ignore_ascii_case(rest.as_bytes()))
}

fn ends_with_folders(folder: &str, wanted: &str) -> bool {
    if folder.len() < wanted.len() || !tail(folder, wanted.len()).eq_ignore_ascii_case(wanted.as_bytes()) {
        return false;
    }
    let before = folder.len() - wanted.len();
    before == 0 || folder.as_bytes().get(before - 1) == Some(&b'/')
}

/// Whether `wanted` are folders somewhere in `folder`. Nested folders deeper than 32 are not looked at.
fn has_folders(folder: &str, wanted: &str) -> bool {
    let mut rest = folder;
    for _ in 0..32 {
        if ends_with_folders(rest, wanted) {
            return true;
        }
        let Some((above, _)) = rest.rsplit_once('/') else { return false };
        rest = above;
    }
    false
}

fn tail(text: &str, length: usize) -> &[u8] {
    text.as_bytes().get(text.len().saturating_sub(length)..).unwrap_or_default()
}

/// The path of the original.
pub(super) fn without_copy_suffix(path: &str) -> &str {
    let stem = match split_at_last(b'.', path) {
        Some((stem, extension)) if COPIES.contains(&extension) => stem,
        _ => path.strip_suffix('~').unwrap_or(path),
    };
    if stem.is_empty() || stem.ends_with('/') { path } else { stem }
}

/// Whether every word occurs in the first bytes of a file.
pub(super) fn mentions(head: &[u8], words: &[&str]) -> bool {
    words.iter().all(|word| memchr::memmem::find(head, word.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        assert!(matches("root/.netrc", &[".netrc"]));
        assert!(matches(".NETRC", &[".netrc"]));
        assert!(!matches("root/x.netrc", &[".netrc"]));
        assert!(matches("a/b/.docker/config.json", &[".docker/config.json"]));
        assert!(matches(".docker/config.json", &[".docker/config.json"]));
        assert!(!matches("my.docker/config.json", &[".docker/config.json"]));
        assert!(matches("etc/app.env", &["*.env"]));
        assert!(matches("etc/app.env.bak", &["*.env"]), "a copy is read like the original");
        assert!(matches(".env.production", &[".env*"]));
        assert!(matches("run/secrets/db", &["run/secrets/*"]));
        assert!(!matches("run/secrets/sub/db", &["run/secrets/*"]));
        assert!(matches("root/.claude/projects/a/b.jsonl", &[".claude/projects/**/*.jsonl"]));
        assert!(!matches("root/claude/projects/b.jsonl", &[".claude/projects/**/*.jsonl"]));
        assert!(matches("etc/wpa_supplicant-wlan0.conf", &["wpa_supplicant*.conf"]));
        assert!(matches("my-Service-account.key", &["*service*account*"]));
        assert!(!matches("service.key", &["*service*account*"]));
        assert!(!matches("", &["*"]));
        assert!(!matches("é", &["*.e"]), "no slicing inside a character");
    }
}

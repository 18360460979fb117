//! Which files a detector asks for, by name.

/// Suffixes that editors and people give to the copy of a file: `.env.bak` is read like `.env`.
const COPIES: &[&str] = &[".bak", ".backup", ".old", ".orig", ".save", ".copy", ".tmp", "~", ".dpkg-old", ".dpkg-dist", ".rpmsave"];

/// Whether `path` is one of `patterns`, ignoring ASCII case. A pattern is one of
/// - `name`: the file's name,
/// - `*.ext`: the end of the file's name,
/// - `name*`: the start of the file's name,
/// - `dir/name`, `dir/*.ext`: the same below a folder; `dir/*` is any file right in the folder.
pub(super) fn matches(path: &str, patterns: &[&str]) -> bool {
    if path.is_empty() {
        return false;
    }
    let path = without_copy_suffix(path);
    patterns.iter().any(|pattern| matches_one(path, pattern))
}

fn matches_one(path: &str, pattern: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match pattern.rsplit_once('/') {
        Some((folders, last)) => matches_name(name, last) && ends_with_folders(folder, folders),
        None => matches_name(name, pattern),
    }
}

fn matches_name(name: &str, pattern: &str) -> bool {
    if pattern == "*" {
        return !name.is_empty();
    }
    if let Some(end) = pattern.strip_prefix('*') {
        return name.len() >= end.len() && tail(name, end.len()).eq_ignore_ascii_case(end.as_bytes());
    }
    if let Some(start) = pattern.strip_suffix('*') {
        return name.as_bytes().get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()));
    }
    name.eq_ignore_ascii_case(pattern)
}

fn ends_with_folders(folder: &str, wanted: &str) -> bool {
    if folder.len() < wanted.len() || !tail(folder, wanted.len()).eq_ignore_ascii_case(wanted.as_bytes()) {
        return false;
    }
    let before = folder.len() - wanted.len();
    before == 0 || folder.as_bytes().get(before - 1) == Some(&b'/')
}

fn tail(text: &str, length: usize) -> &[u8] {
    text.as_bytes().get(text.len().saturating_sub(length)..).unwrap_or_default()
}

fn without_copy_suffix(path: &str) -> &str {
    for suffix in COPIES {
        if let Some(stem) = path.strip_suffix(suffix)
            && !stem.is_empty()
            && !stem.ends_with('/')
        {
            return stem;
        }
    }
    path
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
        assert!(!matches("", &["*"]));
        assert!(!matches("é", &["*.e"]), "no slicing inside a character");
    }
}

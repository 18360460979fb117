//! Paths of entries, made comparable.

/// Writes `raw` into `out` without a leading slash, `.`, `..` and empty parts. `..` at the top is dropped, as an extraction
/// that is confined to the root would do.
pub fn clean(raw: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for part in raw.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                let parent = memchr::memrchr(b'/', out).unwrap_or(0);
                out.truncate(parent);
            }
            _ => {
                if !out.is_empty() {
                    out.push(b'/');
                }
                out.extend_from_slice(part);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_are_confined_and_comparable() {
        for (raw, want) in [
            ("./etc/passwd", "etc/passwd"),
            ("/etc//passwd", "etc/passwd"),
            ("a/../../../etc/./x/", "etc/x"),
            ("..", ""),
            ("", ""),
            ("a/b/..", "a"),
        ] {
            let mut out = b"left over".to_vec();
            super::clean(raw.as_bytes(), &mut out);
            assert_eq!(out, want.as_bytes(), "{raw}");
        }
    }
}

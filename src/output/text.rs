//! Words for people: what every human format shares. Whatever comes from an image is hostile here: it may hold terminal
//! escape sequences, line breaks and direction overrides, and passes through [`plain`] before it is shown.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::finding::{LayerId, Location, LocationKind, Place, State};

/// The text with everything that a terminal would obey, or that would reorder a line, spelled out (`\x1b`, `\u{202e}`).
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            c if is_unsafe(c) && u32::from(c) < 0x100 => safe.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if is_unsafe(c) => safe.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Controls, line separators, and the characters that Unicode's TR 36 and CVE-2021-42574 name for spoofed direction.
pub(super) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{061c}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// `sha256:` and twelve digits.
pub fn short_digest(digest: &str) -> &str {
    let end = digest.find(':').map_or(0, |colon| colon + 1).saturating_add(12);
    digest.get(..end).unwrap_or(digest)
}

/// `12,345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

/// `1.2 GB`, in powers of 1000 as registries count.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `1 layer`, `3 layers`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// The instruction as its Dockerfile had it: without the shell, the builder's marks and the values of build arguments.
pub fn instruction(created_by: &str) -> String {
    let is_run = |line: &str| line.starts_with("/bin/sh -c ") || line.starts_with('|');
    // Several, one a line, where it is not known which of them wrote the file.
    if created_by.contains('\n') && created_by.lines().all(is_run) {
        return created_by.lines().map(instruction).collect::<Vec<_>>().join(" or ");
    }
    let line = created_by.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.strip_suffix("# buildkit").map_or(line.as_str(), str::trim_end);
    let (run, line) = line.strip_prefix("RUN ").map_or((false, line), |rest| (true, rest));
    let line = line.strip_prefix('|').and_then(|rest| rest.find("/bin/sh -c").and_then(|at| rest.get(at..))).unwrap_or(line);
    if let Some(rest) = line.strip_prefix("/bin/sh -c #(nop)") {
        return short_sum(rest.trim());
    }
    match line.strip_prefix("/bin/sh -c ") {
        Some(command) => format!("RUN {command}"),
        None if run => format!("RUN {line}"),
        None => line.to_owned(),
    }
}

/// `COPY file:` and `dir:` with the first digits of the sum of what was copied.
fn short_sum(instruction: &str) -> String {
    let Some((start, rest)) = instruction.split_once(':') else { return instruction.to_owned() };
    match rest.split_once(" in ") {
        Some((sum, target)) if sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()) => {
            format!("{start}:{} in {target}", sum.get(..12).unwrap_or(sum))
        }
        _ => instruction.to_owned(),
    }
}

/// The text in at most `columns`, with an ellipsis where it was cut.
pub fn shorten(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut cut = String::new();
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if used + width + 1 > columns {
            break;
        }
        used += width;
        cut.push(c);
    }
    cut.push('…');
    Cow::Owned(cut)
}

/// Breaks at white space, and inside words that are longer than a line (digests, paths), but not inside links: a broken one
/// cannot be followed.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let width = word.width();
        if used > 0 && used + 1 + width > columns {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        let link = word.starts_with("https://");
        for c in word.chars() {
            let width = c.width().unwrap_or(0);
            if used + width > columns && !link {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += width;
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// `etc/app.jar > BOOT-INF/x.yml:12 (db.password)` for a file, `Env AWS_SECRET_ACCESS_KEY` for the config. Already plain.
pub fn location(location: &Location) -> String {
    let mut text = String::new();
    let what = match location.kind {
        LocationKind::File | LocationKind::Manifest => "",
        LocationKind::Env => "Env",
        LocationKind::Label => "Label",
        LocationKind::Arg => "Build argument",
        LocationKind::History => "History",
        LocationKind::Cmd => "Cmd",
        LocationKind::Entrypoint => "Entrypoint",
        LocationKind::Healthcheck => "Healthcheck",
        LocationKind::Onbuild => "OnBuild",
        LocationKind::Annotation => "Annotation",
        LocationKind::Attestation => "Attestation",
    };
    text.push_str(what);
    let mut part = |piece: &str, before: &str| {
        if !text.is_empty() {
            text.push_str(before);
        }
        text.push_str(&plain(piece));
    };
    if let Some(path) = &location.path {
        part(path, " ");
    }
    let (ways, encodings): (Vec<&String>, Vec<&String>) = location.inner.iter().partition(|step| !is_encoding(step));
    for step in ways {
        part(step, " > ");
    }
    if what.is_empty()
        && let Some(line) = location.line
    {
        part(&line.to_string(), ":");
    }
    if let Some(name) = &location.name {
        if what.is_empty() {
            part(&format!("({name})"), " ");
        } else {
            part(name, " ");
        }
    }
    for encoding in encodings {
        part(encoding, ", in ");
    }
    text
}

/// Encodings come after the members in `inner`; they are no places to go to.
fn is_encoding(step: &str) -> bool {
    matches!(step, "base64" | "hex" | "url" | "gzip" | "utf-16" | "base32")
}

/// `layer 3 of 7`. People count from one; the JSON report's `index` counts from zero.
pub fn layer(layer: &LayerId, total: u64) -> String {
    let number = u64::from(layer.index) + 1;
    format!("layer {number} of {}", total.max(number))
}

/// What later layers made of it, and what that means.
pub fn state(place: &Place) -> String {
    match place.state {
        State::Live if place.layer.is_some() && place.location.kind == LocationKind::File => {
            "live: every container that runs the image sees it".to_owned()
        }
        State::Live => match place.location.kind {
            LocationKind::File => "live: in the directory".to_owned(),
            LocationKind::Manifest => "live: everyone who may read the object sees it".to_owned(),
            _ => "live: everyone who can pull or inspect the image sees it".to_owned(),
        },
        State::Overwritten { by } => format!("overwritten by layer {}, still extractable by anyone who can pull", u64::from(by) + 1),
        State::Deleted { by } => format!("deleted by layer {}, still extractable by anyone who can pull", u64::from(by) + 1),
    }
}

/// A place in one short piece: `layer 2: app/.env:3`.
pub fn place(place: &Place) -> String {
    let at = location(&place.location);
    match &place.layer {
        Some(layer) => format!("layer {}: {at}", u64::from(layer.index) + 1),
        None => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_sequences_are_spelled_out() {
        assert_eq!(plain("a\u{1b}[2Jb\u{9b}\u{202e}\nc"), "a\\x1b[2Jb\\x9b\\u{202e}\\nc");
        assert!(matches!(plain("srv/ünï/文.env"), Cow::Borrowed(_)));
    }

    #[test]
    fn instructions_lose_shell_marks_and_build_arguments() {
        for (created_by, expected) in [
            ("/bin/sh -c #(nop)  ENV A=b", "ENV A=b"),
            ("/bin/sh -c #(nop) COPY file:1 in /app ", "COPY file:1 in /app"),
            ("/bin/sh -c #(nop) COPY --chown=a:b file:1 in /app ", "COPY --chown=a:b file:1 in /app"),
            (&format!("/bin/sh -c #(nop) COPY dir:{} in /app ", "0123456789abcdef".repeat(4)), "COPY dir:0123456789ab in /app"),
            ("/bin/sh -c apt-get   update", "RUN apt-get update"),
            ("|2 A=x B=y /bin/sh -c make", "RUN make"),
            ("RUN |1 TOKEN=x y /bin/sh -c npm ci # buildkit", "RUN npm ci"),
            ("COPY . /app # buildkit", "COPY . /app"),
            ("RUN [\"a\"]", "RUN [\"a\"]"),
            ("/bin/sh -c a\n|1 B=x /bin/sh -c b", "RUN a or RUN b"),
            ("RUN <<EOF\nmake\nEOF", "RUN <<EOF make EOF"),
            ("", ""),
        ] {
            assert_eq!(instruction(created_by), expected, "{created_by}");
        }
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(999_960), "1.0 MB");
        assert_eq!(bytes(1_234_000_000), "1.2 GB");
        assert_eq!(short_digest("sha256:0123456789abcdef"), "sha256:0123456789ab");
        assert_eq!(short_digest("é"), "é");
    }

    #[test]
    fn lines_never_exceed_the_columns() {
        let text = "one 文文文文文文文文 abcdefghijklmnopqrstuvwxyz two";
        for columns in 8..30 {
            for line in wrap(text, columns) {
                assert!(line.width() <= columns, "{columns}: {line}");
            }
            assert!(shorten(text, columns).width() <= columns);
        }
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("see https://example.com/a", 8), ["see", "https://example.com/a"], "but for links");
    }
}

//! Token rules: the rule's pattern in a bounded window around one of its anchors.

use std::ops::Range;

use super::pattern::Pattern;

/// Bytes before an anchor at which a match may start, where the pattern sets no narrower bound.
const BEFORE: usize = 1024;
/// How often a rejected match is looked for further on.
const TRIES: usize = 8;
/// Bytes that are looked at in the time of a step.
const A_STEP: usize = 16;

/// A match of a pattern: the whole of it, and the credential inside.
pub(super) struct Found {
    pub(super) whole: Range<usize>,
    pub(super) secret: Range<usize>,
}

/// The match that holds the anchor, if there is one whose neighbours are no letter, digit or `_`.
/// Adds the steps that it takes to `spent`.
pub(super) fn find(pattern: &Pattern, text: &[u8], anchor: Range<usize>, spent: &mut usize) -> Option<Found> {
    let reach = pattern.reach();
    let at_anchor = reach.at_anchor;
    // Nearly all hits end here: in the midst of a word, or before something else than the pattern says.
    if at_anchor {
        let in_word = touches(text.get(anchor.start)) && touched_before(text, anchor.start);
        if in_word || !reach.may_begin(text.get(anchor.start..).unwrap_or_default()) {
            return None;
        }
    } else if !reach.may_hold(text.get(anchor.start..).unwrap_or_default()) {
        // Another place of the same match may hold the anchor too; it is a hit of its own.
        return None;
    }
    let before = if at_anchor { 0 } else { reach.longest.min(BEFORE) };
    let window = text.get(..text.len().min(anchor.end.saturating_add(reach.longest)).max(anchor.end))?;
    // A match that starts behind the anchor does not hold it.
    let mut starts = anchor.start.saturating_sub(before)..anchor.start + 1;
    let around = window.get(starts.start..).unwrap_or_default();
    if !reach.may_be_within(around) {
        *spent = spent.saturating_add(around.len() / A_STEP);
        return None;
    }
    for _ in 0..TRIES {
        let hit = pattern.search(window, starts.clone(), spent)?;
        let found = hit.whole;
        // A match that itself ends in a delimiter needs none around it.
        let first = touches(text.get(found.start)) && touched_before(text, found.start);
        let next = text.get(found.end);
        let runs_on = touches(next) || (next == Some(&b'~') && pattern.source().contains('~'));
        let last = touches(found.end.checked_sub(1).and_then(|at| text.get(at))) && runs_on;
        if found.end >= anchor.end && !first && !last {
            let secret = hit.secret.unwrap_or_else(|| found.clone());
            return Some(Found { whole: found, secret });
        }
        if at_anchor {
            return None;
        }
        starts.start = found.start + 1;
    }
    None
}

fn touches(byte: Option<&u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

/// Whether a letter, digit or `_` stands right before, unless it ends an escape: `\n`, `%3D`, `\u003d`, `\x3d`, a colour.
fn touched_before(text: &[u8], start: usize) -> bool {
    let back = |n: usize| start.checked_sub(n).and_then(|at| text.get(at..start)).unwrap_or_default();
    if !touches(back(1).first()) {
        return false;
    }
    let hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    let escaped = match (back(2), back(3), back(4), back(6)) {
        ([b'\\', b'n' | b't' | b'r' | b'f' | b'b' | b'0'], ..) => true,
        (_, [b'%', code @ ..], ..) if hex(code) => true,
        (_, _, [b'\\', b'x', code @ ..], _) if hex(code) => true,
        (.., [b'\\', b'u', code @ ..]) if hex(code) => true,
        _ => false,
    };
    let coloured = || back(1) == b"m" && text.get(start.saturating_sub(8)..start).unwrap_or_default().windows(2).any(|two| two == b"\x1b[");
    !escaped && !coloured()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &'static str, text: &str, anchor: &str) -> Option<String> {
        let pattern = Pattern::for_test(source, &[anchor]);
        let at = text.find(anchor).expect("the anchor stands there");
        find(&pattern, text.as_bytes(), at..at + anchor.len(), &mut 0).map(|found| text[found.secret].to_owned())
    }

    #[test]
    fn neighbours_decide() {
        for text in ["x=tok_aaaa", "\\ntok_aaaa", "%3Dtok_aaaa", "\\u003dtok_aaaa", "\x1b[32mtok_aaaa\x1b[0m", "tok_aaaa"] {
            assert_eq!(found("tok_[a-z]{4}", text, "tok_"), Some("tok_aaaa".to_owned()), "{text}");
        }
        for text in ["xtok_aaaa", "tok_aaaab", "_tok_aaaa", "tok_aaaa_", "ntok_aaaa"] {
            assert_eq!(found("tok_[a-z]{4}", text, "tok_"), None, "{text}");
        }
    }

    /// Both begin alike, and only the first begins a match.
    #[test]
    fn an_anchor_may_begin_as_a_match_does() {
        let text = "AccountName=abc;AccountKey=12345678";
        let source = "(?i)AccountName=[a-z0-9]{3,24};AccountKey=(?P<secret>[0-9]{8})";
        assert_eq!(found(source, text, "AccountKey="), Some("12345678".to_owned()));
    }

    #[test]
    fn the_group_named_secret_is_the_credential() {
        assert_eq!(found("id=[0-9]+&key=(?P<secret>[a-z]{6})", "?id=12&key=abcdef&", "&key="), Some("abcdef".to_owned()));
    }
}

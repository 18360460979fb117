//! PHP configuration: `define('NAME', 'value')`, `'key' => 'value'`, `$config['key'] = 'value'`; Django's `SECRET_KEY`.
//!
//! <https://developer.wordpress.org/advanced-administration/wordpress/wp-config/>

use std::{borrow::Cow, ops::Range};

use super::{Detector, Field, Meaning, flow, tree::slice};
use crate::detect::Hint;

/// PHP files.
pub(super) struct Php;

/// WordPress' keys and salts.
const SALTS: &[&str] =
    &["AUTH_KEY", "SECURE_AUTH_KEY", "LOGGED_IN_KEY", "NONCE_KEY", "AUTH_SALT", "SECURE_AUTH_SALT", "LOGGED_IN_SALT", "NONCE_SALT"];

const PHP_FILES: &[&str] = &["*.php", "*.php5", "*.phtml", "*.inc", "*.php.*", "wp-config*"];
const DJANGO_FILES: &[&str] = &["settings.py", "*settings.py", "settings/*.py", "local_settings*"];

impl Detector for Php {
    fn id(&self) -> &'static str {
        "php-config"
    }

    fn files(&self) -> &'static [&'static str] {
        PHP_FILES
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let mut at = 0;
        // The last string, if only a separator followed it so far.
        let mut name: Option<(Range<usize>, bool)> = None;
        while let Some(step) = memchr::memchr2(b'\'', b'"', text.get(at..).unwrap_or_default()) {
            let start = at + step;
            let defined = name.take().filter(|(place, is_define)| separates(slice(text, place.end + 1..start), *is_define));
            // A string ends on its line, or else an apostrophe in a comment would shift all that follow.
            let rest = slice(text, start..text.len().min(start + 4096));
            let limit = start + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let quoted = flow::quoted(text.get(..limit).unwrap_or(text), start, false);
            if quoted.span.end >= limit {
                at = start + 1;
                continue;
            }
            at = quoted.end;
            let variable = || variable(slice(text, start.saturating_sub(80)..start), start);
            match defined.or_else(variable) {
                Some((place, is_define)) => report(text, place, is_define, &quoted, emit),
                None if quoted.span.len() <= 128 => {
                    let before = slice(text, start.saturating_sub(16)..start).trim_ascii_end();
                    let is_define = before.strip_suffix(b"(").is_some_and(|before| before.trim_ascii_end().ends_with(b"define"));
                    name = Some((quoted.span, is_define));
                }
                None => {}
            }
        }
    }
}

/// The name of `$name = ` at the end of `before`, which ends at `start`.
fn variable(before: &[u8], start: usize) -> Option<(Range<usize>, bool)> {
    let left = before.trim_ascii_end().strip_suffix(b"=")?.trim_ascii_end();
    let length = left.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let end = start - before.len() + left.len();
    (length > 0 && left.get(left.len().checked_sub(length + 1)?) == Some(&b'$')).then_some((end - length..end, false))
}

/// What may stand between a name and its value.
/// A comma joins name and value in `define` only; elsewhere it separates the members of a list.
fn separates(between: &[u8], is_define: bool) -> bool {
    let between = between.trim_ascii();
    matches!(between, b"=>" | b":")
        || (is_define && between == b",")
        || between.strip_prefix(b"]").is_some_and(|rest| rest.trim_ascii() == b"=")
}

fn report(text: &[u8], name: Range<usize>, is_define: bool, value: &flow::Quoted<'_>, emit: &mut dyn FnMut(Field<'_>)) {
    // ` * define( 'AUTH_KEY', ...` in a comment shows how it is done.
    let before = slice(text, name.start.saturating_sub(40)..name.start);
    let comment = before.rsplit(|b| *b == b'\n').next().unwrap_or_default().trim_ascii_start().starts_with(b"* ");
    if comment {
        return;
    }
    let name = String::from_utf8_lossy(slice(text, name));
    let rule = match name.as_ref() {
        "DB_PASSWORD" if is_define => Some("wordpress-db-password"),
        salt if is_define && SALTS.contains(&salt) => Some("wordpress-salt"),
        _ => None,
    };
    let meaning = rule.map_or(Meaning::Value, |rule| Meaning::Credential { rule });
    if !value.value.is_empty() {
        emit(Field { name, value: Cow::Borrowed(&value.value), span: value.span.clone(), meaning, evidence: Vec::new() });
    }
}

/// Django's settings. <https://docs.djangoproject.com/en/stable/ref/settings/#secret-key>
pub(super) struct Django;

impl Detector for Django {
    fn id(&self) -> &'static str {
        "django-settings"
    }

    fn files(&self) -> &'static [&'static str] {
        DJANGO_FILES
    }

    fn find(&self, text: &[u8], hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        for at in memchr::memmem::find_iter(text, b"SECRET_KEY") {
            let line_start = at == 0 || text.get(at - 1) == Some(&b'\n');
            let after = at + "SECRET_KEY".len();
            let rest = slice(text, after..text.len().min(after + 64));
            let gap = rest.iter().take_while(|b| matches!(b, b' ' | b'=')).count();
            let assigned = rest.get(..gap).is_some_and(|gap| gap.contains(&b'=') && !gap.windows(2).any(|w| w == b"=="));
            let start = after + gap;
            if line_start && assigned && matches!(text.get(start), Some(b'\'' | b'"')) {
                let limit = text.len().min(start + 1024);
                let quoted = flow::quoted(text.get(..limit).unwrap_or(text), start, false);
                if quoted.value.len() >= 16 {
                    let meaning = Meaning::Credential { rule: "django-secret-key" };
                    emit(Field {
                        name: Cow::Borrowed("SECRET_KEY"),
                        value: quoted.value,
                        span: quoted.span,
                        meaning,
                        evidence: Vec::new(),
                    });
                }
            }
        }
        // The databases' `'PASSWORD': 'x'` are pairs like PHP's.
        Php.find(text, hint, emit);
    }
}

//! The file that `auth-user-pass` of OpenVPN names: the user on the first line, the password on the second.
//!
//! <https://openvpn.net/community-docs/community-articles/openvpn-2-6-manual.html> (`--auth-user-pass`)

use std::borrow::Cow;

use super::{
    Detector, Field, Meaning, files,
    format::fact,
    tree::{line_end, slice, trimmed},
};
use crate::detect::Hint;

/// Lines of the longest such file, empty ones included.
const LINES: usize = 4;

/// The detector.
pub(super) struct AuthUserPass;

const FILES: &[&str] = &[
    "openvpn/*",
    "openvpn/client/*",
    "openvpn/server/*",
    "auth-user-pass*",
    "openvpn-auth*",
    "openvpn_auth*",
    "openvpn-credentials*",
    "vpn-auth*",
    "vpn_auth*",
    "vpn-credentials*",
    "vpn_credentials*",
    "openvpn*.auth",
    "vpn*.auth",
    "ovpn*.auth",
];

impl Detector for AuthUserPass {
    fn id(&self) -> &'static str {
        "openvpn-auth-user-pass"
    }

    fn files(&self) -> &'static [&'static str] {
        FILES
    }

    // Most files of the folder are keys and settings.
    fn wants(&self, hint: &Hint<'_>, head: &[u8]) -> bool {
        let mut lines = head.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
        let (Some(user), Some(password)) = (lines.next(), lines.next()) else { return false };
        let word = |line: &[u8]| line.iter().all(u8::is_ascii_graphic) && !line.starts_with(b"#") && !line.starts_with(b"-----");
        files::matches(hint.path, FILES)
            && (1..=128).contains(&user.len())
            && (4..=128).contains(&password.len())
            && word(user)
            && word(password)
            && lines.clone().count() < LINES
            && lines.all(<[u8]>::is_empty)
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let user = slice(text, trimmed(text, 0..line_end(text, 0)));
        let start = (line_end(text, 0) + 1).min(text.len());
        let span = trimmed(text, start..line_end(text, start));
        let value = slice(text, span.clone());
        if value.is_empty() {
            return;
        }
        let evidence = fact("user", user, value).into_iter().collect();
        let meaning = Meaning::Credential { rule: "openvpn-user-password" };
        emit(Field { name: Cow::Borrowed("password"), value: Cow::Borrowed(value), span, meaning, evidence });
    }
}

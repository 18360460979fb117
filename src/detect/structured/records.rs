//! Files of records in several lines: Subversion's cached credentials, debconf's answers.

use std::borrow::Cow;

use super::{
    Detector, Field, Meaning,
    tree::{line_end, slice},
};
use crate::detect::{Hint, quiet};

/// A format of records.
pub(super) struct Records {
    id: &'static str,
    files: &'static [&'static str],
    rule: &'static str,
    /// Whether the lines before say that the password comes next, and what stands before it on its line.
    next: fn(&mut State, &[u8]) -> Option<usize>,
}

/// What the lines before said.
#[derive(Default)]
struct State {
    /// A password is asked for.
    asked: bool,
    /// The line with the value's length was seen.
    measured: bool,
}

/// `K 8`, `password`, `V n`, and the value on a line of its own (`svn_hash_read2` of Subversion's sources).
pub(super) static SUBVERSION: Records = Records {
    id: "subversion-auth",
    files: &["svn.simple/*", "svn.ssl.client-passphrase/*"],
    rule: "svn-password",
    next: |state, line| {
        let value = state.asked && state.measured;
        state.measured = state.asked && line.starts_with(b"V ");
        state.asked = matches!(line, b"password" | b"passphrase") || state.measured;
        value.then_some(0)
    },
};
/// Answers of packages' questions, debconf-devel(7); `Name:` comes before `Value:`.
pub(super) static DEBCONF: Records = Records {
    id: "debconf-passwords",
    files: &["debconf/passwords.dat*", "cdebconf/passwords.dat*"],
    rule: "debconf-password",
    next: |state, line| {
        if let Some(name) = line.strip_prefix(b"Name: ") {
            state.asked = quiet::holds(name, b"pass");
        }
        line.starts_with(b"Value: ").then_some(7).filter(|_| state.asked)
    },
};

impl Detector for Records {
    fn id(&self) -> &'static str {
        self.id
    }

    fn files(&self) -> &'static [&'static str] {
        self.files
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let mut state = State::default();
        let mut at = 0;
        while at < text.len() {
            let end = line_end(text, at);
            if let Some(skip) = (self.next)(&mut state, slice(text, at..end)).filter(|skip| at + skip < end) {
                let span = at + skip..end;
                let value = Cow::Borrowed(slice(text, span.clone()));
                let meaning = Meaning::Credential { rule: self.rule };
                emit(Field { name: Cow::Borrowed("password"), value, span, meaning, evidence: Vec::new() });
            }
            at = end + 1;
        }
    }
}

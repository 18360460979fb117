//! Shell scripts, profiles and histories; Ansible inventories, which are lines of words too.

use std::borrow::Cow;

use super::{AI_SESSION, Detector, Field, Meaning, files, shell};
use crate::{detect::Hint, finding::LocationKind};

/// The detector.
pub(super) struct Script;

const FILES: &[&str] = &[
    "*.sh",
    "*.bash",
    "*.zsh",
    "*.ksh",
    "*.fish",
    "*.csh",
    "*.command",
    ".profile",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_aliases",
    ".bash_logout",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".kshrc",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".aliases",
    ".exports",
    ".xsession",
    ".xinitrc",
    "bash.bashrc",
    "profile",
    "rc.local",
    "*_history",
    ".history",
    ".sh_history",
    "fish_history",
    "crontab",
    "crontabs/*",
    "cron.d/*",
    "*.cron",
    "Makefile",
    "*.mk",
    "justfile",
    "Justfile",
    "Procfile",
    "inventory",
    "inventory.ini",
    "hosts.ini",
    "inventory/*",
    "*.inventory",
    "ansible/hosts",
    "entrypoint",
    "docker-entrypoint*",
    "*.sh.j2",
    "*.sh.tpl",
    "history.txt",
];

impl Detector for Script {
    fn id(&self) -> &'static str {
        "shell"
    }

    fn files(&self) -> &'static [&'static str] {
        FILES
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        shell::fields(text, emit);
    }
}

/// The same under any name, told by its first line.
pub(super) struct Shebang;

impl Detector for Shebang {
    fn id(&self) -> &'static str {
        "shell-shebang"
    }

    fn files(&self) -> &'static [&'static str] {
        &["*"]
    }

    fn wants(&self, hint: &Hint<'_>, head: &[u8]) -> bool {
        hint.kind == LocationKind::File && is_shell(head)
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        shell::fields(text, emit);
    }
}

/// `#!/bin/sh`, `#!/usr/bin/env bash`.
fn is_shell(head: &[u8]) -> bool {
    if !head.starts_with(b"#!") {
        return false;
    }
    let line = head.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.get(..line.len().min(80)).unwrap_or(line).trim_ascii_end();
    line.split(|b| matches!(b, b'/' | b' ')).any(|word| matches!(word, b"sh" | b"bash" | b"dash" | b"ash" | b"zsh" | b"ksh" | b"fish"))
}

/// What was said to an AI assistant and what it did, kept as text: <https://aider.chat/docs/config/options.html>,
/// <https://docs.specstory.com>.
pub(super) struct Transcript;

/// Their names.
const TRANSCRIPTS: &[&str] = &[".aider.chat.history.md", ".aider.input.history", ".aider.llm.history", ".specstory/history/*.md"];

impl Detector for Transcript {
    fn id(&self) -> &'static str {
        "ai-transcript"
    }

    fn files(&self) -> &'static [&'static str] {
        TRANSCRIPTS
    }

    fn note(&self) -> Option<&'static str> {
        Some(AI_SESSION)
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        shell::fields(text, emit);
    }
}

/// A history that libedit wrote (MySQL's and SQLite's clients on Debian): blanks stand there as `\040`.
pub(super) struct Libedit;

/// Its first line (`history.c` of libedit).
const COOKIE: &[u8] = b"_HiStOrY_V2_";

impl Detector for Libedit {
    fn id(&self) -> &'static str {
        "libedit-history"
    }

    fn files(&self) -> &'static [&'static str] {
        &["*_history"]
    }

    fn wants(&self, hint: &Hint<'_>, head: &[u8]) -> bool {
        head.starts_with(COOKIE) && files::matches(hint.path, self.files())
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let mut at = 0;
        for line in text.split(|b| *b == b'\n') {
            let span = at..at + line.len();
            at = span.end + 1;
            if line.contains(&b'\\') {
                emit(Field {
                    name: Cow::Borrowed(""),
                    value: Cow::Owned(octal(line)),
                    span,
                    meaning: Meaning::Value,
                    evidence: Vec::new(),
                });
            }
        }
    }
}

/// The line with `\ooo` undone.
fn octal(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        let digits = line.get(at + 1..at + 4).filter(|digits| *byte == b'\\' && digits.iter().all(|b| (b'0'..=b'7').contains(b)));
        let code = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        out.push(code.unwrap_or(*byte));
        at += if code.is_some() { 4 } else { 1 };
    }
    out
}

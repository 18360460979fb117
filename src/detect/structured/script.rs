//! Shell scripts, profiles and histories; Ansible inventories, which are lines of words too.

use super::{AI_SESSION, Detector, Field, files, shell};
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

    fn wants(&self, hint: &Hint<'_>, _head: &[u8]) -> bool {
        files::matches(hint.path, FILES)
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

    fn wants(&self, hint: &Hint<'_>, _head: &[u8]) -> bool {
        files::matches(hint.path, TRANSCRIPTS)
    }

    fn note(&self) -> Option<&'static str> {
        Some(AI_SESSION)
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        shell::fields(text, emit);
    }
}

//! What a haystack is, as far as that tells how to read it: judged by its path and where it stands.

use super::Hint;
use crate::finding::LocationKind;

/// Kinds of haystacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value by itself: a variable, a label.
    Value,
    /// Settings: values stand without quotes, and are meant.
    Config,
    /// Code: only literals are values.
    Source,
    /// Command lines, histories, logs.
    Shell,
    /// For people: examples abound.
    Docs,
    /// Machine-made code or lists of checksums: names mean nothing.
    Generated,
    /// Anything else.
    Other,
}

/// What is known about the place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    pub(super) kind: Kind,
    /// Below `test`, `tests`, `fixtures`, `examples` and the like.
    pub(super) test: bool,
}

const CONFIG: &[&str] = &[
    "env",
    "ini",
    "cfg",
    "conf",
    "cnf",
    "config",
    "properties",
    "props",
    "toml",
    "yaml",
    "yml",
    "json",
    "json5",
    "jsonc",
    "xml",
    "tf",
    "tfvars",
    "tfstate",
    "hcl",
    "plist",
    "netrc",
    "npmrc",
    "pypirc",
    "gitconfig",
    "credentials",
    "secrets",
    "service",
    "desktop",
    "settings",
    "local",
    "production",
    "development",
    "staging",
    "dockercfg",
    "htpasswd",
    "pgpass",
    "s3cfg",
    "ovpn",
    "reg",
    "nix",
    "jks",
    "kubeconfig",
    "envrc",
    "rc",
    "cf",
    "sql",
    "csv",
];
const SOURCE: &[&str] = &[
    "py", "pyi", "js", "mjs", "cjs", "jsx", "ts", "tsx", "mts", "cts", "go", "java", "kt", "kts", "scala", "groovy", "gradle", "rb", "erb",
    "php", "phtml", "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "cs", "vb", "fs", "rs", "swift", "m", "mm", "pl", "pm", "lua", "r", "jl",
    "dart", "ex", "exs", "erl", "hs", "ml", "clj", "cljs", "lisp", "el", "vue", "svelte", "sol", "pas", "asm", "s", "tcl", "awk", "pyx",
    "pxd", "html", "htm", "jsp", "asp", "aspx", "css", "scss", "less", "tmpl", "tpl", "mustache", "hbs", "j2", "proto", "graphql", "cmake",
    "f90", "class", "pyc", "pod", "t", "ipynb",
];
const SHELL: &[&str] = &[
    "sh",
    "bash",
    "zsh",
    "fish",
    "ksh",
    "csh",
    "ps1",
    "psm1",
    "bat",
    "cmd",
    "log",
    "bash_history",
    "zsh_history",
    "sh_history",
    "history",
    "profile",
    "bashrc",
    "zshrc",
    "bash_profile",
    "out",
    "trace",
];
const DOCS: &[&str] = &[
    "md",
    "markdown",
    "mdx",
    "rst",
    "adoc",
    "asciidoc",
    "tex",
    "man",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "org",
    "po",
    "pot",
    "mo",
    "changelog",
    "news",
    "changes",
    "rdoc",
    "texi",
    "info",
];
const LOCKS: &[&str] = &[
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "cargo.lock",
    "go.sum",
    "poetry.lock",
    "pipfile.lock",
    "composer.lock",
    "gemfile.lock",
    "flake.lock",
    "uv.lock",
    "bun.lock",
    "packages.lock.json",
    "record",
    "md5sums",
    "sha256sums",
    "manifest.mf",
    ".package-lock.json",
    "installed",
    "checksums",
];

impl Surroundings {
    pub(super) fn of(hint: &Hint<'_>) -> Self {
        let path = hint.path;
        let test = path.rsplit('/').skip(1).any(|part| {
            let is = |word: &str| part.eq_ignore_ascii_case(word);
            is("test")
                || is("tests")
                || is("testdata")
                || is("fixtures")
                || is("__tests__")
                || is("spec")
                || is("example")
                || is("examples")
                || is("testing")
                || is("mocks")
                || is("test-data")
                || is("testsuite")
        });
        let kind = match hint.kind {
            LocationKind::File | LocationKind::Manifest if hint.name.is_none() => kind(path),
            _ if hint.name.is_some() => Kind::Value,
            LocationKind::Env | LocationKind::Label | LocationKind::Annotation | LocationKind::Arg | LocationKind::Attestation => {
                Kind::Config
            }
            _ => Kind::Shell,
        };
        Self { kind, test }
    }
}

fn kind(path: &str) -> Kind {
    let file = path.rsplit('/').next().unwrap_or_default();
    let is = |list: &[&str], text: &str| list.iter().any(|known| text.eq_ignore_ascii_case(known));
    if is(LOCKS, file)
        || ends(file, ".min.js")
        || ends(file, ".min.css")
        || ends(file, ".map")
        || ends(file, ".min.mjs")
        || ends(file, ".svg")
        || ends(file, ".pem")
        || ends(file, ".crt")
        || ends(file, ".css")
    {
        return Kind::Generated;
    }
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    if starts(file, "dockerfile")
        || starts(file, "containerfile")
        || is(SHELL, extension)
        || ends(file, "_history")
        || starts(file, "makefile")
        || starts(file, "jenkinsfile")
        || starts(file, "vagrantfile")
    {
        return Kind::Shell;
    }
    if starts(file, ".env") || is(CONFIG, extension) || ends(file, "rc") && file.starts_with('.') || file.contains(".env") {
        return Kind::Config;
    }
    if is(SOURCE, extension) {
        return Kind::Source;
    }
    if is(DOCS, extension)
        || starts(file, "readme")
        || starts(file, "license")
        || starts(file, "copyright")
        || starts(file, "changelog")
        || starts(file, "news")
    {
        return Kind::Docs;
    }
    Kind::Other
}

fn ends(text: &str, end: &str) -> bool {
    text.len() >= end.len() && text.as_bytes().get(text.len() - end.len()..).is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
}

fn starts(text: &str, start: &str) -> bool {
    text.as_bytes().get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_the_kind() {
        for (path, expected) in [
            ("app/.env", Kind::Config),
            ("app/.env.production", Kind::Config),
            ("etc/my.cnf", Kind::Config),
            ("src/main.py", Kind::Source),
            ("x/jquery.min.js", Kind::Generated),
            ("package-lock.json", Kind::Generated),
            ("Dockerfile", Kind::Shell),
            ("root/.bash_history", Kind::Shell),
            ("README.md", Kind::Docs),
            ("bin/app", Kind::Other),
            ("", Kind::Other),
        ] {
            let found = Surroundings::of(&Hint { kind: LocationKind::File, path, name: None, binary: false });
            assert_eq!(found.kind, expected, "{path}");
        }
    }
}

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
    /// Below `test`, `tests`, `fixtures`, `examples`, `docs` and the like, or named like a test.
    pub(super) test: bool,
    /// Below the folder of a language's package manager: published with its library, most likely.
    pub(super) package: bool,
    /// A distribution's documentation, or a test within a library or in code: published to be read.
    pub(super) published: bool,
    /// Texts of a program in other languages: names of things and what they are called.
    pub(super) translation: bool,
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
    "f90", "hrl", "nse", "vim", "class", "pyc", "pod", "t", "ipynb",
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

/// What the folders of a path say. The last ones are kept: the files of a folder, or of an archive's folder, come one after the
/// other.
#[derive(Default)]
pub(super) struct Folders {
    /// With the last slash; nothing is known of the empty one.
    path: String,
    test: bool,
    package: bool,
    published: bool,
    translation: bool,
}

impl Folders {
    fn look_at(&mut self, path: &str) {
        let folders = memchr::memrchr(b'/', path.as_bytes()).and_then(|slash| path.get(..=slash)).unwrap_or_default();
        if folders == self.path {
            return;
        }
        self.path.clear();
        self.path.push_str(folders);
        let any = |known: &dyn Fn(&str) -> bool| folders.split('/').any(|part| !part.is_empty() && known(part));
        self.test = any(&|part| is(TESTS, part));
        self.translation = any(&|part| is(TRANSLATIONS, part));
        self.package = any(&|part| PACKAGES.contains(&part)) || is_library(folders);
        self.published = PUBLISHED.iter().any(|published| folders.contains(published));
    }
}

impl Surroundings {
    pub(super) fn of(hint: &Hint<'_>) -> Self {
        Self::within(hint, &mut Folders::default())
    }

    /// The same, with the folders that were looked at last.
    pub(super) fn within(hint: &Hint<'_>, folders: &mut Folders) -> Self {
        let path = hint.path;
        folders.look_at(path);
        let test = folders.test || is_test(path);
        let kind = match hint.kind {
            LocationKind::File | LocationKind::Manifest if hint.name.is_none() => kind(path),
            _ if hint.name.is_some() => Kind::Value,
            LocationKind::Env | LocationKind::Label | LocationKind::Annotation | LocationKind::Arg | LocationKind::Attestation => {
                Kind::Config
            }
            _ => Kind::Shell,
        };
        let package = folders.package || SYSTEM.iter().any(|start| path.trim_start_matches('/').starts_with(start));
        let published = folders.published || (test && (package || kind == Kind::Source));
        Self { kind, test, package, published, translation: folders.translation }
    }
}

/// Folders of documentation that is installed.
const PUBLISHED: &[&str] = &[
    "usr/share/doc/",
    "usr/share/man/",
    "usr/share/info/",
    "usr/share/devhelp/",
    "usr/share/gtk-doc/",
    "usr/share/help/",
    ".dist-info/",
    ".egg-info/",
];

/// Folders of tests, examples and documentation.
const TESTS: &[&str] = &[
    "test",
    "tests",
    "testdata",
    "test-data",
    "test_data",
    "testing",
    "testsuite",
    "testsuites",
    "unittests",
    "unit-tests",
    "integration-tests",
    "__tests__",
    "__mocks__",
    "__fixtures__",
    "fixture",
    "fixtures",
    "mocks",
    "spec",
    "specs",
    "e2e",
    "example",
    "examples",
    "sample",
    "samples",
    "demo",
    "demos",
    "benchmark",
    "benchmarks",
    "bench",
    "doc",
    "docs",
    "documentation",
    "javadoc",
    "tutorial",
    "tutorials",
];

/// Folders of translations.
const TRANSLATIONS: &[&str] = &[
    "locale",
    "locales",
    "localization",
    "localisation",
    "lang",
    "langs",
    "language",
    "languages",
    "i18n",
    "l10n",
    "nls",
    "translation",
    "translations",
    "msgs",
    "messages",
];

/// Folders that package managers fill.
const PACKAGES: &[&str] =
    &["node_modules", "site-packages", "dist-packages", "bower_components", "jspm_packages", "gems", "stdlib", "perl5"];

/// Paths that distributions and compilers fill.
const SYSTEM: &[&str] = &[
    "usr/lib/python",
    "usr/local/lib/python",
    "usr/lib/ruby",
    "usr/local/lib/ruby",
    "usr/lib/perl",
    "usr/share/perl",
    "usr/share/java",
    "usr/share/bash-completion",
    "usr/lib/jvm",
    "usr/lib/erlang",
    "usr/lib/go-",
    "usr/share/go-",
    "usr/share/gocode",
    "usr/share/nodejs",
    "usr/share/php",
    "usr/share/rubygems-integration",
    "usr/src/rustc-",
    "usr/local/go/src",
    "go/pkg/mod",
];

/// Whether a language's package manager keeps libraries there.
fn is_library(folders: &str) -> bool {
    memchr::memchr_iter(b'.', folders.as_bytes()).any(|dot| {
        let hidden = folders.get(dot..).unwrap_or_default();
        [".m2/repository/", ".cargo/registry/", ".nuget/packages/"].iter().any(|folder| hidden.starts_with(folder))
    })
}

/// Whether a list has a word, ignoring ASCII case.
fn is(list: &[&str], text: &str) -> bool {
    list.iter().any(|known| text.eq_ignore_ascii_case(known))
}

/// Whether a file is a test's, an example's or documentation by its own name.
fn is_test(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or_default();
    let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
    let middle = file.rsplit_once('.').and_then(|(front, _)| front.rsplit_once('.')).map_or("", |(_, middle)| middle);
    is(&["test", "tests", "spec", "stories", "mock", "fixture", "example", "examples", "sample"], middle)
        || starts(stem, "examples-")
        || ends(stem, "_test")
        || ends(stem, "_tests")
        || ends(stem, "_spec")
        || (starts(stem, "test_") || is(&["conftest", "doctest"], stem)) && ends(file, ".py")
}

fn kind(path: &str) -> Kind {
    let file = path.rsplit('/').next().unwrap_or_default();
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
        // What was typed and pasted, for all that it is Markdown.
        || starts(file, ".aider.")
        || path.contains(".specstory/history/")
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
        || path.contains("/man/")
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
            ("app/.aider.chat.history.md", Kind::Shell),
            ("bin/app", Kind::Other),
            ("", Kind::Other),
        ] {
            let found = Surroundings::of(&Hint { kind: LocationKind::File, path, name: None, binary: false });
            assert_eq!(found.kind, expected, "{path}");
        }
    }
}

//! The plain syntaxes, last in the list: every value is judged by its name and shape.

use crate::detect::structured::{
    format::{Format, Syntax},
    lines,
};

/// JSON, JSON with comments, JSON lines.
pub(in crate::detect::structured) static JSON: Format = Format {
    id: "json",
    files: &["*.json", "*.jsonc", "*.json5", "*.jsonl", "*.ndjson", "*.tfstate", "*.har", "*.webmanifest"],
    sniff: &[],
    syntax: Syntax::Json,
    credentials: &[],
};

/// YAML, with CI files, compose files and templates.
pub(in crate::detect::structured) static YAML: Format = Format {
    id: "yaml",
    files: &[
        "*.yaml",
        "*.yml",
        "*.yaml.j2",
        "*.yml.j2",
        "*.yaml.erb",
        "*.yml.erb",
        "*.yaml.tpl",
        "*.yml.dist",
        "*.yml.example",
        "*.sls",
        ".clang-format",
    ],
    sniff: &[],
    syntax: Syntax::JsonOrYaml,
    credentials: &[],
};

/// TOML.
pub(in crate::detect::structured) static TOML: Format =
    Format { id: "toml", files: &["*.toml", "Pipfile"], sniff: &[], syntax: Syntax::Lines(lines::TOML), credentials: &[] };

/// Environment files.
pub(in crate::detect::structured) static DOTENV: Format = Format {
    id: "dotenv",
    files: &[
        "*.env",
        ".env*",
        "env",
        "environment",
        ".envrc",
        "etc/default/*",
        "etc/sysconfig/*",
        "*.envfile",
        "env.*",
        ".flaskenv",
        ".dev.vars",
    ],
    sniff: &[],
    syntax: Syntax::JsonOrLines(lines::DOTENV),
    credentials: &[],
};

/// Java properties.
pub(in crate::detect::structured) static PROPERTIES: Format = Format {
    id: "properties",
    files: &["*.properties", "*.properties.j2"],
    sniff: &[],
    syntax: Syntax::Lines(lines::PROPERTIES),
    credentials: &[],
};

/// XML and its kin.
pub(in crate::detect::structured) static XML: Format = Format {
    id: "xml",
    files: &[
        "*.xml",
        "*.config",
        "*.plist",
        "*.csproj",
        "*.props",
        "*.targets",
        "*.pubxml",
        "*.jmx",
        "*.xml.j2",
        "*.jelly",
        "*.mobileconfig",
    ],
    sniff: &["<"],
    syntax: Syntax::Xml,
    credentials: &[],
};

/// Terraform, Packer, nomad, vault, consul.
pub(in crate::detect::structured) static HCL: Format =
    Format { id: "hcl", files: &["*.tf", "*.tfvars", "*.hcl", "*.nomad"], sniff: &[], syntax: Syntax::Lines(lines::HCL), credentials: &[] };

/// Ini files and those that look like them.
pub(in crate::detect::structured) static INI: Format = Format {
    id: "ini",
    files: &[
        "*.ini",
        "*.cfg",
        "*.conf",
        "*.cnf",
        "*.cf",
        "*.config",
        "*.inf",
        "*.desktop",
        "*.service",
        "*.rc",
        "*.editorconfig",
        "*.network",
        "*.nmconnection",
        "*.ovpn",
        "config",
        "credentials",
    ],
    sniff: &[],
    syntax: Syntax::JsonOrLines(lines::INI),
    credentials: &[],
};

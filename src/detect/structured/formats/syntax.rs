//! The plain syntaxes, last in the list: every value is judged by its name and shape.

use crate::detect::structured::{
    format::{Format, Syntax},
    lines,
};

/// JSON, JSON with comments, JSON lines.
pub(in crate::detect::structured) static JSON: Format = Format::new(
    "json",
    &[
        "*.json",
        "*.jsonc",
        "*.json5",
        "*.jsonl",
        "*.ndjson",
        "*.har",
        "*.webmanifest",
        "*.json.j2",
        "*.json.erb",
        "*.json.tpl",
        ".babelrc",
        ".eslintrc",
    ],
    Syntax::Json,
);

/// YAML, with CI files, compose files and templates.
pub(in crate::detect::structured) static YAML: Format = Format::new(
    "yaml",
    &[
        "*.yaml",
        "*.yml",
        "*.yaml.j2",
        "*.yml.j2",
        "*.yaml.erb",
        "*.yml.erb",
        "*.yaml.tpl",
        "*.yml.tpl",
        "*.yml.dist",
        "*.yaml.dist",
        "*.yml.example",
        "*.sls",
        "*.eyaml",
    ],
    Syntax::JsonOrYaml,
);

/// TOML.
pub(in crate::detect::structured) static TOML: Format = Format::new("toml", &["*.toml", "Pipfile"], Syntax::Lines(lines::TOML));

/// Environment files.
pub(in crate::detect::structured) static DOTENV: Format = Format::new(
    "dotenv",
    &[
        "*.env",
        ".env*",
        "env",
        "environment",
        ".envrc",
        "etc/default/*",
        "etc/sysconfig/*",
        "etc/conf.d/*",
        "*.envfile",
        "env.*",
        ".flaskenv",
        ".dev.vars",
        "*.env.example",
        "*.env.local",
        "*.env.production",
    ],
    Syntax::JsonOrLines(lines::DOTENV),
);

/// Java properties.
pub(in crate::detect::structured) static PROPERTIES: Format =
    Format::new("properties", &["*.properties", "*.properties.j2", "*.jaas"], Syntax::Lines(lines::PROPERTIES));

/// XML and its kin.
pub(in crate::detect::structured) static XML: Format = Format::new(
    "xml",
    &[
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
        "*.rdp.xml",
        "*.iml",
    ],
    Syntax::Xml,
)
.sniff(&["<"]);

/// Terraform, Packer, nomad, vault, consul.
pub(in crate::detect::structured) static HCL: Format =
    Format::new("hcl", &["*.tf", "*.tfvars", "*.hcl", "*.nomad", "*.pkrvars", ".terraformrc", "terraform.rc"], Syntax::Lines(lines::HCL));

/// Ini files and those that look like them.
pub(in crate::detect::structured) static INI: Format = Format::new(
    "ini",
    &[
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
        "*.network",
        "*.ovpn",
        "config",
        "credentials",
        ".credentials",
        "*.cfg.j2",
        "*.conf.j2",
        "*.ini.j2",
    ],
    Syntax::JsonOrLines(lines::INI),
);

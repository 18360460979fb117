//! Formats that are understood, not only matched. One file per format or family, one line in [`DETECTORS`].
//!
//! The first detector of the list that wants a file is the only one that reads it ([`detector_for`]): specific formats come
//! before the syntax that they are written in, and emit the rest of the file's values as that syntax would.

mod colons;
mod commands;
mod dockerfile;
mod files;
mod flow;
mod format;
mod formats;
mod header;
mod index;
mod lines;
mod manifest;
mod markdown;
mod mcp;
mod mcp_tools;
mod netrc;
mod notebook;
mod obscured;
mod openvpn;
mod php;
mod putty;
mod records;
mod rows;
mod script;
mod shell;
mod tree;
mod values;
mod whole;
mod words;
mod xml;
mod yaml;

use std::{borrow::Cow, ops::Range};

pub(super) use self::format::fact;
use self::formats::{cloud, databases, kubernetes, registries, syntax, transfer, web};
pub(crate) use self::rows::is_asked_for;
pub(super) use self::tree::was_cut;
use super::Hint;
use crate::finding::LocationKind;

/// A detector of one file format.
pub trait Detector: Send + Sync {
    /// Kebab-case, unique: `docker-config`.
    fn id(&self) -> &'static str;

    /// Names of its files, as in `files::matches`, so that it need not be asked for every file; `*` for any.
    fn files(&self) -> &'static [&'static str];

    /// Whether the haystack is of this format, judged by its path and its first bytes. Cheap: asked for every file.
    fn wants(&self, hint: &Hint<'_>, _head: &[u8]) -> bool {
        files::matches(hint.path, self.files())
    }

    /// Ids of the rules in its table, where it has one: so that a test can check all tables.
    #[cfg(test)]
    fn rules(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// A fact about everything that is found in such a file, for people; also about what stands outside its named values.
    fn note(&self) -> Option<&'static str> {
        None
    }

    /// Emits every named value of the text. Never fails: what cannot be parsed yields what could be, or nothing.
    fn find(&self, text: &[u8], hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>));
}

/// One named value of a structured file.
pub struct Field<'a> {
    /// The key, with its parents joined by `.` where that helps to understand it: `mcpServers.github.env.GITHUB_TOKEN`.
    pub name: Cow<'a, str>,
    /// The value, unescaped. It may hold a credential, so a field has no `Debug`.
    pub value: Cow<'a, [u8]>,
    /// Where the value stands in the text, in bytes, quotes excluded.
    pub span: Range<usize>,
    /// What the format says about it.
    pub meaning: Meaning,
    /// Facts for people that come from the format: `user deploy`, `host db.example.com`. Never a secret.
    pub evidence: Vec<String>,
}

/// What the format itself says about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A named value: to be judged by its name and shape.
    Value,
    /// A cell of a table for people, under its column's or its row's name: to be judged as what stands in a text.
    Cell,
    /// A credential by the format's definition, to be reported under this rule unless it is a placeholder or reference.
    Credential {
        /// Id of the rule.
        rule: &'static str,
    },
}

/// What is said about credentials that were pasted into a conversation.
const AI_SESSION: &str = "in an AI session log";

/// Bytes of a file's start that detectors look at.
pub const HEAD: usize = 1024;

/// The detector that reads a haystack: the first of [`DETECTORS`] that wants it. `head` is cut to [`HEAD`] bytes.
pub fn detector_for(hint: &Hint<'_>, head: &[u8]) -> Option<&'static dyn Detector> {
    let head = head.get(..head.len().min(HEAD)).unwrap_or(head);
    if hint.kind != LocationKind::File {
        return DETECTORS.iter().copied().find(|detector| detector.wants(hint, head));
    }
    // The same file name comes thousands of times, so candidates are found by name.
    let mut candidates = index::candidates(hint.path).into_iter().filter_map(|position| DETECTORS.get(usize::from(position)).copied());
    candidates.find(|detector| detector.wants(hint, head))
}

/// Every structured detector, specific ones before general ones. A new one is one file and one line here.
pub static DETECTORS: &[&dyn Detector] = &[
    // One file name each.
    &netrc::Netrc,
    &colons::PGPASS,
    &colons::HTPASSWD,
    &colons::SERVICE_USERS,
    &colons::PGBOUNCER,
    &openvpn::AuthUserPass,
    &colons::SHADOW,
    &colons::S3FS,
    &colons::RSYNC,
    &colons::GIT_CREDENTIALS,
    &whole::VAULT_TOKEN,
    &whole::JENKINS_KEY,
    &whole::RAILS_KEY,
    &whole::ANSIBLE_VAULT_PASSWORD,
    &whole::SERVICE_ACCOUNT,
    &whole::TOKEN_FILES,
    &obscured::MYLOGIN,
    &obscured::DBEAVER,
    &whole::KEYRING,
    &whole::AWS_VAULT,
    &whole::ERLANG_COOKIE,
    &whole::Envdir,
    &words::CHAP,
    &words::REDIS_ACL,
    &words::SNMPD,
    &words::CURLRC,
    &words::EXIM,
    &records::SUBVERSION,
    &records::DEBCONF,
    &whole::KEYTAB,
    &registries::NPMRC,
    &registries::YARNRC,
    &registries::PYPIRC,
    &registries::PIP,
    &registries::GEM,
    &registries::BUNDLE,
    &registries::CARGO,
    &registries::NUGET,
    &registries::MAVEN,
    &web::OPENCODE,
    // Podman's `auth.json` before Composer's.
    &registries::DOCKER_CONFIG,
    &registries::COMPOSER,
    &registries::HELM,
    &registries::DOCKERCFG,
    &cloud::AWS,
    &cloud::AWS_CACHE,
    &cloud::S3_TOOLS,
    &cloud::GCLOUD,
    &cloud::AZURE,
    &cloud::TERRAFORM_STATE,
    &cloud::TERRAFORM_LOGIN,
    &cloud::GITHUB_CLI,
    &cloud::SERVICE_CLIS,
    &cloud::DATABRICKS,
    &cloud::SNOWFLAKE,
    &databases::MYSQL,
    &databases::PG_SERVICE,
    &databases::REDIS,
    &databases::DATABASE_CLIENTS,
    &databases::FIREFOX,
    &transfer::FILEZILLA,
    &transfer::WINSCP,
    &transfer::EDITORS,
    &transfer::JETBRAINS,
    &transfer::RCLONE,
    &transfer::GIT_CONFIG,
    &web::RAILS,
    &web::JENKINS,
    &web::TOMCAT,
    &web::TRAEFIK,
    &web::TRAEFIK_TOML,
    &web::UNATTEND,
    &web::MAIL,
    &web::POSTFIX,
    &web::NETWORKS,
    &web::SSSD,
    &web::VOICE,
    &putty::Putty,
    &kubernetes::KUBECONFIG,
    &mcp::Mcp,
    &web::AI_SESSIONS,
    &rows::Sql,
    &script::Libedit,
    &script::Transcript,
    &notebook::Notebook,
    &dockerfile::Dockerfile,
    // Told by their first bytes.
    &cloud::GOOGLE_SERVICE_ACCOUNT,
    &cloud::VAULT_INIT,
    &cloud::VAULT_INIT_JSON,
    &kubernetes::KUBECONFIG_SNIFFED,
    &web::CLOUD_INIT,
    &manifest::Manifest,
    &mcp_tools::McpTools,
    // Syntaxes.
    &php::Django,
    &php::Php,
    &script::Script,
    &script::Shebang,
    &syntax::JSON,
    &syntax::YAML,
    &syntax::TOML,
    &syntax::DOTENV,
    &syntax::PROPERTIES,
    &syntax::XML,
    &syntax::HCL,
    &syntax::INI,
    &rows::Csv,
    &markdown::Markdown,
    // Whatever else was mounted as a secret.
    &whole::RUN_SECRETS,
];

#[cfg(test)]
mod tests;

//! Container and package registries.

use crate::detect::structured::{
    format::{Form, Format, Syntax, credential},
    lines,
};

/// Docker's and podman's client configuration, also as a Kubernetes `dockerconfigjson`.
///
/// <https://docs.docker.com/reference/cli/docker/login/#credential-stores>, containers-auth.json(5)
pub(in crate::detect::structured) static DOCKER_CONFIG: Format = Format {
    id: "docker-config",
    files: &[
        ".docker/config.json",
        "containers/auth.json",
        ".dockerconfigjson",
        "dockerconfig.json",
        "docker-config.json",
        "docker/config.json",
        "*.json",
    ],
    sniff: &["\"auths\""],
    syntax: Syntax::Json,
    credentials: &[
        credential("auths/{registry}/auth", "docker-config-auth").form(Form::Basic),
        credential("auths/{registry}/password", "docker-config-auth").beside(&[("user", "username")]),
        credential("auths/{registry}/identitytoken", "docker-config-auth"),
        credential("auths/{registry}/registrytoken", "docker-config-auth"),
        credential("HttpHeaders/{header}", "generic-authorization").form(Form::Header),
    ],
};

/// Docker's older file, without `auths`.
pub(in crate::detect::structured) static DOCKERCFG: Format = Format {
    id: "dockercfg",
    files: &[".dockercfg", "dockercfg"],
    sniff: &[],
    syntax: Syntax::Json,
    credentials: &[
        credential("{registry}/auth", "docker-config-auth").form(Form::Basic),
        credential("auths/{registry}/auth", "docker-config-auth").form(Form::Basic),
    ],
};

/// npm's configuration. <https://docs.npmjs.com/cli/configuring-npm/npmrc>
pub(in crate::detect::structured) static NPMRC: Format = Format {
    id: "npmrc",
    files: &[".npmrc", "npmrc", ".yarnrc"],
    sniff: &[],
    syntax: Syntax::Lines(lines::INI_EQUALS),
    credentials: &[
        credential("*_authToken", "npm-auth-token"),
        credential("*_auth", "npm-auth-basic").form(Form::Basic),
        credential("*_password", "npm-auth-basic").form(Form::Base64),
    ],
};

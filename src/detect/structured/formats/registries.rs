//! Container and package registries.

use crate::detect::structured::{
    format::{Form, Format, Syntax, credential},
    lines,
};

/// Docker's and podman's client configuration, also as a Kubernetes `dockerconfigjson`.
///
/// <https://docs.docker.com/reference/cli/docker/login/#credential-stores>, containers-auth.json(5)
pub(in crate::detect::structured) static DOCKER_CONFIG: Format = Format::new(
    "docker-config",
    &[
        ".docker/config.json",
        "containers/auth.json",
        ".dockerconfigjson",
        "docker-config.json",
        "docker/config.json",
        "*.json",
        "*dockerconfig*",
    ],
    Syntax::Json,
)
.sniff(&["\"auths\""])
.credentials(&[
    credential("auths/{registry}/auth", "docker-config-auth").form(Form::Basic),
    credential("auths/{registry}/password", "docker-config-auth").beside(&[("user", "username")]),
    credential("auths/{registry}/identitytoken", "docker-config-auth"),
    credential("auths/{registry}/registrytoken", "docker-config-auth"),
    credential("HttpHeaders/{header}", "generic-authorization").form(Form::Header),
]);

/// Docker's older file, without `auths`.
pub(in crate::detect::structured) static DOCKERCFG: Format = Format::new("dockercfg", &[".dockercfg", "dockercfg"], Syntax::Json)
    .credentials(&[
        credential("{registry}/auth", "docker-config-auth").form(Form::Basic),
        credential("auths/{registry}/auth", "docker-config-auth").form(Form::Basic),
    ]);

/// npm's configuration. <https://docs.npmjs.com/cli/configuring-npm/npmrc>
pub(in crate::detect::structured) static NPMRC: Format =
    Format::new("npmrc", &[".npmrc", "npmrc", ".yarnrc"], Syntax::Lines(lines::INI_EQUALS)).credentials(&[
        credential("*_authToken", "npm-auth-token"),
        credential("*_auth", "npm-auth-basic").form(Form::Basic),
        credential("*_password", "npm-auth-basic").form(Form::Base64),
    ]);

/// Yarn 2 and later. <https://yarnpkg.com/configuration/yarnrc>
pub(in crate::detect::structured) static YARNRC: Format = Format::new("yarnrc", &[".yarnrc.yml", ".yarnrc.yaml"], Syntax::Yaml)
    .credentials(&[
        credential("npmAuthToken", "npm-auth-token"),
        credential("*/{registry}/npmAuthToken", "npm-auth-token"),
        credential("npmAuthIdent", "npm-auth-basic").form(Form::Pair),
        credential("*/{registry}/npmAuthIdent", "npm-auth-basic").form(Form::Pair),
    ]);

/// <https://packaging.python.org/en/latest/specifications/pypirc/>
pub(in crate::detect::structured) static PYPIRC: Format = Format::new("pypirc", &[".pypirc", "pypirc"], Syntax::Lines(lines::INI))
    .credentials(&[credential("{index}/password", "pypirc-password").beside(&[("user", "username"), ("repository", "repository")])]);

/// <https://pip.pypa.io/en/stable/topics/configuration/>, poetry's `auth.toml`
pub(in crate::detect::structured) static PIP: Format =
    Format::new("pip", &["pip.conf", "pip.ini", "uv.toml", "pypoetry/auth.toml", "requirements*"], Syntax::Lines(lines::INI_EQUALS))
        .credentials(&[
            credential("**/index-url", "python-index-password").form(Form::Url),
            credential("**/extra-index-url", "python-index-password").form(Form::Url),
            credential("**/find-links", "python-index-password").form(Form::Url),
            credential("**/url", "python-index-password").form(Form::Url),
            credential("http-basic/{index}/password", "python-index-password").beside(&[("user", "username")]),
            credential("pypi-token/{index}", "python-index-password"),
        ]);

/// RubyGems. <https://guides.rubygems.org/api-key-scopes/>
pub(in crate::detect::structured) static GEM: Format =
    Format::new("gem-credentials", &[".gem/credentials", "gem/credentials"], Syntax::Yaml)
        .credentials(&[credential(":{key}", "gem-credentials-key"), credential("{host}", "gem-credentials-key")]);

/// Bundler. <https://bundler.io/man/bundle-config.1.html>
pub(in crate::detect::structured) static BUNDLE: Format = Format::new("bundle-config", &[".bundle/config"], Syntax::Yaml)
    .credentials(&[credential("BUNDLE_*", "bundle-config-password").form(Form::AfterColon)]);

/// <https://doc.rust-lang.org/cargo/reference/config.html#credentials>
pub(in crate::detect::structured) static CARGO: Format = Format::new(
    "cargo-credentials",
    &[".cargo/credentials", ".cargo/credentials.toml", "cargo/credentials.toml"],
    Syntax::Lines(lines::TOML),
)
.credentials(&[
    credential("registry/token", "cargo-registry-token"),
    credential("registries/{registry}/token", "cargo-registry-token"),
    credential("**/secret-key", "cargo-registry-token"),
]);

/// <https://learn.microsoft.com/nuget/reference/nuget-config-file#packagesourcecredentials>
pub(in crate::detect::structured) static NUGET: Format = Format::new("nuget-config", &["nuget.config", "nuget/*.config"], Syntax::Xml)
    .credentials(&[
        credential("configuration/packageSourceCredentials/{source}/add/value", "nuget-config-password")
            .when("key", &["ClearTextPassword"]),
        credential("configuration/packageSourceCredentials/{source}/add/value", "nuget-config-password")
            .when("key", &["Password"])
            .form(Form::Noted("encrypted by Windows for one user")),
        credential("configuration/apikeys/add/value", "nuget-config-password").beside(&[("source", "key")]),
    ]);

/// <https://maven.apache.org/settings.html#servers>
pub(in crate::detect::structured) static MAVEN: Format =
    Format::new("maven-settings", &["settings.xml", "settings-security.xml", "settings-*"], Syntax::Xml).sniff(&["<settings"]).credentials(
        &[
            credential("settings/servers/server/password", "maven-settings-password").beside(&[("server", "id"), ("user", "username")]),
            credential("settings/servers/server/passphrase", "maven-settings-password").beside(&[("server", "id")]),
            credential("settings/proxies/proxy/password", "maven-settings-password").beside(&[("host", "host"), ("user", "username")]),
            credential("settingsSecurity/master", "maven-settings-password")
                .form(Form::Noted("master password, encrypted with a published key")),
        ],
    );

/// <https://getcomposer.org/doc/articles/authentication-for-private-packages.md>
pub(in crate::detect::structured) static COMPOSER: Format = Format::new("composer-auth", &["auth.json", ".composer/*.json"], Syntax::Json)
    .credentials(&[
        credential("**/http-basic/{host}/password", "composer-auth-password").beside(&[("user", "username")]),
        credential("**/github-oauth/{host}", "composer-auth-password"),
        credential("**/gitlab-oauth/{host}", "composer-auth-password"),
        credential("**/gitlab-token/{host}", "composer-auth-password"),
        credential("**/gitlab-token/{host}/token", "composer-auth-password"),
        credential("**/bitbucket-oauth/{host}/consumer-secret", "composer-auth-password"),
        credential("**/bearer/{host}", "composer-auth-password"),
    ]);

/// <https://helm.sh/docs/helm/helm_repo_add/>
pub(in crate::detect::structured) static HELM: Format =
    Format::new("helm-repositories", &["helm/repositories.yaml", "repositories.yaml"], Syntax::Yaml).credentials(&[credential(
        "repositories/password",
        "helm-repository-password",
    )
    .beside(&[("repository", "name"), ("user", "username"), ("url", "url")])]);

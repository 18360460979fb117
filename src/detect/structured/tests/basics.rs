//! Registries, kubeconfig, netrc, AWS, MCP.

use super::{check, check_fact};

#[test]
fn netrc() {
    let text = "# c\nmachine api.example.com login joe password hunter2x\nmachine h\n  password \"a b\"\n  login ann\nmacdef x\npassword no\n\ndefault login d password e9\n";
    check("root/.netrc", text, &[("netrc-password", "hunter2x"), ("netrc-password", "a b"), ("netrc-password", "e9")]);
    check_fact("root/.netrc", text, "host api.example.com");
    check_fact("root/.netrc", text, "user joe");
}

#[test]
fn docker() {
    // base64 of `joe:hunter2x`.
    let text = r#"{"auths": {"ghcr.io": {"auth": "am9lOmh1bnRlcjJ4"}, "x": {"identitytoken": "abc"}}, "credsStore": "pass"}"#;
    check(".docker/config.json", text, &[("docker-config-auth", "hunter2x"), ("docker-config-auth", "abc"), ("=credsStore", "pass")]);
    check_fact(".docker/config.json", text, "registry ghcr.io");
    check_fact(".docker/config.json", text, "user joe");
    check(".dockercfg", r#"{"https://index.docker.io/v1/": {"auth": "am9lOmh1bnRlcjJ4"}}"#, &[("docker-config-auth", "hunter2x")]);
    check(".docker/config.json", r#"{"auths": {"x": {}, "y": {"auth": "!"}}}"#, &[]);
}

#[test]
fn npm() {
    check(
        ".npmrc",
        "registry=https://r/\n//r/:_authToken=abc-def\n//s/:_password=aHVudGVyMng=\n//s/:username=joe\n_auth = am9lOmh1bnRlcjJ4\n",
        &[("npm-auth-token", "abc-def"), ("npm-auth-basic", "hunter2x"), ("=registry", "https://r/")],
    );
}

#[test]
fn kubeconfig() {
    let text = "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    token: abcdef\n    client-key-data: LS0tLS1CRUdJTg==\n- name: p\n  user: {username: u, password: hunter2x}\n";
    check(
        "root/.kube/config",
        text,
        &[("kubeconfig-token", "abcdef"), ("kubeconfig-client-key", "-----BEGIN"), ("kubeconfig-password", "hunter2x")],
    );
    check_fact("root/.kube/config", text, "user admin");
}

#[test]
fn aws() {
    let text = "[default]\naws_access_key_id = AK\naws_secret_access_key = abc/def+ghi\n[profile x]\naws_session_token=tok\nregion = eu\n";
    check(
        "root/.aws/credentials",
        text,
        &[("aws-secret-access-key", "abc/def+ghi"), ("aws-session-token", "tok"), ("=profile.x.region", "eu")],
    );
}

#[test]
fn mcp() {
    let text = r#"{"mcpServers": {"github": {"command": "npx", "args": ["-y", "x", "--api-key", "abc", "--header", "Authorization: Bearer tok", "postgres://u:p@h/d"],
        "env": {"GITHUB_TOKEN": "def"}, "headers": {"X-Api-Key": "ghi", "Accept": "json"}, "url": "https://h/mcp?api_key=jkl"}}}"#;
    check(
        ".cursor/mcp.json",
        text,
        &[
            ("=mcpServers.github.args.api-key", "abc"),
            ("=mcpServers.github.args", "postgres://u:p@h/d"),
            ("=mcpServers.github.env.GITHUB_TOKEN", "def"),
            ("mcp-header-credential", "tok"),
            ("mcp-header-credential", "ghi"),
            ("=mcpServers.github.url.api_key", "jkl"),
        ],
    );
    check_fact(".cursor/mcp.json", text, "MCP server github");
    check(
        ".codex/config.toml",
        "[mcp_servers.a]\ncommand = \"x\"\nargs = [\"--token\", \"abc\"]\n[mcp_servers.a.env]\nK = \"v\"\n",
        &[("=mcp_servers.a.args.token", "abc"), ("=mcp_servers.a.env.K", "v")],
    );
}

#[test]
fn plain_syntaxes() {
    check("app/.env.production", "DB_PASSWORD='hunter 2'\n", &[("=DB_PASSWORD", "hunter 2")]);
    check("a.yml", "spring:\n  datasource:\n    password: hunter2x\n", &[("=spring.datasource.password", "hunter2x")]);
    check("a.json", r#"{"a": {"password": "hunter2x"}}"#, &[("=a.password", "hunter2x")]);
    check("a.ini", "[db]\npassword = hunter2x\n", &[("=db.password", "hunter2x")]);
    check("a.properties", "db.password=hunter2x\n", &[("=db.password", "hunter2x")]);
    check("a.toml", "[db]\npassword = \"hunter2x\"\n", &[("=db.password", "hunter2x")]);
    check("web.config", "<a><add key=\"ApiKey\" value=\"hunter2x\"/></a>", &[("=a.ApiKey", "hunter2x")]);
    check("x.tfvars", "db_password = \"hunter2x\"\n", &[("=db_password", "hunter2x")]);
}

#[test]
fn mcp_tools() {
    let text = r#"{"tools": [{"name": "t", "inputSchema": {"type": "object", "properties": {"api_key": {"type": "string"}, "query": {"type": "string"}}}}]}"#;
    check("tools.json", text, &[("mcp-tool-credential-argument", r#"api_key": {"type": "string"#)]);
    check("tools.json", r#"{"inputSchema": {"properties": {"token_count": {"type": "integer"}}}}"#, &[]);
}

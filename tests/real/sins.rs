//! The sins: what the Dockerfile leaks, where it must be found, and what it must be called.
//!
//! Values are assembled at run time from a seed, so that none stands in the repository.

use std::path::Path;

use imgscan::detect::samples::fill;
use serde_json::Value;

use crate::{report::Run, tools::run_in};

pub(crate) struct Sins {
    pub(crate) npm: String,
    pub(crate) database: String,
    stripe: String,
    github: String,
    git_only: String,
    aws_id: String,
    aws_key: String,
    mcp: String,
    kube: String,
    jar: String,
    ssh: String,
}

/// One thing that must be found.
struct Expected<'a> {
    what: &'static str,
    rule: &'static str,
    kind: &'static str,
    path: Option<&'static str>,
    name: Option<&'static str>,
    line: Option<u64>,
    inner: Option<&'static str>,
    state: &'static str,
    instruction: Option<&'a str>,
}

impl Sins {
    pub(crate) fn new() -> Self {
        let token = |template: &str, seed| fill(template, seed);
        Self {
            npm: token("npm_{alnum:30}{crc32-base62}", 1),
            database: token("{alnum:20}", 2),
            stripe: token("sk_live_{alnum:24}", 3),
            github: token("ghp_{alnum:30}{crc32-base62}", 4),
            git_only: token("glpat-{alnum:20}", 5),
            aws_id: token("AKIA{base32:16}", 6),
            aws_key: token("{b64:40}", 7),
            mcp: token("ghp_{alnum:30}{crc32-base62}", 8),
            kube: token("{alnum:48}", 9),
            jar: token("{alnum:18}", 10),
            ssh: String::new(),
        }
    }

    /// Writes the build context.
    pub(crate) fn write(&mut self, context: &Path) {
        let put = |name: &str, content: &str| {
            let path = context.join(name);
            std::fs::create_dir_all(path.parent().expect("in the context")).expect("a folder");
            std::fs::write(path, content).expect("a file");
        };
        put("Dockerfile", DOCKERFILE);
        put(
            "app/.env",
            &format!(
                "# production\nLOG_LEVEL=info\nSTRIPE_SECRET_KEY={}\nGITHUB_TOKEN={}\nPUBLIC_URL=https://app.acme.io\n",
                self.stripe, self.github
            ),
        );
        put(
            "app/.cursor/mcp.json",
            &format!(
                "{{\n  \"mcpServers\": {{\n    \"github\": {{\n      \"command\": \"npx\",\n      \"env\": {{\n        \"GITHUB_PERSONAL_ACCESS_TOKEN\": \"{}\",\n        \"OTHER\": \"${{OTHER}}\"\n      }}\n    }}\n  }}\n}}\n",
                self.mcp
            ),
        );
        put(
            "kube/config",
            &format!(
                "apiVersion: v1\nkind: Config\nclusters:\n- name: prod\n  cluster:\n    server: https://10.1.2.3:6443\nusers:\n- name: deployer\n  user:\n    token: {}\n",
                self.kube
            ),
        );
        put("aws/credentials", &format!("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n", self.aws_id, self.aws_key));
        put("jar/BOOT-INF/classes/application.properties", &format!("server.port=8080\nspring.datasource.password={}\n", self.jar));
        put("jar/META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n");
        run_in(&context.join("jar"), "zip", &["-q", "-r", "../app/app.jar", "."]);
        run_in(context, "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "deploy", "-f", "id_ed25519"]);
        self.ssh = std::fs::read_to_string(context.join("id_ed25519")).expect("the key");
        // A secret that only the history of the repository still holds.
        let git = |arguments: &[&str]| run_in(&context.join("app"), "git", arguments);
        git(&["init", "-q", "-b", "main"]);
        put("app/deploy.sh", &format!("#!/bin/sh\nexport GITLAB_TOKEN={}\n", self.git_only));
        git(&["add", "deploy.sh"]);
        git(&["-c", "user.name=dev", "-c", "user.email=dev@acme.io", "commit", "-q", "-m", "deploy"]);
        put("app/deploy.sh", "#!/bin/sh\nexec deploy\n");
        git(&["add", "deploy.sh"]);
        git(&["-c", "user.name=dev", "-c", "user.email=dev@acme.io", "commit", "-q", "-m", "remove token"]);
        git(&["gc", "-q", "--aggressive", "--prune=now"]);
    }

    /// Every sin is found where it is, and nothing else in the image is reported at high confidence.
    pub(crate) fn check(&self, run: &Run) {
        let findings: Vec<&Value> = run.findings().collect();
        let file = |what, rule, path, line, state, instruction| Expected {
            what,
            rule,
            kind: "file",
            path: Some(path),
            name: None,
            line: Some(line),
            inner: None,
            state,
            instruction: Some(instruction),
        };
        let expected = [
            Expected {
                what: "ENV",
                rule: "postgres",
                kind: "env",
                path: None,
                name: Some("DATABASE_URL"),
                line: None,
                inner: None,
                state: "live",
                instruction: None,
            },
            Expected {
                what: "ARG",
                rule: "npm",
                kind: "arg",
                path: None,
                name: Some("NPM_TOKEN"),
                line: None,
                inner: None,
                state: "live",
                instruction: None,
            },
            file(".env, first", "stripe", "app/.env", 3, "live", "COPY"),
            file(".env, second", "github-pat", "app/.env", 4, "live", "COPY"),
            file("MCP client", "github-pat", "app/.cursor/mcp.json", 6, "live", "COPY"),
            file("kubeconfig", "kubeconfig", "root/.kube/config", 10, "live", "COPY"),
            file("AWS key id", "aws-access-key-id", "root/.aws/credentials", 2, "deleted", "COPY"),
            file("AWS secret key", "aws-secret", "root/.aws/credentials", 3, "deleted", "COPY"),
            file("SSH key", "private-key", "root/.ssh/id_ed25519", 1, "deleted", "COPY"),
            Expected {
                inner: Some("BOOT-INF/classes/application.properties"),
                ..file("properties in a jar", "password", "app/app.jar", 2, "live", "COPY")
            },
            Expected {
                what: "git history",
                rule: "gitlab",
                kind: "file",
                path: None,
                name: None,
                line: None,
                inner: Some("git"),
                state: "live",
                instruction: Some("COPY"),
            },
        ];
        let mut right: Vec<&Value> = Vec::new();
        for sin in &expected {
            let found = findings.iter().find(|finding| sin.matches(finding)).unwrap_or_else(|| {
                let all: Vec<_> =
                    findings.iter().map(|finding| format!("{} {} {}", finding["rule"], finding["state"], finding["location"])).collect();
                panic!("not found: {} ({}); found:\n{}", sin.what, sin.rule, all.join("\n"));
            });
            right.push(found);
        }
        for finding in &findings {
            let known = right.iter().any(|known| std::ptr::eq(*known, *finding));
            assert!(known || finding["confidence"] != "high", "nothing else at high confidence: {finding}");
        }
        let text = findings.iter().map(|finding| finding.to_string()).collect::<String>();
        for value in
            [&self.npm, &self.database, &self.stripe, &self.github, &self.git_only, &self.aws_key, &self.mcp, &self.kube, &self.jar]
        {
            assert!(!text.contains(value.as_str()), "no value in the report");
        }
    }
}

impl Expected<'_> {
    fn matches(&self, finding: &Value) -> bool {
        let also = finding["also_at"].as_array().into_iter().flatten();
        let rule = finding["rule"].as_str().is_some_and(|rule| rule.contains(self.rule));
        rule && std::iter::once(finding).chain(also).any(|at| self.is_at(finding, at))
    }

    fn is_at(&self, finding: &Value, at: &Value) -> bool {
        let location = &at["location"];
        let state = at["state"].as_str().or_else(|| finding["state"].as_str());
        let instruction = at["layer"]["created_by"].as_str().unwrap_or_default();
        location["kind"] == self.kind
            && self.path.is_none_or(|path| location["path"] == path)
            && self.name.is_none_or(|name| location["name"] == name)
            && self.line.is_none_or(|line| location["line"] == line)
            && self.inner.is_none_or(|inner| location["inner"].to_string().contains(inner))
            && state == Some(self.state)
            && self.instruction.is_none_or(|part| instruction.contains(part))
    }
}

const DOCKERFILE: &str = "FROM scratch
ADD rootfs.tar /
ARG NPM_TOKEN
ARG DATABASE_PASSWORD
ENV DATABASE_URL=postgres://app:${DATABASE_PASSWORD}@db.internal:5432/app
ENV API_KEY_FILE=/run/secrets/api_key
RUN test -n \"$NPM_TOKEN\" && echo fetched > /opt/modules
COPY id_ed25519 /root/.ssh/id_ed25519
COPY aws/credentials /root/.aws/credentials
RUN rm -rf /root/.ssh /root/.aws
COPY kube/config /root/.kube/config
COPY app /app
CMD [\"/bin/sh\"]
";

//! The exact change that fixes a finding: what to revoke, what to edit, and where the credential belongs instead.
//! Written from the rule and the places alone; it never sees the value.

mod mcp;

use crate::finding::{Finding, LocationKind, Place, State};

/// What to do about one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// One sentence without a final stop.
    pub summary: String,
    /// In order, each complete by itself.
    pub steps: Vec<String>,
}

/// The fix for a finding: revoke first, then close the way in for up to three kinds of places, then where it belongs.
pub fn fix(finding: &Finding) -> Fix {
    let mut steps = vec![revoke(finding)];
    let hidden = finding.places.iter().find_map(|place| match place.state {
        State::Live => None,
        State::Overwritten { by } => Some((place, by, "overwrites")),
        State::Deleted { by } => Some((place, by, "deletes")),
    });
    if let Some((place, by, verb)) = hidden {
        let holder = place.layer.as_ref().map_or(String::from("its layer"), |layer| format!("layer {}", u64::from(layer.index) + 1));
        steps.push(format!(
            "Layer {} {verb} it, but {holder} still ships it: rebuild so that it is never written, and delete the old tags from the registry",
            u64::from(by) + 1
        ));
    }
    let mut summary = None;
    // The history of an `ENV` or `ARG` instruction goes with the instruction.
    let known = finding.places.iter().any(|place| matches!(place.location.kind, LocationKind::Env | LocationKind::Arg));
    for place in finding.places.iter().filter(|place| !(known && place.location.kind == LocationKind::History)) {
        let (short, advice) = at(finding, place);
        summary.get_or_insert(short);
        if !steps.contains(&advice) {
            steps.push(advice);
        }
        // Three ways in are enough to read; the places themselves are listed in full.
        if steps.len() >= 4 {
            break;
        }
    }
    steps.push(belongs(finding));
    Fix { summary: format!("Revoke it, then {}", summary.unwrap_or_else(|| "rebuild without it".to_owned())), steps }
}

fn revoke(finding: &Finding) -> String {
    let rule = &finding.rule;
    if !rule.rotate.is_empty() {
        return format!("Treat it as leaked: revoke or rotate it before anything else: {}", rule.rotate);
    }
    if is_private_key(finding) {
        return "Treat it as leaked: make a new key pair, put it in place everywhere, and revoke the certificate or remove the old public key"
            .to_owned();
    }
    if rule.provider == "generic" {
        return "Treat it as leaked: find out what accepts it and change it there before anything else".to_owned();
    }
    format!("Treat it as leaked: change it where it was issued ({}) before anything else", rule.provider_name)
}

fn is_private_key(finding: &Finding) -> bool {
    finding.rule.id.contains("private-key")
}

/// A short form for the summary and the change for one place.
fn at(finding: &Finding, place: &Place) -> (String, String) {
    // `history[4].created_by` says where it stands, not what it is called.
    let named = place.location.name.as_deref().filter(|name| !name.starts_with("history["));
    let variable = named.and_then(variable);
    match place.location.kind {
        LocationKind::Env => environment(variable),
        LocationKind::Arg => build_argument(variable),
        LocationKind::History => history(variable),
        LocationKind::Attestation => {
            let (short, advice) = build_argument(variable);
            (short, format!("{advice}. Provenance attestations record every build argument, so deleting them is no fix"))
        }
        LocationKind::Label if named.is_some_and(|name| name.starts_with("/config/")) => {
            let field = named.and_then(|name| name.rsplit('/').next()).unwrap_or_default();
            (
                format!("take it out of the image's {field}"),
                format!(
                    "Remove it from the instruction that sets the image's {field}: everyone who can pull the image can read its config"
                ),
            )
        }
        LocationKind::Label | LocationKind::Annotation => (
            "remove the label or annotation".to_owned(),
            "Remove it from the label or annotation: they are public to everyone who can pull, or even list, the image".to_owned(),
        ),
        LocationKind::Cmd | LocationKind::Entrypoint | LocationKind::Healthcheck | LocationKind::Onbuild => {
            let name = variable.unwrap_or("API_TOKEN");
            (
                "read it from the environment at run time".to_owned(),
                format!(
                    "Replace the literal in the {} by \"$NAME\" (shell form, for example `sh -c 'exec app --token \"${name}\"'`) or by a file under /run/secrets, and hand it over when the container starts",
                    match place.location.kind {
                        LocationKind::Cmd => "CMD",
                        LocationKind::Entrypoint => "ENTRYPOINT",
                        LocationKind::Healthcheck => "HEALTHCHECK",
                        _ => "ONBUILD instruction",
                    }
                ),
            )
        }
        // The place's name is a JSON pointer there; the evidence names the variable.
        LocationKind::Manifest => {
            let facts = || finding.evidence.iter().flat_map(|fact| fact.split(", "));
            manifest(facts().find_map(|fact| fact.strip_prefix("env ")).or(variable))
        }
        LocationKind::File => file(finding, place, variable),
    }
}

fn environment(variable: Option<&str>) -> (String, String) {
    let name = variable.unwrap_or("NAME");
    let id = name.to_lowercase();
    (
        format!("set {name} when the container starts, not in the image"),
        format!(
            "Remove `ENV {name}` from the Dockerfile. If the build needs it: `RUN --mount=type=secret,id={id},env={name} ...`. If the program needs it: `docker run --env {name}`, or in Kubernetes `env: [{{name: {name}, valueFrom: {{secretKeyRef: {{name: app, key: {id}}}}}}}]`"
        ),
    )
}

fn build_argument(variable: Option<&str>) -> (String, String) {
    let name = variable.unwrap_or("NAME");
    let id = name.to_lowercase();
    (
        "pass it to the build as a secret mount".to_owned(),
        format!(
            "Replace the build argument: `RUN --mount=type=secret,id={id},env={name} <command>` in the Dockerfile, built with `docker build --secret id={id},env={name} .`; such a value is in no layer and in no history"
        ),
    )
}

fn history(variable: Option<&str>) -> (String, String) {
    let name = variable.unwrap_or("NAME");
    let id = name.to_lowercase();
    (
        "write it in no instruction".to_owned(),
        format!(
            "The history keeps the text of every instruction. Where a step needs the value: `RUN --mount=type=secret,id={id},env={name} <command>`, built with `docker build --secret id={id},env={name} .`; such a value is in no layer and in no history"
        ),
    )
}

fn manifest(variable: Option<&str>) -> (String, String) {
    let name = variable.unwrap_or("NAME");
    let key = name.to_lowercase().replace('_', "-");
    (
        "reference a Secret".to_owned(),
        format!(
            "Replace the literal by a reference: `env: [{{name: {name}, valueFrom: {{secretKeyRef: {{name: app, key: {key}}}}}}}]`, and fill the Secret from an ExternalSecret, a SealedSecret or the Secrets Store CSI driver"
        ),
    )
}

/// Files that a tool keeps by itself: (how the path ends or what it contains, advice).
fn file(finding: &Finding, place: &Place, variable: Option<&str>) -> (String, String) {
    let path = place.location.path.as_deref().unwrap_or_default();
    let lower = format!("/{}", path.to_ascii_lowercase());
    let name = path.rsplit('/').next().filter(|name| ordinary(name)).unwrap_or("FILE");
    let lower_name = name.to_ascii_lowercase();
    let mount = |id: &str, target: &str, command: &str| {
        (
            format!("mount {name} only while it is needed"),
            format!(
                "Keep {name} out of the image: `RUN --mount=type=secret,id={id},target={target} {command}`, built with `docker build --secret id={id},src={name} .`"
            ),
        )
    };
    if lower.contains("/.git/") {
        return (
            "keep .git out of the build context".to_owned(),
            "Add the line `.git` to .dockerignore (the whole history is in the image, also what was deleted from the tree), and remove the credential from the repository's history".to_owned(),
        );
    }
    if let Some(advice) = mcp::advice(&lower, &lower_name, variable) {
        return advice;
    }
    if lower_name == ".env" || lower_name.starts_with(".env.") || lower_name.ends_with(".env") {
        return (
            format!("keep {name} out of the build context"),
            format!(
                "Add the line `**/{name}` to .dockerignore, and hand the variables over at run time: `docker run --env-file {name} ...`, or a Kubernetes Secret with `envFrom: [{{secretRef: {{name: app}}}}]`. One file per service, so that one leak is not every leak"
            ),
        );
    }
    if lower.contains("/serviceaccount/token") || lower.contains("/secrets/kubernetes.io/") {
        return (
            "rebuild outside the pod's file system".to_owned(),
            "A pod's own service-account token was committed into the image: build from a clean file system, never from a snapshot of a running container, and use bound (expiring) tokens".to_owned(),
        );
    }
    if lower.contains("/run/secrets/") {
        return (
            "mount the secret, do not copy it".to_owned(),
            "Do not copy files from /run/secrets: use `RUN --mount=type=secret,id=NAME` while building, and `docker secret` or a mounted Kubernetes Secret at run time; programs take the path in a *_FILE variable".to_owned(),
        );
    }
    if lower.ends_with("/.aws/credentials") || lower.ends_with("/.aws/config") {
        return (
            "use a role instead of a key file".to_owned(),
            "Remove ~/.aws from the image. At run time use a role: IRSA or EKS Pod Identity, an ECS task role or an instance profile; on a workstation `aws-vault exec ROLE -- ...`; while building `RUN --mount=type=secret,id=aws,target=/root/.aws/credentials ...`".to_owned(),
        );
    }
    if lower.contains("/.config/gcloud/") || lower_name.contains("service-account") || finding.rule.id.contains("gcp-service-account") {
        return (
            "use workload identity instead of a key file".to_owned(),
            format!(
                "Remove {name} from the image and delete the key: GKE Workload Identity, or Workload Identity Federation outside Google Cloud, need no key file"
            ),
        );
    }
    if lower.contains("/.azure/") {
        return (
            "use a managed identity".to_owned(),
            "Remove ~/.azure from the image: a managed identity or Entra Workload ID signs in without a stored token".to_owned(),
        );
    }
    if lower.contains("/.kube/") || lower_name.contains("kubeconfig") {
        return (
            "use the pod's service account".to_owned(),
            "Remove the kubeconfig from the image: inside a cluster the pod's service account with its own Role is enough; outside, mount the file at run time and let an exec plugin fetch short-lived tokens".to_owned(),
        );
    }
    if lower.contains("/.ssh/") || (is_private_key(finding) && lower_name.starts_with("id_")) {
        return (
            "forward the SSH agent".to_owned(),
            "Do not copy SSH keys: `RUN --mount=type=ssh git clone ...`, built with `docker build --ssh default .`; for one repository use a read-only deploy key".to_owned(),
        );
    }
    match lower_name.as_str() {
        ".npmrc" => {
            return (
                "take the npm token from the environment".to_owned(),
                "Write `//registry.npmjs.org/:_authToken=${NPM_TOKEN}` into .npmrc and build with `RUN --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci`".to_owned(),
            );
        }
        ".netrc" | "_netrc" => return mount("netrc", "/root/.netrc", "git clone ..."),
        ".pypirc" => return mount("pypirc", "/root/.pypirc", "twine upload ..."),
        "pip.conf" | "pip.ini" => return mount("pip", "/etc/pip.conf", "pip install -r requirements.txt"),
        "settings.xml" if lower.contains("/.m2/") || lower.contains("maven") => {
            return mount("maven", "/root/.m2/settings.xml", "mvn -B package");
        }
        ".git-credentials" => return mount("git", "/root/.git-credentials", "git clone ..."),
        "config.json" | ".dockercfg" if lower.contains("/.docker/") || lower_name == ".dockercfg" => {
            return mount("docker", "/root/.docker/config.json", "<command>");
        }
        ".vault-token" => {
            return (
                "let the Vault agent sign in".to_owned(),
                "Remove ~/.vault-token from the image: the Vault Agent injector or the CSI provider gives each pod its own short-lived token"
                    .to_owned(),
            );
        }
        ".bash_history" | ".zsh_history" | ".python_history" | ".psql_history" | ".mysql_history" | ".ash_history" => {
            return (
                "keep shell histories out of the image".to_owned(),
                format!(
                    "Add the line `**/{name}` to .dockerignore, do not commit running containers, and set `HISTFILE=/dev/null` in build steps"
                ),
            );
        }
        _ => {}
    }
    if lower_name.ends_with(".tfstate") || lower_name.ends_with(".tfstate.backup") {
        return (
            "keep the state in a remote backend".to_owned(),
            "Move the Terraform state to an encrypted remote backend and add the line `**/*.tfstate*` to .dockerignore".to_owned(),
        );
    }
    if lower_name.ends_with(".log") || lower.contains("/var/log/") || lower.contains("/.claude/") || lower.contains("/sessions/") {
        return (
            "keep logs and session files out of the image".to_owned(),
            format!(
                "Remove {name} from the image (and its directory from the build context), and redact credentials where the log is written"
            ),
        );
    }
    by_instruction(place, name)
}

/// Nothing is known about the file: the instruction that made the layer tells how it came in.
fn by_instruction(place: &Place, name: &str) -> (String, String) {
    let created_by = place.layer.as_ref().and_then(|layer| layer.created_by.as_deref()).unwrap_or_default();
    let copied = ["COPY ", "ADD ", "#(nop) COPY", "#(nop) ADD"].iter().any(|word| created_by.contains(word));
    let archived = place.location.inner.iter().any(|step| step.contains('.') || step.contains('/'));
    if archived {
        return (
            format!("keep it out of {name}"),
            format!(
                "Remove it from the sources that {name} is built from and read it at run time: a mounted configuration file, or a variable (in Spring `${{DB_PASSWORD}}`)"
            ),
        );
    }
    if copied {
        return (
            format!("keep {name} out of the build context"),
            format!(
                "Add the line `**/{name}` to .dockerignore if the image does not need the file; if it does, take the literal out of it and read a variable or a file under /run/secrets at run time"
            ),
        );
    }
    if created_by.contains("/bin/sh -c") || created_by.starts_with("RUN ") {
        return (
            "write it in no build step".to_owned(),
            format!(
                "Change the RUN instruction that writes {name}: `RUN --mount=type=secret,id=NAME ...` shows the value to this one step only"
            ),
        );
    }
    (
        format!("take it out of {name}"),
        format!("Take the literal out of {name} and read it at run time from a variable or from a file under /run/secrets"),
    )
}

/// Where the credential belongs: the rule's own advice, or the provider's, or the general one.
fn belongs(finding: &Finding) -> String {
    let rule = &finding.rule;
    if !rule.instead.is_empty() {
        return format!("Instead: {}", rule.instead);
    }
    let advice = match rule.provider.as_ref() {
        "vault" | "hashicorp-vault" | "hashicorp" => {
            "the Vault Agent injector, the CSI provider or the Kubernetes auth method: each pod signs in and gets a short-lived token"
        }
        "aws" => {
            "a role (IRSA, EKS Pod Identity, task role); a third party's value goes to AWS Secrets Manager and is referenced by its ARN"
        }
        "azure" | "microsoft" | "entra" => {
            "a managed identity; other values go to Azure Key Vault and are referenced by `@Microsoft.KeyVault(...)` or the CSI driver"
        }
        "gcp" | "google" | "google-cloud" => "workload identity; other values go to Secret Manager",
        "infisical" => "the Kubernetes auth method of the Infisical operator, or `infisical run -- ...` with a machine identity",
        "doppler" => "the Doppler operator, or `doppler run -- ...`",
        "1password" | "onepassword" => "`op run -- ...` with `op://vault/item/field` references, or the 1Password operator",
        "kubernetes" => "a bound service-account token, projected into the pod and renewed by the kubelet",
        _ => {
            "a secret manager, handed over at run time: ExternalSecret or Secrets Store CSI in Kubernetes, `docker secret` in Swarm, `op run`, `doppler run` or `infisical run` elsewhere"
        }
    };
    format!("Keep it in {advice}")
}

/// The last part of a key path, if a shell could use it as a variable's name.
fn variable(name: &str) -> Option<&str> {
    let last = name.rsplit(['.', '/', ' ', ':']).next()?;
    let fits = last.len() <= 64
        && last.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && last.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    fits.then_some(last)
}

/// Whether a file's name can stand in a command or in `.dockerignore` as it is. Names come from the image.
fn ordinary(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 80
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+@".contains(&b))
        && !name.starts_with('-')
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        Secret,
        detect::rule,
        finding::{Confidence, LayerId, Location, Severity},
        fingerprint::Fingerprinter,
    };

    fn place(kind: LocationKind, path: &str, name: &str, created_by: &str) -> Place {
        let mut location = Location::new(kind);
        location.path = Some(path.to_owned()).filter(|path| !path.is_empty());
        location.name = Some(name.to_owned()).filter(|name| !name.is_empty());
        let layer = LayerId { index: 1, digest: String::new(), diff_id: None, created_by: Some(created_by.to_owned()) };
        Place { layer: Some(Arc::new(layer)), location, state: State::Live }
    }

    fn fix_at(provider: &str, places: Vec<Place>) -> Fix {
        let text = format!(
            "provider = \"{provider}\"\nname = \"Example\"\n[[rule]]\nid = \"x\"\ntitle = \"x\"\nseverity = \"high\"\nconfidence = \"high\"\nunlocks = \"x\"\n"
        );
        let rule = rule::parse("x.toml", &text).map_err(|error| error.to_string()).expect("valid").remove(0);
        let secret = Secret::new(b"not-a-real-value-1234567890");
        fix(&Finding {
            rule,
            severity: Severity::High,
            confidence: Confidence::High,
            fingerprint: Fingerprinter::built_in().of_value(&secret, false).expect("not guessable"),
            redacted: secret.redacted(0),
            evidence: Vec::new(),
            places,
        })
    }

    #[test]
    fn each_place_has_its_own_change() {
        use LocationKind as Kind;
        for (kind, path, name, created_by, expected) in [
            (Kind::Env, "", "API_TOKEN", "", "RUN --mount=type=secret,id=api_token,env=API_TOKEN"),
            (Kind::Env, "", "API_TOKEN", "", "secretKeyRef: {name: app, key: api_token}"),
            (Kind::Arg, "", "NPM_TOKEN", "", "docker build --secret id=npm_token,env=NPM_TOKEN ."),
            (Kind::History, "", "", "", "RUN --mount=type=secret,id=name,env=NAME"),
            (Kind::Attestation, "", "T", "", "Provenance attestations record every build argument"),
            (Kind::Cmd, "", "", "", "Replace the literal in the CMD by"),
            (Kind::Label, "", "x", "", "Remove it from the label"),
            (Kind::Manifest, "a.yaml", "/spec/x/DB_PASSWORD", "", "valueFrom: {secretKeyRef: {name: app, key: db-password}}"),
            (Kind::File, "app/.env.production", "A", "COPY . /app", "`**/.env.production` to .dockerignore"),
            (Kind::File, "app/.git/config", "", "COPY . /app", "the line `.git` to .dockerignore"),
            (Kind::File, "root/.cursor/mcp.json", "mcpServers.a.env.API_KEY", "", "`\"${env:API_KEY}\"`"),
            (Kind::File, "app/.vscode/mcp.json", "servers.a.env.API_KEY", "", "`\"${input:api-key}\"`"),
            (Kind::File, "app/.mcp.json", "mcpServers.a.env.API_KEY", "", "`\"${API_KEY}\"`, or start the server by `op run"),
            (Kind::File, "root/.codeium/windsurf/mcp_config.json", "mcpServers.a.env.API_KEY", "", "`\"${env:API_KEY}\"`"),
            (Kind::File, "root/.gemini/settings.json", "mcpServers.a.env.API_KEY", "", "`\"${API_KEY}\"`"),
            (Kind::File, "root/.codex/config.toml", "mcp_servers.a.env.API_KEY", "", "`env_vars = [\"API_KEY\"]`"),
            (Kind::File, "root/.config/Claude/claude_desktop_config.json", "mcpServers.a.env.API_KEY", "", "resolves no references"),
            (Kind::File, "root/.aws/credentials", "aws_secret_access_key", "", "aws-vault exec"),
            (Kind::File, "root/.kube/config", "", "", "service account"),
            (Kind::File, "root/.ssh/id_ed25519", "", "", "RUN --mount=type=ssh"),
            (Kind::File, "root/.npmrc", "", "", "_authToken=${NPM_TOKEN}"),
            (Kind::File, "root/.netrc", "", "", "--mount=type=secret,id=netrc,target=/root/.netrc"),
            (Kind::File, "root/.docker/config.json", "", "", "target=/root/.docker/config.json"),
            (Kind::File, "root/.vault-token", "", "", "Vault Agent injector"),
            (Kind::File, "run/secrets/db", "", "", "Do not copy files from /run/secrets"),
            (Kind::File, "srv/x.tfstate", "", "", "`**/*.tfstate*` to .dockerignore"),
            (Kind::File, "srv/x.conf", "", "COPY x.conf /srv/ # buildkit", "`**/x.conf` to .dockerignore"),
            (Kind::File, "srv/x.conf", "", "RUN /bin/sh -c echo > x.conf", "Change the RUN instruction that writes x.conf"),
        ] {
            let fix = fix_at("example", vec![place(kind, path, name, created_by)]);
            assert!(fix.steps.iter().any(|step| step.contains(expected)), "{path} {name}: {:#?}", fix.steps);
            assert!(fix.steps[0].starts_with("Treat it as leaked"), "revoking comes first");
        }
    }

    #[test]
    fn each_provider_has_a_place_for_it() {
        for (provider, expected) in [
            ("vault", "Vault Agent injector"),
            ("aws", "AWS Secrets Manager"),
            ("azure", "Azure Key Vault"),
            ("infisical", "infisical run"),
            ("doppler", "doppler run"),
            ("1password", "op run"),
            ("example", "ExternalSecret"),
        ] {
            let steps = fix_at(provider, vec![place(LocationKind::Env, "", "X", "")]).steps;
            assert!(steps.last().is_some_and(|step| step.contains(expected)), "{provider}: {steps:#?}");
        }
    }

    #[test]
    fn deleting_it_later_is_no_fix() {
        let mut deleted = place(LocationKind::File, "root/key", "", "COPY key /root/");
        deleted.state = State::Deleted { by: 4 };
        let steps = fix_at("example", vec![deleted]).steps;
        assert!(steps.iter().any(|step| step.starts_with("Layer 5 deletes it, but layer 2 still ships it")), "{steps:#?}");
    }

    #[test]
    fn names_from_an_image_are_no_commands() {
        let hostile = place(LocationKind::Env, "", "X;rm -rf /", "");
        let file = place(LocationKind::File, "srv/`reboot`\n.env", "$(reboot)", "COPY . /");
        for step in fix_at("example", vec![hostile, file]).steps {
            assert!(!step.contains("rm -rf") && !step.contains("reboot"), "{step}");
        }
    }
}

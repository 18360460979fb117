//! The systems that hold credentials, each with what leaks of it, what refers to it, and how its own leak is mended:
//! one check a system, an image each.

use imgscan::detect::samples::fill;
use serde_json::Value;

use crate::support::{
    image::{Changeset, Image},
    report::{findings, scan},
};

/// A credential in its place. The text is a template; the credential stands in the line that has a `{` first.
struct Leak {
    /// `ENV NAME`, `HISTORY`, or a path.
    place: &'static str,
    text: &'static str,
    /// The rule's id.
    rule: &'static str,
    /// Line in the file; 0 elsewhere.
    line: u64,
    /// What the fix has to say.
    fix: &'static str,
}

const fn leak(place: &'static str, text: &'static str, rule: &'static str, line: u64, fix: &'static str) -> Leak {
    Leak { place, text, rule, line, fix }
}

/// An image with the leaks in its second layer and in its config, and references to the same system everywhere.
fn image(leaks: &[Leak], references: &[(&str, &str)]) -> Image {
    let mut image = Image::new().layer("ADD rootfs.tar /", Changeset::new().file("etc/os-release", "ID=test\n"));
    let mut files = Changeset::new();
    for (leak, seed) in leaks.iter().zip(77..) {
        match leak.place.split_once(' ') {
            Some(("ENV", name)) => image = image.bare_env(&format!("{name}={}", fill(leak.text, seed))),
            Some(("HISTORY", _)) => image = image.history(&fill(leak.text, seed)),
            _ => files = files.file(leak.place, fill(leak.text, seed)),
        }
    }
    // What kubeseal writes: the length of an RSA key of 4096 bits, the wrapped session key, and the ciphertext.
    let sealed = fill("AgB{b64:725}", 3);
    let mut safe = Changeset::new();
    for (place, text) in references {
        match place.split_once(' ') {
            Some(("ENV", name)) => image = image.bare_env(&format!("{name}={text}")),
            Some(("HISTORY", _)) => image = image.history(text),
            Some(("CMD", _)) => image = image.cmd(&text.split(' ').collect::<Vec<_>>()),
            _ => safe = safe.file(place, text.replace("SEALED", &sealed)),
        }
    }
    image.layer("COPY . /", files).layer("COPY deploy /deploy", safe)
}

/// What is wrong with the row; nothing, if nothing is.
fn check(leaks: &[Leak], references: &[(&str, &str)]) {
    let mut problems = Vec::new();
    let outcome = scan(&image(leaks, &[]), "low").exits(1);
    let report = outcome.json();
    for leak in leaks {
        let at = |finding: &&Value| match leak.place.split_once(' ') {
            Some(("ENV", name)) => finding["location"]["kind"] == "env" && finding["location"]["name"] == name,
            Some((_, name)) => {
                matches!(finding["location"]["kind"].as_str(), Some("arg" | "history")) && finding["location"]["name"] == name
            }
            None => finding["location"]["path"] == leak.place && finding["location"]["line"] == leak.line && finding["layer"]["index"] == 1,
        };
        let here: Vec<&Value> = findings(&report).iter().filter(at).collect();
        let Some(finding) = here.iter().find(|finding| finding["rule"] == leak.rule) else {
            let ids: Vec<&str> = here.iter().filter_map(|finding| finding["rule"].as_str()).collect();
            problems.push(format!("{}: {} is not found at line {}; there is [{}]", leak.place, leak.rule, leak.line, ids.join(", ")));
            continue;
        };
        if finding["confidence"] == "low" {
            problems.push(format!("{}: {} is a guess only", leak.place, leak.rule));
        }
        let fix = finding["fix"].to_string().replace("\\\"", "\"");
        if !fix.contains(leak.fix) {
            problems.push(format!("{}: the fix does not say `{}`: {fix}", leak.place, leak.fix));
        }
    }
    // References alone, with a guess's confidence: nothing.
    let outcome = scan(&image(&[], references), "low");
    for finding in findings(&outcome.json()) {
        problems.push(format!("a reference is reported: {} {} {}", finding["rule"], finding["confidence"], finding["location"]));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    outcome.exits(0);
}

#[test]
fn environment_variables_and_env_files() {
    check(
        &[
            leak("ENV DB_PASSWORD", "{alnum:18}", "generic-password", 0, "docker run --env DB_PASSWORD"),
            leak(
                "HISTORY WEATHER_API_KEY",
                "ARG WEATHER_API_KEY={alnum:32}",
                "openweather-api-key",
                0,
                "docker build --secret id=weather_api_key",
            ),
            leak("app/.env", "# settings\nPORT=80\nWEATHER_API_KEY={alnum:32}\n", "openweather-api-key", 3, "`**/.env` to .dockerignore"),
            leak("app/.env.production", "export JWT_SECRET='{b64url:43}'\n", "generic-secret", 1, "--env-file .env.production"),
        ],
        &[
            ("ENV WEATHER_API_KEY", "${WEATHER_API_KEY}"),
            ("ENV DB_PASSWORD", "$DATABASE_PASSWORD"),
            ("deploy/.env", "WEATHER_API_KEY=${WEATHER_API_KEY}\nDB_PASSWORD=$DB_PASSWORD\n"),
            (
                "deploy/app.js",
                "const apiKey = process.env.WEATHER_API_KEY;\nconst db = { password: process.env['DB_PASSWORD'], token: process.env.TOKEN || '' };\n",
            ),
            (
                "deploy/settings.py",
                "SECRET_KEY = os.environ[\"SECRET_KEY\"]\nDB_PASSWORD = os.environ.get(\"DB_PASSWORD\")\nAPI_KEY = os.getenv('API_KEY')\n",
            ),
            (
                "deploy/run.sh",
                "export API_TOKEN=\"$WEATHER_API_TOKEN\"\ncurl -H \"Authorization: Bearer ${API_TOKEN}\" https://api.acme.io\n",
            ),
            (
                "deploy/pod.yaml",
                "env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: database-credentials\n        key: password\n",
            ),
        ],
    );
}

#[test]
fn mcp_client_configuration() {
    check(
        &[
            leak(
                "root/.cursor/mcp.json",
                "{\n  \"mcpServers\": {\"weather\": {\"command\": \"npx\", \"env\": {\n    \"WEATHER_API_KEY\": \"{alnum:32}\"\n}}}}\n",
                "openweather-api-key",
                3,
                "`\"${env:WEATHER_API_KEY}\"`",
            ),
            leak(
                "srv/.vscode/mcp.json",
                "{\n  \"servers\": {\"gh\": {\"headers\": {\n    \"Authorization\": \"Bearer ghp_{alnum:30}{crc32-base62}\"\n}}}}\n",
                "github-pat",
                3,
                "`\"${input:",
            ),
            leak(
                "root/.config/Claude/claude_desktop_config.json",
                "{\"mcpServers\": {\"db\": {\"command\": \"npx\",\n\"args\": [\"-y\", \"server-postgres\", \"postgresql://app:{alnum:16}@db.acme.io/app\"]}}}\n",
                "postgres-uri-password",
                2,
                "op run -- ",
            ),
            leak(
                "srv/mcp.json",
                "{\"mcpServers\": {\"files\": {\"command\": \"x\",\n\"args\": [\"--api-key\", \"{alnum:40}\"]}}}\n",
                "generic-api-key",
                2,
                "a key of its own",
            ),
            leak(
                "srv/.mcp.json",
                "{\"mcpServers\": {\"remote\": {\n\"url\": \"https://mcp.acme.io/sse?api_key={alnum:40}\"}}}\n",
                "mcp-urls-query-key",
                2,
                "infisical run -- ",
            ),
        ],
        &[
            (
                "deploy/.cursor/mcp.json",
                "{\"mcpServers\": {\"weather\": {\"command\": \"npx\", \"env\": {\"WEATHER_API_KEY\": \"${env:WEATHER_API_KEY}\"}}}}\n",
            ),
            (
                "deploy/.vscode/mcp.json",
                "{\"inputs\": [{\"type\": \"promptString\", \"id\": \"weather-key\", \"description\": \"API key\", \"password\": true}], \"servers\": {\"gh\": {\"headers\": {\"Authorization\": \"Bearer ${input:weather-key}\"}}}}\n",
            ),
            (
                "deploy/.mcp.json",
                "{\"mcpServers\": {\"db\": {\"args\": [\"--api-key\", \"${API_KEY}\"], \"url\": \"https://mcp.acme.io/sse?api_key=${API_KEY}\", \"env\": {\"DB_PASSWORD\": \"${DB_PASSWORD}\"}}}}\n",
            ),
        ],
    );
}

#[test]
fn keychains_of_operating_systems() {
    check(
        &[
            leak(
                "root/.local/share/keyrings/login.keyring",
                "GnomeKeyring\n{alnum:200}",
                "keyring-file",
                1,
                "No keyring belongs in an image",
            ),
            leak("Users/dev/Library/Keychains/login.keychain-db", "kych{alnum:200}", "keyring-file", 1, "No keyring belongs in an image"),
            leak(
                "Users/dev/AppData/Roaming/Microsoft/Credentials/DFBE70A7E5CC19A398EBF1B96859CE5D",
                "{alnum:200}",
                "keyring-file",
                1,
                "No keyring belongs in an image",
            ),
        ],
        &[
            ("deploy/app.js", "const password = await keytar.getPassword('weather', 'api-key');\n"),
            (
                "deploy/run.sh",
                "API_KEY=$(secret-tool lookup service weather)\nexport DB_PASSWORD=\"$(security find-generic-password -s db -w)\"\n",
            ),
            ("deploy/run.py", "password = keyring.get_password('weather', 'api')\n"),
        ],
    );
}

#[test]
fn hashicorp_vault() {
    check(
        &[
            leak("root/.vault-token", "hvs.{b64url:95}", "hashicorp-vault-service-token", 1, "Vault Agent injector"),
            leak("ENV VAULT_TOKEN", "s.{alnum:24}", "hashicorp-vault-legacy-token", 0, "docker run --env VAULT_TOKEN"),
            leak("ENV BATCH", "hvb.{b64url:140}", "hashicorp-vault-batch-token", 0, "auth method"),
            leak("ENV RECOVERY", "hvr.{alnum:24}", "hashicorp-vault-recovery-token", 0, "Vault"),
            leak("ENV VAULT_SECRET_ID", "{uuid}", "hashicorp-vault-secret-id", 0, "Vault"),
            leak(
                "srv/init.txt",
                "Unseal Key 1: {b64:43}=\n\nInitial Root Token: hvs.{alnum:24}\n",
                "hashicorp-vault-unseal-key",
                1,
                "Vault",
            ),
        ],
        &[
            ("ENV DB_PASSWORD", "vault:secret/data/app#password"),
            ("ENV VAULT_ADDR", "https://vault.acme.io:8200"),
            ("ENV VAULT_ROLE", "weather"),
            (
                "deploy/pod.yaml",
                "metadata:\n  annotations:\n    vault.hashicorp.com/agent-inject: \"true\"\n    vault.hashicorp.com/agent-inject-secret-db: secret/data/app/db\n    vault.hashicorp.com/role: weather\n",
            ),
            (
                "deploy/csi.yaml",
                "kind: SecretProviderClass\nspec:\n  provider: vault\n  parameters:\n    roleName: weather\n    objects: |\n      - objectName: db-password\n        secretPath: secret/data/app\n        secretKey: password\n",
            ),
        ],
    );
}

#[test]
fn aws_secrets_manager_and_iam() {
    check(
        &[
            leak(
                "root/.aws/credentials",
                "[default]\naws_access_key_id = AKIA{base32:16}\naws_secret_access_key = {b64:40}\n",
                "aws-access-key-id",
                2,
                "aws-vault exec",
            ),
            leak("srv/config/.aws/credentials", "[ci]\naws_secret_access_key = {b64:40}\n", "aws-secret-access-key", 2, "IRSA"),
            leak("ENV AWS_SESSION_TOKEN", "IQoJb3JpZ2lu{b64:300}", "aws-session-token-marked", 0, "IRSA"),
            leak("ENV AWS_SECRET_ACCESS_KEY", "{b64:40}", "aws-secret-access-key", 0, "docker run --env AWS_SECRET_ACCESS_KEY"),
        ],
        &[
            ("ENV DB_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf"),
            ("ENV DB_PASSWORD", "{{resolve:secretsmanager:prod/db:SecretString:password}}"),
            (
                "deploy/.aws/config",
                "[profile prod]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = default\nregion = eu-west-1\n",
            ),
            (
                "deploy/stack.yaml",
                "MasterUserPassword: '{{resolve:secretsmanager:MyRDSSecret:SecretString:password}}'\nSecretArn: !Ref DatabaseSecret\n",
            ),
        ],
    );
}

#[test]
fn azure_key_vault_and_entra() {
    check(
        &[
            leak("ENV AZURE_CLIENT_SECRET", "{alnum:3}8Q~{alnum:34}", "azure-entra-client-secret", 0, "managed identity"),
            leak(
                "app/appsettings.json",
                "{\n  \"Storage\": \"DefaultEndpointsProtocol=https;AccountName=acmedata;AccountKey={b64:86}==;EndpointSuffix=core.windows.net\"\n}\n",
                "azure-storage-account-key",
                2,
                "managed identity",
            ),
            leak(
                "app/upload.sh",
                "azcopy copy . 'https://acme.blob.core.windows.net/data?sv=2023-01-03&st=2024-01-01&sr=b&sp=rw&sig={alnum:43}%3D'\n",
                "azure-sas-token",
                1,
                "managed identity",
            ),
        ],
        &[
            ("ENV DB_PASSWORD", "@Microsoft.KeyVault(SecretUri=https://acme.vault.azure.net/secrets/db-password/)"),
            ("ENV DB_SECRET_URI", "https://acme.vault.azure.net/secrets/db-password/0123456789abcdef0123456789abcdef"),
            ("ENV AZURE_CLIENT_ID", "7f3d2c1b-0a98-4e76-8543-21fedcba9876"),
            (
                "deploy/app.cs",
                "var client = new SecretClient(new Uri(\"https://acme.vault.azure.net/\"), new DefaultAzureCredential());\nvar password = client.GetSecret(\"db-password\").Value;\n",
            ),
        ],
    );
}

#[test]
fn infisical() {
    check(
        &[
            leak("ENV INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", "{hex:64}", "infisical-client-secret", 0, "infisical"),
            leak("app/.env", "INFISICAL_TOKEN=st.{hex:24}.{hex:32}.{hex:32}\n", "infisical-service-token", 1, "infisical"),
        ],
        &[
            ("CMD ", "infisical run --env=prod -- npm start"),
            ("ENV INFISICAL_PROJECT_ID", "65f1c2d3e4a5b6c7d8e9f0a1"),
            (
                "deploy/secret.yaml",
                "apiVersion: secrets.infisical.com/v1alpha1\nkind: InfisicalSecret\nspec:\n  authentication:\n    universalAuth:\n      credentialsRef:\n        secretName: universal-auth-credentials\n        secretNamespace: default\n  managedSecretReference:\n    secretName: managed-secret\n",
            ),
        ],
    );
}

#[test]
fn doppler() {
    check(
        &[
            leak("ENV DOPPLER_TOKEN", "dp.st.prd.{alnum:43}", "doppler-service-token", 0, "Doppler"),
            leak("root/.doppler/.doppler.yaml", "scoped:\n  /:\n    token: dp.ct.{alnum:43}\n", "doppler-cli-token", 3, "doppler run"),
            leak("app/.env", "X=dp.pt.{alnum:43}\n", "doppler-personal-token", 1, "doppler run"),
        ],
        &[
            ("CMD ", "doppler run -- npm start"),
            (
                "deploy/secret.yaml",
                "kind: DopplerSecret\nspec:\n  tokenSecret:\n    name: doppler-token-secret\n  managedSecret:\n    name: doppler-test-secret\n",
            ),
        ],
    );
}

#[test]
fn one_password() {
    check(
        &[
            leak("ENV OP_SERVICE_ACCOUNT_TOKEN", "ops_eyJ{b64:600}", "onepassword-service-account-token", 0, "1Password"),
            leak("ENV OP_CONNECT_TOKEN", "eyJ{b64url:60}.eyJ{b64url:160}.{b64url:86}", "onepassword-connect-token", 0, "op run"),
            leak(
                "srv/emergency-kit.txt",
                "Secret Key\nA3-{ALNUM:6}-{ALNUM:6}-{ALNUM:5}-{ALNUM:5}-{ALNUM:5}-{ALNUM:5}\n",
                "onepassword-secret-key",
                2,
                "op run",
            ),
        ],
        &[
            ("ENV DB_PASSWORD", "op://prod/database/password"),
            ("CMD ", "op run --env-file=app.env -- npm start"),
            ("deploy/app.env", "API_KEY=\"op://prod/weather/api-key\"\n"),
            ("deploy/item.yaml", "kind: OnePasswordItem\nspec:\n  itemPath: \"vaults/prod/items/database\"\n"),
        ],
    );
}

#[test]
fn aws_vault() {
    check(
        &[leak(
            "root/.awsvault/keys/prod",
            "eyJ{b64url:60}.{b64url:40}.{b64url:16}.{b64url:120}.{b64url:22}",
            "aws-vault-key-file",
            1,
            "role",
        )],
        &[("CMD ", "aws-vault exec prod -- ./deploy"), ("deploy/run.sh", "aws-vault exec deploy-role -- terraform apply\n")],
    );
}

#[test]
fn docker_swarm_and_buildkit_secrets() {
    check(
        &[
            leak("run/secrets/db-password", "{alnum:24}", "mounted-secret-file", 1, "RUN --mount=type=secret"),
            leak(
                "HISTORY NPM_TOKEN",
                "|1 NPM_TOKEN=npm_{alnum:30}{crc32-base62} /bin/sh -c npm ci # buildkit",
                "npm-access-token",
                0,
                "docker build --secret id=npm_token,env=NPM_TOKEN",
            ),
            leak(
                "srv/join.sh",
                "docker swarm join --token SWMTKN-1-{lalnum:50}-{lalnum:25} 10.0.0.1:2377\n",
                "docker-swarm-join-token",
                1,
                "docker secret",
            ),
        ],
        &[
            ("HISTORY ", "RUN /bin/sh -c --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci # buildkit"),
            ("HISTORY ", "ARG NPM_TOKEN"),
            ("ENV POSTGRES_PASSWORD_FILE", "/run/secrets/postgres-password"),
            ("deploy/Dockerfile", "FROM node:20\nRUN --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci\n"),
            (
                "deploy/compose.yaml",
                "services:\n  db:\n    environment:\n      MYSQL_ROOT_PASSWORD_FILE: /run/secrets/db_root_password\n    secrets:\n      - db_root_password\nsecrets:\n  db_root_password:\n    external: true\n",
            ),
            ("deploy/run.sh", "openssl rand -base64 24 | docker secret create db_password -\n"),
        ],
    );
}

#[test]
fn kubernetes_secrets_and_what_fills_them() {
    check(
        &[
            leak(
                "srv/deployment.yaml",
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: app\nspec:\n  containers:\n    - name: app\n      env:\n        - name: DB_PASSWORD\n          value: {alnum:20}\n",
                "generic-password",
                10,
                "/run/secrets",
            ),
            leak(
                "srv/secret.yaml",
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: {b64of:{alnum:20}}\n",
                "kubernetes-secret-value",
                6,
                "Sealed Secrets",
            ),
            leak(
                "root/.kube/config",
                "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    token: {alnum:60}\n",
                "kubeconfig-token",
                6,
                "service account",
            ),
            leak(
                "var/run/secrets/kubernetes.io/serviceaccount/token",
                "{b64urlof:{\"alg\":\"RS256\",\"kid\":\"{alnum:20}\"}}.{b64urlof:{\"iss\":\"kubernetes/serviceaccount\",\"sub\":\"system:serviceaccount:default:app\"}}.{b64url:342}",
                "jwt",
                1,
                "bound (expiring) tokens",
            ),
        ],
        &[
            (
                "deploy/pod.yaml",
                "kind: Pod\nspec:\n  containers:\n    - env:\n        - name: DB_PASSWORD\n          valueFrom:\n            secretKeyRef: {name: database-credentials, key: password}\n      envFrom:\n        - secretRef: {name: app-secrets}\n",
            ),
            (
                "deploy/external.yaml",
                "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nspec:\n  secretStoreRef: {name: vault, kind: ClusterSecretStore}\n  target: {name: database-credentials}\n  data:\n    - secretKey: password\n      remoteRef: {key: prod/database, property: password}\n",
            ),
            (
                "deploy/class.yaml",
                "kind: SecretProviderClass\nspec:\n  provider: azure\n  secretObjects:\n    - secretName: database-credentials\n      data:\n        - {key: password, objectName: db-password}\n",
            ),
            (
                "deploy/sealed.yaml",
                "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec:\n  encryptedData:\n    password: SEALED\n  template:\n    metadata: {name: database-credentials}\n",
            ),
        ],
    );
}

#[test]
fn oauth_and_json_web_tokens() {
    const EXPIRED: &str = "{b64urlof:{\"alg\":\"RS256\",\"typ\":\"JWT\"}}.{b64urlof:{\"iss\":\"https://login.acme.io\",\"aud\":\"old\",\"exp\":1500000000,\"jti\":\"{alnum:12}\"}}.{b64url:342}";
    let leaks = [
        leak(
            "ENV ACCESS_TOKEN",
            "{b64urlof:{\"alg\":\"RS256\",\"typ\":\"JWT\"}}.{b64urlof:{\"iss\":\"https://login.acme.io\",\"aud\":\"weather\",\"exp\":4102444800}}.{b64url:342}",
            "jwt",
            0,
            "minted at run time",
        ),
        leak("srv/token.json", "{\n\"refresh_token\": \"{b64url:64}\"}\n", "generic-token", 2, "run time"),
        leak("ENV OLD_TOKEN", EXPIRED, "jwt", 0, "minted at run time"),
    ];
    check(
        &leaks,
        &[(
            "deploy/jwks.json",
            "{\"keys\": [{\"kty\": \"RSA\", \"use\": \"sig\", \"alg\": \"RS256\", \"kid\": \"2024-01\", \"e\": \"AQAB\", \"n\": \"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W\"}]}\n",
        )],
    );
    let report = scan(&image(&leaks, &[]), "low").json();
    let of = |name: &str| findings(&report).iter().find(|finding| finding["location"]["name"] == name).cloned().unwrap_or_default();
    let evidence = of("ACCESS_TOKEN")["evidence"].to_string();
    for fact in ["issuer https://login.acme.io", "audience weather", "expires on 2100-01-01"] {
        assert!(evidence.contains(fact), "{fact}: {evidence}");
    }
    assert_eq!(of("OLD_TOKEN")["severity"], "low", "an expired token is lower");
}

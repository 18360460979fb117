//! Every system's way of saying where a secret is, written in every usual format, under names that ask for a secret: never a finding,
//! not even a guess.

use serde_json::json;

use crate::support::{
    image::{Changeset, Image},
    report::{findings, places, scan},
};

const NAMES: &[&str] = &["DB_PASSWORD", "API_TOKEN", "WEATHER_API_KEY", "CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY", "PRIVATE_KEY"];

const REFERENCES: &[&str] = &[
    // The environment.
    "${WEATHER_API_KEY}",
    "$WEATHER_API_KEY",
    "${WEATHER_API_KEY:-}",
    "${DB_PASSWORD:?must be set}",
    "${DB_PASSWORD:?}",
    "${DB_PASSWORD-}",
    "${env.DB_PASSWORD}",
    "%DB_PASSWORD%",
    "$env:DB_PASSWORD",
    "Bearer $API_TOKEN",
    "Bearer ${API_TOKEN}",
    "{{ .Env.DB_PASSWORD }}",
    // MCP clients.
    "${input:weather-key}",
    "${env:WEATHER_API_KEY}",
    "Bearer ${input:weather-key}",
    "Bearer ${env:WEATHER_API_KEY}",
    "{env:WEATHER_API_KEY}",
    // Keychains of operating systems.
    "$(secret-tool lookup service weather)",
    "$(security find-generic-password -s db -w)",
    "security find-generic-password -a me -s db -w",
    "keyring:weather/api",
    "$(pass show prod/db)",
    // HashiCorp Vault.
    "vault:secret/data/app#password",
    "vault://secret/data/app/password",
    ">>vault:secret/data/app#password",
    "secret/data/app#password",
    "<path:secret/data/app#password>",
    "ref+vault://secret/data/app#/password",
    "$(vault kv get -field=password secret/app)",
    "vault kv get -field=password secret/app",
    // AWS.
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf:password::",
    "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:db-AbCdEf",
    "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db-password",
    "{{resolve:secretsmanager:prod/db:SecretString:password}}",
    "{{resolve:secretsmanager:arn:aws:secretsmanager:us-west-2:123456789012:secret:MySecret-a1b2c3:SecretString:password}}",
    "{{resolve:ssm-secure:/prod/db/password:1}}",
    "aws-vault exec deploy-role -- terraform apply",
    // Azure.
    "@Microsoft.KeyVault(SecretUri=https://acme.vault.azure.net/secrets/db-password/)",
    "@Microsoft.KeyVault(VaultName=acme;SecretName=db-password)",
    "https://acme.vault.azure.net/secrets/db-password/0123456789abcdef0123456789abcdef",
    "https://acme.vault.azure.cn/secrets/db-password",
    "https://acme.vault.usgovcloudapi.net/secrets/db-password",
    "$(az keyvault secret show --name db --vault-name acme --query value -o tsv)",
    // Infisical, Doppler, 1Password.
    "infisical run --env=prod -- npm start",
    "$(infisical secrets get DB_PASSWORD --plain)",
    "doppler run --project app --config prd -- npm start",
    "doppler secrets get DB_PASSWORD --plain",
    "op://prod/database/password",
    "op://Private/My Item/section/field?attribute=otp",
    "op://$APP_ENV/database/password",
    "op run --env-file=app.env -- npm start",
    "$(op read op://prod/database/password)",
    // Docker and Kubernetes.
    "/run/secrets/db_password",
    "file:///run/secrets/db_password",
    "$(cat /run/secrets/db_password)",
    "`cat /run/secrets/db_password`",
    "$(DB_PASSWORD)",
    "k8s:secret/app/db#password",
    "ref+k8s://v1/Secret/default/db/password",
    "{{ .Values.db.password | quote }}",
    "{{ include \"app.password\" . }}",
];

/// `clientSecret` of `CLIENT_SECRET`.
fn camel(name: &str) -> String {
    let mut out = String::new();
    for (at, part) in name.split('_').enumerate() {
        let lower = part.to_ascii_lowercase();
        match at {
            0 => out.push_str(&lower),
            _ => out.push_str(&format!("{}{}", &part[..1], &lower[1..])),
        }
    }
    out
}

/// A format: path, head, one assignment, foot.
type Format = (&'static str, &'static str, fn(&str, &str) -> String, &'static str);

const FORMATS: &[Format] = &[
    ("app/.env", "", |name, value| format!("{name}={value}"), ""),
    ("app/quoted.env", "", |name, value| format!("{name}={}", json!(value)), ""),
    ("app/values.yaml", "app:", |name, value| format!("  {}: {}", camel(name), json!(value)), ""),
    (
        "app/plain.yaml",
        "",
        |name, value| match value.as_bytes()[0] {
            b'{' | b'@' | b'%' | b'`' | b'>' => format!("{}: '{value}'", name.to_lowercase()),
            _ => format!("{}: {value}", name.to_lowercase()),
        },
        "",
    ),
    ("app/config.json", "[", |name, value| json!({name: value}).to_string() + ",", "{}]"),
    (
        "app/mcp.json",
        "{\"mcpServers\": {",
        |name, value| {
            let server = json!({"command": "npx", "args": ["--api-key", value], "env": {name: value}, "headers": {"Authorization": value}});
            format!("{}: {server},", json!(format!("{name}-{value}")))
        },
        "\"x\": {}}}",
    ),
    (
        "app/.vscode/mcp.json",
        "{\"servers\": {",
        |name, value| {
            format!("{}: {},", json!(format!("{name}-{value}")), json!({"url": "https://mcp.acme.io", "headers": {"X-API-Key": value}}))
        },
        "\"x\": {}}}",
    ),
    ("app/compose.yaml", "services:", |name, value| format!("  {}:\n    environment:\n      {name}: {}", camel(name), json!(value)), ""),
    (
        "app/docker-compose.yml",
        "services:",
        |name, value| format!("  {}:\n    environment:\n      - {}", camel(name), json!(format!("{name}={value}"))),
        "",
    ),
    (
        "app/pod.yaml",
        "kind: Pod\nspec:\n  containers:\n  - env:",
        |name, value| format!("    - name: {name}\n      value: {}", json!(value)),
        "",
    ),
    ("app/run.sh", "#!/bin/sh", |name, value| format!("export {name}={}", json!(value)), ""),
    ("app/flags.sh", "#!/bin/sh", |name, value| format!("app --{} {}", name.to_lowercase().replace('_', "-"), json!(value)), ""),
    ("app/Dockerfile", "FROM scratch", |name, value| format!("ENV {name}={}", json!(value)), ""),
    ("app/app.properties", "", |name, value| format!("app.{}={value}", name.to_lowercase().replace('_', ".")), ""),
    ("app/app.ini", "[app]", |name, value| format!("{} = {value}", name.to_lowercase()), ""),
    ("app/app.toml", "[app]", |name, value| format!("{} = {}", name.to_lowercase(), json!(value)), ""),
    ("app/main.tf", "locals {", |name, value| format!("  {} = {}", name.to_lowercase(), json!(value)), "}"),
    ("app/settings.py", "import os", |name, value| format!("{name} = {}", json!(value)), ""),
    ("app/app.js", "", |name, value| format!("const {} = {};", camel(name), json!(value)), ""),
    ("app/App.java", "class App {", |name, value| format!("    private static final String {name} = {};", json!(value)), "}"),
    ("app/main.go", "package main", |name, value| format!("var {} = {}", camel(name), json!(value)), ""),
];

/// Code of each language that reads a secret.
const CODE: &[(&str, &str)] = &[
    (
        "app/read.js",
        "const apiKey = process.env.WEATHER_API_KEY;\nconst token = process.env['API_TOKEN'] ?? '';\nconst password = await keytar.getPassword('weather', 'db');\n",
    ),
    (
        "app/read.ts",
        "export const secretKey: string = process.env.SECRET_KEY!;\nconst key = import.meta.env.VITE_API_KEY;\nconst t = Deno.env.get(\"API_TOKEN\");\n",
    ),
    (
        "app/read.py",
        "API_KEY = os.environ[\"API_KEY\"]\nDB_PASSWORD = os.environ.get(\"DB_PASSWORD\", \"\")\nSECRET = os.getenv('SECRET')\npassword = keyring.get_password(\"weather\", \"db\")\ntoken = client.secrets.kv.v2.read_secret_version(path=\"app\")[\"data\"][\"data\"][\"token\"]\n",
    ),
    ("app/read.go", "apiKey := os.Getenv(\"WEATHER_API_KEY\")\npassword, err := keyring.Get(\"weather\", \"db\")\n"),
    ("app/read.rs", "let api_key = std::env::var(\"WEATHER_API_KEY\")?;\nlet password = env!(\"DB_PASSWORD\");\n"),
    ("app/Read.java", "String apiKey = System.getenv(\"WEATHER_API_KEY\");\n@Value(\"${db.password}\") private String password;\n"),
    (
        "app/Read.cs",
        "var password = Environment.GetEnvironmentVariable(\"DB_PASSWORD\");\nvar secret = client.GetSecret(\"db-password\").Value;\nvar credential = new DefaultAzureCredential();\n",
    ),
    (
        "app/read.rb",
        "api_key = ENV.fetch(\"WEATHER_API_KEY\")\npassword = ENV['DB_PASSWORD']\ntoken = Rails.application.credentials.api_token\n",
    ),
    ("app/read.php", "<?php $password = getenv('DB_PASSWORD'); $token = $_ENV['API_TOKEN']; $key = env('APP_KEY');\n"),
    (
        "app/read.ps1",
        "$apiKey = $env:WEATHER_API_KEY\n$password = Get-Secret -Name db -AsPlainText\n$cred = Get-StoredCredential -Target weather\n",
    ),
    (
        "app/read.tf",
        "data \"aws_secretsmanager_secret_version\" \"db\" { secret_id = \"prod/db\" }\nresource \"aws_db_instance\" \"db\" { password = data.aws_secretsmanager_secret_version.db.secret_string }\nvariable \"api_token\" { sensitive = true }\n",
    ),
    (
        "app/stack.yaml",
        "MasterUserPassword: !Sub '{{resolve:secretsmanager:${Db}:SecretString:password}}'\nSecretArn: !Ref DatabaseSecret\nToken: !ImportValue api-token\n",
    ),
    (
        "app/ci.yaml",
        "env:\n  API_TOKEN: ${{ secrets.API_TOKEN }}\n  DB_PASSWORD: $(DB_PASSWORD)\nscript:\n  - doppler run -- npm test\n  - op run -- npm test\n  - infisical run -- npm test\n",
    ),
    (
        "app/Build",
        "FROM node:22\nARG NPM_TOKEN\nRUN --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci\nENV POSTGRES_PASSWORD_FILE=/run/secrets/postgres_password\n",
    ),
    (
        "app/swarm.yaml",
        "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD_FILE: /run/secrets/db_password\n    secrets:\n      - source: db_password\n        target: db_password\nsecrets:\n  db_password:\n    external: true\n",
    ),
    (
        "app/external.yaml",
        "kind: ExternalSecret\nspec:\n  secretStoreRef: {name: vault, kind: ClusterSecretStore}\n  target: {name: database-credentials}\n  data:\n    - secretKey: password\n      remoteRef: {key: prod/database, property: password}\n  dataFrom:\n    - extract: {key: prod/api-token}\n",
    ),
    (
        "app/class.yaml",
        "kind: SecretProviderClass\nspec:\n  provider: vault\n  parameters:\n    objects: |\n      - objectName: db-password\n        secretPath: secret/data/app\n        secretKey: password\n  secretObjects:\n    - secretName: database-credentials\n      data: [{key: password, objectName: db-password}]\n",
    ),
    (
        "app/injector.yaml",
        "annotations:\n  vault.hashicorp.com/agent-inject: 'true'\n  vault.hashicorp.com/agent-inject-secret-password: secret/data/app/db\n  vault.hashicorp.com/agent-inject-template-password: '{{ with secret \"secret/data/app/db\" }}{{ .Data.data.password }}{{ end }}'\n",
    ),
    (
        "app/operators.yaml",
        "kind: InfisicalSecret\nspec:\n  authentication: {universalAuth: {credentialsRef: {secretName: universal-auth-credentials, secretNamespace: default}}}\n---\nkind: DopplerSecret\nspec:\n  tokenSecret: {name: doppler-token-secret}\n---\nkind: OnePasswordItem\nspec: {itemPath: vaults/prod/items/database}\n",
    ),
    (
        "app/refs.yaml",
        "env:\n  - name: DB_PASSWORD\n    valueFrom: {secretKeyRef: {name: database-credentials, key: password}}\nenvFrom:\n  - secretRef: {name: app-secrets}\nvolumes:\n  - name: token\n    projected: {sources: [{serviceAccountToken: {path: token, expirationSeconds: 3600}}]}\nimagePullSecrets: [{name: registry-credentials}]\n",
    ),
];

#[test]
fn references_are_no_findings_in_any_format() {
    let mut files = Changeset::new();
    for (path, head, line, foot) in FORMATS {
        let lines = REFERENCES.iter().flat_map(|value| NAMES.iter().map(move |name| line(name, value)));
        let text: Vec<String> = std::iter::once((*head).to_owned()).chain(lines).chain([(*foot).to_owned()]).collect();
        files = files.file(path, text.join("\n"));
    }
    for (path, text) in CODE {
        files = files.file(path, text);
    }
    let mut image = Image::new().layer("COPY . /", files);
    for (at, value) in REFERENCES.iter().enumerate() {
        image = image.bare_env(&format!("{}_{at}={value}", NAMES[at % NAMES.len()])).label(&format!("org.example.password.{at}"), value);
    }
    let report = scan(&image, "low").json();
    let wrong: Vec<String> = findings(&report)
        .iter()
        .flat_map(|finding| places(finding).map(|place| format!("{} {} {}", finding["rule"], finding["confidence"], place["location"])))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(report["images"][0]["suppressed"]["low_confidence"], 0);
}

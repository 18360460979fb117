//! Variables of real deployments: the secrets among them are found, and what only looks like one is not.

use std::collections::BTreeMap;

use imgscan::detect::samples::fill;
use serde_json::Value;

use crate::support::{
    image::{Changeset, Image},
    imgscan::Imgscan,
    report::{findings, places},
};

/// Variable, and the template of its value.
const SECRETS: &[(&str, &str)] = &[
    // Passwords as people choose and generate them.
    ("DB_PASSWORD", "Summer{digits:4}!"),
    ("MYSQL_ROOT_PASSWORD", "{alnum:16}"),
    ("MYSQL_PWD", "{alnum:12}#{digits:2}"),
    ("PGPASSWORD", "{alnum:20}"),
    ("POSTGRES_PASSWORD", "tr0ub4dor&{digits:3}"),
    ("REDIS_PASSWORD", "{hex:32}"),
    ("SMTP_PASS", "{lower:4}-{lower:4}-{digits:4}"),
    ("RABBITMQ_DEFAULT_PASS", "{alnum:14}"),
    ("SPRING_DATASOURCE_PASSWORD", "{alnum:18}"),
    ("KEYSTORE_PASSWORD", "{alnum:12}"),
    ("LDAP_BIND_PASSWORD", "{alnum:10}!{alnum:4}"),
    ("ADMIN_PASSWD", "{alnum:15}"),
    ("BASIC_AUTH", "admin:{alnum:16}"),
    // URLs and connection strings.
    ("DATABASE_URL", "postgres://app:{alnum:16}@db.internal.acme.io:5432/app"),
    ("MONGODB_URI", "mongodb+srv://app:{alnum:20}@cluster0.acme.mongodb.net/app"),
    ("REDIS_URL", "redis://:{alnum:24}@redis.acme.io:6379/0"),
    ("CELERY_BROKER_URL", "amqp://worker:{alnum:12}@rabbit.acme.io:5672//"),
    ("SQLALCHEMY_DATABASE_URI", "mysql+pymysql://root:{alnum:10}@mysql.acme.io/app"),
    ("JDBC_DATABASE_URL", "jdbc:postgresql://db.acme.io/app?user=app&password={alnum:16}"),
    (
        "AZURE_STORAGE_CONNECTION_STRING",
        "DefaultEndpointsProtocol=https;AccountName=acme{digits:3};AccountKey={b64:86}==;EndpointSuffix=core.windows.net",
    ),
    ("SQLSERVER_CONNECTION", "Server=tcp:sql.acme.io,1433;Database=app;User ID=sa;Password={alnum:14};Encrypt=True"),
    // Keys of the application itself.
    ("JWT_SECRET", "{alnum:32}"),
    ("SECRET_KEY_BASE", "{hex:128}"),
    ("ENCRYPTION_KEY", "{b64:43}="),
    ("APP_SECRET", "{hex:32}"),
    ("APP_KEY", "base64:{b64:43}="),
    ("API_KEY", "{alnum:32}"),
    ("DJANGO_SECRET_KEY", "{lalnum:25}!{lalnum:12}%{lalnum:11}"),
    ("SESSION_SECRET", "{b64url:43}"),
    ("AUTH_HEADER", "Bearer {alnum:40}"),
    ("PRIVATE_KEY", "{pem:RSA PRIVATE KEY}"),
    ("AGE_SECRET_KEY", "AGE-SECRET-KEY-1{bech32:52}{bech32}"),
    // Providers.
    ("AWS_ACCESS_KEY_ID", "AKIA{base32:16}"),
    ("AWS_SECRET_ACCESS_KEY", "{b64:40}"),
    ("AZURE_CLIENT_SECRET", "{alnum:3}8Q~{alnum:34}"),
    ("GOOGLE_API_KEY", "AIza{b64url:35}"),
    ("OPENAI_API_KEY", "sk-proj-{b64url:74}T3BlbkFJ{b64url:74}"),
    ("ANTHROPIC_API_KEY", "sk-ant-api03-{b64url:93}AA"),
    ("GROQ_API_KEY", "gsk_{alnum:20}WGdyb3FY{alnum:24}"),
    ("HF_TOKEN", "hf_{alnum:34}"),
    ("LANGSMITH_API_KEY", "lsv2_pt_{hex:32}_{hex:10}"),
    ("TAVILY_API_KEY", "tvly-dev-{alnum:32}"),
    ("GITHUB_TOKEN", "ghp_{alnum:30}{crc32-base62}"),
    ("GITHUB_PAT", "github_pat_{alnum:22}_{alnum:59}"),
    ("GITLAB_TOKEN", "glpat-{alnum:20}"),
    ("CI_JOB_DEPLOY", "glpat-{gitlab-routable}"),
    ("NPM_TOKEN", "npm_{alnum:30}{crc32-base62}"),
    ("TWINE_PASSWORD", "pypi-AgEIcHlwaS5vcmc{b64url:150}"),
    ("DOCKERHUB_TOKEN", "dckr_pat_{b64url:27}"),
    ("VAULT_TOKEN", "hvs.{b64url:95}"),
    ("DOPPLER_TOKEN", "dp.st.prd.{alnum:43}"),
    ("INFISICAL_TOKEN", "st.{hex:24}.{hex:32}.{hex:32}"),
    ("OP_SERVICE_ACCOUNT_TOKEN", "ops_eyJ{b64:600}"),
    ("SLACK_BOT_TOKEN", "xoxb-{digits:12}-{digits:13}-{alnum:24}"),
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T{ALNUM:9}/B{ALNUM:10}/{alnum:24}"),
    ("DISCORD_TOKEN", "MTIzNDU2Nzg5MDEyMzQ1Njc4.{alnum:6}.{b64url:38}"),
    ("TELEGRAM_BOT_TOKEN", "{digits:10}:AA{b64url:33}"),
    ("STRIPE_SECRET_KEY", "sk_live_{alnum:99}"),
    ("TWILIO_AUTH_TOKEN", "{hex:32}"),
    ("SENDGRID_API_KEY", "SG.{b64url:22}.{b64url:43}"),
    ("DD_API_KEY", "{hex:32}"),
    ("SENTRY_AUTH_TOKEN", "sntryu_{hex:64}"),
    ("SENTRY_DSN", "https://{hex:32}@o{digits:6}.ingest.sentry.io/{digits:7}"),
];

/// Variable, and the template of a value that is no secret.
const LOOK_ALIKES: &[(&str, &str)] = &[
    // Of the official images of Python, Node, nginx, Redis, Postgres, Go, PHP.
    ("GPG_KEY", "{HEX:40}"),
    ("GPG_KEYS", "{HEX:40} {HEX:40}"),
    ("NGINX_KEYS", "{HEX:40}"),
    ("PYTHON_SHA256", "{hex:64}"),
    ("PYTHON_VERSION", "3.12.4"),
    ("NODE_VERSION", "20.15.0"),
    ("YARN_VERSION", "1.22.22"),
    ("REDIS_DOWNLOAD_SHA", "{hex:64}"),
    ("REDIS_DOWNLOAD_URL", "http://download.redis.io/releases/redis-7.2.5.tar.gz"),
    ("GOTOOLCHAIN", "local"),
    ("PHP_SHA256", "{hex:64}"),
    ("PGDATA", "/var/lib/postgresql/data"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("JAVA_HOME", "/opt/java/openjdk"),
    ("LANG", "C.UTF-8"),
    ("GIT_COMMIT", "{hex:40}"),
    ("BUILD_ID", "{uuid}"),
    // Where the secret is, instead of the secret.
    ("POSTGRES_PASSWORD_FILE", "/run/secrets/postgres-password"),
    ("MARIADB_ROOT_PASSWORD_FILE", "/run/secrets/root"),
    ("SSL_KEY_FILE", "/etc/ssl/private/server.key"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "/var/secrets/google/key.json"),
    ("WEATHER_API_KEY", "${WEATHER_API_KEY}"),
    ("NEXTAUTH_SECRET", "op://prod/app/nextauth"),
    ("RDS_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-{alnum:6}"),
    ("KEYVAULT_PASSWORD", "@Microsoft.KeyVault(SecretUri=https://acme.vault.azure.net/secrets/db/)"),
    ("BROKER_URL", "amqp://${BROKER_USER}:${BROKER_PASS}@rabbit.acme.io/"),
    // Documented, or of the right shape only.
    ("DOC_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("DOC_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("STALE_GH_VALUE", "ghp_{alnum:30}000000"),
    ("REDIS_AUTH_PASSWORD", "changeme"),
    ("OTHER_API_KEY", "your-api-key-here"),
    ("PASSWORD_MIN_LENGTH", "12"),
    ("TOKEN_TTL", "3600"),
    ("SECRET_NAME", "prod-database"),
    ("AUTH_METHOD", "kubernetes"),
    ("PUBLIC_KEY", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{b64:43}"),
];

/// The image's variables, and the findings of them by name.
fn scan(seed: u64, options: &[&str]) -> (Value, BTreeMap<String, String>) {
    let mut image = Image::new().layer("COPY hello /", Changeset::new().file("hello", "world\n"));
    for ((name, template), at) in SECRETS.iter().chain(LOOK_ALIKES).zip(0..) {
        image = image.bare_env(&format!("{name}={}", fill(template, seed + at)));
    }
    let outcome = Imgscan::new()
        .args(["--format", "json", "docker-archive:image.tar"])
        .args(options)
        .file("image.tar", image.docker_archive("app:v1"))
        .run()
        .exits(1);
    for (template, at) in SECRETS.iter().map(|(_, template)| template).zip(0..) {
        assert!(!outcome.stdout.contains(&fill(template, seed + at)), "a secret was printed");
    }
    let report = outcome.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let named = |finding| places(finding).map(|place| (text(&place["location"]["name"]), text(&finding["rule"])));
    let found = findings(&report).iter().flat_map(named).collect();
    (report, found)
}

#[test]
fn secrets_are_found_and_look_alikes_are_not() {
    let mut problems = Vec::new();
    for seed in [1000, 2000, 3000] {
        let (report, found) = scan(seed, &["--min-confidence", "medium"]);
        problems.extend(SECRETS.iter().filter(|(name, _)| !found.contains_key(*name)).map(|(name, _)| format!("{seed} not found: {name}")));
        problems.extend(LOOK_ALIKES.iter().filter_map(|(name, _)| Some(format!("{seed} {name} is no {}", found.get(*name)?))));
        assert_eq!(report["images"][0]["suppressed"]["refuted"], 1, "the token with a wrong checksum is counted");
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_refuted_token_is_shown_on_request() {
    let (report, found) = scan(1000, &["--show-refuted"]);
    assert_eq!(found.get("STALE_GH_VALUE").map(String::as_str), Some("github-pat"));
    let finding = findings(&report).iter().find(|finding| finding["location"]["name"] == "STALE_GH_VALUE");
    let evidence = finding.map(|finding| finding["evidence"].to_string()).unwrap_or_default();
    assert!(evidence.contains("refuted: "), "{evidence}");
}

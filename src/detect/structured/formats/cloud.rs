//! The folders of clouds' and services' command lines.

use crate::detect::structured::{
    format::{Form, Format, Syntax, credential},
    lines,
};

/// AWS profiles. <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html>
pub(in crate::detect::structured) static AWS: Format = Format::new(
    "aws-credentials",
    &[".aws/credentials", ".aws/config", "aws/credentials", "aws_credentials", ".aws_credentials", "credentials.aws"],
    Syntax::JsonOrLines(lines::INI_EQUALS),
)
.credentials(&[
    credential("**/aws_secret_access_key", "aws-secret-access-key").beside(&[("access key", "aws_access_key_id")]),
    credential("**/aws_session_token", "aws-session-token").beside(&[("access key", "aws_access_key_id")]),
]);

/// What the AWS command line keeps of single sign-on and assumed roles.
pub(in crate::detect::structured) static AWS_CACHE: Format =
    Format::new("aws-cache", &[".aws/sso/cache/*.json", ".aws/cli/cache/*.json", ".aws/boto/cache/*.json"], Syntax::Json).credentials(&[
        credential("Credentials/SecretAccessKey", "aws-secret-access-key")
            .beside(&[("access key", "AccessKeyId"), ("expires", "Expiration")]),
        credential("Credentials/SessionToken", "aws-session-token").beside(&[("access key", "AccessKeyId"), ("expires", "Expiration")]),
        credential("accessToken", "aws-sso-token").beside(&[("start page", "startUrl"), ("expires", "expiresAt")]),
        credential("refreshToken", "aws-sso-token").beside(&[("start page", "startUrl")]),
        credential("clientSecret", "aws-sso-token").beside(&[("expires", "expiresAt")]),
    ]);

/// S3 tools: s3cmd, boto 2 and gsutil, MinIO's client.
pub(in crate::detect::structured) static S3_TOOLS: Format = Format::new(
    "s3-tools",
    &[".s3cfg", "s3cfg", ".boto", "boto.cfg", ".mc/config.json", ".mcli/config.json"],
    Syntax::JsonOrLines(lines::INI_EQUALS),
)
.credentials(&[
    credential("**/secret_key", "aws-secret-access-key").beside(&[("access key", "access_key")]),
    credential("**/aws_secret_access_key", "aws-secret-access-key").beside(&[("access key", "aws_access_key_id")]),
    credential("**/gs_secret_access_key", "google-hmac-secret").beside(&[("access key", "gs_access_key_id")]),
    credential("**/gs_oauth2_refresh_token", "google-oauth-refresh-token"),
    credential("**/gpg_passphrase", "s3-tools-secret"),
    credential("**/aliases/{alias}/secretKey", "s3-tools-secret").beside(&[("url", "url"), ("access key", "accessKey")]),
    credential("**/hosts/{alias}/secretKey", "s3-tools-secret").beside(&[("url", "url"), ("access key", "accessKey")]),
]);

/// <https://cloud.google.com/docs/authentication/application-default-credentials>. The client secret of the command line
/// itself is public, so only the refresh token counts.
pub(in crate::detect::structured) static GCLOUD: Format = Format::new(
    "gcloud",
    &["application_default_credentials.json", "adc.json", "legacy_credentials/**/*.json", "gcloud/*.json"],
    Syntax::Json,
)
.credentials(&[
    credential("**/refresh_token", "google-oauth-refresh-token").beside(&[("account", "account"), ("client", "client_id")]),
    credential("**/private_key", "google-service-account-key").beside(&[("account", "client_email"), ("project", "project_id")]),
]);

/// <https://cloud.google.com/iam/docs/keys-create-delete>, under any name.
pub(in crate::detect::structured) static GOOGLE_SERVICE_ACCOUNT: Format =
    Format::new("google-service-account", &["*.json", "*.json.*", "*service*account*", "*.key", "*credentials"], Syntax::Json)
        .sniff(&["\"service_account\""])
        .credentials(&[
            credential("**/private_key", "google-service-account-key").beside(&[("account", "client_email"), ("project", "project_id")])
        ]);

/// The Azure command line's caches. <https://learn.microsoft.com/cli/azure/msal-based-azure-cli>
pub(in crate::detect::structured) static AZURE: Format = Format::new(
    "azure-cli",
    &[
        "accessTokens.json",
        "msal_token_cache.json",
        "msal_http_cache.json",
        ".azure/*.json",
        "service_principal_entries.json",
        "azureauth.json",
    ],
    Syntax::Json,
)
.credentials(&[
    credential("RefreshToken/*/secret", "azure-refresh-token").beside(&[("client", "client_id")]),
    credential("AccessToken/*/secret", "azure-cli-access-token").beside(&[("client", "client_id"), ("tenant", "realm")]),
    credential("refreshToken", "azure-refresh-token").beside(&[("user", "userId")]),
    credential("accessToken", "azure-cli-access-token").beside(&[("user", "userId"), ("expires", "expiresOn")]),
    credential("**/client_secret", "azure-entra-client-secret-assigned").beside(&[("client", "client_id"), ("tenant", "tenant")]),
    credential("**/clientSecret", "azure-entra-client-secret-assigned").beside(&[("client", "clientId"), ("tenant", "tenantId")]),
]);

/// Terraform's state. <https://developer.hashicorp.com/terraform/language/state/sensitive-data>
pub(in crate::detect::structured) static TERRAFORM_STATE: Format =
    Format::new("terraform-state", &["*.tfstate", "*.tfstate.backup", "errored.tfstate"], Syntax::Json).credentials(&[
        credential("outputs/{output}/value", "terraform-state-secret").when("sensitive", &["true"]),
        credential("modules/outputs/{output}/value", "terraform-state-secret").when("sensitive", &["true"]),
        // Of a list, and of an object.
        credential("outputs/{output}/value", "terraform-state-secret").when_around("sensitive", &["true"]).form(Form::Unreadable),
        credential("outputs/{output}/value/**", "terraform-state-secret").when_around("sensitive", &["true"]).form(Form::Unreadable),
        credential("**/attributes/result", "terraform-state-secret").when_around("type", &["random_password"]),
        credential("**/attributes/*password", "terraform-state-secret"),
        credential("**/attributes/*private_key", "terraform-state-secret"),
        credential("**/attributes/private_key_*", "terraform-state-secret"),
        credential("**/attributes/secret", "terraform-state-secret"),
        credential("**/attributes/secret_string", "terraform-state-secret"),
        credential("**/attributes/secret_key", "terraform-state-secret"),
        credential("**/attributes/client_secret", "terraform-state-secret"),
        credential("**/attributes/*token", "terraform-state-secret"),
        credential("**/attributes/*_access_key", "terraform-state-secret"),
        credential("**/attributes/*connection_string", "terraform-state-secret"),
        credential("**/attributes/*api_key", "terraform-state-secret"),
        credential("**/attributes/ses_smtp_password_*", "terraform-state-secret"),
    ]);

/// <https://developer.hashicorp.com/terraform/cli/config/config-file#credentials-1>
pub(in crate::detect::structured) static TERRAFORM_LOGIN: Format =
    Format::new("terraform-login", &["credentials.tfrc.json", ".terraformrc", "terraform.rc"], Syntax::JsonOrLines(lines::HCL))
        .credentials(&[credential("credentials/{host}/token", "hashicorp-terraform-cloud-token")]);

/// `vault operator init`, as text or JSON. <https://developer.hashicorp.com/vault/docs/commands/operator/init>
pub(in crate::detect::structured) static VAULT_INIT: Format = Format::new(
    "vault-init",
    &["*vault*", "*init*", "*unseal*", "*key*", "*.txt", "*.log", "*.md", "*.out"],
    Syntax::JsonOrLines(lines::INI),
)
.sniff(&["Unseal Key 1:"])
.credentials(&[
    credential("Unseal Key*", "hashicorp-vault-unseal-key"),
    credential("Recovery Key*", "hashicorp-vault-unseal-key"),
    credential("Initial Root Token", "vault-root-token"),
]);

/// The same as JSON.
pub(in crate::detect::structured) static VAULT_INIT_JSON: Format =
    Format::new("vault-init-json", &["*.json", "*init*", "*vault*", "*.txt"], Syntax::Json).sniff(&["\"unseal_keys_"]).credentials(&[
        credential("unseal_keys_b64", "hashicorp-vault-unseal-key"),
        credential("unseal_keys_hex", "hashicorp-vault-unseal-key"),
        credential("recovery_keys_b64", "hashicorp-vault-unseal-key"),
        credential("root_token", "vault-root-token"),
    ]);

/// GitHub's command lines, old and new.
pub(in crate::detect::structured) static GITHUB_CLI: Format =
    Format::new("github-cli", &["gh/hosts.yml", "hub", ".config/hub"], Syntax::Yaml).credentials(&[
        credential("{host}/oauth_token", "github-cli-token").beside(&[("user", "user")]),
        credential("{host}/users/{user}/oauth_token", "github-cli-token"),
    ]);

/// Command lines whose file holds one token under a fixed key.
pub(in crate::detect::structured) static SERVICE_CLIS: Format = Format::new(
    "service-clis",
    &[
        "doctl/config.yaml",
        ".tugboat",
        ".circleci/cli.yml",
        ".fly/config.yml",
        ".config/fly/config.yml",
        "glab-cli/config.yml",
        ".netlify/config.json",
        "netlify/config.json",
        "com.vercel.cli/auth.json",
        ".vercel/auth.json",
        "railway/config.json",
        ".railway/config.json",
        ".pulumi/credentials.json",
        "hcloud/cli.toml",
        "linode-cli",
        ".config/linode-cli",
        "scw/config.yaml",
        ".ngrok2/ngrok.yml",
        "ngrok/ngrok.yml",
        ".sentryclirc",
        ".wrangler/config/default.toml",
        ".config/configstore/snyk.json",
        ".config/configstore/firebase-tools.json",
        ".jfrog/jfrog-cli.conf*",
        ".huggingface/stored_tokens",
        ".config/op/config",
        ".appcenter/tokens.json",
        ".expo/state.json",
        ".config/argocd/config",
        "argocd/config",
        ".config/stripe/config.toml",
        ".copilot/apps.json",
        "github-copilot/apps.json",
        "github-copilot/hosts.json",
    ],
    Syntax::JsonOrYaml,
)
.credentials(&[
    credential("access-token", "service-cli-token"),
    credential("auth-contexts/{context}", "service-cli-token"),
    credential("**/access_token", "service-cli-token").form(Form::Long),
    credential("**/accessToken", "service-cli-token").form(Form::Long),
    credential("**/refresh_token", "service-cli-token").form(Form::Long),
    credential("**/refreshToken", "service-cli-token").form(Form::Long),
    credential("**/api_key", "service-cli-token").form(Form::Long),
    credential("**/token", "service-cli-token").form(Form::Long),
    credential("**/auth-token", "service-cli-token").form(Form::Long),
    credential("**/authtoken", "service-cli-token").form(Form::Long),
    credential("**/secret_key", "service-cli-token").form(Form::Long),
    credential("**/secret-key", "service-cli-token").form(Form::Long),
    credential("**/oauth_token", "service-cli-token").form(Form::Long),
    credential("accessTokens/{url}", "service-cli-token").form(Form::Long),
]);

/// <https://docs.databricks.com/dev-tools/auth/config-profiles.html>
pub(in crate::detect::structured) static DATABRICKS: Format =
    Format::new("databricks-config", &[".databrickscfg", "databrickscfg"], Syntax::Lines(lines::INI_EQUALS)).credentials(&[
        credential("{profile}/token", "databricks-token").beside(&[("host", "host")]),
        credential("{profile}/client_secret", "databricks-oauth-secret").beside(&[("host", "host")]),
        credential("{profile}/password", "databricks-token").beside(&[("host", "host"), ("user", "username")]),
    ]);

/// <https://docs.snowflake.com/en/user-guide/snowsql-config>
pub(in crate::detect::structured) static SNOWFLAKE: Format = Format::new(
    "snowflake-config",
    &[".snowsql/config", "snowsql.cnf", "snowflake/connections.toml", "snowflake/config.toml"],
    Syntax::Lines(lines::TOML),
)
.credentials(&[credential("**/password", "snowflake-password").beside(&[
    ("account", "accountname"),
    ("account", "account"),
    ("user", "username"),
    ("user", "user"),
])]);

//! Files that are nothing but one credential.

use std::{borrow::Cow, ops::Range};

use super::{
    Detector, Field, Meaning, files,
    tree::{slice, trimmed},
};
use crate::detect::Hint;

/// Bytes of a binary file that stand for it.
const MOST: usize = 64 << 10;

/// A kind of file whose content is the credential.
pub(super) struct Whole {
    id: &'static str,
    files: &'static [&'static str],
    rule: &'static str,
    /// Whether the trimmed content looks like it.
    fits: fn(&[u8]) -> bool,
    evidence: &'static str,
}

/// <https://developer.hashicorp.com/vault/docs/commands/login>
pub(super) static VAULT_TOKEN: Whole = Whole {
    id: "vault-token",
    files: &[".vault-token", "vault-token", ".vault_token"],
    rule: "vault-token-file",
    fits: word,
    evidence: "token helper's file",
};
/// Rails' `config/master.key` and `config/credentials/*.key`.
pub(super) static RAILS_KEY: Whole = Whole {
    id: "rails-master-key",
    files: &["master.key", "config/credentials/*.key"],
    rule: "rails-master-key",
    fits: |text| matches!(text.len(), 32 | 64) && text.iter().all(u8::is_ascii_hexdigit),
    evidence: "opens credentials.yml.enc beside it",
};
/// Jenkins' `secrets/master.key`, 256 hex digits.
pub(super) static JENKINS_KEY: Whole = Whole {
    id: "jenkins-master-key",
    files: &[
        "secrets/master.key",
        "secrets/initialAdminPassword",
        "secrets/hudson.util.Secret",
        "secrets/slave-to-master-security-kill-switch",
    ],
    rule: "jenkins-master-key",
    fits: |text| text.len() >= 32 && text != b"false",
    evidence: "opens credentials.xml of the same Jenkins home",
};
/// <https://docs.ansible.com/ansible/latest/vault_guide/vault_managing_passwords.html>
pub(super) static ANSIBLE_VAULT_PASSWORD: Whole = Whole {
    id: "ansible-vault-password",
    files: &[
        ".vault_pass*",
        "vault_pass*",
        ".vault-pass*",
        "vault-password*",
        "vault_password*",
        ".vault_password*",
        ".ansible_vault*",
        "ansible-vault-pass*",
        "*.vault_pass",
    ],
    rule: "ansible-vault-password-file",
    fits: |text| word(text) && !text.starts_with(b"#!"),
    evidence: "opens the vaults of the same playbooks",
};
/// <https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken>
pub(super) static SERVICE_ACCOUNT: Whole = Whole {
    id: "service-account-token",
    files: &[
        "kubernetes.io/serviceaccount/token",
        "serviceaccount/token",
        "eks.amazonaws.com/serviceaccount/token",
        "azure/tokens/azure-identity-token",
    ],
    rule: "kubernetes-service-account-token-file",
    fits: word,
    evidence: "mounted token that was copied into the image",
};
/// <https://www.erlang.org/doc/system/distributed.html#security>: whoever has it runs code on every node.
pub(super) static ERLANG_COOKIE: Whole = Whole {
    id: "erlang-cookie",
    files: &[".erlang.cookie", "erlang.cookie"],
    rule: "erlang-cookie",
    fits: |text| word(text) && text.len() <= 255,
    evidence: "shared by all nodes of the cluster",
};
/// <https://docs.docker.com/engine/swarm/secrets/>
pub(super) static RUN_SECRETS: Whole = Whole {
    id: "run-secrets",
    files: &["run/secrets/*"],
    rule: "mounted-secret-file",
    fits: |text| !text.is_empty() && text.len() <= 4096 && std::str::from_utf8(text).is_ok() && !text.contains(&b'\n'),
    evidence: "mounted secret that was copied into the image",
};
/// Tokens that a tool keeps alone in a file.
pub(super) static TOKEN_FILES: Whole = Whole {
    id: "token-files",
    files: &[
        ".huggingface/token",
        "huggingface/token",
        ".kaggle/token",
        ".cursor/token",
        ".openai/api_key",
        ".anthropic/api_key",
        ".config/anthropic/api_key",
        ".dockerhub-token",
        ".github_token",
        ".gitlab_token",
        ".npm_token",
        ".api_key",
        ".apikey",
        ".pypi_token",
        ".slack_token",
        ".telegram_token",
        ".dropbox_uploader_token",
    ],
    rule: "token-file",
    fits: |text| word(text) && text.len() >= 16,
    evidence: "a file that holds nothing but a token",
};
/// Files in which systems and password managers keep credentials encrypted: GNOME Keyring, KWallet, KeePass, macOS Keychain,
/// pass, Firefox, Windows' vault.
pub(super) static KEYRING: Whole = Whole {
    id: "keyring",
    files: &[
        "*.keyring",
        ".local/share/keyrings/*",
        "*.kwl",
        "kwalletd/*",
        "*.kdbx",
        "*.kdb",
        "*.keychain",
        "*.keychain-db",
        ".password-store/**/*.gpg",
        "key4.db",
        "key3.db",
        "*.agilekeychain",
        "*.opvault",
        "*.1pif",
        "Microsoft/Credentials/*",
        "Microsoft/Protect/**/*",
        ".gnupg/private-keys-v1.d/*",
        ".gnupg/secring.gpg",
        "secring.gpg",
        "Login Data",
        "pwsafe.psafe3",
        "*.psafe3",
        ".bw/data.json",
        "Bitwarden CLI/data.json",
    ],
    rule: "keyring-file",
    fits: |text| text.len() >= 32 && !text.starts_with(b"<!DOCTYPE"),
    evidence: "opened by a pass phrase that can be guessed offline, or by a key that is often beside it",
};
/// <https://github.com/99designs/aws-vault#vaulting-backends>: one JWE for each key.
pub(super) static AWS_VAULT: Whole = Whole {
    id: "aws-vault",
    files: &[".awsvault/keys/*", "awsvault/keys/*"],
    rule: "aws-vault-key-file",
    fits: |text| text.starts_with(b"eyJ") && memchr::memchr_iter(b'.', text).count() == 4,
    evidence: "encrypted with a pass phrase that can be guessed offline",
};
/// <https://web.mit.edu/kerberos/krb5-latest/doc/formats/keytab_file_format.html>
pub(super) static KEYTAB: Whole = Whole {
    id: "keytab",
    files: &["*.keytab", "krb5.keytab", "*.ktab"],
    rule: "kerberos-keytab",
    fits: |text| matches!(text, [5, 1 | 2, ..]) && text.len() > 16,
    evidence: "long-term key of a Kerberos principal",
};

/// A directory of variables: each file is named as its variable and holds the value. `envdir` of daemontools, s6-overlay's
/// `container_environment` (<https://github.com/just-containers/s6-overlay#container-environment>).
pub(super) struct Envdir;

impl Detector for Envdir {
    fn id(&self) -> &'static str {
        "envdir"
    }

    fn files(&self) -> &'static [&'static str] {
        &["container_environment/*", "envdir/*", "cont-env.d/*"]
    }

    fn find(&self, text: &[u8], hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let span = trimmed(text, 0..text.len());
        let (_, name) = files::split(hint.path);
        let (name, value) = (Cow::Borrowed(name), Cow::Borrowed(slice(text, span.clone())));
        if !value.contains(&b'\n') {
            emit(Field { name, value, span, meaning: Meaning::Value, evidence: Vec::new() });
        }
    }
}

impl Detector for Whole {
    fn id(&self) -> &'static str {
        self.id
    }

    fn files(&self) -> &'static [&'static str] {
        self.files
    }

    fn find(&self, text: &[u8], _hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        // A blank at the end of a line is none of the credential's, a byte of a key that looks like one is.
        let binary = text.iter().take(MOST).any(|b| !b.is_ascii());
        let span: Range<usize> = if binary { 0..text.len() } else { trimmed(text, 0..text.len()) };
        let value = slice(text, span.start..span.end.min(span.start + MOST));
        if !value.is_empty() && (self.fits)(value) {
            let span = span.start..span.start + value.len();
            let meaning = Meaning::Credential { rule: self.rule };
            emit(Field { name: Cow::Borrowed(""), value: Cow::Borrowed(value), span, meaning, evidence: vec![self.evidence.to_owned()] });
        }
    }
}

/// One printable word.
fn word(text: &[u8]) -> bool {
    (4..=8192).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic)
}

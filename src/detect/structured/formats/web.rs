//! Web frameworks, application servers, CI servers.

use crate::detect::structured::{
    AI_SESSION,
    format::{Credential, Form, Format, Syntax, credential},
    lines,
    obscured::Tool,
};

/// Rails. <https://guides.rubyonrails.org/security.html#custom-credentials>
pub(in crate::detect::structured) static RAILS: Format =
    Format::new("rails-secrets", &["secrets.yml", "secrets.yaml", "config/secrets*"], Syntax::Yaml).credentials(&[
        credential("**/secret_key_base", "rails-secret-key-base").form(Form::Long),
        credential("secret_key_base", "rails-secret-key-base").form(Form::Long),
        credential("**/secret_token", "rails-secret-key-base").form(Form::Long),
    ]);

/// Jenkins. <https://www.jenkins.io/doc/developer/security/secrets/>
pub(in crate::detect::structured) static JENKINS: Format =
    Format::new("jenkins-credentials", &["credentials.xml"], Syntax::Xml).sniff(&["<"]).credentials(&[
        credential("**/password", "jenkins-credential").beside(&[("id", "id"), ("user", "username")]),
        credential("**/privateKey", "jenkins-credential").beside(&[("id", "id"), ("user", "username")]),
        credential("**/passphrase", "jenkins-credential").beside(&[("id", "id"), ("user", "username")]),
        credential("**/apiToken", "jenkins-credential").beside(&[("id", "id")]),
        credential("**/secret", "jenkins-credential").beside(&[("id", "id")]),
        credential("**/secretBytes", "jenkins-credential").beside(&[("id", "id"), ("file", "fileName")]),
        credential("**/secretKey", "jenkins-credential").beside(&[("id", "id"), ("access key", "accessKey")]),
    ]);

/// <https://tomcat.apache.org/tomcat-10.1-doc/realm-howto.html>
pub(in crate::detect::structured) static TOMCAT: Format =
    Format::new("tomcat-users", &["tomcat-users.xml"], Syntax::Xml).credentials(&[credential(
        "tomcat-users/user/password",
        "tomcat-user-password",
    )
    .beside(&[("user", "username"), ("user", "name"), ("roles", "roles")])]);

/// Traefik's static and dynamic configuration. <https://doc.traefik.io/traefik/middlewares/http/basicauth/>
pub(in crate::detect::structured) static TRAEFIK: Format = Format::new(
    "traefik",
    &["traefik*.yml", "traefik*.yaml", "traefik/**/*.yml", "traefik/**/*.yaml", "dynamic*.yml", "dynamic*.yaml", "middlewares.y*ml"],
    Syntax::Yaml,
)
.credentials(TRAEFIK_USERS);

/// The same in TOML.
pub(in crate::detect::structured) static TRAEFIK_TOML: Format =
    Format::new("traefik-toml", &["traefik*.toml", "traefik/**/*.toml", "dynamic*.toml", "middlewares.toml"], Syntax::Lines(lines::TOML))
        .credentials(TRAEFIK_USERS);

const TRAEFIK_USERS: &[Credential] = &[
    credential("**/basicAuth/users", "htpasswd-hash").form(Form::AfterColon),
    credential("**/digestAuth/users", "htpasswd-hash").form(Form::AfterLastColon),
    // The first version's.
    credential("**/auth/basic/users", "htpasswd-hash").form(Form::AfterColon),
];

/// Windows' answer files. <https://learn.microsoft.com/windows-hardware/manufacture/desktop/update-windows-settings-and-scripts-create-your-own-answer-file-sxs>
pub(in crate::detect::structured) static UNATTEND: Format =
    Format::new("unattend", &["unattend.xml", "autounattend.xml", "sysprep.xml", "*unattend*.xml"], Syntax::Xml).credentials(&[
        credential("**/Password/Value", "unattend-password")
            .form(Form::Obscured(Tool::Unattend))
            .beside(&[("user", "Username"), ("user", "Name")]),
        credential("**/AdministratorPassword/Value", "unattend-password").form(Form::Obscured(Tool::Unattend)),
        credential("**/Credentials/Password", "unattend-password").beside(&[("user", "Username"), ("domain", "Domain")]),
    ]);

/// cloud-init. <https://cloudinit.readthedocs.io/en/latest/reference/modules.html#set-passwords>
pub(in crate::detect::structured) static CLOUD_INIT: Format = Format::new(
    "cloud-init",
    &["user-data", "user-data.*", "cloud.cfg", "cloud-config*", "cloud.cfg.d/*", "*.yaml", "*.yml", "*.cfg", "*.txt"],
    Syntax::Yaml,
)
.sniff(&["#cloud-config"])
.credentials(&[
    credential("chpasswd/list", "cloud-init-password").form(Form::PairLines),
    credential("chpasswd/users/password", "cloud-init-password").beside(&[("user", "name")]),
    credential("password", "cloud-init-password"),
    credential("users/plain_text_passwd", "cloud-init-password").beside(&[("user", "name")]),
    credential("users/passwd", "cloud-init-password").form(Form::Noted("password hash")).beside(&[("user", "name")]),
    credential("users/hashed_passwd", "cloud-init-password").form(Form::Noted("password hash")).beside(&[("user", "name")]),
]);

/// Mail clients and relays: msmtp, esmtp, ssmtp, mutt, fetchmail and their kin.
pub(in crate::detect::structured) static MAIL: Format = Format::new(
    "mail-clients",
    &[
        ".msmtprc",
        "msmtprc",
        ".esmtprc",
        "esmtprc",
        "ssmtp.conf",
        "revaliases",
        ".muttrc",
        "muttrc",
        ".mutt/*",
        "mutt/muttrc",
        "neomuttrc",
        ".getmailrc",
        "getmailrc",
        ".offlineimaprc",
        ".mbsyncrc",
        "nail.rc",
        ".mailrc",
    ],
    Syntax::Lines(lines::SPACED),
)
.credentials(&[
    credential("**/password", "mail-password").beside(&[("host", "host"), ("host", "hostname"), ("user", "user"), ("user", "username")]),
    credential("**/pass", "mail-password").beside(&[("host", "host"), ("user", "user")]),
    credential("**/remotepass", "mail-password").beside(&[("host", "remotehost"), ("user", "remoteuser")]),
    credential("AuthPass", "mail-password").beside(&[("host", "mailhub"), ("user", "AuthUser")]),
    credential("*_pass", "mail-password").beside(&[("user", "imap_user"), ("url", "smtp_url")]),
    credential("smtp_url", "mail-password").form(Form::Url),
    credential("smtp-auth-password", "mail-password").beside(&[("host", "smtp"), ("user", "smtp-auth-user")]),
]);

/// Postfix's relay passwords: `[host]:587 user:password`.
pub(in crate::detect::structured) static POSTFIX: Format = Format::new(
    "postfix-sasl",
    &["sasl_passwd", "sasl/passwd", "sasl_password"],
    Syntax::Lines(lines::SPACED),
)
.credentials(&[credential("{host}", "mail-password").form(Form::AfterColon)]);

/// Wireless and VPN secrets of wpa_supplicant, hostapd and NetworkManager.
pub(in crate::detect::structured) static NETWORKS: Format = Format::new(
    "network-secrets",
    &["wpa_supplicant*.conf", "hostapd*.conf", "*.nmconnection", "system-connections/*"],
    Syntax::Lines(lines::INI_EQUALS),
)
.credentials(&[
    credential("**/psk", "network-secret").beside(&[("network", "ssid"), ("network", "id")]),
    credential("psk", "network-secret").beside(&[("network", "ssid")]),
    credential("wpa_passphrase", "network-secret").beside(&[("network", "ssid")]),
    credential("**/sae_password", "network-secret"),
    credential("password", "network-secret").beside(&[("network", "ssid"), ("user", "identity")]),
    credential("802-1x/password", "network-secret").beside(&[("user", "identity")]),
    credential("vpn-secrets/{name}", "network-secret"),
    credential("wireguard/private-key", "network-secret"),
]);

/// sssd-ldap(5).
pub(in crate::detect::structured) static SSSD: Format = Format::new(
    "sssd",
    &["sssd.conf", "sssd/conf.d/*.conf"],
    Syntax::Lines(lines::INI_EQUALS),
)
.credentials(&[credential("**/ldap_default_authtok", "ldap-bindpw").beside(&[("user", "ldap_default_bind_dn")])]);

/// opencode's keys and sessions of providers. <https://opencode.ai/docs/providers/#credentials>
pub(in crate::detect::structured) static OPENCODE: Format = Format::new("opencode-auth", &["opencode/auth.json"], Syntax::Json)
    .credentials(&[
        credential("{provider}/refresh", "ai-tool-session"),
        credential("{provider}/access", "ai-tool-session"),
        credential("{provider}/key", "ai-tool-session"),
    ]);

/// Voice servers: Ventrilo, Mumble.
pub(in crate::detect::structured) static VOICE: Format = Format::new(
    "voice-servers",
    &["ventrilo_srv.ini", "murmur.ini", "mumble-server.ini", "mumble-server/*.ini"],
    Syntax::Lines(lines::INI_EQUALS),
)
.credentials(&[
    credential("**/AdminPassword", "voice-server-password"),
    credential("**/Password", "voice-server-password"),
    credential("**/serverpassword", "voice-server-password"),
    credential("**/icesecretwrite", "voice-server-password"),
    credential("**/icesecretread", "voice-server-password"),
    credential("**/dbPassword", "voice-server-password"),
]);

/// AI assistants' logs and chats: what was pasted into a conversation stays in them.
pub(in crate::detect::structured) static AI_SESSIONS: Format = Format::new(
    "ai-session",
    &[
        ".claude/projects/**/*.jsonl",
        ".claude/history.jsonl",
        ".codex/sessions/**/*.jsonl",
        ".codex/history.jsonl",
        ".codex/*.json",
        "conversations.json",
        ".gemini/tmp/**/*.json",
        ".continue/sessions/**/*.json",
        ".cursor/chats/**/*",
        "chat_history.json",
        ".cline/**/*.json",
        "saoudrizwan.claude-dev/**/*.json",
        "tasks/**/api_conversation_history.json",
        ".llm/*.json",
        "opencode/storage/**/*.json",
    ],
    Syntax::Json,
)
.noted(AI_SESSION);
